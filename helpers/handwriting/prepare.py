"""A picture of a character, or a page of them, as images like those a network was trained on."""

from helpers.handwriting import conversion, ink, layout, pictures
from helpers.handwriting.pictures import NoInk, SeveralCharacters

import numpy as np
from PIL import Image

STYLES = {"emnist": conversion.emnist, "mnist": conversion.mnist}

STEPS = ("invert", "light", "ruling", "specks", "crop", "stroke")
"""What `prepare` does, in this order, before it makes 28 × 28 pixels of what is left."""

NEEDS = {"light": "invert", "ruling": "light", "specks": "light", "crop": "light", "stroke": "crop"}

LEAST, COARSE, FINE = 64, 112, 320
"""Longer side, pixels: what has less is enlarged; how small and large pictures are looked at."""


def prepare(image, style="emnist", steps=STEPS):
    """Make of a picture of one character an image as those of the training data.

    Arguments: image: a path, a PIL image or an array, as `pictures.load` takes them; one character
        anywhere in it, dark on light or light on dark; style: "emnist" or "mnist"; steps: those of
        `STEPS` to take, to measure what each is worth. Without "crop" all of the picture is
        squeezed into 28 × 28 pixels, with no steps at all as it is.
    Returns: uint8 (28, 28), white ink on black.
    Raises: pictures.Unreadable: NotAPicture, TooLarge, TooSmall, NoInk or SeveralCharacters;
        ValueError for another style or steps that cannot be taken.
    Source: Cohen et al. (2017), arXiv:1702.05373; LeCun et al. (1998). Taught in notebook 13.
    """
    convert = converter(style)
    _check(steps)
    picture, _ = pictures.load(image)
    if "light" not in steps:
        seen = pictures.brightness(picture)
        window = 2 * max(seen.shape) // 3
        return _squeezed(1 - ink.dark_on_light(seen, window) if "invert" in steps else seen)
    density, mask = _look(picture, None, steps)
    if "crop" not in steps:
        return _squeezed(density)
    box = _closer(mask, picture.size)
    if box:
        density, mask = _look(picture, box, steps)
    return convert(conversion.scan(density, mask, "stroke" in steps))


def converter(style):
    """How a scan becomes 28 × 28 pixels: `conversion.emnist` or `conversion.mnist`.

    Arguments: style: "emnist" or "mnist". Raises: ValueError for another style.
    """
    if style not in STYLES:
        raise ValueError(f"Expected style 'emnist' or 'mnist', found {style!r}. Choose one.")
    return STYLES[style]


def read(image, model, classes, style="emnist", count=5):
    """Read one character: the image that the network sees, and its best readings.

    Arguments: image, style: as for `prepare`; model: has `predict`, (n, 28, 28) uint8 → (n, k);
        classes: k names; count: so many readings.
    Returns: uint8 (28, 28), and a list of (name, probability 0 … 1), the best first.
    Raises: as `prepare`. Taught in notebook 13.
    """
    seen = prepare(image, style)
    (probabilities,) = _predicted(model, classes, seen[None])
    best = np.argsort(-probabilities, kind="stable")[:count]
    return seen, [(classes[index], float(probabilities[index])) for index in best]


def read_page(image, model, classes, style="emnist"):
    """Read a page of separate characters, line by line.

    Marks that are smaller than a third of a character and belong to none, such as full stops, are
    left out: there is no class for them.

    Arguments: image: as for `prepare`, up to 64 million pixels; lines may fall or rise by a few
        degrees; model: has `predict`, (n, 28, 28) uint8 → (n, k); classes: k names, the first
        character of which goes into the text; style: as the model's training images were made.
    Returns: text: str, words divided by a space, lines by a line end; boxes: int (n, 4), left, top,
        right, bottom of each character in pixels of the upright picture, in the order of the text;
        probabilities: float (n, k).
    Raises: pictures.Unreadable: NotAPicture, TooLarge, TooSmall, NoInk, or SeveralCharacters where
        there are too many marks for a page of handwriting; ValueError for another style. Taught in
        notebook 13.
    """
    convert = converter(style)
    picture, scale = pictures.load(image)
    density, angle = _levelled(picture)
    mask = ink.strokes(density, ink.darkness(density))
    characters, labels = layout.characters(mask)
    if not characters:
        raise NoInk("Expected characters, found specks only. Write larger, or go nearer.")
    images = [_cut_out(one, labels, density, convert) for one in characters]
    probabilities = _predicted(model, classes, np.stack(images))
    readings = [classes[index][0] for index in probabilities.argmax(axis=1)]
    boxes = _turned_back([one.box for one in characters], density.shape, picture.size, angle)
    return layout.text(characters, readings), np.round(boxes * scale).astype(int), probabilities


