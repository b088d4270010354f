"""The weights of a trained network in a small file, for a repository that holds many of them."""

from pathlib import Path

from helpers.internals import files
from helpers.internals.backend import keras

import numpy as np


def save(model: keras.Model, path: str | Path) -> None:
    """Keep the weights of a network, most of them in half precision: 2 bytes a number.

    Kernels are rounded to 11 binary digits, about three decimal ones. Biases and normalisation stay
    as they are: they are few, and half precision spans too little for a variance.

    Args:
        model: a built network.
        path: of the .npz file, which appears whole or not at all.

    Taught in notebook 25.
    """
    arrays = [w.astype("float16") if w.ndim > 1 else w for w in model.get_weights()]
    with files.whole(path) as part:
        np.savez_compressed(part, *arrays)


def load(model: keras.Model, path: str | Path) -> keras.Model:
    """Give a network the weights that `save` kept.

    Args:
        model: of the architecture that was saved.
        path: of the .npz file.

    Returns:
        The same model.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: where the shapes do not fit.

    Taught in notebook 25.
    """
    with np.load(path) as file:
        model.set_weights([file[name].astype("float32") for name in file.files])
    return model
