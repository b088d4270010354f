"""A row belongs to what its recipe returns: what changes a training changes its hash."""

import json
import random
from functools import partial

from helpers import models, training
from helpers.recipes import augmentation, fast, losses, schedules
from helpers.studies import configuration

import keras
import numpy as np
import pytest
import tiny_study

OPTIONS = {"learning_rate": schedules.one_cycle(0.01), "weight_decay": 0.05}


def digest(tmp_path, build=models.dense_ann, settings=None, options=OPTIONS, **changes):
    """The hash of a training: a network, what is built into it, and its options."""

    def recipe(width):
        return build(**settings or {"hidden": (16,)}), dict(options)

    changes = {"recipe": recipe, "factors": {"width": [16]}} | changes
    return tiny_study.grid(tmp_path, **changes).configuration_hash({"width": 16})


def turned(degrees):
    return augmentation.random_affine(rotation=degrees, shift=0.02)


def nesterov(momentum):
    return partial(keras.optimizers.SGD, momentum=momentum, nesterov=True)


def renamed(hidden):
    """The same network, by a function and with layers of other names."""
    inputs = keras.Input((28, 28), name="picture")
    x = keras.layers.Reshape((28, 28, 1))(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(*hidden, activation="relu", name="wide")(x)
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x), name="another")


