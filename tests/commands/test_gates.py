"""Every gate lets a good notebook pass and finds what it is there to find."""

import copy
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import gates
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

CLAIM = {"name": "a", "value": 1, "at_least": 1, "tier": "full", "data": ["mnist"], "ok": True}


HIDDEN = {"source_hidden": True}
FOLDED = {"jupyter": HIDDEN, "tags": ["claim", "nbval-ignore-output"]}


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
            new_code_cell("claim()", execution_count=2, outputs=[claim], metadata=dict(FOLDED)),
            new_code_cell(""),
            new_markdown_cell("## What you have seen\n\n## Report and course side by side"),
            new_markdown_cell("## Your turn\n\n## Further reading"),
        ]
    )
    nb.metadata["course"] = {"tier": "full", "sample": False}
    nb.metadata["course"] |= {"code_hash": gates.code_hash(nb), "modules": {}}
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
WORDS = new_output("execute_result", data={"text/plain": "<Figure size 900x390 with 2 Axes>"})
FIGURE = new_output("display_data", data={"text/plain": "<Figure>", "image/png": "iVBO"})
BAD = [
    (gates.stale_outputs, change(source="print(2)"), "^its code changed"),
    (gates.stale_outputs, stamp(modules={"helpers.gone": "1a2b"}), "^helpers.gone changed"),
    (gates.stale_outputs, lambda nb: nb.metadata.pop("course"), "no whole stamp"),
    (gates.stale_outputs, lambda nb: nb.metadata["course"].pop("modules"), "no whole stamp"),
    (gates.errors_in_outputs, change(outputs=[ERROR]), "cell 3 shows ValueError: no"),
    (gates.missing_pictures, change(source="plots.image_grid(images)"), "cell 3 shows no pict"),
    (gates.missing_pictures, change(source="fig, ax = f()\nax.grid();"), "cell 3 shows no picture"),
    (gates.missing_pictures, change(outputs=[WORDS]), "cell 3 shows no picture"),
    (gates.missing_pictures, change(outputs=[WORDS, FIGURE]), "cell 3 shows no picture"),
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
    (gates.bookkeeping_in_view, change(source="# NBVAL_IGNORE_OUTPUT\nx"), "a comment for nbval"),
    (gates.bookkeeping_in_view, change(metadata={"tags": ["claim"]}), "expected both or neither"),
    (gates.bookkeeping_in_view, change(metadata={"jupyter": HIDDEN}), "expected both or neither"),
    (gates.nothing_compared, change(outputs=[FIGURE]), "compares no"),
    (gates.cell_length, change(source="a = 1\n\n" * 21), "cell 3 has 21 lines"),
    (gates.opening_and_closing, change(0, source="Count"), "title"),
    (gates.opening_and_closing, change(1, source="## What you want"), "before the first code cell"),
    (gates.opening_and_closing, change(1, source="```\n## What you need\n```"), "before the first"),
    (gates.opening_and_closing, change(5, source="## What you have seen"), "at the end"),
    (gates.opening_and_closing, change(6, source="## Further reading\n## Your turn"), "at the end"),
    (gates.machine_paths, change(outputs=[text_output("in /home/ada/x.py")]), "/home/ada/"),
    (gates.machine_paths, change(outputs=[text_output("C:\\Users\\ada")]), "Users"),
    (gates.untidy_outputs, change(outputs=[text_output("<object at 0x7f3a2b1c>")]), "0x7f3a2b1c"),
    (gates.untidy_outputs, change(outputs=[text_output("History(loss=[0.1])")]), "History"),
    (gates.untidy_outputs, change(outputs=[text_output("UserWarning: no")]), "UserWarning:"),
    (gates.untidy_outputs, change(outputs=[text_output("order: 100%|████| 2/2")]), "0%|"),
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


def test_a_claim_that_a_reader_sees_is_found():
    nb = good()
    nb.cells[3].source = "course.claim('a', 1, exactly=1)"
    assert gates.claims_in_view(nb) == []
    nb.cells[2].source = nb.cells[3].source
    assert ["cell 3 makes a claim" in problem for problem in gates.claims_in_view(nb)] == [True]


def test_claims_between_a_question_and_its_code_are_found():
    nb = good()
    nb.cells[4:5] = [new_code_cell("more()", metadata=dict(FOLDED)), new_markdown_cell("Why?")]
    assert gates.torn_thoughts(nb) == []
    nb.cells.insert(5, new_code_cell("print(2)"))
    assert ["cell 6 follows claims" in problem for problem in gates.torn_thoughts(nb)] == [True]


def test_a_name_that_only_folded_code_binds_is_found():
    nb = good()
    nb.cells[2].source, nb.cells[3].source = "one = 1", "one, two = 1, 2\nclaim(one, two)"
    nb.cells[4].source = "def f(two):\n    return one + two"
    assert gates.borrowed_names(nb) == []
    nb.cells[4].source = "print(one, two)"
    (problem,) = gates.borrowed_names(nb)
    assert problem.startswith("cell 5 reads 'two', which only folded code binds")
    nb.cells[3].source = "def two():\n    return one"
    assert gates.borrowed_names(nb) == [problem]


@pytest.mark.parametrize(
    ("bounds", "loose"),
    [
        ({"at_least": 0.93, "at_most": 0.97}, False),  # .02 to each side of .95
        ({"at_least": 0.92, "at_most": 0.97}, True),
        ({"at_least": 0.70, "at_most": 0.97}, True),
        ({"at_least": 0.94, "at_most": 1.30}, True),
        ({"at_least": 0.94, "at_most": None}, True),
        ({"at_least": None, "at_most": 0.96}, True),
        ({"at_least": 0.94, "reason": "one seed alone"}, False),
        ({"exactly": 0.95}, False),
    ],
)
def test_a_claim_with_one_bound_or_a_far_one_needs_a_reason(bounds, loose):
    nb = good()
    nb.cells[3].outputs = [
        new_output("display_data", data={gates.CLAIM: {"name": "a share", "value": 0.95, **bounds}})
    ]
    assert ["'a share'" in problem for problem in gates.loose_claims(nb)] == [True] * loose


@pytest.mark.parametrize(("high", "loose"), [(0.012, 0), (0.02, 1)])
def test_a_small_number_may_be_a_hundredth_away(high, loose):
    nb = good()
    claim = {"name": "gain", "value": 0.004, "at_least": -0.004, "at_most": high}
    nb.cells[3].outputs = [new_output("display_data", data={gates.CLAIM: claim})]
    assert len(gates.loose_claims(nb)) == loose


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


@pytest.mark.parametrize(
    ("source", "outputs"),
    [
        ("plots.image_grid(images)", [FIGURE]),
        ("fig", [text_output("seven"), FIGURE]),
        ("fig = plots.image_grid(images)", []),
        ("plots = 2\nprint(plots)", [text_output("2")]),
        ("# nothing", []),
        ("%matplotlib inline\n1 +", []),
    ],
)
def test_a_figure_that_is_shown_and_a_cell_without_one_pass(source, outputs):
    nb = good()
    nb.cells[2].update(source=source, outputs=outputs)
    assert gates.missing_pictures(nb) == []


COURSE = "def start():\n    from helpers.archives import idx\n    idx.read()"
PLAN = "import helpers.archives.idx as i\n\n"
MODULES = {
    "helpers/__init__.py": "",
    "helpers/course.py": COURSE,
    "helpers/archives/__init__.py": "",
    "helpers/archives/idx.py": '"""Read."""\ndef read():\n    """Read."""\n    return f"{1}", None',
    "helpers/other.py": "",
    "notebooks/plans/__init__.py": "",
    "notebooks/plans/notebook_07.py": f"{PLAN}EPOCHS = 5",
}


@pytest.fixture
def course(tmp_path):
    """A small course, and a notebook that imports helpers.course and a plan."""
    for name, source in MODULES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source, encoding="utf-8")
    nb = good()
    nb.cells[2].source = "%matplotlib inline\nimport os\nfrom helpers import course\ncourse.start()"
    nb.cells[3].source = "from plans import notebook_07 as plans\nplans.EPOCHS"
    modules = gates.modules(nb, tmp_path)
    nb.metadata["course"] |= {"code_hash": gates.code_hash(nb), "modules": modules}
    return tmp_path, nb


