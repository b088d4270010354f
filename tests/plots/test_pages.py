"""Figures of read handwriting: boxes where the characters are, doubtful ones marked in grey too."""

from helpers import handwriting
from helpers.plots import pages

import matplotlib.pyplot as plt
import numpy as np
import pytest
import written
from PIL import Image

TEXT = "ab c\nd"
BOXES = np.array([[10, 20, 40, 60], [50, 22, 80, 58], [120, 20, 150, 62], [12, 100, 42, 140]])
SURE = np.array([0.99, 0.4, 0.9, 0.69])
PROBABILITIES = np.column_stack([SURE, 1 - SURE])
SHEET = Image.fromarray(np.full((180, 200, 3), 220, np.uint8))


@pytest.fixture
def fig():
    made = pages.page(SHEET, TEXT, BOXES, PROBABILITIES, title="My page")
    yield made
    plt.close(made)


def test_every_character_has_its_box_and_its_class_above(fig):
    (ax,) = fig.axes
    assert [text.get_text() for text in ax.texts] == ["a", "b?", "c", "d?"]
    drawn = [line.get_xydata() for line in ax.lines]
    found = [(*points.min(axis=0), *points.max(axis=0)) for points in drawn]
    assert np.array_equal(found, BOXES)


def test_doubtful_characters_differ_in_line_and_width_not_only_in_colour(fig):
    (ax,) = fig.axes
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--", "-", "--"]
    wide = np.array([line.get_linewidth() for line in ax.lines])
    assert wide[[1, 3]].min() > wide[[0, 2]].max()
    assert "4 characters, 2 doubtful" in ax.get_title() and fig.get_suptitle() == "My page"


def test_the_limit_of_doubt_can_be_set():
    for doubtful, expected in ((0.3, "a b c d"), (0.69, "a b? c d")):  # d has .69
        fig = pages.page(SHEET, TEXT, BOXES, PROBABILITIES, doubtful=doubtful)
        assert [text.get_text() for text in fig.axes[0].texts] == expected.split()


def test_boxes_of_a_large_picture_lie_on_its_characters():
    ink, truth = written.page(["Red"], 120, (4000, 1000), start=(300, 600))
    classes = tuple("Red")
    photograph = written.photograph(ink)
    read = handwriting.read_page(photograph, written.Nearest(handwriting.prepare, classes), classes)
    (ax,) = pages.page(photograph, *read).axes
    scale = ink.shape[1] / ax.images[0].get_array().shape[1]
    assert scale > 1
    found = [line.get_xydata() * scale for line in ax.lines]
    corners = [(*points.min(axis=0), *points.max(axis=0)) for points in found]
    assert np.abs(np.array(corners) - truth).max() <= 8


@pytest.mark.parametrize("text, boxes", [("abc", BOXES), (TEXT, BOXES[:3])])
def test_text_of_another_page_is_refused(text, boxes):
    with pytest.raises(ValueError, match="as many characters as boxes"):
        pages.page(SHEET, text, boxes, PROBABILITIES)


def test_a_page_without_characters_is_drawn_bare():
    fig = pages.page(SHEET, "", np.empty((0, 4)), np.empty((0, 2)))
    assert not fig.axes[0].texts and "0 characters" in fig.axes[0].get_title()


def test_a_drawing_stands_beside_what_is_seen_and_predicted():
    predictions = [("R", 0.8), ("A", 0.15), ("K", 0.05)]
    seen = np.eye(28, dtype=np.uint8) * 255
    fig = pages.drawing(Image.new("L", (280, 280), 255), seen, predictions)
    assert np.array_equal(fig.axes[1].images[0].get_array(), seen)
    bars = fig.axes[2].patches
    assert [bar.get_width() for bar in bars] == [0.8, 0.15, 0.05]
    assert [label.get_text() for label in fig.axes[2].get_yticklabels()] == ["R", "A", "K"]
    assert all(ax.get_title() or ax.get_xlabel() for ax in fig.axes)
