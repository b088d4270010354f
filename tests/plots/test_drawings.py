"""Drawings: the numbers in them are right, and each part is there."""

from helpers.plots import drawings

import numpy as np
import pytest
from matplotlib.figure import Figure

IMAGE = np.array([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 8, 7], [6, 5, 4, 3]])
RIGHT_MINUS_LEFT = np.array([[-1, 1], [-1, 1]])


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_a_convolution_shows_its_sums_where_the_filter_lies():
    fig = drawings.convolution(IMAGE, RIGHT_MINUS_LEFT, [(0, 0), (2, 1)], "t")
    titles = [ax.get_title() for ax in fig.axes]
    # (1 - 0) + (5 - 4) = 2; (8 - 9) + (4 - 5) = -2
    assert titles == ["the filter", "at row 1, column 1: 2", "at row 3, column 2: −2",
                      "the feature map"]  # fmt: skip
    assert texts(fig.axes[-1]) == ["2", "2", "2", "2", "0", "0", "0", "−2", "−2"]
    (frame,) = fig.axes[2].patches
    assert (*frame.get_xy(), frame.get_width(), frame.get_height()) == (0.5, 1.5, 2, 2)


def test_pooling_shows_what_each_way_takes_of_each_block():
    fig = drawings.pooling(IMAGE, {"max": np.max, "mean": np.mean}, "t")
    assert len(fig.axes[0].patches) == 4
    assert texts(fig.axes[1]) == ["5", "7", "9", "8"]
    assert texts(fig.axes[2]) == ["2.5", "4.5", "7", "5.5"]


def test_a_receptive_field_counts_what_one_unit_sees():
    # one unit, 3 below it; two places of a block each; 6 + 3 - 1 pixels
    layers = [("first", 3, 1), ("pool", 2, 2), ("second", 3, 1)]
    (ax,) = drawings.receptive_field(layers, "t").axes
    assert texts(ax) == ["image: 8 pixels", "first: 6", "pool: 3", "second: 1"]
    squares = [line.get_xdata() for line in ax.lines if line.get_marker() == "s"]
    assert [len(places) for places in squares] == [8, 6, 3, 1]
    assert all(np.mean(places) == squares[0].mean() for places in squares)  # each in the middle


def test_boxes_have_their_words_and_arrows():
    places = {"a": (0, 0), "b": (1, 0)}
    (ax,) = drawings.boxes(places, [("a", "b", "w"), ("b", "a")], "t").axes
    assert [text for text in texts(ax) if text] == ["a", "b", "w"]
    assert len([text for text in ax.texts if getattr(text, "arrow_patch", None)]) == 2


def test_every_unit_of_a_dense_layer_gets_every_input():
    (ax,) = drawings.dense_layer(["x", "y", "1"], ["u", "v"], "t").axes
    assert texts(ax) == ["x", "y", "1", "u", "v"]
    assert sum(len(line.get_xdata()) == 2 for line in ax.lines) == 3 * 2


@pytest.mark.parametrize("count", [1, 3, 6])
def test_paths_end_where_the_optimiser_ended(count):
    ways = {str(number): np.array([[2.0, 1.0], [0.5, number]]) for number in range(count)}
    fig = drawings.paths(lambda x, y: x**2 + y**2, ways, "t")
    assert isinstance(fig, Figure) and len(fig.axes) == count
    assert fig.axes[-1].lines[-1].get_xydata().tolist() == [[0.5, count - 1]]
