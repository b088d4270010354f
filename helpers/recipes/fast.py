"""Training in seconds: a network without waste, its first filters, and a recipe for one epoch.

As in `models`, networks are uncompiled, uint8 (batch, 28, 28) → probabilities (batch, classes).
"""

from functools import partial
from typing import Any

from helpers.internals.backend import keras
from helpers.models import BRIEF, activate, classifier, image_input
from helpers.recipes import losses, schedules

import numpy as np
from keras import layers

PATCHES_OF = 500
"""Images whose patches decide the first filters."""


def fast_cnn(
    filters: tuple[int, int] = (16, 80),
    classes: int = 10,
    *,
    frame: int = 2,
    stride: int = 2,
    pool_first: bool = True,
    normalise: tuple[int, ...] = (2,),
) -> keras.Model:
    """16C6 stride 2–MP2–ReLU–80C3–BN–ReLU–F–FC10 on the inner 24 × 24 pixels: 19,642 parameters.

    Nearly all ink is in the inner pixels. The stride leaves the first convolution a quarter of the
    places. Pooling before the activation gives the same as after it, at a quarter of its work.

    Args:
        filters: of the two convolutions.
        classes: number of classes.
        frame: pixels cut off at each edge; 0 switches this trick off.
        stride: of the first convolution; 1 switches it off.
        pool_first: pooling before the activation or after it.
        normalise: which convolutions, 1 and 2, have batch normalisation.

    Taught in notebook 23.
    """
    inputs, x = image_input()
    x = layers.Cropping2D(frame, name="inner")(x) if frame else x
    bias = 1 not in normalise, 2 not in normalise  # batch normalisation has its own
    x = layers.Conv2D(filters[0], 6, strides=stride, use_bias=bias[0], name="conv_1")(x)
    pool = layers.MaxPooling2D(2, name="pool_1")
    x = activate(pool(x) if pool_first else x, 1 in normalise, 0.0, "conv_1", BRIEF)
    x = layers.Conv2D(filters[1], 3, use_bias=bias[1], name="conv_2")(x if pool_first else pool(x))
    x = activate(x, 2 in normalise, 0.0, "conv_2", BRIEF)
    return classifier(inputs, layers.Flatten(name="flatten")(x), classes, "fast_cnn")


def smallest_cnn(classes: int = 10) -> keras.Model:
    """8C3–16S3–MP2–16S3–MP2–18S3–10S3, S for separable: no dense layer, 1,630 parameters.

    A separable convolution filters each channel by itself, then mixes the channels at each place:
    with 16 channels in and out it has 400 weights, where a plain one has 2,304. The last one has
    room for one place only, and leaves a number for each class, its logit. After the others: batch
    normalisation without a scale, which the next convolution can make up for, and ReLU.

    Args:
        classes: number of classes.

    Source: Chollet (2017), arXiv:1610.02357, for separable convolutions. Taught in notebook 23.
    """
    inputs, x = image_input()
    for number, (filters, pooled) in enumerate(
        [(8, False), (16, True), (16, True), (18, False)], start=1
    ):
        convolution = layers.Conv2D if number == 1 else layers.SeparableConv2D
        x = convolution(filters, 3, use_bias=False, name=f"conv_{number}")(x)
        x = layers.MaxPooling2D(2, name=f"pool_{number}")(x) if pooled else x
        norm = layers.BatchNormalization(momentum=BRIEF, scale=False, name=f"norm_{number}")
        x = layers.ReLU(name=f"conv_{number}_activation")(norm(x))
    x = layers.SeparableConv2D(classes, 3, name="maps")(x)
    x = layers.Flatten(name="logits")(x)
    return keras.Model(inputs, layers.Softmax(name="probabilities")(x), name="smallest_cnn")


def patch_filters(
    images: np.ndarray, count: int, size: int = 6, step: int = 2, gain: float = 0.3
) -> np.ndarray:
    """First filters that the images suggest: the main patterns of their patches, and the negatives.

    Each pattern is divided by its standard deviation over the patches, so that all filters answer
    equally strongly. They are the start; training changes them like all other weights.

    Args:
        images: uint8 (n, 28, 28); the first 500 are used.
        count: of filters, even, at most 2 · size².
        size: pixels of a side.
        step: pixels between patches.
        gain: standard deviation of each filter's answers.

    Returns:
        float64 (size, size, 1, count), as a keras convolution has them.

    Raises:
        ValueError: for another count.

    Source: principal components (Pearson, 1901); as first filters of a convolutional network,
    Coates and Ng (2012), doi:10.1007/978-3-642-35289-8_30. Taught in notebook 23.
    """
    if count % 2 or not 0 < count <= 2 * size**2:
        raise ValueError(f"expected an even count from 2 to {2 * size**2}, found {count}.")
    windows = np.lib.stride_tricks.sliding_window_view(images[:PATCHES_OF], (size, size), (1, 2))
    patches = windows[:, ::step, ::step].reshape(-1, size**2) / 255
    variances, patterns = np.linalg.eigh(np.cov(patches.T))  # in rising order of variance
    main = (patterns / np.sqrt(variances + 0.01))[:, : -count // 2 - 1 : -1]
    return gain * np.hstack([main, -main]).reshape(size, size, 1, count)


def begin(model: keras.Model, images: np.ndarray) -> keras.Model:
    """Give a fresh `fast_cnn` the first filters that `patch_filters` finds in images.

    Args:
        model: the network.
        images: uint8 (n, 28, 28).

    Returns:
        The same network.

    Taught in notebook 23.
    """
    first = model.get_layer("conv_1")
    size, _, _, count = first.kernel.shape
    first.kernel.assign(patch_filters(images, count, size))
    return model


def recipe(classes: int = 10, peak: float = 1.0, smoothing: float = 0.05) -> dict[str, Any]:
    """Options for `training.fit` that make the most of one epoch.

    Args:
        classes: number of classes.
        peak: highest learning rate of one cycle.
        smoothing: share of each label that is spread evenly over all classes, 0 … 1.

    Returns:
        One epoch, batches of 128, gradient descent with Nesterov's momentum .9.

    Source: Szegedy et al. (2016), arXiv:1512.00567, for the smoothing; Sutskever et al. (2013) for
    the momentum. Taught in notebook 23.
    """
    return {
        "epochs": 1,
        "batch_size": 128,
        "optimizer": partial(keras.optimizers.SGD, momentum=0.9, nesterov=True),
        "learning_rate": schedules.one_cycle(peak),
        "loss": losses.OneHotLoss("categorical_crossentropy", classes, smoothing),
    }
