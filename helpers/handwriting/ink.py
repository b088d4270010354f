"""From brightness to ink: its density, the pixels that have it, one character as a scan."""

from collections.abc import Sequence

from helpers.handwriting import morphology
from helpers.handwriting.pictures import NoInk

import numpy as np
from PIL import Image
from scipy import ndimage

FAINTEST = 0.05
"""Ink differs from the paper by at least this share of the paper's brightness."""

EDGE = 0.4
"""A stroke ends where its ink is less dense than this share of what is usual in the picture."""

EIGHT = np.ones((3, 3), bool)
"""Pixels that touch at a corner belong together."""

LONG = 64
"""The longer side of a scan's character, pixels; with fewer, EMNIST's blur leaves it too pale."""

STROKE = (0.09, 0.2)
"""Width of strokes by the longer side of the character: 5 to 95 of 100 of EMNIST's images."""

FAINT = 0.65
"""A straight line is ruling if it is less dense than this share of the ink."""

FINE = 64
"""Characters with a longer side of fewer pixels are enlarged before their edge is drawn."""

FEW = 0.3
"""What covers less of a picture than this is no paper."""

# --- density: how much ink each pixel has -----------------------------------------------------


def dark_on_light(brightness: np.ndarray, window: int) -> np.ndarray:
    """Turn light ink on dark paper round; leave dark ink on light paper as it is.

    Ink covers less than paper: of the differences from the brightness around, the large ones are
    ink, and their third powers outweigh all others.

    Args:
        brightness: float32 (h, w), 0 … 1.
        window: wider than a stroke, pixels.

    Returns:
        float32 (h, w), 0 … 1.

    Taught in notebook 20.
    """
    # were edges repeated, a thin stroke along one would become the paper; were they mirrored, the
    # little paper that a thick one leaves would become the ink
    lighter = _leaning(brightness, window, "reflect") > 0
    middle = (brightness.min() + brightness.max()) / 2
    covered = np.mean(brightness > middle if lighter else brightness < middle)
    light_ink = lighter if covered < FEW else _leaning(brightness, window, "nearest") > 0
    return 1 - brightness if light_ink else brightness


def _leaning(brightness: np.ndarray, window: int, mode: str) -> float:
    """Third powers of the differences from the brightness around: below 0 if the few are dark."""
    off = brightness - ndimage.uniform_filter(brightness, window, mode=mode)
    return float((off * off * off).sum())


