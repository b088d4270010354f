"""Workers share the rows of a study, each exactly once, whoever gets killed; searches repeat."""

import os
import random
import shutil
import signal
import threading
import time
import types
from collections import Counter

from helpers import studies
from helpers.studies import pareto, storage, workers
from helpers.studies import table as tables

import numpy as np
import optuna
import psutil
import pytest
import tiny_study
from tiny_study import TWO_OBJECTIVES, Worker, grid, lines, search, wait_for

FIGURES = ["row", "seed", "state", "accuracy", "loss", "trained_epochs", *tables.CURVES]


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    tiny_study.install(monkeypatch.setattr)
    monkeypatch.setattr(workers, "PATIENCE", 0.5)  # of this process, whose peers here are dead
    monkeypatch.setattr(storage, "PAUSES", (0.01,) * 4)
    monkeypatch.setenv("TRAINED", str(tmp_path / "trained"))
    monkeypatch.delenv("COURSE_DATA", raising=False)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "studies"


def finish(worker):
    worker.join(60)
    assert worker.exitcode == 0


def killed_worker(plan, die):
    """One that works alone, and so need not wait long for one that was killed before."""
    alone = {"HEARTBEAT": "600", "PATIENCE": "0.5"}  # signs of life can be counted
    worker = Worker(plan, die=die, **alone)
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL


def each_row_once(plan):
    keys = tables.Table(plan).read_rows()[0].keys()
    return keys == plan.rows.keys() and len(lines(plan)) == len(keys)


# --- killed with kill -9 ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "number", "when", "there", "again"),
    [
        pytest.param("optuna:Study.enqueue_trial", 2, "after", 1, 0, id="row chosen"),
        pytest.param("optuna:Study.ask", 2, "after", 1, 0, id="row taken"),
        pytest.param("helpers.studies.workers:Worker.sign", 2, "after", 1, 0, id="name left"),
        pytest.param("optuna:trial.Trial.report", 3, "after", 1, 1, id="first epoch reported"),
        pytest.param("helpers.studies.workers.finish", 2, "before", 1, 1, id="trained"),
        pytest.param("optuna:Study.tell", 2, "before", 1, 0, id="result stored"),
        pytest.param("optuna:Study.tell", 2, "after", 1, 0, id="row finished"),
        pytest.param(
            "helpers.studies.table:Table._format", 5, "before", 1, 0, id="file not written"
        ),
        pytest.param("os.replace", 2, "before", 1, 0, id="file written beside"),
        pytest.param("os.replace", 2, "after", 2, 0, id="file in place"),
        pytest.param("optuna:Study.tell", 6, "before", 5, 0, id="last result stored"),
        pytest.param("optuna:Study.tell", 6, "after", 5, 0, id="last row finished"),
    ],
)
def test_killed_in_any_moment_a_study_goes_on_where_it_was(
    folder, call, number, when, there, again
):
    plan = grid(folder)
    killed_worker(plan, die=(call, number, when))
    before = lines(plan)
    assert len(before) == there
    table = studies.run(plan)
    assert each_row_once(plan) and list(table["row"]) == list(plan.rows)
    assert lines(plan)[:there] == before  # seconds too: not trained again
    assert len(tiny_study.trained()) == len(plan.rows) + again
    assert not list(folder.rglob(".*"))  # what was written beside


def test_killed_again_and_again_it_loses_no_finished_row_and_repeats_none(folder):
    plan = grid(folder, factors={"width": list(range(20))})
    chance, kills, finished = random.Random(0), 6, {}
    for _ in range(kills):
        begun = len(tiny_study.trained())
        worker = Worker(plan, PAUSE="0.01")
        wait_for(lambda begun=begun: len(tiny_study.trained()) > begun + 1)  # one has finished
        time.sleep(chance.uniform(0, 0.15))
        worker.kill()
        worker.join()
        good, bad = tables.Table(plan).read_rows()
        assert bad == [] and finished.items() <= good.items()
        finished = good
    assert 0 < len(finished) < len(plan.rows)
    studies.run(plan)
    assert each_row_once(plan) and finished.items() <= tables.Table(plan).read_rows()[0].items()
    assert len(tiny_study.trained()) <= len(plan.rows) + kills


# --- several workers --------------------------------------------------------------------------


