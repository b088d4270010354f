"""A small coursework of three questions, in a folder of its own, and what students hand in."""

import copy
import shutil
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

COURSEWORK = Path(__file__).resolve().parents[2] / "notebooks" / "coursework"

NAME = "tiny"
RIGHT = {"double": "def double(x):\n    return 2 * x", "triple": "def triple(x):\n    return 3 * x"}
CHECKS = """### BEGIN HIDDEN TESTS
assert {0}(21) != 21, "You returned the number itself: the secret sentence."
assert {0}(21) == {1}, "That is not {1}."
### END HIDDEN TESTS
assert {0}(0) == 0, "Nothing stays nothing."
"""
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def mark(name, **settings):
    """nbgrader's metadata of a cell."""
    plain = {"grade": False, "locked": False, "solution": False, "task": False}
    return {"nbgrader": {"grade_id": name, "schema_version": 3, **plain, **settings}}


def code(name, source, **settings):
    return new_code_cell(source, id=name.replace("_", "-"), metadata=mark(name, **settings))


def source():
    """The source notebook: two questions that are judged by checks, and one by a person."""
    cells = [new_markdown_cell("# Calculate", id="title")]
    cells.append(code("setup", "import numpy as np", locked=True))
    for (name, answer), result in zip(RIGHT.items(), (42, 63), strict=True):
        head, body = answer.split("\n")
        solution = f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
        cells.append(code(name, solution, solution=True))
        checks = CHECKS.format(name, result)
        cells.append(code(f"{name}_checks", checks, grade=True, locked=True, points=5))
    settings = mark("words", grade=True, solution=True, points=2)
    text = "### BEGIN SOLUTION\nBecause.\n### END SOLUTION"
    cells.append(new_markdown_cell(text, id="words", metadata=settings))
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


def found(root):
    """A course folder with this coursework in it, as `notebooks/coursework` is one."""
    shutil.copytree(COURSEWORK / "grading", root / "grading")
    shutil.copy(COURSEWORK / "nbgrader_config.py", root)
    path = root / "source" / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(source(), path)
    return root


def answered(released, **answers):
    """A student's notebook: the student version with answers in their cells."""
    nb = copy.deepcopy(released)
    for cell in nb.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell.source = answers[name]
    return nb


def hand_in(root, student, content, name=f"{NAME}.ipynb", assignment=NAME):
    """Put a notebook, or bytes, into submitted/."""
    folder = root / "submitted" / student / assignment
    folder.mkdir(parents=True, exist_ok=True)
    is_bytes = isinstance(content, bytes)
    (folder / name).write_bytes(content if is_bytes else nbformat.writes(content).encode())
    return folder / name