def test_the_stamp_names_every_module_that_a_notebook_imports_directly_or_not(course):
    root, nb = course
    expected = ["helpers", "helpers.archives", "helpers.archives.idx", "helpers.course"]
    assert list(gates.modules(nb, root)) == [*expected, "plans", "plans.notebook_07"]
    assert gates.stale_outputs(nb, root) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("helpers/course.py", "import os\n"),
        ("helpers/archives/idx.py", 'def read():\n    return f"{2}", None'),
        ("helpers/archives/idx.py", 'def read():\n    return f"{1}", "None"'),
        ("helpers/archives/__init__.py", "print(1)"),
        ("helpers/archives/__init__.py", "import os\nos.sep = 1"),
        ("helpers/course.py", f"{COURSE}\n@keep\ndef other():\n    pass"),
        (
            "helpers/course.py",
            f"{COURSE}\n@keep()\n@dataclass(frozen=True)\nclass Other:\n    pass",
        ),
        ("helpers/course.py", COURSE.replace("def", "@cache\ndef")),
        ("helpers/course.py", f"{COURSE}\ndef __getattr__(name):\n    return 1"),
        ("notebooks/plans/notebook_07.py", f"{PLAN}EPOCHS = 6"),
        ("notebooks/plans/notebook_07.py", f"from os import sep as EPOCHS\n{PLAN}EPOCHS = 5"),
    ],
)
def test_another_content_of_an_imported_module_is_noticed_and_named(course, name, source):
    root, nb = course
    (root / name).write_text(source, encoding="utf-8")
    (problem,) = gates.stale_outputs(nb, root)
    module = name.removeprefix("notebooks/").removesuffix(".py").removesuffix("/__init__")
    assert module.replace("/", ".") in problem.partition(" changed")[0].split(", ")


