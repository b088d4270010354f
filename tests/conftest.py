"""What every test starts from: no tier, COURSE_DATA unset or an existing folder, no display."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"  # tests import plans, commands and grading by name
for folder in (NOTEBOOKS, NOTEBOOKS / "commands", NOTEBOOKS / "coursework" / "grading"):
    sys.path.insert(0, str(folder))
sys.path.insert(0, str(ROOT / "tests" / "tools"))
import tiny

os.environ.pop("COURSE_TIER", None)
os.environ.setdefault("MPLBACKEND", "agg")
if os.environ.get("COURSE_DATA") in ("", "sample"):
    del os.environ["COURSE_DATA"]


def pytest_configure():
    """Make COURSE_DATA absolute, so that tests may change the folder they run in."""
    if folder := os.environ.get("COURSE_DATA"):
        if not Path(folder).is_dir():
            raise pytest.UsageError(
                f"COURSE_DATA is {folder!r}, which is not a folder. For tests it is expected to be "
                "unset, or a folder with real MNIST and EMNIST. Mend it: unset COURSE_DATA"
            )
        os.environ["COURSE_DATA"] = str(Path(folder).resolve())


def pytest_collection_modifyitems(items):
    """Skip what needs real data where COURSE_DATA names no folder."""
    if "COURSE_DATA" in os.environ:
        return
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(pytest.mark.skip(reason="COURSE_DATA names no folder with real data"))


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """A cache folder for all tests together: what it holds is generated once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def own_caches(monkeypatch, shared_cache, tmp_path):
    """Unpacked images in the shared cache folder, downloads in a home folder of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared_cache))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def fresh_cache(own_caches, monkeypatch, tmp_path):
    """The folder where this test's images get unpacked; nothing has been yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "handwriting-course"


@pytest.fixture
def letters(fresh_cache, monkeypatch, tmp_path):
    """The path of a tiny EMNIST Letters archive, in a folder that COURSE_DATA names."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    return tiny.write_zip(tmp_path / "data" / "emnist" / "emnist.zip", tiny.emnist_members())
