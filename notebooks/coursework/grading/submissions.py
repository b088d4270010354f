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
from contextlib import suppress
from pathlib import Path

from helpers.internals import files

import intake
import marking
import nbformat
import release
from judge import Refused, at_most
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import PyFileConfigLoader

warnings.filterwarnings("ignore", module="nbgrader")  # of SQLAlchemy 2.1, on how rows are added

PAGE_SECONDS = 60  # of the processor's work, that writing one page may take


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
        folders = (self.root / "source").iterdir()  # JupyterLab leaves others beside them
        return sorted(one.name for one in folders if (one / f"{one.name}.ipynb").is_file())

    def students(self, name):
        """Who handed in an assignment, in order: the names of the folders."""
        folders = [path for path in self._submitted() if os.path.lexists(path / name)]
        return sorted(path.name for path in folders)

    def _submitted(self):
        folder = self.root / "submitted"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def misplaced(self):
        """What lies in submitted/ and belongs to no assignment, a sentence each."""
        names, found = self.assignments(), []
        for folder in self._submitted():
            try:
                paths = [path for path in folder.iterdir() if path.name not in names]
            except OSError:  # a file, a link to nowhere, or a folder that may not be read
                paths = [folder]
            found += [path.relative_to(self.root) for path in sorted(paths)]
        expected = f"submitted/<student>/<assignment>/, assignments: {', '.join(names)}"
        return [f"{path} was not graded; expected {expected}. Move it." for path in found]

    def release(self, name):
        """Write the student version of an assignment.

        Raises: RuntimeError where nbgrader can't, or where a question could not be marked, or the
            student version holds an answer.
        """
        path = self.root / "source" / name / f"{name}.ipynb"
        try:
            source = nbformat.read(path, as_version=4)
            marking.recorded(self.root, name)
        except ValueError as broken:  # of JSON as well as of TOML
            _refuse(name, [f"Its notebook, or its file in mistakes/, cannot be read ({broken})."])
        _refuse(name, release.faults(source))
        done = NbGraderAPI(config=self.config).generate_assignment(name, force=True)
        if not done["success"]:
            _refuse(name, [_said(done)])
        written = self.root / "release" / name / f"{name}.ipynb"
        if left := release.left(source, nbformat.read(written, as_version=4)):
            written.unlink()
            _refuse(name, left)

    def key(self, name, student):
        """What a grading rests on: the hand-in and the questions. Another one must be graded."""
        paths, problem = intake.look(self.root / "submitted", student, name)
        digest = hashlib.sha256(problem.encode())
        questions = self.root / "source" / name / f"{name}.ipynb"
        known = self.root / "mistakes" / f"{name}.toml"
        for path in [*paths, questions, *([known] if known.is_file() else [])]:
            kind, size = intake.kind(path), path.lstat().st_size
            digest.update(os.fsencode(path.name) + f" {kind} {size} ".encode())
            if kind == "file" and size <= intake.LARGEST and os.access(path, os.R_OK):
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def record(self, name, student):
        """What was noted of a finished grading, or None."""
        return _read(self._graded(name, student) / "record.json")

    def _graded(self, name, student):
        return self.root / "autograded" / ident(student) / name

    def graded(self, name):
        """Who was graded, in order: a record and marks are there, though perhaps no hand-in."""
        return sorted(self._recorded(name) & self._marked(name))

    def lost(self, name):
        """Who was graded, in order, and has no marks in the gradebook any more."""
        return sorted(self._recorded(name) - self._marked(name))

    def _recorded(self, name):
        records = map(_read, self.root.glob(f"autograded/*/{name}/record.json"))
        return {record["student"] for record in records if record}

    def _marked(self, name):
        with Gradebook(self.config.CourseDirectory.db_url) as gradebook:
            marked = {one.student.id for one in gradebook.assignment_submissions(name)}
        return {student for student in self._recorded(name) if ident(student) in marked}

    def waiting(self, name):
        """Who is still to be graded."""
        graded = set(self.graded(name))
        return [
            student
            for student in self.students(name)
            if student not in graded or self.record(name, student)["key"] != self.key(name, student)
        ]

    def grade(self, name, student):
        """Grade one hand-in. It appears in autograded/ whole or not at all. Returns the record."""
        began, key = time.monotonic(), self.key(name, student)
        settled = self._settled(name, student)
        released = intake.released(self.root, name)
        paths, problem = intake.look(self.root / "submitted", student, name)
        content, notes = (None, [problem]) if problem else intake.read(paths, f"{name}.ipynb")
        when, unread = intake.timestamp(paths)
        nb = None
        if content is not None:
            nb, more = intake.notebook(content, released)
            notes = notes + more
        with tempfile.TemporaryDirectory(dir=self.root / ".grading") as scratch:
            log = None if nb is None else self._autograde(scratch, name, student, nb, when)
            if log:
                notes = [*notes, f"nbgrader could not grade it ({log})."]
            if nb is None or log:
                substitute = intake.substitute(released, list(map(printable, notes)))
                if log := self._autograde(scratch, name, student, substitute, when):
                    raise RuntimeError(f"{student}: not even the empty {name} is graded: {log}")
            notes = list(map(printable, [*notes, *unread]))
            seconds = round(time.monotonic() - began, 1)
            record = {"student": student, "key": key, "notes": notes, "seconds": seconds}
            done = Path(scratch, "autograded", ident(student), name)
            (done / "record.json").write_text(json.dumps(record), encoding="utf-8")
            shutil.rmtree(self._page(name, student), ignore_errors=True)
            _move(done, self._graded(name, student))
        self._let_stand(name, student, settled)
        return record

    def _texts(self, name, student):
        """The texts that a person marks, of a graded notebook: name to text."""
        path = self._graded(name, student) / f"{name}.ipynb"
        cells = intake.graded_cells(nbformat.read(path, as_version=4)) if path.is_file() else []
        abouts = [(key, cell.metadata.nbgrader, cell.source) for key, cell in cells]
        return {key: text for key, about, text in abouts if about.grade and about.solution}

    def _settled(self, name, student):
        """Those that a person has marked and need not look at again."""
        texts, settled = self._texts(name, student), set()
        with Gradebook(self.config.CourseDirectory.db_url) as gradebook, suppress(MissingEntry):
            (notebook,) = gradebook.find_submission(name, ident(student)).notebooks
            marked = [grade for grade in notebook.grades if grade.manual_score is not None]
            settled = {grade.name for grade in marked if not grade.needs_manual_grade}
        return {key: text for key, text in texts.items() if key in settled}

    def _let_stand(self, name, student, settled):
        """Let marks stand whose texts are the same: nbgrader wants all to be looked at again."""
        with Gradebook(self.config.CourseDirectory.db_url) as gradebook:
            for key, text in self._texts(name, student).items():
                if settled.get(key) == text:
                    grade = gradebook.find_grade(key, name, name, ident(student))
                    grade.needs_manual_grade = False
            gradebook.db.commit()

    def _autograde(self, scratch, name, student, nb, when):
        """Let nbgrader grade a notebook in a folder of its own. Returns why it failed, or None."""
        folder = Path(scratch, "submitted", ident(student), name)
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(nb, folder / f"{name}.ipynb")
        if when is not None:
            (folder / "timestamp.txt").write_text(f"{when} UTC", encoding="utf-8")
        config = copy.deepcopy(self.config)
        config.CourseDirectory.root = str(scratch)
        done = NbGraderAPI(config=config).autograde(name, ident(student), force=True)
        return None if done["success"] else _said(done)

    def feedback(self, name, student):
        """Write a student's page and its marks as JSON, from the gradebook."""
        said = self._feedback(name, student)
        if said and (said := self._feedback(name, student, brief=True)):
            raise RuntimeError(f"{printable(student)}: no feedback: {said}")

    def _feedback(self, name, student, brief=False):
        """Write them, with long cells cut where `brief`. Returns why it failed, or None."""
        with tempfile.TemporaryDirectory(dir=self.root / ".grading") as scratch:
            config = copy.deepcopy(self.config)
            config.CourseDirectory.feedback_directory = str(Path(scratch, "feedback"))
            config.Grades.brief = brief
            with suppress(Refused), at_most(PAGE_SECONDS):
                done = {"success": False, "error": "Error: it took too long"}
                done = NbGraderAPI(config=config).generate_feedback(
                    name, ident(student), force=True
                )
            if not done["success"]:
                return _said(done)
            page = Path(scratch, "feedback", ident(student), name)
            result = json.dumps(self._result(name, student), indent=1, ensure_ascii=False)
            (page / "result.json").write_text(result, encoding="utf-8")
            _move(page, self._page(name, student))
        return None

    def _page(self, name, student):
        return self.root / "feedback" / student / name

    def _result(self, name, student):
        """A student's marks and the sentences on them, as plain data."""
        nb = nbformat.read(self._graded(name, student) / f"{name}.ipynb", as_version=4)
        cells = dict(intake.graded_cells(nb))
        with Gradebook(self.config.CourseDirectory.db_url) as gradebook:
            submission = gradebook.find_submission(name, ident(student))
            (notebook,) = submission.notebooks
            grades = {grade.name: grade for grade in notebook.grades}
            questions = {
                key: {
                    "score": None if is_open(grades[key]) else grades[key].score,
                    "of": grades[key].max_score,
                    "said": sentence(cell) if grades[key].manual_score is None else "",
                }
                for key, cell in cells.items()
                if key in grades
            }
            marks = {"score": submission.score, "of": submission.max_score}
        return {"student": writable(student), "assignment": name, **marks, "questions": questions}

    def without_page(self, name):
        """Who was graded and has no page yet."""
        return [one for one in self.graded(name) if not self._page(name, one).exists()]

    def _gone(self, name, student):
        """A note on a hand-in that was removed after it was graded."""
        record = self._graded(name, student).relative_to(self.root)
        return (
            "The hand-in is gone; these are the marks that it had. Put it back, or delete "
            f"{record} to take this row out of the table."
        )

    def table(self, name):
        """Write <name>.csv: one row a student, one column a question. Returns its path."""
        rows, here = [], set(self.students(name))
        order = [key for key, _ in intake.graded_cells(intake.released(self.root, name))]
        with Gradebook(self.config.CourseDirectory.db_url) as gradebook:
            for student in self.graded(name):
                submission = gradebook.find_submission(name, ident(student))
                notes = self.record(name, student)["notes"]
                if student not in here:
                    notes = [*notes, self._gone(name, student)]
                rows.append({"student": writable(student), **_row(submission, notes, order)})
        text = io.StringIO()
        if rows:
            writer = csv.DictWriter(text, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        path = self.root / f"{name}.csv"
        with files.whole(path) as part:
            part.write_text(text.getvalue(), encoding="utf-8-sig")  # so that Excel reads umlauts
        return path


def _read(path):
    """A record, or None where there is none, or a broken one."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return record if {"student", "key", "notes"} <= set(record) else None
    except (FileNotFoundError, ValueError):
        return None


def _refuse(name, faults):
    if faults:
        raise RuntimeError(f"{name} could not be made ready for students: {' '.join(faults)}")


def ident(student):
    """What nbgrader knows a student by: the folder's name, or where that holds brackets, stars,
    line ends or the like, one made of it that no other student has."""
    if re.fullmatch(r"\w([\w .,@()'&=-]{0,98}[\w.)])?", student):
        return student
    digest = hashlib.sha256(os.fsencode(student)).hexdigest()
    return re.sub(r"\W", "_", student)[:50] + "~" + digest[:12]


def writable(text):
    """A text without halves of characters, which no file can hold."""
    return text.encode("utf-8", "replace").decode()


def printable(text):
    """A text in one line, without what moves a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _said(done):
    """Why nbgrader failed, in its own words: the errors in its log, but for those that only say
    that there were some."""
    lines = (done.get("log", "") + done.get("error", "")).splitlines()
    errors = [line.strip() for line in lines if re.match(r"\s*[\w.]+(Error|Exception): ", line)]
    said = dict.fromkeys(line for line in errors if "the above traceback" not in line)
    return " ".join(said)[-500:] or "it does not say why"


def sentence(cell):
    """What the checks in a graded cell said against the answer, or ""."""
    return " ".join(one.evalue for one in cell.get("outputs", []) if one.output_type == "error")


def is_open(grade):
    """Whether a mark is still to be given by a person; one that was given may await a review."""
    return grade.needs_manual_grade and grade.manual_score is None


def _row(submission, notes, order):
    """One student's line in the table; a mark that a person has to give is empty."""
    (notebook,) = submission.notebooks
    grades = sorted(notebook.grades, key=lambda grade: order.index(grade.name))
    waiting = [grade.name for grade in grades if grade.needs_manual_grade]
    return {
        "submitted": submission.timestamp or "",
        **{grade.name: "" if is_open(grade) else grade.score for grade in grades},
        "score": submission.score,
        "of": submission.max_score,
        "mark by hand": " ".join(waiting),
        "notes": " ".join(notes),
    }


def _move(new, old):
    """Put a finished folder in its place; a kill on the way leaves none, never half of one."""
    old.parent.mkdir(parents=True, exist_ok=True)
    if old.exists():
        shutil.rmtree(old)
    new.rename(old)