@pytest.mark.parametrize(
    ("name", "source"),
    [
        (
            "helpers/archives/idx.py",
            "# x\ndef read():\n  'Other.'\n  return (f'{1}',\n  None)  # y",
        ),
        ("notebooks/plans/notebook_07.py", f'{PLAN}EPOCHS = 5\n"""n"""'),
        ("notebooks/plans/notebook_07.py", f"{PLAN}EPOCHS = 5\nSEEDS = 3\n"),
        ("helpers/course.py", f"{COURSE}\ndef other():\n    pass"),
        ("helpers/course.py", f"{COURSE}\n@dataclass(frozen=True)\nclass Other:\n    pass"),
        ("helpers/course.py", f"import os, sys\n{COURSE}\ndef other():\n    os.remove(sys)"),
        (
            "helpers/course.py",
            f"from os import sep as EPOCHS\n{COURSE}\ndef other():\n    return EPOCHS",
        ),
        ("helpers/other.py", "print(1)"),
    ],
)
def test_comments_docstrings_layout_and_what_is_not_used_change_nothing(course, name, source):
    root, nb = course
    (root / name).write_text(source, encoding="utf-8")
    assert gates.stale_outputs(nb, root) == []


def test_a_module_that_is_gone_or_new_is_named(course):
    root, nb = course
    shutil.rmtree(root / "helpers" / "archives")
    (root / "helpers" / "archives.py").write_text("import helpers.other", encoding="utf-8")
    (problem,) = gates.stale_outputs(nb, root)
    named = ["helpers.archives", "helpers.archives.idx", "helpers.other"]
    assert problem.partition(" changed")[0].split(", ") == named


def test_check_names_the_gate_and_lets_notebook_00_do_without_the_comparison(tmp_path):
    nb = good()
    nb.cells[5].source = "## What you have seen"
    for name in ("00_start.ipynb", "01_first.ipynb"):
        nbformat.write(nb, tmp_path / name)
    assert gates.check(tmp_path / "00_start.ipynb") == []
    (problem,) = gates.check(tmp_path / "01_first.ipynb")
    assert problem.startswith("opening_and_closing: ")


def ruff(folder, sources):
    """What make test's ruff finds in files with these sources: set of (file name, code)."""
    for name, source in sources.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".ipynb":
            nbformat.write(new_notebook(cells=[new_code_cell(source)]), path)
        else:
            path.write_text(f"{source}\n", encoding="utf-8")
    config = Path(__file__).parents[2] / "pyproject.toml"
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "json"]
    done = subprocess.run(
        [*command, "--config", config, "."],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    found = json.loads(done.stdout)
    assert done.returncode == (1 if found else 0)
    return {(Path(one["filename"]).relative_to(folder).as_posix(), one["code"]) for one in found}


def test_ruff_finds_an_unused_import_in_a_notebook(tmp_path):
    sources = {
        "bad.ipynb": "import os\nimport sys\n\nsys.version",
        "good.ipynb": "import os\n\nos.sep",
    }
    assert ruff(tmp_path, sources) == {("bad.ipynb", "F401")}


BARE = """from pathlib import Path

from . import other


def spread(table, *rows, **setting):
    \"\"\"Where one more run is expected.

    Args:
        table: as `studies.load` returns it.
    \"\"\"
    return other, Path(table).read_text()


class Plan:
    def __init__(self):
        self.rows = 1

    @classmethod
    def of(cls):
        return cls()"""


def test_ruff_checks_docstrings_and_types_in_helpers_alone_and_encodings_everywhere(tmp_path):
    sources = {"helpers/a.py": BARE, "tests/a.py": BARE, "notebooks/a.py": BARE, "a.ipynb": BARE}
    everywhere = {"PLW1514", "TID252"}
    types = {"ANN001", "ANN002", "ANN003", "ANN201", "ANN206"}
    docstrings = {"D100", "D101", "D102", "D417"}
    expected = {("helpers/a.py", code) for code in types | docstrings}
    expected |= {(name, code) for name in sources for code in everywhere}
    assert ruff(tmp_path, sources) == expected


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
        encoding="utf-8",
        check=False,
    )
    outcomes = [line.split(" - ")[0] for line in done.stdout.splitlines() if "::Cell" in line]
    assert "FAILED changed.ipynb::Cell 0" in outcomes
    assert "PASSED changed.ipynb::Cell 1" in outcomes
    assert "PASSED changed.ipynb::Cell 2" in outcomes
    assert done.returncode == 1