def test_two_workers_train_every_row_exactly_once(folder):
    plan = grid(folder, factors={"width": list(range(10))})
    pair = [Worker(plan, PAUSE="0.02") for _ in range(2)]
    for worker in pair:
        finish(worker)
    assert each_row_once(plan)
    assert {process for process, _ in tiny_study.trained()} == {worker.pid for worker in pair}
    assert set(Counter(row for _, row in tiny_study.trained()).values()) == {len(plan.seeds)}


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_another_worker_takes_over_the_row_of_one_that_goes(folder, blow):
    plan = grid(folder, seeds=(1,))
    slow = Worker(plan, PAUSE="600")
    wait_for(tiny_study.trained)
    other = Worker(plan)
    wait_for(lambda: len(lines(plan)) == 2)
    os.kill(slow.pid, blow)
    finish(other)
    assert each_row_once(plan)
    assert Counter(row for _, row in tiny_study.trained()) == {
        "width=1": 2,
        "width=2": 1,
        "width=3": 1,
    }


@pytest.mark.parametrize(
    ("call", "number", "trainings"),
    [
        pytest.param("helpers.studies.workers:Worker.sign", 1, 0, id="row taken"),
        pytest.param("optuna:trial.Trial.report", 1, 1, id="first epoch reported"),
        pytest.param("helpers.studies.workers.finish", 1, 1, id="trained"),
    ],
)
def test_a_worker_that_hangs_loses_its_row_and_comes_back(folder, call, number, trainings):
    plan = grid(folder)
    hung = Worker(plan, die=(call, number, "before"), hang=True)
    wait_for(lambda: psutil.Process(hung.pid).status() == psutil.STATUS_STOPPED)
    assert len(tiny_study.trained()) == trainings
    finish(Worker(plan))
    assert each_row_once(plan)
    before = lines(plan)
    os.kill(hung.pid, signal.SIGCONT)
    finish(hung)
    assert lines(plan) == before  # its late result is dropped
    assert len(tiny_study.trained()) == len(plan.rows) + trainings
    study = storage.connect(plan.study_name, None, plan.journal)
    rows = Counter(trial.user_attrs["row"] for trial in workers.finished(study))
    assert rows == Counter(list(plan.rows))


def test_a_row_whose_result_was_stored_by_a_worker_that_hung_is_not_trained_again(folder):
    plan = grid(folder)
    hung = Worker(plan, die=("optuna:Study.tell", 1, "before"), hang=True)
    wait_for(lambda: psutil.Process(hung.pid).status() == psutil.STATUS_STOPPED)
    finish(Worker(plan))
    os.kill(hung.pid, signal.SIGCONT)
    finish(hung)
    assert each_row_once(plan) and len(tiny_study.trained()) == len(plan.rows)


class Waiting(BaseException):
    """Raised where a worker waits for too long."""


@pytest.fixture
def clock(monkeypatch):
    """The clock of the workers, which goes on only where a test says so: hours take no time."""
    clock = types.SimpleNamespace(now=0.0)
    fake = types.SimpleNamespace(
        monotonic=lambda: clock.now, time=lambda: clock.now, sleep=lambda seconds: None
    )
    monkeypatch.setattr(workers, "time", fake)
    monkeypatch.setattr(workers, "PATIENCE", 60)
    return clock


def seconds_until_taken(clock, worker, meanwhile):
    """Seconds that a worker waits for a row; `meanwhile` is called every ten."""

    before = clock.now

    def wait():
        clock.now += 10
        if clock.now - before > 2 * 3600:
            raise Waiting
        meanwhile()

    trial = worker.take(wait)
    assert trial.user_attrs["row"] == "a"
    return clock.now - before


@pytest.fixture
def study(folder):
    return storage.connect("tiny", None, folder / "tiny.journal")


def test_a_row_is_taken_over_a_minute_after_the_last_sign(study, clock):
    first, second = (workers.Worker(study, {"a": {}}) for _ in range(2))
    trial = first.take()
    signs = [lambda: first.sign(trial)] * 30  # five minutes
    assert seconds_until_taken(clock, second, lambda: signs and signs.pop()()) == 300 + 70


def test_a_worker_that_gives_signs_keeps_its_row(study, clock):
    first, second = (workers.Worker(study, {"a": {}}) for _ in range(2))
    trial = first.take()
    with pytest.raises(Waiting):
        seconds_until_taken(clock, second, lambda: first.sign(trial))


