"""Share the rows of a study among workers: each row exactly once, also after a kill. By Optuna.

A row in work, or finished, is a trial in an Optuna storage: a journal file, or a database named by
a URL. A worker takes the first row that has no trial, trains it, stores its result with the trial.
"""

import contextlib
import functools
import math
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ClassVar, Self

from helpers.internals.backend import keras
from helpers.studies.storage import RowLost, StorageGone, persistent

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

HEARTBEAT = 10
"""Seconds between two signs of life of a worker."""

PATIENCE = 60
"""A worker that gave no sign of life for so many seconds loses its row."""

POPULATION = 10  # Optuna's 50 is more than a whole study here

SAMPLERS = {
    "grid": optuna.samplers.RandomSampler,  # never asked: a grid's trials come with their settings
    "random": optuna.samplers.RandomSampler,
    "tpe": optuna.samplers.TPESampler,
    "genetic": functools.partial(optuna.samplers.NSGAIISampler, population_size=POPULATION),
}
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)

Values = list | tuple | BaseDistribution


@persistent()
def restore(study: optuna.Study, results: Iterable[dict], factors: Mapping[str, Values]) -> None:
    """Tell a storage of rows that it doesn't know: those of the CSV file, in a fresh checkout.

    Args:
        study: where they are to be known.
        results: rows as `table.read_rows` returns them.
        factors: those whose values Optuna has chosen, name → their values; {} for a grid.

    Raises:
        StorageGone: it cannot be reached.
    """
    known = {trial.user_attrs.get("row") for trial in study.get_trials(states=FINISHED)}
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


def _distribution(values: Values) -> BaseDistribution:
    """A list of values as Optuna has it; a distribution as it is."""
    return CategoricalDistribution(values) if isinstance(values, list | tuple) else values


# --- a row's way: taken, trained with signs of life, finished ---------------------------------


class Worker:
    """One of those who share the rows of a study, known by a random id. A context manager.

    A worker is dead where its signs of life stop: their times are never read, only whether a new
    one came in `PATIENCE` seconds of the reader's own clock, for the clocks of computers differ.

    Attributes:
        study: the Optuna study.
        rows: key of each row → its parameters, {} where a sampler is to choose them.
        id: of this worker alone.
    """

    _left: ClassVar[set[str]] = set()  # the ids of this process's workers that have ended

    def __init__(self, study: optuna.Study, rows: dict[str, dict]):
        self.study, self.rows = study, rows
        self.id = f"{os.getpid()}-{secrets.token_hex(8)}"  # the process: for people who look
        self._is_search = {} in rows.values()
        self._seen = {}  # sign of a running trial → when this worker saw it first
        self._first_seen = None  # those of the first look

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._left.add(self.id)

    @persistent()
    def take(self, on_wait: Callable[[], None] = lambda: None) -> optuna.Trial | None:
        """Take the first row that nobody has; wait while others hold the last ones.

        A search, where the order of the rows matters, goes on only when each row that was in work
        when this worker came has given another sign, or is free.

        Args:
            on_wait: called about once a second while there is nothing to take.

        Returns:
            A trial with user_attrs["row"], or None where every row is finished.

        Raises:
            StorageGone: it cannot be reached.
        """
        while True:
            trials = self.study.get_trials(deepcopy=False)
            if self._release_silent(trials):
                continue
            if self._is_search and not self._first_seen.isdisjoint(self._seen):
                on_wait()
                time.sleep(1)
                continue
            if all(trial.state != TrialState.WAITING for trial in trials):
                held = {t.user_attrs.get("row") for t in trials if t.state != TrialState.FAIL}
                key = next((key for key in self.rows if key not in held), None)
                if key is None and all(trial.state.is_finished() for trial in trials):
                    return None
                if key is None:
                    on_wait()
                    time.sleep(1)
                    continue
                self.study.enqueue_trial(self.rows[key], user_attrs={"row": key})
            trial = self.study.ask()
            with contextlib.suppress(RowLost):  # this process slept between the two calls
                self.sign(trial)
                if self._is_first(trial):
                    return trial
                fail(self.study, trial)  # somebody was faster

    def _is_first(self, trial: optuna.Trial) -> bool:
        """Whether the row isn't finished, and no earlier trial has it: of two takers one wins."""
        key = trial.user_attrs.get("row")
        others = [
            t for t in self.study.get_trials(deepcopy=False) if t.user_attrs.get("row") == key
        ]
        return key in self.rows and not any(
            other.state in FINISHED
            or (other.number < trial.number and other.state != TrialState.FAIL)
            for other in others
        )

    def _release_silent(self, trials: list[FrozenTrial]) -> bool:
        """Give back the rows of dead workers, keep results that were there; True if any."""
        now = time.monotonic()
        signs = {
            (trial.number, *trial.user_attrs.get("worker", ())): trial
            for trial in trials
            if trial.state == TrialState.RUNNING
        }
        self._seen = {sign: self._seen.get(sign, now) for sign in signs}
        if self._first_seen is None:
            self._first_seen = set(signs)
        silent = [
            trial
            for sign, trial in signs.items()
            if now - self._seen[sign] > PATIENCE or self._left.intersection(sign[1:2])
        ]
        for trial in silent:
            result = trial.user_attrs.get("result")
            outcome = _outcome(result) if result else {"state": TrialState.FAIL}
            with contextlib.suppress(ValueError, RuntimeError):  # another worker was faster
                self.study.tell(trial.number, **outcome)
        return bool(silent)

    @persistent()
    def sign(self, trial: optuna.Trial) -> None:
        """Leave a sign of life: who works on a trial, and something new.

        Raises:
            RowLost: it was given away.
            StorageGone: it cannot be reached.
        """
        trial.set_user_attr("worker", [self.id, time.time()])

    @contextlib.contextmanager
    def heartbeat(self, trial: optuna.Trial) -> Iterator[None]:
        """Leave signs of life every `HEARTBEAT` seconds while a row is trained."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(HEARTBEAT):
                with contextlib.suppress(RowLost, StorageGone):  # the training finds out
                    self.sign(trial)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


@persistent()
def suggest(
    study: optuna.Study,
    trial: optuna.Trial,
    factors: Mapping[str, Values],
    sampler: str,
    seed: int,
) -> dict:
    """Values for each factor: those the trial was queued with, else the sampler's choice.

    Args:
        study: whose history the sampler learns from.
        trial: the one to choose for.
        factors: name → list of values, or an Optuna distribution.
        sampler: a key of `SAMPLERS`.
        seed: of the choice; the same history gives the same choice.

    Returns:
        Name → value.

    Raises:
        StorageGone: it cannot be reached.
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
        number = trial.suggest_int if isinstance(values, IntDistribution) else trial.suggest_float
        setting[name] = number(name, values.low, values.high, step=values.step, log=values.log)
    return setting


