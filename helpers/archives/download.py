"""Where the images come from: finding, downloading, checking and unpacking the publishers' files.

`data.load` calls `unpacked`; everything else here serves it. Each data set is unpacked once into a
cache folder of the user's, and mapped from there. Files appear there whole or not at all.
"""

import gzip
import hashlib
import json
import os
import shutil
import struct
import zipfile
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from helpers.archives.idx import UNREADABLE, DataUnavailable, broken, write_part

import emnist
import numpy as np
import pooch
from filelock import FileLock

EMNIST_URL = "https://biometrics.nist.gov/cs_links/EMNIST/"
EMNIST_FILE = "gzip.zip"
EMNIST_MD5 = "58c8d27c78d21e728a6bc7b3cc06412e"  # published by torchvision
EMNIST_MEMBER = "gzip/emnist-{split}-{part}-{kind}-idx{dimensions}-ubyte.gz"
MNIST_FILE = "{part}-{kind}-idx{dimensions}-ubyte.gz"
MNIST_MD5 = "6bbc9ace898e44ae57da46a324031adb"  # of the 60,000 unpacked training images
PARTS = ("train", "test")


def source():
    """Where COURSE_DATA says that images come from.

    Returns: None (unset: download), "sample", or the Path of an existing folder.
    Raises: DataUnavailable where it names neither. Taught in notebook 00.
    """
    value = os.environ.get("COURSE_DATA")
    if value is None or value == "sample":
        return value
    folder = Path(value).expanduser()
    if not folder.is_dir():
        near = get_close_matches(value, ["sample"])
        hint = " Did you mean COURSE_DATA=sample?" if near else ""
        raise DataUnavailable(
            f"COURSE_DATA is {value!r}; expected 'sample' or an existing folder with mnist/ and "
            f"emnist/, found neither.{hint} Unset COURSE_DATA to download, or correct the path."
        )
    return folder.resolve()


def source_name():
    """The source in words, without a path of this machine."""
    return {None: "downloaded", "sample": "built-in sample"}.get(source(), "a folder of yours")


def cache_folder():
    """The per-user folder that holds unpacked images; deleting it loses nothing but time."""
    return Path(pooch.os_cache("handwriting-course"))


def unpacked(name, classes, first_label=0):
    """The folder with a data set's four unpacked arrays, built on first use.

    Arguments: name: e.g. "mnist" or "emnist/letters"; classes: what each label stands for;
        first_label: the publisher's label of class 0 (1 for EMNIST Letters).
    Returns: (folder, about): `<part>-images.npy` uint8 (n, 28, 28), upright, and
        `<part>-labels.npy` int64 (n,) for both parts; about["complete"]: is it the published file?
    Raises: DataUnavailable. Taught in notebook 10.
    """
    place, stem = source(), name.replace("/", "-")
    if place == "sample":
        from helpers.archives import sample

        key = hashlib.sha256(Path(sample.__file__).read_bytes()).hexdigest()[:16]
        whole, _ = cached("sample", key, sample.write)
        return cached(f"sample-{stem}", key, lambda folder: sample.select(whole, folder, classes))
    if name == "mnist" and place is None:
        return cached("mnist", "keras", _write_keras_mnist)
    if name == "mnist":
        files = _mnist_files(place)
        return cached(
            "mnist", _key(files.values()), lambda folder: _write_mnist(folder, files, len(classes))
        )
    archive = emnist_archive(place)
    return cached(
        stem,
        _key([archive]),
        lambda folder: _write_emnist(folder, archive, name, len(classes), first_label),
    )


def _key(files):
    """Names the state of some files: another path, size or time of change gives another key."""
    states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(json.dumps(states).encode()).hexdigest()[:16]


def cached(name, key, write):
    """A finished cache folder, written by `write(partial_folder) -> about` if there is none yet.

    Safe against processes that want it at the same time (one writes, the others wait), against a
    kill at any point (the next run starts afresh) and against damaged cache files (rebuilt).
    Returns: (folder, about). Raises: DataUnavailable where it cannot be written.
    """
    folder = cache_folder() / f"{name}-{key}"
    if (about := _intact(folder)) is not None:
        return folder, about
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if (about := _intact(folder)) is None:
                about = _build(folder, write)
    except OSError as error:
        raise DataUnavailable(
            f"{name} could not be unpacked into {folder.parent}: {error}. Expected a folder that "
            "can be written, with 700 MB free for EMNIST ByClass. Free some space, or set "
            "XDG_CACHE_HOME to another folder, and run again."
        ) from error
    return folder, about


