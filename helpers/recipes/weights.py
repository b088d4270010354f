"""The weights of a trained network in a small file, for a repository that holds many of them."""

from helpers import files

import numpy as np


def save(model, path):
    """Keep the weights of a network, most of them in half precision: 2 bytes a number.

    Kernels are rounded to 11 binary digits, about three decimal ones. Biases and normalisation stay
    as they are: they are few, and half precision spans too little for a variance.

    Arguments: model: a built keras.Model. path: of the .npz file, which appears whole or not at
        all. Taught in notebook 14.
    """
    arrays = [w.astype("float16") if w.ndim > 1 else w for w in model.get_weights()]
    with files.whole(path) as part:
        np.savez_compressed(part, *arrays)


def load(model, path):
    """Give a network the weights that `save` kept.

    Arguments: model: of the architecture that was saved. path: of the .npz file.
    Returns: the same model. Raises: FileNotFoundError; ValueError where the shapes do not fit.
    Taught in notebook 14.
    """
    with np.load(path) as file:
        model.set_weights([file[name].astype("float32") for name in file.files])
    return model
