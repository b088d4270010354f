"""What the course expects of models, images and settings, and what to write where they differ.

An error is one line: what was expected, what was found, what mends it.
"""

import warnings
from collections.abc import Iterator

from helpers.data import Split
from helpers.internals.backend import keras
from helpers.internals.errors import expect

import numpy as np
from keras import layers

PASSING = (layers.InputLayer, layers.Reshape, layers.Flatten, layers.Dropout)
PASSING += (layers.ZeroPadding2D, layers.Cropping2D, layers.MaxPooling2D, layers.AveragePooling2D)
"""Layers that leave the range of pixels as it is."""

WEIGHING = (layers.Dense, layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
"""Layers that multiply and add."""

FEW = 8
"""So many images show what a model's outputs are."""


def check_split(given: object) -> None:
    """Check that images and labels came together.

    Args:
        given: what was given as a split.

    Raises:
        TypeError: it is none.
    """
    expected, found = "images and their labels together in a Split", f"a {type(given).__name__}"
    mend = "Write data.Split(images, labels)"
    expect(isinstance(given, Split), expected, found, mend, TypeError)


def check_splits(model: keras.Model, split: Split, validation: Split | None) -> None:
    """Check that a model can be trained on a split, and validated on another.

    Args:
        model: built.
        split: the training images.
        validation: the validation images, if any.

    Raises:
        TypeError: one of them is no Split.
        ValueError: no images, a label without an output, or validation on images that it must not
            use.
    """
    mend = "Begin it with keras.Input((28, 28))"
    expect(model.built, "a model that knows its input", "one that was never called", mend)
    outputs = model.output_shape[-1]
    for part in (split,) if validation is None else (split, validation):
        check_split(part)
        met = len(part) > 0 and part.labels.min() >= 0 and part.labels.max() < outputs
        labels = f"images with labels 0 … {outputs - 1}, one for each output of {model.name!r}"
        expect(met, labels, part, "Build the model with classes=len(dataset.classes)")
    if validation is None:
        return
    shared = np.shares_memory(split.images, validation.images)
    found = "one that shares images with the training split: its curve would show nothing"
    mend = "Use dataset.with_validation() and pass its .train and .validation"
    expect(not shared, "a validation split of its own", found, mend)
    found = "the test split: what is chosen by it looks better than it is"
    mend += "; judge the test split once, at the end, by evaluation.evaluate"
    expect(validation.part != "test", "a validation split", found, mend)


def check_model(model: keras.Model, images: np.ndarray) -> None:
    """Check that a model takes raw pixels, 0 … 255, and returns probabilities.

    Warns of images that are scaled already, before a model that scales them itself; and where
    nothing in a model scales pixels before its first weights: such a model was either trained
    elsewhere on 0 … 1, and reads badly here, or will learn badly.

    Args:
        model: built.
        images: some that it will see, uint8 (n, 28, 28).

    Raises:
        ValueError: outputs that are no probabilities, such as logits.
    """
    rescales = any(isinstance(step, layers.Rescaling) for step in _operations(model))
    if rescales and 0 < images.max() <= 1:
        warnings.warn(
            f"these images have pixels of at most {images.max():g}, and {model.name!r} scales "
            "pixels of 0 … 255 itself: it would see nearly blank ones. Pass the raw pixels.",
            stacklevel=3,
        )
    if not _scales(model):
        shape = f"keras.layers.Reshape({tuple(model.input_shape[1:])})"
        begin = f"[keras.Input((28, 28)), keras.layers.Rescaling(1 / 255), {shape}, model]"
        warnings.warn(
            f"{model.name!r} does not scale its pixels, which are 0 … 255 here. If it expects "
            f"0 … 1, write keras.Sequential({begin}).",
            stacklevel=3,
        )
    outputs = keras.ops.convert_to_numpy(model(images[:FEW]))
    sums = outputs.sum(axis=-1)  # nan where training diverged: Evaluation says so
    met = not (outputs.min() < -1e-3 or np.abs(sums - 1).max() > 1e-3)
    found = f"outputs of {model.name!r} that sum to {sums[0]:.3g}"
    mend = "End the model in a softmax: keras.Sequential([model, keras.layers.Softmax()])"
    expect(met, "probabilities, which sum to 1 for each image", found, mend)


def _scales(model: keras.Model) -> bool:
    """Whether something before a model's first weights scales pixels, or may, being unknown."""
    first = next((layer for layer in _operations(model) if not isinstance(layer, PASSING)), None)
    return not isinstance(first, WEIGHING)


def _operations(model: keras.layers.Layer) -> Iterator[object]:
    """What a model does, one after the other; a model whose order cannot be known is one step."""
    sequential = isinstance(model, keras.Sequential)
    steps = model.layers if sequential else getattr(model, "operations", None)
    if steps is None:
        yield model
        return
    for step in steps:
        yield from _operations(step)


def check_build(build: object) -> None:
    """Check that a function builds fresh models, where each run needs one.

    Args:
        build: what was given as that function.

    Raises:
        TypeError: it is a model, or nothing that can be called.
    """
    met = callable(build) and not isinstance(build, keras.Model)
    mend = "Write models.dense_ann without brackets, or lambda: models.dense_ann(…)"
    found = f"a {type(build).__name__}"
    expect(met, "a function that builds a fresh model for each run", found, mend, TypeError)


def check_numbers(name: str, given: object, count: int | None = None) -> None:
    """Check that a setting holds a number for each layer.

    Args:
        name: of the setting.
        given: its value.
        count: how many numbers it must hold, if that is fixed.

    Raises:
        TypeError: a single number.
        ValueError: another count.
    """
    many = isinstance(given, tuple | list)
    mend = f"Write {name}=({given},)"
    expect(many, f"{name} to hold a number for each layer", given, mend, TypeError)
    mend = f"Write {name}=({', '.join(['…'] * (count or 0))})"
    expect(count in (None, len(given)), f"{count} numbers in {name}", given, mend)


def check_labels(labels: np.ndarray, classes: int) -> None:
    """Check that labels fit classes.

    Args:
        labels: the true classes of some images.
        classes: their number.

    Raises:
        ValueError: labels that are not integers 0 … classes - 1, shape (n,).
    """
    met = labels.ndim == 1 and labels.size > 0 and labels.dtype.kind in "iu"
    found = f"shape {labels.shape} of {labels.dtype}"
    expect(met, "a row of integer labels", found, "Pass split.labels, not one-hot vectors")
    met, found = labels.min() >= 0 and labels.max() < classes, f"{labels.min()} … {labels.max()}"
    mend = "Pass the classes of the data set that the labels come from"
    expect(met, f"labels 0 … {classes - 1}", found, mend)


def check_probabilities(probabilities: np.ndarray, images: int, classes: int) -> None:
    """Check that numbers are probabilities of classes.

    Args:
        probabilities: what a model said.
        images: their number.
        classes: their number.

    Raises:
        ValueError: another shape than (images, classes), nan, or rows that do not sum to 1.
    """
    shape, wanted = probabilities.shape, (images, classes)
    mend = f"Evaluate a model with {classes} outputs, one per class, on the split of the labels"
    expect(shape == wanted, f"probabilities of shape (images, classes) {wanted}", shape, mend)
    bad = int((~np.isfinite(probabilities)).any(axis=1).sum())
    mend = "Training diverged: lower the learning rate and train again"
    expect(bad == 0, "finite probabilities", f"nan or inf for {bad:,} images", mend)
    least, off = probabilities.min(), np.abs(probabilities.sum(axis=1) - 1).max()
    found = f"a least value of {least:.3g} and a sum that is off by {off:.3g}"
    expected = "probabilities of at least 0 that sum to 1 for each image"
    expect(least >= -1e-3 and off <= 1e-3, expected, found, "End the model in a softmax")
