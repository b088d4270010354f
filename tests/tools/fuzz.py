"""Feed handwriting damaged, tiny, huge, blank, inverted and rotated pictures, in bounded memory.

fuzz.py COUNT [SEED]: prints as JSON how often each outcome came.
Ends with a traceback where anything else than an image or a named error comes.
"""

import collections
import io
import json
import resource
import sys
import tempfile
from pathlib import Path

from helpers import handwriting
from helpers.handwriting import pictures

import numpy as np
import psutil
import written
from PIL import Image

MEMORY = 1_500_000_000  # bytes beyond what the imports take: Pillow alone needs 4 for each pixel
CLASSES = tuple("abc")
FILES = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
DTYPES = (bool, np.uint8, np.int8, np.uint16, np.int32, np.int64, np.float16, np.float32, float)


class Guess:
    """A model that finds all classes equally likely."""

    def predict(self, images, **_):
        return np.full((len(images), len(CLASSES)), 1 / len(CLASSES))


def tiny(rng, glyphs):
    """A small picture of something, uint8 (h, w)."""
    shape = rng.integers(1, 28, 2)
    kind = rng.integers(6)
    if kind == 0:
        return np.full(shape, rng.integers(256), np.uint8)
    if kind == 1:
        return rng.integers(0, 256, shape).astype(np.uint8)
    if kind == 2:
        return (rng.random(shape) < rng.random() ** 3).astype(np.uint8) * 255
    glyph = glyphs[rng.integers(len(glyphs))].rotate(rng.uniform(-180, 180), expand=True)
    glyph = np.asarray(glyph.resize(shape[::-1] + rng.integers(0, 8, 2)), float)
    glyph = 255 - glyph if kind == 3 else glyph
    light = rng.uniform(0.1, 1) * np.linspace(1, rng.uniform(0, 1), glyph.shape[1])
    noise = rng.normal(0, rng.choice([0, 3, 40]), glyph.shape)
    return np.clip(glyph * light + noise, 0, 255).astype(np.uint8)


def array(rng, picture):
    """The picture as an array of some type and number of channels, sometimes broken."""
    values = picture.astype(DTYPES[rng.integers(len(DTYPES))])
    if rng.random() < 0.4:
        values = np.repeat(values[:, :, None], rng.integers(1, 6), axis=2)
    if values.dtype.kind == "f" and rng.random() < 0.5:
        values = values / 255 if rng.random() < 0.5 else values - 128
        values.flat[rng.integers(values.size)] = rng.choice([np.nan, np.inf, -1e4, 0])
    return values


def file(rng, picture, path):
    """The picture in a file of some format, often damaged."""
    mode = rng.choice(["L", "RGB", "P", "1", "RGBA"])
    made, kind = io.BytesIO(), rng.choice(FILES)
    image = Image.fromarray(picture).convert(mode)
    if kind in ("JPEG", "PPM") and mode in ("P", "RGBA"):
        image = image.convert("RGB")
    image.save(made, kind)
    data = bytearray(made.getvalue())
    damage = rng.integers(4)
    if damage == 1:
        del data[rng.integers(len(data)) :]
    for _ in range(rng.integers(1, 9) if damage > 1 else 0):
        data[rng.integers(min(len(data), 60) if damage == 2 else len(data))] = rng.integers(256)
    path.write_bytes(data)
    return path


def huge(path):
    """A few pictures at the limits; the largest ones are what telephones take."""
    yield Image.new("L", (8160, 6120), 200)
    yield np.broadcast_to(np.uint16(30_000), (6120, 8160))
    yield np.ones((1, 3_000_000), np.float32)
    yield np.ones((9000, 9000), np.uint8)
    for mode, name in (("RGB", "a.jpg"), ("P", "a.png"), ("RGBA", "b.png")):
        Image.new(mode, (8160, 6120)).save(path / name, compress_level=1)
        yield path / name


def outcome(image, page):
    """What comes of a picture: "image", "text", or the name of the error."""
    try:
        if page:
            text, boxes, probabilities = handwriting.read_page(image, Guess(), CLASSES)
            assert len("".join(text.split())) == len(boxes) == len(probabilities)
            return "text"
        made = handwriting.prepare(image, "mnist" if page is None else "emnist")
        assert made.shape == (28, 28) and made.dtype == np.uint8 and made.max() == 255
        return "image"
    except pictures.Unreadable as error:
        assert "xpected" in str(error)
        return type(error).__name__


def limit_memory():
    """Let this process take `MEMORY` more than now; only Linux enforces such a limit."""
    if sys.platform == "linux":
        most = psutil.Process().memory_info().vms + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(count, seed=0):
    """Try `count` pictures and the huge ones."""
    rng = np.random.default_rng(seed)
    glyphs = [written.glyph(letter, 24)[0] for letter in "aB8ilW"]
    found = collections.Counter()
    limit_memory()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            picture = tiny(rng, glyphs)
            made = array(rng, picture) if number % 2 else file(rng, picture, Path(folder, "a"))
            found[outcome(made, (False, None, False, True)[number // 2 % 4])] += 1
        for number, image in enumerate(huge(Path(folder))):
            found["huge: " + outcome(image, page=bool(number % 2))] += 1
    print(json.dumps(found))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
