"""The sheet on a desk: its outline is found where there is one, and it is seen from above."""

from functools import cache

from helpers import handwriting
from helpers.handwriting import sheet

import numpy as np
import pytest
import written
from PIL import Image
from scipy import ndimage

TEXT = ["Hide the big jar", "7 fine red hen", "234 near me", "A big TREE 1986"]


def desk(kind, size=(1600, 1200), seed=0):
    """A picture of something to lay paper on, RGB."""
    rng, (width, height) = np.random.default_rng(seed), size
    y, x = np.mgrid[0:height, 0:width]
    if kind == "laminate":
        grain = rng.normal(0, 4, (height, width))
        plank = 0
        colour = np.array([204, 205, 203])
    elif "wood" in kind:
        grain = np.repeat(rng.normal(0, 9, (height, 1)), width, axis=1)
        grain += 8 * np.sin(y / 19 + 3 * np.sin(x / 310))
        plank = np.where(y % 300 < 4, -60, 0)
        colour = np.array([176, 128, 84] if kind == "wood" else [220, 206, 188])
    elif kind == "cloth":
        grain = rng.normal(0, 14, (height, width))
        plank = 0
        colour = np.array([70, 76, 92])
    else:
        grain = rng.normal(0, 3, (height, width))
        plank = np.where((x % 240 < 6) | (y % 240 < 6), -50, 0)
        colour = np.array([128, 128, 122])
    return np.clip(colour + (grain + plank)[:, :, None], 0, 255)


def on(kind, paper, corners, size=(1600, 1200), light=0.25):
    """Paper (brightness 0 … 255) whose corners lie there on a desk, light falling off, RGB."""
    width, height = paper.size
    back = sheet.perspective(corners, [(0, 0), (width, 0), (width, height), (0, height)])
    seen, _ = sheet.straightened(paper, back, size)
    there, _ = sheet.straightened(Image.new("L", paper.size, 255), back, size)
    share = np.asarray(there, float)[:, :, None] / 255
    whole = share * np.asarray(seen)[:, :, None] + (1 - share) * desk(kind, size)
    whole *= 1 - light * np.linspace(0, 1, size[0])[None, :, None]
    return Image.fromarray(np.round(whole).astype(np.uint8))


FLAT = [(220, 130), (1390, 130), (1390, 1040), (220, 1040)]
SLANTING = [(330, 150), (1270, 110), (1480, 1020), (190, 1090)]
TURNED = [(350, 90), (1450, 260), (1310, 1090), (190, 940)]


@pytest.fixture(scope="module")
def page():
    """A page of ink, and the boxes of its characters."""
    return written.page(TEXT, 50, (1200, 900))


@pytest.fixture(scope="module")
def paper(page):
    return written.photograph(page[0], noise=0.01)


@pytest.fixture(scope="module")
def lying(paper):
    """The paper on a desk of a kind, by its corners there; each picture is made once."""
    return cache(lambda kind, *corners: on(kind, paper, list(corners)))


@pytest.mark.parametrize("kind", ["wood", "cloth", "tiles", "pale wood", "laminate"])
@pytest.mark.parametrize("corners", [FLAT, SLANTING, TURNED], ids=["flat", "slanting", "turned"])
def test_the_outline_of_a_sheet_on_a_desk_is_found(kind, corners, lying):
    found = sheet.find(lying(kind, *corners))
    assert np.abs(found - corners).max() < 30  # of 1,600 pixels


@pytest.mark.parametrize("corners", [SLANTING, TURNED], ids=["slanting", "turned"])
def test_a_sheet_is_seen_from_above(corners, paper, lying):
    picture = lying("wood", *corners)
    flat, mapping = sheet.flattened(picture, sheet.find(picture))
    assert np.abs(sheet.mapped(mapping, [(0, 0), flat.size]) - [corners[0], corners[2]]).max() < 40
    seen, drawn = (np.asarray(one.convert("L").resize((60, 45)), float) for one in (flat, paper))
    seen, drawn = (one - ndimage.uniform_filter(one, 15) for one in (seen, drawn))  # its light
    inner = np.s_[3:-3, 3:-3]
    assert np.corrcoef(seen[inner].ravel(), drawn[inner].ravel())[0, 1] > 0.7


