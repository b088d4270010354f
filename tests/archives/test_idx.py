"""Whatever is wrong with a file of images or labels, the error says what and how to mend it."""

import gzip
import random

from helpers import data
from helpers.archives import idx

import numpy as np
import pytest
import tiny

IMAGES, LABELS = tiny.member(kind="images"), tiny.member(kind="labels")
RIGHT = tiny.emnist_members()
TRAIN_IMAGES, TRAIN_LABELS = (gzip.decompress(RIGHT[name]) for name in (IMAGES, LABELS))


def packed(content):
    return gzip.compress(content)


def spoilt_crc(content):
    """The same compressed bytes with another checksum at the end."""
    return content[:-8] + bytes([content[-8] ^ 1]) + content[-7:]


BAD = {
    "truncated gzip": (IMAGES, RIGHT[IMAGES][:5000], ["train images", "EOFError"]),
    "corrupted bytes": (IMAGES, spoilt_crc(RIGHT[IMAGES]), ["train images", "CRC"]),
    "not gzip": (LABELS, b"no gzip", ["train labels", "BadGzipFile"]),
    "empty member": (LABELS, b"", ["train labels"]),
    "not IDX": (LABELS, packed(b"label,pixel\n1,2\n"), ["unsigned bytes", "b'labe'"]),
    "labels for images": (IMAGES, RIGHT[LABELS], ["unsigned bytes", r"\x01"]),
    "header only": (IMAGES, packed(TRAIN_IMAGES[:6]), ["header", "end of the file"]),
    "other count": (IMAGES, packed(tiny.idx(np.zeros((59, 28, 28)))), ["(60, 28, 28)", "(59, 28"]),
    "other shape": (IMAGES, packed(tiny.idx(np.zeros((60, 32, 32)))), ["(60, 28, 28)", "32, 32"]),
    "too few labels": (LABELS, packed(TRAIN_LABELS[:-10]), ["60 labels", "found 50"]),
    "too many labels": (LABELS, packed(TRAIN_LABELS + b"\1"), ["60 labels", "found 61"]),
    "too few images": (IMAGES, packed(TRAIN_IMAGES[:-1]), ["60 images", "found 59"]),
    "too many bytes": (IMAGES, packed(TRAIN_IMAGES + b"\0"), ["60 images", "more bytes"]),
    "no labels": (LABELS, packed(tiny.idx(np.zeros(0))), ["at least one label", "none"]),
    "label too high": (LABELS, packed(tiny.idx([27] * 60)), ["labels 1 … 26", "27 … 27"]),
    "label too low": (LABELS, packed(tiny.idx([0] * 60)), ["labels 1 … 26", "0 … 0"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_explained_and_leaves_nothing(name, letters, fresh_cache):
    member, content, words = BAD[name]
    tiny.write_zip(letters, RIGHT | {member: content})
    with pytest.raises(data.DataUnavailable) as error:
        data.load("emnist/letters")
    tiny.explains(error, "found", str(letters), "Put a good copy", "unset COURSE_DATA", *words)
    assert not [word for word in ("delete", "rm ", "del ") if word in str(error.value)]
    assert [path.name for path in fresh_cache.iterdir() if path.is_dir()] == []


def test_the_same_archive_unspoilt_loads(letters):
    assert len(data.load("emnist/letters").train) == 60


def test_images_are_read_in_chunks_of_any_size(letters, monkeypatch, fresh_cache):
    whole = np.array(data.load("emnist/letters").train.images)
    monkeypatch.setattr(idx, "CHUNK", 7)
    monkeypatch.setenv("XDG_CACHE_HOME", str(fresh_cache / "other"))
    assert np.array_equal(data.load("emnist/letters").train.images, whole)


def test_damage_anywhere_is_noticed_or_harmless(letters, monkeypatch, tmp_path):
    good = letters.read_bytes()
    right = data.load("emnist/letters")
    # damage to the directory at the end and to the headers is worse than damage to pixels
    ends = [random.Random(0).randrange(len(good)) for _ in range(30)]
    places = [*ends, *range(0, 60, 3), *range(len(good) - 300, len(good), 5)]
    refused = 0
    for number, place in enumerate(places):
        letters.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache{number}"))
        try:
            loaded = data.load("emnist/letters")
        except data.DataUnavailable as error:
            refused += 1
            assert str(letters) in str(error) and "good copy" in str(error), (place, error)
        else:
            for part in ("train", "test"):
                assert np.array_equal(getattr(loaded, part).images, getattr(right, part).images)
                assert np.array_equal(getattr(loaded, part).labels, getattr(right, part).labels)
    assert refused > len(places) / 2
