"""Share the rows of a study among workers: each row exactly once, also after a kill. By Optuna.

A row in work, or over, is a trial in an Optuna storage: a journal file, or a database named by a
URL. A worker takes the first row that has no trial, trains it, stores its result with the trial.
"""

import contextlib
import math
import os
import platform
import random
import re
import time
from datetime import datetime
from functools import partial

from helpers._keras import keras

import optuna
import psutil
import sqlalchemy
from filelock import FileLock
from optuna.exceptions import UpdateFinishedTrialError as RowLost
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

PATIENCE = 3600
"""A worker that gave no sign, after an epoch, for so many seconds counts as dead."""

GRACE = 30
"""A row whose worker is not known counts as left after so many seconds: killed in taking it."""

HANGING = 60
"""A worker that stands still in the middle of a transaction for so many seconds loses its locks."""

POPULATION = 10  # Optuna's 50 is more than a whole study here

SAMPLERS = {
    "grid": optuna.samplers.RandomSampler,  # never asked: a grid's trials come with their settings
    "random": optuna.samplers.RandomSampler,
    "tpe": optuna.samplers.TPESampler,
    "genetic": partial(optuna.samplers.NSGAIISampler, population_size=POPULATION),
}
OVER = (TrialState.COMPLETE, TrialState.PRUNED)


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


