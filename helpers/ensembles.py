"""Several networks together: their readings combined, and how much they differ.

Throughout, `readings` are the probabilities of all members for the same images, float
(members, n, classes), each row of classes summing to 1, as `read` returns them. What is combined is
float (n, classes), its rows sum to 1, too, and `evaluation.Evaluation` judges it.
"""

from itertools import combinations

from helpers import models

import numpy as np
import pandas as pd
from scipy import optimize


def read(networks, images, shifted=True):
    """Let every member read every image.

    Arguments: networks: keras models, uint8 (n, 28, 28) → probabilities. images: uint8 (n, 28, 28).
        shifted: whether each reads an image five times, shifted by a pixel, and averages.
    Returns: readings, float32 (members, n, classes). Taught in notebook 14.
    """
    readers = [models.shift_averaged(network) if shifted else network for network in networks]
    return np.stack([reader.predict(images, batch_size=512, verbose=0) for reader in readers])


def mean(readings, weights=None):
    """The mean of the members' probabilities.

    Arguments: readings. weights: of each member, at least 0, sum 1; None: all the same.
    Returns: float (n, classes). Taught in notebook 14.
    """
    return np.average(readings, axis=0, weights=weights)


def vote(readings):
    """A vote for each member's most probable class; where votes are equal, the mean decides.

    Returns: the share of the votes, the mean counted as one more, float (n, classes): members that
        agree decide, whatever the mean says. Taught in notebook 14.
    """
    votes = np.eye(readings.shape[-1])[readings.argmax(axis=-1)]
    return (votes.sum(axis=0) + mean(readings)) / (len(readings) + 1)


def stack(readings, labels):
    """The weights of a weighted mean that give the true classes the greatest likelihood.

    Arguments: readings, labels: of images that no member was trained on.
    Returns: float (members,), at least 0, sum 1.
    Source: Wolpert (1992), doi:10.1016/S0893-6080(05)80023-1; Breiman (1996),
        doi:10.1007/BF00117832. Taught in notebook 14.
    """
    members = len(readings)
    of_true_class = np.clip(readings[:, np.arange(len(labels)), labels], 1e-7, 1).astype(float)
    found = optimize.minimize(
        lambda weights: -np.log(weights @ of_true_class).mean(),
        np.full(members, 1 / members),
        bounds=[(0, 1)] * members,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
        method="SLSQP",
    )
    weights = np.clip(found.x, 0, None)
    return weights / weights.sum()


def disagreement(readings):
    """The share of images that two members read differently, for every pair.

    Returns: float (members, members), 0 … 1, symmetric. Source: Kuncheva and Whitaker (2003),
        doi:10.1023/A:1022859003006. Taught in notebook 14.
    """
    predictions = readings.argmax(axis=-1)
    return (predictions[:, None] != predictions[None]).mean(axis=-1)


def oracle(readings, labels):
    """The share of images, 0 … 1, that at least one member reads correctly.

    No rule that picks a member's answer can do better. Taught in notebook 14.
    """
    return float((readings.argmax(axis=-1) == labels).any(axis=0).mean())


def by_size(readings, labels):
    """Accuracy of the mean of every choice of members, by how many they are.

    Returns: DataFrame indexed by members (1, 2, …): choices, and the accuracy's mean, low (of the
        worst choice) and high (of the best). Taught in notebook 14.
    """
    rows = {}
    for size in range(1, len(readings) + 1):
        chosen = combinations(readings, size)
        scores = [(sum(choice).argmax(axis=-1) == labels).mean() for choice in chosen]
        rows[size] = [len(scores), np.mean(scores), min(scores), max(scores)]
    names = ["choices", "mean", "low", "high"]
    return pd.DataFrame.from_dict(rows, "index", columns=names).rename_axis("members")
