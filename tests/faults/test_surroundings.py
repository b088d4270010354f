"""Notebooks where the machine is not as usual: each runs, and its claims hold."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import loads
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SCRIPT = Path(__file__).with_name("surroundings.py")
GIGABYTES = 4

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("FAULTS_TABLE" not in os.environ, reason="minutes: make faults"),
]


@pytest.fixture
def place():
    """A copy of the notebooks that everybody may write to."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "notebooks")
        left_out = shutil.ignore_patterns("coursework", "node_modules", "outputs")
        shutil.copytree(ROOT / "notebooks", copy, ignore=left_out)
        shutil.copytree(ROOT / "helpers", Path(folder, "helpers"))
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        yield copy


def run(place, path, *words, before=(), **options):
    """What came of a notebook, run from another folder."""
    environment = options.pop("environment", {})
    paths = [str(ROOT / "notebooks" / "commands"), str(place)]
    done = subprocess.run(
        [*before, sys.executable, str(SCRIPT), str(place / path.name), *words],
        cwd=options.pop("cwd", "/"),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        **options,
    )
    return (done.stdout.strip().splitlines() or [done.stderr[-300:]])[-1]


def some(trials, what):
    """Of the notebooks as many as there are trials, others for each surrounding."""
    return random.Random(what).sample(NOTEBOOKS, min(trials(len(NOTEBOOKS)), len(NOTEBOOKS)))


def gbk(folder):
    """Settings for a Chinese system of the old kind; skipped where there is none to be made."""
    made = subprocess.run(
        ["localedef", "-i", "zh_CN", "-f", "GBK", folder / "zh_CN.GBK"],
        capture_output=True,
        check=False,
    )
    if not (folder / "zh_CN.GBK").is_dir():
        pytest.skip(f"no GBK locale: {made.stderr.decode(errors='replace')}")
    return {"LOCPATH": str(folder), "LC_ALL": "zh_CN.GBK", "PYTHONUTF8": "0"}


PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
MEMORY = ["sh", "-c", f'ulimit -d {GIGABYTES * 1024 * 1024}; exec "$@"', "sh"]
SURROUNDINGS = {
    "another working directory": lambda _: {},
    "locale C": lambda _: {"environment": PLAIN},
    "locale GBK": lambda folder: {"environment": gbk(folder)},
    "MPLBACKEND=agg and no display": lambda _: {
        "environment": {"MPLBACKEND": "agg", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    },
    f"{GIGABYTES} GB of memory": lambda _: {"before": MEMORY},
    "one core": lambda _: {"before": ["taskset", "-c", "0"]},
}


@pytest.mark.parametrize("what", SURROUNDINGS)
def test_a_notebook_runs_where_the_machine_is_not_as_usual(what, place, tmp_path, tally, trials):
    options = SURROUNDINGS[what](tmp_path)
    for path in some(trials, what):
        found = run(place, path, **options)
        tally(f"notebook, {what}", found if found == "survived" else f"{path.stem}: {found}")


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="no setpriv here")
def test_a_notebook_runs_where_home_is_read_only(place, tmp_path, tally, trials):
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o555)
    before = []
    if os.geteuid() == 0:  # root without its privileges may do what an ordinary user may
        os.chown(home, loads.NOBODY, loads.NOBODY)
        before = ["setpriv", "--bounding-set=-all"]
    folders = ("XDG_CACHE_HOME", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR")
    environment = {name: "" for name in folders if name in os.environ} | {"HOME": str(home)}
    for path in some(trials, "home"):
        found = run(place, path, environment=environment, before=before)
        tally("notebook, home read-only", found if found == "survived" else f"{path.stem}: {found}")


def test_a_notebook_whose_cells_were_interrupted_runs_again(place, tally, trials):
    for seed, path in enumerate(some(trials, "interrupt")):
        found = run(place, path, str(seed))
        name = "notebook, its cells interrupted and run again"
        tally(name, found if found == "survived" else f"{path.stem}: {found}")