@pytest.mark.parametrize("wrong", [-4000, 4000], ids=["slow", "fast"])
def test_clocks_that_disagree_are_no_matter(study, clock, wrong):
    worker = workers.Worker(study, {"a": {}})
    trial = workers.Worker(study, {"a": {}}).take()

    def sign_elsewhere():
        """As on a computer of the same name whose processes are not seen here."""
        trial.set_user_attr("worker", ["another", clock.now + wrong])

    with pytest.raises(Waiting):
        seconds_until_taken(clock, worker, sign_elsewhere)
    assert seconds_until_taken(clock, worker, lambda: None) == 60


def test_a_worker_whose_process_number_is_not_known_here_keeps_its_row(study, clock):
    """As in another container: the same host name, but process numbers of its own."""
    elsewhere = workers.Worker(study, {"a": {}})
    elsewhere.id = f"{2**22 + 1}-{elsewhere.id.partition('-')[2]}"  # beyond the greatest number
    trial = elsewhere.take()
    with pytest.raises(Waiting):
        seconds_until_taken(clock, workers.Worker(study, {"a": {}}), lambda: elsewhere.sign(trial))


def test_workers_of_one_process_number_are_told_apart(study):
    ids = {workers.Worker(study, {}).id for _ in range(100)}
    assert len(ids) == 100


def test_a_row_whose_taker_was_killed_before_its_first_sign_is_taken_over(study, clock):
    study.enqueue_trial({}, user_attrs={"row": "a"})
    study.ask()
    assert seconds_until_taken(clock, workers.Worker(study, {"a": {}}), lambda: None) == 70


def test_what_a_run_in_this_process_left_is_taken_at_once(study, clock):
    with workers.Worker(study, {"a": {}}) as left:
        left.take()
    assert seconds_until_taken(clock, workers.Worker(study, {"a": {}}), lambda: None) == 0


def test_a_worker_in_another_thread_is_not_taken_for_one_that_left(study, clock):
    with workers.Worker(study, {"a": {}}) as at_work:
        trial = at_work.take()
        with pytest.raises(Waiting):
            seconds_until_taken(
                clock, workers.Worker(study, {"a": {}}), lambda: at_work.sign(trial)
            )


def test_a_worker_gives_signs_while_it_trains(study, monkeypatch):
    monkeypatch.setattr(workers, "HEARTBEAT", 0.01)
    worker, before = workers.Worker(study, {"a": {}}), threading.active_count()
    trial = worker.take()

    def sign():
        return study.trials[trial.number].user_attrs["worker"]

    first = sign()
    with worker.heartbeat(trial):
        wait_for(lambda: sign() != first)
    last = sign()
    assert last[0] == first[0] == worker.id and threading.active_count() == before
    assert sign() == last


# --- networks ---------------------------------------------------------------------------------


def keeping(folder):
    """A plan that keeps the networks; each has the number of the process that trained it."""
    return grid(folder, keep=folder / "kept", epochs=1)


def trainers(plan):
    """Who trained each network that is kept: row → process."""
    found = {}
    for path in plan.keep.glob("*.npz"):
        with np.load(path) as file:
            found[path.stem.removeprefix("tiny ")] = int(file["arr_0"][0])
    return found


def test_a_row_that_was_lost_does_not_replace_the_winners_network(folder):
    plan = keeping(folder)
    hung = Worker(plan, die=("helpers.recipes.weights.save", 1, "before"), hang=True)
    wait_for(lambda: psutil.Process(hung.pid).status() == psutil.STATUS_STOPPED)
    winner = Worker(plan)
    finish(winner)
    os.kill(hung.pid, signal.SIGCONT)
    finish(hung)
    assert trainers(plan) == dict.fromkeys(plan.rows, winner.pid)
    assert not list(plan.keep.glob("outputs/*"))


@pytest.mark.parametrize(
    ("call", "number", "when", "again"),
    [
        pytest.param("helpers.recipes.weights.save", 2, "after", 1, id="network written"),
        pytest.param("optuna:Study.tell", 2, "after", 0, id="row finished"),
        pytest.param("helpers.studies.networks:Networks.publish", 3, "before", 0, id="row won"),
        pytest.param("helpers.studies.networks:Networks.publish", 3, "after", 0, id="network kept"),
    ],
)
def test_a_finished_row_has_its_network_whenever_its_worker_is_killed(
    folder, call, number, when, again
):
    plan = keeping(folder)
    killed_worker(plan, die=(call, number, when))
    killed = tiny_study.trained()[0][0]
    studies.run(plan)
    assert len(tiny_study.trained()) == len(plan.rows) + again
    own = trainers(plan)
    assert own.keys() == plan.rows.keys()
    assert list(own.values()).count(killed) == 2 - again


