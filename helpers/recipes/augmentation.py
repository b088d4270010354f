"""Augmentation: layers that change each training image a little, anew in every epoch."""

from typing import Literal

from helpers.internals.backend import keras

import numpy as np
from keras import layers, ops


def random_affine(
    rotation: float = 0,
    shift: float = 0.0,
    zoom: float = 0.0,
    shear: float = 0.0,
    flip: Literal["horizontal", "vertical"] | None = None,
    fill: Literal["nearest", "constant"] = "nearest",
) -> keras.Sequential:
    """A layer that changes each training image a little, at random, anew in every epoch.

    Args:
        rotation: at most so many degrees either way.
        shift: at most so much of the width, either way and up or down, 0 … 1.
        zoom: at most so much larger or smaller, 0 … 1.
        shear: at most this slant, 0 … 1, about the upper left corner.
        flip: whether half of the images are mirrored, and how.
        fill: what comes in from outside: the nearest pixel or black.

    Returns:
        Images (batch, 28, 28) → the same shape, float32; unchanged outside training.

    Raises:
        ValueError: for another fill or flip.

    Source: report A (2020). Taught in notebook 12.
    """
    if fill not in ("nearest", "constant") or flip not in (None, "horizontal", "vertical"):
        raise ValueError(
            f"expected fill 'nearest' or 'constant' and flip None, 'horizontal' or 'vertical'; "
            f"found {fill!r} and {flip!r}. Choose among those."
        )
    steps = [
        layers.RandomShear(shear, fill_mode=fill) if shear else None,
        layers.RandomTranslation(shift, shift, fill_mode=fill) if shift else None,
        layers.RandomRotation(rotation / 360, fill_mode=fill) if rotation else None,
        layers.RandomZoom(zoom, fill_mode=fill) if zoom else None,
        layers.RandomFlip(flip) if flip else None,
    ]
    return _on_images([step for step in steps if step is not None])


def pixel_shifts(pixels: int = 1) -> keras.Sequential:
    """A layer that shifts each training image by whole pixels, at random, anew in every epoch.

    `random_affine` computes pixels between pixels, which blurs edges; here each stays as it is.

    Args:
        pixels: at most so many, to the left or right and up or down; all equally likely.

    Returns:
        Images (batch, 28, 28) → the same shape, float32; unchanged outside training; black comes
        in.

    Raises:
        ValueError: unless pixels is a whole number of 1 … 27.

    Taught in notebook 18.
    """
    if pixels not in range(1, 28):
        raise ValueError(f"expected whole pixels, 1 … 27; found {pixels!r}. Choose 1 or 2.")
    width = (pixels + 0.5) / 28  # rounded to the nearest pixel
    move = layers.RandomTranslation(width, width, fill_mode="constant", interpolation="nearest")
    return _on_images([move])


class _Elastic(layers.Layer):
    """Moves each pixel of an image (28, 28) along a field that changes smoothly; see `elastic`."""

    def __init__(self, strength: float, smoothness: float) -> None:
        super().__init__()
        self.strength, self.smoothness = strength, smoothness
        self.generator = keras.random.SeedGenerator()
        apart = np.arange(28)[:, None] - np.arange(28)
        weights = np.exp(-0.5 * (apart / smoothness) ** 2)
        # rows of length 1: what is smoothed keeps its variance
        self.smooth = (weights / np.linalg.norm(weights, axis=1, keepdims=True)).astype("float32")

    def get_config(self) -> dict:
        return {"strength": self.strength, "smoothness": self.smoothness}

    def call(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        images = ops.cast(images, "float32")
        if not training:
            return images
        count = ops.shape(images)[0]
        noise = keras.random.normal((2, count, 28, 28), seed=self.generator)
        moves = self.strength * ops.matmul(ops.matmul(self.smooth, noise), self.smooth.T)
        pixels = ops.arange(28, dtype="float32")
        places = ops.stack([pixels[:, None] + moves[0], pixels + moves[1]], axis=1)
        # image by image: map_coordinates cannot take a batch whose size is not known beforehand
        return ops.vectorized_map(
            lambda one: ops.image.map_coordinates(*one, order=1), (images, places)
        )


def elastic(strength: float = 1.0, smoothness: float = 4.0) -> keras.Sequential:
    """A layer that bends each training image like rubber, anew in every epoch.

    Each pixel comes from a place beside it: noise, smoothed by a Gaussian so that neighbours move
    together. Values between pixels are interpolated linearly; black comes in.

    Args:
        strength: how far a pixel moves, its standard deviation in pixels, across and down.
        smoothness: standard deviation of the Gaussian, in pixels.

    Returns:
        Images (batch, 28, 28) → the same shape, float32; unchanged outside training.

    Raises:
        ValueError: unless both are above 0.

    Source: P. Simard, D. Steinkraus, J. Platt, *Best practices for convolutional neural networks
    applied to visual document analysis*, 2003. Taught in notebook 25.
    """
    if not (strength > 0 and smoothness > 0):
        raise ValueError(
            f"expected a strength and a smoothness above 0, in pixels; found {strength!r} and "
            f"{smoothness!r}. Choose such as 1 and 4."
        )
    return keras.Sequential([keras.Input((28, 28)), _Elastic(strength, smoothness)])


def erased_patches(largest: int = 8) -> keras.Sequential:
    """A layer that blackens a patch of each training image, anew in every epoch.

    Args:
        largest: greatest width and height of a patch, in pixels, 1 … 27.

    Returns:
        Images (batch, 28, 28) → the same shape, float32; unchanged outside training.

    Raises:
        ValueError: for another number.

    Source: Z. Zhong and others, *Random erasing data augmentation*, arXiv:1708.04896. Taught in
    notebook 25.
    """
    if largest not in range(1, 28):
        raise ValueError(f"expected whole pixels, 1 … 27; found {largest!r}. Choose such as 8.")
    size = (1 / 28**2, largest**2 / 28**2)  # shares of the image's area
    return _on_images([layers.RandomErasing((1.0, 1.0), size, 0.0, value_range=(0, 255))])


def shift_averaged(model: keras.Model) -> keras.Model:
    """A trained model that reads an image and four copies shifted by a pixel, and averages.

    As many parameters, five times the work. Shifts go right, left, down and up; black comes in.

    Args:
        model: uint8 (batch, 28, 28) → probabilities. Its weights are shared, not copied.

    Taught in notebook 18.
    """
    images = keras.Input((28, 28), name="image")
    framed = layers.ZeroPadding2D(1, name="frame")(layers.Reshape((28, 28, 1))(images))
    probabilities = []
    for down, right in [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]:
        edges = ((1 - down, 1 + down), (1 - right, 1 + right))
        probabilities.append(model(layers.Reshape((28, 28))(layers.Cropping2D(edges)(framed))))
    mean = layers.Average(name="mean")(probabilities)
    return keras.Model(images, mean, name=f"{model.name}_shifted")


def _on_images(steps: list[keras.layers.Layer]) -> keras.Sequential:
    """One layer of these steps for images without a channel axis."""
    return keras.Sequential(
        [keras.Input((28, 28)), layers.Reshape((28, 28, 1)), *steps, layers.Reshape((28, 28))]
    )
