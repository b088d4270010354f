"""From a scan of one character to 28 × 28 pixels, as EMNIST and MNIST were made."""

from helpers.handwriting import ink

import numpy as np
from PIL import Image
from scipy import ndimage

LONG = 64
"""The longer side of a scan's character, pixels; with fewer, EMNIST's blur leaves it too pale."""

STROKE = (0.09, 0.2)
"""Width of strokes by the longer side of the character: 5 to 95 of 100 of EMNIST's images."""

FINE = 64
"""Characters with a longer side of fewer pixels are enlarged before their edge is drawn."""


def scan(density, mask, even=True):
    """One character as a scanner for black and white would have left it, at NIST's size.

    Arguments: density: float32 (h, w), share of missing brightness; mask: bool (h, w), the
        character's pixels; even: give it strokes as wide as EMNIST's.
    Returns: float32 (h, w), 0 … 1, longer side `LONG`, soft only at the edge.
    """
    character = cut(np.where(ink.wider(mask), density, 0), mask, 1)
    dark = ink.below(density[mask], 0.75)
    factor = max(1, FINE / max(character.shape))
    large = _scaled(character, factor)
    shape = large > ink.EDGE * dark
    large = even_strokes(shape) if even else shape.astype(np.float32)
    large = cut(large, large > 0.5)
    return np.clip(_scaled(large, LONG / max(large.shape)), 0, 1)


def cut(array, mask, margin=0):
    """The part of an array where the mask is True, and a margin around it where there is one."""
    slices = []
    for axis in (1, 0):
        found = np.flatnonzero(mask.any(axis=axis))
        slices.append(slice(max(found[0] - margin, 0), found[-1] + 1 + margin))
    return array[tuple(slices)]


def even_strokes(shape, share=STROKE):
    """Make thin strokes thicker and thick ones thinner, by moving their edge.

    Arguments: shape: bool (h, w); share: least and greatest width by the longer side.
    Returns: float32, 0 … 1, about 0.5 at the edge; larger than shape where strokes grow.
    """
    long, width = max(cut(shape, shape).shape), ink.width(shape)
    wanted = np.clip(width / long, *share)
    wider = wanted * (long - width) / (1 - wanted) - width  # the longer side changes by as much
    if abs(wider) < 0.1:
        return shape.astype(np.float32)
    shape = np.pad(shape, 2 + max(0, int(wider)))
    inside = ndimage.distance_transform_edt(shape)
    outside = ndimage.distance_transform_edt(~shape)
    edge = np.where(shape, inside - 0.5, 0.5 - outside)  # distance from the edge, positive inside
    return np.clip(edge + wider / 2 + 0.5, 0, 1).astype(np.float32)


def emnist(scan):
    """Convert a scan in EMNIST's way.

    Blur (σ = 1), crop to the ink, centre in a square, two pixels of border, bicubic to 28 × 28.

    Arguments: scan: float or bool (h, w), 0 paper, 1 ink. Returns: uint8 (28, 28).
    Source: Cohen et al. (2017), arXiv:1702.05373. Taught in notebook 10.
    """
    soft = ndimage.gaussian_filter(np.pad(scan, 4).astype(np.float32), sigma=1)
    soft = cut(soft, soft > 0.5 / 255)
    missing = [max(soft.shape) - side for side in soft.shape]
    square = np.pad(soft, [(n // 2 + 2, n - n // 2 + 2) for n in missing])
    return to_bytes(ink.resize(square, (28, 28), Image.Resampling.BICUBIC))


def mnist(scan):
    """Convert a scan in MNIST's way: fit into 20 × 20, centre of mass in the middle of 28 × 28.

    Arguments: scan: float or bool (h, w), 0 paper, 1 ink. Returns: uint8 (28, 28).
    Source: LeCun et al. (1998), doi:10.1109/5.726791. Taught in notebook 10.
    """
    scan = np.asarray(scan, np.float32)
    scan = cut(scan, scan > 0)
    small = np.clip(_scaled(scan, 20 / max(scan.shape)), 0, 1)
    field = np.zeros((28, 28), np.float32)
    corner = [round(14 - middle) for middle in ndimage.center_of_mass(small)]
    top, left = (min(max(at, 0), 28 - n) for at, n in zip(corner, small.shape, strict=True))
    field[top : top + small.shape[0], left : left + small.shape[1]] = small
    return to_bytes(field)


def to_bytes(image):
    """A float32 array as bytes, its darkest ink 255."""
    return np.round(255 * np.clip(image / max(image.max(), 1e-6), 0, 1)).astype(np.uint8)


def _scaled(array, factor):
    """Scale an array by Pillow's bicubic filter."""
    shape = [max(1, round(factor * side)) for side in array.shape]
    return ink.resize(array, shape, Image.Resampling.BICUBIC)
