"""Tiny archives in the publishers' layouts, for tests: right ones, and wrong ones on demand."""

import gzip
import string
import struct
import zipfile

import numpy as np

LETTERS = {"classes": 26, "first_label": 1}


def idx(array):
    """The bytes of an IDX file of unsigned bytes."""
    array = np.asarray(array, np.uint8)
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape)
    return header + array.tobytes()


def arrays(count, classes, first_label=0, seed=0):
    """Images of noise, upright, and labels as the publisher numbers them, every class there."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return images, (np.arange(count) % classes + first_label).astype(np.uint8)


def letter_l():
    """An upright L: a tall stroke on the left, a foot on the lower right."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 8:11] = image[21:24, 8:20] = 255
    return image


def emnist_members(split="letters", counts=(60, 30), classes=26, first_label=1, images=None):
    """The members of EMNIST's archive, {name: bytes}: images transposed as NIST stores them."""
    members = {}
    for seed, (part, count) in enumerate(zip(("train", "test"), counts, strict=True)):
        made, labels = arrays(count, classes, first_label, seed)
        made = made if images is None else images
        stored = made.swapaxes(1, 2)
        members[member(split, part, "images")] = gzip.compress(idx(stored))
        members[member(split, part, "labels")] = gzip.compress(idx(labels))
    return members


def member(split="letters", part="train", kind="images"):
    """The name of a member of EMNIST's archive."""
    return f"gzip/emnist-{split}-{part}-{kind}-idx{3 if kind == 'images' else 1}-ubyte.gz"


def write_zip(archive, members):
    """Write members into a zip archive, uncompressed as NIST's."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    return archive


def mnist_files(counts=(60, 30)):
    """MNIST's four files, {name: bytes}."""
    files = {}
    for seed, (stem, count) in enumerate(zip(("train", "t10k"), counts, strict=True)):
        images, labels = arrays(count, 10, seed=seed)
        files[f"{stem}-images-idx3-ubyte.gz"] = gzip.compress(idx(images))
        files[f"{stem}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels))
    return files


def write_mnist(folder, files):
    """Write MNIST's files into a folder that COURSE_DATA may name."""
    (folder / "mnist").mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / "mnist" / name).write_bytes(content)
    return folder


def explains(error, *words):
    """Whether a message says what was expected, what was found, and what mends it (the words)."""
    message = str(error.value)
    missing = [word for word in ("xpected", *words) if word not in message]
    assert not missing, f"{missing} not in: {message}"
    return True


def photograph_names(count):
    """The names of so many photographs of each of 62 characters, as the archive has them."""
    kinds = zip("DUL", (string.digits, string.ascii_uppercase, string.ascii_lowercase), strict=True)
    return [f"{kind}_{one}/{n}.png" for kind, ones in kinds for one in ones for n in range(count)]
