"""Measure how studies scale: writes storage.csv and throughput.csv into studies/scale/.

    measure_scale.py           measures what the tables lack, about ten minutes
    measure_scale.py --again   measures everything anew
    measure_scale.py --try     measures little, prints it, writes nothing

It starts a PostgreSQL server of its own. The rows are trained on the built-in sample.
"""

import argparse
import contextlib
import functools
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from helpers import data, models, preflight, studies, training
from helpers.internals import files
from helpers.studies import storage, workers

import optuna
import pandas as pd
import psutil
import psycopg
import sqlalchemy

NOTEBOOKS = Path(__file__).parents[1]

WAIT = 1.0
"""Seconds that a row waits which stands for one on another computer."""

ROWS = {"computes": 8, "waits": 16}

MACHINE = preflight.machine()
SPAWN = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork

# --- throughput: rows a minute with 1, 2 and 4 workers


def computes(number):
    """A row that needs the processor: a small network on 1,000 images."""
    return models.first_cnn(), {}


def waits(number):
    """A row that needs only time; `wait` takes the place of its training."""
    return models.dense_ann((1,)), {}


def plan(row, folder, rows):
    """The study that is measured."""
    recipe = {"computes": computes, "waits": waits}[row]
    numbers = list(range(rows))
    return studies.Plan(
        "scale", {"number": numbers}, recipe, 1, images=1_000, seeds=(1,), folder=folder
    )


@functools.wraps(training.fit)  # its options count in a configuration
def wait(model, split, validation, *, epochs, callbacks, verbose):
    """Like `training.fit` on another computer: nothing happens here for a while."""
    time.sleep(WAIT)
    figures = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5}
    for callback in callbacks:
        callback.set_params({"epochs": epochs})
        callback.set_model(model)
        callback.on_epoch_end(0, figures)
    curves = [[figure] for figure in figures.values()]
    return training.History(*curves, seconds=WAIT, images=len(split), batch_size=128)


def prepare(barriers):
    """Make a process ready before the clock starts: everything imported, images loaded."""
    prepare.barriers, prepare.fit = barriers, training.fit
    data.load("mnist")
    studies.rerun(plan("computes", Path(), 1), seed=1, number=0)


def work(row, folder, rows, storage, count):
    """One worker of so many: start with the others. Returns: when it started and ended."""
    training.fit = wait if row == "waits" else prepare.fit
    study = plan(row, Path(folder), rows)
    prepare.barriers[count].wait()
    began = time.time()
    studies.run(study, storage)
    return began, time.time()


def throughput(pool, url, kind, row, count):
    """Let so many workers share a study. Returns: a line of the table."""
    rows = ROWS[row]
    with tempfile.TemporaryDirectory() as folder:
        names = ["shared"] * count if kind == "journal" else list("abcd"[:count])
        shared = None if kind == "journal" else database(url)
        tasks = [(row, str(Path(folder, name)), rows, shared, count) for name in names]
        study = plan(row, Path(folder, names[0]), rows)
        # The tables of the database are made before the clock starts.
        found = storage.connect(study.study_name, shared, study.journal)
        times = pool.starmap(work, tasks, chunksize=1)
        trials = found.get_trials(deepcopy=False)
        finished = Counter(trial.user_attrs["row"] for trial in workers.finished(found))
    if finished != Counter(list(study.rows)):
        raise RuntimeError(f"expected every row once, found {finished}")
    seconds = max(end for _, end in times) - min(began for began, _ in times)
    figures = {"rows": rows, "seconds": round(seconds, 2), "trials": len(trials)}
    return figures | {"rows_per_minute": round(60 * rows / seconds, 1)}


def database(url):
    """The URL of a fresh, empty database."""
    name = f"scale_{time.time_ns()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return url.replace("/postgres", f"/{name}")


# --- storage: what each step of a row asks of it

STEPS = ("join", "take", "epoch", "finish", "table")


class Meter:
    """Counts statements and transactions, and takes the time of what is done under `step`."""

    def __init__(self, study):
        self.statements = self.transactions = 0
        self.figures = []
        backend = getattr(study._storage, "_backend", None)
        self.engine = getattr(backend, "engine", None)  # a journal has none
        if self.engine is not None:
            sqlalchemy.event.listen(self.engine, "before_cursor_execute", self._statement)
            sqlalchemy.event.listen(self.engine, "begin", self._transaction)

    def _statement(self, *event):
        self.statements += 1

    def _transaction(self, connection):
        self.transactions += 1

    @contextlib.contextmanager
    def step(self, name):
        before, began = (self.statements, self.transactions), time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        counts = (self.statements - before[0], self.transactions - before[1])
        self.figures.append((name, *counts, 1000 * seconds))

    def server(self):
        """Seconds of processor time that the server has spent on this connection so far."""
        if self.engine is None:
            return 0.0
        with self.engine.connect() as connection:
            process = connection.execute(sqlalchemy.text("SELECT pg_backend_pid()")).scalar()
        times = psutil.Process(process).cpu_times()
        return times.user + times.system


