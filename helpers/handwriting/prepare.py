"""A picture of a character, or a page of them, as images like those a network was trained on."""

import warnings
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from helpers.handwriting import forms, ink, layout, pictures, sheet
from helpers.handwriting.conversion import converter, squeezed
from helpers.handwriting.pictures import ImageLike, NoInk, NotACharacter, SeveralCharacters
from helpers.handwriting.probabilities import expected, of_kind
from helpers.handwriting.words import Words, english, in_words

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import keras

STEPS = ("invert", "light", "ruling", "specks", "crop", "stroke")
"""What `prepare` does, in this order, before it makes 28 × 28 pixels of what is left."""

NEEDS = {"light": "invert", "ruling": "light", "specks": "light", "crop": "light", "stroke": "crop"}

LEAST, COARSE, FINE = 64, 112, 320
"""Longer side, pixels: what has less is enlarged; how small and large pictures are looked at."""

LEAST_SHARP = 0.25
"""Ink is at least so steep at its outline, as `ink.sharpness` measures it; shades are less so."""

MOST_STEP = 0.15
"""At most this share of what is beside ink is as dark, as `ink.step` measures it."""

JOINED = 1.42
"""What is so many times as wide as a capital letter is high may be letters that touch; what is read
with doubt need not be as wide, by `DOUBT` for each e-fold that its probability is below 1."""

DOUBT = 0.58
"""With `JOINED` it tells two of three boxes of letters that touch from others, and takes one of 120
single characters for such: on pages of EMNIST's test images and of fonts, some gaps closed."""

MOST_JOINED = 0.05
"""A page is in doubt if more of its marks than this share may be letters that touch."""

BATCH = 256
"""So many images go through a model at once."""

DOUBTFUL = 0.7
"""A page is in doubt if the median of its characters' best probabilities is less."""

MOST_SIGNS = 0.1
"""A page is in doubt if more of its marks than this share are refused as no characters."""

# --- one character ----------------------------------------------------------------------------


def prepare(image: ImageLike, style: str = "emnist", steps: Sequence[str] = STEPS) -> np.ndarray:
    """Make of a picture of one character an image as those of the training data.

    Args:
        image: a path, a PIL image or an array, as `pictures.load` takes them; one character
            anywhere in it, dark on light or light on dark.
        style: "emnist" or "mnist".
        steps: those of `STEPS` to take, to measure what each is worth. Without "crop" all of the
            picture is squeezed into 28 × 28 pixels, with no steps at all as it is.

    Returns:
        uint8 (28, 28), white ink on black.

    Raises:
        pictures.Unreadable: NotAPicture, TooLarge, TooSmall, NoInk or SeveralCharacters.
        ValueError: another style, or steps that cannot be taken.

    Source: Cohen et al. (2017), arXiv:1702.05373; LeCun et al. (1998). Taught in notebook 20.
    """
    convert = converter(style)
    _check_steps(steps)
    picture, _ = pictures.load(image)
    if "light" not in steps:
        seen = pictures.brightness(picture)
        window = 2 * max(seen.shape) // 3
        return squeezed(1 - ink.dark_on_light(seen, window) if "invert" in steps else seen)
    seen, density, mask = _look(picture, None, steps)
    if "crop" not in steps:
        return squeezed(ink.isolated(density, mask) if "specks" in steps else density)
    box = _closer(mask, picture.size)
    if box:
        seen, density, mask = _look(picture, box, steps)
    _check_character(seen, density, mask)
    return convert(ink.scan(density, mask, "stroke" in steps))


def read(
    image: ImageLike,
    model: "keras.Model",
    classes: Sequence[str],
    style: str = "emnist",
    count: int = 5,
    kind: str | Sequence[float] = "all",
    trained: Sequence[float] | None = None,
    signs: "keras.Model | None" = None,
) -> tuple[np.ndarray, list[tuple[str, float]]]:
    """Read one character: the image that the network sees, and its best predictions.

    Args:
        image: as for `prepare`.
        model: has `predict`, uint8 (n, 28, 28) → (n, k).
        classes: k names.
        style: as for `prepare`.
        count: so many predictions.
        kind: "all", "digits", "letters", or shares of classes, as for `probabilities.of_kind`.
        trained: shares of the training data, with shares as `kind`.
        signs: tells what is no character, such as networks/signs.keras: has `predict`, uint8
            (n, 28, 28) → (n, 1), probability that it is none. None: all is read.

    Returns:
        uint8 (28, 28), and a list of (name, probability 0 … 1), the best first.

    Letters that touch may pass for one: of 12,000 pictures of two or three, cut to their ink,
    `prepare` refuses 1,364, and `signs` 79 to 84 % of the others.

    Raises:
        pictures.Unreadable: as `prepare`; NotACharacter where `signs` says one half or more.
        ValueError: another style, kind, or number of classes than the model has.

    Taught in notebooks 20 and 21.
    """
    seen = prepare(image, style)
    if signs is not None and _outputs(signs, seen[None]).max() >= 0.5:
        raise NotACharacter(
            "Expected one of the 62 characters, found what looks like a sign, a drawing, another "
            "alphabet or characters that touch. Write one letter or digit, nothing beside it; "
            "without `signs` it is read all the same."
        )
    (probabilities,) = of_kind(_predicted(model, classes, seen[None]), classes, kind, trained)
    best = np.argsort(-probabilities, kind="stable")[:count]
    return seen, [(classes[index], float(probabilities[index])) for index in best]


