"""The storage of a study, which all its workers share: opened, asked again where it fails."""

import functools
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import optuna
import sqlalchemy
from filelock import FileLock
from optuna.exceptions import UpdateFinishedTrialError as RowLost
from optuna.storages import BaseStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import URL, make_url

HANGING = 60
"""A worker that stands still in the middle of a transaction for so many seconds loses its locks."""

PAUSES = (0.5, 1, 2, 4)
"""A database that fails is asked again after so many seconds each; then it counts as gone."""

P, T = ParamSpec("P"), TypeVar("T")


class StorageGone(Exception):
    """The storage of a study cannot be reached. Says which, and what to do."""


def persistent(storage: str = "of this study") -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make a function ask a database that fails again, and say in one error where it is gone.

    A database lets a connection go that a busy machine left idle, or is being started again.

    Args:
        storage: what it is called in the error.

    Returns:
        A decorator. What it decorates may be called twice where it is wanted once: it must not
        matter. It raises RowLost as before, and StorageGone instead of all else.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def asked(*arguments: P.args, **options: P.kwargs) -> T:
            for pause in (*PAUSES, None):
                try:
                    return function(*arguments, **options)
                except (StorageGone, RowLost):
                    raise
                except Exception as error:
                    if pause is None or not _of_database(error):
                        raise StorageGone(_description(storage, error)) from error
                time.sleep(pause)

        return asked

    return decorate


def _of_database(error: Exception) -> bool:
    """Whether a database failed, or SQLAlchemy goes on with a connection that broke before."""
    kinds = sqlalchemy.exc.DBAPIError, sqlalchemy.exc.PendingRollbackError
    return isinstance(error, kinds) or isinstance(error.__cause__, kinds)  # Optuna wraps some


def _description(storage: str, error: Exception) -> str:
    """What to say of a storage that is gone."""
    cause = error.__cause__ or error  # Optuna's own words are often "during the commit"
    found = f"{type(cause).__name__}: {cause}".splitlines()[0]
    driver = "install psycopg[binary], the driver for postgresql:// URLs; or "
    return (
        f"expected a storage, could not use {storage} ({found}). Finished rows are in the CSV "
        f"file, so nothing is lost: {driver * isinstance(error, ImportError)}start or restore "
        "the storage, give another one, or move a journal file out of the way; then run again."
    )


def reach(storage: str | None, journal: Path | None) -> BaseStorage:
    """Open a storage, made where it doesn't exist yet.

    Args:
        storage: an Optuna URL such as "postgresql://…", or None for a journal file.
        journal: path of that file.

    Returns:
        An Optuna storage.

    Raises:
        StorageGone: it cannot be opened. Its password is not told.

    Taught in notebook 24.
    """
    if storage is None:
        return persistent(repr(str(journal)))(_journal)(journal)
    return persistent(repr(_without_password(storage)))(_database)(storage)


def _journal(path: Path) -> BaseStorage:
    """A journal file, made where it doesn't exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{path}.lock")  # the system frees it where its holder is killed
    with lock:
        _cut_torn_line(path)
    return optuna.storages.JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


def _cut_torn_line(journal: Path) -> None:
    """Drop a last line that a killed process left without its end."""
    if not journal.exists():
        return
    content = journal.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(journal, whole)


def _database(url: str) -> BaseStorage:
    """A database of which each worker holds one connection; a lost one is made anew."""
    if _parsed(url) is None:
        raise ValueError(
            "expected a URL such as postgresql://user:password@host/name, in which @ : / ? of a "
            "password are written %40 %3A %2F %3F"
        )
    os.environ.setdefault("PGOPTIONS", f"-c idle_in_transaction_session_timeout={HANGING}s")
    options = {"pool_size": 1, "pool_pre_ping": True}
    return optuna.storages.RDBStorage(url, engine_kwargs=options)


def _parsed(url: str) -> URL | None:
    """A URL in its parts; None where it has none, or where a password ends is not clear."""
    try:
        parsed = make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        return None
    unclear = parsed.password and "@" in f"{parsed.host}{parsed.database}"
    return None if unclear else parsed


def _without_password(url: str) -> str:
    """A URL to be shown; its scheme alone where a password cannot be told from the rest."""
    if (parsed := _parsed(url)) is None:
        return re.match(r"[\w+]*", url)[0]
    query = {
        name: "***" if "pass" in name.lower() else value for name, value in parsed.query.items()
    }
    return parsed.set(query=query).render_as_string(hide_password=True).replace("%2A", "*")


class Halving(optuna.pruners.BasePruner):
    """Successive halving: after epochs 1, 3, 9, … only the best third of the trials goes on.

    Unlike Optuna's it goes by the reported accuracies alone: trials that were killed don't count,
    those restored from a CSV file do.

    Source: Jamieson and Talwalkar, 2016, arXiv:1502.07943.
    """

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether a trial is to stop after its last epoch."""
        epoch = trial.last_step
        if epoch not in (1, 3, 9, 27, 81):
            return False
        others = study.get_trials(deepcopy=False)
        curves = [other.intermediate_values for other in others if other.state != TrialState.FAIL]
        reached = sorted((curve[epoch] for curve in curves if epoch in curve), reverse=True)
        return trial.intermediate_values[epoch] < reached[max(len(reached) // 3, 1) - 1]


def connect(
    name: str, storage: str | None, journal: Path | None, prune: bool | None = False
) -> optuna.Study:
    """The Optuna study of a name, made where it doesn't exist yet.

    Args:
        name: of the study.
        storage: an Optuna URL such as "postgresql://…", or None for a journal file.
        journal: path of that file.
        prune: whether hopeless trials are stopped, by successive halving; None makes a study of two
            objectives, great accuracy and small cost, where none is hopeless.

    Raises:
        StorageGone: it cannot be opened.

    Taught in notebooks 10, 22 and 24.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    opened = reach(storage, journal)
    create = persistent()(optuna.create_study)
    return create(
        study_name=name,
        storage=opened,
        pruner=Halving() if prune else optuna.pruners.NopPruner(),
        directions=["maximize", "minimize"] if prune is None else ["maximize"],
        load_if_exists=True,
    )
