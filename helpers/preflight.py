"""Is this machine ready for the course? One small check a question, each with what mends it.

Imports only what Python brings along, so that it runs, and says so, where a package is missing.
"""

import gzip
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

COURSE = "handwriting-course"
IN_FOLDER, REINSTALL = "close Jupyter; in the course's folder:", "make clean lab"
ROOT = Path(__file__).resolve().parents[1]
MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_KINDS = ("images-idx3", "labels-idx1")
MNIST_FILES = [f"{p}-{k}-ubyte.gz" for p in ("train", "t10k") for k in MNIST_KINDS]
GB = 1e9  # bytes
MEMORY, FREE_MEMORY, FREE_DISK, PROCESSORS = 4, 2.4, 2, 2  # GB, GB, GB, number
IMPORT_SECONDS = 180  # to import Keras; the first time, on a slow disk, it takes a minute
SETTINGS = {"backend": "tensorflow", "image_data_format": "channels_last", "floatx": "float32"}
"""What Keras's own file of settings, keras.json, may say, and what the course uses."""


class Row(NamedTuple):
    """One line of the table; `mend` is shown where `fine` is False."""

    what: str
    found: str
    expected: str
    fine: bool
    mend: str


def check() -> "pd.DataFrame | list[Row]":
    """Ask every question below, for notebook 00, where it is taught.

    Returns:
        A DataFrame with the columns of `Row`; a list of the same rows where pandas is missing.
        The row on keras.json is there only if that file differs from what the course uses.
        Holds no path of this machine.
    """
    rows = [python(), packages(), kernel(), mnist(), memory(), disk(), processors()]
    rows += [row for row in [keras_json()] if row]
    rows = [row._replace(mend="" if row.fine else row.mend) for row in rows]
    try:
        import pandas as pd
    except ImportError:
        return rows
    pd.set_option("display.max_colwidth", None)  # a notebook shows every mend in full
    return pd.DataFrame(rows)


def python(version: tuple[int, int] | None = None) -> Row:
    """Is Python's version in the range that pyproject.toml allows?

    Args:
        version: such as (3, 12); None: that of this Python.
    """
    version = version or sys.version_info[:2]
    if (project := ROOT / "pyproject.toml").is_file():  # else the package lies among others
        line = r'requires-python = "(.+)"'
        allowed = re.search(line, project.read_text(encoding="utf-8")).group(1)
    else:
        allowed = metadata.metadata(COURSE)["Requires-Python"]
    low, high = sorted(tuple(map(int, pair)) for pair in re.findall(r"(\d+)\.(\d+)", allowed))
    mend = f"install Python 3.12 from python.org, then {IN_FOLDER} {REINSTALL}"
    return Row("Python", "{}.{}".format(*version), allowed, low <= version < high, mend)


def packages(requirements: list[str] | None = None) -> Row:
    """Is every package here, in a version that environment.yml allows, and can Keras be imported?

    Args:
        requirements: texts such as "numpy<2.4,>=2"; None: those of the course.
    """
    mend = f"{IN_FOLDER} {'conda env update -f environment.yml' if _is_conda() else REINSTALL}"
    try:
        from packaging.requirements import Requirement

        listed = map(Requirement, requirements or metadata.requires(COURSE) or [])
    except (ImportError, metadata.PackageNotFoundError) as error:
        missing = getattr(error, "name", None) or COURSE
        return Row("packages", f"{missing} missing", "all of environment.yml", False, mend)
    found, expected = [], []
    wanted = [one for one in listed if not one.marker or one.marker.evaluate({"extra": ""})]
    for needed in wanted:
        version = next((one.version for one in metadata.distributions(name=needed.name)), None)
        if version is None or not needed.specifier.contains(version, prereleases=True):
            found.append(f"{needed.name} {version or 'missing'}")
            expected.append(f"{needed.name} {needed.specifier}".strip())
    if found:
        return Row("packages", ", ".join(found), ", ".join(expected), False, mend)
    if trouble := _import_trouble():
        if (backend := os.environ.get("KERAS_BACKEND")) not in (None, SETTINGS["backend"]):
            mend = f"unset KERAS_BACKEND, which is {backend!r}, or install what it needs"
        else:
            afresh = f"conda env remove -n {COURSE}; conda env create -f environment.yml"
            mend = f"{IN_FOLDER} {afresh if _is_conda() else REINSTALL}"
            mend += "; if that does not help, use another machine"
        found = f"Keras (with TensorFlow) cannot be imported: {trouble}"
        return Row("packages", found, "an import without error", False, mend)
    return Row("packages", f"all {len(wanted)}", "as in environment.yml", True, mend)


