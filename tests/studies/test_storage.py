"""Storages: what cannot be opened is told, what fails is asked again, passwords stay secret."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from helpers import studies
from helpers.studies import storage

import optuna
import postgres
import psycopg
import pytest
import sqlalchemy
import tiny_study


def test_a_missing_driver_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    url = "postgresql+psycopg://me:secret@localhost:1/db"
    with pytest.raises(storage.StorageGone, match=r"install psycopg\[binary\]") as error:
        storage.reach(url, tmp_path / "study.journal")
    assert "secret" not in str(error.value)


@pytest.mark.skipif(postgres.MISSING is not None, reason=str(postgres.MISSING))
def test_workers_that_open_an_empty_database_at_once_all_get_it():
    with postgres.server() as url, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(storage.reach, [url] * 4, [None] * 4))
        assert len(found) == 4
        for opened in found:
            opened.engine.dispose()


# --- a database that fails --------------------------------------------------------------------


def wrapped(error):
    """As SQLAlchemy raises what a driver raised."""
    return sqlalchemy.exc.DBAPIError.instance("SELECT 1", {}, error, psycopg.Error)


LOST = wrapped(psycopg.OperationalError("server closed the connection unexpectedly"))
FAILURES = {
    "connection lost": LOST,
    "driver lost it": wrapped(psycopg.InterfaceError("the connection is closed")),
    "idle for too long": wrapped(psycopg.errors.IdleInTransactionSessionTimeout("terminating")),
    "lost before": sqlalchemy.exc.PendingRollbackError("Can't reconnect until rolled back"),
}


def failing(monkeypatch, owner, call, errors):
    """Let the next calls of a method fail, with these errors. Returns: those still to come."""
    original = getattr(owner, call)

    def method(*arguments, **options):
        if errors:
            raise errors.pop()
        return original(*arguments, **options)

    monkeypatch.setattr(owner, call, method)
    return errors


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    tiny_study.install(monkeypatch.setattr)
    monkeypatch.setattr(storage, "PAUSES", (0.01,) * 4)
    monkeypatch.setenv("TRAINED", str(tmp_path / "trained"))
    monkeypatch.delenv("COURSE_DATA", raising=False)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(
    ("owner", "call"),
    [
        (optuna.storages.RDBStorage, "__init__"),
        (optuna, "create_study"),
        (optuna.Study, "get_trials"),
        (optuna.Study, "ask"),
        (optuna.Study, "tell"),
        (optuna.trial.Trial, "set_user_attr"),
        (optuna.trial.Trial, "report"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_database_that_fails_four_times_is_asked_again(
    tiny, tmp_path, monkeypatch, owner, call, failure
):
    plan = tiny_study.grid(tmp_path / "studies")
    errors = failing(monkeypatch, owner, call, [FAILURES[failure]] * 4)
    table = studies.run(plan, f"sqlite:///{tmp_path / 'studies.db'}")
    assert errors == [] and len(table) == len(plan.rows) == len(tiny_study.trained())


@pytest.mark.parametrize("call", ["suggest_float", "suggest_categorical"])
def test_a_database_that_fails_while_a_setting_is_chosen_is_asked_again(
    tiny, tmp_path, monkeypatch, call
):
    plan = tiny_study.search(tmp_path / "studies", "random", trials=2)
    errors = failing(monkeypatch, optuna.trial.Trial, call, [LOST] * 4)
    table = studies.run(plan, f"sqlite:///{tmp_path / 'studies.db'}")
    assert errors == [] and len(table) == 2 == len(tiny_study.trained())


@pytest.mark.parametrize(
    ("error", "left"),
    [(LOST, 2), (OSError("no such disk"), 6)],
    ids=["database", "anything else"],
)
def test_what_fails_for_long_is_gone(tiny, tmp_path, monkeypatch, error, left):
    plan = tiny_study.grid(tmp_path / "studies")
    errors = failing(monkeypatch, optuna.Study, "get_trials", [error] * 7)
    with pytest.raises(storage.StorageGone, match="could not use of this study"):
        studies.run(plan, f"sqlite:///{tmp_path / 'studies.db'}")
    assert len(errors) == left


def test_a_row_that_was_finished_though_the_answer_was_lost_counts(tiny, tmp_path, monkeypatch):
    tell, lost = optuna.Study.tell, []

    def tell_without_an_answer(*arguments, **options):
        tell(*arguments, **options)
        if not lost:
            lost.append(True)
            raise LOST

    monkeypatch.setattr(optuna.Study, "tell", tell_without_an_answer)
    plan = tiny_study.grid(tmp_path / "studies")
    table = studies.run(plan, f"sqlite:///{tmp_path / 'studies.db'}")
    assert lost and len(table) == len(plan.rows) == len(tiny_study.trained())


def test_a_server_that_is_not_there_is_told_within_seconds(tmp_path):
    began = time.monotonic()
    with pytest.raises(storage.StorageGone, match=r"localhost:1/db.*start or restore the storage"):
        storage.reach("postgresql://me:secret@localhost:1/db", None)
    assert 7 < time.monotonic() - began < 30


# --- passwords --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@localhost:1/db", "'postgresql://me:***@localhost:1/db'"),
        ("postgresql://me:se:secret@localhost:1/db", "'postgresql://me:***@localhost:1/db'"),
        ("postgresql://me:se/secret@localhost:1/db", "'postgresql://me:***@localhost:1/db'"),
        ("postgresql://me:se%40secret@localhost:1/db", "'postgresql://me:***@localhost:1/db'"),
        ("postgresql://me:se@secret@localhost:1/db", "'postgresql'"),
        ("postgresql://me:se@se/secret@localhost:1/db", "'postgresql'"),
        ("postgresql://me@localhost:secret/db", "'postgresql'"),
        ("postgresql+psycopg:/me:secret@localhost/db", "'postgresql+psycopg'"),
        (
            "postgresql://localhost:1/db?password=secret&user=me",
            "'postgresql://localhost:1/db?password=***&user=me'",
        ),
        (
            "postgresql://localhost:1/db?PASSFILE=secret&sslpassword=secret",
            "'postgresql://localhost:1/db?PASSFILE=***&sslpassword=***'",
        ),
    ],
)
def test_a_password_is_not_told(tiny, tmp_path, url, shown):
    with pytest.raises(storage.StorageGone) as error:
        storage.reach(url, None)
    assert "secret" not in str(error.value)
    assert f"could not use {shown} (" in str(error.value)


def test_how_to_write_odd_characters_of_a_password_is_told():
    with pytest.raises(storage.StorageGone, match="written %40 %3A %2F %3F"):
        storage.reach("postgresql://me:p@ss@localhost/db", None)


# --- which trials go on -----------------------------------------------------------------------


def test_after_1_3_9_27_and_81_epochs_all_but_the_best_third_stop():
    study = optuna.create_study(direction="maximize", pruner=storage.Halving())
    trials = [study.ask() for _ in range(6)]
    stopped = {}
    for epoch in range(1, 100):
        for goal, trial in enumerate(trials):
            trial.report(0.1 * goal, epoch)
        stopped[epoch] = [goal for goal, trial in enumerate(trials) if trial.should_prune()]
    assert [epoch for epoch, those in stopped.items() if those] == [1, 3, 9, 27, 81]
    assert all(stopped[epoch] == [0, 1, 2, 3] for epoch in (1, 3, 9, 27, 81))
