"""Run a study: train the rows that its table lacks, read the table, train one row again."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

from helpers import course, data, evaluation, preflight, training
from helpers.archives import download
from helpers.internals import tiers
from helpers.internals.backend import keras
from helpers.studies import workers
from helpers.studies.networks import Networks
from helpers.studies.plan import Plan
from helpers.studies.storage import RowLost, StorageGone, connect
from helpers.studies.table import CURVES, Table, WrongColumns
from helpers.studies.workers import ReportEpochs

import numpy as np
import optuna
import pandas as pd
from sklearn.model_selection import StratifiedKFold
from tqdm import tqdm


def load(plan: Plan) -> pd.DataFrame:
    """The committed table of a study, the same in both tiers.

    Prints, line by line, what doesn't fit the plan and is left out, and how many rows are missing.

    Args:
        plan: of the study.

    Returns:
        One line a row of the study: factors, seed, state ("complete", "pruned" or "nan"), accuracy
        and loss on the validation images after the last epoch, trained_epochs, seconds,
        trained_images, parameters, tier, data, versions, machine, four curves, lists of a float an
        epoch, and the cost where the plan has one.

    Raises:
        FileNotFoundError: there is no table.

    Taught in notebook 03.
    """
    if not plan.path.exists():
        raise FileNotFoundError(
            f"expected the table {plan.path.name} of study {plan.name!r}, found none in the folder "
            f"{plan.path.parent.name!r}. Run it: {plan.how_to_run}"
        )
    table = Table(plan)
    good, bad = table.read_rows()
    for line in bad:
        print(line.problem)
    if len(good) < len(plan.rows):
        missing = f"{len(plan.rows) - len(good)} of {len(plan.rows)} rows are missing"
        print(f"{plan.path.name}: {missing}; run them: {plan.how_to_run}")
    return table.frame(good)


def run(plan: Plan, storage: str | None = None) -> pd.DataFrame:
    """Train the rows that a study lacks, and write each into its table as soon as it is done.

    Kill it at any moment and start it again: no finished row is lost or trained twice. Start it in
    several processes and they share the rows. The quick tier trains two settings from two seeds
    and keeps them apart.

    Args:
        plan: of the study.
        storage: an Optuna URL, for workers on several machines; None is a journal file.

    Returns:
        As `load` returns it. What doesn't fit the plan, and a row whose setting raises an error, is
        reported and left out; the other rows go on.

    Raises:
        StorageGone: the storage cannot be reached.
        WrongColumns: the table has others than the plan.

    Taught in notebooks 10 and 24.
    """
    if course.tier() == "quick":
        asked, plan = plan, plan.quick()
        tiers.say(f"{len(plan.rows)} of {len(asked.rows)} rows of {plan.name}")
    table = Table(plan)
    good, bad = table.read_rows()
    for line in bad:
        print(line.problem, file=sys.stderr)
    study = connect(plan.study_name, storage, plan.journal, plan.prune)
    workers.restore(study, good.values(), {} if plan.sampler == "grid" else plan.factors)
    record = _Record(study, table, Networks(plan))
    record.collect()
    spoilt = {line.row for line in bad}
    rows = {key: row for key, row in plan.rows.items() if key not in spoilt}
    with workers.Worker(study, rows) as worker:
        _work(plan, worker, record)
    record.collect()  # also what a killed worker had just done
    return table.frame(table.read_rows()[0])


@dataclass(frozen=True)
class _Record:
    """Where finished rows go: the storage, the table, the networks that are kept."""

    study: optuna.Study
    table: Table
    networks: Networks

    def collect(self) -> set[int]:
        """Bring what the storage knows into the table, and keep the networks of rows won here.

        Returns the numbers of the trials that finished a row.
        """
        trials = workers.finished(self.study)
        known = [trial.user_attrs for trial in trials]
        self.networks.publish((one["row"], one["worker"][0]) for one in known if "worker" in one)
        self.table.add_rows(one["result"] for one in known)
        return {trial.number for trial in trials}

    def store(self, worker: str, trial: optuna.Trial, result: dict) -> bool:
        """Store a row's result; in the table too, whatever becomes of the storage.

        Returns whether it counts: not where another worker has the row.
        """
        row = result["row"]
        try:
            workers.finish(self.study, trial, result)
            is_won = trial.number in self.collect()
        except StorageGone:
            self.networks.publish([(row, worker)])
            self.table.add_rows([result])
            raise
        if not is_won:
            self.networks.discard(row, worker)
        return is_won


def _work(plan: Plan, worker: workers.Worker, record: _Record) -> None:
    """Take rows and train them until none is left; says at once what goes wrong with one."""
    study = worker.study
    with tqdm(total=len(plan.rows), desc=plan.name, unit="row") as bar:

        def show() -> None:
            bar.n = len({trial.user_attrs["row"] for trial in workers.finished(study)})
            bar.refresh()

        show()
        while trial := worker.take(show):
            row = trial.user_attrs["row"]
            try:
                with worker.heartbeat(trial):
                    setting, seed = _setting(plan, study, trial)
                    result, model = _train(plan, row, setting, seed, ReportEpochs(trial))
                    record.networks.stage(row, worker.id, model)
            except StorageGone:
                raise
            except RowLost:
                is_won = False
            except BaseException as error:
                workers.fail(study, trial)
                if not isinstance(error, Exception):  # Ctrl-C: the row is given back
                    raise
                problem = f"{plan.name}, row {row}: {type(error).__name__}: {error}"
                bar.write(f"{problem}; the next run tries it again", file=sys.stderr)
                del worker.rows[row]
                continue
            else:
                is_won = record.store(worker.id, trial, result)
            if not is_won:
                silent = f"this worker gave no sign of life for {workers.PATIENCE} s"
                problem = f"{plan.name}, row {row}: {silent}; another one has the row"
                bar.write(problem, file=sys.stderr)
            show()


def _setting(plan: Plan, study: optuna.Study, trial: optuna.Trial) -> tuple[dict, int]:
    """The setting and the seed of a trial: planned, or chosen by the sampler."""
    row = dict(plan.rows[trial.user_attrs["row"]])
    if plan.sampler == "grid":
        return {name: row[name] for name in plan.factors}, row["seed"]
    number = list(plan.rows).index(trial.user_attrs["row"])
    chosen_by = 1000 * plan.seeds[0] + number
    return workers.suggest(study, trial, plan.factors, plan.sampler, chosen_by), plan.seeds[0]


def _train(
    plan: Plan, row: str, setting: dict, seed: int, report: ReportEpochs
) -> tuple[dict, keras.Model]:
    """Train one setting from one seed; returns its line of the table, and the model."""
    keras.utils.set_random_seed(seed)
    model, options = plan.recipe(**setting)
    epochs, images = options.pop("epochs", plan.epochs), options.pop("images", plan.images)
    if start := options.pop("start", None):
        model = start(model)
    callbacks = [*options.pop("callbacks", ()), report]
    split, validation = parts(plan, images, options.pop("fold", None))
    if more := options.pop("more", None):
        split = more(split, validation)
    judged_as = options.pop("judged_as", None)
    if targets := options.pop("targets", None):
        options["targets"] = targets(split)
    each_epoch = None if plan.judged_once else validation
    history = training.fit(
        model, split, each_epoch, epochs=epochs, verbose=False, callbacks=callbacks, **options
    )
    if plan.judged_once:
        model = judged_as(model) if judged_as else model
        judged = evaluation.evaluate(model, validation, data.CLASSES[plan.data])
        history = replace(history, val_loss=[judged.loss], val_accuracy=[judged.accuracy])
    backend = keras.backend.backend()
    curves = (history.loss, history.accuracy, history.val_loss, history.val_accuracy)
    line = {
        "study": plan.name,
        "configuration": plan.configuration_hash(setting),
        "row": row,
        **setting,
        "seed": seed,
        "state": report.state,
        "accuracy": history.val_accuracy[-1],
        "loss": history.val_loss[-1],
        "trained_epochs": history.epochs,
        "seconds": history.seconds,
        "trained_images": history.images,
        "parameters": model.count_params(),
        **({"cost": plan.cost(model)} if plan.cost else {}),
        "tier": course.tier(),
        "data": plan.data,
        "versions": f"keras {keras.__version__} {backend} {version(backend)}",
        "machine": preflight.machine(),
        **dict(zip(CURVES, map(list, curves), strict=True)),
    }
    return Table(plan).rounded(line), model


def parts(
    plan: Plan, images: int, fold: tuple[int, int] | None = None
) -> tuple[data.Split, data.Split]:
    """The images that a row trains on, and those that it is validated on.

    Args:
        plan: of the study.
        images: how many, the first in an order drawn once and for all.
        fold: None, or (number, folds): validate on this part of the images, train on the others.

    Returns:
        Two Splits; the second is the test images where the plan is final.

    Taught in notebook 25.
    """
    dataset = data.load(plan.data)
    dataset = dataset if fold or plan.final else dataset.with_validation()
    order = np.random.default_rng(0).permutation(len(dataset.train))
    chosen = dataset.train[np.sort(order[:images])]
    if fold is None:
        return chosen, dataset.test if plan.final else dataset.validation
    number, folds = fold
    splitter = StratifiedKFold(folds, shuffle=True, random_state=0)
    train, rest = list(splitter.split(chosen.labels, chosen.labels))[number - 1]
    return chosen[train], chosen[rest]


def rerun(plan: Plan, seed: int, **setting: object) -> pd.Series:
    """Train one row of a study again, now; nothing is written.

    Args:
        plan: of the study.
        seed: of the row; another one makes one more run of the setting.
        **setting: of the row, such as kernel=3.

    Returns:
        The columns of `load`, equal to the row's on the same machine, but for the seconds.

    Raises:
        ValueError: the study has no such setting.

    Taught in notebook 03.
    """
    is_grid = plan.sampler == "grid"
    if setting not in plan.settings if is_grid else setting.keys() != plan.factors.keys():
        raise ValueError(
            f"study {plan.name!r} has no setting {setting}; expected a value for each factor, of "
            f"{plan.factors}."
        )
    row = " ".join(f"{name}={value}" for name, value in {**setting, "seed": seed}.items())
    return pd.Series(_train(plan, row, setting, seed, ReportEpochs())[0])


def command(plans: Sequence[Plan], arguments: Sequence[str] | None = None) -> None:
    """The command of the studies: list them, or train the rows they lack.

    Ends the process with status 1 where a storage is gone or a table's columns are not its plan's;
    the other studies go on.

    Args:
        plans: those that may be named.
        arguments: the words of the command line; None takes those of the process.
    """
    names = [plan.name for plan in plans]
    parser = argparse.ArgumentParser(description="Train the rows that the studies lack.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--storage", help="Optuna URL that several machines share")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.names) - set(names)
    if unknown:
        parser.error(f"found no study {', '.join(unknown)}; expected {', '.join(names)}")
    if download.source() == "sample":
        parser.error(
            "COURSE_DATA is 'sample'; expected real data, as the tables are kept: unset it"
        )
    failed = []
    for plan in plans:
        if not chosen.names or plan.name in chosen.names:
            try:
                run(plan, chosen.storage)
            except (StorageGone, WrongColumns) as error:
                failed.append(f"{plan.name}: {error}")
    if failed:
        sys.exit("\n".join(failed))
