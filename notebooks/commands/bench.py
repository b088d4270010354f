"""Measure the course against what most do ("make bench").

Both sides run on the same machine, in turns, each measurement in a process of its own.
bench_tasks has the rows on ByClass at NIST's size, 814,255 images, an archive built by repeating
those at hand. There the peer is `emnist.extract_*_samples("byclass")` followed by the usual
`astype("float32") / 255`, and scikit-learn's reports; the row image_byclass compares the course
with itself: an image's time among 697,932 and among the images at hand. bench_speed has the rows on
training, prediction and the course as a whole. ROWS=mnist_99,load_byclass measures only those.

`bench.py --compare before.json after.json` prints what changed between two runs.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from helpers.internals import files

import bench_speed
import bench_tasks
from bench_tasks import FOLDER, ROOT


class Row(NamedTuple):
    """A row of the table: its unit, the tasks ours_… and peer_… that measure it, and its targets.

    ours, ratio: the most that our figure, and ours / peer, may be; None: no target. turns:
    measurements of our side; peer_turns: of the peer's, 0 where there is none to compare with.
    fresh: whether they start from a cache folder without anything. tasks: the module that holds
    them.
    """

    unit: str
    task: str
    ours: float | None = None
    ratio: float | None = None
    turns: int = 3
    peer_turns: int = 3
    fresh: bool = False
    tasks: object = bench_tasks

    @property
    def targets(self):
        """Pairs: which figure is judged, "ours" or "ratio", and the most that it may be."""
        both = (("ours", self.ours), ("ratio", self.ratio))
        return [(figure, at_most) for figure, at_most in both if at_most is not None]


Speed = partial(Row, tasks=bench_speed)


ROWS = {
    "mnist_99": Speed("s", "mnist_99", ours=6, ratio=1 / 25, turns=10),
    "load_byclass_first": Row("s", "load", ratio=1.0, fresh=True),
    "load_byclass": Row("s", "load", ratio=1 / 20),
    "memory_byclass": Row("MB", "train", ratio=1 / 3, fresh=True),
    "epoch_byclass": Row("MB", "epoch", ours=2500, turns=1, peer_turns=0),  # it hardly varies
    "image_byclass": Row("ms", "image", ratio=1.1),
    "report_byclass": Row("s", "report", ours=60, peer_turns=1),
    "predict_image": Speed("ms", "predict_image"),
    "predict_batch": Speed("ms", "predict_batch"),
    "prepare": Speed("ms", "prepare", ours=3, peer_turns=0),
    "read_picture": Speed("ms", "read_picture", ours=20, peer_turns=0),
    "read_page": Speed("s", "read_page", ours=2, peer_turns=1),
    "import_alone": Speed("s", "import_alone", ours=1, peer_turns=0),
    "import_helpers": Speed("s", "import"),
    "course_quick": Speed("s", "course", ours=240, turns=1, peer_turns=0),
}


def main():
    """Build the archive if need be, measure the chosen rows, print and save the table."""
    chosen = [name for name in os.environ.get("ROWS", "").split(",") if name] or list(ROWS)
    if unknown := set(chosen) - set(ROWS):
        sys.exit(f"ROWS: expected some of {', '.join(ROWS)}; found {', '.join(sorted(unknown))}.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    if any(ROWS[name].tasks is bench_tasks for name in chosen):
        _child(bench_tasks, "build", {}, show=True)
    results = [measure(name) for name in chosen]
    with files.whole(ROOT / "build" / "bench.json") as part:
        part.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))
    print(f"{machine()}; medians, in brackets greatest - least; build/bench.json")


# --- measuring -------------------------------------------------------------------------------


def measure(name):
    """The figures of one row: medians, ours and the peer's measured in turns."""
    figures, row = {"ours": [], "peer": []}, ROWS[name]
    turns = {"ours": row.turns, "peer": row.peer_turns}
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="cache-") as warm:
        if row.tasks is bench_tasks and not row.fresh:
            _child(bench_tasks, "ours_load", {"XDG_CACHE_HOME": warm})
        for side in order(turns):
            figures[side].append(_side(name, side, len(figures[side]), warm))
            figure = f"{figures[side][-1]:.4g} {row.unit}"
            print(f"{name}, {len(figures[side])} of {turns[side]}, {side}: {figure}", flush=True)
    found = {"name": name, "unit": row.unit, "peer": None, "ratio": None, "machine": machine()}
    for side, seen in figures.items():
        found[f"{side}_figures"] = seen
        if seen:
            found |= {side: statistics.median(seen), f"{side}_spread": max(seen) - min(seen)}
    if figures["peer"]:
        found["ratio"] = found["ours"] / found["peer"]
    return found


