"""From a scan of one character to 28 × 28 pixels, as EMNIST and MNIST were made."""

from collections.abc import Callable, Sequence

from helpers.handwriting import ink

import numpy as np
from PIL import Image
from scipy import ndimage


def emnist(scan: np.ndarray) -> np.ndarray:
    """Convert a scan in EMNIST's way.

    Blur (σ = 1), crop to the ink, centre in a square, two pixels of border, bicubic to 28 × 28.

    Args:
        scan: float or bool (h, w), 0 paper, 1 ink.

    Returns:
        uint8 (28, 28).

    Source: Cohen et al. (2017), arXiv:1702.05373. Taught in notebook 14.
    """
    height, width = scan.shape
    sharp = _placed(scan, (height + 8, width + 8), (4, 4))
    soft = ndimage.gaussian_filter(sharp, sigma=1)
    soft = ink.crop(soft, soft > 0.5 / 255)
    side = max(soft.shape) + 4
    square = _placed(soft, (side, side), [(side - n) // 2 for n in soft.shape])
    return _to_bytes(ink.resize(square, (28, 28), Image.Resampling.BICUBIC))


def mnist(scan: np.ndarray) -> np.ndarray:
    """Convert a scan in MNIST's way: fit into 20 × 20, centre of mass in the middle of 28 × 28.

    Args:
        scan: float or bool (h, w), 0 paper, 1 ink.

    Returns:
        uint8 (28, 28).

    Source: LeCun et al. (1998), doi:10.1109/5.726791. Taught in notebook 14.
    """
    scan = np.asarray(scan, np.float32)
    scan = ink.crop(scan, scan > 0)
    small = ink.scaled(scan, 20 / max(scan.shape))
    corner = [round(14 - middle) for middle in ndimage.center_of_mass(small)]
    corner = [min(max(at, 0), 28 - n) for at, n in zip(corner, small.shape, strict=True)]
    return _to_bytes(_placed(small, (28, 28), corner))


STYLES = {"emnist": emnist, "mnist": mnist}


def converter(style: str) -> Callable[[np.ndarray], np.ndarray]:
    """How a scan becomes 28 × 28 pixels: `emnist` or `mnist`.

    Args:
        style: "emnist" or "mnist".

    Raises:
        ValueError: another style.
    """
    if style not in STYLES:
        raise ValueError(f"Expected style 'emnist' or 'mnist', found {style!r}. Choose one.")
    return STYLES[style]


def squeezed(array: np.ndarray) -> np.ndarray:
    """All of a picture in 28 × 28 pixels, whatever its aspect: what the styles improve on.

    Args:
        array: float32 (h, w), 0 … 1.

    Returns:
        uint8 (28, 28).
    """
    small = ink.resize(array, (28, 28), Image.Resampling.BICUBIC)
    return np.round(255 * np.clip(small, 0, 1)).astype(np.uint8)


def _placed(array: np.ndarray, shape: tuple[int, int], corner: Sequence[int]) -> np.ndarray:
    """An array on a field of zeros, float32 of this shape, its top left corner there."""
    (top, left), (height, width) = corner, array.shape
    field = np.zeros(shape, np.float32)
    field[top : top + height, left : left + width] = array
    return field


def _to_bytes(image: np.ndarray) -> np.ndarray:
    """An image as bytes, its darkest ink 255."""
    return np.round(255 * np.clip(image / max(image.max(), 1e-6), 0, 1)).astype(np.uint8)
