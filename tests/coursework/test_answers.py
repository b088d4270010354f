"""No right answer loses marks, no wrong one keeps them all, and each sentence names its mistake.

Marks the recorded answers in this process: they are our own. What they give and get passes the
wire as it does in grading.
"""

import ast
import functools
import re
import textwrap
import tomllib

import judge
import keras
import marking
import nbformat
import numpy as np
import pytest
import sandbox
import wire
from network import Here
from tiny_coursework import COURSEWORK

NAMES = sorted(path.stem for path in (COURSEWORK / "right").glob("*.toml"))
FEWEST = {"wrong": 8, "right": 5}


@functools.cache
def cells(name):
    """The cells that nbgrader knows: name to source."""
    nb = nbformat.read(COURSEWORK / "source" / name / f"{name}.ipynb", as_version=4)
    marked = [(cell.metadata.get("nbgrader", {}).get("grade_id"), cell) for cell in nb.cells]
    return {key: cell.source for key, cell in marked if key}


@functools.cache
def recorded(kind, name):
    """Question to its recorded answers, of a kind: mistakes or right."""
    text = (COURSEWORK / kind / f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


known = functools.cache(functools.partial(marking.recorded, COURSEWORK))


def every(kind):
    return [
        pytest.param(name, question, answer, id=f"{name}-{question}-{number}")
        for name in NAMES
        for question, several in recorded(kind, name).items()
        for number, answer in enumerate(several, start=1)
    ]


@pytest.fixture(scope="module")
def given(shared_cache):
    """The names of each assignment's set-up cell, made when they are first asked for."""
    patch = pytest.MonkeyPatch()
    for key, value in sandbox.SHORT.items():
        patch.setenv(key, value)
    patch.setenv("XDG_CACHE_HOME", str(shared_cache))
    made = {}

    def names(name):
        if name not in made:
            made[name] = {"__name__": "__main__"}
            exec(cells(name)["setup"], made[name])
        return made[name]

    yield names
    patch.undo()


class Answer:
    """An answer of our own, asked in this process as a student's is in the sandbox."""

    sandbox = True

    def __init__(self, given, *codes):
        self.names = dict(given)
        for code in codes:
            exec(code, self.names)

    def bind(self, name):
        value = sent(self.names[name]) if not callable(self.names[name]) else self.names[name]
        if not callable(value):
            return value
        return lambda *arguments, **options: sent(value(*sent(arguments), **sent(options)))


def sent(value):
    """A value as it comes out at the other end of the wire."""
    models = []

    def described(other):
        if isinstance(other, keras.Model):
            models.append(other)
            return {"number": len(models) - 1}
        return None

    return wire.unpack(wire.pack(value, described), lambda about: Model(models[about["number"]]))


class Model(Here):
    """A network, as the judge's stand-in for it."""

    def __init__(self, model):
        super().__init__(model)
        self.layers = model.layers
        self.input_shape, self.output_shape = model.input_shape, model.output_shape
        self.count_params = model.count_params


def marked(given, name, question, code):
    """What an answer gets: (the part of the marks, 0 … 1, what is said against it)."""
    checks, others = f"{question}_checks", [reference for _, reference, _ in known(name).values()]
    answer = Answer(given(name), *others, code)
    with marking.asking(checks, known(name), given(name)):
        outputs = judge.check(cells(name)[checks], given(name), answer, 300)
    said = " ".join(one.evalue for one in outputs if one.output_type == "error")
    return min(1, judge._kept(outputs) / known(name)[question][0]), said


@pytest.mark.parametrize("name", NAMES)
def test_every_question_has_many_recorded_answers(name):
    asked = {key.removesuffix("_checks") for key in cells(name) if key.endswith("_checks")}
    for kind, fewest in (("mistakes", FEWEST["wrong"]), ("right", FEWEST["right"])):
        found = recorded(kind, name)
        assert set(found) == asked
        assert {key: len(one) for key, one in found.items() if len(one) < fewest} == {}


@pytest.mark.parametrize(("name", "question", "answer"), every("right"))
def test_a_right_answer_keeps_all_marks(given, name, question, answer):
    assert marked(given, name, question, answer) == (1, "")


@pytest.mark.parametrize(("name", "question", "answer"), every("mistakes"))
def test_a_wrong_answer_loses_marks_and_earns_its_sentence(given, name, question, answer):
    kept, said = marked(given, name, question, answer["wrong"])
    assert said == answer["says"]
    assert kept * known(name)[question][0] == answer.get("keeps", 0)


def test_the_question_on_the_teachers_page_is_marked_as_it_says():
    page = (COURSEWORK / "README.md").read_text(encoding="utf-8").partition("## Add a question")[2]
    blocks = re.findall(r"\n\n((?: {7}.*\n|\n)+)", page)
    answer, checks, wrong, right, *_ = map(textwrap.dedent, blocks)
    ((name, mistakes),) = tomllib.loads(wrong).items()
    known, given = {name: (4, answer, mistakes)}, {"np": np}

    def said(code):
        with marking.asking(f"{name}_checks", known, given):
            outputs = judge.check(checks, given, Answer(given, code))
        return [one.evalue for one in outputs]

    assert [said(one["wrong"]) for one in mistakes] == [[one["says"]] for one in mistakes]
    assert [said(one) for one in (answer, *tomllib.loads(right)[name])] == [[], []]


# --- changes that do not matter -------------------------------------------------------------------


class Names(ast.NodeTransformer):
    """Gives every local variable another name, but for arguments: others may call those by name."""

    def __init__(self, tree):
        stored = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
        stored = {n.id for n in stored if isinstance(n.ctx, ast.Store)}
        outer = {part for node in tree.body for part in _bound(node)}
        outer |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
        self.of = {name: f"_my_{name}" for name in stored - outer}

    def visit_Name(self, node):
        node.id = self.of.get(node.id, node.id)
        return node

    def visit_Nonlocal(self, node):
        node.names = [self.of.get(name, name) for name in node.names]
        return node


def _bound(node):
    """The names that a statement leaves."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    return [
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    ]


class Loops(ast.NodeTransformer):
    """Takes sums, means, logarithms and powers number by number, and makes lists in loops."""

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("sum", "mean", "exp", "log"):
            of, name = node.func.value, node.func.attr
            if isinstance(of, ast.Name) and of.id in ("np", "keras", "data", "statistics"):
                if of.id == "np":
                    node.func = ast.Name(f"_{name}", ast.Load())
            else:
                node = ast.Call(ast.Name(f"_{name}", ast.Load()), [of, *node.args], node.keywords)
        return node

    def visit_ListComp(self, node):
        self.generic_visit(node)
        generator = ast.GeneratorExp(node.elt, node.generators)
        return ast.Call(ast.Name("_listed", ast.Load()), [generator], [])


def _listed(numbers):
    made = []
    for number in numbers:
        made.append(number)
    return made


def _by_number(function):
    def apply(values):
        values = np.asarray(values)
        with np.errstate(all="ignore"):
            made = [function(value) for value in values.ravel()]
        return np.array(made).reshape(values.shape)[()]

    return apply


def _sum(values, axis=None, keepdims=False):
    if not hasattr(values, "shape") and axis is None:
        return sum(values)
    values = np.asarray(values)
    if axis is None:
        total = 0
        for value in values.ravel():
            total = total + value
        return np.reshape(total, (1,) * values.ndim) if keepdims else total
    axes = (axis,) if isinstance(axis, int) else axis
    for one in sorted(a % values.ndim for a in axes)[::-1]:
        total = 0
        for part in np.moveaxis(values, one, 0):
            total = total + part
        values = np.expand_dims(total, one)
    return values if keepdims else np.squeeze(values, tuple(a % values.ndim for a in axes))


def _mean(values, axis=None, keepdims=False):
    values = np.asarray(values)
    axes = range(values.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    count = np.prod([values.shape[one] for one in axes])
    mean = _sum(values, axis, keepdims) / count
    return mean.astype(values.dtype) if values.dtype.kind == "f" else mean


LOOPS = {"_listed": _listed, "_sum": _sum, "_mean": _mean}
LOOPS |= {"_exp": _by_number(np.exp), "_log": _by_number(np.log)}


def in_float32(value):
    """Numbers with as few digits as float32 has, everywhere."""
    if isinstance(value, float | np.floating):
        return np.float32(value)
    if isinstance(value, np.ndarray) and value.dtype == float:
        return value.astype(np.float32)
    if isinstance(value, dict):
        return {key: in_float32(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(in_float32, value))
    return value


def renamed(code):
    tree = ast.parse(code)
    return ast.unparse(Names(tree).visit(tree))


def looped(code):
    if "pandas" in code:  # its tables sum by name and group
        return code
    return ast.unparse(ast.fix_missing_locations(Loops().visit(ast.parse(code))))


def lowered(code):
    functions = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    return code + "".join(f"\n{name} = _lowered({name})" for name in functions)


def _lowered(function):
    @functools.wraps(function)
    def inner(*arguments, **options):
        return in_float32(function(*in_float32(arguments), **in_float32(options)))

    return inner


CHANGES = {"names": renamed, "loops": looped, "float32": lowered}


unchanged = functools.cache(marked)  # the same for every change


UNTOUCHED = {"build_network"}  # takes no numbers and adds up none


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["mistakes", "right"])
@pytest.mark.parametrize("name", NAMES)
def test_changes_that_do_not_matter_change_neither_marks_nor_sentence(given, name, kind, change):
    others = dict(LOOPS, _lowered=_lowered)
    differing = []
    for question, several in recorded(kind, name).items():
        for answer in [] if question in UNTOUCHED and change != "names" else several:
            code = answer if kind == "right" else answer["wrong"]
            changed = CHANGES[change](code)
            if ast.dump(ast.parse(changed)) == ast.dump(ast.parse(code)):
                continue
            if change == "float32" and kind == "mistakes" and answer["says"].startswith("The type"):
                continue  # it would repair these
            before = unchanged(given, name, question, code)
            after = marked(lambda key: given(key) | others, name, question, changed)
            if before != after:
                differing.append((question, before, after, changed))
    assert differing == []
