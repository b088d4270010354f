"""Hands that no network was trained on: what is right, per hand, and prepared in which way."""

import json

from helpers import data, statistics
from helpers.archives.sample import CHARACTERS
from helpers.handwriting import conversion, ink, pad

import measure_hands
import numpy as np
import pytest
from PIL import Image
from plans import notebook_16

BALANCED = data.CLASSES["emnist/balanced"]


def slanted(lean):
    """A straight stroke of 64 rows that leans to the right by so many columns, 0 … 1."""
    y, x = np.indices((64, 80))
    return (np.abs(x - 40 + lean * (y - 32) / 64) < 3).astype(np.float32)


def leaning(image):
    """How far the ink of an image leans, columns a row; below 0 to the right."""
    y, x = (axis - np.average(axis, weights=image) for axis in np.indices(image.shape))
    return np.average(x * y, weights=image) / np.average(y * y, weights=image)


def middle(image):
    """The mean column of an image's ink."""
    return np.average(np.indices(image.shape)[1], weights=image)


@pytest.mark.parametrize(
    "true, read, merged, as_one",
    [
        ("c", "C", True, True),
        ("a", "A", False, False),
        ("0", "o", False, True),
        ("l", "1", False, True),
        ("L", "1", False, False),
        ("i", "I", True, True),
        ("i", "1", False, False),
    ],
)
def test_letters_alike_in_both_cases_are_right_and_look_alikes_only_if_asked(
    true, read, merged, as_one
):
    for names in (CHARACTERS, BALANCED):
        found = [
            measure_hands.same(CHARACTERS, names, alike)[CHARACTERS.index(true)]
            for alike in ((), measure_hands.ALIKE)
        ]
        (place,) = [k for k, name in enumerate(names) if read in name]
        assert [one[place] for one in found] == [merged, as_one]


def test_a_mean_by_hand_is_that_of_images_and_its_spread_that_of_hands():
    found = measure_hands.by_hand(np.array([1, 1, 0]), np.array([0, 0, 1]))
    assert found == pytest.approx([10 / 9, 2 / 9])  # 2/3 ± (2/3) / 1.5
    rng = np.random.default_rng(0)
    values, hands = rng.random(40), np.repeat(np.arange(8), 5)
    means = values.reshape(8, 5).mean(axis=1)
    assert measure_hands.by_hand(values, hands) == pytest.approx(means)


def test_more_images_of_the_same_hands_do_not_narrow_an_interval():
    right, hands = np.array([1, 1, 0, 1, 0, 0]), np.array([0, 0, 1, 1, 2, 2])
    many = measure_hands.share(np.tile(right, 50), np.tile(hands, 50))
    assert many == measure_hands.share(right, hands) == "50.0 (0.0 … 100.0)"


def test_a_change_is_the_mean_difference_with_its_interval():
    before, after = np.array([0, 0, 1, 1]), np.array([1, 1, 1, 1])
    low, high = statistics.mean_interval([1, 1, 0, 0])
    found = measure_hands.change(before, after, np.arange(4))
    assert found == f"50.0 → 100.0: +50.0 (−{-100 * low:.1f} … +{100 * high:.1f})"


@pytest.mark.parametrize("border, longest", [(2, 24), (6, 22)])
def test_another_border_is_another_size_and_two_pixels_are_emnists(border, longest):
    scan = slanted(0)
    image = measure_hands.in_size(scan, border)
    assert np.count_nonzero((image > 127).any(axis=1)) == longest
    assert (border == 2) == np.array_equal(image, conversion.emnist(scan))


def test_pale_ink_stays_pale_without_contrast():
    mask = slanted(0)[::2] > 0
    scan = measure_hands.pale(np.where(mask, 0.4, -0.1).astype(np.float32), mask)
    assert max(scan.shape) == ink.LONG and scan.max() == pytest.approx(0.4)
    assert 80 < measure_hands.in_size(scan, 2, contrast=False).max() < 110  # of 255


@pytest.mark.parametrize("lean", [-24, 24])
def test_a_slanted_stroke_becomes_upright(lean):
    scan = ink.crop(slanted(lean), slanted(lean) > 0)
    stood = measure_hands.upright(scan)
    assert abs(leaning(scan)) > 0.3 and abs(leaning(stood)) < 0.02
    assert stood.sum() == pytest.approx(scan.sum(), rel=0.02)
    padding = (stood.shape[1] - scan.shape[1]) / 2
    assert middle(stood) - padding == pytest.approx(middle(scan), abs=0.5)  # sheared around it


def test_what_cannot_be_prepared_stays_black_and_a_tried_way_is_gone_afterwards():
    blank = Image.new("L", (60, 60), 255)
    hands = measure_hands.Hands([pad.draw(pad.STORED), blank], np.zeros(2, int), np.arange(2))
    styles, scan = dict(conversion.STYLES), ink.scan
    way = measure_hands.Way(lambda scan: np.full((28, 28), 7, np.uint8), scan=measure_hands.pale)
    assert measure_hands.prepared(hands, way).max(axis=(1, 2)).tolist() == [7, 0]
    assert styles == conversion.STYLES and ink.scan is scan


def test_each_simulated_hand_writes_every_form_in_its_own_way():
    drawn = measure_hands.on_the_pad(3)
    count = len(measure_hands.signs.LETTERS)
    assert np.bincount(drawn.hands).tolist() == [count] * 3
    assert [CHARACTERS[label] for label in drawn.labels[:count]] == [*measure_hands.signs.LETTERS]
    images = np.array([np.asarray(picture) for picture in drawn.pictures]) < 128
    assert (images.mean(axis=(1, 2)) > 0.003).all() and (images.mean(axis=(1, 2)) < 0.3).all()
    one, other = images[:count], images[count : 2 * count]
    assert not any(np.array_equal(*pair) for pair in zip(one, other, strict=True))
    tall = [np.ptp(np.flatnonzero(letter.any(axis=1))) for letter in images]
    of_hands = np.reshape(tall, (3, count)).mean(axis=1)
    assert np.ptp(of_hands) > 10  # one writes larger than another


def test_fonts_held_out_are_none_of_those_that_networks_were_trained_on():
    held_out, trained = (
        json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
        for folder in (measure_hands.FONTS, notebook_16.Fonts.folder)
    )
    assert len(held_out) >= 10 and not held_out.keys() & trained.keys()


def test_missing_fonts_are_named_with_what_installs_them(tmp_path):
    listed = '{"dependencies": {"@fontsource/a": "1"}}'
    (tmp_path / "package.json").write_text(listed, encoding="utf-8")
    with pytest.raises(SystemExit, match=r"found none at .*a-latin.* npm ci --prefix"):
        measure_hands.font_files(tmp_path)


@pytest.mark.parametrize(
    "place, said", [("sample", "stands for rendered"), (None, "an archive of photographed")]
)
def test_without_photographs_nothing_is_measured(place, said, own_caches, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", place or str(tmp_path))
    monkeypatch.setattr(measure_hands, "font_files", list)
    with pytest.raises(SystemExit, match=said):
        measure_hands.main([])
