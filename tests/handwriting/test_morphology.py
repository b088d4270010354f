"""Erosion and dilation give the values of scipy.ndimage."""

from helpers.handwriting import morphology

import numpy as np
import pytest
from scipy import ndimage

WINDOWS = [(1, 1), (3, 3), (1, 7), (15, 1), (9, 9), (33, 5), (101, 101)]


@pytest.fixture
def array():
    return np.random.default_rng(0).normal(0, 1, (24, 37)).astype(np.float32)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_largest_and_smallest_in_a_window_are_scipys(array, window):
    for ours, theirs in (
        (morphology.dilated, ndimage.grey_dilation),
        (morphology.eroded, ndimage.grey_erosion),
        (morphology.closed, ndimage.grey_closing),
        (morphology.opened, ndimage.grey_opening),
    ):
        found = ours(array, window)
        assert found.dtype == np.float32
        assert np.array_equal(found, theirs(array, window, mode="nearest"))


@pytest.mark.parametrize("window", WINDOWS)
def test_what_lies_beyond_the_edge_can_be_said(array, window):
    found = morphology.opened(array, window, border=0)
    assert np.array_equal(found, ndimage.grey_opening(array, window, mode="constant", cval=0))
    found = morphology.closed(array, window, border=0.5)
    assert np.array_equal(found, ndimage.grey_closing(array, window, mode="constant", cval=0.5))


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("border", [False, True])
def test_a_mask_grows_and_shrinks_as_scipy_s(array, window, border):
    mask, square = array > 0.5, np.ones(window, bool)
    for ours, theirs in (
        (morphology.dilated, ndimage.binary_dilation),
        (morphology.eroded, ndimage.binary_erosion),
    ):
        found = ours(mask, window, border)
        assert found.dtype == bool
        assert np.array_equal(found, theirs(mask, square, border_value=border))


def test_a_hole_narrower_than_the_window_is_filled_and_the_array_stays(array):
    row = np.array([[5.0, 5, 1, 5, 2, 2, 2, 5]])
    before = row.copy()
    assert morphology.closed(row, (1, 3)).tolist() == [[5, 5, 5, 5, 2, 2, 2, 5]]
    assert np.array_equal(row, before)
