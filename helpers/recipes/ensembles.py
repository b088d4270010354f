"""Several networks together: their probabilities combined, and how much they differ.

Throughout, `probabilities` are those that all members predict for the same images, float (members,
n, classes), each row of classes summing to 1, as `predict` returns them. What is combined is float
(n, classes), its rows sum to 1, too, and `evaluation.Evaluation` says how good it is.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from helpers import course
from helpers.internals import tiers
from helpers.internals.backend import keras
from helpers.recipes import augmentation, losses

import joblib
import numpy as np
import pandas as pd


def predict(
    networks: Iterable[keras.Model], images: np.ndarray, shifted: bool = True
) -> np.ndarray:
    """The probabilities that every member predicts for every image.

    Args:
        networks: the members, uint8 (batch, 28, 28) → probabilities (batch, classes).
        images: uint8 (n, 28, 28).
        shifted: whether each predicts five times, for the image shifted by a pixel, and averages;
            the quick tier predicts once.

    Returns:
        float32 (members, n, classes).

    Taught in notebook 25.
    """
    shifted = shifted and tiers.shortened(5, 1, "predictions of each image") > 1
    members = [augmentation.shift_averaged(network) if shifted else network for network in networks]
    return np.stack([member.predict(images, batch_size=512, verbose=0) for member in members])


def mean(probabilities: np.ndarray, weights: Sequence[float] | None = None) -> np.ndarray:
    """The mean of the members' probabilities.

    Args:
        probabilities: float (members, n, classes).
        weights: of each member, at least 0, sum 1; None: all the same.

    Returns:
        float (n, classes).

    Taught in notebook 25.
    """
    return np.average(probabilities, axis=0, weights=weights)


def vote(probabilities: np.ndarray) -> np.ndarray:
    """A vote for each member's most probable class; where votes are equal, the mean decides.

    Args:
        probabilities: float (members, n, classes).

    Returns:
        The share of the votes, the mean counted as one more, float (n, classes): members that
        agree decide, whatever the mean says.

    Taught in notebook 25.
    """
    votes = np.eye(probabilities.shape[-1])[probabilities.argmax(axis=-1)]
    return (votes.sum(axis=0) + mean(probabilities)) / (len(probabilities) + 1)


def stack(probabilities: np.ndarray, labels: np.ndarray, rounds: int = 500) -> np.ndarray:
    """The weights of a weighted mean that give the true classes the greatest likelihood.

    Each round asks how much of the probability that the true class of an image gets comes from each
    member; the members' shares, averaged over the images, are the next weights.

    Args:
        probabilities: float (members, n, classes), of images that no member was trained on.
        labels: integer (n,), the true classes.
        rounds: how often.

    Returns:
        float (members,), at least 0, sum 1.

    Source: Wolpert (1992), doi:10.1016/S0893-6080(05)80023-1; the rounds are those of Dempster,
    Laird and Rubin (1977), doi:10.1111/j.2517-6161.1977.tb01600.x. Taught in notebook 25.
    """
    of_true_class = probabilities[:, np.arange(len(labels)), labels]
    of_true_class = np.clip(of_true_class, losses.SMALLEST, 1).astype(float)
    weights = np.full(len(probabilities), 1 / len(probabilities))
    for _ in range(rounds):
        parts = weights[:, None] * of_true_class
        weights = (parts / parts.sum(axis=0)).mean(axis=1)
    return weights


def disagreement(probabilities: np.ndarray) -> np.ndarray:
    """The share of images for which two members predict different classes, for every pair.

    Args:
        probabilities: float (members, n, classes).

    Returns:
        float (members, members), 0 … 1, symmetric.

    Source: Kuncheva and Whitaker (2003), doi:10.1023/A:1022859003006. Taught in notebook 25.
    """
    predictions = probabilities.argmax(axis=-1)
    return (predictions[:, None] != predictions[None]).mean(axis=-1)


def oracle(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The share of images, 0 … 1, whose true class at least one member predicts.

    No rule that picks a member's answer can do better.

    Args:
        probabilities: float (members, n, classes).
        labels: integer (n,), the true classes.

    Taught in notebook 25.
    """
    return float((probabilities.argmax(axis=-1) == labels).any(axis=0).mean())


def by_size(probabilities: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Accuracy of the mean of every choice of members, by how many they are.

    Args:
        probabilities: float (members, n, classes).
        labels: integer (n,), the true classes.

    Returns:
        A line for each number of members (1, 2, …): how many choices, and the accuracy's mean, low
        (of the worst choice) and high (of the best), 0 … 1.

    Taught in notebook 25.
    """
    rows = {}
    for size in range(1, len(probabilities) + 1):
        chosen = combinations(probabilities, size)
        scores = [(sum(choice).argmax(axis=-1) == labels).mean() for choice in chosen]
        rows[size] = [len(scores), np.mean(scores), min(scores), max(scores)]
    names = ["choices", "mean", "low", "high"]
    return pd.DataFrame.from_dict(rows, "index", columns=names).rename_axis("members")


def soft_targets(
    networks: Iterable[keras.Model], images: np.ndarray, folder: str | Path
) -> np.ndarray:
    """What a student learns from an ensemble: the mean of what its members read once.

    It takes minutes, so it is computed once for the same weights, images and tier; `joblib.Memory`
    keeps the result in a folder and reads it there the next time.

    Args:
        networks: the members.
        images: uint8 (n, 28, 28).
        folder: where results are kept.

    Returns:
        float32 (n, classes).

    Taught in notebook 26.
    """
    networks = list(networks)
    weights = [network.get_weights() for network in networks]
    remembered = joblib.Memory(folder, verbose=0).cache(_soft_targets, ignore=["networks"])
    return remembered(networks, weights, np.asarray(images), course.tier())


def _soft_targets(
    networks: list[keras.Model], weights: list, images: np.ndarray, tier: str
) -> np.ndarray:
    """The mean of the members, one reading each; it is remembered by the other arguments."""
    return mean(predict(networks, images, shifted=False))
