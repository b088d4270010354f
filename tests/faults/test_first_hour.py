"""What a learner meets in the first hour: each error is one sentence that says what to do."""

import os
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

from helpers import data, evaluation, handwriting, models, preflight, training

import hints
import numpy as np
import pytest
import tiny

ROOT = Path(__file__).resolve().parents[2]
IMAGES, LABELS = tiny.arrays(60, 10)
CLASSES = data.CLASSES["mnist"]


def fit(images=IMAGES, labels=LABELS):
    training.fit(models.dense_ann((4,)), data.Split(images, labels), epochs=1, verbose=False)


def picture(name, content):
    """A file of some kind, read as handwriting."""

    def read(folder):
        (folder / name).write_bytes(content)
        handwriting.read(folder / name, None, CLASSES)

    return read


def half_a_download(folder):
    files = tiny.mnist_files()
    name = "train-images-idx3-ubyte.gz"
    tiny.write_mnist(folder, files | {name: files[name][:9000]})
    data.load("mnist")


HOUR = {
    "half a download": (half_a_download, "train-images-idx3-ubyte.gz.*Put a good copy"),
    "data.load('MNIST')": (lambda _: data.load("MNIST"), "Did you mean 'mnist'"),
    "data.load('EMNIST')": (lambda _: data.load("EMNIST"), "Expected one of .*emnist/byclass"),
    "labels as strings": (lambda _: fit(labels=LABELS.astype(str)), r"Write labels\.astype\(int\)"),
    "labels as letters": (
        lambda _: data.Split(IMAGES[:2], list("ab")),
        r"Write .* \[classes\.index\(one\) for one in labels\]",
    ),
    "labels one-hot": (lambda _: fit(labels=np.eye(10)[LABELS]), r"labels\.argmax\(axis=1\)"),
    "labels 1 … 10": (lambda _: fit(labels=LABELS + 1), r"classes=len\(dataset\.classes\)"),
    "images as rows of 784": (
        lambda _: fit(images=IMAGES.reshape(60, 784)),
        r"expected images of shape \(n, 28, 28\), found \(60, 784\)\. Write images\.reshape",
    ),
    "images of 32 × 32": (
        lambda _: fit(images=np.zeros((60, 32, 32), np.uint8)),
        r"found \(60, 32, 32\).*handwriting\.prepare",
    ),
    "one image": (lambda _: fit(images=IMAGES[0], labels=LABELS[:28]), r"found \(28, 28\)"),
    "images without labels": (
        lambda _: training.fit(models.dense_ann((4,)), IMAGES, epochs=1),
        r"Write data\.Split\(images, labels\)",
    ),
    "a HEIC photo": (picture("a.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1"), "HEIC.* as JPEG"),
    "a PDF": (picture("a.png", b"%PDF-1.7\n%"), "PDF document. Save the page as PNG"),
    "a file that is not there": (
        lambda folder: handwriting.read(folder / "a.png", None, CLASSES),
        "found no file .* Check its name and folder",
    ),
    "an array of many pictures": (
        lambda _: handwriting.read(IMAGES, None, CLASSES),
        "Pass one picture, not a batch",
    ),
}


@pytest.mark.parametrize("mistake", HOUR)
def test_the_error_of_a_learner_says_what_to_do(mistake, fresh_cache, monkeypatch, tmp_path, tally):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    make, words = HOUR[mistake]
    with pytest.raises((ValueError, TypeError, data.DataUnavailable), match=words) as error:
        make(tmp_path)
    message = str(error.value)
    assert "\n" not in message and ("xpected" in message or "Did you mean" in message)
    tally(f"first hour: {mistake}", "named error")
    print(f"{mistake}: {type(error.value).__name__}: {message}")


@pytest.mark.parametrize("judge", [False, True], ids=["fit", "evaluate"])
def test_images_that_are_scaled_already_are_told(judge, tally):
    split = data.Split(IMAGES / 255, LABELS)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if judge:
            evaluation.evaluate(models.dense_ann((4,)), split, CLASSES)
        else:
            fit(images=IMAGES / 255)
    (words,) = [str(one.message) for one in told if "pixels" in str(one.message)]
    assert words.endswith("Pass the raw pixels.")
    tally("first hour: images / 255", "named error")
    print(f"images / 255: {words}")


def test_a_wrong_kernel_is_told_with_what_to_do(tmp_path, tally):
    row = preflight.kernel(tmp_path / "other")
    assert not row.fine and "make lab" in row.mend
    tally("first hour: wrong kernel in 00", "named error")
    print(f"wrong kernel: found {row.found}, expected {row.expected}: {row.mend}")


def test_without_an_environment_the_first_cell_says_what_to_do(tally):
    """The first cell of notebook 00, in a Python that has no packages."""
    code = "import sys; sys.path.append('..')\nfrom helpers import preflight\n"
    code += "print(*[row for row in preflight.check() if not row.fine], sep='\\n')"
    seen = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        cwd=ROOT / "notebooks",
        env={"COURSE_DATA": "sample", "HOME": str(Path.home())},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert seen.returncode == 0, seen.stderr
    (row,) = [line for line in seen.stdout.splitlines() if "what='packages'" in line]
    assert "missing" in row and "make clean lab" in row
    tally("first hour: no environment", "named error")
    print(f"no environment: {row}")


@pytest.mark.parametrize(
    "mistake, cell, words",
    [
        ("forgotten set-up cell", "course.start()", "Run All Above"),
        ("wrong kernel in a later notebook", "import helpers.no_such_module", "Change Kernel"),
        ("a notebook in another folder", "import plans", "Copy the notebook there"),
    ],
)
def test_what_a_kernel_of_make_lab_says_below_an_error(mistake, cell, words, tally, monkeypatch):
    monkeypatch.setattr(sys, "path", [one for one in sys.path if "notebooks" not in one])
    monkeypatch.delitem(sys.modules, "plans", raising=False)
    with pytest.raises((NameError, ModuleNotFoundError)) as error:
        exec(cell, {})
    assert words in hints.hint(error.value)
    tally(f"first hour: {mistake}", "named error")


def test_an_edited_helper_is_told(tmp_path, monkeypatch, tally):
    file = tmp_path / "made_up.py"
    file.write_text("", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "helpers.made_up", SimpleNamespace(__file__=str(file)))
    seen = {}
    hints.edited(seen)
    os.utime(file, (1, 1))
    assert hints.edited(seen) == ["helpers.made_up"]
    tally("first hour: edited helper, no restart", "named error")
