"""MNIST and EMNIST as arrays: upright, white ink on black, mapped from disk, in train and test."""

from dataclasses import dataclass, replace
from difflib import get_close_matches

from helpers import course
from helpers.archives import download
from helpers.archives.datasets import CLASSES, MERGED, PUBLISHED, checked
from helpers.archives.idx import DataUnavailable
from helpers.internals import tiers

import numpy as np
from sklearn.model_selection import train_test_split

__all__ = ["CLASSES", "MERGED", "PUBLISHED", "DataUnavailable", "Dataset", "Split", "load"]

QUICK_TRAIN, QUICK_TEST = 3_000, 1_000  # the quick tier uses the first so many images


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels, read-only; an index, a slice or an array of indices gives a Split.

    Attributes:
        images: uint8 (n, 28, 28), values 0 … 255, upright, white ink on black.
        labels: int64 (n,), 0 … classes - 1.
        part: "train" or "test", of a data set; "" for images of your own.
    """

    images: np.ndarray
    labels: np.ndarray
    part: str = ""

    def __post_init__(self) -> None:
        for name in ("images", "labels"):
            view = checked(name, getattr(self, name)).view()  # no copy; the given array stays
            view.flags.writeable = False
            object.__setattr__(self, name, view)  # a frozen class allows no other way

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int | slice | list[int] | np.ndarray) -> "Split":
        if isinstance(index, int | np.integer):
            first = range(len(self))[index]  # raises IndexError, which also ends a for loop
            index = slice(first, first + 1)
        return Split(self.images[index], self.labels[index], self.part)

    def __repr__(self) -> str:
        low, high = (self.labels.min(), self.labels.max()) if len(self) else ("-", "-")
        return f"Split({len(self):,} images {self.images.shape[1:]}, labels {low} … {high})"


@dataclass(frozen=True, eq=False)
class Dataset:
    """A named data set: classes, and its images in train, test and, if asked for, validation.

    Attributes:
        name: as `load` takes it.
        classes: what each label stands for; "Cc" where upper and lower case share a label.
        train: images to train on.
        test: images for the last judgement.
        complete: whether these are all of the publisher's images, by the MD5 of his files.
        sample: whether they come from the built-in sample instead.
        validation: images for choices, once `with_validation` has set them aside.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    complete: bool
    sample: bool = False
    validation: Split | None = None

    def describe(self) -> str:
        """One line: how many images there are, how many are published, where they come from."""
        here = (len(self.train) + len(self.validation or ()), len(self.test))
        published = PUBLISHED[self.name]
        if self.sample:
            origin = "built-in sample, not the real data"
        elif self.complete:
            origin = "complete"
        elif here[0] < published[0] or here[1] < published[1]:
            origin = "incomplete"
        else:
            known_by_md5 = "images or labels" if self.name == "mnist" else "archive"
            origin = f"not the publisher's {known_by_md5}"
        counts = []
        for part, count, all_of_it in zip(download.PARTS, here, published, strict=True):
            of = "" if count == all_of_it or self.sample else f" of {all_of_it:,}"
            counts.append(f"{count:,}{of} {part}")
        return f"{self.name}: {len(self.classes)} classes, {' and '.join(counts)} images, {origin}"

    def with_validation(self, fraction: float = 1 / 6, seed: int = 0) -> "Dataset":
        """The same data set with part of the training images set aside for validation.

        Args:
            fraction: share of the training images, 0 … 1, the same of every class.
            seed: which images are drawn.

        Raises:
            ValueError: fraction is not between 0 and 1, or there is a validation part already.

        Taught in notebook 03.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"fraction is {fraction}; expected a share between 0 and 1.")
        if self.validation is not None:
            raise ValueError(f"{self.name} has a validation part already; load it afresh.")
        labels, drawn = self.train.labels, {"test_size": fraction, "random_state": seed}
        parts = train_test_split(np.arange(len(labels)), stratify=labels, **drawn)
        train, validation = (self.train[np.sort(indices)] for indices in parts)
        return replace(self, train=train, validation=validation)


def load(name: str) -> Dataset:
    """A data set by name: from a download, a folder or the built-in sample, as COURSE_DATA says.

    The first load unpacks it, later ones map it from disk; the quick tier takes the first images.

    Args:
        name: a key of `CLASSES`, such as "mnist" or "emnist/byclass".

    Raises:
        ValueError: another name.
        DataUnavailable: the images cannot be had.

    Source: LeCun et al. (1998); Cohen et al. (2017), arXiv:1702.05373. Taught in notebooks 01, 14.
    """
    if name not in CLASSES:
        near = get_close_matches(str(name).lower(), CLASSES, n=1, cutoff=0.4)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown data set {name!r};{hint} Expected one of {', '.join(CLASSES)}.")
    arrays, complete = download.unpacked(name, CLASSES[name])
    quick, sample = course.tier() == "quick", download.source() == "sample"
    splits = {}
    for part, limit in zip(download.PARTS, (QUICK_TRAIN, QUICK_TEST), strict=True):
        split = Split(arrays[f"{part}-images"], arrays[f"{part}-labels"], part)
        splits[part] = split[: tiers.shortened(len(split), limit, f"{part} images of {name}")]
    dataset = Dataset(name, CLASSES[name], **splits, complete=complete and not quick, sample=sample)
    course.loaded[name] = dataset
    return dataset
