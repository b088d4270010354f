"""Every committed notebook passes every gate; executing notebooks does what it says."""

import asyncio
import base64
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import execute
import gates
import nbformat
import numpy as np
import prose
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
COMMITTED = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
CLAIM = f"""from IPython.display import display
claim = {{{{"name": "a", "value": 1, "tier": os.environ["COURSE_TIER"], "ok": {{ok}}}}}}
display({{{{"text/plain": "a: 1", "{gates.CLAIM}": claim}}}}, raw=True)"""
HELPERS = f"""
CLAIM = "{gates.CLAIM}"
"""
STAMP = """
def ran_on():
    return {"tier": "full", "sample": False, "data": ["mnist"]}
"""
KERAS = """
class config:
    set_image_data_format = set_floatx = str
"""
CUT = "application/vnd.course.cut+json"
CUTS = f"""import os
from IPython.display import display
if os.environ["COURSE_TIER"] == "quick":
    display({{"text/plain": "quick tier: 1 of 6 epochs", "{CUT}": {{}}}}, raw=True)"""
FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
OUTDATED = {}
"""Number of a notebook whose outputs are those of older helpers → why; `make outputs`."""

AWAITING_EXECUTION = {}
"""Number of a notebook whose outputs are stale, new cells without any → why; `make outputs`."""

TOO_LONG = {}
"""Number of a notebook that computes for more than ten minutes → what is to be done about it."""

UNEXECUTED = (
    "execution_order: ", "missing_pictures: ", "executed_on_sample_or_quick_tier: ",
    "nothing_compared: ", "untidy_outputs: ",
)  # fmt: skip
"""What else cannot be right in a notebook with cells that were not executed yet."""

REWRITTEN = [
    "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13",
    "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26",
]  # fmt: skip
"""Numbers of the notebooks that also pass the gates of a page without bookkeeping."""


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_notebook_passes_every_gate(path):
    problems = gates.check(path)
    stale = [problem for problem in problems if problem.startswith("stale_outputs: ")]
    if path.name[:2] in OUTDATED | AWAITING_EXECUTION:
        assert stale, "is not stale; expected on the lists are stale ones only: take it off"
        problems = [one for one in problems if one not in stale]
    if path.name[:2] in AWAITING_EXECUTION:
        problems = [one for one in problems if not one.startswith(UNEXECUTED)]
    assert problems == []


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_every_number_of_the_text_is_a_claims_or_somebodys(path):
    nb = nbformat.read(path, as_version=4)
    assert path.name[:2] in AWAITING_EXECUTION or prose.stale_text(nb) == []
    if path.name[:2] in REWRITTEN:
        lesson = prose.unsourced_numbers, prose.figures_without_caption, gates.claims_in_view
        lesson += prose.torn_paragraphs, prose.marked_summaries
        lesson += prose.sections_without_question, prose.minutes_unsaid, prose.titles_with_code
        if path.name[:2] not in AWAITING_EXECUTION:
            lesson += gates.loose_claims, gates.torn_thoughts
            lesson += gates.borrowed_names, prose.more_than_a_lesson
        problems = [problem for gate in lesson for problem in gate(nb)]
        if path.name[:2] in TOO_LONG:
            (long,) = problems
            assert "minutes to compute" in long
        else:
            assert problems == []


def test_only_committed_notebooks_await_execution():
    assert set(OUTDATED | AWAITING_EXECUTION) <= {path.name[:2] for path in COMMITTED}


def test_a_styled_tables_address_is_tidied_away_and_other_words_stay():
    texts = "<pandas.io.formats.style.Styler at 0x7f3a2b1c>", "5"
    outputs = [new_output("execute_result", data={"text/plain": text}) for text in texts]
    nb = new_notebook(cells=[new_code_cell("x", outputs=outputs)])
    execute.tidy(nb)
    assert [one.data["text/plain"] for one in nb.cells[0].outputs] == ["<a table>", "5"]


def png(picture, **options):
    """A picture as a notebook holds it."""
    part = io.BytesIO()
    picture.save(part, "PNG", **options)
    return base64.b64encode(part.getvalue()).decode()


