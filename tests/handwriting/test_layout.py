"""Layout: marks become characters, words and lines, in reading order."""

from helpers.handwriting import layout, pictures

import numpy as np
import pytest
import written
from PIL import Image, ImageDraw
from scipy import ndimage


def read(lines, **settings):
    """Characters found on a page of these lines, and the boxes they were drawn in."""
    ink, boxes = written.page(lines, **settings)
    return layout.characters(ink > 0.5), boxes


def words(characters):
    """How many characters each word has, line by line."""
    return layout.text(characters, "x" * len(characters)).split("\n")


def shape(lines):
    return ["".join(" " if letter == " " else "x" for letter in line) for line in lines]


def marks(character):
    """How many connected components it has."""
    return ndimage.label(character.mask, np.ones((3, 3)))[1]


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
    assert all(marks(one) == 2 for one in characters)


def test_bars_one_over_the_other_are_one_character():
    (equals,) = read(["a=b"])[0][1:2]
    assert marks(equals) == 2
    assert words(read(["1=2 3=4"])[0]) == ["xxx xxx"]


def test_specks_and_full_stops_are_left_out():
    ink, _ = written.page(["Ende. Aus."])
    ink = ink > 0.5
    for row, column in ((300, 400), (60, 700), (900, 30)):
        ink[row : row + 3, column : column + 3] = True
    assert words(layout.characters(ink)) == ["xxxx xxx"]


def test_a_character_knows_its_pixels():
    ink, _ = written.page(["ij"])
    mask = ink > 0.5
    characters = layout.characters(mask)
    assert np.array_equal(layout.together(characters, mask.shape), mask)
    for one in characters:
        rows, columns = np.nonzero(layout.together([one], mask.shape))
        found = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert found == one.box


def test_each_character_needs_its_name():
    characters, _ = read(["Q7"])
    assert layout.text(characters, ["Q", "7"]) == "Q7"
    for names in (["Q"], ["Q", "7", "7"]):
        with pytest.raises(ValueError, match="argument"):
            layout.text(characters, names)


def test_a_character_s_part_is_its_box_and_a_pixel_around_it():
    mask = np.zeros((60, 80), bool)
    mask[10:50, :4] = mask[20:, 40:44] = True
    found = layout.characters(mask)
    assert [one.box for one in found] == [(0, 10, 4, 50), (40, 20, 44, 60)]
    for one, drawn in zip(found, (np.s_[9:51, 0:5], np.s_[19:60, 39:45]), strict=True):
        assert np.array_equal(mask[one.part], mask[drawn])
        assert np.array_equal(one.mask, mask[drawn])


