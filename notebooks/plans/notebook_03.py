"""Notebooks 03 and 04: report A's cross-validation, and its grid as a whole and searched."""

from dataclasses import replace

from helpers import models
from plans.common import ALL_IMAGES, Plan

import keras
from keras import initializers, layers


def shifted_dense(offset, start=initializers.GlorotUniform, seed=None):
    """Report A's dense network whose pixels begin at an offset; first weights as they are drawn."""
    network = [keras.Input((28, 28)), layers.Rescaling(1 / 255, offset), layers.Flatten()]
    for number, units in enumerate((397, 397, 10)):
        weights = start(seed=None if seed is None else seed + number)
        activation = "softmax" if units == 10 else "relu"
        network.append(layers.Dense(units, activation, kernel_initializer=weights))
    return keras.Sequential(network)


def dense_fold(run, fold):
    """One epoch of report A's dense network on one of ten folds, each from weights of its own."""
    offset, start = {
        "1 epoch, 0 to 1": (0.0, initializers.GlorotUniform),
        "1 epoch, -.5 to .5": (-0.5, initializers.GlorotUniform),
        "1 epoch, -.5 to .5, uniform": (-0.5, initializers.RandomUniform),
    }[run]
    model = shifted_dense(offset, start, seed=10 * fold)
    return model, {"batch_size": 32, "fold": (fold, 10)}


def dense(batch_size, epochs, layers, width, optimizer):
    """A dense network of equal layers, trained as report A's grid says."""
    model = models.dense_ann((width,) * layers)
    return model, {"batch_size": batch_size, "epochs": epochs, "optimizer": optimizer}


dense_folds = Plan(
    "dense_folds",
    {
        "run": ["1 epoch, 0 to 1", "1 epoch, -.5 to .5", "1 epoch, -.5 to .5, uniform"],
        "fold": list(range(1, 11)),
    },
    dense_fold,
    epochs=1,
    images=ALL_IMAGES,
    seeds=(1,),  # of each fold
)
dense_grid = Plan(
    "dense_grid",
    {
        "batch_size": [32, 64],
        "epochs": [6, 10],
        "layers": [1, 2, 3],
        "width": [64, 397],
        "optimizer": ["adam", "rmsprop"],
    },
    dense,
    epochs=10,
)
dense_searches = [
    replace(
        dense_grid, name=f"dense_search_{seed}", sampler="tpe", trials=16, prune=True, seeds=(seed,)
    )
    for seed in (1, 2, 3)
]
