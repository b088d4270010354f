"""Every committed notebook passes every gate; executing notebooks does what it says."""

import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import execute
import gates
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
COMMITTED = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
CLAIM = """# NBVAL_IGNORE_OUTPUT
from IPython.display import display
claim = {{"name": "a", "value": 1, "tier": os.environ["COURSE_TIER"], "ok": {ok}}}
display({{"text/plain": "a: 1", "application/vnd.course.claim+json": claim}}, raw=True)"""
HELPERS = """
CLAIM = "application/vnd.course.claim+json"


def stamp():
    return {"tier": "full", "sample": False, "data": ["mnist"]}
"""


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_notebook_passes_every_gate(path):
    assert gates.check(path) == []


def test_there_are_notebooks():
    assert COMMITTED


def write(folder, name, *sources):
    """Write an unexecuted notebook."""
    cells = [new_markdown_cell("# Try"), *map(new_code_cell, sources)]
    folder.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), folder / name)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A small course in a folder with a space: 01 is fine, 02 raises, 03 misses its claim."""
    root = tmp_path / "my course"
    folder = root / "notebooks"
    root.mkdir()
    write(folder, "01_fine.ipynb", "import os", CLAIM.format(ok=True), "os.getcwd()[-9:]")
    write(folder, "02_raises.ipynb", "x = 1", "1 / 0")
    write(folder, "03_misses.ipynb", "import os", CLAIM.format(ok=False))
    package = root / "helpers"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "course.py").write_text(HELPERS)
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("COURSE_TIER", "")  # so that what the tools set is undone after the test
    monkeypatch.setenv("COURSE_DATA", "")
    return root


def contents(root):
    return {path.name: path.read_bytes() for path in (root / "notebooks").iterdir()}


def test_nbval_fails_where_a_claim_is_not_met(root):
    shutil.copy(ROOT / "notebooks" / "conftest.py", root / "notebooks")
    nbval = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-p", "no:xdist"]
    files = [f"notebooks/{name}.ipynb" for name in ("01_fine", "03_misses")]
    run = subprocess.run([*nbval, *files], cwd=root, capture_output=True, text=True, check=False)
    assert "1 failed, 4 passed" in run.stdout
    assert "claims not met: a (value 1)" in run.stdout


def test_course_runs_all_reports_every_problem_and_leaves_notebooks_alone(root, capsys):
    before = contents(root)
    assert execute.run_course(root) == 2
    shown = capsys.readouterr()
    assert "02_raises, cell 3: ZeroDivisionError: division by zero" in shown.err
    assert "03_misses: claim not met: a" in shown.err
    lines = [line.split() for line in shown.out.splitlines()]
    table = {line[0]: line[2:] for line in lines if line and line[-1].endswith(".html")}
    assert table["01_fine"] == ["1/1", "build/course/01_fine.html"]
    assert table["02_raises"] == ["0/0", "(stopped)", "build/course/02_raises.html"]
    assert table["03_misses"] == ["0/1", "build/course/03_misses.html"]
    pages = {path.name for path in (root / "build" / "course").iterdir()}
    assert pages == {"01_fine.html", "02_raises.html", "03_misses.html"}
    assert "notebooks" in (root / "build" / "course" / "01_fine.html").read_text()
    assert contents(root) == before


def test_outputs_writes_a_stamped_notebook(root):
    assert execute.run_outputs(["1"], root) == 0
    nb = nbformat.read(root / "notebooks" / "01_fine.ipynb", as_version=4)
    stamp = nb.metadata["course"]
    assert stamp["tier"] == "full" and stamp["data"] == ["mnist"] and stamp["seconds"] > 0
    assert gates.claims(nb)[0]["tier"] == "full"
    for gate in (
        gates.stale_outputs,
        gates.execution_order,
        gates.executed_on_sample_or_quick_tier,
    ):
        assert gate(nb) == []
    assert [cell.cell_type for cell in nb.cells] == ["markdown", "code", "code", "code"]
    assert not any("execution" in cell.metadata for cell in nb.cells)
    assert nb.metadata["kernelspec"]["display_name"] == "Python 3"


@pytest.mark.parametrize(("number", "problem"), [("02", "ZeroDivision"), ("03", "not met")])
def test_outputs_keeps_a_notebook_whose_execution_fails(root, capsys, number, problem):
    before = contents(root)
    assert execute.run_outputs([number], root) > 0
    shown = capsys.readouterr().err
    assert problem in shown and "stays as it was" in shown
    assert contents(root) == before


def test_outputs_refuses_a_path_of_this_machine(root, capsys):
    write(root / "notebooks", "04_path.ipynb", "import os", "print(os.getcwd())")
    before = contents(root)
    assert execute.run_outputs(["04"], root) > 0
    assert "the output of cell 3 holds the machine's path" in capsys.readouterr().err
    assert contents(root) == before


def test_outputs_refuses_the_sample(root, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "sample")
    with pytest.raises(SystemExit, match="unset COURSE_DATA"):
        execute.run_outputs([], root)


def test_an_unknown_number_is_answered_with_the_known_ones(root):
    with pytest.raises(SystemExit, match=r"no notebook 07 .*expected: 01 02 03"):
        execute.run_outputs(["07"], root)


def test_no_kernel_is_left_running(root):
    write(root / "notebooks", "06_tells.ipynb", "import os", "print(os.getpid())", "1 / 0")
    nb = nbformat.read(root / "notebooks" / "06_tells.ipynb", as_version=4)
    _, error = execute.execute(nb, "06_tells", root)
    assert "cell 4: ZeroDivisionError" in error
    with pytest.raises(ProcessLookupError):
        os.kill(int(nb.cells[2].outputs[0].text), 0)


def test_a_kernel_that_dies_is_named(root):
    write(root / "notebooks", "05_dies.ipynb", "import os", "os._exit(1)")
    nb = nbformat.read(root / "notebooks" / "05_dies.ipynb", as_version=4)
    _, error = execute.execute(nb, "05_dies", root)
    assert "05_dies, cell 3: the kernel died" in error


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    execute.write_atomically(path, "old")

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        execute.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("tty", [True, False])
def test_progress_is_one_line_on_a_terminal_and_lines_elsewhere(tty, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: tty)
    monkeypatch.setattr(execute, "TICK", {True: 0.02, False: 0.02})
    with execute.Progress("01_fine", 7, stream) as progress:
        progress.cell = 3
        time.sleep(0.2)
    shown = stream.getvalue()
    assert shown.count("01_fine  cell 3 of 7") >= 3
    assert shown.count("\n") == (1 if tty else shown.count("01_fine"))
