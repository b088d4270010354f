"""Notebook 03: report A's grid over a dense network, as a whole and searched."""

from dataclasses import replace

from helpers import models
from plans.common import Plan


def dense(batch_size, epochs, layers, width, optimizer):
    """A dense network of equal layers, trained as report A's grid says."""
    model = models.dense_ann((width,) * layers)
    return model, {"batch_size": batch_size, "epochs": epochs, "optimizer": optimizer}


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
