"""The sheet of paper on a desk: its outline in a picture, and the sheet as if seen from above."""

from collections.abc import Sequence
from itertools import combinations

from helpers.handwriting import morphology

import numpy as np
from PIL import Image
from scipy import ndimage, spatial

SIDE = 320
"""An outline is looked for in a picture whose longer side has so many pixels."""

LEAST = 0.1
"""A sheet fills at least this share of the picture."""

FILLED = 0.94
"""What is bright fills at least this share of four straight sides around it, and they hold it."""

DARKER = 0.8
"""Beyond the outline it is at most so many times as bright, on three of four sides at least."""


def find(picture: Image.Image) -> np.ndarray | None:
    """The corners of a sheet of light paper that lies on something darker.

    For each of several limits of brightness the largest bright region is compared with the four
    straight sides that hold most of it. Of those that it fills, the sheet is the one with the
    sharpest outline. Where paper fills the picture, there is none to find.

    Args:
        picture: as `pictures.load` returns it.

    Returns:
        float (4, 2), x and y in pixels, clockwise from the upper left corner; None where no
        region has such an outline.

    Taught in notebook 21.
    """
    small = picture.resize(_fitted(picture.size, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float32)
    bright = pixels if pixels.ndim == 2 else pixels.min(axis=2)  # wood has little blue
    bright = morphology.closed(bright, (13, 13))  # without what is written
    bright = ndimage.gaussian_filter(bright, 1)
    low, high = np.percentile(bright, (2, 98))
    if low > DARKER * high:
        return None
    best, most = None, 0.0
    for limit in np.linspace(low, high, 14)[2:-2]:
        corners = _outline(bright > limit)
        sharp = 0 if corners is None else _sharpness(bright, corners)
        if sharp > most:
            best, most = corners, sharp
    return None if best is None else best * np.array(picture.size) / small.size


def _fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    """A size whose longer side has at most so many pixels."""
    scale = min(1, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _outline(mask: np.ndarray) -> np.ndarray | None:
    """The four corners of the largest region, if it has such a shape."""
    labels, count = ndimage.label(ndimage.binary_opening(mask, iterations=2))
    if not count:
        return None
    region = labels == 1 + np.bincount(labels.ravel())[1:].argmax()
    if not LEAST * region.size < region.sum() < 0.97 * region.size:
        return None
    region = ndimage.binary_fill_holes(region)
    rim = region & ~ndimage.binary_erosion(region)
    points = np.argwhere(rim)[:, ::-1].astype(float) + 0.5
    hull = _simple(points[spatial.ConvexHull(points, qhull_options="QJ").vertices])
    corners = _clockwise(_largest(hull))
    inside = within(corners, region.shape)
    fills = (region & inside).sum() > FILLED * (region | inside).sum()
    return corners if fills else None


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
    """How much brighter it is inside the sides than outside; 0 if these are not those of a sheet.

    A sheet, seen at a slant, has corners of 49 to 131 degrees and darker surroundings on at least
    three sides.
    """
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.hypot(*sides.T)
    others = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * others[:, 1] - sides[:, 1] * others[:, 0]
    if (turns < 0.75 * lengths * np.roll(lengths, -1)).any():
        return 0.0
    darker, steps = 0, []
    for start, side, length in zip(corners, sides, lengths, strict=True):
        along = start + np.linspace(0.1, 0.9, 25)[:, None] * side
        away = np.array([side[1], -side[0]]) / length  # corners go clockwise
        inside, outside = (_at(bright, along + step * away) for step in (-5, 5))
        if np.isfinite(outside).mean() > 0.8:
            darker += np.mean(outside < DARKER * inside) > 0.75
            steps.append(_at(bright, along - 2 * away) / _at(bright, along + 2 * away))
    return float(np.nanmedian(steps)) if darker >= 3 else 0.0


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
