"""Printed boxes around characters are found and left out; characters and squared paper are not."""

from helpers.handwriting import forms, layout

import numpy as np
import pytest
import written
from PIL import Image, ImageDraw


def boxed(lines, gap=0, line=2, size=36, box=64, drop=0):
    """A form: a box around each character, rows of boxes of the longest line; bool (h, w).

    gap: between boxes, 0 where they share a line, as the fields of a comb do; drop: by how many
    pixels characters stand lower than amidst, so that they touch.
    """
    width = 80 + max(map(len, lines)) * (box + gap)
    sheet = Image.new("L", (width, 80 + 120 * len(lines)))
    for row, text in enumerate(lines):
        for column in range(max(map(len, lines))):
            left, top = 40 + column * (box + gap), 40 + row * 120
            edge = (left, top, left + box, top + box)
            ImageDraw.Draw(sheet).rectangle(edge, outline=255, width=line)
            if text[column : column + 1].strip():
                drawn, below = written.glyph(text[column], size)
                place = left + (box - drawn.width) // 2, top + 50 + drop + below - drawn.height
                sheet.paste(255, place, drawn)
    return np.array(sheet) > 127


FORMS = {
    "a comb": {"gap": 0},
    "boxes apart": {"gap": 12},
    "thick lines": {"gap": 10, "line": 4},
    "large letters": {"gap": 8, "size": 44},
}


@pytest.mark.parametrize("name", FORMS)
def test_boxes_around_characters_are_left_out(name):
    lines = ["ANNA BELL", "1986 QO0D", "pigjar"]
    mask = boxed(lines, **FORMS[name])
    found = layout.characters(mask & ~forms.frames(mask))
    text = "".join(lines).replace(" ", "")
    assert len(found) == len(text)
    whole = [written.glyph(letter, FORMS[name].get("size", 36))[0].size for letter in text]
    sides = [(one.box[2] - one.box[0], one.box[3] - one.box[1]) for one in found]
    assert np.abs(np.array(sides) - whole).max() <= 3  # nothing of them is lost


def test_a_character_that_touches_its_box_keeps_its_place():
    mask = boxed(["ANNA", "BELL"])
    mask[40 + 32 : 40 + 40, 104:126] = True  # a stroke from the left line of the second box
    found = layout.characters(mask & ~forms.frames(mask))
    assert len(found) == 8


def test_half_empty_boxes_are_left_out():
    mask = boxed(["ANNA      ", "BE        "])
    assert len(layout.characters(mask & ~forms.frames(mask))) == 6


@pytest.mark.parametrize("text", ["OOOO DDDD", "0880 BB 66", "A quick fox", "ooo DOG 000"])
def test_characters_are_no_boxes(text):
    mask = written.page([text, text])[0] > 0.5
    assert not forms.frames(mask).any()


def test_squared_paper_is_no_form():
    mask = written.page(["Hide the big jar", "7 fine red hen"], 90)[0] > 0.5
    mask[::40] = mask[1::40] = True
    mask[:, ::40] = mask[:, 1::40] = True
    assert not forms.frames(mask).any()


def test_empty_boxes_are_no_form():
    assert not forms.frames(boxed([" " * 9])).any()


def combs(lines, line=2, size=36, cell=52, high=14, ends=14, gap=2):
    """A form of combs, open above: bool (h, w), and the same without what is printed.

    high: of the ticks, ends: of the first and the last; gap: between a comb and what stands on it.
    """
    longest = max(map(len, lines))
    printed = Image.new("L", (80 + longest * cell, 80 + 120 * len(lines)))
    by_hand = printed.copy()
    for row, text in enumerate(lines):
        base = 100 + 120 * row
        draw = ImageDraw.Draw(printed)
        draw.rectangle((40, base, 40 + longest * cell, base + line - 1), fill=255)
        for column in range(longest + 1):
            left, up = 40 + column * cell, ends if column in (0, longest) else high
            draw.rectangle((left, base - up, left + line - 1, base), fill=255)
            if text[column : column + 1].strip():
                drawn, below = written.glyph(text[column], size)
                place = left + (cell - drawn.width) // 2, base - gap + below - drawn.height
                by_hand.paste(255, place, drawn)
    by_hand = np.array(by_hand) > 127
    return by_hand | (np.array(printed) > 127), by_hand


COMBS = {
    "plain": {},
    "thick lines": {"line": 4},
    "high ticks": {"high": 24, "ends": 24},
    "higher at the ends": {"ends": 30},
    "large letters": {"size": 46, "cell": 54},
    "letters over ticks": {"size": 40, "cell": 38},
}


@pytest.mark.parametrize("name", COMBS)
def test_combs_are_left_out_and_what_crosses_them_stays(name):
    lines = ["ANNA BELL", "1986 HIT", "dip  quip"]
    mask, by_hand = combs(lines, **COMBS[name])
    found = layout.characters(mask & ~forms.frames(mask))
    boxes = np.array([one.box for one in layout.characters(by_hand)])
    assert len(found) == len(boxes) == len("".join(lines).replace(" ", ""))
    assert np.abs(np.array([one.box for one in found]) - boxes).max() <= 4  # a little of the line


@pytest.mark.parametrize("text", ["ILLI HIHI", "IIII HEFTHELF", "A quick fox"])
def test_letters_on_a_line_are_no_comb(text):
    mask = combs([text, text], size=24, high=0, ends=0, gap=0)[0]
    assert not forms.frames(mask).any()


def test_a_comb_that_fills_its_picture_is_left_out():
    mask, by_hand = combs(["ANNA BELL"], high=60, ends=60)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    part = np.s_[rows[0] - 9 : rows[-1] + 10, columns[0] - 3 : columns[-1] + 4]
    found = layout.characters(mask[part] & ~forms.frames(mask[part]))
    boxes = np.array([one.box for one in layout.characters(by_hand[part])])
    assert len(found) == len(boxes) == 8
    assert np.abs(np.array([one.box for one in found]) - boxes).max() <= 4