def _predicted(model: "keras.Model", classes: Sequence[str], images: np.ndarray) -> np.ndarray:
    """The probability of each class for each image, (n, k)."""
    probabilities = _outputs(model, images)
    if probabilities.shape != (len(images), len(classes)):
        raise ValueError(
            f"Expected probabilities of shape {(len(images), len(classes))}, found "
            f"{probabilities.shape}. Pass the classes that the model was trained on."
        )
    return probabilities


def _outputs(model: "keras.Model", images: np.ndarray) -> np.ndarray:
    """What a model says of each image, (n, k)."""
    # a Keras model's predict spends several times as long on setting up as on one image
    look = getattr(model, "predict_on_batch", None) or partial(model.predict, verbose=0)
    parts = [look(images[i : i + BATCH]) for i in range(0, len(images), BATCH)]
    return np.concatenate([np.asarray(part) for part in parts])


def _check_steps(steps: Sequence[str]) -> None:
    """Refuse steps that there are not, or that need another."""
    for step in steps:
        if step not in STEPS or NEEDS.get(step, step) not in steps:
            needed = f", and {NEEDS[step]!r} with {step!r}" if step in NEEDS else ""
            raise ValueError(f"Expected steps of {STEPS}{needed}; found {tuple(steps)}. Add it.")


def _check_character(seen: np.ndarray, density: np.ndarray, mask: np.ndarray) -> None:
    """Refuse what is no character, but a shade, or several that touch."""
    if ink.sharpness(density, mask) < LEAST_SHARP or ink.step(seen, mask) > MOST_STEP:
        raise NoInk(
            "Expected strokes, found a shade without an edge. Write on the paper, or take the "
            "picture in focus."
        )
    if layout.crowded(mask):
        raise SeveralCharacters(
            "Expected one character, found what is as wide, or has as many strokes side by side, "
            "as several that touch. Cut the picture, or write them apart."
        )