# --- who takes what ---------------------------------------------------------------------------


def test_a_row_that_is_finished_or_not_planned_is_not_taken(folder):
    study = storage.connect("tiny", None, folder / "tiny.journal")
    for row in ("finished", "planned no more"):  # queued by a worker that was killed
        study.enqueue_trial({}, user_attrs={"row": row})
    study.add_trial(optuna.trial.create_trial(value=0.5, user_attrs={"row": "finished"}))
    assert workers.Worker(study, {"finished": {}}).take() is None


# --- searches ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fresh", [False, True], ids=["same checkout", "fresh checkout"])
@pytest.mark.parametrize(
    ("sampler", "options"),
    [
        ("random", {}),
        ("tpe", {}),
        ("tpe", {"prune": True}),
        ("genetic", {}),
        ("genetic", {"prune": True}),
        ("genetic", TWO_OBJECTIVES | {"trials": 40}),
    ],
)
def test_a_search_killed_and_resumed_makes_the_rows_of_an_undisturbed_one(
    tmp_path, sampler, options, fresh
):
    calm, killed = [search(tmp_path / name, sampler, **options) for name in ("calm", "killed")]
    columns = [*FIGURES, *calm.factors]
    expected = studies.run(calm)[columns].to_dict("list")
    for epoch in (8, 12 if calm.prune else 33):
        moment = ("helpers.studies.workers:ReportEpochs.on_epoch_end", epoch, "after")
        killed_worker(killed, die=moment)
        if fresh:
            shutil.rmtree(killed.path.parent / "outputs")
    assert studies.run(killed)[columns].to_dict("list") == expected
    assert each_row_once(killed)


def test_samplers_differ_and_those_that_learn_get_better(tmp_path):
    found = {
        sampler: studies.run(search(tmp_path / sampler, sampler, trials=30))
        for sampler in ("random", "tpe", "genetic")
    }
    assert len({tuple(table["rate"]) for table in found.values()}) == 3
    for table in found.values():
        assert table["width"].isin([1, 2, 3]).all() and table["rate"].between(1e-4, 1).all()
    for sampler in ("tpe", "genetic"):
        scores = found[sampler]["accuracy"]
        assert scores[20:].mean() > scores[:10].mean() + 0.01


def test_two_objectives_are_both_followed_and_parents_come_from_the_front(folder):
    plan = search(folder, "genetic", trials=60, recipe=tiny_study.traded, **TWO_OBJECTIVES)
    table = studies.run(plan)
    assert table["cost"].tolist() == [3 * width for width in table["width"]]
    first, last = table[:10], table[50:]
    assert last["accuracy"].mean() > first["accuracy"].mean() + 0.01
    assert set(pareto.front(last)["width"]) == {1, 2, 3}  # the cheap and the good


def test_a_training_that_is_lost_has_a_place_in_a_search_of_two_objectives(folder):
    plan = search(folder, "genetic", trials=4, recipe=tiny_study.lost, **TWO_OBJECTIVES)
    assert studies.run(plan)["state"].tolist() == ["nan"] * 4
    (folder / "outputs" / "tiny.journal").unlink()
    more = search(folder, "genetic", trials=5, recipe=tiny_study.lost, **TWO_OBJECTIVES)
    assert len(studies.run(more)) == 5 == len(tiny_study.trained())


def test_steps_of_a_range_are_kept(folder):
    width = optuna.distributions.IntDistribution(1, 9, step=4)
    rate = optuna.distributions.FloatDistribution(0.25, 1.0, step=0.25)
    table = studies.run(search(folder, "random", factors={"rate": rate, "width": width}))
    assert set(table["width"]) == {1, 5, 9} and set(table["rate"]) == {0.25, 0.5, 0.75, 1.0}


