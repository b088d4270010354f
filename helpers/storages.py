"""Where a study keeps its trials: a journal file, or a database that several computers share."""

import contextlib
import os
import random
import re
import time

import optuna
import sqlalchemy
from filelock import FileLock
from optuna.exceptions import UpdateFinishedTrialError as RowLost
from optuna.storages.journal import JournalFileBackend

HANGING = 60
"""A worker that stands still in the middle of a transaction for so many seconds loses its locks."""


class StorageGone(Exception):
    """The storage of a study cannot be reached. Says which, and what to do."""


@contextlib.contextmanager
def reaching(storage="of this study"):
    """Turn what a storage raises when it is gone into one error that says so."""
    try:
        yield
    except (StorageGone, RowLost):
        raise
    except Exception as error:
        cause = error.__cause__ or error  # Optuna's own words are often "during the commit"
        found = f"{type(cause).__name__}: {cause}".splitlines()[0]
        driver = "install psycopg[binary], the driver for postgresql:// URLs; or "
        raise StorageGone(
            f"expected a storage, could not use {storage} ({found}). Finished rows are in the CSV "
            f"file, so nothing is lost: {driver * isinstance(error, ImportError)}start or restore "
            "the storage, give another one, or move a journal file out of the way; then run again."
        ) from error


def reach(storage, journal):
    """Open a storage, made where it doesn't exist yet.

    Arguments: storage: an Optuna URL such as "postgresql://…", or None for the file `journal`, a
        Path. Returns: an Optuna storage. Raises: StorageGone. Taught in notebook 17.
    """
    with reaching(repr(re.sub(r":[^:@/]*@", ":***@", storage) if storage else str(journal))):
        return _database(storage) if storage else _journal(journal)


def _journal(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{path}.lock")  # the system frees it where its holder is killed
    with lock:
        _cut_torn_line(path)
    return optuna.storages.JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


def _cut_torn_line(journal):
    """Drop a last line that a killed process left without its end."""
    if not journal.exists():
        return
    content = journal.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(journal, whole)


def _database(url):
    """A database of which each worker holds one connection; a lost one is made anew."""
    os.environ.setdefault("PGOPTIONS", f"-c idle_in_transaction_session_timeout={HANGING}s")
    options = {"pool_size": 1, "pool_pre_ping": True}
    for _ in range(9):
        with contextlib.suppress(sqlalchemy.exc.IntegrityError, sqlalchemy.exc.ProgrammingError):
            return optuna.storages.RDBStorage(url, engine_kwargs=options)
        time.sleep(random.random())  # several workers made its tables at once: now they are there
    return optuna.storages.RDBStorage(url, engine_kwargs=options)
