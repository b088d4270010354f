"""The built-in sample: generated once, the same everywhere, in every class, upright."""

import string

from helpers import data
from helpers.archives import sample

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def made():
    return sample.make()


def test_it_is_the_same_every_time(made):
    assert all(np.array_equal(one, other) for one, other in zip(made, sample.make(), strict=True))


def test_every_digit_of_scikit_learn_and_sixty_of_each_letter(made):
    images, labels = made
    assert images.shape == (1797 + 52 * sample.PER_LETTER, 28, 28) and images.dtype == np.uint8
    counts = np.bincount(labels).tolist()
    assert counts == [*np.bincount(load_digits().target), *[sample.PER_LETTER] * 52]


def test_images_are_white_on_black_inside_a_margin(made):
    images, _ = made
    assert images[:, :3].max() == images[:, -3:].max() == 0
    assert images[:, :, :3].max() == images[:, :, -3:].max() == 0
    assert images.max(axis=(1, 2)).min() > 150


def test_an_enlarged_digit_looks_like_the_digit(made):
    images, _ = made
    smaller = images[:1797, 4:24, 4:24].reshape(1797, 4, 5, 4, 5).mean(axis=(2, 4))
    original = load_digits().images.reshape(1797, 4, 2, 4, 2).mean(axis=(2, 4))
    assert np.corrcoef(smaller.ravel(), original.ravel())[0, 1] > 0.95


def test_letters_are_upright(made):
    images, labels = made
    font = ImageFont.truetype(matplotlib.get_data_path() + "/fonts/ttf/DejaVuSans.ttf", 26)
    better = []
    for label, letter in enumerate(sample.CHARACTERS):
        if letter not in "EFJLPRbdhkr":  # which no turn or mirror leaves alike
            continue
        glyph = Image.new("L", (28, 28))
        ImageDraw.Draw(glyph).text((14, 14), letter, 255, font, anchor="mm")
        glyph, mean = np.array(glyph, float), images[labels == label].mean(axis=0)
        turned = [glyph.T, glyph[::-1], glyph[:, ::-1], glyph[::-1, ::-1]]
        better.append((mean * glyph).sum() > max((mean * other).sum() for other in turned))
    assert np.mean(better) > 0.9


def test_no_two_letters_of_a_class_are_alike(made):
    images, labels = made
    letters = images[labels >= 10]
    assert len({image.tobytes() for image in letters}) > 0.98 * len(letters)


def test_it_is_generated_once_for_all_data_sets(fresh_cache, monkeypatch):
    calls, make = [], sample.make

    def counted():
        calls.append(1)
        return make()

    monkeypatch.setenv("COURSE_DATA", "sample")
    monkeypatch.setattr(sample, "make", counted)
    for name in ("mnist", "emnist/letters", "emnist/letters"):
        data.load(name)
    assert len(calls) == 1


def test_training_and_test_images_have_every_class_in_the_same_share(own_caches, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "sample")
    loaded = data.load("emnist/byclass")
    assert loaded.classes == tuple(string.digits + string.ascii_uppercase + string.ascii_lowercase)
    share = np.bincount(loaded.test.labels) / np.bincount(loaded.train.labels)
    assert share.min() >= 0.25 and share.max() < 0.27


def test_both_cases_of_a_merged_class_get_its_label(own_caches, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "sample")
    single, merged = data.load("emnist/byclass").train, data.load("emnist/balanced").train
    cases = single.images[np.isin(single.labels, [12, 38])]  # C and c
    assert np.array_equal(merged.images[merged.labels == 12], cases)
