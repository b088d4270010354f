"""The data sets by name: their classes, and how many images their publishers have."""

import string

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
