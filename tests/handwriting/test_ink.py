"""Ink: found on every paper in every light, and nothing found where nothing is."""

from helpers.handwriting import ink, pictures

import numpy as np
import pytest
import written

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


def test_a_crop_has_a_margin_where_there_is_one():
    array = np.arange(42).reshape(6, 7)
    mask = np.zeros((6, 7), bool)
    mask[0, 2] = mask[3, 4] = True
    assert np.array_equal(ink.crop(array, mask), array[0:4, 2:5])
    assert np.array_equal(ink.crop(array, mask, margin=1), array[0:5, 1:6])


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