def shaded(picture, left, top, right, bottom, inside=1.0, outside=1.0):
    """A picture (brightness) that is darker inside a rectangle, or outside."""
    light = np.full(picture.size[::-1], outside)
    light[top:bottom, left:right] = inside
    return Image.fromarray(np.uint8(light * np.asarray(picture)))


PICTURES = {
    "paper that fills it": lambda paper: paper,
    "paper in a shadow": lambda _: written.photograph(written.page(TEXT)[0], shadow=0.4),
    "squared paper": lambda _: written.photograph(written.page(TEXT)[0], ruling="squared"),
    "a blackboard": lambda _: written.photograph(written.page(TEXT)[0], paper=0.2, dark=0.9),
    "wood": lambda _: Image.fromarray(desk("wood").astype(np.uint8)),
    "tiles": lambda _: Image.fromarray(desk("tiles").astype(np.uint8)),
    "a box on a page": lambda paper: shaded(paper, 80, 200, 1120, 820, outside=0.9),
    "a shadow amid a page": lambda paper: shaded(paper, 40, 60, 1160, 860, inside=0.8),
    "pale wood": lambda _: Image.fromarray(desk("pale wood").astype(np.uint8)),
    "a large O": lambda _: Image.fromarray(255 - np.asarray(written.glyph("O", 300, pen=20)[0])),
    "a shadow on two sides": lambda paper: Image.fromarray(
        np.where(np.add.outer(np.arange(900), np.arange(1200)) > 1500, 0.5, 1) * np.asarray(paper)
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_no_outline_is_found_where_there_is_none(name, paper):
    assert sheet.find(PICTURES[name](paper).convert("RGB")) is None


def test_a_sheet_that_goes_on_beyond_the_picture_is_cut_off():
    size = (1600, 1200)
    assert not sheet.cut_off(np.array(FLAT, float), size)
    assert sheet.cut_off(
        np.array([(220, 130), (1390, 130), (1390, 1199), (220, 1199)], float), size
    )


CLASSES = tuple("0123456789ABDEFGHJLMNQRTUabdefghijmnqrt")


@pytest.fixture(scope="module")
def model():
    return written.Nearest(handwriting.prepare, CLASSES)


FAR = [(420, 60), (1510, 450), (1250, 1150), (170, 770)]  # turned by 20 degrees
CUT = [(330, 150), (1270, 110), (1300, 1199), (290, 1199)]


@pytest.mark.parametrize("kind, corners, lines", [
    ("tiles", SLANTING, TEXT),
    ("tiles", CUT, None),
    ("pale wood", FAR, TEXT),
    ("laminate", SLANTING, TEXT),
])  # fmt: skip
def test_a_page_on_a_desk_is_read_and_its_boxes_lie_in_the_picture(
    kind, corners, lines, model, page, paper, lying
):
    text, boxes, _ = handwriting.read_page(lying(kind, *corners), model, CLASSES)
    assert lines is None or text.split("\n") == lines  # letters on the other are stretched
    width, height = paper.size
    mapping = sheet.perspective([(0, 0), (width, 0), (width, height), (0, height)], corners)
    assert np.abs(boxes - sheet.around(mapping, page[1])).max() < 30


def test_pixels_within_corners():
    inside = sheet.within(np.array([(2, 1), (8, 1), (8, 5), (2, 5)], float), (8, 10))
    drawn = np.zeros((8, 10), bool)
    drawn[1:5, 2:8] = True
    assert np.array_equal(inside, drawn)
    drawn[1:5, 2:8] = False
    drawn[2:4, 3:7] = True
    corners = np.array([(2, 1), (8, 1), (8, 5), (2, 5)], float)
    assert np.array_equal(sheet.within(corners, (8, 10), inset=1), drawn)


def test_a_perspective_maps_its_four_places_and_the_middle_of_their_diagonals():
    square = [(0, 0), (1, 0), (1, 1), (0, 1)]
    mapping = sheet.perspective(square, SLANTING)
    assert np.allclose(sheet.mapped(mapping, square), SLANTING)
    (x, y) = sheet.mapped(mapping, [(0.5, 0.5)])[0]
    first, second, third, fourth = (np.array(corner, float) for corner in SLANTING)
    for start, end in ((first, third), (second, fourth)):  # straight lines stay straight
        assert np.cross([*(end - start), 0], [x - start[0], y - start[1], 0])[2] == pytest.approx(
            0, abs=1e-3
        )
