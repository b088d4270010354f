"""Characters in handwriting fonts: training images in hands that EMNIST has not got."""

from collections.abc import Sequence
from pathlib import Path

from helpers import data, handwriting
from helpers.archives.sample import draw_character
from helpers.handwriting import pictures

import numpy as np
from PIL import ImageFont, ImageOps

SIZE = 40
"""Pixels of a font's line; a character is then as large as in a small photograph."""


def render(
    files: Sequence[Path], classes: Sequence[str], copies: int = 4, seed: int = 0
) -> data.Split:
    """Characters in fonts, each copy turned, slanted and thickened anew, prepared as a photograph.

    Args:
        files: of the fonts, in any format that Pillow reads.
        classes: what each label stands for, such as "Cc": every character of it is drawn.
        copies: of each character in each font.
        seed: of what is drawn.

    Returns:
        Split: fonts × characters × copies, less what `handwriting.prepare` refuses as unreadable.

    Raises:
        ValueError: no files.

    Taught in notebook 20.
    """
    if not files:
        raise ValueError("Expected files of fonts, found none. Install them, or name their folder.")
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for file in files:
        font = ImageFont.truetype(file, SIZE)
        for label, characters in enumerate(classes):
            for character in characters * copies:
                ink = draw_character(character, font, rng)
                paper = ImageOps.invert(ImageOps.expand(ink, max(ink.size) // 3))
                try:
                    images.append(handwriting.prepare(paper))
                except pictures.Unreadable:
                    continue
                labels.append(label)
    return data.Split(np.array(images), np.array(labels))


def joined(split: data.Split, more: data.Split) -> data.Split:
    """The images of two splits, one after the other.

    Args:
        split: the first.
        more: the second, of the same classes.
    """
    images = np.concatenate([split.images, more.images])
    return data.Split(images, np.concatenate([split.labels, more.labels]))