def test_characters_whose_boxes_overlap_keep_their_pixels():
    corner = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 1]], bool)
    around = layout.Character((0, 0, 3, 3), np.s_[0:3, 0:3], corner, 0, 0)
    inside = layout.Character((2, 0, 3, 1), np.s_[0:2, 1:3], ~corner[:2, 1:], 0, 0)
    whole = [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
    assert np.array_equal(layout.together([around, inside], (3, 3)), whole)
    assert np.array_equal(layout.together([inside, around], (3, 3)), whole)


@pytest.mark.parametrize("degrees", [-6, -2.5, 0, 1, 5])
def test_the_fall_of_lines_is_measured(degrees):
    ink, _ = written.page(["Lines that fall or rise", "make this hard", "for readers of it"])
    turned = np.asarray(written.photograph(ink, 1, 0, angle=degrees)) < 128
    assert layout.skew(turned) == pytest.approx(degrees, abs=0.4)


@pytest.mark.parametrize("degrees, found", [(-22, -22), (13, 13), (0, 0), (-7, 0)])
def test_lines_that_are_turned_too_far_to_be_levelled_are_told(degrees, found):
    ink, _ = written.page(["Lines that fall or rise", "make this hard", "for readers of it"])
    mask = np.asarray(written.photograph(ink, 1, 0, angle=degrees)) < 128
    assert abs(layout.turned(mask) - found) <= 1


@pytest.mark.parametrize("degrees", [-1.5, 1.5])
def test_lines_may_wander_a_little(degrees):
    lines = ["Lines that fall or rise", "make this hard", "for readers of it"]
    ink, _ = written.page(lines)
    turned = np.asarray(written.photograph(ink, 1, 0, angle=degrees)) < 128
    assert words(layout.characters(turned)) == shape(lines)


def test_an_empty_page_and_one_of_specks_have_no_characters():
    mask = np.zeros((50, 60), bool)
    assert layout.characters(mask) == []
    mask[10:13, 10:13] = mask[30:33, 40:43] = True
    assert layout.characters(mask) == []


def test_a_texture_is_refused():
    mask = np.zeros((400, 400), bool)
    mask[::3, ::3] = True
    with pytest.raises(pictures.SeveralCharacters, match=r"found 17,956 marks"):
        layout.characters(mask)


def shaped(*strokes, shape=(160, 400)):
    """Strokes (points, width 6) as a page's ink."""
    sheet = Image.new("1", shape[::-1])
    for stroke in strokes:
        ImageDraw.Draw(sheet).line(stroke, fill=1, width=6)
    return np.array(sheet)


E = [[(40, 20), (40, 120)], [(40, 20), (100, 20)], [(40, 70), (90, 70)], [(40, 120), (130, 120)]]
A = [[(120, 90), (165, 20), (200, 90)], [(135, 65), (190, 65)]]


def test_characters_whose_boxes_overlap_but_not_their_ink_are_apart():
    found = layout.characters(shaped(*E, *A))  # the foot of E is below A, as in a slanting hand
    assert found[0].box[2] > found[1].box[0] and found[0].box[3] > found[1].box[1]
    assert words(found) == ["xx"]


@pytest.mark.parametrize("gap, parts", [(1, 1), (2, 1), (40, 2)])
def test_a_broken_stroke_joins_if_its_ink_is_near(gap, parts):
    broken = shaped([(40, 20), (40, 70)], [(40, 72 + gap), (40, 130)], [(40, 130), (110, 130)])
    assert len(layout.characters(broken)) == parts


def test_a_broken_bowl_joins_the_stem_that_it_stands_in():
    stem = [[(40, 20), (40, 130), (110, 130), (110, 110)]]
    inner = [[(56, 50), (90, 50), (90, 105), (70, 105)]]
    (found,) = layout.characters(shaped(*stem, *inner))
    assert marks(found) == 2


@pytest.mark.parametrize("letter, parts", [("i", 2), ("j", 2), ("é", 2), ("ü", 3), ("=", 2)])
def test_dots_and_accents_still_join(letter, parts):
    (found,) = layout.characters(np.array(written.glyph(letter, 90)[0].convert("1")))
    assert marks(found) == parts


def together(text, gap, size=60):
    """Letters side by side, cut to their ink, bool."""
    sheet, x = Image.new("L", (900, 240)), 10
    for letter in text:
        drawn, drop = written.glyph(letter, size)
        sheet.paste(255, (x, 120 + drop - drawn.height), drawn)
        x += drawn.width + gap
    return np.array(sheet.crop(sheet.getbbox())) > 127


@pytest.mark.parametrize("text, gap", [
    ("hello", 6),
    ("hello", 12),
    ("ab", 6),
    ("ago", 8),
])  # fmt: skip
def test_several_letters_in_a_tight_crop_are_refused(text, gap):
    with pytest.raises(pictures.SeveralCharacters, match="Expected one character"):
        layout.only(together(text, gap))


@pytest.mark.parametrize("text", ["moon", "word", "MAN"])
def test_letters_that_touch_are_crowded(text):
    assert layout.crowded(together(text, -4))


@pytest.mark.parametrize("letter", "mMwWB8gHi")
def test_one_letter_in_a_tight_crop_is_neither_refused_nor_crowded(letter):
    mask = together(letter, 0)
    assert not layout.crowded(mask)
    assert np.array_equal(layout.only(mask), mask)


def test_a_small_part_of_a_neighbour_in_a_tight_crop_is_left_out():
    letter = np.pad(together("R", 0), ((0, 0), (14, 0)))
    piece = np.zeros_like(letter)
    piece[30:50, :6] = True
    assert np.array_equal(layout.only(letter | piece), letter)


def test_crowded_is_what_is_wide_or_has_many_strokes_side_by_side():
    stems = np.zeros((40, 60), bool)
    stems[:, ::12] = True
    stems[20] = True
    assert layout.crowded(stems) and not layout.crowded(stems[:, :40])
    stems = np.zeros((11, 10), bool)
    stems[:, 0] = True
    stems[:3, ::2] = True
    assert not layout.crowded(stems)  # three of eleven rows cross five strokes
    stems[3, ::2] = True
    assert layout.crowded(stems)
    assert layout.crowded(np.ones((10, 28))) and not layout.crowded(np.ones((10, 26)))
