"""Where the images come from: finding, downloading, checking and unpacking the publishers' files.

`data.load` calls `unpacked`; everything else here serves it. Each data set is unpacked once into a
cache folder of the user's, and mapped from there. Files appear there whole or not at all.
"""

import contextlib
import gzip
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import socket
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from helpers.archives.idx import DataUnavailable, Source, unreadable, write_part

import emnist
import numpy as np
import pooch
from filelock import FileLock

EMNIST_URL = "https://biometrics.nist.gov/cs_links/EMNIST/"
EMNIST_FILE = "gzip.zip"
EMNIST_MD5 = "58c8d27c78d21e728a6bc7b3cc06412e"  # published by torchvision
MNIST_MD5 = {
    ("train", "images"): "6bbc9ace898e44ae57da46a324031adb",
    ("train", "labels"): "a25bea736e30d166cdddb491f175f624",
    ("test", "images"): "2646ac647ad5339dbf082846283269ea",
    ("test", "labels"): "27ae3e4e09519cfbb04c329615203637",
}
"""Of the publisher's four files, unpacked: compressed by somebody else, they are still his."""

KINDS = {"images": 3, "labels": 1}
"""What a file holds → its number of dimensions, which is in its name."""

PARTS = ("train", "test")

SILENCE = 30
"""So many seconds may pass without a word of a server that sends MNIST."""

GOOD_COPY = "Put a good copy in its place, or unset COURSE_DATA to download it."
"""What to do where a file of the user's own is damaged."""


