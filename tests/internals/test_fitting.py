"""What `training.fit` asks of Keras: a fresh optimiser, and a step that is compiled once."""

from helpers import models, training
from helpers.data import Split
from helpers.internals import fitting

import keras
import numpy as np
import pytest


@pytest.mark.parametrize("name", ["rmsprop", "nadam", "sgd", "adadelta", "adagrad", "adam"])
def test_compiling_gives_a_fresh_optimiser_of_that_name_and_rate(name):
    model = models.dense_ann((16,))
    for rate in (0.5, 0.25):
        fitting.compile_model(model, name, rate, "kl_divergence")
        assert type(model.optimizer) is type(keras.optimizers.get(name))
        assert float(model.optimizer.learning_rate) == rate and model.loss == "kl_divergence"
        assert int(model.optimizer.iterations) == 0
        model.optimizer.iterations.assign(7)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="traces are TensorFlow's")
@pytest.mark.parametrize("targets", [None, np.full((64, 10), 0.1)])
def test_a_training_step_is_translated_into_a_graph_once(targets, monkeypatch):
    traces, step = [], keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda *a: traces.append(1) or step(*a))
    labels = np.arange(64) % 10
    images = np.zeros((64, 28, 28), np.uint8)
    loss = "sparse_categorical_crossentropy" if targets is None else "kl_divergence"
    options = {"epochs": 1, "loss": loss, "targets": targets, "verbose": False}
    history = training.fit(models.dense_ann((4,)), Split(images, labels), **options)
    assert len(traces) == 1 and 0 <= history.accuracy[0] <= 1


@pytest.mark.parametrize("backend, jit, steps", [("tensorflow", False, 32), ("jax", "auto", 1)])
def test_steps_are_bundled_and_xla_is_off_under_tensorflow_only(backend, jit, steps, monkeypatch):
    told = {}
    model = models.dense_ann((4,))
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(model, "compile", lambda *_, **options: told.update(options))
    fitting.compile_model(model, "adam", None, "kl_divergence")
    assert (told["jit_compile"], told["steps_per_execution"]) == (jit, steps)
    fitting.compile_model(model, "adam", None, "kl_divergence", steps_per_execution=3)
    assert told["steps_per_execution"] == 3
