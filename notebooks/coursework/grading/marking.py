"""How an answer is marked: beside the reference, on many cases, part by part.

The checks of a question import `question` from here. It knows the reference answer, of `source/`,
and wrong ones, of `mistakes/`. A part that is wrong earns the sentence of that mistake which, run
on the same cases, gives the same values; where none does, the shortest case that failed.
"""

import contextlib
import functools
import io
import pickle
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
from network import Here

MADE = {}  # what answers of our own gave on which cases
LONGEST = 160  # characters of a value that a sentence quotes
COPYING = 4  # pickle's protocol for copies of cases: its arrays may always be written to
UNANSWERED = "This question is not answered yet: the line that raises NotImplementedError is there."


class Refused(Exception):
    """An answer that cannot be judged. Says why, to the student."""


class Failed(Refused):
    """An answer that stopped with an error of its own; `name` is the error's."""

    def __init__(self, name, text):
        super().__init__(f"Your code stopped with {name}: {text}")
        self.name = name


class Lost(Exception):
    """An answer that is not all right. `marks`: what it keeps; the text says why."""

    def __init__(self, marks, why):
        super().__init__(why)
        self.marks = marks


@dataclass
class Stopped:
    """What stands for a value where there is none: code stopped, or the value has another form."""

    name: str
    text: str


@dataclass
class Part:
    """A part of a question.

    Arguments: marks. read: function of the answer's value and the case, to what is compared.
        needs: name of a part without which this one counts for nothing.
    """

    marks: float
    read: object = lambda value, *case: value
    needs: str = ""


def recorded(root, assignment):
    """What is known of each question: name to (marks, reference answer, wrong answers)."""
    path = Path(root) / "source" / assignment / f"{assignment}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    marked = {
        cell.metadata.nbgrader.grade_id: cell for cell in cells if "nbgrader" in cell.metadata
    }
    path = Path(root) / "mistakes" / f"{assignment}.toml"
    wrong = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {
        name: (checks.metadata.nbgrader.points, marked[name].source, wrong.get(name, []))
        for name in marked
        if (checks := marked.get(f"{name}_checks"))
    }


def network_parts(size, computes, learns, of=lambda value: value):
    """The parts by which a network is marked, each with its marks. of: the network of a value."""
    rng = np.random.default_rng(4)
    bright = rng.integers(0, 256, (16, 1, 1))
    images = (rng.random((16, 28, 28)) * bright).astype("uint8")
    labels = rng.integers(0, 10, 16)

    def look(value):
        model = of(value)
        return model if hasattr(model, "facts") else Here(model)

    return {
        "number of parameters": Part(
            size, lambda got, *_: [look(got).facts[key] for key in ("parameters", "trained")]
        ),
        "outputs with given weights": Part(
            computes, lambda got, *_: [look(got).outputs(seed, images) for seed in (1, 2)]
        ),
        "step of training": Part(
            learns, lambda got, *_: look(got).lesson(1, images, labels) or "another each time"
        ),
    }


class Asked:
    """Stands for the question whose checks run."""

    now = None

    def __getattr__(self, name):
        return getattr(self.now, name)


question = Asked()


@contextlib.contextmanager
def asking(checks, known, given):
    """Let checks find their question.

    Arguments: checks: name of their cell. known: as `recorded` says. given: the set-up's names.
    """
    name = checks.removesuffix("_checks")
    Asked.now = Question(name, *known[name], given) if name in known else None
    yield
    Asked.now = None


