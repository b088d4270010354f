"""Reading IDX, the file format of MNIST and EMNIST, without trusting the file.

An IDX file is a header (type of value, number of dimensions, sizes) followed by the bare values.
"""

import contextlib
import gzip
import struct
import zipfile
import zlib

import numpy as np
from tqdm import tqdm

SIDE = 28
CHUNK = 8192  # images unpacked at a time: 6 MB


class DataUnavailable(Exception):
    """Images that cannot be had: what was sought, what was found, what mends it."""


def write_part(folder, part, sources, classes, first_label=0, transposed=False):
    """Unpack the images and labels of one part, in bounded memory, checking all there is to check.

    Arguments: sources: for "images" and "labels", the file (to name it in an error) and a function
        that opens the unpacked bytes; transposed: EMNIST stores each image with rows and columns
        swapped, and gets them swapped back.
    """
    file, unpack = sources["labels"]
    with _explained(file, f"{part} labels"), unpack() as opened:
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
        np.save(folder / f"{part}-labels.npy", labels)
    file, unpack = sources["images"]
    with _explained(file, f"{part} images"), unpack() as opened:
        shape = _header(opened, 3)
        _expect(shape == (count, SIDE, SIDE), f"shape {(count, SIDE, SIDE)}", f"{shape}")
        _copy_images(opened, folder / f"{part}-images.npy", shape, transposed)


def _copy_images(stream, file, shape, transposed):
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


def _header(stream, dimensions):
    """The shape in an IDX file's header; its first four bytes must be 0, 0, 8 (uint8), d."""
    magic = stream.read(4)
    _expect(magic == bytes([0, 0, 8, dimensions]), "an IDX file of unsigned bytes", f"{magic!r}")
    sizes = stream.read(4 * dimensions)
    _expect(len(sizes) == 4 * dimensions, "an IDX header", "the end of the file")
    return struct.unpack(f">{dimensions}i", sizes)


class _Unexpected(Exception):
    """Something in a file is not as it must be; `_explained` says in which file."""


def _expect(condition, expected, found):
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
def _explained(file, what):
    """Turn whatever goes wrong in reading a file into DataUnavailable, naming the file."""
    try:
        yield
    except _Unexpected as error:
        raise broken(file, f"{what}: {error.args[0]}", error.args[1]) from error
    except UNREADABLE as error:
        raise broken(file, f"{what}, whole", f"{type(error).__name__}: {error}") from error


def broken(file, expected, found):
    """The error for a file that is there but is not what it should be."""
    return DataUnavailable(
        f"expected in {file} {expected}; found {found}. The file is damaged or is another one. Put "
        f"a good copy in its place; or delete it (rm '{file}') and run again with COURSE_DATA "
        "unset, which downloads it."
    )
