"""Characters and pages of them, from matplotlib's fonts, as if written and photographed."""

from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def glyph(letter, size=60, font="DejaVuSans", pen=0):
    """A character, 255 ink on 0, cropped; `size` is the height of an E in pixels."""
    face = ImageFont.truetype(FOLDER / f"{font}.ttf", round(size / 0.73))
    sheet = Image.new("L", (4 * size, 4 * size))
    ImageDraw.Draw(sheet).text(
        (2 * size, 2 * size), letter, 255, face, anchor="ms", stroke_width=pen
    )
    left, top, right, bottom = sheet.getbbox()
    return sheet.crop((left, top, right, bottom)), bottom - 2 * size


def lines(strokes, width=8):
    """Strokes, lists of points (x, y), as a scan of 128 × 128 pixels, bool."""
    sheet = Image.new("1", (128, 128))
    for stroke in strokes:
        ImageDraw.Draw(sheet).line(stroke, fill=1, width=width, joint="curve")
    return np.array(sheet)


def picture(
    letter, size=120, sheet=(300, 225), at=(0.5, 0.5), font="DejaVuSans", paper=0.85, dark=0.2
):
    """One character on a sheet (width, height), brightness float32 (height, width), 0 … 1."""
    ink, _ = glyph(letter, size, font)
    layer = Image.new("L", sheet)
    corner = [
        round(share * side - part / 2)
        for share, side, part in zip(at, sheet, ink.size, strict=True)
    ]
    layer.paste(ink, corner)
    ink = np.asarray(layer, np.float32) / 255
    return paper - (paper - dark) * ink


def page(
    lines,
    size=50,
    sheet=(1600, 1200),
    gap=0.35,
    space=1.2,
    leading=2.2,
    seed=0,
    font="DejaVuSans",
    start=(100, 120),
    closed=0,
):
    """A page of text: ink float32 (height, width), 0 … 1, and boxes (n, 4) in reading order.

    gap, space: between characters and further between words; leading: between lines; by `size`.
    closed: the share of gaps inside words that are none: the letters touch.
    """
    rng = np.random.default_rng(seed)
    layer, boxes = Image.new("L", sheet), []
    for number, line in enumerate(lines):
        x, base, word = start[0], start[1] + number * leading * size, False
        for letter in line:
            if letter == " ":
                x, word = x + space * size, False
                continue
            ink, drop = glyph(letter, max(8, round(size * rng.uniform(0.92, 1.08))), font)
            left, bottom = round(x), round(base + drop + size * rng.uniform(-0.05, 0.05))
            if closed and word and rng.random() < closed:
                left = _touching(layer, ink, left, bottom - ink.height) - 2
                x = left
            word = True
            box = left, bottom - ink.height, left + ink.width, bottom
            layer.paste(255, box, ink)
            boxes.append(box)
            x += ink.width + gap * size * rng.uniform(0.8, 1.2)
    return np.asarray(layer, np.float32) / 255, np.array(boxes)


def _touching(layer, ink, left, top):
    """How far left a character has to go until its ink touches what is on the page."""
    page, drawn = np.asarray(layer) > 127, np.asarray(ink) > 127
    while left and not (page[top:, left:][: ink.height, : ink.width] & drawn).any():
        left -= 1
    return left


def photograph(ink, paper=0.85, dark=0.25, shadow=0.0, ruling=None, noise=0.0, angle=0.0, seed=0):
    """Ink on paper as a camera sees it: a PIL image of mode "L".

    shadow: light lost from left to right, and again below a slanting edge; ruling: "ruled" or
    "squared"; noise: standard deviation; angle: degrees that lines fall to the right.
    """
    height, width = ink.shape
    lines = np.zeros_like(ink)
    if ruling:
        lines[40::70] = lines[41::70] = 0.35
    if ruling == "squared":
        lines[:, 30::70] = lines[:, 31::70] = 0.35
    sheet = paper - (paper - dark) * np.maximum(ink, lines)
    turned = Image.fromarray(sheet).rotate(-angle, Image.Resampling.BICUBIC, fillcolor=paper)
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    light = (1 - shadow * x) * np.where(x + y > 1.3, 1 - shadow, 1)
    seen = np.asarray(turned) * light + np.random.default_rng(seed).normal(0, noise, ink.shape)
    return Image.fromarray(np.round(255 * np.clip(seen, 0, 1)).astype(np.uint8))


def turned(boxes, shape, angle):
    """The boxes on a sheet (h, w) after `photograph` turned it, around what they held: (n, 4)."""
    centre = np.array([shape[1], shape[0]]) / 2
    corners = boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]] - centre
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    corners = corners @ np.array([[cosine, sine], [-sine, cosine]]) + centre
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


class Nearest:
    """Stands in for a trained model: compares with each class's glyph, prepared in the same way."""

    def __init__(self, prepare, classes, font="DejaVuSans"):
        glyphs = [prepare(picture(name, font=font)) for name in classes]
        self.known = np.stack(glyphs).reshape(len(glyphs), -1) / 255

    def predict(self, images, **_):
        images = images.reshape(len(images), 1, -1) / 255
        scores = np.exp(-np.square(images - self.known).sum(axis=2))
        return scores / scores.sum(axis=1, keepdims=True)
