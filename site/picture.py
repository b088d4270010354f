"""Draw the front page's picture: what you write, what the network sees, what it reads.

picture.py  writes site/reading.png, unless it was drawn with today's network and today's file
"""

import hashlib
from pathlib import Path

from helpers import data, handwriting
from helpers.internals import files
from helpers.internals.backend import keras
from helpers.plots import style

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw
from scipy.interpolate import splev, splprep

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "site" / "reading.png"
NETWORK = ROOT / "notebooks" / "networks" / "byclass.keras"
SIDE, PEN, TIMES = 360, 9, 4  # pixels of a drawing, of the pen; drawn so many times larger
CHARACTERS = (
    (((86, 92), (82, 160), (84, 230), (86, 292)),
     ((70, 96), (128, 66), (192, 86), (188, 146), (138, 178), (88, 186)),
     ((120, 182), (160, 214), (194, 254), (236, 286))),
    (((238, 46), (216, 38), (200, 58), (212, 80), (238, 70), (244, 48), (242, 84), (238, 112),
      (222, 136), (198, 130)),),
    (((96, 228), (136, 220), (184, 220), (222, 216), (196, 258), (176, 300), (164, 338)),),
    (((190, 120), (160, 108), (122, 124), (112, 172), (140, 208), (184, 190), (206, 138),
      (204, 122), (200, 168), (206, 202), (226, 208)),),
)  # fmt: skip
"""Strokes, each by a few points that a smooth curve goes through: R, g, 7, a."""


def written(strokes):
    """A character on ruled paper, in the light of a window, as an RGB array (SIDE, SIDE, 3)."""
    across, down = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    paper = (0.97 - 0.22 * across * down)[..., None] * np.float32([255, 250, 238])
    paper[45::60] *= [0.72, 0.82, 0.95]
    ink = Image.new("L", (SIDE * TIMES, SIDE * TIMES), 0)
    pen = ImageDraw.Draw(ink)
    for stroke in strokes:
        curve, _ = splprep(np.transpose(stroke), s=0)
        points = np.transpose(splev(np.linspace(0, 1, 400), curve)) * TIMES
        for x, y in points:
            pen.circle((x, y), PEN * TIMES / 2, fill=255)
    covered = np.asarray(ink.resize((SIDE, SIDE)), np.float32)[..., None] / 255
    return (paper * (1 - covered) + np.float32([38, 52, 110]) * covered).astype(np.uint8)


def drawn_with():
    """What the picture follows from, in few characters: this file, the network, the preparation."""
    preparation = sorted(Path(handwriting.__file__).parent.glob("*.py"))
    sources = [Path(__file__), NETWORK, *preparation]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def is_current(path=PICTURE):
    """Whether this picture was drawn with the network and the drawing of today."""
    if not path.is_file():
        return False
    with Image.open(path) as picture:
        return picture.info.get("Comment") == drawn_with()


def save(path=PICTURE):
    """Draw it: a row for each step, a column for each character. The readings are the network's."""
    network = keras.saving.load_model(NETWORK)
    classes = data.CLASSES["emnist/byclass"]
    shape = {"figsize": (9, 5.9), "layout": "constrained", "height_ratios": (3, 3, 1.7)}
    fig, axes = plt.subplots(3, len(CHARACTERS), **shape)
    for column, strokes in zip(axes.T, CHARACTERS, strict=True):
        drawing = written(strokes)
        seen, readings = handwriting.read(drawing, network, classes, count=3)
        column[0].imshow(drawing)
        column[1].imshow(seen, cmap="gray")
        names, shares = zip(*reversed(readings), strict=True)
        column[2].barh(names, shares, color=style.COLOURS[0])
        column[2].set(xlim=(0, 1), xticks=[0, 0.5, 1], xticklabels=["0", "50 %", "100 %"])
        column[2].spines[["top", "right"]].set_visible(False)
        for ax in column[:2]:
            ax.set(xticks=[], yticks=[])
    for ax, text in zip(axes[:, 0], ("written", "28 × 28 pixels", "read as"), strict=True):
        ax.set_ylabel(text, fontsize=12)
    plt.close(fig)
    with files.whole(path) as part:
        meta = {"Software": None, "Comment": drawn_with()}
        fig.savefig(part, dpi=120, format="png", metadata=meta)


if __name__ == "__main__":
    if not is_current():
        save()
    print(f"{PICTURE.name} is up to date")
