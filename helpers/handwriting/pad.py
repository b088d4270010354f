"""The drawing pad: draw a character by mouse, pen or finger, and see what a network reads.

It is an anywidget (https://anywidget.dev): pad.js beside this file is what the browser runs.
"""

import os
from pathlib import Path

from helpers import files, handwriting
from helpers.handwriting.pictures import Unreadable
from helpers.plots import pages

import anywidget
import numpy as np
import traitlets
from PIL import Image, ImageDraw

SIDE, PEN = 280, 16  # pixels, as in pad.js

STORED = (
    ((96, 60), (94, 110), (95, 160), (93, 222)),
    ((94, 64), (130, 54), (166, 62), (178, 90), (164, 118), (130, 132), (98, 138)),
    ((124, 136), (150, 168), (176, 200), (196, 224)),
)
"""A drawing of the letter R, as strokes, for where nobody can draw."""


def draw(strokes):
    """Strokes as a picture, black on white.

    Arguments: strokes: lists of points (x, y), pixels, 0 … 280 from the upper left corner.
    Returns: a PIL image of mode "L", 280 × 280.
    """
    picture = Image.new("L", (SIDE, SIDE), 255)
    pen = ImageDraw.Draw(picture)
    for stroke in strokes:
        points = [tuple(point) for point in stroke]
        pen.line(points, fill=0, width=PEN, joint="curve")
        for point in points:
            pen.circle(point, PEN / 2, fill=0)
    return picture


class Pad(anywidget.AnyWidget):
    """A pad to draw on in JupyterLab. After each stroke it shows the five best readings.

    Arguments: model: a keras.Model that takes uint8 (n, 28, 28); classes: what its outputs stand
        for; style: as the images it was trained on were made, "emnist" or "mnist".
    Taught in notebook 13.
    """

    _esm = Path(__file__).with_name("pad.js")
    strokes = traitlets.List().tag(sync=True)  # of lists of [x, y]
    seen = traitlets.Bytes().tag(sync=True)  # 28 × 28 bytes, row by row, or none
    readings = traitlets.List().tag(sync=True)  # of [name, probability], the best first
    problem = traitlets.Unicode().tag(sync=True)  # why the drawing cannot be read, or ""

    def __init__(self, model, classes, style="emnist"):
        self._read = lambda picture: handwriting.read(picture, model, classes, style)
        super().__init__()

    @property
    def picture(self):
        """What is drawn, as a PIL image of mode "L", 280 × 280."""
        return draw(self.strokes)

    def save(self, path):
        """Write the drawing to a PNG file, whole or not at all."""
        with files.whole(path) as part:
            self.picture.save(part, format="PNG")

    @traitlets.observe("strokes")
    def _answer(self, _):
        """Read what is drawn and tell the browser."""
        seen, readings, problem = b"", [], ""
        if self.strokes:
            try:
                image, best = self._read(self.picture)
                seen, readings = image.tobytes(), [list(one) for one in best]
            except Unreadable as error:
                problem = str(error)
        with self.hold_sync():
            self.seen, self.readings, self.problem = seen, readings, problem


def show(model, classes, style="emnist", live=None):
    """The drawing pad where somebody can draw; elsewhere a stored drawing and its readings.

    Arguments: model, classes, style: as for `Pad`; live: whether somebody can draw. None: in a
        notebook that JupyterLab or Jupyter's server runs, yes (it names the session to the kernel);
        where a program executes the notebook, no.
    Returns: a Pad, or a matplotlib figure. Taught in notebook 13.
    """
    if live is None:
        live = "JPY_SESSION_NAME" in os.environ
    if live:
        return Pad(model, classes, style)
    picture = draw(STORED)
    seen, readings = handwriting.read(picture, model, classes, style)
    return pages.drawing(picture, np.asarray(seen), readings)
