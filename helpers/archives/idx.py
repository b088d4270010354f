"""Reading IDX, the file format of MNIST and EMNIST, without trusting the file.

An IDX file is a header (type of value, number of dimensions, sizes) followed by the bare values.
"""

import contextlib
import errno
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from tqdm import tqdm

SIDE = 28
CHUNK = 8192  # images unpacked at a time: 6 MB
MOST = 10_000_000  # labels of one part; the largest data set has 697,932


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
        _expect(count > 0, "at least one label", "none")
        _expect(count <= MOST, f"at most {MOST:,} labels", f"{count:,}")
        labels = np.frombuffer(opened.read(count + 1), np.uint8).astype(np.int64) - first_label
        _expect(len(labels) == count, f"{count:,} labels", f"{len(labels):,}")
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


@contextlib.contextmanager
def _explained(source: Source, what: str) -> Iterator[None]:
    """Turn whatever goes wrong in reading a file into DataUnavailable, naming the file."""
    try:
        yield
    except _Unexpected as error:
        expected, found = error.args
        raise damaged(source.file, f"{what}: {expected}", found, source.mend) from error
    except Exception as error:
        raise unreadable(source.file, f"{what}, whole", error, source.mend) from error


def unreadable(file: Path, expected: str, error: Exception, mend: str) -> DataUnavailable:
    """The error for a file whose reading failed.

    A damaged file can make gzip and zipfile raise anything, even send them to a place before the
    file's beginning, which the system calls an invalid argument.

    Args:
        file: which one.
        expected: what should be in it.
        error: what was raised.
        mend: what to do, a sentence.

    Raises:
        OSError: the error itself, where it is the system's own, such as a full disk.
    """
    if isinstance(error, PermissionError) and error.filename == str(file):
        return DataUnavailable(
            f"expected to read {file}; found that this program may not ({error.strerror}). Allow "
            f"it in the file's properties or your system's settings. Or: {mend}"
        )
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        raise error
    return damaged(file, expected, f"{type(error).__name__}: {error}", mend)


BEGINNINGS = {
    b"PK": "a zip archive",
    b"\x1f\x8b": "a gzip file",
    b"\0\0\x08": "an unpacked IDX file, which gzip packs again",
    b"<": "a web page",
}
"""First bytes of a file → what it is like."""


def damaged(file: Path, expected: str, found: str, mend: str) -> DataUnavailable:
    """The error for a file that is there but is not what it should be.

    Args:
        file: which one.
        expected: what should be in it.
        found: what is in it.
        mend: what to do, a sentence.
    """
    head = b""
    with contextlib.suppress(OSError), file.open("rb") as opened:
        head = opened.read(4)
    like = [kind for begin, kind in BEGINNINGS.items() if head.startswith(begin)]
    return DataUnavailable(
        f"expected in {file} {expected}; found {found}. The file is damaged or is another one; it "
        f"begins like {like[0] if like else 'none that the course knows'}. {mend}"
    )
