"""Architectures have the published sizes and take raw images."""

from helpers import models

import keras
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@pytest.mark.parametrize(
    "hidden, parameters",
    [((397, 397), 473_631), ((128,), 101_770), ((), 7_850)],
    ids=["report A", "report B", "linear"],
)
def test_dense_networks_have_the_reports_numbers_of_parameters(hidden, parameters):
    assert models.dense_ann(hidden).count_params() == parameters


def test_the_default_is_report_a_s_network():
    assert models.dense_ann().count_params() == 473_631


@pytest.mark.parametrize("classes", [10, 47, 62])
def test_outputs_are_probabilities(classes):
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    outputs = models.dense_ann((16,), classes).predict(images, verbose=0)
    assert outputs.shape == (5, classes) and outputs.min() >= 0
    assert outputs.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_raw_images_are_scaled_inside():
    model = models.dense_ann((8,))
    image = np.random.default_rng(0).integers(0, 256, (1, 28, 28), dtype=np.uint8)
    (w1, b1), (w2, b2) = (
        model.get_layer(name).get_weights() for name in ("hidden_1", "probabilities")
    )
    scores = np.maximum(image.reshape(1, 784) / 255 @ w1 + b1, 0) @ w2 + b2
    expected = np.exp(scores) / np.exp(scores).sum()
    assert model.predict(image, verbose=0) == pytest.approx(expected, abs=1e-5)


def test_a_model_is_not_compiled_and_starts_as_all_models_do():
    model = models.dense_ann()
    assert not model.compiled
    kinds = [type(layer) for layer in model.layers[:3]]
    assert kinds == [keras.layers.InputLayer, keras.layers.Rescaling, keras.layers.Reshape]
    assert model.input_shape == (None, 28, 28)
