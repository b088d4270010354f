"""Architectures are the reports' layer by layer, take raw images, and survive being saved."""

from functools import partial

from helpers import models
from helpers.recipes import augmentation, families

import keras
import numpy as np
import pytest
from keras import layers

SCALED = [layers.InputLayer, layers.Rescaling, layers.Reshape]

# name → how it is built, its parameters, its layers in the reports' notation (reference: A, B, C).
# F says how many numbers are flattened: so many are left by kernels, padding and pooling.
PUBLISHED = {
    "A dense": (models.dense_ann, 473_631, "F784 FC397 ReLU FC397 ReLU FC10 softmax"),
    "B version 1": (
        partial(models.dense_ann, (128,)),
        101_770,
        "F784 FC128 ReLU FC10 softmax",
    ),
    "linear": (partial(models.dense_ann, ()), 7_850, "F784 FC10 softmax"),
    "A first": (models.first_cnn, 93_222, "32C5 ReLU AP2 F4608 FC20 ReLU FC10 softmax"),
    "B version 2": (models.version_2, 54_410, "32C3 ReLU MP2 D0.25 F5408 FC10 softmax"),
    "B version 3": (
        models.version_3,
        1_971_926,
        "32C4 ReLU 64C3 ReLU MP2 D0.2 F7744 FC248 ReLU FC124 ReLU D0.4 FC10 softmax",
    ),
    "C original": (
        models.overfitting_cnn,
        1_199_882,
        "32C3 ReLU 64C3 ReLU MP2 D0.25 F9216 FC128 ReLU D0.5 FC10 softmax",
    ),
    "C smaller, regularised": (
        partial(models.overfitting_cnn, (32, 32), 64, 0.01, (0, 0.3)),
        305_194,
        "32C3 ReLU 32C3 ReLU MP2 D0 F4608 FC64 ReLU D0.3 FC10 softmax",
    ),
    "A study": (
        models.study_cnn,
        225_034,
        "32C3 ReLU MP2 64C3 ReLU MP2 F1600 FC128 ReLU FC10 softmax",
    ),
    "A final": (
        models.report_a_final,
        499_378,
        "64C3 LeakyReLU0.08 MP2 D0.2 128C3 LeakyReLU0.08 MP2 D0.2 "
        "F3200 BN FC128 BN ReLU D0.2 BN FC10 BN softmax",
    ),
    "D first": (
        partial(models.study_cnn, (32,), units=(512, 128), classes=26),
        2_838_746,
        "32C3 ReLU MP2 F5408 FC512 ReLU FC128 ReLU FC26 softmax",
    ),
    "D second": (
        models.report_d_2,
        424_602,
        "32C5 ReLU MP2 64C3 ReLU MP2 128C3 ReLU MP2 F1152 FC256 ReLU FC128 ReLU FC26 softmax",
    ),
    "D third": (
        partial(models.study_cnn, units=(512,), dropout=0.25, classes=26),
        851_866,
        "32C3 ReLU MP2 D0.25 64C3 ReLU MP2 D0.25 F1600 FC512 ReLU D0.25 FC26 softmax",
    ),
    "E": (
        models.report_e,
        195_582,
        "32C3 BN ReLU MP2 64C3 ReLU 64C3 ReLU MP2 F1024 FC128 BN ReLU D0.2 FC62 softmax",
    ),
    "E, two convolutions": (
        partial(models.report_e, 2, False, 0.1),
        231_742,
        "32C3 LeakyReLU0.1 MP2 64C3 LeakyReLU0.1 MP2 F1600 FC128 LeakyReLU0.1 D0.2 FC62 softmax",
    ),
    "the course's own": (
        models.digit_cnn,
        284_074,
        "32C5 BN ReLU 64C3 BN ReLU 64C3 BN ReLU MP2 128C3 BN ReLU 128C3 BN ReLU "
        "F512 D0.4 FC10 softmax",
    ),
}

