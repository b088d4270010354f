"""Figures of read handwriting: a page with its boxes, one drawing with its predictions."""

from collections.abc import Sequence
from pathlib import Path

from helpers.handwriting import pictures
from helpers.plots.style import COLOURS, figure, show_ink

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

WIDTH = 9  # inches


def page(
    image: str | Path | Image.Image | np.ndarray,
    text: str,
    boxes: np.ndarray,
    probabilities: np.ndarray,
    doubtful: float = 0.7,
    title: str = "A page, as the network reads it",
) -> Figure:
    """The page with a box around each character and its predicted class above.

    Doubtful ones have a thick dashed box and a question mark, so that they also differ in grey.

    Args:
        image: what `handwriting.read_page` was given.
        text: what it returned, n characters beside spaces and line ends.
        boxes: what it returned, (n, 4).
        probabilities: what it returned, (n, classes).
        doubtful: the highest probability of a character below which it is doubtful, 0 … 1.
        title: above the figure.

    Raises:
        ValueError: where text, boxes and probabilities do not fit together.

    Taught in notebook 21.
    """
    characters = "".join(text.split())
    if not len(characters) == len(boxes) == len(probabilities):
        found = f"{len(characters)}, {len(boxes)} and {len(probabilities)}"
        raise ValueError(
            f"Expected as many characters as boxes and rows of probabilities, found {found}. "
            "Pass what read_page returned for this picture."
        )
    picture, scale = pictures.load(image)
    sheet = pictures.brightness(picture)
    sure = np.max(probabilities, axis=1, initial=0) >= doubtful
    fig, ax = figure(0.5 + WIDTH * sheet.shape[0] / sheet.shape[1], title, width=WIDTH)
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=1)
    ax.set_axis_off()
    for character, box, clear in zip(characters, np.asarray(boxes) / scale, sure, strict=True):
        _box(ax, box, character if clear else f"{character}?", clear)
    ax.set_title(f"{len(sure)} characters, {int((~sure).sum())} doubtful (dashed, ?)", fontsize=10)
    return fig


def _box(ax: Axes, box: np.ndarray, text: str, sure: bool) -> None:
    """Draw a box (left, top, right, bottom) with a text above."""
    left, top, right, bottom = box
    style = {"color": COLOURS[0], "linewidth": 0.8} if sure else {"color": "black", "linewidth": 2}
    corners = [left, right, right, left, left], [top, top, bottom, bottom, top]
    ax.plot(*corners, linestyle="-" if sure else "--", **style)
    patch = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
    weight = "normal" if sure else "bold"
    ax.text(left, top, text, va="bottom", fontsize=9, weight=weight, bbox=patch, clip_on=True)


def drawing(
    picture: Image.Image,
    seen: np.ndarray,
    predictions: Sequence[tuple[str, float]],
    title: str = "A drawing, and what the network makes of it",
) -> Figure:
    """A drawing, the 28 × 28 image that the network sees, and its most probable classes as bars.

    Args:
        picture: what was drawn.
        seen: uint8 (28, 28), white ink on black.
        predictions: name and predicted probability of each class shown, the most probable first.
        title: above the figure.

    Taught in notebook 20.
    """
    fig, axes = figure(3, title, columns=3)
    axes[0].imshow(picture, cmap="gray", vmin=0, vmax=255)
    axes[0].set_axis_off()
    axes[0].set_title("drawn", fontsize=10)
    show_ink(axes[1], seen)
    axes[1].set_title("seen: 28 × 28 pixels", fontsize=10)
    names, probabilities = zip(*predictions, strict=True)
    places = range(len(names))
    bars = axes[2].barh(places, probabilities, color=COLOURS[0], edgecolor="black")
    axes[2].bar_label(bars, fmt="{:.1%}", fontsize=8, padding=2)
    axes[2].set_yticks(places, names)
    axes[2].set(xlabel="predicted probability", ylabel="class")
    axes[2].set(xlim=(0, 1.25), ylim=(len(names) - 0.5, -1))
    return fig
