"""What a model costs, counted from its layers. What it is made of is drawn: see test_plots."""

from helpers import models

import keras
import pytest
from keras import layers


@pytest.mark.parametrize(
    "layer, shape, expected",
    [
        (layers.Conv2D(32, 3), (28, 28, 1), 26 * 26 * 9 * 32),
        (layers.Conv2D(8, (5, 3), strides=2, padding="same"), (28, 28, 4), 14 * 14 * 15 * 4 * 8),
        (layers.Dense(10), (128,), 1280),
        (layers.Dense(10), (7, 128), 7 * 1280),
        (layers.MaxPooling2D(2), (28, 28, 1), 0),
    ],
    ids=["valid", "strided", "dense", "dense in places", "pooling"],
)
def test_multiply_adds_are_weights_times_places(layer, shape, expected):
    model = keras.Sequential([keras.Input(shape), layer])
    assert models.multiply_adds(layer) == models.multiply_adds(model) == expected


def test_multiply_adds_of_the_study_network():
    by_hand = 26 * 26 * 9 * 32 + 11 * 11 * 9 * 32 * 64 + 1600 * 128 + 128 * 10
    assert models.multiply_adds(models.study_cnn()) == by_hand
