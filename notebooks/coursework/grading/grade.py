"""Coursework: hand it out, grade what came back.

grade.py release [NAME ...]    student versions, in release/
grade.py grade [NAME ...]      grade submitted/<student>/<name>/ where that is not done yet;
                               pages in feedback/, marks in gradebook.db and <name>.csv
grade.py feedback [NAME ...]   write the pages again, after marking by hand

SANDBOX=none in the environment runs students' code unprotected. Kill it and start it again at will.
"""

import contextlib
import csv
import hashlib
import io
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from multiprocessing.connection import wait
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ["JUPYTER_NO_CONFIG"] = "1"

import intake  # noqa: E402
import nbformat  # noqa: E402
import sandbox  # noqa: E402
from filelock import FileLock, Timeout  # noqa: E402
from nbgrader.api import Gradebook  # noqa: E402
from nbgrader.apps.api import NbGraderAPI  # noqa: E402
from traitlets.config import PyFileConfigLoader  # noqa: E402

warnings.filterwarnings("ignore", module="nbgrader")  # of SQLAlchemy 2.1, on how nbgrader adds rows
TASKS_PER_PROCESS = 25  # then a fresh one, so that memory stays flat


class Course:
    """An nbgrader course in a folder, and what is done in it.

    Arguments: root: the folder with source/ and nbgrader_config.py.
    """

    def __init__(self, root=ROOT):
        self.root = Path(root)
        self.config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()

    def assignments(self):
        """Names of all assignments, in order."""
        return sorted(path.name for path in (self.root / "source").iterdir() if path.is_dir())

    def students(self, name):
        """Who handed in an assignment, in order."""
        return sorted(path.parent.name for path in self.root.glob(f"submitted/*/{name}"))

    def release(self, name):
        """Write the student version of an assignment. Raises: SystemExit where nbgrader can't."""
        done = NbGraderAPI(config=self.config).generate_assignment(name, force=True)
        if not done["success"]:
            sys.exit(f"{name} could not be made ready for students: {_said(done)}")

    def key(self, name, student):
        """What a grading rests on: the hand-in and the questions. Another one must be graded."""
        files = [*sorted((self.root / "submitted" / student / name).glob("*.ipynb"))]
        files += [self.root / "source" / name / f"{name}.ipynb"]
        digest = hashlib.sha256()
        for path in files:
            digest.update(f"{path.name} {path.lstat().st_size} ".encode())
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def record(self, name, student):
        """What was noted of a finished grading, or None."""
        try:
            record = self.root / "autograded" / student / name / "record.json"
            return json.loads(record.read_text())
        except FileNotFoundError:
            return None

    def waiting(self, name):
        """Who is still to be graded."""
        return [
            student
            for student in self.students(name)
            if (self.record(name, student) or {}).get("key") != self.key(name, student)
        ]

    def grade(self, name, student):
        """Grade one hand-in. It appears in autograded/ whole or not at all. Returns the record."""
        began, key = time.monotonic(), self.key(name, student)
        released = intake.released(self.root, name)
        content, notes = intake.read(self.root / "submitted" / student / name, f"{name}.ipynb")
        nb = None
        if content is not None:
            nb, more = intake.notebook(content, released)
            notes = notes + more
        with tempfile.TemporaryDirectory(dir=self.root / ".grading") as scratch:
            log = None if nb is None else self._autograde(scratch, name, student, nb)
            if log:
                notes = [*notes, f"nbgrader could not grade it ({log})."]
            if nb is None or log:
                substitute = intake.substitute(released, notes)
                if log := self._autograde(scratch, name, student, substitute):
                    raise RuntimeError(f"{student}: not even the empty {name} is graded: {log}")
            record = {"key": key, "notes": notes, "seconds": round(time.monotonic() - began, 1)}
            done = Path(scratch, "autograded", student, name)
            (done / "record.json").write_text(json.dumps(record, ensure_ascii=False))
            shutil.rmtree(self._page(name, student), ignore_errors=True)
            _move(done, self.root / "autograded" / student / name)
        return record

    def _autograde(self, scratch, name, student, nb):
        """Let nbgrader grade a notebook in a folder of its own. Returns why it failed, or None."""
        folder = Path(scratch, "submitted", student, name)
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(nb, folder / f"{name}.ipynb")
        timestamp = self.root / "submitted" / student / name / "timestamp.txt"
        if timestamp.is_file() and not timestamp.is_symlink() and timestamp.stat().st_size < 100:
            shutil.copy(timestamp, folder)
        config = self.config.copy()
        config.CourseDirectory.root = str(scratch)
        done = NbGraderAPI(config=config).autograde(name, student, force=True)
        return None if done["success"] else _said(done)

    def feedback(self, name, student):
        """Write a student's page, from the gradebook."""
        with tempfile.TemporaryDirectory(dir=self.root / ".grading") as scratch:
            config = self.config.copy()
            config.CourseDirectory.feedback_directory = str(Path(scratch, "feedback"))
            done = NbGraderAPI(config=config).generate_feedback(name, student, force=True)
            if not done["success"]:
                raise RuntimeError(f"{student}: no feedback: {_said(done)}")
            _move(Path(scratch, "feedback", student, name), self._page(name, student))

    def _page(self, name, student):
        return self.root / "feedback" / student / name

    def without_page(self, name):
        """Who was graded and has no page yet."""
        graded = [student for student in self.students(name) if self.record(name, student)]
        return [student for student in graded if not self._page(name, student).exists()]

    def table(self, name):
        """Write <name>.csv: one row a student, one column a question. Returns its path."""
        rows = []
        with Gradebook(self.config.CourseDirectory.db_url) as gradebook:
            for student in self.students(name):
                record = self.record(name, student)
                if record:
                    rows.append(_row(gradebook.find_submission(name, student), record))
        text = io.StringIO()
        if rows:
            writer = csv.DictWriter(text, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        path = self.root / f"{name}.csv"
        partial = path.with_suffix(".partial")
        partial.write_text(text.getvalue(), encoding="utf-8-sig")  # so that Excel reads umlauts
        partial.replace(path)
        return path


def _said(done):
    """Why nbgrader failed, in its own words: the last lines of its log that are no traceback."""
    lines = (done.get("log", "") + done.get("error", "")).splitlines()
    said = [
        line.strip() for line in lines if re.match(r"\s*(\[ERROR\]|[\w.]+(Error|Exception):)", line)
    ]
    return " ".join(said)[-500:] or "it does not say why"


def _row(submission, record):
    """One student's line in the table."""
    (notebook,) = submission.notebooks
    grades = sorted(notebook.grades, key=lambda grade: grade.name)
    return {
        "student": submission.student.id,
        "submitted": submission.timestamp or "",
        **{grade.name: grade.score for grade in grades},
        "score": submission.score,
        "of": submission.max_score,
        "mark by hand": " ".join(grade.name for grade in grades if grade.needs_manual_grade),
        "notes": " ".join(record["notes"]),
    }


def _move(new, old):
    """Put a finished folder in its place; a kill on the way leaves none, never half of one."""
    old.parent.mkdir(parents=True, exist_ok=True)
    if old.exists():
        shutil.rmtree(old)
    new.rename(old)


def _end_with_parent():
    """In a worker: end where the process that started it was killed."""
    parent = multiprocessing.parent_process().sentinel
    threading.Thread(target=lambda: (wait([parent]), os._exit(1)), daemon=True).start()


def _grade(root, name, student):
    """Grade one submission and write its page, in a worker. Returns the record."""
    course = Course(root)
    record = course.grade(name, student)
    course.feedback(name, student)
    return record


def _feedback(root, name, student):
    """Write one page, in a worker."""
    Course(root).feedback(name, student)


def in_parallel(task, root, name, students):
    """Do something for each student with all cores. Yields (student, result or exception)."""
    spawn = multiprocessing.get_context("spawn")
    settings = {"mp_context": spawn, "initializer": _end_with_parent}
    settings["max_tasks_per_child"] = TASKS_PER_PROCESS
    workers = min(len(students), os.cpu_count() or 1)
    if not students:
        return
    with ProcessPoolExecutor(workers, **settings) as pool:
        tasks = {pool.submit(task, root, name, student): student for student in students}
        for done in as_completed(tasks):
            error = done.exception()
            yield tasks[done], error if error is not None else done.result()


def prepare(cache):
    """Unpack the sample once, where every student's process may read it."""
    made_by = [version("matplotlib"), (sandbox.COURSE / "helpers" / "sample.py").read_text()]
    key = hashlib.sha256("".join(made_by).encode()).hexdigest()
    if (cache / "ready").is_file() and (cache / "ready").read_text() == key:
        return
    loads = "from helpers import data\nfor name in data.CLASSES: data.load(name)\n"
    loads += "import matplotlib.font_manager"
    place = {"XDG_CACHE_HOME": str(cache), "MPLCONFIGDIR": str(cache / "matplotlib")}
    place |= {"COURSE_DATA": "sample", "COURSE_TIER": "quick", "PYTHONPATH": str(sandbox.COURSE)}
    subprocess.run([sys.executable, "-c", loads], check=True, env=os.environ | place)
    (cache / "ready").write_text(key)


def grade(course, names):
    """Grade what is waiting. Returns the number of submissions that could not be."""
    if os.environ.get("SANDBOX") != "none":
        sandbox.check()
    else:
        print("SANDBOX=none: students' code runs as you, with all that you may read and delete.")
    prepare(course.root / ".grading" / "cache")
    failed = 0
    for name in names:
        course.release(name)
        waiting = course.waiting(name)
        print(f"{name}: {len(waiting)} of {len(course.students(name))} to grade", flush=True)
        for number, (student, done) in enumerate(
            in_parallel(_grade, course.root, name, waiting), start=1
        ):
            failed += isinstance(done, Exception)
            said = done if isinstance(done, Exception) else " ".join(done["notes"])
            print(f"{number}/{len(waiting)} {student}: {said or 'graded'}", flush=True)
        failed += pages(course, name, course.without_page(name))
    return failed


def feedback(course, names):
    """Write all pages and tables again. Returns the number of pages that could not be."""
    return sum(
        pages(course, name, [s for s in course.students(name) if course.record(name, s)])
        for name in names
    )


def pages(course, name, students):
    """Write these pages, and the table. Returns the number of pages that could not be."""
    failed = 0
    for _, done in in_parallel(_feedback, course.root, name, students):
        if isinstance(done, Exception):
            failed += 1
            print(done, file=sys.stderr)
    print(f"{name}: pages in feedback/, marks in {course.table(name).name}")
    return failed


def main(command, *names):
    """Run one command. Returns the exit status."""
    os.environ.update(COURSE_DATA="sample", COURSE_TIER="quick", MPLBACKEND="agg")
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    os.environ["PATH"] = os.pathsep.join(programs)  # nbgrader starts the program alembic
    course = Course()
    (course.root / ".grading").mkdir(exist_ok=True)
    known = course.assignments()
    if unknown := set(names) - set(known):
        sys.exit(f"no assignment {', '.join(sorted(unknown))}; expected: {', '.join(known)}")
    try:
        with FileLock(course.root / ".grading" / "lock", timeout=0):
            for left in course.root.glob(".grading/tmp*"):  # by a run that was killed
                shutil.rmtree(left)
            if command == "release":
                for name in names or known:
                    course.release(name)
                    print(f"release/{name}/{name}.ipynb")
                return 0
            handed_in = names or [name for name in known if course.students(name)]
            return {"grade": grade, "feedback": feedback}[command](course, handed_in)
    except Timeout:
        sys.exit("expected to be the only run, found another one at work. Wait for it, or end it.")
    except sandbox.NoSandbox as missing:
        sys.exit(str(missing))


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main(*sys.argv[1:]))
