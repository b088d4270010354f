"""Folders that cannot be written, or lie far away, or hold the files under other names."""

import errno
import fcntl
import gzip
import os
import shutil
import tempfile
from pathlib import Path

from helpers.archives import datasets, download

import loads
import pytest
import tiny
from loads import LETTERS, MNIST

COUNTS = {LETTERS: (60, 30), MNIST: (60, 30)}
RIGHT = {name: loads.right(name, COUNTS) for name in COUNTS}


# --- folders that cannot be written or read ---------------------------------------------------


@pytest.fixture
def place():
    """A folder that everybody may look into, with data/ and home/ of an ordinary user."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        tiny.write_mnist(root / "data", tiny.mnist_files())
        tiny.write_zip(root / "data" / "emnist" / "emnist.zip", tiny.emnist_members())
        (root / "home").mkdir()
        allow(root, 0o755)
        yield root
        allow(root, 0o755)


def allow(folder, mode):
    """Give a folder and all below it to nobody, with such permissions (files: no x)."""
    for path in (folder, *folder.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, loads.NOBODY, loads.NOBODY)
        path.chmod(mode if path.is_dir() else mode & 0o666)


def load_as_nobody(name, place, **variables):
    """What a load says in a process of an ordinary user."""
    here = {"HOME": place / "home", "XDG_CACHE_HOME": place / "home" / "cache", **variables}
    return loads.load_as_nobody(name, {key: str(value) for key, value in here.items()})


def named(found, *words):
    """Whether it is a named error that holds these words."""
    missing = [word for word in words if word not in found]
    return "named error" if found.startswith("named error: ") and not missing else found


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_a_cache_that_is_full_of_images_may_be_read_only(place, name, tally):
    assert load_as_nobody(name, place, COURSE_DATA=place / "data") == RIGHT[name]
    allow(place / "home", 0o555)
    found = load_as_nobody(name, place, COURSE_DATA=place / "data")
    tally("cache unpacked before, now read-only", "survived" if found == RIGHT[name] else found)


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_a_cache_that_is_read_only_and_empty_is_explained(place, name, tally):
    allow(place / "home", 0o555)
    found = load_as_nobody(name, place, COURSE_DATA=place / "data")
    words = ("could not be unpacked", "Permission denied", "XDG_CACHE_HOME to another folder")
    tally("cache read-only and empty", named(found, *words))
    (place / "other").mkdir()
    allow(place / "other", 0o755)
    found = load_as_nobody(name, place, COURSE_DATA=place / "data", XDG_CACHE_HOME=place / "other")
    assert found == RIGHT[name]


@pytest.mark.slow
def test_a_home_that_is_read_only_is_explained_where_a_download_is_wanted(place, tally):
    allow(place / "home", 0o555)
    found = load_as_nobody(LETTERS, place)
    words = ("could not be downloaded", "Permission denied", "folder", "can be written")
    tally("home read-only, archive wanted", named(found, *words))


@pytest.mark.slow
@pytest.mark.parametrize("file", ["mnist/t10k-labels-idx1-ubyte.gz", "emnist/emnist.zip"])
def test_a_file_that_may_not_be_read_is_named(place, file, tally):
    (place / "data" / file).chmod(0)
    name = MNIST if "mnist/t10k" in file else LETTERS
    found = load_as_nobody(name, place, COURSE_DATA=place / "data")
    words = (file, "this program may not (Permission denied)", "Allow it")
    tally("file that may not be read", named(found, *words))
    assert "Free some space" not in found


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_a_folder_that_may_not_be_read_is_named(place, name, tally):
    for folder in ("mnist", "emnist"):
        (place / "data" / folder).chmod(0)
    found = load_as_nobody(name, place, COURSE_DATA=place / "data")
    tally("folder that may not be read", named(found, str(place / "data" / name[:5].rstrip("/"))))


# --- a cache on another computer --------------------------------------------------------------


@pytest.fixture
def unpacking(letters):
    """EMNIST Letters, about to be unpacked."""
    return lambda: loads.load(LETTERS)


@pytest.mark.parametrize(
    "number, outcome",
    [(errno.ENOSYS, "survived"), (errno.ENOLCK, "named error"), (errno.EIO, "named error")],
    ids=["no locks", "no lock daemon", "input or output fails"],
)
def test_a_file_system_that_cannot_lock(unpacking, monkeypatch, tally, number, outcome):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", refuse)
        found = unpacking()
    if outcome == "survived":
        tally("cache without locks", "survived" if found == RIGHT[LETTERS] else found)
    else:
        words = (os.strerror(number), "XDG_CACHE_HOME to another folder")
        tally("cache without locks", named(found, *words))
    assert unpacking() == RIGHT[LETTERS]


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.EACCES])
def test_a_cache_whose_server_fails_while_it_is_renamed(unpacking, monkeypatch, tally, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(download.Path, "rename", refuse)
        words = (os.strerror(number), "could not be unpacked", "run again")
        tally("cache whose server fails", named(unpacking(), *words))
    assert unpacking() == RIGHT[LETTERS]


# --- files unpacked or renamed ----------------------------------------------------------------

FOUR = sorted(tiny.mnist_files())


def unpack(folder, rename=lambda name: name.removesuffix(".gz")):
    """Unpack MNIST's four files, as a browser does; 7-Zip gives them the names within."""
    for name in FOUR:
        path = folder / "mnist" / name
        path.with_name(rename(name)).write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()


