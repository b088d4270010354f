"""Boxes to write in, one character each, as forms have them: found, so that they are not read."""

from helpers.handwriting import ink

import numpy as np
from scipy import ndimage

FEWEST = 3
"""So many boxes with something in them make a form; one may be an O around a dot."""

SQUARE = 0.9
"""A box's inside fills at least this share of the rectangle around it; that of an O .79."""

WRITTEN = 0.2
"""In at least this share of the boxes is something; otherwise they are squared paper."""


def frames(mask: np.ndarray) -> np.ndarray:
    """The printed lines of boxes that stand around characters.

    Inside a box is paper, a rectangle but for what is written there. Boxes are of one size.

    Args:
        mask: bool (h, w), True where there is ink, lines nearly level.

    Returns:
        bool (h, w), the rims of all boxes, a little wider than their lines; False everywhere where
        there are no boxes.

    Taught in notebook 21.
    """
    rims, cells = np.zeros_like(mask), _cells(mask)
    if len(cells) < FEWEST:
        return rims
    sides = cells[:, 2:4] - cells[:, :2]
    alike = (np.abs(sides[:, None] / sides - 1) < [0.3, 0.15]).all(axis=2)
    cells = cells[alike[alike.sum(axis=1).argmax()]]
    if cells[:, 4].sum() < max(FEWEST, WRITTEN * len(cells)):
        return rims
    inside = np.zeros_like(mask)
    for left, top, right, bottom in [*cells[:, :4].tolist(), *_between(cells[:, :4])]:
        line = round(min(1.5 * ink.width(mask) + 2, 0.25 * (bottom - top)))
        rims[max(top - line, 0) : bottom + line, max(left - line, 0) : right + line] = True
        inside[top + 1 : bottom - 1, left + 1 : right - 1] = True
    return rims & ~inside


def _cells(mask: np.ndarray) -> np.ndarray:
    """Rectangles of paper with ink around: left, top, right, bottom, whether any is inside."""
    labels, _ = ndimage.label(~mask)
    found = []
    for number, part in enumerate(ndimage.find_objects(labels), start=1):
        top, left, bottom, right = part[0].start, part[1].start, part[0].stop, part[1].stop
        high, wide = bottom - top, right - left
        if high < 12 or wide < 8 or not 1 / 3 < wide / high < 3 or high > mask.shape[0] / 3:
            continue
        region = labels[part] == number
        whole = ndimage.binary_fill_holes(region)
        if whole.sum() > SQUARE * whole.size:
            held = np.argwhere(mask[part] & whole)
            some = len(held) and np.ptp(held[:, 0]) > 0.3 * high
            found.append((left, top, right, bottom, bool(some)))
    return np.array(found, int).reshape(-1, 5)


def _between(cells: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Boxes that are not rectangles, as what is written touches them, but stand between others."""
    found = []
    for row in {round(top) for top in _rows(cells)}:
        here = cells[np.abs(cells[:, 1] - row) < 0.3 * np.median(cells[:, 3] - cells[:, 1])]
        here = here[np.argsort(here[:, 0])]
        apart = np.diff(here[:, 0])
        if not len(apart):
            continue
        step = apart.min()
        for first, gap in zip(here, apart, strict=False):
            count = round(gap / step)
            if count > 1 and abs(gap / count / step - 1) < 0.06:
                moves = np.arange(1, count) * gap / count
                found += [np.round(first + move * np.array([1, 0, 1, 0])) for move in moves]
    return [tuple(one.astype(int).tolist()) for one in found]


def _rows(cells: np.ndarray) -> list[float]:
    """The upper edges of rows of boxes."""
    tops, high = np.sort(cells[:, 1]), np.median(cells[:, 3] - cells[:, 1])
    return [part.mean() for part in np.split(tops, 1 + np.flatnonzero(np.diff(tops) > 0.3 * high))]
