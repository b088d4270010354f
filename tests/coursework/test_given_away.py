"""No answer stands in the student version's other cells, nor word for word in a notebook."""

import ast
import functools
import re

import figures
import nbformat
import numpy as np
import pytest
from tiny_coursework import COURSEWORK

NAMES = sorted(path.stem for path in (COURSEWORK / "mistakes").glob("*.toml"))
SMALLEST = 9  # nodes of an expression that says something
MOST = 0.25  # of an answer's expressions that a single notebook may hold


def code(cells):
    """The cells as trees, without lines that only a notebook understands."""
    trees = []
    for cell in cells:
        lines = [
            line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!"))
        ]
        trees.append(ast.parse("\n".join(lines)))
    return trees


ANY_CALL = re.compile(r"name0\((name\d+(, )?)+(strict=True)?\)").fullmatch
"""A call of names alone, such as zip(a, b, strict=True): it gives nothing away."""


class Places(ast.NodeTransformer):
    """Calls names by the order in which they come."""

    def __init__(self):
        self.known = {}

    def visit_Name(self, node):
        place = self.known.setdefault(node.id, len(self.known))
        return ast.Name(f"name{place}", ast.Load())

    def visit_arg(self, node):
        place = self.known.setdefault(node.arg, len(self.known))
        return ast.arg(f"name{place}")


def expressions(tree):
    """The expressions of a tree, whatever their names are called: text to size."""
    found = {}
    for node in ast.walk(tree):
        parts = (getattr(node, name, None) for name in ("value", "iter", "test"))
        value = next(filter(None, parts), node)
        if isinstance(node, ast.stmt) and isinstance(value, ast.expr):
            size = sum(1 for _ in ast.walk(value))
            text = ast.unparse(Places().visit(ast.parse(ast.unparse(value))))
            if size >= SMALLEST and not isinstance(value, ast.Constant) and not ANY_CALL(text):
                found[text] = size
    return found


@functools.cache
def of_notebooks():
    """Each notebook's expressions."""
    found = {}
    for path in sorted(COURSEWORK.parent.glob("*.ipynb")):
        nb = nbformat.read(path, as_version=4)
        trees = code(cell for cell in nb.cells if cell.cell_type == "code")
        found[path.name] = set().union(*(expressions(tree) for tree in trees))
    return found


def source(name):
    return nbformat.read(COURSEWORK / "source" / name / f"{name}.ipynb", as_version=4)


def answers(name):
    """The reference answers: name to expressions."""
    cells = [cell for cell in source(name).cells if "nbgrader" in cell.metadata]
    cells = [cell for cell in cells if cell.metadata.nbgrader.solution and cell.cell_type == "code"]
    trees = zip(cells, code(cells), strict=True)
    return {cell.metadata.nbgrader.grade_id: expressions(tree) for cell, tree in trees}


def held(answer, others):
    """The share of an answer that others hold."""
    return sum(size for text, size in answer.items() if text in others) / max(
        1, sum(answer.values())
    )


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_stands_word_for_word_in_a_notebook(name):
    given = {
        (question, notebook): share
        for question, answer in answers(name).items()
        for notebook, others in of_notebooks().items()
        if (share := held(answer, others)) >= MOST
    }
    assert given == {}


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_stands_in_another_cell_of_its_student_version(name):
    cells = [cell for cell in source(name).cells if cell.cell_type == "code"]
    shown = [cell for cell in cells if not cell.metadata.get("nbgrader", {}).get("solution")]
    for cell in shown:  # as students see them
        cell.source = cell.source.split("### END HIDDEN TESTS\n")[-1]
    others = set().union(*(expressions(tree) for tree in code(shown)))
    shares = {question: held(answer, others) for question, answer in answers(name).items()}
    assert {question: share for question, share in shares.items() if share > 0} == {}


def test_what_is_compared_finds_a_copy_with_other_names():
    (answer,) = code(
        [nbformat.v4.new_code_cell("def f(a, b):\n    return a @ b + a.sum(axis=0) / 2")]
    )
    (copy,) = code([nbformat.v4.new_code_cell("x = y @ z + y.sum(axis=0) / 2")])
    (other,) = code([nbformat.v4.new_code_cell("x = y @ z + z.sum(axis=0) / 2")])
    assert held(expressions(answer), expressions(copy)) == 1
    assert held(expressions(answer), expressions(other)) == 0


# --- figures --------------------------------------------------------------------------------------


def test_the_answers_to_figures_follow_from_their_numbers():
    said = {name: {} for name in figures.FIGURES}
    for name, question in zip(said, ("figure", "range_test", "figure"), strict=True):
        (cell,) = [
            cell
            for cell in source(name).cells
            if cell.metadata.get("nbgrader", {}).get("grade_id") == question
        ]
        exec(cell.source, said[name])
    one, two, three = said.values()
    _, validation = figures.LEARNING["B"]
    assert (np.diff(figures.LEARNING["A"][1]) < 0).all() and one["overfitting"] == "B"
    assert figures.EPOCHS[validation.argmin()] == one["stop_after"]
    assert one["better"] == min("AB", key=lambda name: figures.LEARNING[name][1][-1])
    lowest = figures.RATES[figures.OF_BATCH.argmin()]
    assert two["curve"] == "B" and round(np.log10(lowest)) == np.log10(two["minimum"])
    assert np.isclose(two["try_first"], two["minimum"] / 10)
    wrong = figures.CONFUSION - np.diag(figures.CONFUSION.diagonal())
    assert (figures.CONFUSION.sum(axis=1) == 100).all()
    assert three["lost"] == figures.SHOWN[figures.CONFUSION.diagonal().argmin()]
    assert three["favourite"] == figures.SHOWN[wrong.sum(axis=0).argmax()]
    pairs = [(1, 2), (2, 1), (4, 5), (5, 4)]
    assert three["case_mistakes"] == sum(wrong[pair] for pair in pairs)


@pytest.mark.parametrize("name", figures.FIGURES)
def test_a_figure_is_a_picture_and_its_numbers_stand_in_no_cell(name):
    (cell,) = [cell for cell in source(name).cells if f"(attachment:{figures.NAME})" in cell.source]
    assert cell.attachments[figures.NAME]["image/png"].startswith("iVBORw0KGgo")
    assert cell.source.startswith("![") and len(cell.source.split("](")[0]) > 40  # what it shows
    assert "plt." not in "".join(one.source for one in source(name).cells)