def _look(
    picture: Image.Image, box: tuple[int, int, int, int] | None, steps: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the character in a part of a picture: brightness, density of ink, mask, all (h, w)."""
    large = max(picture.size) > 5 * COARSE and box is None
    seen = pictures.brightness(picture, box, FINE if large else COARSE)
    seen = ink.scaled(seen, max(1, LEAST / max(seen.shape)))
    seen = ink.dark_on_light(seen, 2 * max(seen.shape) // 3)
    whole = box is None
    try:
        density, mask = _find(seen, steps, whole, tight=False)
    except NoInk:
        return seen, *_find(seen, steps, whole, tight=True)
    if ink.rim(mask).any():
        return seen, *_find(seen, steps, whole, tight=True)
    return seen, density, mask


def _find(
    seen: np.ndarray, steps: Sequence[str], whole: bool, tight: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Density of ink and mask of the character.

    It may fill the picture if that is whole, not a part with the character amidst. If `tight`,
    strokes may lie along its edge.
    """
    side = max(seen.shape)
    density = ink.density(seen, side // 3, tight)
    if "ruling" in steps:
        density = ink.without_ruling(density, 0.95, 1 + side // 64, long_strokes=whole)
    dark = ink.darkness(density)
    if "specks" not in steps:
        return density, ink.strokes(density, dark)
    try:
        return density, layout.only(ink.strokes(density, dark))
    except SeveralCharacters:  # or one, faint where its parts meet
        return density, layout.only(ink.strokes(density, 0.6 * dark))


def _closer(mask: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Where to look again, pixels of a picture of this size, if its character came out small."""
    factor = max(size) / max(mask.shape)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    long = max(np.ptp(rows), np.ptp(columns)) + 1
    if factor <= 1 or long > LEAST / 2:
        return None
    margin = 0.4 * long
    box = columns[0] - margin, rows[0] - margin, columns[-1] + margin, rows[-1] + margin
    left, top, right, bottom = (round(side * factor) for side in box)
    return max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])


# --- a page -----------------------------------------------------------------------------------


def read_page(
    image: ImageLike,
    model: "keras.Model",
    classes: Sequence[str],
    style: str = "emnist",
    *,
    kind: str | Sequence[float] = "all",
    trained: Sequence[float] | None = None,
    words: bool | Words = True,
    signs: "keras.Model | None" = None,
) -> tuple[str, np.ndarray, np.ndarray]:
    """Read a page of separate characters, line by line.

    A sheet on a desk is found and seen from above; printed boxes and combs around characters are
    left out, and so are marks that are smaller than a third of a character and belong to none, such
    as full stops: there is no class for them. A warning says what makes the reading doubtful: lines
    that are turned too far, letters that touch, as in cursive writing, low probabilities, or, with
    `signs`, what is no character.

    Args:
        image: as for `prepare`, up to 64 million pixels; lines may fall or rise by a few degrees.
        model: has `predict`, uint8 (n, 28, 28) → (n, k).
        classes: k names, the first character of which goes into the text.
        style: as the model's training images were made.
        kind: "all", "digits", "letters", or shares of classes, as for `probabilities.of_kind`.
        trained: shares of the training data, with shares as `kind`.
        words: True: each character is read as a part of its word, in English; False: alone; or
            the words of another language.
        signs: as for `read`; what it refuses is counted, and read all the same.

    Returns:
        text: str, words divided by a space, lines by a line end; boxes: int (n, 4), left, top,
        right, bottom of each character in pixels of the upright picture, in the order of the text;
        probabilities: float (n, k).

    Raises:
        pictures.Unreadable: NotAPicture, TooLarge, TooSmall, NoInk, or SeveralCharacters where
            there are too many marks for a page of handwriting.
        ValueError: another style, kind, or number of classes than the model has.
        words.NoWords: `words` is True, and the package that brings them is missing.

    Taught in notebook 21.
    """
    convert = converter(style)
    language = english() if words is True else words
    picture, scale = pictures.load(image)
    seen, to_picture = _on_sheet(picture)

    window = max(seen.shape) // 15
    density = ink.density(ink.dark_on_light(seen, window), window)
    inked = density > 0.5 * ink.darkness(density)
    angle, turned = layout.skew(inked), layout.turned(inked)
    density = layout.level(density, angle)
    frames = forms.frames(ink.strokes(density, ink.darkness(density)))
    density = ink.without_ruling(np.where(frames, 0, density), 1 / 6, 2)
    mask = ink.strokes(density, ink.darkness(density))

    found = [
        one
        for one in layout.characters(mask)
        if ink.sharpness(density[one.part], one.mask) >= LEAST_SHARP
    ]
    if not found:
        raise NoInk("Expected characters, found specks or shades. Write larger, or go nearer.")
    images = np.stack([convert(ink.scan(density[one.part], one.mask)) for one in found])
    probabilities = of_kind(_predicted(model, classes, images), classes, kind, trained)
    refused = 0 if signs is None else int((_outputs(signs, images) >= 0.5).sum())
    best = probabilities.max(axis=1)
    _warn([one.mask for one in found], best, refused, to_picture is not None, turned)

    if language:
        names = in_words(found, probabilities, classes, language, expected(classes, kind))
    else:
        names = [classes[index][0] for index in probabilities.argmax(axis=1)]
    boxes = layout.turned_back([one.box for one in found], density.shape, seen.shape, angle)
    if to_picture is not None:
        boxes = sheet.around(to_picture, boxes)
    return layout.text(found, names), np.round(boxes * scale).astype(int), probabilities


def _on_sheet(picture: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Brightness of the sheet alone, if there is one on a desk, and the way back to the picture."""
    corners = sheet.find(picture)
    if corners is None:
        return pictures.brightness(picture), None
    if not sheet.cut_off(corners, picture.size):
        flat, mapping = sheet.flattened(picture, corners)
        return pictures.brightness(flat), mapping
    seen = pictures.brightness(picture)
    outside = ~sheet.within(corners, seen.shape, inset=0.012 * max(seen.shape))
    seen[outside] = np.median(seen[~outside])
    return seen, np.eye(3)


def _warn(
    masks: Sequence[np.ndarray], best: np.ndarray, refused: int, sheet_found: bool, turned: int
) -> None:
    """Say in one sentence what speaks against a page's reading."""
    count, median, seen = _joined(masks, best), float(np.median(best)), []
    if turned:
        seen.append(f"their lines {'fall' if turned > 0 else 'rise'} by {abs(turned)} degrees")
    if count:
        seen.append(f"{count} of {len(masks)} are as wide as several letters that touch")
    if refused > MOST_SIGNS * len(masks):
        seen.append(f"{refused} of {len(masks)} look like signs, drawings or another alphabet")
    if median < DOUBTFUL:
        seen.append(f"the median of their best probabilities is {median:.2f}")
        seen += [] if sheet_found else ["no outline of a sheet is in view"]
    if seen:
        warnings.warn(
            f"Expected separate characters on paper; {' and '.join(seen)}, so that the text is in "
            "doubt: write block letters apart, and photograph the paper alone.",
            stacklevel=3,
        )


def _joined(masks: Sequence[np.ndarray], best: np.ndarray) -> int:
    """How many marks of a page look like letters that touch; 0 if they may be so by chance.

    Args:
        masks: bool (h, w), the ink of each mark.
        best: float (n,), the best probability of each.
    """
    shapes = np.array([ink.crop(mask, mask).shape for mask in masks])
    high, wide = shapes.T
    large = high > np.median(high) / 2  # not dashes
    capital = np.quantile(high[large], 0.75)
    crowded = large & [layout.crowded(mask) for mask in masks]
    joined = large & (wide / capital - DOUBT * np.log(best) > JOINED) & (wide > 0.9 * capital)
    likely = joined.mean() > MOST_JOINED
    return np.count_nonzero(crowded | joined if likely else crowded)
