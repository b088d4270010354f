"""The built-in sample: real digits from scikit-learn, letters rendered from matplotlib's fonts.

It lets every notebook run without a download. It is no substitute for MNIST or EMNIST: everything
that rests on it says so.
"""

import string
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from sklearn.datasets import load_digits

CHARACTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
"""In the order of the labels of EMNIST ByClass."""

PER_LETTER = 60
TEST_SHARE = 5  # every fifth image is for testing
FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif",
    "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "cmr10", "cmss10",
    "cmtt10",
)  # fmt: skip


def write(folder):
    """Make the sample and save it as four arrays (the form that `archives.cached` asks for).

    Labels are those of EMNIST ByClass: 0–9 digits, 10–35 upper case, 36–61 lower case.
    Returns: what there is to say about it: it is never complete.
    """
    images, labels = make()
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels = images[order], labels[order]
    rank = np.empty(len(labels), int)  # the how-manieth of its class each image is
    for label in np.unique(labels):
        rank[labels == label] = np.arange((labels == label).sum())
    test = rank % TEST_SHARE == 0
    for part, chosen in (("train", ~test), ("test", test)):
        np.save(folder / f"{part}-images.npy", images[chosen])
        np.save(folder / f"{part}-labels.npy", labels[chosen])
    return {"complete": False}


def select(whole, folder, classes):
    """Save the part of the sample that a data set has, relabelled as that data set does.

    Arguments: whole: the folder that `write` filled; folder: where to; classes: what each label
        stands for, e.g. ("Aa", "Bb", …): every character of a class gets its label.
    """
    label_of = np.full(len(CHARACTERS), -1)
    for label, characters in enumerate(classes):
        label_of[[CHARACTERS.index(character) for character in characters]] = label
    for part in ("train", "test"):
        labels = label_of[np.load(whole / f"{part}-labels.npy")]
        images = np.load(whole / f"{part}-images.npy", mmap_mode="r")
        np.save(folder / f"{part}-images.npy", images[labels >= 0])
        np.save(folder / f"{part}-labels.npy", labels[labels >= 0])
    return {"complete": False}


def make(seed=0):
    """All images of the sample.

    Returns: images uint8 (n, 28, 28), white on black, and labels int64 (n,) in 0 … 61.
    Source: the digits are those of the UCI set "Optical Recognition of Handwritten Digits".
    """
    rng = np.random.default_rng(seed)
    digits = load_digits()
    images = [_enlarge(image) for image in digits.images]
    labels = [*digits.target]
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [ImageFont.truetype(folder / f"{name}.ttf", 40) for name in FONTS]
    for label, letter in enumerate(CHARACTERS[10:], start=10):
        for copy in range(PER_LETTER):
            images.append(_render(letter, fonts[copy % len(fonts)], rng))
            labels.append(label)
    return np.array(images), np.array(labels, np.int64)


def _enlarge(digit):
    """An 8 × 8 digit with values 0 … 16, enlarged to 20 × 20 and set into the middle of 28 × 28."""
    large = ndimage.zoom(digit / 16, 20 / 8, order=1)
    return (np.pad(np.clip(large, 0, 1), 4) * 255).astype(np.uint8)


def _render(letter, font, rng):
    """A letter as `drawn`, fitted into 20 × 20, in 28 × 28."""
    ink = drawn(letter, font, rng)
    ink.thumbnail((20, 20), Image.LANCZOS)
    image = Image.new("L", (28, 28))
    image.paste(ink, ((28 - ink.width) // 2, (28 - ink.height) // 2))
    return np.array(image)


def drawn(letter, font, rng):
    """A character with random shear, rotation and thickness: a PIL image, white on black, cropped.

    Arguments: letter: one character; font: a PIL font of 40 pixels; rng: a NumPy generator.
    """
    sheet = Image.new("L", (80, 80))
    stroke = int(rng.integers(0, 3))
    ImageDraw.Draw(sheet).text((40, 40), letter, 255, font, anchor="mm", stroke_width=stroke)
    shear, angle = rng.uniform(-0.3, 0.3), rng.uniform(-10, 10)
    moved = sheet.transform(sheet.size, Image.AFFINE, (1, shear, -40 * shear, 0, 1, 0))
    moved = moved.rotate(angle, Image.BILINEAR)
    return moved.crop(moved.getbbox())
