"""Damage files of images at random and load each, in bounded memory; what loads must be right.

damage.py KIND COUNT [SEED]: prints as JSON how often each outcome came, and what was lost.
"""

import collections
import gzip
import io
import json
import os
import random
import resource
import signal
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from helpers.archives import datasets, download
from helpers.archives.idx import DataUnavailable

import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import tiny

MEMORY = 200_000_000  # bytes that a load may take beyond what the imports took
SECONDS = 20  # that a load may take
COUNTS = (12, 7)  # images to train and to test with: so few that damage often meets a header
NUMBERS = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
MNIST, EMNIST = tiny.mnist_files(COUNTS), tiny.emnist_members(counts=COUNTS)


# --- damage ----------------------------------------------------------------------------------


def damaged(content, chance):
    """Another content: bytes changed, lost, added, doubled or blank, often near an end."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        chance.choice((flip, write_number, cut, add, double, blank))(made, chance)
    return bytes(made) if made != content else damaged(content, chance)


def place(made, chance):
    """Where: anywhere, or near the beginning or the end, where formats keep their numbers."""
    near = min(chance.randrange(120), len(made))
    return chance.choice((chance.randrange(len(made) + 1), near, len(made) - near))


def flip(made, chance):
    where = place(made, chance)
    for byte in made[where : where + 1]:
        made[where] = byte ^ chance.randrange(1, 256)


def write_number(made, chance):
    where, size = place(made, chance), chance.choice((2, 4, 8))
    number = chance.choice(NUMBERS) % 256**size
    made[where : where + size] = number.to_bytes(size, chance.choice(("big", "little")))


def cut(made, chance):
    del made[place(made, chance) :]


def add(made, chance):
    where = place(made, chance)
    made[where:where] = chance.randbytes(chance.choice((1, 4, 1000)))


def double(made, chance):
    where, size = place(made, chance), chance.choice((1, 16, 500))
    made[where:where] = made[where : where + size]


def blank(made, chance):
    where, size = place(made, chance), chance.choice((1, 16, 500))
    made[where : where + size] = bytes(len(made[where : where + size]))


# --- kinds of file: each is written damaged, and tells what a load has to give (None: an error)


def unpacked_idx(folder, chance):
    """One of MNIST's four files, damaged before it is packed: no checksum can tell."""
    contents = {name: gzip.decompress(packed) for name, packed in MNIST.items()}
    name = chance.choice(sorted(contents))
    contents[name] = damaged(contents[name], chance)
    tiny.write_mnist(folder, MNIST | {name: gzip.compress(contents[name], 1)})
    return parsed(contents)


def parsed(contents):
    """MNIST's arrays as bytes, read in another way than the course's; None where they are wrong."""
    arrays = {}
    for part, stem in (("train", "train"), ("test", "t10k")):
        images, labels = (
            contents[f"{stem}-{kind}-ubyte.gz"] for kind in ("images-idx3", "labels-idx1")
        )
        count = len(labels) - 8
        right = tiny.idx(bytearray(count))[:8] if count > 0 else None
        head = b"\0\0\x08\3" + b"".join(size.to_bytes(4, "big") for size in (max(count, 0), 28, 28))
        if labels[:8] != right or max(labels[8:]) > 9:
            return None
        if images[:16] != head or len(images) != 16 + count * 784:
            return None
        arrays |= {f"{part}-images": images[16:], f"{part}-labels": labels[8:]}
    return arrays


def gzip_of_idx(folder, chance):
    """One of MNIST's four files, damaged as it is."""
    name = chance.choice(sorted(MNIST))
    tiny.write_mnist(folder, MNIST | {name: damaged(MNIST[name], chance)})
    return parsed({one: gzip.decompress(packed) for one, packed in MNIST.items()})


def zip_of_emnist(folder, chance):
    """EMNIST's archive, damaged as it is."""
    archive = tiny.write_zip(folder / "emnist" / "emnist.zip", EMNIST)
    archive.write_bytes(damaged(archive.read_bytes(), chance))
    arrays = {}
    for part, count, seed in zip(("train", "test"), COUNTS, (0, 1), strict=True):
        images, labels = tiny.arrays(count, 26, 0, seed)
        arrays |= {f"{part}-images": images.tobytes(), f"{part}-labels": labels.tobytes()}
    return arrays


def load_arrays(name):
    """A data set's four arrays, as bytes."""
    arrays, complete = download.unpacked(name, datasets.CLASSES[name])
    assert not complete
    return {one: array.astype("u1").tobytes() for one, array in arrays.items()}


def pictures(folder, chance):
    """The archive of photographs: damaged as it is, or one of its pictures before it is packed."""
    seen = io.BytesIO()
    Image.effect_noise((24, 30), 50).convert("RGB").save(seen, "PNG")
    members = dict.fromkeys(tiny.photograph_names(1), seen.getvalue())
    before = chance.random() < 0.5
    if before:
        members["L_b/0.png"] = damaged(seen.getvalue(), chance)
    archive = tiny.write_zip(folder / "handwriting" / "handwritten62.zip", members)
    if not before:
        archive.write_bytes(damaged(archive.read_bytes(), chance))
    return {"labels": [*range(62)]}


def load_pictures():
    """The labels of the photographs; what a damaged picture shows is open."""
    from helpers.archives import photographs

    return {"labels": photographs.load().labels.tolist()}


KINDS = {
    "IDX": (unpacked_idx, lambda: load_arrays("mnist")),
    "gzip": (gzip_of_idx, lambda: load_arrays("mnist")),
    "zip": (zip_of_emnist, lambda: load_arrays("emnist/letters")),
    "photographs": (pictures, load_pictures),
}


# --- trials ----------------------------------------------------------------------------------


def outcome(right, load):
    """What comes of a load: "survived", "named error", or what is wrong in words."""
    signal.alarm(SECONDS)
    try:
        found = load()
    except DataUnavailable as error:
        words = ("xpected", "found", "good copy")
        missing = [word for word in words if word not in str(error)]
        return f"the error lacks {missing}: {error}" if missing else "named error"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    return "survived" if found == right else "loaded what is not right"


def hang(*_):
    raise TimeoutError(f"not done after {SECONDS} seconds")


def main(kind, count, seed="0"):
    """Try `count` damaged files."""
    chance, found, lost = random.Random(f"{kind} {seed}"), collections.Counter(), []
    make, load = KINDS[kind]
    if kind == "photographs":
        import_module("helpers.archives.photographs")  # is no part of the bound
    signal.signal(signal.SIGALRM, hang)
    most = psutil.Process().memory_info().vms + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for number in range(int(count)):
        with tempfile.TemporaryDirectory() as folder:
            os.environ |= {"COURSE_DATA": f"{folder}/data", "XDG_CACHE_HOME": f"{folder}/cache"}
            words = outcome(make(Path(folder, "data"), chance), load)
        known = words in ("survived", "named error")
        found[words if known else "lost"] += 1
        lost += [] if known else [f"{number}: {words}"]
    print(json.dumps({"outcomes": found, "lost": lost[:20]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
