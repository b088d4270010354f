"""Conversion: a scan becomes what EMNIST and MNIST hold, step by step as their papers say."""

from helpers.handwriting import conversion

import numpy as np
import pytest
import written
from PIL import Image
from scipy import ndimage

SEVEN = written.lines([[(42, 38), (82, 36), (70, 70), (60, 100)]])
BAR = written.lines([[(64, 20), (64, 108)]])
SCANS = {
    "7": SEVEN,
    "l": BAR,
    "turned l": BAR.T,
    "O": written.lines([[(40, 40), (90, 45), (80, 95), (40, 40)]]),
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
    scan = written.lines([[(64, 20), (64, 100)], [(30, 104), (100, 104)]], width=3)
    image = conversion.mnist(scan)
    assert image.max() == 255 and ink_box(image)[0] >= 0