CHANGES = {
    "peak rate": {"options": OPTIONS | {"learning_rate": schedules.one_cycle(0.5)}},
    "warm-up": {"options": OPTIONS | {"learning_rate": schedules.one_cycle(0.01, warm_up=0.5)}},
    "constant rate": {"options": OPTIONS | {"learning_rate": 0.01}},
    "decay": {"options": OPTIONS | {"weight_decay": 5}},
    "optimiser": {"options": OPTIONS | {"optimizer": "rmsprop"}},
    "momentum": {"options": OPTIONS | {"optimizer": nesterov(0.9)}},
    "batch size": {"options": OPTIONS | {"batch_size": 64}},
    "loss": {"options": OPTIONS | {"loss": losses.OneHotLoss("kl_divergence", 10, 0.1)}},
    "augmentation": {"options": OPTIONS | {"augment": turned(8)}},
    "epochs of the recipe": {"options": OPTIONS | {"epochs": 5}},
    "fold": {"options": OPTIONS | {"fold": (1, 6)}},
    "start": {"options": OPTIONS | {"start": tiny_study.Named("filters", None)}},
    "callback": {"options": OPTIONS | {"callbacks": [keras.callbacks.SwapEMAWeights()]}},
    "units": {"settings": {"hidden": (17,)}},
    "layers": {"settings": {"hidden": (16, 16)}},
    "network": {"build": models.first_cnn, "settings": {"classes": 10}},
    "epochs": {"epochs": 3},
    "images": {"images": 99},
    "data": {"data": "emnist/digits"},
    "test images": {"final": True},
    "cost": {"cost": lambda model: model.count_params(), "prune": None},
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_a_training_changes_its_hash(tmp_path, change):
    assert digest(tmp_path, **CHANGES[change]) != digest(tmp_path)


PAIRS = {
    "rotation of 8° or 90°": [{"augment": turned(8)}, {"augment": turned(90)}],
    "momentum": [{"optimizer": nesterov(0.9)}, {"optimizer": nesterov(0.8)}],
    "an optimiser's own rate": [{"optimizer": keras.optimizers.SGD(rate)} for rate in (0.5, 0.1)],
    "a callback's settings": [
        {"callbacks": [keras.callbacks.SwapEMAWeights(swap_on_epoch=each)]}
        for each in (True, False)
    ],
    "callbacks of the course's own": [
        {"callbacks": [tiny_study.Named(name, None)]} for name in ("freeze", "thaw")
    ],
    "smoothing": [
        {"loss": losses.OneHotLoss("categorical_crossentropy", 10, share)} for share in (0.05, 0.1)
    ],
    "temperature": [
        {"targets": tiny_study.Named("ensemble", None), "loss": losses.Distillation(degree)}
        for degree in (1.0, 3.0)
    ],
    "teacher": [
        {"targets": tiny_study.Named(name, None), "loss": losses.Distillation(3.0)}
        for name in ("ensemble", "vgg")
    ],
}


@pytest.mark.parametrize("pair", PAIRS)
def test_settings_of_what_a_recipe_returns_count(tmp_path, pair):
    first, second = (digest(tmp_path, options=options) for options in PAIRS[pair])
    assert first != second
    assert first == digest(tmp_path, options=PAIRS[pair][0])


def test_a_rate_that_is_not_given_is_the_one_that_fit_takes(tmp_path):
    given = digest(tmp_path, options={"learning_rate": 0.001})
    assert given == digest(tmp_path, options={}) == digest(tmp_path, options={"optimizer": "adam"})
    assert given == digest(tmp_path, options={"steps_per_execution": 1})


def test_names_of_functions_networks_and_layers_do_not_count(tmp_path):
    assert digest(tmp_path, build=renamed) == digest(tmp_path)


def test_a_schedule_and_a_loss_under_another_name_are_the_same(tmp_path):
    class Cycle(keras.optimizers.schedules.CosineDecay):
        pass

    class Spread(losses.OneHotLoss):
        pass

    new = {
        "learning_rate": lambda steps: Cycle(
            0.01 / 25, 0.75 * steps, 1e-4, warmup_target=0.01, warmup_steps=0.25 * steps
        ),
        "loss": Spread("kl_divergence", 10),
    }
    old = {
        "learning_rate": schedules.one_cycle(0.01),
        "loss": losses.OneHotLoss("kl_divergence", 10),
    }
    assert digest(tmp_path, options=new) == digest(tmp_path, options=old)


def test_a_formula_that_changed_under_the_same_name_counts(tmp_path, monkeypatch):
    options = fast.recipe()
    before = digest(tmp_path, options=options)
    decay = keras.optimizers.schedules.CosineDecay
    monkeypatch.setattr(decay, "__call__", lambda self, step: 0.1 / (1 + step))
    slower = digest(tmp_path, options=options)
    monkeypatch.setattr(losses.OneHotLoss, "call", lambda self, labels, p: 2 * p[:, 0])
    assert len({before, slower, digest(tmp_path, options=options)}) == 3


def test_a_hidden_default_of_fit_counts(tmp_path, monkeypatch):
    before = digest(tmp_path)
    monkeypatch.setitem(training.fit.__kwdefaults__, "batch_size", 256)
    assert digest(tmp_path) != before


def test_another_reading_counts_where_it_is_judged(tmp_path):
    shifted = OPTIONS | {"judged_as": augmentation.shift_averaged}
    assert digest(tmp_path, options=shifted) == digest(
        tmp_path
    )  # judged after each epoch, as it is
    once = digest(tmp_path, options=shifted, final=True)
    assert once != digest(tmp_path, final=True)


def test_the_random_numbers_that_follow_stay_as_they_were(tmp_path):
    drawn, options = [], OPTIONS | {"augment": turned(8)}
    for look in (False, True):
        keras.utils.set_random_seed(3)
        if look:
            digest(tmp_path, options=options)
        weights = models.dense_ann((16,)).get_weights()[0]
        drawn.append([random.random(), np.random.rand(), weights])
    assert drawn[0][:2] == drawn[1][:2]
    np.testing.assert_array_equal(drawn[0][2], drawn[1][2])


def test_a_configuration_is_plain_and_the_same_each_time(tmp_path):
    plan = tiny_study.grid(tmp_path, recipe=tiny_study.dense)
    first, again = (configuration.of(plan, {"width": 16}) for _ in range(2))
    assert json.loads(json.dumps(first)) == first == again
    assert first["network"]["layers"][4]["config"]["units"] == 16
    assert first["optimizer"]["class"] == "Adam" and first["epochs"] == 2


def test_what_cannot_be_compared_is_refused(tmp_path):
    by_rate = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)
    for options in (
        {"more": lambda split, validation: split},
        {"callbacks": [by_rate]},
        {"callbacks": [lambda: None]},
    ):
        with pytest.raises(TypeError, match=r"expected what can be compared.*get_config"):
            digest(tmp_path, options=options)
