"""Ink: found on every paper in every light, and nothing found where nothing is."""

from helpers.handwriting import ink, pictures

import numpy as np
import pytest
import written
from scipy import ndimage

SHEET = (160, 120)


def lit(brightness, kind):
    """The same sheet in another light."""
    x, y = np.meshgrid(np.linspace(0, 1, SHEET[0]), np.linspace(0, 1, SHEET[1]))
    light = {
        "even": 1,
        "from the left": 1 - 0.6 * x,
        "from a corner": 1 - 0.3 * x - 0.4 * y,
        "lamp": 1 - 0.5 * (np.square(x - 0.3) + np.square(y - 0.3)),
        "shadow": np.where(x > 0.55, 0.6, 1),
        "slanting shadow": np.where(x + y > 1.1, 0.55, 1),
    }[kind]
    return (brightness * light).astype(np.float32)


def mask(brightness, tight=False):
    side = max(brightness.shape)
    turned = ink.dark_on_light(brightness, 2 * side // 3)
    density = ink.density(turned, side // 3, tight)
    return ink.strokes(density, ink.darkness(density))


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


LIGHTS = ["even", "from the left", "from a corner", "lamp", "shadow", "slanting shadow"]


@pytest.mark.parametrize("kind", LIGHTS)
@pytest.mark.parametrize("letter", ["R", "i", "W"])
def test_ink_is_the_same_in_every_light(kind, letter):
    sheet = written.picture(letter, 70, SHEET, at=(0.5, 0.5))
    assert overlap(mask(lit(sheet, kind)), sheet < 0.5) > 0.85


@pytest.mark.parametrize("kind", LIGHTS[:4])
def test_light_ink_on_dark_paper_is_turned_round(kind):
    sheet = written.picture("R", 70, SHEET, paper=0.15, dark=0.95)
    assert overlap(mask(lit(sheet, kind)), sheet > 0.5) > 0.75


@pytest.mark.parametrize("paper, dark", [(0.9, 0.75), (0.5, 0.4), (0.3, 0.1)])
def test_faint_pencil_and_grey_paper_are_read(paper, dark):
    noise = np.random.default_rng(0).normal(0, 0.008, SHEET[::-1])
    sheet = written.picture("R", 70, SHEET, paper=paper, dark=dark)
    truth = sheet < (paper + dark) / 2
    assert overlap(mask((sheet + noise).astype(np.float32)), truth) > 0.8


@pytest.mark.parametrize("letter", "OWSoT")
def test_a_thick_marker_that_fills_the_picture_is_still_ink(letter):
    drawn, _ = written.glyph(letter, 100, "DejaVuSans-Bold")
    sheet = 0.9 - 0.8 * np.asarray(drawn, np.float32) / 255
    assert overlap(mask(sheet, tight=True), sheet < 0.5) > 0.9
    assert overlap(mask(1 - sheet, tight=True), sheet < 0.5) > 0.9


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_black_or_white_picture_holds_no_ink(value):
    with pytest.raises(pictures.NoInk):
        mask(np.full((40, 30), value, np.float32))


def ruled(spacing, squared, drift=0):
    """Density of ruling on a sheet; its lines fall by `drift` pixels."""
    rows, columns = np.indices(SHEET[::-1])
    fall = (rows + columns * drift // SHEET[0]) % spacing
    lines = fall < 2
    return 0.4 * (lines | ((columns % spacing < 2) & squared))


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("drift", [0, 2])
def test_ruling_goes_and_the_character_on_it_stays(squared, drift):
    drawn = 0.8 * (written.picture("R", 70, SHEET) < 0.5)
    sheet = np.maximum(drawn, ruled(24, squared, drift)).astype(np.float32)
    left = ink.without_ruling(sheet, 0.9, 3)
    assert left[drawn == 0].mean() < 0.1 * sheet[drawn == 0].mean()
    assert overlap(left > 0.3, drawn > 0) > 0.75


def drawn(*strokes, shape=(90, 120), density=0.8, width=4):
    """Density of straight strokes (left, top, right, bottom) along rows and columns."""
    sheet = np.zeros(shape, np.float32)
    for left, top, right, bottom in strokes:
        sheet[top : bottom + width, left : right + width] = density
    return sheet


E = [(0, 0, 0, 86), (0, 0, 56, 0), (0, 43, 56, 43), (0, 86, 56, 86)]
H = [(0, 0, 0, 86), (56, 0, 56, 86), (0, 43, 56, 43)]


@pytest.mark.parametrize("strokes", [E, H, E[:3], E[:1], E[1:2], H[:2]])
def test_straight_strokes_from_edge_to_edge_are_no_ruling(strokes):
    letter = drawn(*strokes, shape=(90, 60))
    assert np.array_equal(ink.without_ruling(letter, 0.95, 2), letter)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_stems_side_by_side_on_a_page_are_no_ruling(count):
    stems = [(100 + 60 * k, 40, 100 + 60 * k, 200) for k in range(count)]
    word = drawn(*stems, (400, 40, 480, 40), (400, 40, 400, 200), shape=(600, 800))
    assert np.array_equal(ink.without_ruling(word, 1 / 6, 2), word)


def test_a_line_as_dark_as_ink_is_ruling_if_it_is_long_against_the_characters():
    letter = drawn((40, 30, 40, 54), (70, 30, 70, 54), (40, 42, 70, 42))
    line = drawn((0, 70, 116, 70), width=2)
    left = ink.without_ruling(np.maximum(letter, line), 0.95, 2)
    assert np.array_equal(left > 0.3, letter > 0.3)


def test_lines_as_dark_as_ink_are_ruling_if_they_repeat():
    letter = drawn((40, 2, 40, 84), (70, 2, 70, 84))  # nearly as high as the lines are long
    lines = drawn(*[(0, y, 116, y) for y in (10, 32, 54, 76)], width=2)
    left = ink.without_ruling(np.maximum(letter, lines), 0.95, 2)
    assert left[:, :38].max() < 0.3 and (left[:, 41:43] > 0.3).mean() > 0.9


def test_a_line_that_is_fainter_than_ink_is_ruling():
    letter = drawn(*E, shape=(90, 60))
    line = drawn((0, 64, 56, 64), shape=(90, 60), width=2, density=0.4)
    left = ink.without_ruling(np.maximum(letter, line), 0.95, 2)
    assert np.array_equal(left[:, 8:] > 0.3, letter[:, 8:] > 0.3)
    assert left[:, :4].min() > 0.3


def test_an_upright_line_is_ruling_too():
    letter = drawn((30, 30, 70, 30), (30, 60, 70, 60), (30, 30, 30, 60))
    line = drawn((100, 0, 100, 86), width=2, density=0.4)
    left = ink.without_ruling(np.maximum(letter, line), 0.95, 2)
    assert np.array_equal(left > 0.3, letter > 0.3)


def test_a_part_with_the_character_amidst_has_no_strokes_from_edge_to_edge():
    letter = drawn(*E, shape=(90, 60))
    left = ink.without_ruling(letter, 0.95, 2, long_strokes=False)
    assert left[43:47, 10:].max() == 0


@pytest.mark.parametrize("margin", [1, 2])
def test_a_stroke_beside_a_rim_of_paper_is_no_shadow(margin):
    sheet = 0.8 - 0.7 * np.pad(drawn(*E, shape=(90, 60), density=1.0), margin)
    assert overlap(mask(sheet), sheet < 0.5) > 0.95


@pytest.mark.parametrize("factor", [0.37, 1.6, 2.9])
def test_no_value_leaves_its_range_by_resizing(factor):
    made = ink.scaled(drawn(*E, shape=(45, 37), density=1.0), factor)
    assert made.min() >= 0 and made.max() <= 1


def test_shades_have_no_edge_and_strokes_have_one():
    shade = np.tile(np.linspace(0, 1, 100, dtype=np.float32), (60, 1))
    stroke = ndimage.gaussian_filter(drawn(*E), 1.5)
    assert ink.sharpness(shade, shade > 0.4) < 0.05
    assert 0.5 < ink.sharpness(stroke, stroke > 0.3) < 1
    assert ink.sharpness(drawn(*E), drawn(*E) > 0) == 1
    assert ink.sharpness(np.ones((9, 9)), np.ones((9, 9), bool)) == 0


def test_strokes_are_measured_in_pixels():
    bar = np.zeros((80, 90), bool)
    bar[20:26, 5:85] = True
    assert ink.width(bar) == pytest.approx(6, rel=0.4)
    slanting = np.abs(np.subtract.outer(np.arange(90), np.arange(90))) < 4  # 7 wide, along √2
    assert ink.width(slanting) == pytest.approx(7 / np.sqrt(2), rel=0.25)


def test_faint_parts_belong_to_the_dark_ones_that_they_touch():
    density = np.zeros((20, 40), np.float32)
    density[10, 5:20], density[10, 20:35], density[3, 5:35] = 0.8, 0.38, 0.38
    found = ink.strokes(density, 0.8)
    assert found[10, 5:35].all() and not found[3].any()


def test_pixels_that_touch_at_a_corner_belong_together():
    density = np.diag(np.full(9, 0.45, np.float32))
    density[0, 0] = 0.9
    assert np.array_equal(ink.strokes(density, 0.9), np.eye(9, dtype=bool))


def test_isolated_ink_keeps_the_pixels_that_touch_it():
    mask = np.zeros((5, 6), bool)
    mask[1, 2] = True
    kept = np.zeros((5, 6), np.float32)
    kept[0:3, 1:4] = 0.7
    assert np.array_equal(ink.isolated(np.full((5, 6), 0.7, np.float32), mask), kept)


def test_a_crop_holds_a_mask_and_nothing_beside_it():
    array = np.arange(42).reshape(6, 7)
    mask = np.zeros((6, 7), bool)
    mask[0, 2] = mask[3, 4] = True
    assert np.array_equal(ink.crop(array, mask), array[0:4, 2:5])


def test_a_scan_ends_where_its_ink_is_two_fifths_of_the_dark_part():
    density = np.zeros((100, 40), np.float32)
    density[10:90, 10:20] = 0.25
    density[10:90, 12:18] = 0.8
    made = ink.scan(density, density > 0, even=False)
    assert made.shape[0] == 64
    assert made.shape[1] == pytest.approx(64 * 6 / 80, abs=1)  # 8 with its pale rim


@pytest.mark.parametrize("width", [2, 4, 8, 16, 24])
def test_thin_and_thick_pens_come_out_alike(width):
    scan = written.lines([[(40, 30), (90, 30), (60, 100)]], width)
    made = ink.scan(scan.astype(np.float32), scan)
    share = ink.width(made > 0.5) / max(made.shape)
    low, high = ink.STROKE
    assert low - 0.02 < share < high + 0.03
    assert max(made.shape) == ink.LONG


def test_strokes_may_stay_as_they_are():
    thin = written.lines([[(40, 30), (90, 30), (60, 100)]], 2)
    made = ink.scan(thin.astype(np.float32), thin, even=False)
    assert made.sum() < 0.6 * ink.scan(thin.astype(np.float32), thin).sum()


def test_even_strokes_move_the_edge_to_both_sides():
    bar = written.lines([[(64, 20), (64, 108)]])
    wide = ink.even_strokes(bar[10:118, 40:90], share=(0.2, 0.2)) > 0.5
    after = np.nonzero(wide[len(wide) // 2])[0]
    assert len(after) == pytest.approx(0.2 * 89, abs=3)
    aside = (wide.shape[1] - 50) // 2  # what was added to the left, and as much to the right
    assert after.mean() - aside == pytest.approx(np.nonzero(bar[64])[0].mean() - 40, abs=0.6)
