"""Notebook 10: what to train; report A's studies 1, 5, 6, 7, 8 and 9."""

from helpers import models
from plans.common import ONE_CYCLE, Plan


def kernel(kernel):
    """Convolutions of so many pixels a side."""
    return models.study_cnn(kernel=kernel), ONE_CYCLE


def pool(pooling):
    """A kind of pooling."""
    return models.study_cnn(pooling=pooling), ONE_CYCLE


def pairs(pairs):
    """So many pairs of convolutions, each followed by pooling."""
    return models.study_cnn(filters=(32, 64, 128)[:pairs]), ONE_CYCLE


def filters(filters):
    """The filters of both pairs, such as "32-64"."""
    return models.study_cnn(filters=tuple(map(int, filters.split("-")))), ONE_CYCLE


def dense_layers(layers):
    """So many hidden dense layers after the convolutions."""
    return models.study_cnn(units=(128,) * layers), ONE_CYCLE


def dense_units(units):
    """One hidden dense layer of so many units."""
    return models.study_cnn(units=(units,)), ONE_CYCLE


kernels = Plan("kernels", {"kernel": [3, 5, 7]}, kernel, epochs=8)
pooling = Plan("pooling", {"pooling": ["max", "average"]}, pool, epochs=8)
conv_pairs = Plan("conv_pairs", {"pairs": [1, 2, 3]}, pairs, epochs=8)
filter_counts = Plan(
    "filter_counts",
    {"filters": ["8-16", "16-32", "32-64", "64-128", "128-256", "256-512"]},
    filters,
    epochs=5,  # the largest network does 55 times the work of the usual one
)
layer_counts = Plan("layer_counts", {"layers": [1, 2, 3, 4]}, dense_layers, epochs=8)
unit_counts = Plan("unit_counts", {"units": [16, 32, 64, 128, 256, 512]}, dense_units, epochs=8)