def _import_trouble() -> str:
    """Why Keras cannot be imported, in a line without paths; empty where it can.

    Tried in a second process, because a broken TensorFlow may end the one that imports it.
    """
    try:
        tried = subprocess.run(
            [sys.executable, "-c", "import keras"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            encoding="utf-8",
            errors="replace",
            timeout=IMPORT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"not done after {IMPORT_SECONDS} seconds"
    if tried.returncode == 0:
        return ""
    words = tried.stderr
    for place in {Path(sys.prefix), ROOT, Path.home()} - {Path("/")}:
        words = words.replace(f"{place}{os.sep}", "")
    errors = re.findall(r"^[\w.]*(?:Error|Exception)\b.*", words, re.MULTILINE)
    if errors and tried.returncode == 1:  # Python's own ending, with a traceback
        return errors[-1]
    code = tried.returncode
    how = signal.strsignal(-code) if code < 0 else f"exit status {code}"
    return f"it ended the program ({how}), with the words: {' '.join(words.split())[-400:]}"


def keras_json() -> Row | None:
    """Does a keras.json, often left by an older Keras, ask for other settings than the course?

    Returns:
        None where there is no such file, or it asks for nothing else.
    """
    try:
        text = (_keras_home() / "keras.json").read_text(encoding="utf-8", errors="replace")
        asked = dict(json.loads(text))
    except (OSError, ValueError, TypeError):  # no file, or one that Keras passes over
        return None
    own = SETTINGS | {"backend": os.environ.get("KERAS_BACKEND") or SETTINGS["backend"]}
    other = {name: value for name, value in asked.items() if value != own.get(name, value)}
    if other.get("backend") == SETTINGS["backend"]:  # Keras itself writes so, whatever is used
        del other["backend"]
    if not other:
        return None
    found = ", ".join(f"{name} {value}" for name, value in other.items())
    found += ": set by an older Keras or by you; the course overrides it for itself"
    expected = ", ".join(f"{name} {own[name]}" for name in other)
    return Row("keras.json", found, expected, True, "")


def _keras_home() -> Path:
    """Where Keras keeps keras.json and what it fetched."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser()


def kernel(prefix: str | Path | None = None) -> Row:
    """Does this notebook run in the course's own environment?

    Args:
        prefix: the folder of the environment; None: the one that this Python runs in.
    """
    prefix = Path(prefix or sys.prefix).resolve()
    own = prefix == (ROOT / ".venv").resolve()
    conda = _is_conda(prefix) and prefix.name == COURSE
    found = ".venv of the course" if own else f"environment {prefix.name!r}"
    mend = f"{IN_FOLDER} make lab (conda users: conda activate {COURSE}, then jupyter lab)"
    return Row("kernel", found, f".venv, or conda's {COURSE!r}", own or conda, mend)


def _is_conda(prefix: Path | None = None) -> bool:
    return (Path(prefix or sys.prefix) / "conda-meta").is_dir()


def mnist() -> Row:
    """Can the images of notebooks 00 to 13 be had, from where COURSE_DATA says?"""
    value = os.environ.get("COURSE_DATA")
    if value == "sample":
        return Row("data", "built-in sample", "any", True, "")
    if value is not None:
        folder = Path(value).expanduser()
        troubles = [(name, _trouble(folder / "mnist" / name)) for name in MNIST_FILES]
        bad = [f"mnist/{name} {trouble}" for name, trouble in troubles if trouble]
        found = f"in {folder.name!r}: {len(MNIST_FILES) - len(bad)} of MNIST's 4 files"
        mend = f"{bad[0]}: put a good one there, or unset COURSE_DATA" if bad else ""
        return Row("data", found, "COURSE_DATA: unset, sample or a folder", not bad, mend)
    trouble = _trouble(_keras_home() / "datasets" / "mnist.npz")
    if not trouble:
        return Row("data", "MNIST, fetched before", "MNIST", True, "")
    found = "none yet" if trouble == "is missing" else f"mnist.npz {trouble}"
    found += "; 11 MB will be fetched" if _reachable() else ", and no network"
    mend = "connect to a network; or work offline: COURSE_DATA=sample make lab"
    return Row("data", found, "MNIST, or a network", "will" in found, mend)


def _trouble(file: Path) -> str:
    """What is wrong with a file of images or labels; empty where all of it can be unpacked."""
    if not os.path.isfile(file):
        return "is missing"
    try:
        if file.suffix == ".gz":
            with gzip.open(file) as packed:
                begins = packed.read(4)
                while packed.read(1 << 20):
                    pass
            return "" if begins.startswith(b"\0\0\x08") else "holds something else"
        with zipfile.ZipFile(file) as packed:
            return "is damaged" if packed.testzip() else ""
    except Exception as error:  # a damaged file can make its decoder raise anything
        return f"is damaged ({type(error).__name__})"


def _reachable() -> bool:
    """Does the server that Keras fetches MNIST from answer?"""
    try:
        with urllib.request.urlopen(urllib.request.Request(MNIST_URL, method="HEAD"), timeout=5):
            return True
    except OSError:
        return False


def memory() -> Row:
    """Is there enough memory, in all and free of other programs?"""
    expected = f"{MEMORY} GB, {FREE_MEMORY} GB of it free"
    try:
        import psutil
    except ImportError:
        found = "not known: psutil missing"
        return Row("memory", found, expected, False, f"{IN_FOLDER} {REINSTALL}")
    state = psutil.virtual_memory()
    total, free = state.total / GB, state.available / GB
    mend = (
        "close other programs" if total >= MEMORY else "work in short: COURSE_TIER=quick make lab"
    )
    fine = total >= MEMORY and free >= FREE_MEMORY
    return Row("memory", f"{total:.0f} GB, {free:.1f} GB of it free", expected, fine, mend)


def disk() -> Row:
    """Is there room for unpacked images on the disk that holds the user's cache?"""
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home())
    place = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free / GB
    mend = "free some space, or let XDG_CACHE_HOME name a folder on another disk"
    return Row("disk", f"{free:.1f} GB free", f"{FREE_DISK} GB free", free >= FREE_DISK, mend)


def cores() -> int:
    """How many processor cores may this program use? Taskset, for one, allows fewer than all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def machine() -> str:
    """What a figure ran on, in words that name nobody: the processor's kind and its cores."""
    return f"{platform.machine()} {cores()} cores"


def processors() -> Row:
    """Are there enough processor cores?"""
    count = cores()
    mend = "expect twice the minutes; or work in short: COURSE_TIER=quick make lab"
    return Row("processors", f"{count}", f"{PROCESSORS} or more", count >= PROCESSORS, mend)
