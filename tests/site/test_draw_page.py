"""The page to draw on, built, served on this machine and driven in a browser."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

from helpers import data, handwriting
from helpers.archives import photographs
from helpers.internals.backend import keras

import browsers
import nbformat
import numpy as np
import pytest
import written
from PIL import Image

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).with_name("draw")
CHECKS = 17  # so many does checks.mjs make


tools = pytest.fixture(scope="module")(browsers.tools)


@pytest.fixture(scope="module")
def built(tools, tmp_path_factory):
    """run(script, …) drives the page, which was built in a folder."""
    site = tmp_path_factory.mktemp("site")
    (site / "_static").mkdir()
    shutil.copy(ROOT / "site" / "_static" / "icon.svg", site / "_static")
    done = browsers.python(
        f"import drawing, pathlib; drawing.save(pathlib.Path({str(site / 'draw')!r}))"
    )
    assert (done.returncode, done.stderr) == (0, "")  # "make site" is quiet

    def run(script, *arguments):
        return browsers.javascript(
            tools, HERE / script, site, tools.modules, tools.browser, *arguments
        )

    return SimpleNamespace(run=run)


@pytest.fixture(scope="module")
def checked(built, tmp_path_factory):
    """What each check in the browser found, by name, and the folder of downloads."""
    folder = tmp_path_factory.mktemp("downloads")
    ink = np.zeros((700, 900), np.float32)
    glyph = np.float32(written.glyph("R", 160, pen=4)[0]) / 255
    ink[300 : 300 + len(glyph), 500 : 500 + len(glyph[0])] = glyph
    written.photograph(ink, shadow=0.3, ruling="ruled", noise=0.01).save(folder / "photo.png")
    found = built.run("checks.mjs", folder / "photo.png", folder)
    return SimpleNamespace(found={one["name"]: one for one in found}, folder=folder)


def test_the_browser_finds_nothing_wrong(checked, capsys):
    found = checked.found
    assert {name: one["problem"] for name, one in found.items() if one["problem"]} == {}
    assert len(found) == CHECKS
    with capsys.disabled():
        for one in filter(lambda one: one.get("measured"), found.values()):
            print(f"\n{one['name']}: {one['measured']}", end="")


def test_the_file_of_kept_characters_is_read_as_photographs_are(checked):
    kept = photographs.load(checked.folder / "my_characters.zip")
    names = [data.CLASSES["emnist/byclass"][label] for label in kept.labels]
    assert names == ["7", "R", "R"] and not kept.sample
    for picture, saved in zip(kept.pictures, ("7.png", "R.png", "R2.png"), strict=True):
        seen = np.asarray(Image.open(checked.folder / saved).convert("L"), int)
        assert seen.shape == (28, 28)
        assert (np.abs(handwriting.prepare(picture) - seen) <= 2).mean() >= 0.995


# --- the network in the browser, and in Keras -------------------------------------------------


def compare(built, folder, images):
    """The share of images to which both give the same class; their other figures are the same."""
    network = keras.saving.load_model(ROOT / "notebooks" / "networks" / "byclass.keras")
    expected = np.concatenate(
        [network.predict_on_batch(images[i : i + 500]) for i in range(0, len(images), 500)]
    )
    (folder / "images").write_bytes(images.tobytes())
    found = built.run("probabilities.mjs", folder / "images")
    cnn = network.get_layer("digit_cnn")
    first = keras.Model(cnn.inputs, cnn.get_layer("conv_1_activation").output)
    maps = first.predict_on_batch(images[:1])
    np.testing.assert_allclose(found[0]["maps"], np.ravel(maps), rtol=1e-3, atol=1e-4)
    shares = expected[np.arange(len(images)), [one["best"] for one in found]]
    np.testing.assert_allclose([one["share"] for one in found], shares, rtol=1e-3, atol=1e-4)
    return np.mean([one["best"] for one in found] == expected.argmax(axis=1))


def test_the_network_says_in_the_browser_what_it_says_in_keras(built, tmp_path):
    pictures = photographs.load(rendered=True).pictures[::10]
    images = np.stack([handwriting.prepare(picture) for picture in pictures])
    assert compare(built, tmp_path, images) == 1


@pytest.mark.real_data
def test_5000_test_images_get_the_class_that_keras_gives(built, tmp_path):
    images = np.ascontiguousarray(data.load("emnist/byclass").test.images[:5000])
    assert len(images) == 5000
    assert compare(built, tmp_path, images) >= 0.999


# --- the same pad in JupyterLab ---------------------------------------------------------------

CELL = """
import written
from helpers import handwriting
from helpers.handwriting import pad
pad.show(written.Nearest(handwriting.prepare, tuple("IL07T")), tuple("IL07T"))
"""


@pytest.fixture
def lab(tmp_path):
    """JupyterLab on a port of this machine, with settings of its own, in a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {"HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "settings")}
    paths = f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'tools'}"
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser"]
    command += [f"--port={port}", "--IdentityProvider.token=drawn", "--ServerApp.port_retries=0"]
    command += ["--ServerApp.disable_check_xsrf=True", f"--ServerApp.root_dir={tmp_path}"]
    with open(tmp_path / "log", "w", encoding="utf-8") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | places | {"PYTHONPATH": paths}
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:  # asked to end, it may wait for kernels that are gone; kernels end when it has
        server.kill()
        server.wait()


def test_the_pad_in_jupyterlab_and_what_a_notebook_keeps_of_it(tools, lab, tmp_path):
    notebook = tmp_path / "drawn.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    cells = [nbformat.v4.new_code_cell(CELL)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), notebook)
    for _ in range(180):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{lab}/api", timeout=5).close()
            break
        time.sleep(1)
    browsers.javascript(
        tools, HERE / "lab.mjs", tools.modules, tools.browser, lab, "drawn", notebook
    )
