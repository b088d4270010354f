"""Notebooks where the machine is not as usual: each runs, and its claims hold.

A full run tries every notebook in every surrounding, other runs a few where all is unusual at once.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import loads
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SCRIPT = Path(__file__).with_name("surroundings.py")
GIGABYTES = 4

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="made with what Linux has")
ALONE = pytest.mark.skipif("FAULTS_TABLE" not in os.environ, reason="minutes: make faults")
"""One surrounding at a time."""


@pytest.fixture
def place():
    """A copy of the notebooks that everybody may write to."""
    with tempfile.TemporaryDirectory() as folder:
        left_out = shutil.ignore_patterns("coursework", "node_modules", "outputs", "__pycache__")
        for name in ("notebooks", "helpers"):
            shutil.copytree(ROOT / name, Path(folder, name), ignore=left_out)
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        yield Path(folder, "notebooks")


@pytest.fixture
def found(place, tally, trials):
    """Tries as many notebooks as there are trials, and tallies what came of each.

    found(fault, way, before, most, **environment): way: as surroundings.py has it; before: words of
    the command that runs it; most: notebooks, also of a full run.
    """

    def note(fault, way="whole", before=(), most=99, **environment):
        count = min(trials(len(NOTEBOOKS)), len(NOTEBOOKS), most)
        paths = random.Random(fault).sample(NOTEBOOKS, count)
        counts = Counter()
        said = run(way, [place / path.name for path in paths], before, environment)
        for line in said.stdout.splitlines():
            counts.update(json.loads(line))
        if said.returncode:
            counts[f"it ended: {said.stderr[-300:]}"] += 1
        lost = [outcome for outcome in counts if outcome not in ("survived", "named error")]
        for outcome in ("survived", "named error"):
            tally(fault, outcome, counts[outcome])
        if lost:
            tally(fault, "; ".join(lost), sum(counts[outcome] for outcome in lost))

    return note


def run(way, paths, before, environment):
    """Run surroundings.py from another folder; its lines, and how it ended."""
    folder = paths[0].parent
    ours = [ROOT / "notebooks" / "commands", folder.parent, folder]
    usual = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return subprocess.run(
        [*before, sys.executable, SCRIPT, way, *paths],
        cwd="/",
        env=usual | {"PYTHONPATH": os.pathsep.join(map(str, ours))} | environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
NO_DISPLAY = {"MPLBACKEND": "agg", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
MEMORY = ["sh", "-c", f'ulimit -d {GIGABYTES * 1024 * 1024}; exec "$@"', "sh"]
ONE_CORE = ["taskset", "-c", "0"]


@pytest.fixture
def gbk(tmp_path):
    """Settings for a Chinese system of the old kind; skipped where there is none to be made."""
    made = subprocess.run(
        ["localedef", "-i", "zh_CN", "-f", "GBK", tmp_path / "zh_CN.GBK"],
        capture_output=True,
        check=False,
    )
    if not (tmp_path / "zh_CN.GBK").is_dir():
        pytest.skip(f"no GBK locale: {made.stderr.decode(errors='replace')}")
    return {"LOCPATH": str(tmp_path), "LC_ALL": "zh_CN.GBK", "PYTHONUTF8": "0"}


@pytest.fixture
def home(tmp_path):
    """Words before a command, and variables, of an ordinary user whose home is read-only.

    Unpacked images go where the error of an empty cache tells the user to let them go; that it does
    is tried in test_folders.py.
    """
    folder, cache = tmp_path / "home", tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o555)
    cache.mkdir()
    cache.chmod(0o777)
    before = []
    if os.geteuid() == 0:  # root without its privileges may do what an ordinary user may
        if not shutil.which("setpriv"):
            pytest.skip("no setpriv here")
        os.chown(folder, loads.NOBODY, loads.NOBODY)
        before = ["setpriv", "--bounding-set=-all"]
    elsewhere = ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR")
    emptied = {name: "" for name in elsewhere if name in os.environ}
    return before, emptied | {"HOME": str(folder), "XDG_CACHE_HOME": str(cache)}


def test_notebooks_run_where_nothing_is_as_usual(found, home):
    before, environment = home
    before = [*MEMORY, *ONE_CORE, *before]
    fault = "notebook, all of these at once"
    found(fault, before=before, most=2, **PLAIN, **NO_DISPLAY, **environment)


@pytest.mark.slow
def test_cells_that_were_interrupted_run_again(found):
    found("notebook's cell, interrupted and run again", "interrupted")


def test_a_section_without_the_set_up_cell_says_so(found):
    found("section's first cell without the set-up cell", "sections")


@ALONE
@pytest.mark.parametrize(
    ("what", "options"),
    {
        "locale C": PLAIN,
        "MPLBACKEND=agg, no display, started from another folder": NO_DISPLAY,
        f"{GIGABYTES} GB of memory": {"before": MEMORY},
        "one core": {"before": ONE_CORE},
    }.items(),
)
def test_notebooks_run_where_one_thing_is_not_as_usual(what, options, found):
    found(f"notebook, {what}", **options)


@ALONE
def test_notebooks_run_in_a_chinese_locale(found, gbk):
    found("notebook, locale GBK", **gbk)


@ALONE
def test_notebooks_run_where_home_is_read_only(found, home):
    before, environment = home
    found("notebook, home read-only, XDG_CACHE_HOME elsewhere", before=before, **environment)
