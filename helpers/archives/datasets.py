"""The data sets by name: their classes, how many images their publishers have, their arrays."""

import string

from helpers.internals.errors import expect

import numpy as np

MERGED = "CIJKLMOPSUVWXYZ"  # the letters whose two cases EMNIST merges (arXiv:1702.05373)

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


def checked(name: str, values: object) -> np.ndarray:
    """Images or labels as an array, not copied.

    Args:
        name: "images" or "labels".
        values: theirs.

    Raises:
        ValueError: images of another shape than (n, 28, 28), labels that are no row of numbers.
    """
    array = np.asanyarray(values)
    if name == "images":
        mend = "Write images.reshape(-1, 28, 28), or make them 28 × 28 by handwriting.prepare"
        expect(array.shape[1:3] == (28, 28), "images of shape (n, 28, 28)", array.shape, mend)
    else:
        met = array.ndim == 1 and array.dtype.kind in "iubf"
        found = f"shape {array.shape} of {array.dtype}"
        mend = "Write labels.astype(int), of characters [classes.index(one) for one in labels], of "
        mend += "one-hot vectors labels.argmax(axis=1)"
        expect(met, "labels that are a row of numbers", found, mend)
    return array
