"""Whatever is damaged in a file, it loads right or the error says which file is damaged."""

import io
import json
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

from helpers.archives import datasets, download, photographs

import pytest
import tiny
from PIL import Image

SCRIPT = Path(__file__).with_name("damage.py")
FULL = {"IDX": 8000, "gzip": 6000, "zip": 8000, "photographs": 2000}


def load(name):
    return download.unpacked(name, datasets.CLASSES[name])


@pytest.mark.parametrize("kind", FULL)
def test_a_file_damaged_at_random_loads_right_or_is_named(kind, tally, trials):
    """In a process of its own, whose memory is bounded."""
    environment = {key: value for key, value in os.environ.items() if key != "COURSE_DATA"}
    seen = subprocess.run(
        [sys.executable, SCRIPT, kind, str(trials(FULL[kind]))],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        check=False,
    )
    assert seen.returncode == 0, seen.stderr
    made = json.loads(seen.stdout.splitlines()[-1])
    for outcome, count in sorted(made["outcomes"].items(), reverse=True):
        words = f"{count} such as {made['lost']}" if outcome == "lost" else outcome
        tally(f"damaged {kind}", words, count)
    assert sum(made["outcomes"].values()) == trials(FULL[kind])


@pytest.mark.parametrize("count", [2**31 - 1, -2, -1, 10_000_001])
def test_no_header_makes_a_load_take_memory(count, letters):
    """A header that announces 2,147,483,647 labels took as many bytes; -2 read to the end."""
    content = bytes([0, 0, 8, 1]) + struct.pack(">i", count) + bytes(100)
    name = tiny.member(kind="labels")
    tiny.write_zip(letters, tiny.emnist_members() | {name: tiny.gzip.compress(content)})
    with pytest.raises(download.DataUnavailable) as error:
        load("emnist/letters")
    expected = "at most 10,000,000" if count > 0 else "at least one label"
    tiny.explains(error, "found", expected, "good copy")


def directory_before_the_beginning(archive):
    """The end of a zip archive says that its table of contents is larger than the file."""
    content = bytearray(archive)
    content[-10:-6] = (2 * len(content)).to_bytes(4, "little")
    return bytes(content)


@pytest.mark.parametrize(
    "spoil, like",
    [
        (directory_before_the_beginning, "a zip archive"),
        (lambda archive: b"<!doctype html>", "a web page"),
        (tiny.gzip.compress, "a gzip file"),
        (lambda archive: tiny.idx([1, 2]), "an unpacked IDX file, which gzip packs"),
        (lambda archive: b"", "none that the course knows"),
    ],
)
def test_an_archive_that_is_none_is_called_damaged_not_the_disk_full(letters, spoil, like):
    letters.write_bytes(spoil(letters.read_bytes()))
    with pytest.raises(download.DataUnavailable) as error:
        load("emnist/letters")
    tiny.explains(error, "found", "good copy", f"begins like {like}")
    assert "Free some space" not in str(error.value)


def png(width, height):
    """A small PNG that announces this size."""
    made = io.BytesIO()
    Image.effect_noise((24, 30), 50).convert("RGB").save(made, "PNG")
    content = bytearray(made.getvalue())
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def noise_of_1_2_megabytes():
    """A PNG of few pixels, which nothing packs."""
    made = io.BytesIO()
    pixels = random.Random(0).randbytes(640 * 640 * 3)
    Image.frombytes("RGB", (640, 640), pixels).save(made, "PNG")
    return made.getvalue()


def with_a_broken_chunk(content):
    """The same, whose pixels end too early; there another chunk seems to begin."""
    length = int.from_bytes(content[33:37], "big") - 40
    return content[:33] + length.to_bytes(4, "big") + content[37:-60] + bytes(60)


@pytest.mark.parametrize(
    "picture, found",
    [
        (png(1001, 1000), "U_A/1.png has 1001 × 1000 pixels"),
        (png(30_000, 5_000), "U_A/1.png has 30000 × 5000 pixels"),
        (noise_of_1_2_megabytes(), "image file is truncated"),
        (with_a_broken_chunk(png(24, 30)), "SyntaxError: broken PNG"),
    ],
    ids=["too large", "150 million pixels", "1.2 MB in its file", "a broken chunk"],
)
def test_a_photograph_that_is_none_is_named(picture, found, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    members = dict.fromkeys(tiny.photograph_names(2), png(24, 30)) | {"U_A/1.png": picture}
    archive = tiny.write_zip(tmp_path / photographs.ARCHIVE, members)
    with pytest.raises(download.DataUnavailable) as error:
        photographs.load()
    tiny.explains(error, found, str(archive), "good copy")
