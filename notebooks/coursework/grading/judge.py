"""Judges a notebook: the student's cells run in a sandbox, the checks run here, outside of it.

A drop-in for nbgrader's `Execute` (nbgrader_config.py says so). A check that uses a name from the
student's work gets a stand-in: calling it sends the arguments into the sandbox and brings the
answer back as plain data. So no code of a student's ever sees a check, or decides about one.
"""

import ast
import builtins
import contextlib
import functools
import io
import math
import re
import signal
import tempfile
import textwrap
import threading
import time
from pathlib import Path

import nbformat
from marking import UNANSWERED, Failed, Lost, Refused, asking, recorded
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import setenv
from sandbox import SHORT, START, Died, Limits, Sandbox, prepare
from traitlets import Bool, Int, Unicode

LONGEST = 10_000  # characters of printed text that are kept of a cell
ROOM = 10_000_000  # characters of all outputs of a notebook together
NO_ANSWER = re.compile("This question is not answered yet|No cell defines ")


class Student:
    """A student's work, run in a sandbox that is replaced where it dies.

    Arguments: start: function without arguments that gives a Sandbox. seconds: for everything.
    """

    def __init__(self, start, seconds):
        self.start, self.until = start, time.monotonic() + seconds
        self.sandbox, self.cells, self.failed = None, [], []
        self.room, self.deaths = ROOM, 0

    def run(self, source, more=0):
        """Run a cell. Returns what it showed, as `student.Answers.run` says. Raises: Refused."""
        try:
            shown = self._ask("run", source, more=more)
        except Refused as refused:
            self.failed.append((source, str(refused)))
            raise
        self.cells.append(source)
        if shown["error"] and shown["error"][0] != "NotImplementedError":
            self.failed.append((source, ": ".join(map(str, shown["error"]))))
        return shown

    def bind(self, name):
        """What a check gets for a name: a value, or a function that asks. Raises: Refused."""
        kind, *value = self._ask("look", name)
        if kind == "missing":
            raise Refused(self._missing(name))
        return value[0] if kind == "value" else Function(self, name)

    def fitting(self, outputs):
        """Of a cell's outputs those for which a page has room; then a sentence instead."""
        kept = []
        for output in outputs:
            size = len(str(output))
            if size > self.room:
                text = "What follows is not shown: all outputs together are too large for a page."
                return [*kept, new_output("stream", name="stderr", text=text)]
            self.room -= size
            kept.append(output)
        return kept

    def _missing(self, name):
        """A sentence on a name that no cell has left."""
        for source, why in self.failed:
            if re.search(rf"^\s*(def )?{name}\b", source, re.MULTILINE):
                return f"No cell defines {name}, for the one that should did not finish. {why}"
        return f"This question is not answered yet: no cell defines {name}."

    def forget(self):
        """Leave out the last cell from now on: what it left has ended the process."""
        del self.cells[-1:]

    def _ask(self, *request, more=0):
        try:
            self._revive()
            outcome, *reply = self.sandbox.ask(*request, model=self._model, more=more)
        except Died as died:
            self.sandbox = None
            self.deaths += 1
            raise Refused(f"Grading of this question was stopped: {died}.") from None
        if outcome == "done":
            return reply[0]
        raise _refusal(*reply)

    def _revive(self):
        """Start a process where there is none, and run again what ran well before."""
        if time.monotonic() > self.until:
            raise Refused("Grading ended before this question: your notebook took too long.")
        if self.sandbox is None:
            self.sandbox = self.start()
            for source in list(self.cells):
                try:
                    self.sandbox.ask("run", source, model=self._model, more=START)
                except Died:
                    self.cells.remove(source)
                    self.sandbox = None
                    return self._revive()
        return None

    def _model(self, described):
        return Model(self, **described)

    def close(self):
        """End the process."""
        if self.sandbox is not None:
            self.sandbox.close()


def _refusal(name, text):
    """What an error that a student's code raised means for the question."""
    if name == "NotImplementedError":
        return Refused(UNANSWERED)
    if name == "Unsendable":
        return Refused(f"Your answer could not be read: {text}.")
    return Failed(name, text)


