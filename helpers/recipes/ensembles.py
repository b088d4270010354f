"""Several networks together: their readings combined, and how much they differ.

Throughout, `readings` are the probabilities of all members for the same images, float
(members, n, classes), each row of classes summing to 1, as `read` returns them. What is combined is
float (n, classes), its rows sum to 1, too, and `evaluation.Evaluation` judges it.
"""

import zlib
from itertools import combinations
from pathlib import Path

from helpers import course, data, files, models
from helpers.recipes import losses

import numpy as np
import pandas as pd


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
    of_true_class = np.clip(of_true_class, losses.SMALLEST, 1).astype(float)
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


def soft_targets(networks, images, folder):
    """What an ensemble says about images: the mean of its members, of five readings each.

    It takes minutes, so it is kept in a file, named after networks and images, and read from there
    the next time.

    Arguments: networks: keras models. images: uint8 (n, 28, 28). folder: where the file lies.
    Returns: float32 (n, classes). Taught in notebook 14.
    """
    networks = list(networks)
    mark = zlib.crc32(np.ascontiguousarray(images))
    for network in networks:
        for weights in network.get_weights():
            mark = zlib.crc32(weights, mark)
    path = Path(folder) / f"taught {mark:08x}.npy"
    if not path.exists():
        with files.whole(path) as part:
            np.save(part, mean(read(networks, images)))
    return np.load(path)


def gather(name, split, unseen=(), times=2, parts=("train",)):
    """More images to train on: a split, and what other EMNIST sets have of the same classes.

    EMNIST's sets are drawn from the same forms, and an image may lie in several. None is taken that
    lies among the test images of `name`. Classes stay as frequent as they were; where fewer images
    of a class are found than it takes, its own come again.

    Arguments: name: of the split's data set. split: Split to train on. unseen: more Splits whose
        images must stay out, such as those that judge. times: how many times the images of the
        split, a number from 1. parts: of the other sets, "train", "test" or both.
    Returns: Split, the given images first, and the number of new images among the others.
    Raises: as `load`. Taught in notebook 14.
    """
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


def _elsewhere(name, parts):
    """Image by image, with its label in this set, what other EMNIST sets hold of its classes."""
    for other in data.CLASSES:
        if not other.startswith("emnist/") or other == name:
            continue
        dataset, fits = data.load(other), _fitting(other, name)
        for split in (getattr(dataset, part) for part in parts):
            for index in np.flatnonzero(np.isin(split.labels, list(fits))):
                yield split.images[index], fits[int(split.labels[index])]


def _again(split, missing):
    """Where the first images of each class lie, as many as are missing, round and round."""
    return np.concatenate(
        [np.resize(np.flatnonzero(split.labels == c), count) for c, count in enumerate(missing)]
    ).astype(int)


def _fitting(other, name):
    """The labels of another data set whose characters all belong to one class of this set."""
    return {
        label: own
        for label, characters in enumerate(data.CLASSES[other])
        for own, accepted in enumerate(data.CLASSES[name])
        if set(characters) <= set(accepted)
    }
