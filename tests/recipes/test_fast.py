"""helpers.fast: the quick network, its first filters and its recipe; the smallest network."""

from helpers import models, training
from helpers.recipes import fast

import keras
import numpy as np
import pytest
from learnable import split


def test_the_network_has_the_parameters_that_it_claims():
    assert fast.fast_cnn().count_params() == 19_642
    assert fast.smallest_cnn().count_params() == 1_630
    assert fast.fast_cnn(classes=47).output_shape == (None, 47)


def test_the_recipe_trains_one_epoch_with_momentum_and_a_falling_rate():
    keras.utils.set_random_seed(1)
    model = fast.fast_cnn()
    history = training.fit(model, split(6400), verbose=False, **fast.recipe(peak=0.1))
    assert history.epochs == 1 and history.batch_size == 128
    assert model.optimizer.nesterov and model.optimizer.momentum == 0.9
    assert float(model.optimizer.learning_rate) < 1e-2  # at the end of the cycle
    predicted = model.predict(split(6400).images, verbose=0).argmax(axis=1)
    assert (predicted == split(6400).labels).mean() > 0.9


def test_the_recipe_smooths_the_labels():
    loss = fast.recipe(classes=47, smoothing=0.2)["loss"]
    assert (loss.inner, loss.classes, loss.smoothing) == ("categorical_crossentropy", 47, 0.2)


def test_normalisation_settles_within_one_epoch():
    for model in (fast.fast_cnn(normalise=(1, 2)), fast.smallest_cnn()):
        norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
        assert len(norms) >= 2 and {norm.momentum for norm in norms} == {0.9}


def test_each_trick_can_be_switched_off():
    work = models.multiply_adds(fast.fast_cnn())
    assert models.multiply_adds(fast.fast_cnn(frame=0)) > work
    assert models.multiply_adds(fast.fast_cnn(stride=1)) > 2 * work
    layers = [layer.name for layer in fast.fast_cnn(pool_first=False).layers]
    assert layers.index("conv_1_activation") < layers.index("pool_1")
    normalised = [layer.name for layer in fast.fast_cnn(normalise=(1, 2)).layers]
    assert {"conv_1_normalised", "conv_2_normalised"} <= {*normalised}
    plain = fast.fast_cnn(normalise=())
    assert plain.get_layer("conv_1").use_bias and plain.get_layer("conv_2").use_bias


def test_pooling_before_or_after_the_activation_is_the_same_function():
    first, last = fast.fast_cnn(), fast.fast_cnn(pool_first=False)
    last.set_weights(first.get_weights())
    images = split(50).images
    np.testing.assert_allclose(first.predict(images), last.predict(images), rtol=1e-5)


def test_patch_filters_answer_equally_strongly_and_come_in_pairs():
    images = np.random.default_rng(1).integers(0, 256, (200, 28, 28), dtype=np.uint8)
    images[:, 10:20] //= 3
    filters = fast.patch_filters(images, 8, gain=0.5)
    assert filters.shape == (6, 6, 1, 8)
    np.testing.assert_array_equal(filters[..., :4], -filters[..., 4:])
    windows = np.lib.stride_tricks.sliding_window_view(images, (6, 6), (1, 2))[:, ::2, ::2]
    answers = windows.reshape(-1, 36) / 255 @ filters.reshape(36, 8)
    np.testing.assert_allclose(answers.std(axis=0), 0.5, rtol=0.1)
    np.testing.assert_allclose(np.corrcoef(answers[:, :4].T), np.eye(4), atol=1e-6)


def test_five_hundred_images_decide_the_patch_filters():
    images = np.random.default_rng(1).integers(0, 256, (600, 28, 28), dtype=np.uint8)
    first, fewer = (fast.patch_filters(images[:count], 8) for count in (500, 499))
    np.testing.assert_array_equal(fast.patch_filters(images, 8), first)
    assert not np.array_equal(first, fewer)


@pytest.mark.parametrize("count", [0, 7, 74])
def test_a_count_of_filters_that_cannot_be_is_named(count):
    with pytest.raises(ValueError, match=f"even count from 2 to 72, found {count}"):
        fast.patch_filters(split(20).images, count)


def test_begin_gives_a_network_those_filters():
    model = fast.begin(fast.fast_cnn(filters=(8, 4)), split(600).images)
    expected = fast.patch_filters(split(600).images, 8)
    np.testing.assert_allclose(model.get_layer("conv_1").kernel, expected, rtol=1e-5)
