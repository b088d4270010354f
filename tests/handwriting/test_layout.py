"""Layout: marks become characters, words and lines, in reading order."""

from helpers.handwriting import layout, pictures

import numpy as np
import pytest
import written


def read(lines, **settings):
    """Characters found on a page of these lines, and the boxes they were drawn in."""
    ink, boxes = written.page(lines, **settings)
    characters, _ = layout.characters(ink > 0.5)
    return characters, boxes


def words(characters):
    """How many characters each word has, line by line."""
    return layout.text(characters, "x" * len(characters)).split("\n")


def shape(lines):
    return ["".join(" " if letter == " " else "x" for letter in line) for line in lines]


TEXT = ["Ein Vogel fliegt", "A jar of 12 big figs", "i j i j ij 5E", "Q7"]


@pytest.mark.parametrize("font", ["DejaVuSans", "DejaVuSerif", "STIXGeneral", "DejaVuSansMono"])
def test_text_in_order_and_words_apart(font):
    characters, boxes = read(TEXT, font=font)
    assert words(characters) == shape(TEXT)
    assert np.abs(np.array([one.box for one in characters]) - boxes).max() <= 2


@pytest.mark.parametrize("size", [20, 35, 80])
def test_small_and_large_writing(size):
    lines = ["fill jig", "Oak 31"]
    assert words(read(lines, size=size)[0]) == shape(lines)


@pytest.mark.parametrize("gap, space", [(0.15, 0.7), (0.5, 1.2), (1.0, 2.5)])
def test_narrow_and_wide_spacing(gap, space):
    lines = ["The big cat sat", "on my green hat"]
    assert words(read(lines, gap=gap, space=space)[0]) == shape(lines)


def test_evenly_spaced_characters_are_one_word():
    lines = ["ABCDEFGH", "ilIjrt17", "abcdefgh"]
    assert words(read(lines, gap=0.9)[0]) == shape(lines)


def test_dots_join_their_stems_and_no_other_line():
    characters, boxes = read(["ijij", "ijij", "ijij"], leading=1.6)
    assert len(characters) == len(boxes)
    assert all(len(one.marks) == 2 for one in characters)


def test_bars_one_over_the_other_are_one_character():
    (equals,) = read(["a=b"])[0][1:2]
    assert len(equals.marks) == 2
    assert words(read(["1=2 3=4"])[0]) == ["xxx xxx"]


def test_specks_and_full_stops_are_left_out():
    ink, _ = written.page(["Ende. Aus."])
    ink = ink > 0.5
    for row, column in ((300, 400), (60, 700), (900, 30)):
        ink[row : row + 3, column : column + 3] = True
    characters, _ = layout.characters(ink)
    assert words(characters) == ["xxxx xxx"]


def test_a_mark_knows_its_pixels():
    ink, _ = written.page(["ij"])
    characters, labels = layout.characters(ink > 0.5)
    for one in characters:
        rows, columns = np.nonzero(np.isin(labels, one.marks))
        found = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert found == one.box


@pytest.mark.parametrize("degrees", [-6, -2.5, 0, 1, 5])
def test_the_fall_of_lines_is_measured(degrees):
    ink, _ = written.page(["Lines that fall or rise", "make this hard", "for readers of it"])
    turned = np.asarray(written.photograph(ink, 1, 0, angle=degrees)) < 128
    assert layout.skew(turned) == pytest.approx(degrees, abs=0.4)


@pytest.mark.parametrize("degrees", [-1.5, 1.5])
def test_lines_may_wander_a_little(degrees):
    lines = ["Lines that fall or rise", "make this hard", "for readers of it"]
    ink, _ = written.page(lines)
    turned = np.asarray(written.photograph(ink, 1, 0, angle=degrees)) < 128
    assert words(layout.characters(turned)[0]) == shape(lines)


def test_an_empty_page_and_one_of_specks_have_no_characters():
    mask = np.zeros((50, 60), bool)
    assert layout.characters(mask)[0] == []
    mask[10:13, 10:13] = mask[30:33, 40:43] = True
    assert layout.characters(mask)[0] == []


def test_a_texture_is_refused():
    mask = np.zeros((400, 400), bool)
    mask[::3, ::3] = True
    with pytest.raises(pictures.SeveralCharacters, match=r"found 17,956 marks"):
        layout.characters(mask)
