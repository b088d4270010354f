"""A study whose rows take milliseconds: no network, few images; everything else is as always.

`install` puts that in place, `Worker` runs a study in a process of its own, and every training is
noted in the file that TRAINED names.
"""

import functools
import multiprocessing
import os
import pkgutil
import random
import signal
import time
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from helpers import data, evaluation, models, studies, training
from helpers.studies import storage as storage_module
from helpers.studies import workers

import numpy as np
import optuna

FORKS = multiprocessing.get_context("forkserver")  # which has imported Keras: workers start at once
FORKS.set_forkserver_preload(["helpers.studies", "tiny_study"])


def _split(count):
    return data.Split(np.zeros((count, 28, 28), np.uint8), np.arange(count) % 10)


DATASET = data.Dataset("mnist", data.CLASSES["mnist"], _split(120), _split(20), complete=False)


def install(patch=setattr):
    """Train without a network, on few images. Arguments: patch: such as monkeypatch.setattr."""
    patch(data, "load", lambda name: DATASET)
    wrapped = functools.wraps(training.fit)(fit)  # its options count in a configuration
    patch(training, "fit", wrapped)
    patch(evaluation, "evaluate", evaluate)


def prepare(monkeypatch, folder):
    """Install it in a test whose workers share a storage, where a hung one soon loses its locks."""
    install(monkeypatch.setattr)
    monkeypatch.setenv("TRAINED", str(folder / "trained"))
    monkeypatch.setenv("PGOPTIONS", "-c idle_in_transaction_session_timeout=3s")
    monkeypatch.delenv("COURSE_DATA", raising=False)


def fit(model, split, validation, *, epochs, callbacks, verbose):
    """Like `training.fit`: accuracies that depend on network and seed, seconds on nothing."""
    if model.row:
        note(model.row)
        if os.environ.get("BROKEN") == model.row.removeprefix("width="):
            raise ValueError("no such width")
    goal = model.goal + 0.02 * np.random.rand()
    for callback in callbacks:
        callback.set_params({"epochs": epochs})
        callback.set_model(model)
    seen = []
    while len(seen) < epochs and not model.stop_training:
        time.sleep(float(os.environ.get("PAUSE", "0")))
        accuracy = goal * (1 - 0.5 ** (len(seen) + 1))
        loss = model.loss or 1 - accuracy
        seen.append((loss, accuracy, loss, accuracy))
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        for callback in callbacks:
            callback.on_epoch_end(len(seen) - 1, dict(zip(names, seen[-1], strict=True)))
    curves = map(list, zip(*seen, strict=True))
    seconds = random.SystemRandom().uniform(1, 9_999)  # another figure where a row is trained again
    return training.History(*curves, seconds, len(split), batch_size=32)


def evaluate(model, split, classes):
    """Like `evaluation.evaluate`."""
    return types.SimpleNamespace(accuracy=model.goal, loss=1 - model.goal)


@dataclass
class Network:
    """What the recipes here return: a network whose accuracy goes to `goal`.

    row: what is noted when it is trained, "" for nothing.
    """

    goal: float
    loss: float | None = None
    work: int = 1
    row: str = ""
    stop_training = False
    output_shape = (None, 10)

    def count_params(self):
        return 10

    def get_weights(self):
        """Who trained it."""
        return [np.array([os.getpid()])]

    def get_config(self):
        return {"goal": self.goal, "loss": repr(self.loss), "work": self.work}


@dataclass
class Named:
    """A function in the options of a recipe, known by its name."""

    name: str
    function: Callable

    def __call__(self, *arguments):
        return self.function(*arguments)

    def get_config(self):
        return {"what": self.name}


def work(model):
    return model.work


TWO_OBJECTIVES = {"cost": work, "prune": None}


def wide(width):
    """The wider, the better; no accuracy above 1 in studies of a thousand widths either."""
    return Network(min(0.5 + width / 100, 0.9), row=f"width={width}"), {}


