"""Reading IDX, the file format of MNIST and EMNIST, without trusting the file.

An IDX file is a header (type of value, number of dimensions, sizes) followed by the bare values.
"""

import contextlib
import gzip
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from tqdm import tqdm

SIDE = 28
CHUNK = 8192  # images unpacked at a time: 6 MB


class DataUnavailable(Exception):
    """Images that cannot be had: what was sought, what was found, what mends it."""


class Source(NamedTuple):
    """Where the images or the labels of a part are read from.

    Attributes:
        file: that holds them; an error names it.
        unpack: opens their unpacked bytes.
        mend: what to do where the file is damaged, for the error.
    """

    file: Path
    unpack: Callable[[], BinaryIO]
    mend: str


def write_part(
    folder: Path,
    part: str,
    images: Source,
    labels: Source,
    *,
    classes: int,
    first_label: int = 0,
    transposed: bool = False,
) -> None:
    """Unpack the images and labels of one part, in bounded memory, checking all there is to check.

    Args:
        folder: where <part>-images.npy, uint8 (n, 28, 28), and <part>-labels.npy, int64 (n,), go.
        part: "train" or "test".
        images: an IDX file of unsigned bytes (n, 28, 28).
        labels: an IDX file of unsigned bytes (n,).
        classes: how many; labels are saved as 0 … classes - 1.
        first_label: the publisher's label of class 0.
        transposed: whether rows and columns are swapped in the file; they get swapped back.

    Raises:
        DataUnavailable: the file is damaged or is another one.
    """
    count = _write_labels(folder / f"{part}-labels.npy", labels, part, classes, first_label)
    with _explained(images, f"{part} images"), images.unpack() as opened:
        shape = _header(opened, 3)
        _expect(shape == (count, SIDE, SIDE), f"shape {(count, SIDE, SIDE)}", f"{shape}")
        _copy_images(opened, folder / f"{part}-images.npy", shape, transposed)


def _write_labels(target: Path, source: Source, part: str, classes: int, first_label: int) -> int:
    """Unpack and check labels; returns how many there are."""
    with _explained(source, f"{part} labels"), source.unpack() as opened:
        count, *_ = _header(opened, 1)
        labels = np.frombuffer(opened.read(count + 1), np.uint8).astype(np.int64) - first_label
        _expect(len(labels) == count, f"{count:,} labels", f"{len(labels):,}")
        _expect(count > 0, "at least one label", "none")
        low, high = labels.min() + first_label, labels.max() + first_label
        _expect(
            labels.min() >= 0 and labels.max() < classes,
            f"labels {first_label} … {classes - 1 + first_label}",
            f"{low} … {high}",
        )
        np.save(target, labels)
    return count


def _copy_images(
    stream: BinaryIO, file: Path, shape: tuple[int, int, int], transposed: bool
) -> None:
    """Copy images from a stream of bytes into an .npy file, a chunk at a time."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with file.open("wb") as target, tqdm(
        total=shape[0], unit="image", desc="unpacking", delay=2, leave=False
    ) as bar:  # fmt: skip
        np.lib.format.write_array_header_1_0(target, header)
        for start in range(0, shape[0], CHUNK):
            images = min(CHUNK, shape[0] - start)
            pixels = np.frombuffer(stream.read(images * SIDE * SIDE), np.uint8)
            found = pixels.size // SIDE**2 + start
            _expect(found == start + images, f"{shape[0]:,} images", f"{found:,}")
            pixels = pixels.reshape(images, SIDE, SIDE)
            target.write(np.ascontiguousarray(pixels.swapaxes(1, 2) if transposed else pixels))
            bar.update(images)
    _expect(not stream.read(1), f"{shape[0]:,} images", "more bytes than that")


def _header(stream: BinaryIO, dimensions: int) -> tuple[int, ...]:
    """The shape in an IDX file's header; its first four bytes must be 0, 0, 8 (uint8), d."""
    magic = stream.read(4)
    _expect(magic == bytes([0, 0, 8, dimensions]), "an IDX file of unsigned bytes", f"{magic!r}")
    sizes = stream.read(4 * dimensions)
    _expect(len(sizes) == 4 * dimensions, "an IDX header", "the end of the file")
    return struct.unpack(f">{dimensions}i", sizes)


class _Unexpected(Exception):
    """Something in a file is not as it must be; `_explained` says in which file."""


def _expect(condition: bool, expected: str, found: str) -> None:
    """Complain where a file is not as it must be."""
    if not condition:
        raise _Unexpected(expected, found)


UNREADABLE = (
    EOFError,
    KeyError,  # a zip archive without that member
    NotImplementedError,  # a zip archive whose table of contents is damaged
    RuntimeError,  # the same
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    zlib.error,
)
"""What zipfile and gzip raise for a file that is damaged or is another one."""


@contextlib.contextmanager
def _explained(source: Source, what: str) -> Iterator[None]:
    """Turn whatever goes wrong in reading a file into DataUnavailable, naming the file."""
    try:
        yield
    except _Unexpected as error:
        expected, found = error.args
        raise damaged(source.file, f"{what}: {expected}", found, source.mend) from error
    except UNREADABLE as error:
        found = f"{type(error).__name__}: {error}"
        raise damaged(source.file, f"{what}, whole", found, source.mend) from error


def damaged(file: Path, expected: str, found: str, mend: str) -> DataUnavailable:
    """The error for a file that is there but is not what it should be.

    Args:
        file: which one.
        expected: what should be in it.
        found: what is in it.
        mend: what to do, a sentence.
    """
    return DataUnavailable(
        f"expected in {file} {expected}; found {found}. The file is damaged or is another one. "
        f"{mend}"
    )
