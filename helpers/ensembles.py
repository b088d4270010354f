"""Several networks together: their readings combined, and how much they differ.

Throughout, `readings` are the probabilities of all members for the same images, float
(members, n, classes), each row of classes summing to 1, as `read` returns them. What is combined is
float (n, classes), its rows sum to 1, too, and `evaluation.Evaluation` judges it.
"""

from itertools import combinations

from helpers import course, models

import numpy as np
import pandas as pd

SMALLEST = 1e-7  # a smaller probability counts as this one, where its logarithm matters


def read(networks, images, shifted=True):
    """Let every member read every image.

    Arguments: networks: keras models, uint8 (n, 28, 28) → probabilities. images: uint8 (n, 28, 28).
        shifted: whether each reads an image five times, shifted by a pixel, and averages; the
        quick tier reads once.
    Returns: readings, float32 (members, n, classes). Taught in notebook 14.
    """
    shifted = shifted and course.tier() == "full"
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


def stack(readings, labels, rounds=500):
    """The weights of a weighted mean that give the true classes the greatest likelihood.

    Each round asks how much of the probability that the true class of an image gets comes from each
    member; the members' shares, averaged over the images, are the next weights.

    Arguments: readings, labels: of images that no member was trained on. rounds: how often.
    Returns: float (members,), at least 0, sum 1.
    Source: Wolpert (1992), doi:10.1016/S0893-6080(05)80023-1; the rounds are those of Dempster,
        Laird and Rubin (1977), doi:10.1111/j.2517-6161.1977.tb01600.x. Taught in notebook 14.
    """
    of_true_class = readings[:, np.arange(len(labels)), labels]
    of_true_class = np.clip(of_true_class, SMALLEST, 1).astype(float)
    weights = np.full(len(readings), 1 / len(readings))
    for _ in range(rounds):
        parts = weights[:, None] * of_true_class
        weights = (parts / parts.sum(axis=0)).mean(axis=1)
    return weights


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