every_architecture = pytest.mark.parametrize(
    "build, parameters, notation", PUBLISHED.values(), ids=PUBLISHED
)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def some_images(count=5):
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def tokens(layer):
    """A layer in the reports' notation; "same" padding and strides would show in F."""
    match layer:
        case layers.Conv2D():
            (kernel, _), activation = layer.kernel_size, layer.activation
            return [f"{layer.filters}C{kernel}", *activated(activation)]
        case layers.Dense():
            return [f"FC{layer.units}", *activated(layer.activation)]
        case layers.MaxPooling2D() | layers.AveragePooling2D():
            return [f"{type(layer).__name__[0]}P{layer.pool_size[0]}"]
        case layers.Dropout():
            return [f"D{layer.rate}"]
        case layers.Flatten():
            return [f"F{layer.output.shape[1]}"]
        case layers.LeakyReLU():
            return [f"LeakyReLU{layer.negative_slope}"]
    others = {"BatchNormalization": "BN", "ReLU": "ReLU", "Softmax": "softmax"}
    return [others[type(layer).__name__]]


def activated(function):
    known = {keras.activations.relu: ["ReLU"], keras.activations.softmax: ["softmax"]}
    return [] if function is keras.activations.linear else known[function]


def notation_of(model):
    return " ".join(token for layer in model.layers[3:] for token in tokens(layer))


@every_architecture
def test_an_architecture_is_the_published_one(build, parameters, notation):
    model = build()
    assert (notation_of(model), model.count_params()) == (notation, parameters)


@every_architecture
def test_it_starts_as_all_do_and_predicts_from_raw_images_the_same_when_loaded(
    build, parameters, notation, tmp_path
):
    model = build(classes=47)
    assert not model.compiled and model.input_shape == (None, 28, 28)
    assert [type(layer) for layer in model.layers[:3]] == SCALED
    probabilities = np.array(model(some_images()))
    assert probabilities.shape == (5, 47) and probabilities.min() >= 0
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(loaded(some_images()), probabilities)


def test_raw_images_are_scaled_inside():
    model = models.dense_ann((8,))
    image = some_images(1)
    (w1, b1), (w2, b2) = (
        model.get_layer(name).get_weights() for name in ("hidden_1", "probabilities")
    )
    scores = np.maximum(image.reshape(1, 784) / 255 @ w1 + b1, 0) @ w2 + b2
    expected = np.exp(scores) / np.exp(scores).sum()
    assert model.predict(image, verbose=0) == pytest.approx(expected, abs=1e-5)


def test_the_final_network_trains_all_but_the_statistics_of_its_normalisations():
    trainable = models.report_a_final().trainable_weights
    assert sum(np.prod(weight.shape) for weight in trainable) == 492_446


def test_only_the_first_convolution_is_penalised_and_only_where_asked():
    model = models.overfitting_cnn((4, 4), 8, l2=0.01)
    for layer in model.layers:
        layer.set_weights([weight + 0.5 for weight in layer.get_weights()])
    kernel, bias = model.get_layer("conv_1").get_weights()
    assert sum(map(float, model.losses)) == pytest.approx(
        0.01 * ((kernel**2).sum() + (bias**2).sum()), rel=1e-5
    )
    assert models.overfitting_cnn((4, 4), 8).losses == []


@pytest.mark.parametrize(
    "settings, parameters, notation",
    [
        (
            {"kernel": 5, "pooling": "average"},
            184_586,
            "32C5 ReLU AP2 64C5 ReLU AP2 F1024 FC128 ReLU FC10 softmax",
        ),
        (
            {"kernel": 7, "units": (64, 32)},
            120_874,
            "32C7 ReLU MP2 64C7 ReLU MP2 F256 FC64 ReLU FC32 ReLU FC10 softmax",
        ),
        (
            {"filters": (32, 64, 128), "units": ()},
            93_962,
            "32C3 ReLU MP2 64C3 ReLU MP2 128C3 ReLU MP2 F128 FC10 softmax",
        ),
        (
            {
                "filters": (64, 128),
                "batch_norm": True,
                "dropout": 0.2,
                "slope": 0.08,
                "normalise_logits": True,
            },
            486_834,
            "64C3 BN LeakyReLU0.08 MP2 D0.2 128C3 BN LeakyReLU0.08 MP2 D0.2 "
            "F3200 FC128 BN LeakyReLU0.08 D0.2 FC10 BN softmax",
        ),
    ],
    ids=["kernel, pooling", "units", "pairs", "in what order"],
)
def test_a_study_changes_what_it_names_and_nothing_else(settings, parameters, notation):
    model = models.study_cnn(**settings)
    assert (notation_of(model), model.count_params()) == (notation, parameters)


