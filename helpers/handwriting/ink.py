"""From brightness to ink: which of dark and light was written, without light, ruling and specks."""

from helpers.handwriting.pictures import NoInk

import numpy as np
from PIL import Image
from scipy import ndimage

FAINTEST = 0.05
"""Ink differs from the paper by at least this share of the paper's brightness."""

EDGE = 0.4
"""A stroke ends where its ink is less dense than this share of what is usual in the picture."""

EIGHT = np.ones((3, 3))
"""Pixels that touch at a corner belong together."""


def dark_on_light(brightness, window):
    """Turn light ink on dark paper round; leave dark ink on light paper as it is.

    Ink covers less than paper: of the differences from the brightness around, the large ones are
    ink, and their third powers outweigh all others.

    Arguments: brightness: float32 (h, w), 0 … 1; window: wider than a stroke, pixels.
    Returns: as brightness. Taught in notebook 13.
    """
    off = brightness - ndimage.uniform_filter(brightness, window, mode="nearest")
    return 1 - brightness if (off * off * off).sum() > 0 else brightness


def density(brightness, window, tight=False):
    """The share of the paper's brightness that is missing, whatever the light.

    The paper is what remains when everything dark and narrower than the window is filled up with
    what is beside it (a morphological closing). It is done with and without a plane of light taken
    away first, and the darker result holds: without, light that falls off towards a side looks
    like ink there; with, so does a shadow with a sharp edge.

    Arguments: brightness: float32 (h, w), 0 … 1, dark ink; window: wider than a stroke, pixels;
        tight: strokes may lie along the edge of the picture; otherwise those are shadows.
    Returns: float32 (h, w), at most 1; about 0 on paper. Taught in notebook 13.
    """
    step = max(1, window // 16)
    small = resize(brightness, [-(-side // step) for side in brightness.shape])
    size = max(3, window // step)
    paper = _closed(small, size, tight)
    plane = np.maximum(light(paper), 0.02)
    paper = np.minimum(paper, plane * _closed(small / plane, size, tight))
    if step > 1:
        paper = _lowest(_lowest(paper, 3, 0), 3, 1)  # the edge of a shadow is no stroke
    missing = 1 - brightness / np.maximum(resize(paper, brightness.shape), 0.02)
    return missing - below(missing[::2, ::2], 0.25)  # half of a picture may be ink


def light(brightness):
    """The light on a sheet, brighter towards one side: a plane fitted to most of the pixels.

    Arguments and return value: float32 (h, w).
    """
    height, width = brightness.shape
    y, x = (np.linspace(0, side - 1, min(side, 12)).astype(int) for side in (height, width))
    points = brightness[np.ix_(y, x)].ravel()
    terms = np.stack([np.ones(points.size), np.repeat(y, len(x)), np.tile(x, len(y))])
    kept = np.ones(points.size)
    for _ in range(2):
        plane = np.linalg.solve(terms * kept @ terms.T + 1e-9 * np.eye(3), terms * kept @ points)
        off = np.abs(points - plane @ terms)
        kept = (off <= 2 * np.median(off) + 1e-6).astype(float)
    fall = plane[1] * np.arange(height)[:, None] + plane[2] * np.arange(width)
    return (plane[0] + fall).astype(np.float32)


def _closed(array, size, tight):
    """Fill up what is dark and narrower than `size`; beyond the edge is paper if `tight`."""
    outside = {"mode": "constant", "constant_values": array.max()} if tight else {"mode": "edge"}
    padded = np.pad(array, size, **outside)
    filled = _highest(_highest(padded, size, 0), size, 1)
    filled = _lowest(_lowest(filled, size, 0), size, 1)
    return filled[size:-size, size:-size]


def resize(array, shape, method=Image.Resampling.BILINEAR):
    """A float32 array in another size, by Pillow."""
    if array.shape == tuple(shape):
        return array
    return np.asarray(Image.fromarray(array).resize(shape[::-1], method))


def without_ruling(ink, share, slack):
    """Take away what runs straight along rows or columns: ruled and squared paper.

    Where a stroke crosses a line it is kept: it goes on above and below; or it is darker.

    Arguments: ink: float32 (h, w); share: of the width, or the height, that a line crosses at
        least, 0 … 1; slack: lines may wander by so many pixels.
    Returns: float32 (h, w). Taught in notebook 13.
    """
    return _without_rows(_without_rows(ink, share, slack).T, share, slack).T


def _without_rows(ink, share, slack):
    length, high = int(share * ink.shape[1]), 2 * slack + 3
    wide = _highest(ink, 2 * slack + 1, 0)
    if np.count_nonzero(wide > FAINTEST / 2, axis=1).max() < length:
        return ink
    line = _highest(_lowest(wide, length, 1, mode="constant"), length, 1)
    across = _highest(_lowest(ink, high, 0), high, 0)
    rest = np.maximum(ink - 1.5 * line, np.minimum(ink, across))
    return np.where(line > FAINTEST / 2, rest, ink)


def _highest(array, size, axis):
    """The highest value among `size` neighbours along an axis, an odd number of them."""
    return ndimage.maximum_filter1d(array, size | 1, axis, mode="nearest")


def _lowest(array, size, axis, mode="nearest"):
    return ndimage.minimum_filter1d(array, size | 1, axis, mode=mode)


def darkness(ink):
    """How dark ink is in this picture, 0 … 1: three quarters of its pixels are lighter.

    Arguments: ink: float32 (h, w), as `density` returns it.
    Raises: NoInk where nothing stands out of the noise of the paper. Taught in notebook 13.
    """
    noise = -below(ink[::2, ::2], 0.05)  # about the standard deviation of paper
    seen = ink[ink > max(FAINTEST, 6 * noise)]
    if not seen.size:
        raise NoInk(
            "Expected ink on paper, found nothing that stands out. Write larger or darker, or "
            "take the picture in better light."
        )
    return below(seen, 0.75)


def strokes(ink, dark):
    """Where there is ink: dark pixels, and less dark ones that touch them.

    Arguments: ink: float32 (h, w), 0 … 1; dark: how dark ink is, 0 … 1.
    Returns: bool (h, w). Taught in notebook 13.
    """
    labels, count = ndimage.label(ink > EDGE * dark, EIGHT)
    return np.bincount(labels[ink > 0.55 * dark], minlength=count + 1)[labels] > 0


def below(values, share):
    """The value that this share, 0 … 1, of values is below: a quantile, without interpolation."""
    place = int(share * (values.size - 1))
    return np.partition(values, place, axis=None)[place]


def wider(mask):
    """A mask, bool (h, w), and the pixels that touch it."""
    tall = mask.copy()
    tall[1:] |= mask[:-1]
    tall[:-1] |= mask[1:]
    wide = tall.copy()
    wide[:, 1:] |= tall[:, :-1]
    wide[:, :-1] |= tall[:, 1:]
    return wide


def width(mask):
    """The mean width of strokes, pixels: twice their area by the length of their outline.

    The outline's length is π/4 of its crossings with rows and columns (Cauchy and Crofton).

    Arguments: mask: bool (h, w), True where there is ink.
    """
    padded = np.pad(mask, 1)
    crossings = (padded[1:] != padded[:-1]).sum() + (padded[:, 1:] != padded[:, :-1]).sum()
    return 2 * mask.sum() / max(np.pi / 4 * crossings, 1)