def test_a_picture_of_few_colours_becomes_smaller_and_stays_the_same():
    shades = np.random.default_rng(0).integers(0, 200, (90, 120), np.uint8)
    drawn = Image.fromarray(np.stack([shades, shades, shades, shades * 0 + 255], axis=-1))
    least = png(Image.new("1", (3, 3)), optimize=True)
    found = [new_output("display_data", data={"image/png": one}) for one in (png(drawn), least)]
    nb = new_notebook(cells=[new_code_cell("x", outputs=found)])
    execute.compact(nb)
    large, small = (out.data["image/png"] for out in nb.cells[0].outputs)
    assert small == least and len(large) < len(png(drawn))
    after = Image.open(io.BytesIO(base64.b64decode(large))).convert("RGB")
    assert np.array_equal(np.asarray(after), np.asarray(drawn)[..., :3])


def test_there_are_notebooks():
    assert COMMITTED


def write(folder, name, *sources):
    """Write an unexecuted notebook."""
    cells = [new_markdown_cell("# Try"), *map(new_code_cell, sources)]
    folder.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), folder / name)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A small course in a folder with a space: 01 is fine, 02 raises, 03 misses its claim.

    Empty packages stand for those that `warm` loads and no notebook here needs: they take seconds.
    """
    root = tmp_path / "my course"
    folder = root / "notebooks"
    root.mkdir()
    write(folder, "01_fine.ipynb", "import os", CLAIM.format(ok=True), "os.getcwd()[-9:]")
    write(folder, "02_raises.ipynb", "x = 1", "1 / 0")
    write(folder, "03_misses.ipynb", "import os", CLAIM.format(ok=False))
    package = root / "helpers" / "internals"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "claims.py").write_text(HELPERS, encoding="utf-8")
    (package / "tiers.py").write_text(f'CUT = "{CUT}"', encoding="utf-8")
    (package / "stamp.py").write_text(STAMP, encoding="utf-8")
    (root / "keras.py").write_text(KERAS, encoding="utf-8")
    for name in ("optuna", "seaborn", "sklearn/linear_model", "sklearn/__init__"):
        path = root / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("COURSE_TIER", "")  # so that what the tools set is undone after the test
    monkeypatch.setenv("COURSE_DATA", "")
    monkeypatch.setenv("MPLBACKEND", "agg")  # it shows no figure in a notebook
    return root


def contents(root):
    return {path.name: path.read_bytes() for path in (root / "notebooks").iterdir()}


SOLUTION = """<details><summary>Solution</summary>

```python
{}
```