def test_after_epochs_1_3_9_only_the_best_third_goes_on(folder):
    plan = search(folder, "random", prune=True, epochs=10)
    table = studies.run(plan)
    assert set(table["state"]) == {"complete", "pruned"}
    assert {1, 10} <= set(table["trained_epochs"]) <= {1, 3, 9, 10}
    assert ((table["trained_epochs"] < 10) == (table["state"] == "pruned")).all()
    for epoch in (1, 3, 9):
        reached = table[table["trained_epochs"] >= epoch]
        so_far = reached["val_accuracy"].str[epoch - 1]
        for count in range(1, len(reached) + 1):
            bar = so_far[:count].nlargest(max(count // 3, 1)).min()
            goes_on = reached["trained_epochs"].iloc[count - 1] > epoch
            assert goes_on == (so_far.iloc[count - 1] >= bar)


# --- storages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["grid", "tpe"])
def test_any_storage_makes_the_same_rows(tmp_path, sampler):
    def make(name):
        if sampler == "grid":
            return grid(tmp_path / name)
        return search(tmp_path / name, sampler, prune=True, trials=12, epochs=2)

    journal, database = make("journal"), make("database")
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    columns = [*FIGURES, *journal.factors]
    expected = studies.run(journal)[columns].to_dict("list")
    assert studies.run(database, url)[columns].to_dict("list") == expected
    before, begun = database.path.read_bytes(), tiny_study.trained()
    database.path.unlink()
    studies.run(database, url)  # the storage knows the rows
    assert database.path.read_bytes() == before and tiny_study.trained() == begun
    studies.run(database, "sqlite://")  # the table knows them
    assert database.path.read_bytes() == before and tiny_study.trained() == begun


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("nonsense", "nonsense"),
        ("sqlite:////no/such/folder/studies.db", "sqlite:////no/such/folder/studies.db"),
        ("postgresql://me:secret@localhost:1/db", "postgresql://me:***@localhost:1/db"),
    ],
)
def test_a_storage_that_is_not_there_is_named_without_its_password(folder, url, shown):
    with pytest.raises(storage.StorageGone) as error:
        studies.run(grid(folder), url)
    message = str(error.value)
    assert f"could not use {shown!r}" in message and "secret" not in message
    assert "Finished rows are in the CSV file" in message and "run again" in message
    assert tiny_study.trained() == []


def test_a_journal_without_a_folder_is_explained(folder):
    folder.mkdir()
    (folder / "outputs").write_text("in the way", encoding="utf-8")
    with pytest.raises(storage.StorageGone, match=r"tiny\.journal.*FileExistsError"):
        studies.run(grid(folder))


def test_a_spoilt_journal_is_explained_and_nothing_is_lost_without_it(folder):
    plan = grid(folder)
    studies.run(plan)
    before, begun = plan.path.read_bytes(), tiny_study.trained()
    journal = folder / "outputs" / "tiny.journal"
    content = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*content[:3], b"nonsense\n", *content[3:]]))
    with pytest.raises(
        storage.StorageGone, match=r"tiny\.journal.*move a journal file out of the way"
    ):
        studies.run(plan)
    journal.unlink()
    studies.run(plan)
    assert plan.path.read_bytes() == before and tiny_study.trained() == begun


def test_a_torn_last_line_of_a_journal_is_dropped(folder):
    plan = grid(folder)
    studies.run(grid(folder, factors={"width": [1, 2]}))
    with open(plan.journal, "a", encoding="utf-8") as journal:
        journal.write('{"op_code": 5, "trial_')
    studies.run(plan)
    before = plan.path.read_bytes()
    plan.path.unlink()
    studies.run(plan)  # from the journal
    assert plan.path.read_bytes() == before and len(tiny_study.trained()) == 6


@pytest.mark.parametrize(
    ("owner", "call"),
    [
        pytest.param(optuna.Study, "get_trials", id="reading"),
        pytest.param(optuna.Study, "ask", id="taking"),
        pytest.param(optuna.trial.Trial, "set_user_attr", id="storing"),
        pytest.param(optuna.Study, "tell", id="ending"),
    ],
)
def test_a_storage_that_goes_in_the_middle_loses_no_finished_row(folder, monkeypatch, owner, call):
    plan, finish_row = grid(folder), workers.finish

    def gone(*arguments, **options):
        raise OSError

    def pull_the_plug(study, trial, result):
        if result["row"] == "width=2 seed=1":
            patch.setattr(owner, call, gone)
        finish_row(study, trial, result)

    with monkeypatch.context() as patch, pytest.raises(storage.StorageGone, match="OSError"):
        patch.setattr(workers, "finish", pull_the_plug)
        studies.run(plan)
    finished = lines(plan)
    assert len(finished) == 3
    studies.run(plan)  # in the same process, as in a notebook
    assert each_row_once(plan) and lines(plan)[:3] == finished
    assert len(tiny_study.trained()) == 6
