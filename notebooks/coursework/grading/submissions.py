"""One assignment, one student: handed out, graded by nbgrader, answered with a page, listed.

What a grading leaves appears whole or not at all, in autograded/<student>/<assignment>/.
"""

import copy
import csv
import hashlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

from helpers.internals import files

import intake
import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import PyFileConfigLoader

warnings.filterwarnings("ignore", module="nbgrader")  # of SQLAlchemy 2.1, on how rows are added


class Course:
    """An nbgrader course in a folder, and what is done in it.

    Arguments: root: the folder with source/ and nbgrader_config.py.
    """

    def __init__(self, root):
        self.root = Path(root)
        (self.root / ".grading").mkdir(exist_ok=True)
        programs = str(Path(sys.executable).parent)  # nbgrader starts the program alembic
        if programs not in os.environ["PATH"].split(os.pathsep):
            os.environ["PATH"] = os.pathsep.join([programs, os.environ["PATH"]])
        self.config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()

    def assignments(self):
        """Names of all assignments, in order."""
        return sorted(path.name for path in (self.root / "source").iterdir() if path.is_dir())

    def students(self, name):
        """Who handed in an assignment, in order."""
        return sorted(path.parent.name for path in self.root.glob(f"submitted/*/{name}"))

    def release(self, name):
        """Write the student version of an assignment. Raises: RuntimeError where nbgrader
        can't."""
        done = NbGraderAPI(config=self.config).generate_assignment(name, force=True)
        if not done["success"]:
            raise RuntimeError(f"{name} could not be made ready for students: {_said(done)}")

    def key(self, name, student):
        """What a grading rests on: the hand-in and the questions. Another one must be graded."""
        paths = [*sorted((self.root / "submitted" / student / name).glob("*.ipynb"))]
        paths += [self.root / "source" / name / f"{name}.ipynb"]
        digest = hashlib.sha256()
        for path in paths:
            digest.update(f"{path.name} {path.lstat().st_size} ".encode())
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def record(self, name, student):
        """What was noted of a finished grading, or None."""
        try:
            record = self.root / "autograded" / student / name / "record.json"
            return json.loads(record.read_text(encoding="utf-8"))
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
            notes = ["".join(c if c.isprintable() else "?" for c in note) for note in notes]
            record = {"key": key, "notes": notes, "seconds": round(time.monotonic() - began, 1)}
            done = Path(scratch, "autograded", student, name)
            text = json.dumps(record, ensure_ascii=False)
            (done / "record.json").write_text(text, encoding="utf-8")
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
        config = copy.deepcopy(self.config)
        config.CourseDirectory.root = str(scratch)
        done = NbGraderAPI(config=config).autograde(name, student, force=True)
        return None if done["success"] else _said(done)

    def feedback(self, name, student):
        """Write a student's page, from the gradebook."""
        with tempfile.TemporaryDirectory(dir=self.root / ".grading") as scratch:
            config = copy.deepcopy(self.config)
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
        order = [key for key, _ in intake.graded_cells(intake.released(self.root, name))]
        with Gradebook(self.config.CourseDirectory.db_url) as gradebook:
            for student in self.students(name):
                record = self.record(name, student)
                if record:
                    rows.append(_row(gradebook.find_submission(name, student), record, order))
        text = io.StringIO()
        if rows:
            writer = csv.DictWriter(text, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        path = self.root / f"{name}.csv"
        with files.whole(path) as part:
            part.write_text(text.getvalue(), encoding="utf-8-sig")  # so that Excel reads umlauts
        return path


def _said(done):
    """Why nbgrader failed, in its own words: the errors in its log, but for those that only say
    that there were some."""
    lines = (done.get("log", "") + done.get("error", "")).splitlines()
    errors = [line.strip() for line in lines if re.match(r"\s*[\w.]+(Error|Exception): ", line)]
    said = dict.fromkeys(line for line in errors if "the above traceback" not in line)
    return " ".join(said)[-500:] or "it does not say why"


def is_open(grade):
    """Whether a mark is still to be given by a person; one that was given may await a review."""
    return grade.needs_manual_grade and grade.manual_score is None


def _row(submission, record, order):
    """One student's line in the table; a mark that a person has to give is empty."""
    (notebook,) = submission.notebooks
    grades = sorted(notebook.grades, key=lambda grade: order.index(grade.name))
    waiting = [grade.name for grade in grades if grade.needs_manual_grade]
    return {
        "student": submission.student.id,
        "submitted": submission.timestamp or "",
        **{grade.name: "" if is_open(grade) else grade.score for grade in grades},
        "score": submission.score,
        "of": submission.max_score,
        "mark by hand": " ".join(waiting),
        "notes": " ".join(record["notes"]),
    }


def _move(new, old):
    """Put a finished folder in its place; a kill on the way leaves none, never half of one."""
    old.parent.mkdir(parents=True, exist_ok=True)
    if old.exists():
        shutil.rmtree(old)
    new.rename(old)
