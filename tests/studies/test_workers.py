"""Workers share the rows of a study, each exactly once, whoever gets killed; searches repeat."""

import os
import platform
import random
import shutil
import signal
import time
from collections import Counter

from helpers import studies
from helpers.studies import pareto, workers
from helpers.studies import table as tables

import optuna
import psutil
import pytest
import tiny_study
from tiny_study import TWO_AIMS, Worker, grid, lines, search, wait_for

FIGURES = ["row", "seed", "state", "accuracy", "loss", "trained_epochs", *tables.CURVES]


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    tiny_study.install(monkeypatch.setattr)
    monkeypatch.setenv("TRAINED", str(tmp_path / "trained"))
    monkeypatch.delenv("COURSE_DATA", raising=False)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "studies"


def finish(worker):
    worker.join(60)
    assert worker.exitcode == 0


def killed_worker(plan, die):
    worker = Worker(plan, die=die)
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL


def each_row_once(plan):
    keys = tables.read(plan.path, plan)[0].keys()
    return keys == plan.rows.keys() and len(lines(plan)) == len(keys)


# --- killed with kill -9 ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "number", "when", "there", "again"),
    [
        pytest.param("optuna:Study.enqueue_trial", 2, "after", 1, 0, id="row chosen"),
        pytest.param("optuna:Study.ask", 2, "after", 1, 0, id="row taken"),
        pytest.param("helpers.studies.workers.sign_of_life", 4, "after", 1, 0, id="name left"),
        pytest.param("optuna:trial.Trial.report", 3, "after", 1, 1, id="first epoch over"),
        pytest.param("helpers.studies.workers.finish", 2, "before", 1, 1, id="trained"),
        pytest.param("optuna:Study.tell", 2, "before", 1, 0, id="result stored"),
        pytest.param("optuna:Study.tell", 2, "after", 1, 0, id="row over"),
        pytest.param("helpers.studies.table._format", 5, "before", 1, 0, id="file half written"),
        pytest.param("os.replace", 2, "before", 1, 0, id="file written"),
        pytest.param("os.replace", 2, "after", 2, 0, id="file in place"),
        pytest.param("optuna:Study.tell", 6, "before", 5, 0, id="last result stored"),
        pytest.param("optuna:Study.tell", 6, "after", 5, 0, id="last row over"),
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
    assert not list((folder / "outputs").glob("*.new"))


def test_killed_again_and_again_it_loses_no_finished_row_and_repeats_none(folder):
    plan = grid(folder, factors={"width": list(range(20))})
    chance, kills, finished = random.Random(0), 6, {}
    for _ in range(kills):
        begun = len(tiny_study.trained())
        worker = Worker(plan, PAUSE="0.01")
        wait_for(lambda begun=begun: len(tiny_study.trained()) > begun)
        time.sleep(chance.uniform(0, 0.15))
        worker.kill()
        worker.join()
        good, bad = tables.read(plan.path, plan)
        assert bad == [] and finished.items() <= good.items()
        finished = good
    assert 0 < len(finished) < len(plan.rows)
    studies.run(plan)
    assert each_row_once(plan) and finished.items() <= tables.read(plan.path, plan)[0].items()
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
        pytest.param("helpers.studies.workers.sign_of_life", 1, 0, id="row taken"),
        pytest.param("optuna:trial.Trial.report", 1, 1, id="first epoch over"),
        pytest.param("helpers.studies.workers.finish", 1, 1, id="trained"),
    ],
)
def test_a_worker_that_hangs_loses_its_row_and_comes_back(folder, call, number, trainings):
    plan = grid(folder)
    hung = Worker(plan, die=(call, number, "before"), hang=True, PATIENCE="1")
    wait_for(lambda: psutil.Process(hung.pid).status() == psutil.STATUS_STOPPED)
    assert len(tiny_study.trained()) == trainings
    other = Worker(plan, PATIENCE="1")
    finish(other)
    assert each_row_once(plan)
    before = lines(plan)
    os.kill(hung.pid, signal.SIGCONT)
    finish(hung)
    assert lines(plan) == before  # its late result is dropped
    assert len(tiny_study.trained()) == len(plan.rows) + trainings
    name = f"tiny {plan.fingerprint} full"
    study = workers.connect(name, None, folder / "outputs" / "tiny.journal")
    assert Counter(result["row"] for result in workers.results(study)) == Counter(list(plan.rows))


def test_a_row_whose_result_was_stored_by_a_worker_that_hung_is_not_trained_again(folder):
    plan = grid(folder)
    hung = Worker(plan, die=("optuna:Study.tell", 1, "before"), hang=True, PATIENCE="1")
    wait_for(lambda: psutil.Process(hung.pid).status() == psutil.STATUS_STOPPED)
    finish(Worker(plan, PATIENCE="1"))
    os.kill(hung.pid, signal.SIGCONT)
    finish(hung)
    assert each_row_once(plan) and len(tiny_study.trained()) == len(plan.rows)


