"""The drawing pad: draw a character by mouse, pen, finger or keys, and see what a network reads.

It is an anywidget (https://anywidget.dev): pad.js and pad.css beside this file are what the browser
gets; the page to draw on, site/draw, runs the same.
"""

import base64
import html
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from helpers import handwriting
from helpers.handwriting.pictures import Unreadable
from helpers.internals import files
from helpers.plots import pages

import anywidget
import numpy as np
import traitlets
from IPython import display
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    import keras

SIDE, PEN = 280, 16  # pixels, as in pad.js

STORED = (
    ((96, 60), (94, 110), (95, 160), (93, 222)),
    ((94, 64), (130, 54), (166, 62), (178, 90), (164, 118), (130, 132), (98, 138)),
    ((124, 136), (150, 168), (176, 200), (196, 224)),
)
"""A drawing of the letter R, as strokes, for where nobody can draw."""


def draw(strokes: Iterable[Sequence[Sequence[float]]]) -> Image.Image:
    """Strokes as a picture, black on white.

    Args:
        strokes: lists of points (x, y), pixels, 0 … 280 from the upper left corner.

    Returns:
        A PIL image of mode "L", 280 × 280.
    """
    picture = Image.new("L", (SIDE, SIDE), 255)
    pen = ImageDraw.Draw(picture)
    for stroke in strokes:
        points = [tuple(point) for point in stroke]
        pen.line(points, fill=0, width=PEN, joint="curve")
        for point in points:
            pen.circle(point, PEN / 2, fill=0)
    return picture


KEPT = """<style>
.pad-kept p { font-family: monospace; margin: 2px 0; }
.pad-kept img { image-rendering: pixelated; width: 112px; }
.jp-OutputArea:has(.pad) .jp-OutputArea-child:has(.pad-kept),
.jp-OutputArea:has(.pad-kept) .jp-OutputArea-child:has(> .jupyter-widgets):not(:has(.pad)) {
  display: none;
}
</style>
"""
"""Of the pad and the picture that is kept of it JupyterLab shows one: the pad if it is there. In a
notebook that was opened again without a kernel the widget says "model not found" instead."""


def _picture(image: Image.Image, alt: str) -> str:
    """An image in HTML."""
    file = io.BytesIO()
    image.save(file, format="PNG")
    text = base64.b64encode(file.getvalue()).decode()
    return f'<img src="data:image/png;base64,{text}" alt="{alt}">'


class Pad(anywidget.AnyWidget):
    """A pad to draw on in JupyterLab. After each stroke it shows the five best predictions.

    A picture of it, with what was read, is kept in the notebook for when no kernel is there.

    Args:
        model: takes uint8 (n, 28, 28).
        classes: what its outputs stand for.
        style: as the images it was trained on were made, "emnist" or "mnist".
        signs: tells what is no character, as for `handwriting.read`; the pad then says so.

    Attributes:
        strokes: what is drawn, lists of [x, y].
        seen: 28 × 28 bytes, row by row, or none.
        predictions: [name, probability] of the five best, the best first.
        problem: why the drawing cannot be read, or "".

    Taught in notebook 20.
    """

    _esm = Path(__file__).with_name("pad.js")
    _css = Path(__file__).with_name("pad.css")
    strokes = traitlets.List().tag(sync=True)
    seen = traitlets.Bytes().tag(sync=True)
    predictions = traitlets.List().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        model: "keras.Model",
        classes: Sequence[str],
        style: str = "emnist",
        signs: "keras.Model | None" = None,
    ) -> None:
        self._read = lambda picture: handwriting.read(picture, model, classes, style, signs=signs)
        self._kept = None  # what shows the picture that is kept, once the pad is shown
        super().__init__()

    @property
    def picture(self) -> Image.Image:
        """What is drawn, as a PIL image of mode "L", 280 × 280."""
        return draw(self.strokes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the drawing to a PNG file, whole or not at all.

        Args:
            path: where to.
        """
        with files.whole(path) as part:
            self.picture.save(part, format="PNG")

    @traitlets.observe("strokes")
    def _answer(self, _: object) -> None:
        """Read what is drawn and tell the browser."""
        seen, predictions, problem = b"", [], ""
        if self.strokes:
            try:
                image, best = self._read(self.picture)
                seen, predictions = image.tobytes(), [list(one) for one in best]
            except Unreadable as error:
                problem = str(error)
        with self.hold_sync():
            self.seen, self.predictions, self.problem = seen, predictions, problem
        if self._kept:
            self._kept.update(self._as_html())

    def _as_html(self) -> display.HTML:
        """What is drawn and read, as it is kept in the notebook."""
        parts = [
            KEPT,
            '<div class="pad-kept">',
            _picture(self.picture.resize((112, 112)), "what was drawn"),
        ]
        if self.seen:
            image = Image.fromarray(np.frombuffer(self.seen, np.uint8).reshape(28, 28))
            parts.append(_picture(image, "28 × 28 pixels"))
        parts += [f"<p>{html.escape(name)} {share:.1%}</p>" for name, share in self.predictions]
        parts.append(f"<p>{html.escape(self.problem)}</p>" if self.problem else "")
        return display.HTML("".join(parts) + "<p>Run this cell to draw.</p></div>")

    def _ipython_display_(self) -> None:
        """Show the pad, and beside it, for later, the picture that is kept."""
        self._kept = display.display(self._as_html(), display_id=True)
        data, metadata = self._repr_mimebundle_()
        data["text/plain"] = "A drawing pad: run this cell to draw."
        display.display(data, metadata=metadata, raw=True)


def show(
    model: "keras.Model",
    classes: Sequence[str],
    style: str = "emnist",
    live: bool | None = None,
    signs: "keras.Model | None" = None,
) -> Pad | Figure:
    """The drawing pad where somebody can draw; elsewhere a stored drawing and its predictions.

    Args:
        model: as for `Pad`.
        classes: as for `Pad`.
        style: as for `Pad`.
        live: whether somebody can draw. None: in a notebook that JupyterLab or Jupyter's server
            runs, yes (it names the session to the kernel); where a program executes the notebook,
            no.
        signs: as for `Pad`.

    Taught in notebook 20.
    """
    if live is None:
        live = "JPY_SESSION_NAME" in os.environ
    if live:
        return Pad(model, classes, style, signs)
    picture = draw(STORED)
    seen, predictions = handwriting.read(picture, model, classes, style, signs=signs)
    return pages.drawing(picture, seen, predictions)