class Halving(optuna.pruners.BasePruner):
    """Successive halving: after epochs 1, 3, 9, … only the best third of the trials goes on.

    Unlike Optuna's it goes by the reported accuracies alone: trials that were killed don't count,
    those restored from a CSV file do. Source: Jamieson and Talwalkar, 2016, arXiv:1502.07943.
    """

    def prune(self, study, trial):
        """Whether a trial is to stop after its last epoch."""
        epoch = trial.last_step
        if epoch not in (1, 3, 9, 27, 81):
            return False
        others = study.get_trials(deepcopy=False)
        curves = [other.intermediate_values for other in others if other.state != TrialState.FAIL]
        reached = sorted((curve[epoch] for curve in curves if epoch in curve), reverse=True)
        return trial.intermediate_values[epoch] < reached[max(len(reached) // 3, 1) - 1]


def connect(name, storage, journal, prune=False):
    """The Optuna study of a name, made where it doesn't exist yet.

    Arguments: name: of the study. storage: an Optuna URL such as "postgresql://…", or None for the
        file `journal`, a Path. prune: whether hopeless trials are stopped, by successive halving;
            None makes a study of two aims, great accuracy and small cost, where none is hopeless.
    Returns: optuna.Study. Raises: StorageGone. Taught in notebooks 07, 15 and 17.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = Halving() if prune else optuna.pruners.NopPruner()
    storage = reach(storage, journal)
    with reaching():
        return optuna.create_study(
            study_name=name,
            storage=storage,
            pruner=pruner,
            directions=["maximize", "minimize"] if prune is None else ["maximize"],
            load_if_exists=True,
        )


@reaching()
def restore(study, results, factors):
    """Tell a storage of rows that it doesn't know: those of the CSV file, in a fresh checkout."""
    known = {trial.user_attrs.get("row") for trial in study.get_trials(states=OVER)}
    for result in results:
        if result["row"] not in known:
            epochs = result["trained_epochs"] - (result["state"] == "nan")  # which isn't reported
            complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            trial = optuna.trial.create_trial(
                params={name: result[name] for name in factors},
                distributions={name: _distribution(values) for name, values in factors.items()},
                intermediate_values=dict(enumerate(result["val_accuracy"][:epochs], start=1)),
                user_attrs={"row": result["row"], "result": result},
                system_attrs={"NSGAIISampler:generation": len(complete) // POPULATION},
                **_outcome(result),
            )
            study.add_trial(trial)


def _distribution(values):
    """A list of values as Optuna has it; a distribution as it is."""
    is_list = isinstance(values, list | tuple)
    return optuna.distributions.CategoricalDistribution(values) if is_list else values


@reaching()
def take(study, rows, on_wait=lambda: None):
    """Take the first row that nobody has; wait while others hold the last ones.

    Arguments: rows: dict key of the row → its parameters, {} where a sampler is to choose them.
        on_wait: called about once a second while there is nothing to take.
    Returns: optuna.Trial with user_attrs["row"], or None where every row is over.
    """
    while True:
        trials = study.get_trials(deepcopy=False)
        if _release_dead(study, trials):
            continue
        if all(trial.state != TrialState.WAITING for trial in trials):
            held = {t.user_attrs.get("row") for t in trials if t.state != TrialState.FAIL}
            key = next((key for key in rows if key not in held), None)
            if key is None and all(trial.state.is_finished() for trial in trials):
                return None
            if key is None:
                on_wait()
                time.sleep(1)
                continue
            study.enqueue_trial(rows[key], user_attrs={"row": key})
        trial = study.ask()
        with contextlib.suppress(RowLost):  # this process slept between the two calls
            sign_of_life(trial)
            if _ours(study, trial, rows):
                return trial
            fail(study, trial)  # somebody was faster


def _ours(study, trial, rows):
    """Whether the row isn't over, and no earlier trial has it: of two that took it, one wins."""
    key = trial.user_attrs.get("row")
    others = [t for t in study.get_trials(deepcopy=False) if t.user_attrs.get("row") == key]
    return key in rows and not any(
        other.state in OVER or (other.number < trial.number and other.state != TrialState.FAIL)
        for other in others
    )


def suggest(study, trial, factors, sampler, seed):
    """Values for each factor: those the trial was queued with, else the sampler's choice.

    Arguments: factors: dict name → list of values, or an Optuna distribution.
        sampler: a key of SAMPLERS. seed: of the choice; the same history gives the same choice.
    Returns: dict name → value.
    """
    study.sampler = SAMPLERS[sampler](seed=seed)
    if sampler == "genetic":  # choose the parents now: Optuna orders them anew when asked again
        newest = study.sampler.get_trial_generation(study, study.trials[trial.number])
        for generation in range(1, newest + 1):
            study.sampler.get_parent_population(study, generation)
    setting = {}
    for name, values in factors.items():
        if isinstance(values, list | tuple):
            setting[name] = trial.suggest_categorical(name, values)
            continue
        is_int = isinstance(values, optuna.distributions.IntDistribution)
        number = trial.suggest_int if is_int else trial.suggest_float
        setting[name] = number(name, values.low, values.high, step=values.step, log=values.log)
    return setting


def sign_of_life(trial):
    """Write down who works on a trial, and when it was last seen. Raises: RowLost."""
    process = psutil.Process()
    who = [platform.node(), process.pid, process.create_time(), time.time()]
    trial.set_user_attr("worker", who)


def _release_dead(study, trials):
    """Give back the trials of workers that are gone, keep results that were there; True if any."""
    dead = [trial for trial in trials if trial.state == TrialState.RUNNING and _dead(trial)]
    for trial in dead:
        result = trial.user_attrs.get("result")
        outcome = _outcome(result) if result else {"state": TrialState.FAIL}
        with contextlib.suppress(ValueError, RuntimeError):  # another worker was faster
            study.tell(trial.number, **outcome)
    return bool(dead)


def _dead(trial):
    """Whether nobody works on a running trial any more."""
    if "worker" not in trial.user_attrs:  # killed in the moment of taking it
        age = (datetime.now(trial.datetime_start.tzinfo) - trial.datetime_start).total_seconds()
        return age > GRACE
    machine, process, created, seen = trial.user_attrs["worker"]
    if time.time() - seen > PATIENCE or machine != platform.node():
        return time.time() - seen > PATIENCE  # it may hang
    if process == os.getpid():  # left in this notebook by an error: we work on one at a time
        return True
    try:
        found = psutil.Process(process)
        return found.status() == psutil.STATUS_ZOMBIE or abs(found.create_time() - created) > 1
    except psutil.NoSuchProcess:
        return True


@reaching()
def finish(study, trial, result):
    """Store a row's result with its trial, and end it. Raises: RowLost."""
    trial.set_user_attr("result", result)
    study.tell(trial, skip_if_finished=True, **_outcome(result))


@reaching()
def fail(study, trial):
    """End a trial without a result: nobody has its row any more."""
    study.tell(trial, skip_if_finished=True, state=TrialState.FAIL)


def _outcome(result):
    """What Optuna is told of a result."""
    if result["state"] == "complete":
        aims = [result[name] for name in ("accuracy", "cost") if name in result]
        return {"values": aims, "state": TrialState.COMPLETE}
    return {"state": TrialState.PRUNED}


@reaching()
def over(study):
    """How many rows are over."""
    trials = study.get_trials(deepcopy=False, states=OVER)
    return len({trial.user_attrs["row"] for trial in trials if "row" in trial.user_attrs})


@reaching()
def results(study):
    """The results of all rows that are over, as `finish` got them."""
    trials = study.get_trials(deepcopy=False, states=OVER)
    return [trial.user_attrs["result"] for trial in trials if "result" in trial.user_attrs]


class Watch(keras.callbacks.Callback):
    """Reports each epoch to the storage; stops a training that is hopeless or became nan.

    state: afterwards "complete", "pruned" or "nan".
    """

    def __init__(self, trial=None):
        super().__init__()
        self.trial, self.state = trial, "complete"

    def on_epoch_end(self, epoch, logs=None):
        judged = "val_loss" in logs  # a final training is judged after its last epoch
        if not math.isfinite(logs["loss"]) or (judged and not math.isfinite(logs["val_loss"])):
            self.state = "nan"
        elif self.trial is not None:
            sign_of_life(self.trial)
            if judged and len(self.trial.study.directions) == 1:
                self.trial.report(round(logs["val_accuracy"], 5), epoch + 1)  # as the table has it
                if epoch + 1 < self.params["epochs"] and self.trial.should_prune():
                    self.state = "pruned"
        if self.state != "complete":
            self.model.stop_training = True
