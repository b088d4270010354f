"""Open any picture safely, and see it as brightness: what a camera, a scanner or a program left.

Nothing here knows what ink is; that is the next room, `ink`.
"""

import os
import warnings
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

LARGEST = 64_000_000
"""More pixels than this are refused; the largest common telephone pictures have 50 million."""

SMALLEST = 8
"""The longer side of a picture has at least so many pixels."""

SIDE = 2000
"""Larger pictures are reduced to a longer side of so many pixels."""

Image.init()  # else Pillow knows the most common formats only
FORMATS = [name for name in Image.OPEN if name in "PNG, JPEG, WEBP, BMP, GIF, TIFF, PPM, AVIF"]
"""Only formats that hold pixels: some others are programs, and Pillow would start their readers."""

ImageLike = str | os.PathLike[str] | Image.Image | np.ndarray
"""What `load` opens."""


class Unreadable(ValueError):
    """A picture that cannot be read. Which of the errors below it is says why."""


class NotAPicture(Unreadable):
    """There are no pixels: another kind of file, a damaged one, an array of another shape."""


class TooLarge(Unreadable):
    """More than `LARGEST` pixels, announced or there: it could fill the memory."""


class TooSmall(Unreadable):
    """Too few pixels to hold a character."""


class NoInk(Unreadable):
    """Nothing is written there, or too faintly."""


class SeveralCharacters(Unreadable):
    """More than one character where one was expected."""


class NotACharacter(Unreadable):
    """Strokes, but of a sign, a drawing, another alphabet, or characters that touch."""


def load(image: ImageLike) -> tuple[Image.Image, float]:
    """Open a picture, upright, without transparency, its longer side at most `SIDE` pixels.

    Of several pictures in one file it is the first.

    Args:
        image: a path; a PIL image; or an array (h, w) of brightness, or (h, w, channels) with 1
            grey, 2 grey and opacity, 3 red, green, blue, or 4 those and opacity; of bool, integers
            or floats on any scale.

    Returns:
        A PIL image of mode "L", "RGB" (0 … 255) or "F" (0 … 255, finer than whole numbers), and
        how many pixels of the upright picture one of its pixels is wide.

    Raises:
        NotAPicture: there are no pixels.
        TooLarge: there are too many pixels.
        TooSmall: there are too few pixels.
        NoInk: all of it is transparent.

    Taught in notebook 20.
    """
    if isinstance(image, str | os.PathLike):
        return _from_file(image)
    if isinstance(image, Image.Image):
        _check_size(*image.size)
        size, opened = image.size, lambda: _plain(ImageOps.exif_transpose(image))
    else:
        array = _checked(image)
        size, opened = array.shape[:2], lambda: _plain(Image.fromarray(array))
    picture = _explained(opened, f"this {type(image).__name__}")
    return picture, max(size) / max(picture.size)