class Function:
    """Stands for a function of the student's."""

    def __init__(self, student, name):
        self.student, self.name = student, name

    def __call__(self, *arguments, **options):
        return self.student._ask("call", self.name, arguments, options)


class Model:
    """Stands for a keras model: what `network.facts` says of it, and what it computes."""

    def __init__(self, student, number, facts):
        self.student, self.number, self.facts = student, int(number), facts
        self.layers = [type(str(kind), (), {})() for kind in facts["layers"]]
        self.input_shape, self.output_shape = (tuple(shape) for shape in facts["shapes"])

    def count_params(self):
        """Number of parameters."""
        return self.facts["parameters"]

    def outputs(self, seed, images):
        """As `network.outputs`."""
        return self.student._ask("outputs", self.number, seed, images)

    def lesson(self, seed, images, labels):
        """As `network.lesson`."""
        return self.student._ask("lesson", self.number, seed, images, labels)


class Judge(NbGraderPreprocessor):
    """Runs a notebook for grading, as the head of this file says."""

    seconds = Int(30, help="what one cell or one call may take").tag(config=True)
    all_seconds = Int(1500, help="what one notebook may take, on the clock").tag(config=True)
    memory_gb = Int(4, help="what a student's processes may take together").tag(config=True)
    cache = Unicode(help="folder with the unpacked sample").tag(config=True)
    root = Unicode(help="folder with source/ and mistakes/").tag(config=True)
    sandbox = Bool(True, help="False runs students' code unprotected").tag(config=True)

    def preprocess(self, nb, resources):
        """Run all cells of a sanitised notebook, and leave in each what it showed."""
        where = resources["nbgrader"]
        prepare(Path(self.cache))
        with Gradebook(where["db_url"]) as gradebook:
            notebook = gradebook.find_notebook(where["notebook"], where["assignment"])
            blank = {cell.name: cell.source.strip() for cell in notebook.source_cells}
            locked = {cell.name: cell.source for cell in notebook.source_cells if cell.locked}
            graded = {cell.name for cell in notebook.grade_cells} & set(locked)
        known = recorded(self.root, where["assignment"])
        with tempfile.TemporaryDirectory() as scratch:
            student = Student(lambda: self._sandbox(scratch), self.all_seconds)
            with contextlib.closing(student), setenv(**SHORT, MPLBACKEND="agg"):
                self._run(nb, student, blank, locked, graded, known)
        return sayable(nb), resources

    def _sandbox(self, scratch):
        limits = Limits(seconds=self.seconds, memory=self.memory_gb * 2**30)
        return Sandbox(Path(self.cache), limits, None if self.sandbox else scratch)

    def _run(self, nb, student, blank, locked, graded, known):
        """Every code cell, in order. What is trusted comes from the gradebook, by its name.

        A question that loses marks where another has lost some, or where a process ended, is asked
        again with its own cells alone, and what is right then counts: whatever the code of another
        question has overwritten, taken over or ended costs that one.

        A blank answer is not run, and a question without one is asked again at the end: the answer
        may stand in a cell before it, or behind the checks.
        """
        trusted, given, own, missing = {"__name__": "__main__"}, [], [], []
        lost, deaths = False, 0
        for cell in nb.cells:
            if cell.cell_type != "code":
                if "attachments" not in cell:  # those have our own texts, as intake says
                    cell.source = harmless(cell.source)
                continue
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in graded:
                outputs = functools.partial(check, locked[name], trusted, seconds=self.seconds)
                with asking(name, known, trusted):
                    cell.outputs = outputs(student)
                    unanswered = not own or any("NotImplementedError" in one for one in own)
                    if _errors(cell.outputs) and not unanswered:
                        if lost or student.deaths > deaths:
                            alone = again(given, own, student, outputs)
                            cell.outputs = max(cell.outputs, alone, key=_kept)
                        lost = True
                if any(map(NO_ANSWER.match, _errors(cell.outputs))):
                    missing.append((cell, name, outputs))
                own, deaths = [], student.deaths
                continue
            if name not in locked and cell.source.strip() == blank.get(name):
                cell.outputs = []
                continue
            cell.outputs = outputs_of(student, cell.source, START if name in locked else 0)
            if name in locked:
                stopped = _errors(cell.outputs)
                if stopped:  # no student answers for it, and without it every answer would fail
                    raise RuntimeError(f"the given cell {name} stopped in the sandbox: {stopped}")
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(locked[name], name, "exec"), trusted)
            (given if name in locked else own).append(cell.source)
        for cell, name, outputs in missing:
            with asking(name, known, trusted):
                cell.outputs = outputs(student)


