"""MNIST and EMNIST as arrays: upright, white ink on black, mapped from disk, in train and test."""

import string
from dataclasses import dataclass, replace
from difflib import get_close_matches

from helpers import course
from helpers.archives import download
from helpers.archives.idx import DataUnavailable

import numpy as np
from sklearn.model_selection import train_test_split

__all__ = ["CLASSES", "PUBLISHED", "DataUnavailable", "Dataset", "Split", "load"]

MERGED = "CIJKLMOPSUVWXYZ"
"""The 15 letters whose upper and lower case EMNIST merges (arXiv:1702.05373)."""

_DIGITS = tuple(string.digits)
_MERGED_47 = (
    *_DIGITS,
    *(letter + letter.lower() * (letter in MERGED) for letter in string.ascii_uppercase),
    *(letter for letter in string.ascii_lowercase if letter.upper() not in MERGED),
)

CLASSES = {
    "mnist": _DIGITS,
    "emnist/byclass": tuple(string.digits + string.ascii_uppercase + string.ascii_lowercase),
    "emnist/bymerge": _MERGED_47,
    "emnist/balanced": _MERGED_47,
    "emnist/letters": tuple(letter + letter.lower() for letter in string.ascii_uppercase),
    "emnist/digits": _DIGITS,
    "emnist/mnist": _DIGITS,
}
"""Name of each data set → its classes, in the order of the labels."""

PUBLISHED = {
    "mnist": (60_000, 10_000),
    "emnist/byclass": (697_932, 116_323),
    "emnist/bymerge": (697_932, 116_323),
    "emnist/balanced": (112_800, 18_800),
    "emnist/letters": (124_800, 20_800),
    "emnist/digits": (240_000, 40_000),
    "emnist/mnist": (60_000, 10_000),
}
"""How many training and test images the publishers have."""

QUICK_TRAIN, QUICK_TEST = 3_000, 1_000
"""The quick tier uses the first so many images."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels.

    images: uint8 (n, 28, 28), values 0 … 255, upright, white ink on black, read-only.
    labels: int64 (n,), 0 … classes - 1.
    Index it as you would an array: an index, a slice or an array of indices gives a Split.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        if isinstance(index, int | np.integer):
            first = range(len(self))[index]  # raises IndexError, which also ends a for loop
            index = slice(first, first + 1)
        return Split(_read_only(self.images[index]), _read_only(self.labels[index]))

    def __repr__(self):
        low, high = (self.labels.min(), self.labels.max()) if len(self) else ("-", "-")
        return f"Split({len(self):,} images {self.images.shape[1:]}, labels {low} … {high})"


def _read_only(array):
    """The same array, refusing to be written to."""
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class Dataset:
    """A named data set: classes, and its images in train, test and, if asked for, validation.

    classes: what each label stands for; "Cc" where upper and lower case share a label.
    complete: whether these are all of the images that the publisher has.
    sample: whether they come from the built-in sample instead.
    """

    name: str
    classes: tuple
    train: Split
    test: Split
    complete: bool
    sample: bool = False
    validation: Split | None = None

    def describe(self):
        """One line: how many images there are, how many the publisher has, where they come from."""
        counts = []
        for part, published in zip(download.PARTS, PUBLISHED[self.name], strict=True):
            here = len(getattr(self, part)) + len(self.validation or ()) * (part == "train")
            of = "" if here == published or self.sample else f" of {published:,}"
            counts.append(f"{here:,}{of} {part}")
        origin = "complete" if self.complete else "incomplete"
        origin = "built-in sample, not the real data" if self.sample else origin
        return f"{self.name}: {len(self.classes)} classes, {' and '.join(counts)} images, {origin}"

    def with_validation(self, fraction=1 / 6, seed=0):
        """The same data set with part of the training images set aside for validation.

        Arguments: fraction: share of the training images, 0 … 1, the same of every class;
            seed: which images are drawn.
        Returns: a new Dataset. Raises: ValueError where fraction is not between 0 and 1, or the
            data set has a validation part already.
        Taught in notebook 03.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"fraction is {fraction}; expected a share between 0 and 1.")
        if self.validation is not None:
            raise ValueError(f"{self.name} has a validation part already; load it afresh.")
        train, held_out = train_test_split(
            np.arange(len(self.train)),
            test_size=fraction,
            random_state=seed,
            stratify=self.train.labels,
        )
        return replace(
            self, train=self.train[np.sort(train)], validation=self.train[np.sort(held_out)]
        )


def load(name):
    """A data set, by name: from the network, a folder or the built-in sample, as COURSE_DATA says.

    The first load unpacks it (ByClass: seconds); later loads map it from disk (milliseconds). In
    the quick tier it is the first few thousand images.

    Arguments: name: "mnist", "emnist/byclass", "emnist/bymerge", "emnist/balanced",
        "emnist/letters", "emnist/digits" or "emnist/mnist".
    Returns: Dataset.
    Raises: ValueError for another name; DataUnavailable where the images cannot be had.
    Source: LeCun et al. (1998); Cohen et al. (2017), arXiv:1702.05373. Taught in notebooks 01, 10.
    """
    if name not in CLASSES:
        near = get_close_matches(str(name), CLASSES, n=1, cutoff=0.4)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown data set {name!r};{hint} Expected one of {', '.join(CLASSES)}.")
    classes = CLASSES[name]
    first_label = 1 if name == "emnist/letters" else 0
    folder, about = download.unpacked(name, classes, first_label)
    sample = download.source() == "sample"
    parts = {}
    for part, limit in zip(download.PARTS, (QUICK_TRAIN, QUICK_TEST), strict=True):
        images = np.load(folder / f"{part}-images.npy", mmap_mode="r")
        split = Split(images, _read_only(np.load(folder / f"{part}-labels.npy")))
        parts[part] = split[:limit] if course.tier() == "quick" else split
    complete = about["complete"] and course.tier() == "full"
    dataset = Dataset(name, classes, **parts, complete=complete, sample=sample)
    course.record(dataset)
    return dataset
