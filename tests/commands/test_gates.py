"""Every gate lets a good notebook pass and finds what it is there to find."""

import copy
import re
import subprocess
import sys

from helpers import course

import gates
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

CLAIM = {"name": "a", "value": 1, "at_least": 1, "tier": "full", "data": ["mnist"], "ok": True}


def test_gates_look_for_claims_where_the_course_leaves_them():
    assert gates.CLAIM == course.CLAIM


def text_output(text):
    return new_output("stream", name="stdout", text=text)


def good():
    """A notebook without a problem."""
    claim = new_output("display_data", data={"text/plain": "a: 1", gates.CLAIM: dict(CLAIM)})
    nb = new_notebook(
        cells=[
            new_markdown_cell("# Count to two\n\n## What you will do\n\n## What you will learn"),
            new_markdown_cell("## What you need\n\n```\n# Not a heading\n```"),
            new_code_cell("print(1)", execution_count=1, outputs=[text_output("1\n")]),
            new_code_cell("# NBVAL_IGNORE_OUTPUT\nclaim()", execution_count=2, outputs=[claim]),
            new_code_cell(""),
            new_markdown_cell("## What you have seen\n\n## Report and course side by side"),
            new_markdown_cell("## Your turn\n\n## Further reading"),
        ]
    )
    nb.metadata["course"] = {"tier": "full", "sample": False, "code_hash": gates.code_hash(nb)}
    return nb


def change(cell=2, **fields):
    """A way to spoil a notebook: set fields of one cell (the first code cell is number 2)."""
    return lambda nb: nb.cells[cell].update(copy.deepcopy(fields))


def stamp(**fields):
    """A way to spoil a notebook: set fields of its stamp."""
    return lambda nb: nb.metadata["course"].update(fields)


def spoil_claim(**fields):
    """A way to spoil a notebook: set fields of its claim."""
    return lambda nb: nb.cells[3].outputs[0].data[gates.CLAIM].update(fields)


ERROR = new_output("error", ename="ValueError", evalue="no", traceback=[])
FIGURE = new_output("display_data", data={"text/plain": "<Figure>", "image/png": "iVBO"})
BAD = [
    (gates.stale_outputs, change(source="print(2)"), "code changed"),
    (gates.stale_outputs, lambda nb: nb.metadata.pop("course"), "no stamp"),
    (gates.errors_in_outputs, change(outputs=[ERROR]), "cell 3 shows ValueError: no"),
    (gates.execution_order, change(execution_count=3), r"\[3, 2\]"),
    (gates.execution_order, change(execution_count=None), r"\[None, 2\]"),
    (gates.failed_claims, spoil_claim(ok=False), "'a' is not met"),
    (gates.executed_on_sample_or_quick_tier, stamp(tier="quick"), "tier 'quick'"),
    (gates.executed_on_sample_or_quick_tier, stamp(sample=True), "built-in sample"),
    (gates.executed_on_sample_or_quick_tier, spoil_claim(tier="quick"), "claims of the quick tier"),
    (gates.executed_on_sample_or_quick_tier, lambda nb: nb.metadata.pop("course"), "tier None"),
    (gates.size, change(outputs=[text_output("x" * gates.LARGEST)]), "1.5 MB"),
    (gates.nothing_compared, change(outputs=[]), "compares no output"),
    (gates.nothing_compared, change(source="# NBVAL_IGNORE_OUTPUT\nprint(1)"), "compares no"),
    (gates.nothing_compared, change(metadata={"tags": ["nbval-ignore-output"]}), "compares no"),
    (gates.nothing_compared, change(source="# NBVAL_SKIP\nprint(1)"), "compares no"),
    (gates.nothing_compared, change(outputs=[FIGURE]), "compares no"),
    (gates.cell_length, change(source="a = 1\n\n" * 21), "cell 3 has 21 lines"),
    (gates.opening_and_closing, change(0, source="Count"), "title"),
    (gates.opening_and_closing, change(1, source="## What you want"), "before the first code cell"),
    (gates.opening_and_closing, change(1, source="```\n## What you need\n```"), "before the first"),
    (gates.opening_and_closing, change(5, source="## What you have seen"), "at the end"),
    (gates.opening_and_closing, change(6, source="## Further reading\n## Your turn"), "at the end"),
    (gates.machine_paths, change(outputs=[text_output("in /home/ada/x.py")]), "/home/ada/"),
    (gates.machine_paths, change(outputs=[text_output("C:\\Users\\ada")]), "Users"),
    (gates.machine_paths, change(outputs=[text_output("/tmp/ipykernel_12/3.py")]), "ipykernel_12"),
]
OLD_CODE = [
    "from keras.wrappers.scikit_learn import KerasClassifier",
    "from keras.utils import np_utils",
    "model.fit_generator(images)",
    "model.predict_classes(images)",
    "keras.preprocessing.image.ImageDataGenerator()",
    "import keras_lr_finder",
    "import mnist",
    "model.save('digits.h5')",
    "import tensorflow as tf",
    "from tensorflow import keras",
    "tf.constant(1)",
]


