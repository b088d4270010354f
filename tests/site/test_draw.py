"""The page to draw on prepares pictures as the package does; its file of characters is read."""

import json
import shutil
import struct
import subprocess
from pathlib import Path

from helpers import handwriting
from helpers.archives import photographs
from helpers.handwriting import pad
from helpers.handwriting.pictures import Unreadable

import numpy as np
import pytest
import site_files
import written
from PIL import Image

NODE = shutil.which("node")
ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).with_name("draw")
NEAR, MOST = 2, 0.995
"""Grey levels that two images may differ by, on this share of their pixels."""

needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed: no JavaScript runs")


def prepared(folder, some):
    """What the page makes of PIL images: uint8 (28, 28) or the name of an error, for each."""
    with open(folder / "pictures", "wb") as file:
        for picture in some:
            file.write(struct.pack("<II", *picture.size) + picture.convert("RGBA").tobytes())
    command = [NODE, HERE / "prepared.mjs", folder / "pictures"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    images = json.loads(done.stdout)
    return [one if isinstance(one, str) else np.uint8(one).reshape(28, 28) for one in images]


def expected(picture):
    """What the package makes of it."""
    try:
        return handwriting.prepare(picture)
    except Unreadable as error:
        return type(error).__name__


def check_alike(folder, some):
    """Compare what the page and the package make of pictures, all together; how many are images."""
    ours, theirs = [expected(one) for one in some], prepared(folder, some)
    kinds = [[one if isinstance(one, str) else "image" for one in side] for side in (ours, theirs)]
    assert kinds[1] == kinds[0]
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if not isinstance(a, str)]
    near = np.mean([abs(a.astype(int) - b.astype(int)) <= NEAR for a, b in pairs])
    assert near >= MOST, f"{near:.4f} of {len(pairs)} images"
    return len(pairs)


@needs_node
@pytest.mark.real_data
def test_500_photographs_become_the_same_images(tmp_path):
    photos = photographs.load()
    some = np.random.default_rng(0).choice(len(photos), 500, replace=False)
    assert check_alike(tmp_path, [photos.pictures[k] for k in some]) >= 495


@needs_node
def test_rendered_photographs_become_the_same_images(tmp_path):
    assert check_alike(tmp_path, photographs.load(rendered=True).pictures[::4]) >= 150


