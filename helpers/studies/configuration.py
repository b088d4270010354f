"""What decides a training, written out so that it can be compared: the configuration of a row.

It is taken from what a recipe *returns*: the network, the optimiser, the learning rates, the loss,
the augmentation, images and epochs. So a new name for a function changes nothing, and a new peak of
the learning rate does. Whatever is random is left out: seeds are a column of their own.
"""

import contextlib
import hashlib
import inspect
import json
import random
from typing import TYPE_CHECKING

from helpers import training
from helpers.internals import fitting
from helpers.internals.backend import keras

import numpy as np

if TYPE_CHECKING:
    from helpers.studies.plan import Plan

STEPS = 1000
"""Learning rates are compared over a training of so many steps."""

DIGITS = 5
"""Computed numbers are compared in so many digits: backends differ in the last ones."""

UNIMPORTANT = {
    *("name", "module", "registered_name", "build_config", "compile_config", "seed", "trainable"),
    *("shared_object_id", "build_input_shape", "optional"),
}
"""What Keras writes into a configuration besides what decides a training."""


def of(plan: "Plan", setting: dict) -> dict:
    """The configuration of a setting: all that decides its training but the seed.

    The random numbers that follow are the same as without this call.

    Args:
        plan: whose recipe is asked.
        setting: factor → value.

    Returns:
        A dict that json can write.

    Raises:
        TypeError: the recipe returns something that cannot be compared. What the recipe raises
            passes through.
    """
    with _same_random_numbers():
        model, options = plan.recipe(**setting)
        signature = inspect.signature(training.fit).parameters.values()
        known = {p.name: p.default for p in signature if p.default is not p.empty}
        options = {"epochs": plan.epochs, "images": plan.images} | known | options
        judged_as = options.pop("judged_as", None)
        judged = judged_as(model) if judged_as and plan.judged_once else model
        learned = {
            "network": plain(model),
            "judged": None if judged is model else plain(judged),
            "cost": plan.cost(judged) if plan.cost else None,
            "optimizer": _optimizer(options),
            "loss": _loss(options, model),
        }
        if callbacks := options.pop("callbacks"):
            learned["callbacks"] = [_callback(one) for one in callbacks]
    shown = {"validation", "verbose", "steps_per_execution"}  # decide nothing
    left = options.keys() - {*shown, *LEARNED}
    how = {"data": plan.data, "final": plan.final}
    if plan.sampler != "grid":
        how |= {"sampler": plan.sampler, "prune": plan.prune}
    return plain({**learned, **how, **{name: options[name] for name in left}})


LEARNED = ("optimizer", "learning_rate", "weight_decay", "loss")


def digest(configuration: object) -> str:
    """Eight digits that change with a configuration."""
    text = json.dumps(configuration, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def plain(value: object, names: dict | None = None) -> object:
    """Numbers, strings, lists and dicts of what a configuration holds; names of layers leave it.

    Args:
        value: one of those, or anything with `get_config`, such as a layer.
        names: layer's name → its place in its network.

    Raises:
        TypeError: for anything else.
    """
    names = names or {}
    if isinstance(value, str):
        return names.get(value, value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [plain(one, names) for one in value]
    if isinstance(value, dict):
        return _plain_dict(value, names)
    if hasattr(value, "get_config"):
        return {**_kind(value), **plain(value.get_config(), names)}
    if type(value).__module__.startswith("optuna"):
        return plain(value._asdict(), names)
    raise TypeError(
        f"expected what can be compared: a number, text, list, dict, or an object with get_config; "
        f"found {value!r}. Give its class a method get_config that returns what decides its work."
    )


def _plain_dict(value: dict, names: dict) -> object:
    """A dict without what is None or unimportant; a network's layers go by their places."""
    if value.get("class_name") == "DTypePolicy":
        return value["config"]["name"]
    if isinstance(value.get("layers"), list):
        layers = [layer for layer in value["layers"] if isinstance(layer, dict)]
        places = {layer["config"].get("name"): place for place, layer in enumerate(layers)}
        names = {**names, **places}
    kept = {key: one for key, one in value.items() if key not in UNIMPORTANT and one is not None}
    return {str(key): plain(one, names) for key, one in sorted(kept.items(), key=str)}


def _kind(value: object) -> dict:
    """The class of a Keras object; one of the course's own goes by what its configuration says."""
    kind = type(value)
    return {"class": kind.__name__} if kind.__module__.startswith("keras.") else {}


def _optimizer(options: dict) -> dict:
    """The optimiser's configuration, and the learning rates over `STEPS` steps."""
    rate = options.get("learning_rate")
    if callable(rate) and not isinstance(rate, fitting.Schedule):
        rate = rate(STEPS)
    if "optimizer" not in options:
        return {"learning_rate": rate}
    made = fitting.make_optimizer(options["optimizer"], rate, options["weight_decay"])
    config = plain(made)
    if rate is None:  # the optimiser's own
        rate = config["learning_rate"]
        rate = _rounded(rate) if isinstance(rate, float) else rate
    if isinstance(rate, fitting.Schedule):
        rate = [_rounded(rate(step)) for step in range(0, STEPS + 1, STEPS // 20)]
    return {**config, "learning_rate": rate}


def _loss(options: dict, model: keras.Model) -> dict | None:
    """What the loss says of a few fixed probabilities, and its settings."""
    loss = options.get("loss")
    if loss is None:
        return None
    rng, classes = np.random.default_rng(0), model.output_shape[-1]
    targets, probabilities = rng.dirichlet(np.ones(classes), (2, 4)).astype("float32")
    if options.get("targets") is None:
        targets = np.arange(4) % classes
    found = keras.losses.get(loss)(targets, probabilities)
    return {"value": _rounded(np.mean(found)), "settings": plain(loss)}


def _callback(callback: object) -> object:
    """A callback's configuration; Keras's own have none, and go by what they were made with."""
    if hasattr(callback, "get_config") or not _kind(callback):
        return plain(callback)
    made_with = {name: one for name, one in vars(callback).items() if not name.startswith("_")}
    return {**_kind(callback), **plain(made_with)}


def _rounded(number: float) -> float:
    return float(f"{float(number):.{DIGITS}g}")


@contextlib.contextmanager
def _same_random_numbers():
    """Undo what building a network does to Python's and NumPy's random numbers."""
    before = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