def density(brightness: np.ndarray, window: int, tight: bool = False) -> np.ndarray:
    """The share of the paper's brightness that is missing, whatever the light.

    The paper is what remains when everything dark and narrower than the window is filled up with
    what is beside it (a morphological closing). It is done with and without a plane of light taken
    away first, and the darker result holds: without, light that falls off towards a side looks
    like ink there; with, so does a shadow with a sharp edge.

    Args:
        brightness: float32 (h, w), 0 … 1, dark ink.
        window: wider than a stroke, pixels.
        tight: strokes may lie along the edge of the picture; otherwise those are shadows.

    Returns:
        float32 (h, w), at most 1; about 0 on paper.

    Taught in notebook 20.
    """
    step = max(1, window // 16)
    small = resize(brightness, [-(-side // step) for side in brightness.shape])
    size = max(3, window // step)
    paper = _closed(small, size, tight)
    plane = np.maximum(_light(paper), 0.02)
    paper = np.minimum(paper, plane * _closed(small / plane, size, tight))
    if step > 1:
        paper = morphology.eroded(paper, (3, 3))  # a shadow's edge is no stroke
    missing = 1 - brightness / np.maximum(resize(paper, brightness.shape), 0.02)
    return missing - _quantile(missing[::2, ::2], 0.25)  # half of a picture may be ink


def _light(brightness: np.ndarray) -> np.ndarray:
    """The light on a sheet, brighter towards one side: a plane fitted to most of the pixels."""
    height, width = brightness.shape
    y, x = (np.linspace(0, side - 1, min(side, 12)).astype(int) for side in (height, width))
    points = brightness[np.ix_(y, x)].ravel()
    terms = np.stack([np.ones(points.size), np.repeat(y, len(x)), np.tile(x, len(y))])
    used = np.ones(points.size, bool)
    off = np.abs(points - _plane(points, terms, used) @ terms)
    plane = _plane(points, terms, off <= 2 * np.median(off) + 1e-6)
    fall = plane[1] * np.arange(height)[:, None] + plane[2] * np.arange(width)
    return (plane[0] + fall).astype(np.float32)


def _plane(points: np.ndarray, terms: np.ndarray, used: np.ndarray) -> np.ndarray:
    """The factors of terms whose sum is nearest to points, by least squares of those used."""
    weighted = terms * used
    return np.linalg.solve(weighted @ terms.T + 1e-9 * np.eye(3), weighted @ points)


def _closed(array: np.ndarray, size: int, tight: bool) -> np.ndarray:
    """Fill up what is dark and narrower than `size`; beyond the edge is paper if `tight`.

    Otherwise what is at the edge goes on there; the brighter of two pixels, for there may be
    a rim of paper.
    """
    rim = np.full_like(array, array.max()) if tight else morphology.dilated(array, (3, 3))
    padded = np.pad(rim, size, mode="edge")
    padded[size:-size, size:-size] = array
    return morphology.closed(padded, (size | 1, size | 1))[size:-size, size:-size]


def without_ruling(
    ink: np.ndarray, share: float, slack: int, long_strokes: bool = True
) -> np.ndarray:
    """Take away what runs straight along rows or columns: ruled and squared paper.

    A straight run is ruling if it is fainter than the ink, or long against what else is written,
    or one of many at even distances; otherwise it is a stroke, as in E. Where a stroke crosses a
    line it stays: it goes on above and below; or it is darker.

    Args:
        ink: float32 (h, w), as `density` returns it.
        share: of the width, or the height, that a line crosses at least, 0 … 1.
        slack: lines may wander by so many pixels.
        long_strokes: strokes may be as long as that; otherwise every straight run is ruling.

    Returns:
        float32 (h, w).

    Taught in notebook 21.
    """
    rows, columns = _runs(ink, share, slack), _runs(ink.T, share, slack)
    if not (rows.any() or columns.any()):
        return ink
    rest = _without(_without(ink, rows, slack).T, columns, slack).T
    if not long_strokes:
        return rest
    seen = ink[ink > FAINTEST]
    dark = _quantile(seen, 0.9) if seen.size else 0
    written = rest > EDGE * dark
    strokes = _strokes(rows, ink, written, dark)
    strokes |= _strokes(columns, ink.T, written.T, dark, upright=True).T
    return np.where(strokes, ink, rest)


def _runs(ink: np.ndarray, share: float, slack: int) -> np.ndarray:
    """How dense straight runs along rows are, at their palest place; 0 where there are none."""
    length = int(share * ink.shape[1])
    wide = morphology.dilated(ink, (2 * slack + 1, 1))
    if np.count_nonzero(wide > FAINTEST / 2, axis=1).max() < length:
        return np.zeros_like(ink)
    line = morphology.opened(wide, (1, length | 1), border=0)
    return np.where(line > FAINTEST / 2, line, 0)


def _without(ink: np.ndarray, runs: np.ndarray, slack: int) -> np.ndarray:
    """Take away runs along rows, but for what crosses them."""
    if not runs.any():
        return ink
    across = morphology.opened(ink, (2 * slack + 3, 1))
    return np.where(runs > 0, np.maximum(ink - 1.5 * runs, np.minimum(ink, across)), ink)


def _strokes(
    runs: np.ndarray, ink: np.ndarray, written: np.ndarray, dark: float, upright: bool = False
) -> np.ndarray:
    """Where runs along rows are strokes: as dark as ink, not repeated, not long."""
    labels, count = ndimage.label(runs > 0.3 * dark)
    if not count:
        return labels > 0
    found = ndimage.find_objects(labels)
    starts, stops = np.array([(part[1].start, part[1].stop) for part in found]).T
    rows = np.array([(part[0].start + part[0].stop) / 2 for part in found])
    density = ndimage.labeled_comprehension(ink, labels, range(1, count + 1), _dense, float, 0)
    ruling = density < FAINT * dark
    ruling |= _repeated(rows, ~ruling & (stops - starts > ink.shape[1] / 2))
    line = np.count_nonzero(ink[labels > 0] > EDGE * dark) / count
    if written.sum() > 0.5 * line:  # else there are only strokes, and what hangs on to them
        ruling |= _long(starts, stops, written, upright)
    return np.concatenate([[False], ~ruling])[labels]


def _dense(line: np.ndarray) -> float:
    """How dense a line is, whatever wandered into its surroundings."""
    return np.quantile(line, 0.75)


def _repeated(rows: np.ndarray, wide: np.ndarray) -> np.ndarray:
    """Which wide lines are four or more at even distances; some may be missing between them."""
    if np.count_nonzero(wide) < 4:
        return np.zeros(len(rows), bool)
    apart = np.diff(np.sort(rows[wide]))
    steps = apart / max(np.median(apart), 1)
    return wide & bool(np.abs(steps - np.round(steps)).max() < 0.2)


def _long(starts: np.ndarray, stops: np.ndarray, written: np.ndarray, upright: bool) -> np.ndarray:
    """Which runs along rows are long against what else is written.

    A run across all of a small picture ends with it, so that it may be shorter if it goes on far
    to both sides of the rest; not so one or two upright stems: those of p, 4 and H do that.
    """
    width, columns = written.shape[1], np.flatnonzero(written.any(axis=0))
    lengths, margin = stops - starts, 0.15 * width
    beyond = (starts + margin < columns[0]) & (columns[-1] + margin < stops)
    beyond &= (lengths > 0.9 * width) & (not upright or len(lengths) > 2)
    return lengths > np.where(beyond, 1.5, 4) * _typical_side(written)


def _typical_side(mask: np.ndarray) -> float:
    """The longer side that is usual among the marks of a mask."""
    found = ndimage.find_objects(ndimage.label(mask, EIGHT)[0])
    return typical(np.array([max(x.stop - x.start, y.stop - y.start) for y, x in found]))


def typical(sides: np.ndarray) -> float:
    """The side of which all smaller ones together make up half: dots and specks hardly count.

    Args:
        sides: pixels; there may be none.
    """
    ordered = np.sort(sides)
    return ordered[np.searchsorted(ordered.cumsum(), ordered.sum() / 2)] if len(sides) else 0


# --- mask: which pixels are ink ---------------------------------------------------------------


def darkness(ink: np.ndarray) -> float:
    """How dark ink is in this picture, 0 … 1: three quarters of its pixels are lighter.

    Args:
        ink: float32 (h, w), as `density` returns it.

    Raises:
        NoInk: nothing stands out of the noise of the paper.

    Taught in notebook 20.
    """
    seen = ink[ink > _least(ink)]
    if not seen.size:
        raise NoInk(
            "Expected ink on paper, found nothing that stands out. Write larger or darker, or "
            "take the picture in better light."
        )
    return _quantile(seen, 0.75)


def _least(ink: np.ndarray) -> float:
    """What has at least this density stands out of the noise of the paper."""
    noise = -_quantile(ink[::2, ::2], 0.05)  # about the standard deviation of paper
    return max(FAINTEST, 6 * noise)


def strokes(ink: np.ndarray, dark: float) -> np.ndarray:
    """Where there is ink: dark pixels, and less dark ones that touch them.

    Args:
        ink: float32 (h, w), as `density` returns it.
        dark: how dark ink is, 0 … 1, as `darkness` returns it.

    Returns:
        bool (h, w).

    Taught in notebook 20.
    """
    return ndimage.binary_propagation(ink > 0.55 * dark, EIGHT, mask=ink > EDGE * dark)


def sharpness(ink: np.ndarray, mask: np.ndarray) -> float:
    """How steeply ink ends: the change of density across two pixels at its outline, by its own.

    Args:
        ink: float32 (h, w), as `density` returns it.
        mask: bool (h, w), where there is ink.

    Returns:
        0 (a shade that fades away) … 1 (drawn by a program); 0 too where no outline is in view.
    """
    part = _around(mask, 1)
    ink, mask = ink[part], mask[part]
    outline = mask & ~morphology.eroded(mask, (3, 3), border=True)
    if not outline.any():
        return 0.0
    change = morphology.dilated(ink, (3, 3)) - morphology.eroded(ink, (3, 3))
    return float(np.median(change[outline]) / _quantile(ink[mask], 0.75))


def step(brightness: np.ndarray, mask: np.ndarray) -> float:
    """How much of what is beside ink is as dark as the ink: a step of brightness, no stroke.

    What covers a quarter of the picture's rim, wider than a stroke, is a step that is cut off.

    Args:
        brightness: float32 (h, w), dark ink.
        mask: bool (h, w), where there is ink.

    Returns:
        0 (paper on both sides of each stroke) … 1.

    Taught in notebook 20.
    """
    if rim(mask).mean() > 0.25 and width(mask) > STROKE[1] * max(mask.shape):
        return 1.0
    part = _around(mask, 5)
    brightness, mask = brightness[part], mask[part]
    away, nearest = ndimage.distance_transform_edt(~mask, return_indices=True)
    beside = (away >= 2) & (away < 5)
    if not beside.any():
        return 0.0
    darkest = morphology.eroded(np.where(mask, brightness, np.inf), (5, 5))
    there = darkest[nearest[0][beside], nearest[1][beside]]
    return float(np.mean(brightness[beside] < there + 0.1 * (1 - there)))


def _quantile(values: np.ndarray, share: float) -> float:
    """The value that this share, 0 … 1, of values is below; one of them, so that it is quick."""
    place = int(share * (values.size - 1))  # as numpy.quantile, method "lower", which takes longer
    return np.partition(values.ravel(), place)[place]


# --- scan: one character ----------------------------------------------------------------------


def isolated(ink: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The ink of a mask and of the pixels that touch it; 0 elsewhere.

    Args:
        ink: float32 (h, w), as `density` returns it.
        mask: bool (h, w), a character's pixels.

    Returns:
        float32 (h, w).
    """
    return np.where(morphology.dilated(mask, (3, 3), border=False), ink, 0)


def scan(ink: np.ndarray, mask: np.ndarray, even: bool = True) -> np.ndarray:
    """One character as a scanner for black and white would have left it, at NIST's size.

    Args:
        ink: float32 (h, w), as `density` returns it.
        mask: bool (h, w), the character's pixels.
        even: give it strokes as wide as EMNIST's.

    Returns:
        float32 (h, w), 0 … 1, longer side `LONG`, soft only at the edge.
    """
    part = _around(mask, 1)
    character = isolated(ink[part], mask[part])
    large = scaled(character, max(1, FINE / max(character.shape)))
    shape = large > EDGE * _quantile(ink[mask], 0.75)
    large = even_strokes(shape) if even else shape.astype(np.float32)
    large = crop(large, large > 0.5)
    return scaled(large, LONG / max(large.shape))


def even_strokes(shape: np.ndarray, share: tuple[float, float] = STROKE) -> np.ndarray:
    """Make thin strokes thicker and thick ones thinner, by moving their edge.

    Args:
        shape: bool (h, w).
        share: least and greatest width by the longer side, 0 … 1.

    Returns:
        float32, 0 … 1, about 0.5 at the edge; larger than shape where strokes grow.
    """
    long, before = max(crop(shape, shape).shape), width(shape)
    wanted = np.clip(before / long, *share)
    growth = wanted * (long - before) / (1 - wanted) - before  # the longer side changes as much
    if abs(growth) < 0.1:
        return shape.astype(np.float32)
    shape = np.pad(shape, 2 + max(0, int(growth)))
    if growth > 0:  # the distance from the edge, where it moves to; positive inside
        edge = 0.5 - ndimage.distance_transform_edt(~shape)
    else:
        edge = ndimage.distance_transform_edt(shape) - 0.5
    return np.clip(edge + growth / 2 + 0.5, 0, 1).astype(np.float32)


def width(mask: np.ndarray) -> float:
    """The mean width of strokes, pixels: twice their area by the length of their outline.

    The outline's length is π/4 of its crossings with rows and columns (Cauchy and Crofton).

    Args:
        mask: bool (h, w), True where there is ink.
    """
    crossings = np.count_nonzero(mask[1:] != mask[:-1])
    crossings += np.count_nonzero(mask[:, 1:] != mask[:, :-1]) + np.count_nonzero(rim(mask))
    return 2 * np.count_nonzero(mask) / max(np.pi / 4 * crossings, 1)


def rim(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask (h, w) at its edge, each side's one after the other: bool (n,)."""
    return np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])


# --- arrays of another size -------------------------------------------------------------------


def crop(array: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The part of an array where a mask is True.

    Args:
        array: (h, w).
        mask: bool (h, w), somewhere True.
    """
    return array[_around(mask, 0)]


def _around(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Where a mask is True, and a margin around it where there is one: rows, columns."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return tuple(
        slice(max(found[0] - margin, 0), found[-1] + 1 + margin) for found in (rows, columns)
    )


def resize(
    array: np.ndarray,
    shape: Sequence[int],
    method: Image.Resampling = Image.Resampling.BILINEAR,
) -> np.ndarray:
    """An array in another size, by Pillow.

    Args:
        array: float32 (h, w).
        shape: the new height and width.
        method: how pixels between pixels are found; bicubic curves overshoot at sharp edges.

    Returns:
        float32 of the new shape.
    """
    if array.shape == tuple(shape):
        return array
    return np.asarray(Image.fromarray(array).resize(shape[::-1], method))


def scaled(array: np.ndarray, factor: float) -> np.ndarray:
    """An array enlarged or reduced in both directions alike, by Pillow's bicubic filter.

    No value leaves the range of the array's own, else white paper would not stay white.

    Args:
        array: float32 (h, w).
        factor: of each side's length.

    Returns:
        float32, at least one pixel high and wide.
    """
    if factor == 1:
        return array
    shape = [max(1, round(factor * side)) for side in array.shape]
    curves = resize(array, shape, Image.Resampling.BICUBIC)
    return np.clip(curves, array.min(), array.max())
