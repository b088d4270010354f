"""Characters in fonts: each class gets what it stands for, as preparation makes it."""

from pathlib import Path

from helpers import data
from helpers.recipes import fonts

import matplotlib
import numpy as np
import pytest

TTF = Path(matplotlib.get_data_path(), "fonts", "ttf")
FILES = [TTF / "DejaVuSans.ttf", TTF / "STIXGeneral.ttf"]


def test_each_class_gets_all_its_characters_in_each_font():
    split = fonts.render(FILES, ("7", "Oo", "T"), copies=3)
    assert np.bincount(split.labels).tolist() == [6, 12, 6]
    assert split.images.shape == (24, 28, 28) and split.images.dtype == np.uint8


def test_a_class_looks_like_its_character():
    split = fonts.render(FILES, ("I", "O"), copies=8)
    middle = split.images[:, 12:16, 12:16].mean(axis=(1, 2))
    assert middle[split.labels == 0].min() > 60 > middle[split.labels == 1].max()
    height, width = ((split.images.max(axis=axis) > 64).sum(axis=1) for axis in (2, 1))
    assert (np.maximum(height, width) >= 23).all(), "as `handwriting.prepare` leaves a character"


def test_copies_differ_and_a_seed_makes_them_again():
    one, again, other = (fonts.render(FILES, ("R",), copies=4, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.images, again.images)
    assert not np.array_equal(one.images, other.images)
    assert len(np.unique(one.images, axis=0)) == 8


def test_without_fonts_it_says_so():
    with pytest.raises(ValueError, match="found none"):
        fonts.render([], ("A",))


def test_two_splits_become_one():
    first = data.Split(np.zeros((2, 28, 28), np.uint8), np.array([1, 0]))
    second = data.Split(np.full((3, 28, 28), 9, np.uint8), np.array([2, 2, 1]))
    both = fonts.joined(first, second)
    assert both.labels.tolist() == [1, 0, 2, 2, 1]
    assert both.images[:, 0, 0].tolist() == [0, 0, 9, 9, 9]
