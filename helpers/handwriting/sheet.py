"""The sheet of paper on a desk: its outline in a picture, and the sheet as if seen from above."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from helpers.handwriting import morphology

import numpy as np
from PIL import Image
from scipy import ndimage, spatial

SIDE = 320
"""An outline is looked for in a picture whose longer side has so many pixels."""

LEAST = 0.1
"""A sheet fills at least this share of the picture."""

PARTS = 3
"""So many of the largest regions are compared with a sheet."""

FILLED = 0.94
"""What is bright fills at least this share of four straight sides around it, and they hold it."""

DARKER = 0.8
"""Beyond the outline it is at most so many times as bright, on three of four sides at least."""

EVEN = (0.0025, 0.005, 0.01, 0.02)
"""Paper changes from pixel to pixel by less than one of these shares of its brightness."""

STEP = 1.6
"""At the edge of paper the change is so many times as large as inside, on three sides at least."""

BRIGHTER = 1.03
"""A desk with the same brightness as the paper is at most so many times as bright."""

LEAST_CHANGE = 0.001
"""Paper changes by at least this share of its brightness, as noise does."""

MOST_BEYOND = 0.3
"""Beyond a sheet there is at most so many times as much that is as dark as what is written."""

REACH = 6
"""The edge of paper is at most so many pixels further out than what is even."""


def find(picture: Image.Image) -> np.ndarray | None:
    """The corners of a sheet of light paper that lies on something else.

    On something darker: for each of several limits of brightness the largest bright region is
    compared with the four straight sides that hold most of it. Of those that it fills, the sheet is
    the one with the sharpest outline. On something as bright: the same is done with regions that
    are even, for there is a change of brightness or colour all along the edge of paper. Where paper
    fills the picture, there is none to find.

    Args:
        picture: as `pictures.load` returns it.

    Returns:
        float (4, 2), x and y in pixels, clockwise from the upper left corner; None where no
        region has such an outline.

    Taught in notebook 21.
    """
    small = picture.resize(_fitted(picture.size, SIDE), Image.Resampling.BOX)
    pixels = np.atleast_3d(np.asarray(small, np.float32))
    corners = _on_darker(pixels.min(axis=2))  # wood has little blue
    corners = _on_light(pixels) if corners is None else corners
    return None if corners is None else corners * np.array(picture.size) / small.size


def _on_darker(bright: np.ndarray) -> np.ndarray | None:
    """The corners of a sheet that is brighter than what it lies on."""
    bright = morphology.closed(bright, (13, 13))  # without what is written
    bright = ndimage.gaussian_filter(bright, 1)
    low, high = np.percentile(bright, (2, 98))
    if low > DARKER * high:
        return None
    best, most = None, 0.0
    for limit in np.linspace(low, high, 14)[2:-2]:
        corners = next(map(_outline, _regions(bright > limit)), None)
        sharp = 0 if corners is None else _sharpness(bright, corners)
        if sharp > most:
            best, most = corners, sharp
    return best


def _on_light(pixels: np.ndarray) -> np.ndarray | None:
    """The corners of a sheet that is about as bright as what it lies on."""
    around = np.pad(pixels, ((13, 13), (13, 13), (0, 0)), mode="edge").transpose(2, 0, 1)
    paper = np.stack([morphology.closed(channel, (13, 13)) for channel in around])
    marks = (paper - around).mean(axis=0)
    bright = np.stack([ndimage.gaussian_filter(channel, 1.5) for channel in paper])
    bright /= max(np.percentile(bright, 98), 1)
    change = np.hypot(*np.linalg.norm(np.gradient(bright, axis=(1, 2)), axis=1))
    bright = bright.mean(axis=0)
    marks, bright, change = (array[13:-13, 13:-13] for array in (marks, bright, change))
    best, most = None, STEP
    for limit in EVEN:
        for region in _regions(change < limit):
            corners = _outline(region)
            if corners is not None:
                corners, step = _snapped(corners, change, bright)
                if step > most:
                    best, most = corners, step
    return None if best is None or _written_beyond(marks, best) else best


def _written_beyond(marks: np.ndarray, corners: np.ndarray) -> bool:
    """Is there writing beyond the corners too? Then they are those of a box on a page."""
    inside = within(corners, marks.shape)
    beyond = ~within(corners, marks.shape, inset=-2 * REACH)  # but for a shadow at the edge
    dark = marks > 0.5 * np.percentile(marks[inside], 99)
    return bool(dark[beyond].sum() > MOST_BEYOND * dark[inside].sum())


def _fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    """A size whose longer side has at most so many pixels."""
    scale = min(1, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _regions(mask: np.ndarray) -> Iterator[np.ndarray]:
    """The parts of a mask, the largest first."""
    labels, _ = ndimage.label(ndimage.binary_opening(mask, iterations=2))
    for number in 1 + np.argsort(-np.bincount(labels.ravel())[1:], kind="stable")[:PARTS]:
        yield labels == number


def _outline(region: np.ndarray) -> np.ndarray | None:
    """The four corners of a region, if it has such a shape."""
    if not LEAST * region.size < region.sum() < 0.97 * region.size:
        return None
    region = ndimage.binary_fill_holes(region)
    rim = region & ~ndimage.binary_erosion(region)
    points = np.argwhere(rim)[:, ::-1].astype(float) + 0.5
    hull = _simple(points[spatial.ConvexHull(points, qhull_options="QJ").vertices])
    corners = _clockwise(_largest(hull))
    inside = within(corners, region.shape)
    fills = (region & inside).sum() > FILLED * (region | inside).sum()
    return corners if fills and _upright(corners) else None


def _upright(corners: np.ndarray) -> bool:
    """Are the corners those of a sheet seen at a slant, 49 to 131 degrees?"""
    sides = np.roll(corners, -1, axis=0) - corners
    lengths, others = np.hypot(*sides.T), np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * others[:, 1] - sides[:, 1] * others[:, 0]
    return bool((turns >= 0.75 * lengths * np.roll(lengths, -1)).all())


def _simple(hull: np.ndarray, count: int = 12) -> np.ndarray:
    """A polygon of at most so many corners: those go first that change its area least."""
    while len(hull) > count:
        first, second = np.roll(hull, 1, axis=0) - hull, np.roll(hull, -1, axis=0) - hull
        lost = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
        hull = np.delete(hull, lost.argmin(), axis=0)
    return hull


def _largest(hull: np.ndarray) -> np.ndarray:
    """Those four corners of a polygon that hold most of it."""
    fours = hull[list(combinations(range(len(hull)), 4))]
    first, second = (fours[:, corner + 2] - fours[:, corner] for corner in (0, 1))  # diagonals
    return fours[np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).argmax()]


def _clockwise(corners: np.ndarray) -> np.ndarray:
    """Four corners, the upper left one first."""
    x, y = (corners - corners.mean(axis=0)).T
    corners = corners[np.argsort(np.arctan2(y, x))]
    return np.roll(corners, -corners.sum(axis=1).argmin(), axis=0)


def within(corners: np.ndarray, shape: tuple[int, int], inset: float = 0) -> np.ndarray:
    """Which pixels lie between four corners.

    Args:
        corners: (4, 2), x and y, clockwise.
        shape: (h, w).
        inset: by how many pixels inside.

    Returns:
        bool (h, w).
    """
    y, x = np.ogrid[0.5 : shape[0], 0.5 : shape[1]]
    result = np.ones(shape, bool)
    for (left, top), (right, bottom) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        length = np.hypot(right - left, bottom - top) or 1
        result &= (right - left) * (y - top) - (bottom - top) * (x - left) >= inset * length
    return result


def _sharpness(bright: np.ndarray, corners: np.ndarray) -> float:
    """How much brighter it is inside the sides than outside; 0 if that is so on less than three."""
    beside = _beside(bright, corners, np.array([-5, -2, 2, 5]))
    inside, before, behind, outside = np.moveaxis(beside, 2, 0)
    seen = np.isfinite(outside).mean(axis=1) > 0.8
    darker = (outside < DARKER * inside).mean(axis=1) > 0.75
    if np.count_nonzero(seen & darker) < 3:
        return 0.0
    return float(np.nanmedian(before[seen] / behind[seen]))


def _snapped(
    corners: np.ndarray, change: np.ndarray, bright: np.ndarray
) -> tuple[np.ndarray, float]:
    """Corners moved out to where it changes most, and how many times as much as inside.

    That is 0 where fewer than three sides are in view, or it is darker inside.
    """
    steps = np.arange(REACH + 1)
    edge = np.quantile(_beside(change, corners, steps), 0.15, axis=1)  # nan beyond the picture
    place = np.nan_to_num(edge).argmax(axis=1)
    edge = edge[np.arange(4), place]
    inside = np.quantile(_beside(change, corners, -4 - steps), 0.9, axis=(1, 2))
    lit, beyond = np.moveaxis(_beside(bright, corners, np.array([-4, REACH + 2])), 2, 0)
    darker = (lit * BRIGHTER < beyond).mean(axis=1) > 0.5
    seen = np.isfinite(edge)
    if seen.sum() < 3 or darker.any():
        return corners, 0.0
    away = _away(corners)
    lines = np.stack([np.roll(away, 1, axis=0), away], axis=1)
    levels = (away * corners).sum(axis=1) + place - 1  # inside the edge
    levels = np.stack([np.roll(levels, 1), levels], axis=1)
    step = (edge / np.maximum(inside, LEAST_CHANGE))[seen].min()
    return np.linalg.solve(lines, levels[:, :, None])[:, :, 0], float(step)


def _away(corners: np.ndarray) -> np.ndarray:
    """For each side the direction out of the sheet, (4, 2), one pixel long."""
    sides = np.roll(corners, -1, axis=0) - corners  # clockwise
    return sides[:, ::-1] * [1, -1] / np.hypot(*sides.T)[:, None]


def _beside(values: np.ndarray, corners: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Values along the four sides, so many pixels outside each: (4, 25, steps)."""
    sides = np.roll(corners, -1, axis=0) - corners
    along = corners[:, None] + np.linspace(0.1, 0.9, 25)[:, None] * sides[:, None]
    points = along[:, :, None] + steps[:, None] * _away(corners)[:, None, None]
    return _at(values, points.reshape(-1, 2)).reshape(points.shape[:3])