def fill(study, finished, running):
    """Put so many finished rows, and rows in work on other computers, into a storage."""
    for number in range(finished):
        result = {"row": f"number={number} seed=1", "state": "complete", "accuracy": 0.5}
        trial = optuna.trial.create_trial(value=0.5, user_attrs=_attributes(result, number))
        study.add_trial(trial)
    for number in range(running):
        trial = optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            user_attrs=_attributes({"row": f"running {number}"}, number),
        )
        study.add_trial(trial)


def _attributes(result, number):
    return {"row": result["row"], "worker": [f"computer {number}", 0.0], "result": result}


def one_row(worker, meter):
    """What `studies.run` asks of the storage for a row of one epoch."""
    with meter.step("take"):
        trial = worker.take()
        row = trial.user_attrs["row"]
    report = workers.ReportEpochs(trial)
    report.set_params({"epochs": 1})
    with meter.step("epoch"):
        report.on_epoch_end(0, {"loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5})
    with meter.step("finish"):
        workers.finish(worker.study, trial, {"row": row, "state": "complete", "accuracy": 0.5})
    with meter.step("table"):
        workers.finished(worker.study)
        workers.finished(worker.study)  # again, to show how many there are


def measured_storage(url, kind, finished, running, rows):
    """Lines of the table: each step of a row, and the whole row, at this size of a study."""
    workers.PATIENCE = 3600  # the rows in work elsewhere are made up: none gives a sign
    with tempfile.TemporaryDirectory() as folder:
        journal, shared = Path(folder, "scale.journal"), None if kind == "journal" else url
        fill(storage.connect("scale", shared, journal), finished, running)
        study = storage.connect("scale", shared, journal)  # a worker that comes later
        meter = Meter(study)
        with meter.step("join"):
            study.get_trials(deepcopy=False)
        planned = {f"new {number}": {"number": number} for number in range(rows)}
        worker, before = workers.Worker(study, planned), meter.server()
        for _ in range(rows):
            one_row(worker, meter)
        spent = 1000 * (meter.server() - before) / rows
    return summary(meter.figures, spent)


def summary(figures, server):
    """Median figures of each step, and their sum over the steps of a row: list of lines.

    figures: list of (step, statements, transactions, milliseconds). server: milliseconds a row.
    """
    lines = []
    for step in STEPS:
        columns = zip(*(figure[1:] for figure in figures if figure[0] == step), strict=True)
        statements, transactions, milliseconds = map(statistics.median, columns)
        lines.append((step, statements, transactions, milliseconds))
    row = [round(sum(column), 2) for column in zip(*(line[1:] for line in lines[1:]), strict=True)]
    lines.append(("row", *row))
    names = ("step", "statements", "transactions", "milliseconds")
    tables = [dict(zip(names, (*line[:3], round(line[3], 2)), strict=True)) for line in lines]
    return [t | {"server_milliseconds": round(server, 2) * (t["step"] == "row")} for t in tables]


# --- the tables

KINDS = ("postgresql", "journal")
THROUGHPUT = [
    {"storage": kind, "row": row, "workers": count, "repeat": repeat}
    for repeat in (1, 2, 3)
    for row in ("computes", "waits")
    for kind in KINDS
    for count in (1, 2, 4)
]
SIZES = ((0, 0), (100, 0), (1_000, 0), (1_000, 100), (1_000, 1_000))
STORAGE = [
    {"storage": kind, "finished": finished, "running": running}
    for kind in KINDS
    for finished, running in SIZES
]


def measure(path, settings, function, write):
    """Add the lines of each setting that a table lacks, as soon as they are measured."""
    table = pd.read_csv(path) if write and path.exists() else pd.DataFrame()
    for setting in settings:
        if len(table) and (table[list(setting)] == pd.Series(setting)).all(axis=1).any():
            continue
        lines = function(setting)
        lines = [setting | line | {"machine": MACHINE} for line in lines]
        print(pd.DataFrame(lines).to_string(index=False), flush=True)
        table = pd.concat([table, pd.DataFrame(lines)])
        if write:
            with files.whole(path) as part:
                table.to_csv(part, index=False)


def main(folder=NOTEBOOKS / "studies" / "scale"):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--again", action="store_true", help="measure everything anew")
    parser.add_argument("--try", action="store_true", dest="little", help="little, kept nowhere")
    chosen = parser.parse_args()
    sys.path.insert(0, str(NOTEBOOKS.parent / "tests" / "tools"))
    import postgres

    if postgres.MISSING:
        parser.error(postgres.MISSING)
    os.environ |= {"COURSE_DATA": "sample", "TQDM_DISABLE": "1"}  # the workers' too
    paths = [folder / "storage.csv", folder / "throughput.csv"]
    for path in paths if chosen.again else []:
        path.unlink(missing_ok=True)
    sizes, shares = (STORAGE[::5], THROUGHPUT[:12]) if chosen.little else (STORAGE, THROUGHPUT)
    barriers = {count: SPAWN.Barrier(count) for count in (1, 2, 4)}
    with postgres.server() as url:
        measure(
            paths[0],
            sizes,
            lambda s: measured_storage(database(url), *s.values(), rows=10 if s["running"] else 30),
            not chosen.little,
        )
        with SPAWN.Pool(4, prepare, (barriers,)) as pool:
            measure(
                paths[1],
                shares,
                lambda s: [throughput(pool, url, s["storage"], s["row"], s["workers"])],
                not chosen.little,
            )


if __name__ == "__main__":
    main()
