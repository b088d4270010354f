"""Several networks together: their probabilities combined, and how much they differ.

Throughout, `probabilities` are those that all members predict for the same images, float (members,
n, classes), each row of classes summing to 1, as `predict` returns them. What is combined is float
(n, classes), its rows sum to 1, too, and `evaluation.Evaluation` says how good it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

from helpers import course, data
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

    Taught in notebook 25.
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


def gather(
    name: str,
    split: data.Split,
    unseen: Iterable[data.Split] = (),
    times: float = 2,
    parts: Sequence[str] = ("train",),
) -> tuple[data.Split, int]:
    """More images to train on: a split, and what other EMNIST sets have of the same classes.

    EMNIST's sets are drawn from the same forms, and an image may lie in several. None is taken that
    lies among the test images of `name`. Classes stay as frequent as they were; where fewer images
    of a class are found than it takes, its own come again.

    Args:
        name: of the split's data set.
        split: to train on.
        unseen: more splits whose images must stay out, such as the validation set.
        times: how many times the images of the split, a number from 1.
        parts: of the other sets, "train", "test" or both.

    Returns:
        All images, the given ones first, and the number of new images among the others.

    Raises:
        ValueError: for times below 1.
        DataUnavailable: as `data.load`.

    Taught in notebook 25.
    """
    if times < 1:
        raise ValueError(f"expected times of 1 or more, found {times}; 1 adds nothing.")
    taken = {image.tobytes() for s in (split, data.load(name).test, *unseen) for image in s.images}
    room = ((times - 1) * np.bincount(split.labels, minlength=len(data.CLASSES[name]))).astype(int)
    images, labels = [*split.images], [*split.labels]
    for image, label in _elsewhere(name, parts):
        if room[label] and image.tobytes() not in taken:
            taken.add(image.tobytes())
            room[label] -= 1
            images.append(image)
            labels.append(label)
    new, again = len(labels) - len(split), _again(split, room)
    images, labels = np.stack([*images, *split.images[again]]), [*labels, *split.labels[again]]
    return data.Split(images, np.array(labels, "int64")), new


def _elsewhere(name: str, parts: Sequence[str]) -> Iterator[tuple[np.ndarray, int]]:
    """Image by image, with its label in this set, what other EMNIST sets hold of its classes."""
    for other in data.CLASSES:
        if not other.startswith("emnist/") or other == name:
            continue
        dataset, fits = data.load(other), _fitting(other, name)
        for split in (getattr(dataset, part) for part in parts):
            for index in np.flatnonzero(np.isin(split.labels, list(fits))):
                yield split.images[index], fits[int(split.labels[index])]


def _again(split: data.Split, missing: np.ndarray) -> np.ndarray:
    """Where the first images of each class lie, as many as are missing, round and round."""
    return np.concatenate(
        [np.resize(np.flatnonzero(split.labels == c), count) for c, count in enumerate(missing)]
    ).astype(int)


def _fitting(other: str, name: str) -> dict[int, int]:
    """The labels of another data set whose characters all belong to one class of this set."""
    return {
        label: own
        for label, characters in enumerate(data.CLASSES[other])
        for own, accepted in enumerate(data.CLASSES[name])
        if set(characters) <= set(accepted)
    }
