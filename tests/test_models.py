"""Architectures are the reports' layer by layer, take raw images, and survive being saved."""

from functools import partial

from helpers import models

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


def test_a_shift_averaged_model_reads_five_copies_with_one_set_of_weights(tmp_path):
    model = models.dense_ann((16,))
    averaged = models.shift_averaged(model)
    assert averaged.count_params() == model.count_params()
    image = np.zeros((3, 28, 28), "uint8")
    image[:, 4:24, 4:24] = np.random.default_rng(0).integers(0, 256, (3, 20, 20))
    shifts = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]
    each = [model.predict(np.roll(image, shift, axis=(1, 2)), verbose=0) for shift in shifts]
    read = averaged.predict(image, verbose=0)
    np.testing.assert_allclose(read, np.mean(each, axis=0), atol=1e-6)
    averaged.save(tmp_path / "averaged.keras")
    loaded = keras.saving.load_model(tmp_path / "averaged.keras")
    np.testing.assert_array_equal(loaded.predict(image, verbose=0), read)
    model.set_weights([0 * weight for weight in model.get_weights()])
    np.testing.assert_allclose(averaged.predict(image, verbose=0), 0.1, atol=1e-6)


def test_what_is_shifted_out_is_gone_and_black_comes_in():
    image = np.zeros((1, 28, 28), "uint8")
    image[0, 0, 0] = 200  # in the corner: two of four shifts lose it
    inputs = keras.Input((28, 28))
    total = keras.Model(inputs, keras.ops.sum(inputs, axis=(1, 2)))
    assert models.shift_averaged(total).predict(image, verbose=0) == pytest.approx(200 * 3 / 5)