def outputs_of(student, source, more=0):
    """Run a student's cell. Returns its outputs as a notebook has them."""
    try:
        shown = student.run(source, more)
        outputs = [
            new_output("stream", name=name, text=shown["texts"][name][:LONGEST])
            for name in ("stdout", "stderr")
            if shown["texts"][name]
        ]
        outputs += [new_output("display_data", data=data) for data in map(_plain, shown["shown"])]
        return student.fitting(outputs) + ([_error(*shown["error"])] if shown["error"] else [])
    except Refused as refused:
        return [_error("Stopped", str(refused))]


def harmless(text):
    """A student's text without what a page, or the teacher's formgrader, would run: tags, links
    (in formulas, too) but to the web and to headings."""
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text).replace(r"\href", "href")
    return re.sub(r"\](?=\((?!https?://|#)|:)", r"]\\", text)


def sayable(nb):
    """A notebook without halves of characters, which no file can hold."""
    text = nbformat.writes(nb).encode("utf-8", "replace").decode()
    return nbformat.reads(text, as_version=4)


def _plain(data):
    """Of what a cell displayed: texts and pictures, no HTML or JavaScript for the teacher."""
    kinds = ("text/plain", "image/png")
    return {kind: data[kind][:500_000] for kind in kinds if kind in data}


def _error(name, text):
    """An error as a notebook shows it: one sentence."""
    name, text = str(name)[:100], str(text)[:2_000]
    return new_output("error", ename=name, evalue=text, traceback=textwrap.wrap(text, 95))


@contextlib.contextmanager
def at_most(seconds):
    """Stop what a hand-in keeps busy, after so many seconds of the processor's work.

    Only in a main thread, which alone gets signals.
    """

    def stop(*_):
        raise Refused("The checks of this question took too long on your answer.")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def check(source, trusted, student, seconds=30):
    """Run one question's checks. Returns the outputs; an error among them means: no marks."""
    shown = io.StringIO()
    error = []
    try:
        names = trusted | {name: student.bind(name) for name in _asked(source, trusted)}
        with contextlib.redirect_stdout(shown), at_most(seconds):
            exec(compile(source, "checks", "exec"), names)
    except Lost as lost:
        kept = {"text/plain": str(float(lost.marks))}  # as nbgrader reads a part of the marks
        error = [new_output("execute_result", data=kept)] if lost.marks else []
        error.append(_error("Wrong", str(lost)))
    except AssertionError as wrong:
        error = [_error("Wrong", str(wrong) or "One of the checks above failed.")]
    except Refused as refused:
        error = [_error("Stopped", str(refused))]
        if student.sandbox is None:
            student.forget()
    except Exception as other:
        text = f"Your answer has another form than the question asks for ({other})."
        error = [_error(type(other).__name__, text)]
    text = shown.getvalue()[:LONGEST]
    return ([new_output("stream", name="stdout", text=text)] if text else []) + error


def again(given, own, student, outputs):
    """Run one question's checks in a new process, after its cells alone. Returns the outputs."""
    with contextlib.closing(Student(student.start, student.until - time.monotonic())) as other:
        for cell in given:
            outputs_of(other, cell, START)
        for cell in own:
            outputs_of(other, cell)
        return outputs(other)


def _errors(outputs):
    """What was said against a cell, or against an answer."""
    return [one.evalue for one in outputs if one.output_type == "error"]


def _kept(outputs):
    """What an answer keeps of its marks: all where nothing was said against it."""
    parts = [one for one in outputs if one.output_type == "execute_result"]
    marks = sum(float(one.data["text/plain"]) for one in parts)
    return marks if _errors(outputs) else math.inf


def _asked(source, trusted):
    """The names that a check uses and that only the student's work can give."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    own = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    own |= {node.name for node in nodes if isinstance(node, ast.alias)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    own |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    used = {name.id for name in names} - own
    return sorted(used - set(trusted) - set(dir(builtins)))