class Question:
    """What the checks of one question know.

    Arguments: name: of the answer's cell, and of the function that it defines. marks, reference,
        wrong: as `recorded` says. given: the names of the set-up cell.
    """

    def __init__(self, name, marks, reference, wrong, given):
        self.name, self.marks, self.reference = name, marks, reference
        self.wrong, self.given = wrong, given

    def function(self, answer, cases, see, parts=None, within=1e-6, ask=None):
        """Mark a function. Raises: Lost where it is not right.

        Arguments: answer: the student's function. cases: its arguments, a tuple each. see: the
            notebook and section that explain it. parts: name to Part; without, there is one.
            within: how far numbers may lie apart, relative and absolute. ask: what is done with the
            function: ask(function, *case) gives the value; without, it is called.
        """
        parts = parts or {"": Part(self.marks)}

        def asked(function):
            return functools.partial(ask, function) if ask else function

        self._mark(asked(answer), lambda names: asked(names[self.name]), cases, see, parts, within)

    def names(self, see, **values):
        """Mark names that the answer sets: name to (marks, the student's value). Raises: Lost."""
        parts = {
            name: Part(marks, lambda got, name=name: got[name])
            for name, (marks, _) in values.items()
        }
        given = {name: value for name, (_, value) in values.items()}

        def answer(names):
            return lambda: {name: names[name] for name in values}

        self._mark(lambda: given, answer, [()], see, parts, within=1e-9)

    def network(self, answer, see, size, computes, learns):
        """Mark a function that builds a network of raw images (28, 28); the last three are marks.

        Raises: Lost.
        """
        parts = network_parts(size, computes, learns)
        self._mark(answer, lambda names: names[self.name], [()], see, parts, within=2e-3)

    network_parts = staticmethod(network_parts)

    def _mark(self, answer, of, cases, see, parts, within):
        cases = list(cases)
        assert sum(part.marks for part in parts.values()) == self.marks, self.name
        found = readings(answer, cases, parts)
        right = self._made(self.reference, of, cases, parts)
        stopped = [one.text for made in right.values() for one in made if isinstance(one, Stopped)]
        assert not stopped, f"the reference answer of {self.name} stops: {stopped[0]}"
        lost = [part for part in parts if not _agree(found[part], right[part], within)]
        if not lost:
            return
        kept = [one for name, one in parts.items() if name not in lost and one.needs not in lost]
        said, rest = [], lost
        for says, explained in self._mistakes(of, cases, parts, found, lost, within):
            if explained & set(rest):
                said.append(says)
                rest = [part for part in rest if part not in explained]
        said += [self._example(part, cases, found[part], right[part], see, within) for part in rest]
        raise Lost(sum(part.marks for part in kept), " ".join(dict.fromkeys(said)))

    def _mistakes(self, of, cases, parts, found, lost, within):
        """The recorded mistakes with the lost parts that each explains, the best first.

        None where what the answer has right would have been wrong by that mistake.
        """
        explaining = []
        for mistake in self.wrong:
            made = self._made(mistake["wrong"], of, cases, parts)
            alike = {part for part in parts if _agree(made[part], found[part], within)}
            if set(parts) - set(lost) <= alike:
                explaining.append((mistake["says"], alike & set(lost), len(alike)))
        best = sorted(explaining, key=lambda one: (-len(one[1]), -one[2]))
        return [(says, explained) for says, explained, _ in best]

    def _made(self, code, of, cases, parts):
        """What an answer of our own gives; made once, for all students."""
        key = (self.name, code, pickle.dumps(cases))
        if key not in MADE:
            MADE[key] = readings(of(self._run(code)), cases, parts)
        return MADE[key]

    def _run(self, code):
        """The names that an answer of our own leaves."""
        names = dict(self.given)
        exec(compile(code, self.name, "exec"), names)
        return names

    def _example(self, part, cases, found, right, see, within):
        """A sentence on the shortest case that failed."""
        failed = [
            (f"{self.name}({', '.join(map(show, case))})", expected, got)
            for case, got, expected in zip(cases, found, right, strict=True)
            if not same(got, expected, within)
        ]
        call, expected, got = min(failed, key=lambda one: len(one[0]))
        call = call if any(cases) else part or call
        of_part = f", {part}" if part and any(cases) else ""
        many = f"{len(failed)} of {len(cases)} cases fail. One of them: " if len(cases) > 1 else ""
        if isinstance(got, Stopped):
            return f"{many}{call}: {got.text} ({see})."
        return f"{many}{call}{of_part} must give {_apart(expected, got, within)} ({see})."


def readings(function, cases, parts):
    """What each part reads of a function's values: part to a list, a case each."""
    found = {part: [] for part in parts}
    for case in cases:
        packed = pickle.dumps(case, COPYING)
        value = _call(function, packed)
        for name, part in parts.items():
            found[name].append(_read(part, value, packed))
    return found


def _call(function, packed):
    try:
        with _silence():
            return function(*pickle.loads(packed))
    except Failed as failed:
        return Stopped(failed.name, str(failed))
    except Refused:
        raise
    except Exception as error:
        return Stopped(type(error).__name__, f"Your code stopped with {type(error).__name__}")


def _read(part, value, packed):
    if isinstance(value, Stopped):
        return value
    try:
        with _silence():
            return part.read(value, *pickle.loads(packed))
    except Failed as failed:
        return Stopped(failed.name, str(failed))
    except Refused:
        raise
    except Exception as error:
        text = f"{show(value)} has another form than the question asks for ({error})"
        return Stopped(f"{type(error).__name__}: {error}", text)


@contextlib.contextmanager
def _silence():
    """No warnings, no texts: mistakes overflow and print."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(io.StringIO()):
            yield


def _agree(several, others, within):
    return all(same(one, other, within) for one, other in zip(several, others, strict=True))


def same(one, other, within):
    """Whether two values are the same but for rounding; nan is the same as nan, a list as a tuple
    or an array with the same numbers."""
    if isinstance(one, Stopped) or isinstance(other, Stopped):
        return isinstance(one, Stopped) and isinstance(other, Stopped) and one.name == other.name
    if isinstance(one, dict) and isinstance(other, dict):
        return set(one) == set(other) and all(same(one[key], other[key], within) for key in one)
    sequences = (list, tuple)
    if isinstance(one, sequences) and isinstance(other, sequences):
        return len(one) == len(other) and _agree(one, other, within)
    if any(isinstance(value, str) or value is None for value in (one, other)):
        return type(one) is type(other) and one == other
    try:
        a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    except (TypeError, ValueError):
        return type(one) is type(other) and np.array_equal(one, other)
    return a.shape == b.shape and np.allclose(a, b, rtol=within, atol=within, equal_nan=True)


def _apart(expected, got, within):
    """What was expected and what came; of large arrays the first place where they differ."""
    try:
        a, b = np.asarray(expected, dtype=float), np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return f"{show(expected)}, and gave {show(got)}"
    if a.shape != b.shape or a.size <= 12:
        return f"{show(expected)}, and gave {show(got)}"
    place = tuple(np.argwhere(~np.isclose(a, b, rtol=within, atol=within, equal_nan=True))[0])
    where = "[" + ", ".join(map(str, place)) + "]"
    return f"{a[place]:.5g} at {where}, and gave {b[place]:.5g}"


def show(value):
    """A value in one short line."""
    if isinstance(value, np.ndarray) and value.size > 12:
        first = ", ".join(f"{number:.4g}" for number in value.ravel()[:3])
        return f"<array {value.shape} of {value.dtype}: {first}, …>"
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{key!r}: {show(one)}" for key, one in value.items()) + "}"
    elif isinstance(value, list | tuple):
        text = ", ".join(map(show, value))
        text = f"[{text}]" if isinstance(value, list) else f"({text})"
    else:
        text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