def _levelled(picture):
    """The density of ink on a page, float32 (h, w), its lines turned level, and the angle."""
    seen = pictures.brightness(picture)
    window = max(seen.shape) // 15
    density = ink.density(ink.dark_on_light(seen, window), window)
    angle = layout.skew(density > 0.5 * ink.darkness(density))
    if angle:
        turned = Image.fromarray(density).rotate(angle, Image.Resampling.BILINEAR, expand=True)
        density = np.asarray(turned)
    return ink.without_ruling(density, 1 / 6, 2), angle


def _turned_back(boxes, shape, size, angle):
    """Boxes on a turned page as boxes on the picture, float (n, 4).

    Arguments: shape: (h, w) of the turned page; size: (w, h) of the picture; angle: degrees.
    """
    left, top, right, bottom = np.array(boxes, float).T
    x = np.stack([left, right, right, left]) - shape[1] / 2
    y = np.stack([top, top, bottom, bottom]) - shape[0] / 2
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    x, y = cosine * x - sine * y + size[0] / 2, sine * x + cosine * y + size[1] / 2
    return np.stack([x.min(axis=0), y.min(axis=0), x.max(axis=0), y.max(axis=0)], axis=1)


def _cut_out(character, labels, density, convert):
    """One character of a page as 28 × 28 pixels."""
    left, top, right, bottom = character.box
    part = slice(max(top - 2, 0), bottom + 2), slice(max(left - 2, 0), right + 2)
    mask = np.isin(labels[part], character.marks)
    return convert(conversion.scan(density[part], mask))


def _predicted(model, classes, images):
    probabilities = np.asarray(model.predict(images, batch_size=256, verbose=0))
    if probabilities.shape != (len(images), len(classes)):
        raise ValueError(
            f"Expected probabilities of shape {(len(images), len(classes))}, found "
            f"{probabilities.shape}. Pass the classes that the model was trained on."
        )
    return probabilities


def _check(steps):
    for step in steps:
        if step not in STEPS or NEEDS.get(step, step) not in steps:
            needed = f", and {NEEDS[step]!r} with {step!r}" if step in NEEDS else ""
            raise ValueError(f"Expected steps of {STEPS}{needed}; found {tuple(steps)}. Add it.")


def _squeezed(array):
    """All of it in 28 × 28 pixels, whatever its aspect."""
    small = ink.resize(array, (28, 28), Image.Resampling.BICUBIC)
    return np.round(255 * np.clip(small, 0, 1)).astype(np.uint8)


def _look(picture, box, steps):
    """Find the character in a part of a picture: density of ink and mask, both (h, w)."""
    large = max(picture.size) > 5 * COARSE and box is None
    seen = pictures.brightness(picture, box, FINE if large else COARSE)
    seen = _at_least(LEAST, seen)
    seen = ink.dark_on_light(seen, 2 * max(seen.shape) // 3)
    try:
        density, mask = _find(seen, steps, tight=False)
        cut = mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()
    except NoInk:
        cut = True
    return _find(seen, steps, tight=True) if cut else (density, mask)


def _find(seen, steps, tight):
    """Density of ink and mask of the character, which fills the picture if `tight`."""
    side = max(seen.shape)
    density = ink.density(seen, side // 3, tight)
    if "ruling" in steps:
        density = ink.without_ruling(density, 0.95, 1 + side // 64)
    dark = ink.darkness(density)
    if "specks" not in steps:
        return density, ink.strokes(density, dark)
    try:
        mask = layout.only(ink.strokes(density, dark))
    except SeveralCharacters:  # or one, faint where its parts meet
        mask = layout.only(ink.strokes(density, 0.6 * dark))
    return np.where(ink.wider(mask), density, 0), mask


def _at_least(side, array):
    """An array whose longer side has at least so many pixels, enlarged if need be."""
    factor = max(1, side / max(array.shape))
    shape = [round(factor * length) for length in array.shape]
    return ink.resize(array, shape, Image.Resampling.BICUBIC)


def _closer(mask, size):
    """The part of a picture to look at again, pixels, where its character came out small; or None.

    Arguments: mask: bool (h, w), the character in a reduced picture; size: the picture's.
    """
    factor = max(size) / max(mask.shape)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    long = max(np.ptp(rows), np.ptp(columns)) + 1
    if factor <= 1 or long > LEAST / 2:
        return None
    margin = 0.4 * long
    box = columns[0] - margin, rows[0] - margin, columns[-1] + margin, rows[-1] + margin
    left, top, right, bottom = (round(side * factor) for side in box)
    return max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])