def sheets():
    """Large pictures: light, ruling, grain, colours, transparency; dots; what cannot be read."""
    g, i, k, a = (written.picture(letter) for letter in "gikA")
    as_bytes = {name: np.uint8(255 * one) for name, one in zip("gika", (g, i, k, a), strict=True)}
    ink = np.zeros((900, 1400), np.float32)
    glyph = np.float32(written.glyph("B", 130)[0]) / 255
    ink[500 : 500 + len(glyph), 900 : 900 + len(glyph[0])] = glyph
    large = {
        "shadow, grain": written.photograph(ink, shadow=0.4, noise=0.01),
        "ruled": written.photograph(ink, ruling="ruled", noise=0.005),
        "squared": written.photograph(ink, ruling="squared"),
        "huge": written.photograph(np.kron(ink, np.ones((2, 2), np.float32)), shadow=0.2),
    }
    colour = np.stack([200 - as_bytes["k"] // 2, 90 + as_bytes["k"] // 3, as_bytes["k"]], axis=2)
    clear = Image.new("RGBA", (300, 225), (10, 80, 160, 0))
    clear.putalpha(Image.fromarray(255 - as_bytes["a"]))
    two = np.maximum(ink, np.roll(ink, -400, axis=1))
    return large | {
        "dot far from its stem": Image.fromarray(as_bytes["i"]),
        "light on dark": Image.fromarray(255 - as_bytes["g"]),
        "colours": Image.fromarray(colour),
        "transparent": clear,
        "drawn": pad.draw(pad.STORED),
        "drawn small": pad.draw([[(20 + x / 6, 220 + y / 6) for x, y in s] for s in pad.STORED]),
        "cut off": Image.fromarray(as_bytes["g"][40:190, 90:210]),
        "blank": Image.new("L", (280, 280), 255),
        "two": written.photograph(two),
        "tiny": Image.new("L", (5, 7), 255),
        "nothing opaque": Image.new("RGBA", (40, 40), (0, 0, 0, 0)),
        "a wave": pad.draw([[(20 + 20 * k, 140 + 14 * (-1) ** k) for k in range(13)]]),
        "a word": Image.fromarray(np.uint8(255 * written.picture("mmm", 60))),
        "a step": Image.fromarray(
            np.uint8(np.where(np.arange(200) < 90, 60, 200) * np.ones((150, 1)))
        ),
        "a shade": Image.radial_gradient("L"),
    }


@needs_node
def test_sheets_of_all_kinds_become_the_same_images_or_errors(tmp_path):
    some = sheets()
    ours, theirs = [expected(one) for one in some.values()], prepared(tmp_path, some.values())
    errors = {one for one in ours if isinstance(one, str)}
    assert errors >= {"NoInk", "SeveralCharacters", "TooSmall"}
    for name, a, b in zip(some, ours, theirs, strict=True):
        if isinstance(a, str) or isinstance(b, str):
            assert (name, a) == (name, b)
        else:
            near = (abs(a.astype(int) - b.astype(int)) <= NEAR).mean()
            assert near >= MOST, f"{name}: {near:.4f}"


@needs_node
def test_the_steps_are_those_of_the_package():
    script = "import('./site/draw/prepare.js').then(async ({prepare}) => {"
    script += "const seen = new Set(); const data = new Uint8ClampedArray(4 * 6400).fill(255);"
    script += "for (let y = 20; y < 60; y++) for (let x = 36; x < 44; x++)"
    script += " data.fill(0, 4 * (80 * y + x), 4 * (80 * y + x) + 3);"
    script += "prepare({width: 80, height: 80, data}, (name) => seen.add(name));"
    script += "console.log(JSON.stringify([...seen])); });"
    done = subprocess.run(
        [NODE, "-e", script], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    assert json.loads(done.stdout) == ["picture", *handwriting.STEPS]


# --- what builds the page ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawing():
    """site/drawing.py, as a module."""
    pytest.importorskip("keras")
    return site_files.load("drawing")


def test_without_npm_it_is_said_what_to_install(drawing, tmp_path, monkeypatch):
    monkeypatch.setattr(drawing.shutil, "which", lambda _: None)
    with pytest.raises(RuntimeError, match=r"expected npm.*found none.*Node\.js"):
        drawing.packages(tmp_path / "npm")


def test_packages_are_fetched_once_and_again_when_others_are_pinned(drawing, tmp_path, monkeypatch):
    source, calls = tmp_path / "site" / "draw", []
    source.mkdir(parents=True)
    (source / "package.json").write_text("{}", encoding="utf-8")
    (source / "package-lock.json").write_text("first", encoding="utf-8")

    def run(command, **_):
        calls.append(command)
        return subprocess.CompletedProcess(command, failing, "", "no network")

    monkeypatch.setattr(drawing.shutil, "which", lambda _: "npm")
    monkeypatch.setattr(drawing.subprocess, "run", run)
    failing = 1
    with pytest.raises(RuntimeError, match="no network"):
        drawing.packages(tmp_path / "npm", root=tmp_path)
    failing = 0
    for _ in range(2):
        assert drawing.packages(tmp_path / "npm", root=tmp_path).name == "node_modules"
    assert len(calls) == 2 and "ci" in calls[1] and "--omit=dev" in calls[1]
    drawing.packages(tmp_path / "npm", tests=True, root=tmp_path)
    assert len(calls) == 3 and "--omit=dev" not in calls[2]
    drawing.packages(tmp_path / "npm", root=tmp_path)  # has all that it needs
    assert len(calls) == 3
    (source / "package-lock.json").write_text("second", encoding="utf-8")
    drawing.packages(tmp_path / "npm", root=tmp_path)
    assert len(calls) == 4


PAGES = {"site": "draw/", "site/api": "../draw/", "notebooks": "../site/draw/"}


@pytest.mark.parametrize("folder", PAGES)
def test_a_link_to_the_page_stays_a_link(tmp_path, folder):
    conf = site_files.load("conf")
    up = "" if folder == "site" else "../"
    found = conf.linked(f"[draw]({PAGES[folder]}index.html)", folder, tmp_path)
    assert found == f'<a href="{up}draw/index.html">draw</a>'


def test_packages_are_pinned_by_hash_and_name_no_server():
    text = (ROOT / "site" / "draw" / "package-lock.json").read_text(encoding="utf-8")
    packages = {name: one for name, one in json.loads(text)["packages"].items() if name}
    assert "node_modules/@litertjs/core" in packages and "://" not in text
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
