"""Conversion: a scan becomes what EMNIST and MNIST hold, step by step as their papers say."""

from helpers.handwriting import conversion, ink

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage


def drawn(strokes, width=8):
    """A scan of 128 × 128 pixels, bool."""
    sheet = Image.new("1", (128, 128))
    for stroke in strokes:
        ImageDraw.Draw(sheet).line(stroke, fill=1, width=width, joint="curve")
    return np.array(sheet)


SEVEN = drawn([[(42, 38), (82, 36), (70, 70), (60, 100)]])
BAR = drawn([[(64, 20), (64, 108)]])
SCANS = {
    "7": SEVEN,
    "l": BAR,
    "turned l": BAR.T,
    "O": drawn([[(40, 40), (90, 45), (80, 95), (40, 40)]]),
}


def ink_box(image):
    rows, columns = np.nonzero(image > 0)
    return rows.min(), columns.min(), rows.max() + 1, columns.max() + 1


@pytest.mark.parametrize("name", SCANS)
def test_emnist_is_the_paper_s_six_steps(name):
    soft = ndimage.gaussian_filter(SCANS[name].astype(float), sigma=1)
    top, left, bottom, right = ink_box(soft > 0.5 / 255)
    height, width = bottom - top, right - left
    side = max(height, width)
    square = np.zeros((side + 4, side + 4), np.float32)
    down, across = (side - height) // 2 + 2, (side - width) // 2 + 2
    square[down : down + height, across : across + width] = soft[top:bottom, left:right]
    small = np.array(Image.fromarray(square).resize((28, 28), Image.Resampling.BICUBIC))
    expected = 255 * np.clip(small / small.max(), 0, 1)
    assert np.abs(conversion.emnist(SCANS[name]) - expected).max() <= 1


@pytest.mark.parametrize("name", SCANS)
def test_mnist_fits_20_by_20_and_centres_the_mass(name):
    image = conversion.mnist(SCANS[name])
    top, left, bottom, right = ink_box(image)
    assert max(bottom - top, right - left) == 20
    assert np.abs(np.array(ndimage.center_of_mass(image)) - 14).max() <= 0.6


@pytest.mark.parametrize("convert", [conversion.emnist, conversion.mnist])
def test_both_keep_the_aspect_and_give_bytes_up_to_255(convert):
    image = convert(SEVEN)
    assert image.shape == (28, 28) and image.dtype == np.uint8 and image.max() == 255
    top, left, bottom, right = ink_box(SEVEN)
    rows, columns = np.nonzero(image > 127)
    aspect = (np.ptp(rows) + 1) / (np.ptp(columns) + 1)
    assert aspect == pytest.approx((bottom - top) / (right - left), rel=0.12)


def test_a_heavy_foot_does_not_push_mnist_s_digit_out_of_the_image():
    image = conversion.mnist(drawn([[(64, 20), (64, 100)], [(30, 104), (100, 104)]], width=3))
    assert image.max() == 255 and ink_box(image)[0] >= 0


@pytest.mark.parametrize("width", [2, 4, 8, 16, 24])
def test_thin_and_thick_pens_come_out_alike(width):
    scan = drawn([[(40, 30), (90, 30), (60, 100)]], width)
    made = conversion.scan(scan.astype(np.float32), scan)
    share = ink.width(made > 0.5) / max(made.shape)
    low, high = conversion.STROKE
    assert low - 0.02 < share < high + 0.03
    assert max(made.shape) == conversion.LONG


def test_strokes_may_stay_as_they_are():
    thin = drawn([[(40, 30), (90, 30), (60, 100)]], 2)
    made = conversion.scan(thin.astype(np.float32), thin, even=False)
    assert made.sum() < 0.6 * conversion.scan(thin.astype(np.float32), thin).sum()


def test_even_strokes_move_the_edge_to_both_sides():
    wide = conversion.even_strokes(BAR[10:118, 40:90], share=(0.2, 0.2)) > 0.5
    after = np.nonzero(wide[len(wide) // 2])[0]
    assert len(after) == pytest.approx(0.2 * 89, abs=3)
    aside = (wide.shape[1] - 50) // 2  # what was added to the left, and as much to the right
    assert after.mean() - aside == pytest.approx(np.nonzero(BAR[64])[0].mean() - 40, abs=0.6)
