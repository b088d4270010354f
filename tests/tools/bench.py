"""Measure the course on ByClass at NIST's size, 814,255 images ("make bench").

The peer is what most do: `emnist.extract_*_samples("byclass")` followed by the usual
`astype("float32") / 255`, and scikit-learn's reports. Both read the same archive, built by
repeating the images at hand, on the same machine, in turns, each measurement in a process of its
own. The row image_byclass compares the course with itself: a network's seconds for an image among
697,932 and among the images at hand. ROWS=load_byclass,memory_byclass measures only those rows.

`bench.py --compare before.json after.json` prints what changed between two runs.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import bench_tasks
from bench_tasks import FOLDER, ROOT


class Row(NamedTuple):
    """A row of the table: its unit, the tasks ours_… and peer_… that measure it, and its target.

    judged: "ratio" (ours / peer) or "ours"; at_most: the greatest allowed. turns: measurements of
    each side. fresh: whether they start from a cache folder without anything.
    """

    unit: str
    task: str
    judged: str
    at_most: float
    turns: int = 3
    fresh: bool = False


ROWS = {
    "load_byclass_first": Row("s", "load", "ratio", 1.0, fresh=True),
    "load_byclass": Row("s", "load", "ratio", 1 / 20),
    "memory_byclass": Row("MB", "train", "ratio", 1 / 3, fresh=True),
    "epoch_byclass": Row("MB", "epoch", "ours", 2500, turns=1),  # minutes, and it hardly varies
    "image_byclass": Row("ms", "image", "ratio", 1.1),
    "report_byclass": Row("s", "report", "ours", 60),
}


def main():
    """Build the archive if need be, measure the chosen rows, print and save the table."""
    chosen = [name for name in os.environ.get("ROWS", "").split(",") if name] or list(ROWS)
    if unknown := set(chosen) - set(ROWS):
        sys.exit(f"ROWS: expected some of {', '.join(ROWS)}; found {', '.join(sorted(unknown))}.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    _child("build", {}, show=True)
    results = [measure(name) for name in chosen]
    (ROOT / "build" / "bench.json").write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))
    print(f"{machine()}; medians, in brackets greatest - least; build/bench.json")


# --- measuring -------------------------------------------------------------------------------


def measure(name):
    """The figures of one row: medians, ours and the peer's measured in turns."""
    figures = {"ours": [], "peer": []}
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="cache-") as warm:
        if not ROWS[name].fresh:
            _child("ours_load", {"XDG_CACHE_HOME": warm})
        turns = ROWS[name].turns
        for turn in range(turns):
            for side, seen in figures.items():
                seen.append(_side(name, side, warm))
                figure = f"{seen[-1]:.4g} {ROWS[name].unit}"
                print(f"{name}, {turn + 1} of {turns}, {side}: {figure}", flush=True)
    ours, peer = (statistics.median(figures[side]) for side in ("ours", "peer"))
    spread = {f"{side}_spread": max(seen) - min(seen) for side, seen in figures.items()}
    return {
        "name": name, "unit": ROWS[name].unit, "ours": ours, "peer": peer, "ratio": ours / peer,
        **spread, "machine": machine(),
    }  # fmt: skip


def _side(name, side, warm):
    """One measurement; a first load, and the memory of one, get a cache folder without anything."""
    task = f"{side}_{ROWS[name].task}"
    if not ROWS[name].fresh:
        return _child(task, {"XDG_CACHE_HOME": warm})
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="cache-") as fresh:
        return _child(task, {"XDG_CACHE_HOME": fresh})


def _child(task, variables, show=False):
    """Run one of bench_tasks in a fresh process; returns the number it prints in its last line."""
    environment = {**os.environ, "COURSE_TIER": "full", **variables}
    if task != "build":  # both find the archive where the emnist package keeps it
        environment["HOME"] = str(FOLDER / "home")
        environment.pop("COURSE_DATA", None)
    done = subprocess.run(
        [sys.executable, bench_tasks.__file__, task],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
        text=True,
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
        sides = [f"{row[side]:.4g} ({row[f'{side}_spread']:.2g})" for side in ("ours", "peer")]
        plan = ROWS[row["name"]]
        unit = "" if plan.judged == "ratio" else f" {plan.unit}"
        met = "met" if row[plan.judged] <= plan.at_most else "NOT MET"
        verdict = f"at most {plan.at_most:.4g}{unit}: {met}"
        start = f"{row['name']:<20}{row['unit']:<5}"
        lines.append(f"{start}{sides[0]:>22}{sides[1]:>22}{row['ratio']:>9.4f}  {verdict}")
    return "\n".join(lines)


def compare(before, after):
    """What changed from one file of results to another, as text."""
    old = {row["name"]: row for row in json.loads(Path(before).read_text())}
    lines = [f"{'row':<20}{'unit':<5}{'before':>10}{'after':>10}{'change':>10}{'ratio':>20}"]
    for row in json.loads(Path(after).read_text()):
        if (was := old.get(row["name"])) is None:
            lines.append(f"{row['name']:<20}{row['unit']:<5}{'-':>10}{row['ours']:>10.4g}")
            continue
        change = f"{(row['ours'] / was['ours'] - 1) * 100:+.1f} %"
        ratios = f"{was['ratio']:.4f} -> {row['ratio']:.4f}"
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
