"""The three families are what their names say, of the stated size, and their work is counted."""

from helpers import models
from helpers.recipes import families

import keras
import numpy as np
import pytest
from keras import layers

SIZES = {  # parameters for 10, 26 and 47 classes
    "vgg": (136_666, 150_506, 168_671),
    "resnet": (238_634, 263_226, 295_503),
    "separable": (153_610, 190_490, 238_895),
}
every_family = pytest.mark.parametrize("build", families.FAMILIES.values(), ids=families.FAMILIES)


@pytest.mark.parametrize(("family", "sizes"), SIZES.items(), ids=SIZES)
def test_parameters_are_those_of_the_docstring(family, sizes):
    build = families.FAMILIES[family]
    assert tuple(build(classes).count_params() for classes in (10, 26, 47)) == sizes
    assert f"{sizes[0]:,} parameters for 10 classes" in build.__doc__


def test_other_filters_make_other_widths():
    wide = families.vgg(10, filters=(32, 64, 192))
    assert [layer.filters for layer in wide.layers if isinstance(layer, layers.Conv2D)] == [
        *(32, 32, 64, 64, 192, 192)
    ]
    small = families.resnet(26, filters=(20, 20, 40, 60))
    # by hand: 14 · 14 places (25 · 20 + 2 · 9 · 20²) + 7 · 7 (20 · 40 + 9 · (20 + 40) · 40)
    # + 4 · 4 (40 · 60 + 9 · (40 + 60) · 60) + 4 · 4 · 60 · 26
    by_hand = 196 * (500 + 7_200) + 49 * (800 + 21_600) + 16 * (2_400 + 54_000) + 960 * 26
    assert models.multiply_adds(small) == by_hand


@every_family
def test_raw_images_go_in_and_probabilities_come_out(build):
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    probabilities = keras.ops.convert_to_numpy(build(26)(images))
    assert probabilities.shape == (3, 26)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


@every_family
def test_dropout_stands_before_the_classifier(build):
    *_, dropout, classifier = build().layers
    assert isinstance(dropout, layers.Dropout) and dropout.rate == 0.4
    assert isinstance(classifier, layers.Dense)


@every_family
def test_every_convolution_that_mixes_channels_is_normalised_and_has_no_bias(build):
    model = build()
    mixing = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    normalised = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    assert len(mixing) == len(normalised) >= 6
    assert not any(layer.use_bias for layer in mixing)


def test_a_vgg_has_pairs_of_three_by_three_convolutions():
    order = [type(layer).__name__ for layer in families.vgg().layers]
    kept = [name for name in order if name in ("Conv2D", "MaxPooling2D")]
    assert kept == ["Conv2D", "Conv2D", "MaxPooling2D"] * 3


def test_a_block_whose_convolutions_give_nothing_passes_its_input_on():
    model = families.resnet()
    image = np.random.default_rng(0).integers(0, 256, (1, 28, 28), dtype=np.uint8)
    last = model.get_layer("block_1_conv_2_normalised")
    gamma, *others = last.get_weights()
    last.set_weights([0 * gamma, *others])
    ends = [model.get_layer(name).output for name in ("stem_activation", "block_1_activation")]
    before, after = keras.Model(model.input, ends)(image)
    assert np.array_equal(before, after) and np.any(before)


def test_depthwise_convolutions_count():
    inputs = keras.Input((14, 14, 64))
    x = layers.DepthwiseConv2D(3, padding="same")(inputs)
    model = keras.Model(inputs, layers.Conv2D(128, 1)(x))
    assert models.multiply_adds(model) == 14 * 14 * (64 * 9 + 64 * 128)