@pytest.mark.parametrize("gate", gates.GATES, ids=lambda gate: gate.__name__)
def test_a_good_notebook_passes(gate):
    assert gate(good()) == []


@pytest.mark.parametrize(("gate", "spoil", "problem"), BAD)
def test_a_bad_notebook_is_found(gate, spoil, problem):
    nb = good()
    spoil(nb)
    found = gate(nb)
    assert re.search(problem, found[0])
    assert all("expected" in one for one in found)


def test_every_gate_is_shown_a_bad_notebook():
    assert {gate for gate, _, _ in BAD} | {gates.legacy_apis} == set(gates.GATES)


@pytest.mark.parametrize("code", OLD_CODE)
def test_old_interfaces_are_found_in_code_but_may_be_named_in_prose(code):
    nb = good()
    nb.cells[0].source += f"\n\n{code}"
    assert gates.legacy_apis(nb) == []
    nb.cells[2].source = code
    assert len(gates.legacy_apis(nb)) == 1


def test_current_interfaces_are_not_taken_for_old_ones():
    nb = good()
    nb.cells[2].source = "from keras.datasets import mnist\nmodel.save('a.keras')\nself.tf.x\nbuf.x"
    assert gates.legacy_apis(nb) == []


def test_a_folder_of_this_machine_is_found():
    nb = good()
    nb.cells[2].outputs = [text_output("/data/my course/x")]
    assert gates.machine_paths(nb) == []
    assert len(gates.machine_paths(nb, "/data/my course")) == 1


def test_the_code_hash_is_about_code_only():
    nb = good()
    before = gates.code_hash(nb)
    nb.cells[0].source = "# Other prose"
    nb.cells[2].outputs = []
    assert gates.code_hash(nb) == before
    nb.cells[2].source = "print(2)"
    assert gates.code_hash(nb) != before


def test_check_names_the_gate_and_lets_notebook_00_do_without_the_comparison(tmp_path):
    nb = good()
    nb.cells[5].source = "## What you have seen"
    for name in ("00_start.ipynb", "01_first.ipynb"):
        nbformat.write(nb, tmp_path / name)
    assert gates.check(tmp_path / "00_start.ipynb") == []
    (problem,) = gates.check(tmp_path / "01_first.ipynb")
    assert problem.startswith("opening_and_closing: ")


def test_ruff_finds_an_unused_import_in_a_notebook(tmp_path, pytestconfig):
    sources = {
        "bad.ipynb": "import os\nimport sys\n\nsys.version",
        "good.ipynb": "import os\n\nos.sep",
    }
    for name, source in sources.items():
        nbformat.write(new_notebook(cells=[new_code_cell(source)]), tmp_path / name)
    config = pytestconfig.rootpath / "pyproject.toml"
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise"]
    done = subprocess.run(
        [*command, "--config", config, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if ".ipynb" in line]
    assert "bad.ipynb" in line and "F401" in line


def test_nbval_fails_on_a_changed_output_and_passes_on_an_ignored_one(tmp_path):
    cells = [
        new_code_cell(source, execution_count=n, outputs=[text_output("before\n")])
        for n, source in enumerate(
            ["print('after')", "# NBVAL_IGNORE_OUTPUT\nprint('after')", "print('before')"], start=1
        )
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "changed.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-rA"]
    done = subprocess.run(
        [*command, "--color=no", "-p", "no:cacheprovider", "changed.ipynb"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = [line.split(" - ")[0] for line in done.stdout.splitlines() if "::Cell" in line]
    assert "FAILED changed.ipynb::Cell 0" in outcomes
    assert "PASSED changed.ipynb::Cell 1" in outcomes
    assert "PASSED changed.ipynb::Cell 2" in outcomes
    assert done.returncode == 1
