"""Boxes to write in, one character each, as forms have them: found, so that they are not read.

Some are open above: a line and upright ticks on it, as the teeth of a comb.
"""

from helpers.handwriting import ink, morphology

import numpy as np
from scipy import ndimage

FEWEST = 3
"""So many boxes with something in them make a form; one may be an O around a dot."""

SQUARE = 0.9
"""A box's inside fills at least this share of the rectangle around it; that of an O .79."""

WRITTEN = 0.2
"""In at least this share of the boxes is something; otherwise they are squared paper."""

TICKS = 4
"""So many ticks at even distances make a comb."""

TALLEST = 120
"""Ticks may be so many pixels high, or a twelfth of the page, for a picture may be of one comb."""

CLOSEST = 8
"""Ticks are at least so many pixels apart."""

TEETH = 0.5
"""At least this share of a comb's places has a tick that nothing touches."""


def frames(mask: np.ndarray) -> np.ndarray:
    """The printed lines of boxes that stand around characters, and of combs.

    Inside a box is paper, a rectangle but for what is written there. Boxes are of one size. A comb
    is a line, nearly level, with ticks of one height at even distances.

    Args:
        mask: bool (h, w), True where there is ink, lines nearly level.

    Returns:
        bool (h, w), the rims of all boxes, a little wider than their lines; False everywhere where
        there are no boxes.

    Taught in notebook 21.
    """
    return _boxes(mask) | _combs(mask)


def _boxes(mask: np.ndarray) -> np.ndarray:
    """The rims of boxes that are closed."""
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


def _combs(mask: np.ndarray) -> np.ndarray:
    """The lines and ticks of combs, but for what is written across lines."""
    rims, length = np.zeros_like(mask), max(mask.shape[1] // 16, CLOSEST * TICKS) | 1
    wide = morphology.dilated(mask, (5, 9), border=0)  # lines may wander, or be broken
    runs = morphology.opened(wide, (1, length), border=0)
    if not runs.any():
        return rims
    labels, _ = ndimage.label(runs, ink.EIGHT)
    for number, part in enumerate(ndimage.find_objects(labels), start=1):
        line = _level(mask[part] & (labels[part] == number))
        if line is not None:
            middle, thick = line
            columns = np.arange(part[1].start, part[1].stop)
            tallest = max(len(mask) // 12, TALLEST)
            above = np.arange(-thick // 2 - 4, thick + 4 + tallest)  # from its middle
            rows = np.round(part[0].start + middle).astype(int) - above[:, None]
            rows = np.clip(rows, 0, len(mask) - 1)
            rims[rows, columns] |= _comb(mask[rows, columns], above, thick)
    return rims


def _level(inked: np.ndarray) -> tuple[np.ndarray, int] | None:
    """The row of a line's middle in each column, and how thick it is; None if it is no line."""
    count = inked.sum(axis=0)
    thick = int(np.median(count[count > 0])) if count.any() else 0
    alone = (count > 0) & (count <= thick + 1)
    if alone.mean() < 0.3:
        return None
    x = np.flatnonzero(alone)
    rows = (inked * np.arange(len(inked))[:, None]).sum(axis=0)[alone] / count[alone]
    line = np.polyfit(x, rows, 1)
    off = np.abs(np.polyval(line, x) - rows)
    return (np.polyval(line, np.arange(len(count))), thick) if off.mean() < 2 else None


def _comb(strip: np.ndarray, above: np.ndarray, thick: int) -> np.ndarray:
    """What is printed in a strip along a line: that, and ticks at even distances on it.

    Args:
        strip: bool (h, w), the rows below and above the line, from the lowest on.
        above: (h,), how far above the middle of the line each is.
        thick: how thick the line is.
    """
    printed, half = np.zeros_like(strip), thick // 2 + 2
    standing = strip[above >= half]
    labels, _ = ndimage.label(standing, ink.EIGHT)
    ticks = np.array([
        ((part[1].start + part[1].stop) / 2, part[0].stop)
        for part in ndimage.find_objects(labels)
        if part[0].start == 0 and thick < part[0].stop < len(standing)
        and part[1].stop - part[1].start <= 1.5 * thick + 4
    ]).reshape(-1, 2)  # fmt: skip
    if len(ticks) < TICKS:
        return printed
    alike = np.abs(ticks[:, 1, None] - ticks[:, 1]) <= 2 + 0.1 * ticks[:, 1]
    most = alike[alike.sum(axis=1).argmax()]
    places = _places(np.sort(ticks[most, 0]), strip.shape[1])
    if not len(places):
        return printed
    usual = ticks[most, 1].max()
    line = np.abs(above) <= half
    below, over = (strip[np.argmax(above == row)] for row in (-half, half))
    below, over = (ndimage.binary_dilation(row, iterations=half) for row in (below, over))
    printed[line] = ~(below & over)  # what is written across a line may slant
    for place in places:
        left, right = max(int(place) - half, 0), int(place) + half + 1
        here = (left <= ticks[:, 0]) & (ticks[:, 0] < right)  # those at the ends may be higher
        high = half + ticks[here, 1].max(initial=usual)
        printed[(above >= -half) & (above <= high), left:right] = True
    return printed


def _places(ticks: np.ndarray, width: int) -> np.ndarray:
    """Where a comb has ticks, if these are at even distances and most of them; else nowhere."""
    best, most = np.empty(0), TEETH
    for step in np.unique(np.diff(ticks)):
        for first in ticks if step >= CLOSEST else []:
            numbers = np.round((ticks - first) / step)
            near = np.abs(first + numbers * step - ticks) < 0.12 * step
            filled = len(np.unique(numbers[near])) / (1 + width // step)
            if near.sum() >= TICKS and filled > most:
                most, (apart, start) = filled, np.polyfit(numbers[near], ticks[near], 1)
                best = start + apart * np.arange(-(start // apart), (width - start) / apart)
    return best
