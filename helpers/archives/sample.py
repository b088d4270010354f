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
TEST_EVERY = 5  # every fifth image is for testing
FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif",
    "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "cmr10", "cmss10",
    "cmtt10",
)  # fmt: skip


def build(folder: Path) -> bool:
    """Make the sample and save it as four arrays in a cache folder.

    Labels are those of EMNIST ByClass: 0–9 digits, 10–35 upper case, 36–61 lower case.

    Args:
        folder: gets <part>-images.npy and <part>-labels.npy, of "train" and of "test".

    Returns:
        False: a sample is never complete.
    """
    images, labels = make()
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels = images[order], labels[order]
    rank = np.empty(len(labels), int)  # the how-manieth of its class each image is
    for label in np.unique(labels):
        rank[labels == label] = np.arange((labels == label).sum())
    test = rank % TEST_EVERY == 0
    for part, chosen in (("train", ~test), ("test", test)):
        np.save(folder / f"{part}-images.npy", images[chosen])
        np.save(folder / f"{part}-labels.npy", labels[chosen])
    return False


def select(sample: dict[str, np.ndarray], folder: Path, classes: tuple[str, ...]) -> bool:
    """Save the part of the sample that a data set has, relabelled as that data set does.

    Args:
        sample: the arrays that `build` saved, by the names of their files without ".npy".
        folder: gets four arrays of the same names.
        classes: what each label stands for, e.g. ("Aa", "Bb", …): every character of a class gets
            its label.

    Returns:
        False: a sample is never complete.
    """
    label_of = np.full(len(CHARACTERS), -1)
    for label, characters in enumerate(classes):
        label_of[[CHARACTERS.index(character) for character in characters]] = label
    for part in ("train", "test"):
        labels = label_of[sample[f"{part}-labels"]]
        np.save(folder / f"{part}-images.npy", sample[f"{part}-images"][labels >= 0])
        np.save(folder / f"{part}-labels.npy", labels[labels >= 0])
    return False


def make(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """All images of the sample.

    Args:
        seed: of the letters' shear, rotation and thickness.

    Returns:
        images uint8 (n, 28, 28), white on black, and labels int64 (n,) in 0 … 61.

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


def _enlarge(digit: np.ndarray) -> np.ndarray:
    """An 8 × 8 digit with values 0 … 16, enlarged to 20 × 20 and set into the middle of 28 × 28."""
    large = ndimage.zoom(digit / 16, 20 / 8, order=1)
    return (np.pad(np.clip(large, 0, 1), 4) * 255).astype(np.uint8)


def _render(letter: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> np.ndarray:
    """A letter as `draw_character` draws it, fitted into 20 × 20, in 28 × 28."""
    ink = draw_character(letter, font, rng)
    ink.thumbnail((20, 20), Image.LANCZOS)
    image = Image.new("L", (28, 28))
    image.paste(ink, ((28 - ink.width) // 2, (28 - ink.height) // 2))
    return np.array(image)


def draw_character(
    letter: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator
) -> Image.Image:
    """A character in a font, randomly sheared, turned and thickened, white on black, cropped.

    Args:
        letter: one character.
        font: of 40 pixels.
        rng: decides shear, rotation and thickness.

    Returns:
        A picture of mode "L", at most 80 × 80.
    """
    sheet = Image.new("L", (80, 80))
    stroke = int(rng.integers(0, 3))
    ImageDraw.Draw(sheet).text((40, 40), letter, 255, font, anchor="mm", stroke_width=stroke)
    shear, angle = rng.uniform(-0.3, 0.3), rng.uniform(-10, 10)
    moved = sheet.transform(sheet.size, Image.AFFINE, (1, shear, -40 * shear, 0, 1, 0))
    moved = moved.rotate(angle, Image.BILINEAR)
    return moved.crop(moved.getbbox())