</details>"""


def test_nbval_runs_solutions_fails_for_unmet_claims_shows_figures_and_compares_no_cuts(
    root, monkeypatch
):
    shutil.copy(ROOT / "notebooks" / "conftest.py", root / "notebooks")
    monkeypatch.setenv("PYTHONPATH", f"{root}{os.pathsep}{ROOT / 'notebooks' / 'commands'}")
    inline = "import os\nassert os.environ['MPLBACKEND'].endswith('inline')"
    write(root / "notebooks", "04_inline.ipynb", inline)
    cut = new_code_cell(CUTS, execution_count=1)  # nbval compares what was executed
    nbformat.write(new_notebook(cells=[cut]), root / "notebooks" / "05_cut.ipynb")
    solutions = [SOLUTION.format(code) for code in ("y = x + 1", "assert (x, y) == (1, 3)")]
    cells = [new_code_cell("x = 1"), *map(new_markdown_cell, solutions)]
    nbformat.write(new_notebook(cells=cells), root / "notebooks" / "06_exercises.ipynb")
    monkeypatch.setenv("COURSE_TIER", "quick")
    nbval = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:xdist"]
    names = ("01_fine", "03_misses", "04_inline", "05_cut", "06_exercises")
    files = [f"notebooks/{name}.ipynb" for name in names]
    run = subprocess.run(
        [*nbval, *files], cwd=root, capture_output=True, encoding="utf-8", check=False
    )
    assert "2 failed, 8 passed" in run.stdout
    assert "06_exercises.ipynb::Solution 2" in run.stdout  # of the two the one that is wrong
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
    assert "notebooks" in (root / "build" / "course" / "01_fine.html").read_text(encoding="utf-8")
    assert contents(root) == before


def test_pages_need_no_internet_fold_solutions_and_show_a_claims_line_without_its_code(root):
    path = root / "notebooks" / "01_fine.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.cells.append(new_markdown_cell("$x^2$"))
    nb.cells.append(new_markdown_cell("<details><summary>Solution</summary>\n\nNo.\n\n</details>"))
    nb.cells[2].metadata["tags"] = ["claim"]
    nbformat.write(nb, path)
    for other in ("02_raises", "03_misses"):
        (path.parent / f"{other}.ipynb").unlink()
    assert execute.run_course(root) == 0
    page = root / "build" / "course" / "01_fine.html"
    text = page.read_text(encoding="utf-8")
    loaded = re.findall(r'<(?:script|link|img)[^>]*?(?:src|href)="([^"]+)', text)
    assert loaded and not [one for one in loaded if "//" in one]
    assert all((page.parent / one).is_file() for one in loaded)  # MathJax, as installed
    assert "a: 1" in text and "claim = " not in re.sub("<.*?>", "", text)
    (folded,) = re.findall("<details>(.*?)</details>", text, re.DOTALL)
    assert "No." in folded


def test_outputs_writes_a_stamped_notebook(root):
    write(
        root / "notebooks",
        "01_fine.ipynb",
        "import os\nfrom helpers.internals import claims",
        CLAIM.format(ok=True),
        FIGURE,
    )
    assert execute.run_outputs(["1"], root) == 0
    nb = nbformat.read(root / "notebooks" / "01_fine.ipynb", as_version=4)
    stamp = nb.metadata["course"]
    assert stamp["tier"] == "full" and stamp["data"] == ["mnist"] and stamp["seconds"] > 0
    assert gates.claims(nb)[0]["tier"] == "full"
    assert list(stamp["modules"]) == ["helpers", "helpers.internals", "helpers.internals.claims"]
    assert gates.stale_outputs(nb, root) == []
    for gate in (
        gates.missing_pictures,
        gates.execution_order,
        gates.executed_on_sample_or_quick_tier,
    ):
        assert gate(nb) == []
    assert [cell.cell_type for cell in nb.cells] == ["markdown", "code", "code", "code"]
    assert not any("execution" in cell.metadata for cell in nb.cells)
    assert nb.metadata["kernelspec"]["display_name"] == "Python 3"


@pytest.mark.parametrize(("code", "problems"), [("print(x + 1)", 0), ("1 / 0", 1)])
def test_outputs_runs_solutions_if_asked_and_keeps_nothing_of_them(root, capsys, code, problems):
    path = root / "notebooks" / "01_fine.ipynb"
    write(path.parent, path.name, "x = 41")
    nb = nbformat.read(path, as_version=4)
    nb.cells.append(new_markdown_cell(SOLUTION.format(code)))
    nbformat.write(nb, path)
    assert (execute.run_outputs(["1"], root, solutions=True) > 0) == problems
    shown = capsys.readouterr()
    if problems:
        assert "ZeroDivision" in shown.err and "stays as it was" in shown.err
    else:
        assert "--- 01_fine, solution 1\n42\n" in shown.out
        assert len(nbformat.read(path, as_version=4).cells) == len(nb.cells)
    assert "course" in nbformat.read(path, as_version=4).metadata or problems


def test_text_writes_numbers_without_executing_but_not_where_a_claim_lacks(root, capsys):
    lacking = " <!--= no claim :: , -->?<!--/-->"
    for name, more in (("08_executed", ""), ("09_never", lacking)):
        path = root / "notebooks" / f"{name}.ipynb"
        write(path.parent, path.name, "raise SystemExit")
        nb = nbformat.read(path, as_version=4)
        nb.metadata |= {} if more else {"course": {"seconds": 170}}
        nb.cells[0].source += "\n\n<!--= minutes to read :: , -->?<!--/-->" + more
        nbformat.write(nb, path)
    before = contents(root)
    assert execute.run_text(["08", "09"], root) == 1
    assert (
        "09_never: the text names claims that there are not, 'no claim'" in capsys.readouterr().err
    )
    after = contents(root)
    assert {name for name in after if after[name] != before[name]} == {"08_executed.ipynb"}
    nb = nbformat.read(root / "notebooks" / "08_executed.ipynb", as_version=4)
    assert "-->1<!--/-->" in nb.cells[0].source and nb.cells[1].outputs == []


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


def test_outputs_refuses_a_figure_without_its_picture(root, capsys):
    write(root / "notebooks", "04_words.ipynb", "fig = 'no picture'\nfig")
    before = contents(root)
    assert execute.run_outputs(["04"], root) > 0
    assert "cell 2 shows no picture of its figure" in capsys.readouterr().err
    assert contents(root) == before


def test_a_module_that_changes_while_a_notebook_runs_makes_it_stale(root):
    change = "from pathlib import Path\nfrom helpers.internals import claims\n"
    change += "Path('../helpers/__init__.py').write_text('print(1)')"
    write(root / "notebooks", "04_changes.ipynb", change)
    assert execute.run_outputs(["04"], root) == 0
    nb = nbformat.read(root / "notebooks" / "04_changes.ipynb", as_version=4)
    (problem,) = gates.stale_outputs(nb, root)
    assert problem.startswith("helpers changed")


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
    with execute.Progress() as progress:
        _, error = asyncio.run(execute.execute(nb, "06_tells", root, progress))
    assert "cell 4: ZeroDivisionError" in error
    with pytest.raises(ProcessLookupError):
        os.kill(int(nb.cells[2].outputs[0].text), 0)


def test_ctrl_c_ends_both_notebooks_that_run(root):
    waits = "import os, pathlib, time\npathlib.Path(f'{0}.pid').write_text(str(os.getpid()))"
    for path in (root / "notebooks").iterdir():
        path.unlink()
    for name in ("01_waits", "02_waits"):
        write(root / "notebooks", f"{name}.ipynb", f"{waits.format(name)}\ntime.sleep(300)")
    code = f"import execute, pathlib; execute.run_course(pathlib.Path({str(root)!r}))"
    path = os.pathsep.join([str(ROOT / "notebooks" / "commands"), str(root)])
    course = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
    )
    numbers = [root / "notebooks" / f"{name}.pid" for name in ("01_waits", "02_waits")]
    while not all(number.exists() and number.read_text(encoding="utf-8") for number in numbers):
        assert course.poll() is None, course.stderr.read()
        time.sleep(0.1)
    course.send_signal(signal.SIGINT)
    _, shown = course.communicate(timeout=100)
    assert course.returncode != 0 and "interrupted in 0" in shown
    for number in numbers:
        with pytest.raises(ProcessLookupError):
            os.kill(int(number.read_text(encoding="utf-8")), 0)


def test_a_kernel_that_dies_is_named(root):
    write(root / "notebooks", "05_dies.ipynb", "import os", "os._exit(1)")
    nb = nbformat.read(root / "notebooks" / "05_dies.ipynb", as_version=4)
    with execute.Progress() as progress:
        _, error = asyncio.run(execute.execute(nb, "05_dies", root, progress))
    assert "05_dies, cell 3: the kernel died" in error


@pytest.mark.parametrize("tty", [True, False])
def test_progress_is_one_line_on_a_terminal_and_lines_elsewhere(tty, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: tty)
    monkeypatch.setattr(execute, "TICK", {True: 0.02, False: 0.02})
    with execute.Progress(stream) as progress:
        progress.begin("01_fine", 7)
        progress.begin("02_other", 5)
        progress.running["01_fine"][0] = 3
        time.sleep(0.2)
        assert 0.2 <= progress.end("01_fine") < 60
        assert list(progress.running) == ["02_other"]
    shown = stream.getvalue()
    assert shown.count("01_fine  cell 3 of 7") >= 3 and "02_other  cell 0 of 5" in shown
    assert shown.count("\n") == (1 if tty else shown.count(" of "))