def source() -> Path | str | None:
    """Where COURSE_DATA says that images come from.

    Returns:
        None (unset: download), "sample", or the Path of an existing folder.

    Raises:
        DataUnavailable: it names neither.

    Taught in notebook 00.
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


def source_name() -> str:
    """The source in words, without a path of this machine."""
    return {None: "downloaded", "sample": "built-in sample"}.get(source(), "a folder of yours")


def cache_folder() -> Path:
    """The per-user folder that holds unpacked images; deleting it loses nothing but time."""
    return Path(pooch.os_cache("handwriting-course"))


def unpacked(name: str, classes: tuple[str, ...]) -> tuple[dict[str, np.ndarray], bool]:
    """A data set's four arrays, unpacked on first use, and whether they are the published ones.

    Args:
        name: e.g. "mnist" or "emnist/letters".
        classes: what each label stands for.

    Returns:
        (arrays, complete): "train-images" and "test-images" uint8 (n, 28, 28), upright, mapped
        from disk; "train-labels" and "test-labels" int64 (n,).

    Raises:
        DataUnavailable: the images cannot be had or cannot be unpacked.

    Taught in notebook 14.
    """
    place, stem = source(), name.replace("/", "-")
    if place == "sample":
        from helpers.archives import sample

        key = hashlib.sha256(Path(sample.__file__).read_bytes()).hexdigest()[:16]
        every, _ = _cached("sample", key, sample.build)
        return _cached(f"sample-{stem}", key, lambda folder: sample.select(every, folder, classes))
    if name == "mnist" and place is None:
        return _cached("mnist", "keras", _write_keras_mnist)
    if name == "mnist":
        files = _mnist_files(place)
        return _cached("mnist", _key(files.values()), partial(_write_mnist, files=files))
    archive = emnist_archive(place)
    mend = _fetch_again(archive) if place is None else GOOD_COPY
    split, count = name.removeprefix("emnist/"), len(classes)
    write = partial(_write_emnist, archive=archive, split=split, classes=count, mend=mend)
    return _cached(stem, _key([archive]), write)


def _key(files: Iterable[Path]) -> str:
    """Names the state of some files: another path, size or time of change gives another key."""
    states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(json.dumps(states).encode()).hexdigest()[:16]


def _cached(
    name: str, key: str, write: Callable[[Path], bool]
) -> tuple[dict[str, np.ndarray], bool]:
    """The arrays of a cache folder, written by `write(folder) -> complete` if there is none yet.

    Safe against processes that want it at the same time (one writes, the others wait), against a
    kill at any point (the next run starts afresh) and against damaged cache files (rebuilt). Once
    it is written, the caches of the same name with other keys go.
    """
    folder = cache_folder() / f"{name}-{key}"
    if (found := _opened(folder)) is not None:
        return found
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if (found := _opened(folder)) is None:
                _build(folder, write)
                found = _opened(folder)
                _remove_others(folder)
    except OSError as error:
        windows = platform.system() == "Windows"  # where the cache's place is not to be chosen
        elsewhere = "" if windows else ", or set XDG_CACHE_HOME to another folder,"
        raise DataUnavailable(
            f"{name} could not be unpacked into {folder.parent}: {error}. Expected a folder that "
            "can be written, with 700 MB free for EMNIST ByClass. Free some space"
            f"{elsewhere} and run again."
        ) from error
    return found


def _build(folder: Path, write: Callable[[Path], bool]) -> None:
    """Write into a folder beside the final one and rename it, so that it appears whole."""
    partial_folder = _partial(folder)
    for leftover in (partial_folder, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    partial_folder.mkdir()
    try:
        about = json.dumps({"complete": write(partial_folder)})
        (partial_folder / "about.json").write_text(about, encoding="utf-8")
        partial_folder.rename(folder)
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)


def _partial(folder: Path) -> Path:
    """Where a cache folder is while it is not whole: being written or being removed."""
    return folder.with_name(f"{folder.name}.partial")


def _opened(folder: Path) -> tuple[dict[str, np.ndarray], bool] | None:
    """The arrays of a cache folder and whether they are complete, or None where bytes are missing.

    Images are mapped: on Linux they outlive the removal of their file.
    """
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        arrays = {}
        for part in PARTS:
            images, labels = folder / f"{part}-images.npy", folder / f"{part}-labels.npy"
            arrays[images.stem] = np.load(images, mmap_mode="r")
            arrays[labels.stem] = np.load(labels)
        return arrays, about["complete"]
    except (OSError, EOFError, ValueError, KeyError):
        return None


def _remove_others(folder: Path) -> None:
    """Remove the caches that have a folder's name and another key, and what a kill left of them.

    One that is being written is left, and so is one whose files Windows finds in use.
    """
    name, _, _ = folder.name.rpartition("-")
    caches = {path.with_suffix("") for path in folder.parent.glob(f"{name}-*") if path.is_dir()}
    for other in caches - {folder}:
        if other.name.rpartition("-")[0] != name:
            continue  # "sample-mnist-…" is no "sample-…"
        with contextlib.suppress(OSError), FileLock(f"{other}.lock", timeout=0):
            shutil.rmtree(_partial(other), ignore_errors=True)
            other.rename(_partial(other))  # at once: nobody finds half of it
            shutil.rmtree(_partial(other))


def emnist_archive(place: Path | None) -> Path:
    """The path of EMNIST's zip file: in the given folder, or where the `emnist` package keeps it.

    Args:
        place: a folder (nothing is downloaded), or None.

    Raises:
        DataUnavailable: it is missing, or its download fails.

    Taught in notebook 14.
    """
    if place is not None:
        archive = place / "emnist" / "emnist.zip"
        if not os.path.isfile(archive):
            raise DataUnavailable(
                f"expected EMNIST's archive at {archive} (COURSE_DATA names that folder), found no "
                f"such file; {_others(place, [archive], 'emnist|gzip')}. Put NIST's {EMNIST_FILE} "
                "there under that name, not unpacked, or unset COURSE_DATA to download it."
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


def _has_bytes(file: Path) -> bool:
    """Whether a file is there; the emnist package leaves an empty one where it is interrupted."""
    return file.is_file() and file.stat().st_size > 0


def _download(archive: Path) -> None:
    """Fetch EMNIST (536 MB) with progress; it takes its name only after its MD5 was verified."""
    folder = archive.with_name("partial")
    shutil.rmtree(folder, ignore_errors=True)
    print(f"EMNIST is fetched once, about 536 MB, from {EMNIST_URL}", flush=True)
    fetcher = pooch.create(
        folder, EMNIST_URL, registry={EMNIST_FILE: f"md5:{EMNIST_MD5}"}, retry_if_failed=2
    )
    try:
        fetcher.fetch(EMNIST_FILE, progressbar=True)
        (folder / EMNIST_FILE).replace(archive)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_keras_mnist(folder: Path) -> bool:
    """MNIST by Keras' own downloader, which checks the file's hash."""
    from helpers.internals.backend import keras  # seconds to load, and nothing else here needs it

    try:
        with _at_most_silent(SILENCE):
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
    return True


@contextlib.contextmanager
def _at_most_silent(seconds: float) -> Iterator[None]:
    """Let no server keep this process waiting for longer; Keras's downloader waits for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _mnist_files(place: Path) -> dict[tuple[str, str], Path]:
    """The four files of MNIST in a folder, as {(part, kind): path}."""
    files = {}
    for part, stem in zip(PARTS, ("train", "t10k"), strict=True):
        for kind, dimensions in KINDS.items():
            file = f"{stem}-{kind}-idx{dimensions}-ubyte.gz"
            files[part, kind] = place / "mnist" / file
    missing = [str(file) for file in files.values() if not os.path.isfile(file)]
    if missing:
        others = _others(place, files.values(), "(?<!e)mnist|^train|^t10k")
        raise DataUnavailable(
            f"expected MNIST's four files in {place / 'mnist'} (COURSE_DATA names that folder), "
            f"found no {', '.join(missing)}; {others}. Put them there under these names (gzip "
            "packs those that a browser or 7-Zip has unpacked), or unset COURSE_DATA to download "
            "them."
        )
    return files


