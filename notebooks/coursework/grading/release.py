"""What must be true of an assignment before it is handed out."""

import ast

from intake import graded_cells

BEGIN = ("### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS")
END = ("### END SOLUTION", "### END HIDDEN TESTS")
SHORTEST = 12  # characters of a line that only an answer can hold


def faults(source):
    """What is wrong with a source notebook, a sentence each.

    Every answer that a program marks has checks behind it, named <answer>_checks, whatever gives
    marks gives more than none, and code is Python: what stops here would cost every student marks.
    """
    cells, found, seen = dict(graded_cells(source)), [], []
    for name, cell in graded_cells(source):
        about, checks = cell.metadata.nbgrader, f"{name}_checks"
        if name in seen:
            found.append(f"There are several cells {name}; expected one.")
        seen.append(name)
        if cell.cell_type == "code" and (why := _no_python(cell.source)):
            found.append(f"{name} is no Python: {why}.")
        if about.grade and not about.get("points", 0) > 0:
            found.append(f"{name} gives no marks; expected points above 0.")
        if about.grade and about.locked and "assert" not in cell.source:
            found.append(f"{name} checks nothing; expected an assert.")
        if about.solution and not about.grade:
            judge = cells.get(checks)
            if judge is None or not judge.metadata.nbgrader.grade:
                found.append(f"{name} has no checks; expected Autograded tests, ID {checks}.")
            elif _asks(judge) and f"def {name}(" not in cell.source:
                found.append(f"{name} defines no function {name}, for which {checks} asks.")
            elif checks in seen:
                found.append(f"{checks} stands before {name}; expected it behind.")
    return found


def _no_python(source):
    """Why a cell cannot be run, or ""."""
    try:
        ast.parse(source)
        return ""
    except SyntaxError as error:
        return str(error)


def _asks(checks):
    """Whether checks ask for the function that bears their question's name."""
    return "question.function(" in checks.source or "question.network(" in checks.source


def left(source, released):
    """What a student version still holds of answers and hidden tests, a sentence each."""
    lines = [(line.strip(), hidden) for cell in source.cells for line, hidden in _lines(cell)]
    shown = {line for line, hidden in lines if not hidden}
    secret = {line for line, hidden in lines if hidden and len(line) > SHORTEST} - shown
    cells = [f"{cell.source}\n{cell.metadata}\n{cell.get('outputs')}" for cell in released.cells]
    found = [line for line in [*sorted(secret), *BEGIN, *END] if line in "\n".join(cells)]
    return [f"The student version holds the answer {line!r}." for line in found[:3]]


def _lines(cell):
    """Lines of a cell, and whether each is hidden: between two that say so; without these, all
    lines of an answer, as nbgrader has it."""
    hidden = cell.metadata.get("nbgrader", {}).get("solution") and BEGIN[0] not in cell.source
    for line in cell.source.splitlines():
        if line.strip().startswith(END):
            hidden = False
        yield line, hidden
        if line.strip().startswith(BEGIN):
            hidden = True