class ReportEpochs(keras.callbacks.Callback):
    """Reports each epoch to the storage; stops a training that is hopeless or became nan.

    Attributes:
        trial: to report to; None reports nothing.
        state: afterwards "complete", "pruned" or "nan".
    """

    def __init__(self, trial: optuna.Trial | None = None):
        super().__init__()
        self.trial, self.state = trial, "complete"

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Report an epoch.

        Raises:
            RowLost: the row was given away.
            StorageGone: it cannot be reached.
        """
        if not all(math.isfinite(logs[name]) for name in ("loss", "val_loss") if name in logs):
            self.state = "nan"
        elif self.trial is not None and self._is_hopeless(epoch + 1, logs):
            self.state = "pruned"
        if self.state != "complete":
            self.model.stop_training = True

    @persistent()
    def _is_hopeless(self, epoch: int, logs: dict[str, float]) -> bool:
        """Tell the storage of an epoch; whether the training is to stop after it."""
        self.trial.set_user_attr("epoch", epoch)
        if "val_accuracy" not in logs or len(self.trial.study.directions) > 1:
            return False  # validated after the last epoch only, or hopeless by no single objective
        self.trial.report(round(logs["val_accuracy"], 5), epoch)  # as the table has it
        return epoch < self.params["epochs"] and self.trial.should_prune()


@persistent()
def finish(study: optuna.Study, trial: optuna.Trial, result: dict) -> None:
    """Store a row's result with its trial, and end it; nothing where the row was given away.

    Whether the result counts is seen from `finished` alone.

    Raises:
        StorageGone: it cannot be reached.
    """
    with contextlib.suppress(RowLost):
        trial.set_user_attr("result", result)
        study.tell(trial, skip_if_finished=True, **_outcome(result))


@persistent()
def fail(study: optuna.Study, trial: optuna.Trial) -> None:
    """End a trial without a result: nobody has its row any more.

    Raises:
        StorageGone: it cannot be reached.
    """
    study.tell(trial, skip_if_finished=True, state=TrialState.FAIL)


def _outcome(result: dict) -> dict:
    """What Optuna is told of a result."""
    if result["state"] == "complete":
        objectives = [result[name] for name in ("accuracy", "cost") if name in result]
        return {"values": objectives, "state": TrialState.COMPLETE}
    return {"state": TrialState.PRUNED}


@persistent()
def finished(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that finished a row, each with its result in user_attrs["result"].

    Raises:
        StorageGone: it cannot be reached.
    """
    trials = study.get_trials(deepcopy=False, states=FINISHED)
    return [trial for trial in trials if "result" in trial.user_attrs]