def brightness(
    picture: Image.Image, box: tuple[int, int, int, int] | None = None, side: int = SIDE
) -> np.ndarray:
    """A picture, or a part of it, as one number for each pixel.

    Colours are weighed so that what differs most in the picture differs most in brightness: red
    ink on green paper of equal lightness stays visible.

    Args:
        picture: what `load` returned.
        box: the part, (left, top, right, bottom) in pixels.
        side: the longer side of the result has at most so many pixels.

    Returns:
        float32 (h, w), 0 … 1.
    """
    left, top, right, bottom = box or (0, 0, *picture.size)
    width, height = right - left, bottom - top
    scale = min(1, side / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scale < 1 or box:
        picture = picture.resize(size, Image.Resampling.BOX, (left, top, right, bottom), 3)
    pixels = np.asarray(picture, np.float32) / 255
    return pixels if pixels.ndim == 2 else pixels @ _weights(pixels.reshape(-1, 3))


def _weights(pixels: np.ndarray) -> np.ndarray:
    """How much red, green and blue count: their direction of greatest spread, sum of sizes 1."""
    some = pixels[:: max(1, len(pixels) // 1000)]
    off = some - some.mean(axis=0)
    spread = off.T @ off + np.float32(1e-6)  # and so equal weights where all is even
    main = np.linalg.eigh(spread)[1][:, -1]
    main *= np.sign(main.sum() or 1)
    return (main / np.abs(main).sum()).astype(np.float32)


def _from_file(path: str | os.PathLike[str]) -> tuple[Image.Image, float]:
    """Open a file of one of `FORMATS`; JPEG files are decoded at a reduced size where they can."""
    name = os.path.basename(os.fspath(path))
    if not os.path.isfile(path):
        raise NotAPicture(
            f"Expected a picture file, found no file {str(path)!r}. Check its name and folder; "
            f"relative paths start in {os.path.basename(os.getcwd())!r}, where the notebook is."
        )

    _refuse_kind(path, name)

    def decoded() -> tuple[Image.Image, float]:
        with Image.open(path, formats=FORMATS) as picture:
            _check_size(*picture.size)
            long = max(picture.size)
            picture.draft(None, [max(1, round(side * SIDE / long)) for side in picture.size])
            ImageOps.exif_transpose(picture, in_place=True)
            plain = _plain(picture)
            return plain, long / max(plain.size)

    return _explained(decoded, f"the file {name!r}")


def _refuse_kind(path: str | os.PathLike[str], name: str) -> None:
    """Refuse the two common kinds of file that hold a picture but cannot be opened here."""
    with open(path, "rb") as file:
        head = file.read(64)
    kind = head[8:12] if head[4:8] == b"ftyp" and b"avif" not in head else b""
    if kind.startswith((b"hei", b"hev", b"mif1", b"msf1")):
        raise NotAPicture(
            f"Expected a picture in one of the formats {', '.join(FORMATS)}; the file {name!r} is "
            "HEIC, as telephones take. Share or export it as JPEG, or set the camera to JPEG "
            "(iPhone: Settings, Camera, Formats, Most Compatible)."
        )
    if b"%PDF-" in head:
        raise NotAPicture(
            f"Expected a picture in one of the formats {', '.join(FORMATS)}; the file {name!r} is "
            "a PDF document. Save the page as PNG, or take a screenshot of it."
        )


def _explained(opened: Callable, what: str):
    """What `opened` returns, or one of this room's errors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of damaged notes beside the pixels
            return opened()
    except Unreadable:
        raise
    except (Image.DecompressionBombError, MemoryError) as error:
        raise TooLarge(
            f"Expected at most {LARGEST:,} pixels, and memory for them; {what} announces or needs "
            "more. Save it smaller."
        ) from error
    except Exception as error:  # a damaged file can make a decoder raise anything
        raise NotAPicture(
            f"Expected a picture in one of the formats {', '.join(FORMATS)}; {what} cannot be "
            f"read as one ({type(error).__name__}: {error}). Save it again as PNG or JPEG."
        ) from error


def _check_size(width: int, height: int) -> None:
    """Refuse a picture of too many or too few pixels."""
    if width * height > LARGEST:
        raise TooLarge(
            f"Expected at most {LARGEST:,} pixels, found {width:,} × {height:,}. Save it smaller."
        )
    if max(width, height) < SMALLEST:
        raise TooSmall(
            f"Expected a longer side of at least {SMALLEST} pixels, found {width} × {height}. "
            "Take the picture from nearer."
        )


def _plain(picture: Image.Image) -> Image.Image:
    """A PIL image of any mode as L, RGB or F, without transparency, reduced to `SIDE`."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        picture = Image.fromarray(_normalised(np.asarray(picture)))
    elif picture.has_transparency_data:
        picture = picture.convert("RGBA")
    elif picture.mode not in ("L", "RGB"):
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    scale = SIDE / max(picture.size)
    if scale < 1:
        size = [max(1, round(side * scale)) for side in picture.size]
        picture = picture.resize(size, Image.Resampling.BOX)
    return _on_paper(picture) if picture.mode == "RGBA" else picture


def _on_paper(picture: Image.Image) -> Image.Image:
    """A picture with transparency, on paper of one colour: the paper's own, or ink's opposite.

    Mostly transparent, or opaque in one colour only: the opaque part is ink, and the paper gets
    black or white, whichever differs more. Otherwise the opaque part holds the paper.
    """
    opaque = np.asarray(picture.getchannel("A")) > 127
    if opaque.all():
        return picture.convert("RGB")
    if not opaque.any():
        raise NoInk("Expected a character, found a wholly transparent picture. Draw on it.")
    colours = np.asarray(picture.convert("RGB"))[opaque]
    low, middle, high = np.percentile(colours, (5, 50, 95), axis=0)
    if opaque.mean() < 0.5 or (high - low).max() < 48:
        paper = np.full(3, 255 if colours.mean() < 128 else 0)
    else:
        paper = middle
    below = Image.new("RGBA", picture.size, (*paper.astype(int).tolist(), 255))
    return Image.alpha_composite(below, picture).convert("RGB")


def _checked(values: np.ndarray) -> np.ndarray:
    """An array of pixels as Pillow takes it: uint8, or float32 if of one channel."""
    array = np.asarray(values)
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or array.dtype.kind not in "buif":
        raise NotAPicture(
            "Expected a path, a PIL image or an array (h, w) or (h, w, 1 to 4 channels) of "
            f"numbers, found {type(values).__name__} of shape {array.shape} and type "
            f"{array.dtype}. Pass one picture, not a batch."
        )
    _check_size(*array.shape[1::-1])
    if not array.size or (array.dtype.kind == "f" and not np.isfinite(array).all()):
        raise NotAPicture("Expected finite pixels, found none, nan or inf. Check the array.")
    array = array[:, :, 0] if array.ndim == 3 and channels == 1 else array
    if array.dtype != np.uint8:
        array = _normalised(array)
        array = array if array.ndim == 2 else array.round().astype(np.uint8)
    return np.ascontiguousarray(array)


def _normalised(array: np.ndarray) -> np.ndarray:
    """Numbers on any scale as float32, black at zero or below it, the brightest 255."""
    low, high = min(float(array.min()), 0), float(array.max())
    size = max(high, -low) or 1
    wide = np.float64 if size > 1e30 else np.float32
    scaled = np.divide(array, size, dtype=wide, casting="unsafe").astype(np.float32, copy=False)
    scaled -= low / size  # in place: a picture may have 64 million pixels
    scaled *= 255 / ((high - low) / size or 1)
    return scaled