@pytest.mark.parametrize(
    ("machine", "process", "created", "seen", "is_dead"),
    [
        pytest.param("here", "parent", 0, 0, False, id="at work here"),
        pytest.param("here", "parent", 0, -4000, True, id="silent here"),
        pytest.param("here", "parent", -100, 0, True, id="its number was given away"),
        pytest.param("here", "none", 0, 0, True, id="gone"),
        pytest.param("here", "own", 0, 0, True, id="left by this process"),
        pytest.param("elsewhere", "none", 0, -10, False, id="at work elsewhere"),
        pytest.param("elsewhere", "none", 0, -4000, True, id="silent elsewhere"),
    ],
)
def test_a_row_is_taken_over_where_its_worker_is_dead(
    folder, machine, process, created, seen, is_dead
):
    class Waiting(BaseException):
        pass

    def wait():
        raise Waiting

    study = workers.connect("tiny", None, folder / "tiny.journal")
    first = workers.take(study, {"a": {}})
    number = {"parent": os.getppid(), "none": 2**30, "own": os.getpid()}[process]
    born = psutil.Process(os.getppid()).create_time() + created
    name = platform.node() if machine == "here" else "another"
    first.set_user_attr("worker", [name, number, born, time.time() + seen])
    if is_dead:
        assert workers.take(study, {"a": {}}, wait).user_attrs["row"] == "a"
    else:
        with pytest.raises(Waiting):
            workers.take(study, {"a": {}}, wait)


def test_a_row_that_is_over_or_not_planned_is_not_taken(folder):
    study = workers.connect("tiny", None, folder / "tiny.journal")
    for row in ("over", "planned no more"):  # queued by a worker that was killed
        study.enqueue_trial({}, user_attrs={"row": row})
    study.add_trial(optuna.trial.create_trial(value=0.5, user_attrs={"row": "over"}))
    assert workers.take(study, {"over": {}}) is None


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
        ("genetic", TWO_AIMS | {"trials": 40}),
    ],
)
def test_a_search_killed_and_resumed_makes_the_rows_of_an_undisturbed_one(
    tmp_path, sampler, options, fresh
):
    calm, killed = [search(tmp_path / name, sampler, **options) for name in ("calm", "killed")]
    columns = [*FIGURES, *calm.factors]
    expected = studies.run(calm)[columns].to_dict("list")
    for epoch in (10, 15 if calm.prune else 42):
        killed_worker(killed, die=("helpers.studies.workers.sign_of_life", epoch, "after"))
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


def test_two_aims_are_both_followed_and_parents_come_from_the_front(folder):
    plan = search(folder, "genetic", trials=60, recipe=tiny_study.traded, **TWO_AIMS)
    table = studies.run(plan)
    assert table["cost"].tolist() == [3 * width for width in table["width"]]
    first, last = table[:10], table[50:]
    assert last["accuracy"].mean() > first["accuracy"].mean() + 0.01
    assert set(pareto.front(last)["width"]) == {1, 2, 3}  # the cheap and the good


def test_a_training_that_is_lost_has_a_place_in_a_search_of_two_aims(folder):
    plan = search(folder, "genetic", trials=4, recipe=tiny_study.lost, **TWO_AIMS)
    assert studies.run(plan)["state"].tolist() == ["nan"] * 4
    (folder / "outputs" / "tiny.journal").unlink()
    more = search(folder, "genetic", trials=5, recipe=tiny_study.lost, **TWO_AIMS)
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
    ("storage", "shown"),
    [
        ("nonsense", "nonsense"),
        ("sqlite:////no/such/folder/studies.db", "sqlite:////no/such/folder/studies.db"),
        ("postgresql://me:secret@localhost:1/db", "postgresql://me:***@localhost:1/db"),
    ],
)
def test_a_storage_that_is_not_there_is_named_without_its_password(folder, storage, shown):
    with pytest.raises(workers.StorageGone) as error:
        studies.run(grid(folder), storage)
    message = str(error.value)
    assert f"could not use {shown!r}" in message and "secret" not in message
    assert "Finished rows are in the CSV file" in message and "run again" in message
    assert tiny_study.trained() == []


def test_a_journal_without_a_folder_is_explained(folder):
    folder.mkdir()
    (folder / "outputs").write_text("in the way")
    with pytest.raises(workers.StorageGone, match=r"tiny\.journal.*FileExistsError"):
        studies.run(grid(folder))


def test_a_spoilt_journal_is_explained_and_nothing_is_lost_without_it(folder):
    plan = grid(folder)
    studies.run(plan)
    before, begun = plan.path.read_bytes(), tiny_study.trained()
    journal = folder / "outputs" / "tiny.journal"
    content = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*content[:3], b"nonsense\n", *content[3:]]))
    with pytest.raises(
        workers.StorageGone, match=r"tiny\.journal.*move a journal file out of the way"
    ):
        studies.run(plan)
    journal.unlink()
    studies.run(plan)
    assert plan.path.read_bytes() == before and tiny_study.trained() == begun


def test_a_torn_last_line_of_a_journal_is_dropped(folder):
    plan = grid(folder)
    studies.run(grid(folder, factors={"width": [1, 2]}))
    with open(folder / "outputs" / "tiny.journal", "a") as journal:
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

    with monkeypatch.context() as patch, pytest.raises(workers.StorageGone, match="OSError"):
        patch.setattr(workers, "finish", pull_the_plug)
        studies.run(plan)
    finished = lines(plan)
    assert len(finished) == 3
    studies.run(plan)  # in the same process, as in a notebook
    assert each_row_once(plan) and lines(plan)[:3] == finished
    assert len(tiny_study.trained()) == 6