def _build(folder, write):
    """Write into a folder beside the final one and rename it, so that it appears whole."""
    partial = folder.with_name(folder.name + ".partial")
    for leftover in (partial, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir()
    try:
        about = write(partial)
        sizes = {path.name: path.stat().st_size for path in partial.iterdir()}
        (partial / "about.json").write_text(json.dumps(about | {"sizes": sizes}))
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return about


def _intact(folder):
    """What about.json says, or None where the folder or some of its bytes are missing."""
    try:
        about = json.loads((folder / "about.json").read_text())
        sizes = {name: (folder / name).stat().st_size for name in about["sizes"]}
    except (OSError, ValueError, KeyError):
        return None
    return about if sizes == about["sizes"] else None


def emnist_archive(place):
    """The path of EMNIST's zip file: in the given folder, or where the `emnist` package keeps it.

    Arguments: place: a folder (nothing is downloaded), or None.
    Raises: DataUnavailable where it is missing or its download fails. Taught in notebook 10.
    """
    if place is not None:
        archive = place / "emnist" / "emnist.zip"
        if not archive.is_file():
            raise DataUnavailable(
                f"expected EMNIST's archive at {archive} (COURSE_DATA names that folder), found no "
                "such file. Put it there, or unset COURSE_DATA to download it."
            )
        return archive
    archive = Path(emnist.get_cached_data_path())
    try:
        if not _has_bytes(archive):
            archive.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{archive}.lock"):
                if not _has_bytes(archive):  # another process may just have fetched it
                    _download(archive)
    except (OSError, ValueError) as error:  # requests raises OSErrors, a wrong hash a ValueError
        raise DataUnavailable(
            f"EMNIST could not be downloaded: {error}. Expected a network, 540 MB of free disk, a "
            f"folder {archive.parent} that can be written, and at {EMNIST_URL}{EMNIST_FILE} a file "
            f"with MD5 {EMNIST_MD5}. Run again; or fetch the file with a browser and save it as "
            f"{archive}; or work offline on the built-in sample: COURSE_DATA=sample."
        ) from error
    return archive


def _has_bytes(file):
    """Whether a file is there; the emnist package leaves an empty one where it is interrupted."""
    return file.is_file() and file.stat().st_size > 0


def _download(archive):
    """Fetch EMNIST (536 MB) with progress; it takes its name only after its MD5 was verified."""
    partial = archive.with_name("partial")
    shutil.rmtree(partial, ignore_errors=True)
    print(f"EMNIST is fetched once, about 536 MB, from {EMNIST_URL}", flush=True)
    fetcher = pooch.create(
        partial, EMNIST_URL, registry={EMNIST_FILE: f"md5:{EMNIST_MD5}"}, retry_if_failed=2
    )
    try:
        fetcher.fetch(EMNIST_FILE, progressbar=True)
        (partial / EMNIST_FILE).replace(archive)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_keras_mnist(folder):
    """MNIST by Keras' own downloader, which checks the file's hash."""
    from helpers._keras import keras  # seconds to load, and nothing else here needs it

    try:
        parts = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises bare Exceptions where a URL fails
        raise DataUnavailable(
            f"MNIST could not be downloaded by keras.datasets.mnist (11 MB): {error}. Expected "
            "a network and 11 MB of free disk. Run again; or point COURSE_DATA at a folder with "
            "mnist/*.gz; or work offline on the built-in sample: COURSE_DATA=sample."
        ) from error
    for part, (images, labels) in zip(PARTS, parts, strict=True):
        np.save(folder / f"{part}-images.npy", images)
        np.save(folder / f"{part}-labels.npy", labels.astype(np.int64))
    return {"complete": True}


def _mnist_files(place):
    """The four files of MNIST in a folder, as {(part, kind): path}."""
    files = {}
    for part, stem in zip(PARTS, ("train", "t10k"), strict=True):
        for kind, dimensions in (("images", 3), ("labels", 1)):
            file = MNIST_FILE.format(part=stem, kind=kind, dimensions=dimensions)
            files[part, kind] = place / "mnist" / file
    missing = [str(file) for file in files.values() if not file.is_file()]
    if missing:
        raise DataUnavailable(
            f"expected MNIST's four files in {place / 'mnist'} (COURSE_DATA names that folder), "
            f"found no {', '.join(missing)}. Put them there, or unset COURSE_DATA to download them."
        )
    return files


def _write_mnist(folder, files, classes):
    """Unpack MNIST's four files."""
    for part in PARTS:
        both = {kind: files[part, kind] for kind in ("images", "labels")}
        sources = {kind: (file, partial(gzip.open, file)) for kind, file in both.items()}
        write_part(folder, part, sources, classes)
    images = np.load(folder / "train-images.npy", mmap_mode="r")
    header = struct.pack(">4i", 2051, *images.shape)
    return {"complete": hashlib.md5(header + images.tobytes()).hexdigest() == MNIST_MD5}


def _write_emnist(folder, archive, name, classes, first_label):
    """Unpack one split of EMNIST's archive, turning the images upright."""
    split = name.removeprefix("emnist/")
    try:
        zipped = zipfile.ZipFile(archive)
    except UNREADABLE as error:
        raise broken(archive, f"a zip archive with EMNIST {split}", error) from error
    with zipped, ThreadPoolExecutor(1) as pool:
        digest = pool.submit(_md5, archive)
        for part in PARTS:
            sources = {}
            for kind, dimensions in (("images", 3), ("labels", 1)):
                member = EMNIST_MEMBER.format(
                    split=split, part=part, kind=kind, dimensions=dimensions
                )
                sources[kind] = (archive, partial(_open_member, zipped, member))
            write_part(folder, part, sources, classes, first_label, transposed=True)
        return {"complete": digest.result() == EMNIST_MD5}


def _open_member(zipped, member):
    """The unpacked bytes of a gzip file inside a zip archive."""
    return gzip.open(zipped.open(member))


def _md5(file):
    """MD5 of a file, read in pieces."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()
