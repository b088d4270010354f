"""What breaks the course's contract is noticed, and the advice works."""

import warnings

from helpers import data, evaluation, models, training
from helpers.internals import checks

import keras
import numpy as np
import pytest
import tiny
from keras import layers
from learnable import split

CLASSES = tuple("0123456789")


def public_cnn():
    """A network as most that are found elsewhere: no scaling, a channel axis of its own."""
    end = [layers.Flatten(), layers.Dense(10, activation="softmax")]
    start = [keras.Input((28, 28, 1)), layers.Conv2D(4, 3, activation="relu")]
    return keras.Sequential([*start, layers.MaxPooling2D(4), *end], name="public")


def functional():
    inputs = keras.Input((28, 28))
    x = layers.Dropout(0.1)(layers.Flatten()(layers.Reshape((28, 28, 1))(inputs)))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


def nested():
    return keras.Sequential([keras.Input((28, 28)), functional()])


@pytest.mark.parametrize("build", [public_cnn, functional, nested])
def test_a_model_that_does_not_scale_is_noticed_by_fit_and_evaluate(build):
    for judge in (
        lambda: training.fit(build(), split(20), epochs=1, verbose=False),
        lambda: evaluation.evaluate(build(), split(20), CLASSES),
    ):
        with pytest.warns(UserWarning, match=r"does not scale its pixels.*Rescaling\(1 / 255\)"):
            judge()


def scaled(*first):
    end = [layers.Flatten(), layers.Dense(10, activation="softmax")]
    return keras.Sequential([keras.Input((28, 28)), *first, *end])


class Own(layers.Layer):
    """Scales, which nobody can see from outside."""

    def call(self, images):
        return images / 255


class Subclass(keras.Model):
    """Its order of work cannot be known."""

    def __init__(self):
        super().__init__()
        self.end = layers.Dense(10, activation="softmax")

    def call(self, images):
        return self.end(keras.ops.reshape(images, (-1, 784)) / 255)


def by_operation():
    inputs = keras.Input((28, 28))
    return keras.Model(
        inputs, layers.Dense(10, activation="softmax")(layers.Flatten()(inputs / 255))
    )


def normalised():
    layer = layers.Normalization()
    layer.adapt(split(20).images)
    return scaled(layer)


@pytest.mark.parametrize(
    "build",
    [
        models.dense_ann,
        models.report_a_final,
        lambda: scaled(layers.Flatten(), layers.Rescaling(1 / 255)),
        lambda: scaled(layers.BatchNormalization()),
        lambda: scaled(Own()),
        lambda: keras.Sequential(
            [keras.Input((28, 28)), layers.Rescaling(255), models.dense_ann()]
        ),
        normalised,
        by_operation,
        Subclass,
    ],
)
def test_a_model_that_scales_or_may_scale_is_let_pass(build):
    model = build()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluation.evaluate(model, split(20), CLASSES)


def test_what_the_warning_says_to_write_gives_the_accuracy_of_pixels_between_0_and_1():
    keras.utils.set_random_seed(0)
    model, images = public_cnn(), split()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images.images[..., None] / 255, images.labels, epochs=20, batch_size=16, verbose=0)
    right = model.predict(images.images[..., None] / 255, verbose=0)
    with pytest.warns(UserWarning) as caught:
        evaluation.evaluate(model, images, CLASSES)
    advice = str(caught[0].message).partition("write ")[2].rstrip(".")
    mended = eval(advice, {"keras": keras, "model": model})
    found = evaluation.evaluate(mended, images, CLASSES)
    assert found.probabilities == pytest.approx(right, abs=1e-5)


def logits():
    return keras.Sequential([*models.dense_ann((8,)).layers[:-1], layers.Dense(10)])


def sigmoids():
    return keras.Sequential([*models.dense_ann((8,)).layers[:-1], layers.Dense(10, "sigmoid")])


@pytest.mark.parametrize("build", [logits, sigmoids])
def test_a_model_without_softmax_is_refused_by_fit_and_evaluate(build):
    model = build()
    for judge in (
        lambda: training.fit(model, split(20), epochs=1),
        lambda: evaluation.evaluate(model, split(20), CLASSES),
    ):
        with pytest.raises(ValueError) as error:
            judge()
        tiny.explains(error, model.name, "keras.layers.Softmax()")
    mended = keras.Sequential([model, keras.layers.Softmax()])
    training.fit(mended, split(20), epochs=1, verbose=False)


def test_outputs_that_sum_to_1_but_fall_below_0_are_refused():
    model = models.dense_ann(())
    model.layers[-1].activation = keras.activations.linear
    kernel = np.zeros((784, 10), "float32")
    model.layers[-1].set_weights([kernel, np.array([2, -1, *[0] * 8], "float32")])
    with pytest.raises(ValueError, match="End the model in a softmax"):
        checks.check_model(model, split(20).images)


def test_a_model_that_diverged_is_named_as_such():
    model = models.dense_ann(())
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    training.fit(model, split(20), epochs=1, verbose=False)
    with pytest.raises(ValueError, match="Training diverged"):
        evaluation.evaluate(model, split(20), CLASSES)


def test_a_model_that_was_never_called_is_explained():
    model = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(10)])
    with pytest.raises(ValueError) as error:
        training.fit(model, split(20), epochs=1)
    tiny.explains(error, "keras.Input((28, 28))")


def test_images_that_are_scaled_already_are_noticed_by_fit_and_evaluate():
    rng = np.random.default_rng(0)
    raw = data.Split(rng.integers(0, 256, (20, 28, 28), "uint8"), np.arange(20) % 10)
    twice = data.Split(raw.images / np.float32(255), raw.labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluation.evaluate(models.dense_ann((2,)), raw, "0123456789")
    for use in (
        lambda: evaluation.evaluate(models.dense_ann((2,)), twice, "0123456789"),
        lambda: training.fit(models.dense_ann((2,)), twice, epochs=1, verbose=False),
    ):
        with pytest.warns(UserWarning, match=r"at most 1, and 'dense_2' scales .* Pass the raw"):
            use()