def by_safari(folder):
    unpack(folder)


def by_7_zip(folder):
    unpack(folder, lambda name: name.removesuffix(".gz").replace("-idx", ".idx"))


def by_torchvision(folder):
    raw = folder / "MNIST" / "raw"
    raw.parent.mkdir(exist_ok=True)
    (folder / "mnist").rename(raw)


def beside_the_folder(folder):
    """COURSE_DATA names the folder mnist itself."""
    for path in (folder / "mnist").iterdir():
        path.rename(folder / path.name)


def by_windows(folder):
    for path in list((folder / "mnist").iterdir()):
        path.rename(path.with_name(f"{path.name}.gz"))


def emnist_by_safari(folder):
    """The archive is opened after the download, and goes."""
    shutil.unpack_archive(folder / "emnist" / "emnist.zip", folder / "emnist")
    (folder / "emnist" / "emnist.zip").unlink()


def emnist_by_7_zip(folder):
    emnist_by_safari(folder)
    (folder / "emnist" / "gzip").rename(folder / "emnist" / "emnist")


def emnist_by_torchvision(folder):
    raw = folder / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    (folder / "emnist" / "emnist.zip").rename(raw / "gzip.zip")


def emnist_as_published(folder):
    (folder / "emnist" / "emnist.zip").rename(folder / "emnist" / "gzip.zip")


def emnist_by_windows(folder):
    (folder / "emnist" / "emnist.zip").rename(folder / "emnist" / "emnist.zip.zip")


RENAMED = {
    by_safari: "mnist/train-images-idx3-ubyte,",
    by_7_zip: "mnist/train-images.idx3-ubyte,",
    by_torchvision: "MNIST/raw/train-images-idx3-ubyte.gz",
    beside_the_folder: "train-images-idx3-ubyte.gz",
    by_windows: "mnist/train-images-idx3-ubyte.gz.gz",
    emnist_by_safari: "emnist/gzip/emnist-letters-test-images-idx3-ubyte.gz",
    emnist_by_7_zip: "emnist/emnist/emnist-letters-test-images-idx3-ubyte.gz",
    emnist_by_torchvision: "EMNIST/raw/gzip.zip",
    emnist_as_published: "emnist/gzip.zip",
    emnist_by_windows: "emnist/emnist.zip.zip",
}


@pytest.fixture
def folder(fresh_cache, monkeypatch, tmp_path):
    """A folder with right files, which COURSE_DATA names."""
    data = tiny.write_mnist(tmp_path / "data", tiny.mnist_files())
    tiny.write_zip(data / "emnist" / "emnist.zip", tiny.emnist_members())
    monkeypatch.setenv("COURSE_DATA", str(data))
    return data


@pytest.mark.parametrize("rename", RENAMED)
def test_files_under_other_names_are_told_with_what_to_do(folder, rename, tally):
    rename(folder)
    name = LETTERS if "emnist" in rename.__name__ else MNIST
    do = "gzip packs" if name == MNIST else "not unpacked"
    words = ("found no", "; there lies ", RENAMED[rename], do, "unset COURSE_DATA")
    tally("file unpacked or renamed", named(loads.load(name), *words))


def test_what_lies_right_is_not_told(folder):
    (folder / "mnist" / FOUR[0]).unlink()
    assert "; nothing like it lies there." in loads.load(MNIST)


@pytest.mark.parametrize(
    "spoil, like",
    [
        (gzip.decompress, "an unpacked IDX file, which gzip packs again"),
        (gzip.compress, "a gzip file"),
        (lambda content: b"<!DOCTYPE html><html>", "a web page"),
    ],
    ids=["unpacked under its name", "packed twice", "a page saved under its name"],
)
def test_a_file_of_the_right_name_with_another_content_is_told(folder, spoil, like, tally):
    path = folder / "mnist" / FOUR[-1]
    path.write_bytes(spoil(path.read_bytes()))
    words = (str(path), f"begins like {like}", "good copy")
    tally("file unpacked or renamed", named(loads.load(MNIST), *words))


def test_the_layouts_hold_what_they_say(folder):
    """Undamaged, both load; so a trial above fails for its names alone."""
    assert [loads.load(name) for name in (MNIST, LETTERS)] == [RIGHT[MNIST], RIGHT[LETTERS]]
    assert datasets.PUBLISHED.keys() >= COUNTS.keys()