def order(turns):
    """The sides in the order of measuring: each side's turns are spread evenly over the whole run.

    turns: dict side → number of turns. A slow hour of the machine so meets both sides.
    """
    due = [(turn / count, side) for side, count in turns.items() for turn in range(count)]
    return [side for _, side in sorted(due, key=lambda pair: pair[0])]


def _side(name, side, turn, warm):
    """One measurement; a first load, and the memory of one, get a cache folder without anything."""
    task, tasks = f"{side}_{ROWS[name].task}", ROWS[name].tasks
    if tasks is bench_speed:
        return _child(tasks, task, {"BENCH_TURN": str(turn + 1)})
    if not ROWS[name].fresh:
        return _child(tasks, task, {"XDG_CACHE_HOME": warm})
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="cache-") as fresh:
        return _child(tasks, task, {"XDG_CACHE_HOME": fresh})


def _child(tasks, task, variables, show=False):
    """Run a task in a fresh process; returns the number it prints in its last line."""
    environment = {**os.environ, "COURSE_TIER": "full", **variables}
    if "XDG_CACHE_HOME" in variables:  # both find the archive where the emnist package keeps it
        environment["HOME"] = str(FOLDER / "home")
        environment.pop("COURSE_DATA", None)
    done = subprocess.run(
        [sys.executable, tasks.__file__, task],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        sys.exit(f"{task} failed:\n{done.stdout}{done.stderr or ''}")
    return json.loads(done.stdout.splitlines()[-1])


def machine():
    """What the figures were measured on."""
    packages = [f"{name} {version(name)}" for name in ("tensorflow", "keras", "numpy")]
    python = f"Python {platform.python_version()}"
    return ", ".join([platform.machine(), f"{os.cpu_count()} cores", python, *packages])


# --- showing ---------------------------------------------------------------------------------


def table(results):
    """The results as text: row, unit, ours, peer, ratio, and whether the target is met."""
    lines = [f"{'row':<20}{'unit':<5}{'ours':>22}{'peer':>22}{'ratio':>9}  target"]
    for row in results:
        start = f"{row['name']:<20}{row['unit']:<5}"
        verdicts = "; ".join(_verdicts(row)) or "none"
        sides = f"{_figure(row, 'ours'):>22}{_figure(row, 'peer'):>22}"
        lines.append(f"{start}{sides}{_number(row['ratio'], '.4f'):>9}  {verdicts}")
    return "\n".join(lines)


def _figure(row, side):
    """A side's median, in brackets greatest - least."""
    return "-" if row[side] is None else f"{row[side]:.4g} ({row[f'{side}_spread']:.2g})"


def _number(value, how):
    return "-" if value is None else f"{value:{how}}"


def _verdicts(row):
    """Whether each target of a row is met, a text each."""
    for figure, at_most in ROWS[row["name"]].targets:
        unit = "" if figure == "ratio" else f" {row['unit']}"
        met = "met" if row[figure] <= at_most else "NOT MET"
        yield f"{figure} at most {at_most:.4g}{unit}: {met}"


def compare(before, after):
    """What changed from one file of results to another, as text."""
    old = {row["name"]: row for row in json.loads(Path(before).read_text(encoding="utf-8"))}
    lines = [f"{'row':<20}{'unit':<5}{'before':>10}{'after':>10}{'change':>10}{'ratio':>20}"]
    for row in json.loads(Path(after).read_text(encoding="utf-8")):
        if (was := old.get(row["name"])) is None:
            lines.append(f"{row['name']:<20}{row['unit']:<5}{'-':>10}{row['ours']:>10.4g}")
            continue
        change = f"{(row['ours'] / was['ours'] - 1) * 100:+.1f} %"
        ratios = " -> ".join(_number(one["ratio"], ".4f") for one in (was, row))
        start = f"{row['name']:<20}{row['unit']:<5}"
        lines.append(f"{start}{was['ours']:>10.4g}{row['ours']:>10.4g}{change:>10}{ratios:>20}")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--compare"] and len(sys.argv) == 4:
        print(compare(sys.argv[2], sys.argv[3]))
    elif len(sys.argv) == 1:
        main()
    else:
        sys.exit("expected bench.py, or bench.py --compare before.json after.json")
