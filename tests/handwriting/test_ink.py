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
