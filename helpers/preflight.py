"""Is this machine ready for the course? One small check a question, each with what mends it.

Imports only what Python brings along, so that it runs, and says so, where a package is missing.
"""

import os
import platform
import re
import shutil
import sys
import urllib.request
from collections import namedtuple
from importlib import metadata
from pathlib import Path

COURSE = "handwriting-course"
IN_FOLDER, REINSTALL = "close Jupyter; in the course's folder:", "make clean lab"
ROOT = Path(__file__).resolve().parents[1]
MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_KINDS = ("images-idx3", "labels-idx1")
MNIST_FILES = [f"{p}-{k}-ubyte.gz" for p in ("train", "t10k") for k in MNIST_KINDS]
GB = 1e9  # bytes
MEMORY, FREE_MEMORY, FREE_DISK, PROCESSORS = 4, 2, 2, 2  # GB, GB, GB, number

Row = namedtuple("Row", "what found expected fine mend")
"""One line of the table: texts, and `fine`, a bool; `mend` is empty where all is fine."""


def check():
    """Ask every question below, for notebook 00.

    Returns: DataFrame, columns what, found, expected, fine (bool), mend; a list of the same rows
        where pandas is missing. Holds no path of this machine. Taught in notebook 00.
    """
    rows = [python(), packages(), kernel(), mnist(), memory(), disk(), processors()]
    rows = [row._replace(mend="" if row.fine else row.mend) for row in rows]
    try:
        import pandas as pd
    except ImportError:
        return rows
    pd.set_option("display.max_colwidth", None)  # a notebook shows every mend in full
    return pd.DataFrame(rows)


def python(version=None):
    """Is Python's version, a tuple (3, 12), in the range that pyproject.toml allows?"""
    version = version or sys.version_info[:2]
    allowed = re.search(r'requires-python = "(.+)"', (ROOT / "pyproject.toml").read_text()).group(1)
    low, high = (tuple(map(int, pair)) for pair in re.findall(r"(\d+)\.(\d+)", allowed))
    mend = f"install Python 3.12 from python.org, then {IN_FOLDER} {REINSTALL}"
    return Row("Python", "{}.{}".format(*version), allowed, low <= version < high, mend)


def packages(requirements=None):
    """Is every package here, in a version that environment.yml allows?

    Arguments: requirements: list of texts such as "numpy<2.4,>=2"; None: those of the course.
    """
    mend = f"{IN_FOLDER} {'conda env update -f environment.yml' if _is_conda() else REINSTALL}"
    try:
        from packaging.requirements import Requirement

        requirements = requirements or metadata.requires(COURSE) or []
    except (ImportError, metadata.PackageNotFoundError) as error:
        missing = getattr(error, "name", None) or COURSE
        return Row("packages", f"{missing} missing", "all of environment.yml", False, mend)
    found, expected = [], []
    for needed in map(Requirement, requirements):
        version = next((one.version for one in metadata.distributions(name=needed.name)), None)
        if version is None or not needed.specifier.contains(version, prereleases=True):
            found.append(f"{needed.name} {version or 'missing'}")
            expected.append(f"{needed.name} {needed.specifier}".strip())
    if not found:
        return Row("packages", f"all {len(requirements)}", "as in environment.yml", True, mend)
    return Row("packages", ", ".join(found), ", ".join(expected), False, mend)


def kernel(prefix=None):
    """Does this notebook run in the course's own environment? `prefix`: the one it runs in."""
    prefix = Path(prefix or sys.prefix).resolve()
    own = prefix == (ROOT / ".venv").resolve()
    conda = _is_conda(prefix) and prefix.name == COURSE
    found = ".venv of the course" if own else f"environment {prefix.name!r}"
    mend = f"{IN_FOLDER} make lab (conda users: conda activate {COURSE}, then jupyter lab)"
    return Row("kernel", found, f".venv, or conda's {COURSE!r}", own or conda, mend)


def _is_conda(prefix=None):
    return (Path(prefix or sys.prefix) / "conda-meta").is_dir()


def mnist():
    """Can the images of notebooks 00 to 09 be had, from where COURSE_DATA says?"""
    value = os.environ.get("COURSE_DATA")
    if value == "sample":
        return Row("data", "built-in sample", "any", True, "")
    if value is not None:
        folder = Path(value).expanduser()
        missing = [name for name in MNIST_FILES if not (folder / "mnist" / name).is_file()]
        found = f"in {folder.name!r}: {len(MNIST_FILES) - len(missing)} of MNIST's 4 files"
        mend = f"unset COURSE_DATA, or put there mnist/{missing[0]}" if missing else ""
        return Row("data", found, "COURSE_DATA: unset, sample or a folder", not missing, mend)
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    if (home / "datasets" / "mnist.npz").is_file():
        return Row("data", "MNIST, fetched before", "MNIST", True, "")
    found = "none yet; 11 MB will be fetched" if _reachable() else "none, and no network"
    mend = "connect to a network; or work offline: COURSE_DATA=sample make lab"
    return Row("data", found, "MNIST, or a network", "will" in found, mend)


def _reachable():
    """Does the server that Keras fetches MNIST from answer?"""
    try:
        with urllib.request.urlopen(urllib.request.Request(MNIST_URL, method="HEAD"), timeout=5):
            return True
    except OSError:
        return False


def memory():
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
    return Row("memory", f"{total:.0f} GB, {free:.0f} GB of it free", expected, fine, mend)


def disk():
    """Is there room for unpacked images on the disk that holds the user's cache?"""
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home())
    place = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free / GB
    mend = "free some space, or let XDG_CACHE_HOME name a folder on another disk"
    return Row("disk", f"{free:.1f} GB free", f"{FREE_DISK} GB free", free >= FREE_DISK, mend)


def cores():
    """How many processor cores may this program use? Taskset, for one, allows fewer than all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def machine():
    """What a figure ran on, in words that name nobody: the processor's kind and its cores."""
    return f"{platform.machine()} {cores()} cores"


def processors():
    """Are there enough processor cores?"""
    count = cores()
    mend = "expect twice the minutes; or work in short: COURSE_TIER=quick make lab"
    return Row("processors", f"{count}", f"{PROCESSORS} or more", count >= PROCESSORS, mend)
