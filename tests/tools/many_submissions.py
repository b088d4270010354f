"""Grade many submissions of one assignment in one run; print seconds and memory.

many_submissions.py COUNT [NAME]: in turns the reference answers, the student version as it is, and
one recorded mistake. Works in a temporary folder; fails where a mark is not what it has to be.
"""

import csv
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from pathlib import Path

import nbformat
import psutil
import tiny_coursework
from tiny_coursework import COURSEWORK

PARTS = 4  # of the run, whose greatest memory is printed one by one


def fill(root, name, count):
    """Write submissions in turns right, blank and wrong. Returns student to expected marks."""
    source = nbformat.read(COURSEWORK / "source" / name / f"{name}.ipynb", as_version=4)
    blank = nbformat.read(root / "release" / name / f"{name}.ipynb", as_version=4)
    cells = [(cell.metadata.get("nbgrader", {}), cell) for cell in source.cells]
    answers = {mark["grade_id"]: cell.source for mark, cell in cells if mark.get("solution")}
    points = {mark["grade_id"]: mark["points"] for mark, _ in cells if is_judged(mark)}
    known = tomllib.loads((COURSEWORK / "mistakes" / f"{name}.toml").read_text(encoding="utf-8"))
    wrong = itertools.cycle([(key, one) for key, all_ in known.items() for one in all_])
    expected = {}
    for number in range(count):
        student, changed, marks = f"student{number:03}", answers, sum(points.values())
        if number % 3 == 1:
            changed, marks = {}, 0
        if number % 3 == 2:
            question, one = next(wrong)
            changed = answers | {question: one["wrong"]}
            marks += one.get("keeps", 0) - points[f"{question}_checks"]
        notebook = tiny_coursework.answered(blank, **changed)
        tiny_coursework.hand_in(root, student, notebook, f"{name}.ipynb", name)
        expected[student] = marks
    return expected


def is_judged(mark):
    """Whether a cell holds checks that give marks."""
    return mark.get("grade", False) and mark["locked"]


def watch(process, seen):
    """Note (time, bytes of a process and all that it started) until it ends."""
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        total = 0
        for one in [process, *process.children(recursive=True)]:
            try:
                total += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        seen.append((time.monotonic(), total))
        time.sleep(0.5)


def run(root, *words):
    """Run grade.py in a course folder. Returns seconds, and the memory seen."""
    began, seen = time.monotonic(), []
    environment = os.environ | {"PYTHONPATH": str(COURSEWORK.parents[1])}
    grading = subprocess.Popen(
        [sys.executable, root / "grading" / "grade.py", *words], env=environment
    )
    watcher = threading.Thread(target=watch, args=(psutil.Process(grading.pid), seen), daemon=True)
    watcher.start()
    if grading.wait():
        sys.exit(f"grade.py {words[0]} failed: its last lines say why.")
    watcher.join()
    return time.monotonic() - began, seen


def main(count, name="1_dense_networks"):
    """Make, grade, compare, print."""
    with tempfile.TemporaryDirectory() as folder:
        root = tiny_coursework.found(Path(folder) / "coursework")
        target = root / "source" / name
        target.mkdir()
        (target / f"{name}.ipynb").write_bytes(
            (COURSEWORK / "source" / name / f"{name}.ipynb").read_bytes()
        )
        run(root, "release", name)
        expected = fill(root, name, int(count))
        seconds, seen = run(root, "grade", name)
        with (root / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            marks = {row["student"]: float(row["score"]) for row in csv.DictReader(file)}
    if marks != expected:
        wrong = {student: (marks.get(student), expected[student]) for student in expected}
        sys.exit(f"marks, found and expected: { {k: v for k, v in wrong.items() if v[0] != v[1]} }")
    print(f"{count} submissions of {name}: {seconds:.0f} s, {seconds / int(count):.1f} s each")
    first, length = seen[0][0], seen[-1][0] - seen[0][0] + 1e-9
    parts = [[] for _ in range(PARTS)]
    for at, total in seen:
        parts[int((at - first) / length * PARTS * 0.9999)].append(total)
    print("greatest memory in each quarter of the run:", end=" ")
    print(", ".join(f"{max(part) / 1e9:.2f} GB" for part in parts if part))


if __name__ == "__main__":
    main(*sys.argv[1:])