def _others(place: Path, sought: Iterable[Path], pattern: str) -> str:
    """What lies in a folder of the user's that may be the files sought, under other names."""
    files = filter(os.path.isfile, islice(place.rglob("*"), 10_000))
    names = (path.relative_to(place).as_posix() for path in {*files} - {*sought})
    found = sorted(name for name in names if re.search(pattern, name, re.IGNORECASE))
    more = f" and {len(found) - 6} more" if len(found) > 6 else ""
    return f"there lies {', '.join(found[:6])}{more}" if found else "nothing like it lies there"


def _write_mnist(folder: Path, files: dict[tuple[str, str], Path]) -> bool:
    """Unpack MNIST's four files; returns whether they are the published ones."""
    for part in PARTS:
        images, labels = (
            Source(files[part, kind], partial(gzip.open, files[part, kind]), GOOD_COPY)
            for kind in KINDS
        )
        write_part(folder, part, images, labels, classes=10)
    return all(_md5(gzip.open(file)) == MNIST_MD5[key] for key, file in files.items())


def _write_emnist(folder: Path, archive: Path, split: str, classes: int, mend: str) -> bool:
    """Unpack a split of EMNIST's archive, upright; returns whether it is the published archive."""
    try:
        zipped = zipfile.ZipFile(archive)
    except Exception as error:
        raise unreadable(archive, f"a zip archive with EMNIST {split}", error, mend) from error
    with zipped, ThreadPoolExecutor(1) as pool:
        digest = pool.submit(_md5, archive.open("rb"))
        for part in PARTS:
            images, labels = (
                Source(archive, partial(_open_member, zipped, split, part, kind), mend)
                for kind in KINDS
            )
            first_label = 1 if split == "letters" else 0  # as the publisher numbers them
            write_part(
                folder, part, images, labels,
                classes=classes, first_label=first_label, transposed=True,
            )  # fmt: skip
        return digest.result() == EMNIST_MD5


def _fetch_again(archive: Path) -> str:
    """What to do where the cached download is damaged, with a command of this system."""
    windows = platform.system() == "Windows"
    delete = f'del "{archive}"' if windows else f"rm {shlex.quote(str(archive))}"
    return f"It is the cached download: delete it ({delete}) and run again, which fetches it anew."


def _open_member(zipped: zipfile.ZipFile, split: str, part: str, kind: str) -> BinaryIO:
    """The unpacked bytes of a gzip file inside EMNIST's archive."""
    member = f"gzip/emnist-{split}-{part}-{kind}-idx{KINDS[kind]}-ubyte.gz"
    return gzip.open(zipped.open(member))


def _md5(stream: BinaryIO) -> str:
    """MD5 of what is left of a stream, which is closed."""
    with stream:
        return hashlib.file_digest(stream, "md5").hexdigest()
