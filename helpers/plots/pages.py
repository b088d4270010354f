"""Figures of read handwriting: a page with its boxes, one drawing with its readings."""

from helpers.handwriting import pictures
from helpers.plots.style import COLOURS, figure, show_ink

import numpy as np

WIDTH = 9  # inches


def page(image, text, boxes, probabilities, doubtful=0.7, title="A page, as the network reads it"):
    """The page with a box around each character and its reading above; doubtful ones stand out.

    Doubtful ones have a thick dashed box and a question mark, so that they also differ in grey.

    Arguments: image: what `handwriting.read_page` was given; text, boxes, probabilities: what it
        returned; doubtful: the highest probability below which a reading is doubtful, 0 … 1.
    Returns: a matplotlib figure. Raises: ValueError where text and boxes do not fit together.
    Taught in notebook 13.
    """
    readings = "".join(text.split())
    if not len(readings) == len(boxes) == len(probabilities):
        found = f"{len(readings)}, {len(boxes)} and {len(probabilities)}"
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
    for reading, box, clear in zip(readings, np.asarray(boxes) / scale, sure, strict=True):
        _box(ax, box, reading if clear else f"{reading}?", clear)
    ax.set_title(f"{len(sure)} characters, {int((~sure).sum())} doubtful (dashed, ?)", fontsize=10)
    return fig


def _box(ax, box, text, sure):
    left, top, right, bottom = box
    style = {"color": COLOURS[0], "linewidth": 0.8} if sure else {"color": "black", "linewidth": 2}
    corners = [left, right, right, left, left], [top, top, bottom, bottom, top]
    ax.plot(*corners, linestyle="-" if sure else "--", **style)
    patch = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
    weight = "normal" if sure else "bold"
    ax.text(left, top, text, va="bottom", fontsize=9, weight=weight, bbox=patch, clip_on=True)


def drawing(picture, seen, readings, title="A drawing, and what the network makes of it"):
    """A drawing, the 28 × 28 image that the network sees, and its best readings as bars.

    Arguments: picture: a PIL image; seen: uint8 (28, 28); readings: list of (name, probability).
    Returns: a matplotlib figure. Taught in notebook 13.
    """
    fig, axes = figure(3, title, columns=3)
    axes[0].imshow(picture, cmap="gray", vmin=0, vmax=255)
    axes[0].set_axis_off()
    axes[0].set_title("drawn", fontsize=10)
    show_ink(axes[1], seen)
    axes[1].set_title("seen: 28 × 28 pixels", fontsize=10)
    names, values = zip(*readings, strict=True)
    bars = axes[2].barh(range(len(names)), values, color=COLOURS[0], edgecolor="black")
    axes[2].bar_label(bars, fmt="{:.1%}", fontsize=8, padding=2)
    axes[2].set_yticks(range(len(names)), names)
    axes[2].set(xlabel="probability", ylabel="reading", xlim=(0, 1.25), ylim=(len(names) - 0.5, -1))
    return fig