def _at(bright: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The brightness at points (n, 2); nan beyond the picture."""
    x, y = np.floor(points).astype(int).T
    there = (x >= 0) & (y >= 0) & (x < bright.shape[1]) & (y < bright.shape[0])
    values = np.full(len(points), np.nan)
    values[there] = bright[y[there], x[there]]
    return values


def cut_off(corners: np.ndarray, size: tuple[int, int]) -> bool:
    """Does a sheet go on beyond the picture? Then its corners are not all those of the paper.

    Args:
        corners: as `find` returns them.
        size: width and height of the picture.
    """
    rim = 0.01 * max(size)
    return bool((corners < rim).any() or (corners > np.array(size) - rim).any())


def flattened(picture: Image.Image, corners: np.ndarray) -> tuple[Image.Image, np.ndarray]:
    """The sheet alone, as if seen from above.

    Args:
        picture: where `find` found it.
        corners: what it found, all of them in view.

    Returns:
        The sheet, and the perspective, (3, 3), that maps its pixels to those of the picture.

    Taught in notebook 21.
    """
    lengths = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    width, height = (round((lengths[side] + lengths[side + 2]) / 2) for side in (0, 1))
    rim = 0.008 * max(width, height)  # the paper's edge throws a shadow
    places = [(-rim, -rim), (width + rim, -rim), (width + rim, height + rim), (-rim, height + rim)]
    return straightened(picture, perspective(places, corners), (width, height))


def straightened(
    picture: Image.Image, mapping: np.ndarray, size: tuple[int, int]
) -> tuple[Image.Image, np.ndarray]:
    """A part of a picture, seen at a slant, as if seen from above.

    Args:
        picture: the picture.
        mapping: the perspective, (3, 3), from pixels of the result to those of the picture.
        size: width and height of the result.

    Returns:
        The part, and `mapping`.
    """
    coefficients = (mapping / mapping[2, 2]).ravel()[:8].tolist()
    method = Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR
    return picture.transform(size, *method), mapping


def perspective(places: Sequence, points: Sequence) -> np.ndarray:
    """The perspective that maps four places to four points.

    Args:
        places: four (x, y), no three in line.
        points: where to.

    Returns:
        float (3, 3).
    """
    rows = []
    for (u, v), (x, y) in zip(places, points, strict=True):
        rows += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
    solution = np.linalg.lstsq(np.array(rows, float), np.ravel(points), rcond=None)[0]
    return np.append(solution, 1).reshape(3, 3)


def mapped(mapping: np.ndarray, places: Sequence) -> np.ndarray:
    """Where a perspective maps places to.

    Args:
        mapping: (3, 3).
        places: n of (x, y).

    Returns:
        float (n, 2).
    """
    x, y, w = mapping @ np.column_stack([places, np.ones(len(places))]).T
    return np.column_stack([x, y]) / w[:, None]


def around(mapping: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The boxes around boxes that a perspective maps.

    Args:
        mapping: (3, 3).
        boxes: (n, 4), left, top, right, bottom.

    Returns:
        float (n, 4).
    """
    corners = boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]].reshape(-1, 2)
    points = mapped(mapping, corners).reshape(-1, 4, 2)
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