def dense(width):
    return models.dense_ann((width,)), {}


def searched(rate, width):
    goal = 0.9 - 0.1 * abs(np.log10(rate) + 2) - width / 100
    return Network(goal, work=3 * width, row=f"rate={rate:.4g} width={width}"), {}


def traded(rate, width):
    return Network(0.7 - 0.1 * abs(np.log10(rate) + 2) + width / 20, work=3 * width), {}


def lost(rate, width):
    return Network(0.5, float("nan"), row="lost"), {}


def grid(folder, **changes):
    """A plan of six rows, two epochs each."""
    plan = {"factors": {"width": [1, 2, 3]}, "recipe": wide, "epochs": 2, "seeds": (1, 2)}
    return studies.Plan("tiny", folder=folder, **plan | changes)


def search(folder, sampler, **changes):
    """A plan of 20 trials in two dimensions; the best rate is .01, the best width 1."""
    rates = optuna.distributions.FloatDistribution(1e-4, 1.0, log=True)
    plan = {"factors": {"rate": rates, "width": [1, 2, 3]}, "recipe": searched, "epochs": 4}
    plan |= {"sampler": sampler, "trials": 20, "seeds": (1,)}
    return studies.Plan("tiny", folder=folder, **plan | changes)


def note(row):
    """Note that a row is being trained: one short write to a file's end, which nothing can tear."""
    with open(os.environ["TRAINED"], "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {row}\n")


def trained():
    """All trainings so far: list of (process, row)."""
    path = Path(os.environ["TRAINED"])
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(int(line.split()[0]), line.split(" ", 1)[1]) for line in lines]


def lines(plan):
    """The lines of a table, without its header."""
    return plan.path.read_text(encoding="utf-8").splitlines()[1:] if plan.path.exists() else []


def wait_for(condition):
    """Wait until a function of nothing says yes, two minutes at most."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "waited two minutes"
        time.sleep(0.005)


class Worker(FORKS.Process):
    """A process that runs a study. Arguments: plan, storage: as for `studies.run`.

    die: the moment at which it kills itself with SIGKILL, None for never: ("module:name", number
        of the call, whether before or after it).  hang: whether it stops itself there instead.
    environment: changes to this process's; also PAUSE, seconds an epoch, PATIENCE and HEARTBEAT,
        and ASKED: how often a database that fails is asked again, every half second.
    """

    def __init__(self, plan, storage=None, die=None, hang=False, **environment):
        names = ("COURSE_DATA", "COURSE_TIER", "TRAINED", "PGOPTIONS", "XDG_CACHE_HOME")
        here = {name: os.environ[name] for name in names if name in os.environ}
        blow = signal.SIGSTOP if hang else signal.SIGKILL
        arguments = (plan, storage, die, blow, here | environment)
        super().__init__(target=_work, args=arguments, daemon=True)
        self.start()


def _work(plan, storage, die, blow, environment):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's "&" has it ignored
    os.environ.update(environment)
    if "COURSE_DATA" not in environment:
        install()
    workers.PATIENCE = float(environment.get("PATIENCE", "5"))  # also where a machine is busy
    workers.HEARTBEAT = float(environment.get("HEARTBEAT", "0.5"))
    if "ASKED" in environment:
        storage_module.PAUSES = (0.5,) * int(environment["ASKED"])
    if die is not None:
        _die(*die, blow)
    studies.run(plan, storage)


def _die(name, number, when, blow):
    """Replace a function by one whose so-manieth call sends the process a signal."""
    owner, attribute = name.rsplit(".", 1)
    owner = pkgutil.resolve_name(owner)
    original = getattr(owner, attribute)
    calls = []

    def replacement(*arguments, **options):
        calls.append(None)
        if len(calls) == number and when == "before":
            os.kill(os.getpid(), blow)
        result = original(*arguments, **options)
        if len(calls) == number and when == "after":
            os.kill(os.getpid(), blow)
        return result

    setattr(owner, attribute, replacement)