@pytest.mark.parametrize(
    "build, settings, kind, words",
    [
        (models.dense_ann, {"hidden": 397}, TypeError, "found 397. Write hidden=(397,)."),
        (models.study_cnn, {"filters": 64}, TypeError, "found 64. Write filters=(64,)."),
        (models.study_cnn, {"units": 128}, TypeError, "found 128. Write units=(128,)."),
        (
            models.overfitting_cnn,
            {"filters": (32, 64, 64)},
            ValueError,
            "expected 2 numbers in filters, found (32, 64, 64). Write filters=(…, …).",
        ),
        (models.overfitting_cnn, {"dropout": (0.5,)}, ValueError, "Write dropout=(…, …)."),
        (models.overfitting_cnn, {"dropout": 0.5}, TypeError, "found 0.5. Write dropout=(0.5,)."),
    ],
)
def test_a_setting_that_is_not_a_number_for_each_layer_is_explained(build, settings, kind, words):
    with pytest.raises(kind) as error:
        build(**settings)
    assert words in str(error.value)


def test_a_list_of_numbers_will_do():
    assert models.dense_ann(hidden=[128]).count_params() == 101_770


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"pooling": "sum"}, "pooling is 'sum'; expected one of max, average"),
        ({"filters": (8, 8, 8, 8)}, "zero or negative"),
        ({"filters": (8, 8, 8), "kernel": 4}, "zero or negative"),
    ],
    ids=["pooling", "nothing to convolve", "nothing to pool"],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        models.study_cnn(**settings)


@pytest.mark.parametrize(
    "layer, shape, expected",
    [
        (layers.Conv2D(32, 3), (28, 28, 1), 26 * 26 * 9 * 32),
        (layers.Conv2D(8, (5, 3), strides=2, padding="same"), (28, 28, 4), 14 * 14 * 15 * 4 * 8),
        (layers.Conv2D(6, 3, groups=2), (8, 8, 4), 6 * 6 * 9 * 2 * 6),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), (8, 8, 5), 6 * 6 * 9 * 5 * 2),
        (layers.SeparableConv2D(12, 3, strides=2, padding="same"), (8, 8, 5), 4 * 4 * (45 + 60)),
        (layers.Dense(10), (128,), 1280),
        (layers.Dense(10), (7, 128), 7 * 1280),
        (layers.MaxPooling2D(2), (28, 28, 1), 0),
    ],
    ids=["valid", "strided", "groups", "depthwise", "separable", "dense", "in places", "pooling"],
)
def test_multiply_adds_are_weights_times_places(layer, shape, expected):
    model = keras.Sequential([keras.Input(shape), layer])
    assert models.multiply_adds(layer) == models.multiply_adds(model) == expected


def test_multiply_adds_of_the_study_network():
    by_hand = 26 * 26 * 9 * 32 + 11 * 11 * 9 * 32 * 64 + 1600 * 128 + 128 * 10
    assert models.multiply_adds(models.study_cnn()) == by_hand


def test_depthwise_steps_count():
    # places × (9 × channels in + channels in × channels out), for each of five steps in two
    by_hand = 14 * 14 * 25 * 32
    by_hand += 14 * 14 * (9 * 32 + 32 * 64 + 9 * 64 + 64 * 128)
    by_hand += 7 * 7 * (9 * 128 + 128 * 192 + 9 * 192 + 192 * 192)
    by_hand += 3 * 3 * (9 * 192 + 192 * 256) + 3 * 3 * 256 * 10
    assert models.multiply_adds(families.separable()) == by_hand == 5_965_824


def test_a_network_inside_another_counts_as_often_as_it_is_called():
    network = models.dense_ann((16,))
    once = 784 * 16 + 16 * 10
    assert models.multiply_adds(augmentation.shift_averaged(network)) == 5 * once
    inputs = keras.Input((28, 28))
    both = layers.Average()([network(inputs), models.dense_ann(())(inputs)])
    assert models.multiply_adds(keras.Model(inputs, both)) == once + 7840


def test_brief_averages_settle_in_tens_of_steps():
    x = keras.Input((4,))
    y = models.activate(x, True, 0.0, "a", models.BRIEF)
    norm = keras.Model(x, y).get_layer("a_normalised")
    for _ in range(20):
        norm(np.full((8, 4), 5.0, "float32"), training=True)
    assert np.array(norm.moving_mean) == pytest.approx(5, rel=0.13)  # 1 - .9²⁰ = .88
