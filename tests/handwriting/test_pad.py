"""The drawing pad, its Python side: strokes that a browser would send are read and answered."""

import base64
import io
import re
from pathlib import Path

from helpers import handwriting
from helpers.handwriting import conversion, pad

import matplotlib.figure
import numpy as np
import pytest
import written
from PIL import Image

CLASSES = tuple("0R7il")
SLANT = [[100, 60], [180, 220]]


@pytest.fixture(scope="module")
def model():
    return written.Nearest(handwriting.prepare, CLASSES)


@pytest.fixture
def drawn(model):
    """A pad with the stored R on it."""
    made = pad.Pad(model, CLASSES)
    made.strokes = [[list(point) for point in stroke] for stroke in pad.STORED]
    return made


def test_strokes_are_answered_by_the_image_seen_and_five_predictions(drawn):
    expected = handwriting.prepare(pad.draw(pad.STORED))
    assert np.array_equal(np.frombuffer(drawn.seen, np.uint8).reshape(28, 28), expected)
    assert len(drawn.predictions) == 5 and drawn.predictions[0][0] == "R" and drawn.problem == ""
    values = [probability for _, probability in drawn.predictions]
    assert values == sorted(values, reverse=True) and sum(values) == pytest.approx(1)


def test_undo_and_clear_are_answered_too(drawn):
    with_leg = drawn.seen
    drawn.strokes = drawn.strokes[:-1]
    assert drawn.seen != with_leg
    drawn.strokes = []
    assert (drawn.seen, drawn.predictions, drawn.problem) == (b"", [], "")


class Refusing:
    """Tells signs: everything is one."""

    def predict(self, images, **_):
        return np.ones((len(images), 1))


def test_a_sign_is_refused_on_the_pad_where_a_network_tells_it(model):
    made = pad.Pad(model, CLASSES, signs=Refusing())
    made.strokes = [[list(point) for point in stroke] for stroke in pad.STORED]
    assert made.predictions == [] and "looks like a sign" in made.problem
    with pytest.raises(handwriting.pictures.NotACharacter):
        pad.show(model, CLASSES, live=False, signs=Refusing())


def test_what_cannot_be_read_is_said_and_the_last_answer_goes(drawn):
    drawn.strokes = [[[30, 30], [30, 250]], [[250, 30], [250, 250]]]
    assert "Expected one character, found 2" in drawn.problem
    assert (drawn.seen, drawn.predictions) == (b"", [])
    drawn.strokes = [SLANT]
    assert drawn.problem == "" and drawn.predictions


def test_the_style_reaches_the_image(model):
    seen = {}
    for style in conversion.STYLES:
        made = pad.Pad(model, CLASSES, style)
        made.strokes = [SLANT]
        seen[style] = made.seen
    assert seen["mnist"] != seen["emnist"]


def test_a_stroke_of_one_point_is_a_dot_and_strokes_have_round_ends():
    dot = np.asarray(pad.draw([[(100, 150)]])) < 128
    rows, columns = np.nonzero(dot)
    assert rows.mean() == pytest.approx(150, abs=1) and columns.mean() == pytest.approx(100, abs=1)
    assert dot.sum() == pytest.approx(np.pi * (pad.PEN / 2) ** 2, rel=0.15)
    line = np.asarray(pad.draw([[(100, 150), (200, 150)]])) < 128
    assert np.ptp(np.nonzero(line)[1]) + 1 == pytest.approx(100 + pad.PEN, abs=2)


def test_a_drawing_is_saved_whole_and_reads_the_same(drawn, tmp_path):
    drawn.save(tmp_path / "r.png")
    assert [path.name for path in tmp_path.iterdir()] == ["r.png"]
    assert np.array_equal(np.asarray(Image.open(tmp_path / "r.png")), np.asarray(drawn.picture))
    again = handwriting.prepare(tmp_path / "r.png")
    assert np.array_equal(np.frombuffer(drawn.seen, np.uint8), again.ravel())


def test_a_drawing_that_cannot_be_saved_leaves_nothing(drawn, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("no space")

    monkeypatch.setattr(pad.os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        drawn.save(tmp_path / "r.png")
    assert list(tmp_path.iterdir()) == []


def test_the_browser_gets_the_same_sheet_and_pen():
    script = (Path(pad.__file__).parent / "pad.js").read_text(encoding="utf-8")
    assert f"const SIDE = {pad.SIDE};" in script and f"const PEN = {pad.PEN};" in script
    assert "import " not in script  # JupyterLab gets this file alone
    synced = [name for name in pad.Pad.class_traits(sync=True) if not name.startswith("_")]
    for name in {"strokes", "seen", "predictions", "problem"} & set(synced):
        assert f'"{name}"' in script or f"change:{name}" in script
    assert {"strokes", "seen", "predictions", "problem"} <= set(synced)


@pytest.fixture
def shown(monkeypatch):
    """What is shown in a notebook, in order; a picture that is kept takes the place of the last."""
    outputs = []

    class Handle:
        def __init__(self, place):
            self.place = place

        def update(self, item):
            outputs[self.place] = item.data

    def display(item, display_id=None, metadata=None, raw=False):
        outputs.append(item if raw else item.data)
        return Handle(len(outputs) - 1) if display_id else None

    monkeypatch.setattr(pad.display, "display", display)
    return outputs


def test_a_picture_of_the_pad_is_kept_in_the_notebook(model, shown):
    made = pad.Pad(model, (*CLASSES[:2], "<", *CLASSES[3:]))
    made._ipython_display_()
    kept, widget = shown
    assert widget["application/vnd.jupyter.widget-view+json"]["model_id"] == made.model_id
    assert "Run this cell" in kept and "<p>R " not in kept
    made.strokes = [[list(point) for point in stroke] for stroke in pad.STORED]
    kept, widget = shown
    drawn, seen = (
        Image.open(io.BytesIO(base64.b64decode(text)))
        for text in re.findall(r"base64,([^\"]+)", kept)
    )
    assert np.asarray(drawn).min() == 0 and drawn.size == (112, 112)
    assert np.array_equal(np.asarray(seen).ravel(), np.frombuffer(made.seen, np.uint8))
    assert re.search(r"</style>.*<p>R \d+\.\d%</p>", kept, re.DOTALL) and "<p>&lt; " in kept


def test_the_pad_hides_its_picture_and_the_picture_what_has_no_pad(model, shown):
    pad.Pad(model, CLASSES)._ipython_display_()
    rules = re.findall(r"^\.jp-OutputArea:has\((.*?)\) (.*?)[,{]", shown[0], re.MULTILINE)
    (pad_there, picture), (picture_there, error) = rules
    assert (pad_there, picture) == (".pad", ".jp-OutputArea-child:has(.pad-kept)")
    assert picture_there == ".pad-kept" and ":not(:has(.pad))" in error


@pytest.mark.parametrize("session, kind", [(None, matplotlib.figure.Figure), ("a.ipynb", pad.Pad)])
def test_where_nobody_can_draw_a_stored_drawing_is_shown(model, monkeypatch, session, kind):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if session:
        monkeypatch.setenv("JPY_SESSION_NAME", session)
    assert isinstance(pad.show(model, CLASSES), kind)


def test_live_overrides_what_the_surroundings_say(model, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    figure = pad.show(model, CLASSES, live=False)
    names = figure.axes[2].get_yticklabels()
    assert names[0].get_text() == "R"
    assert isinstance(pad.show(model, CLASSES, live=True), pad.Pad)
