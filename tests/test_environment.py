"""environment.yml, pyproject.toml, requirements.lock, the Makefile and what is installed agree."""

import ast
import gzip
import importlib.metadata
import os
import re
import shutil
import struct
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import emnist
import gates
import lock
import nbformat
import numpy as np
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
FILES = ("environment.yml", "pyproject.toml", "requirements.lock", "Makefile")
INSTALLED = importlib.metadata.metadata("handwriting-course")


def by_name(requirements):
    """Requirements as a dictionary: name to specifier."""
    parsed = map(Requirement, requirements)
    return {canonicalize_name(one.name): one.specifier for one in parsed}


def entries(root):
    """The entries of requirements.lock: (requirement, number of hashes)."""
    text = (root / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    return [(Requirement(line.split("--hash")[0]), line.count("--hash=sha256:")) for line in lines]


def differing(found, expected, where):
    """Problems where two dictionaries name to specifier differ."""
    names = sorted(name for name in found | expected if found.get(name) != expected.get(name))
    return [
        f"{name}: {where} says {found.get(name)}, environment.yml {expected.get(name)}: make lock"
        for name in names
    ]


def lock_problems(root, listed):
    """Problems of requirements.lock: what is listed is pinned, fits, and everything has a hash."""
    pinned = {}
    problems = []
    for entry, hashes in entries(root):
        (pin,) = entry.specifier
        pinned.setdefault(canonicalize_name(entry.name), []).append(pin.version)
        problems += [] if hashes else [f"{entry.name}: has no hash in requirements.lock: make lock"]
    for name, specifier in listed.items():
        versions = pinned.get(name, [])
        if not versions or not all(version in specifier for version in versions):
            problems.append(f"{name}: the lock pins {versions}, listed is {specifier}: make lock")
    return problems


def python_problems(root, requires_python, installed):
    """Problems where the supported Pythons are not the same everywhere."""
    expected = SpecifierSet(lock.python_range(root))
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    low, high = re.search(r"\((3, \d+)\) <= \S+ < \((3, \d+)\)", makefile).groups()
    said = {
        "pyproject.toml": requires_python,
        "the installed package": installed,
        "Makefile": f">={low.replace(', ', '.')},<{high.replace(', ', '.')}",
    }
    return [
        f"{where} supports Python {found}, environment.yml {expected}: make them the same"
        for where, found in said.items()
        if SpecifierSet(found) != expected
    ]


def comment_problems(root):
    """Problems with environment.yml's lines: each says what its package is for."""
    lines = re.findall(r"^ +- ([a-zA-Z][^#\n]*?) *(#.*)?$", lock.pip_section(root), re.MULTILINE)
    return [
        f"{requirement}: expected a comment that says what it is for, and why its bound is unusual"
        for requirement, comment in lines
        if not comment
    ]


def names(requirements):
    """The packages' names, normalised, in their order."""
    return [canonicalize_name(Requirement(one).name) for one in requirements]


def group_problems(root, project):
    """Problems where pyproject.toml has a group's package as something else."""
    expected = lock.groups(root)
    needed = [one for name in lock.NOTEBOOKS for one in names(expected.pop(name))]
    found = {name: names(extra) for name, extra in project["optional-dependencies"].items()}
    found["the dependencies"] = names(project["dependencies"])
    expected = {name: names(group) for name, group in expected.items()}
    expected["the dependencies"] = needed
    return [
        f"{name}: pyproject.toml has {found.get(name)}, listed are {expected.get(name)}: make lock"
        for name in sorted(found | expected)
        if found.get(name) != expected.get(name)
    ]


def undeclared(paths, declared):
    """The packages that these files and notebooks import, but that are not declared: sorted names.

    Standard library and the course's own modules aside.
    """
    own = {path.stem for top in ROOT.iterdir() for path in top.glob("**/*.py") if is_ours(top)}
    own |= {"helpers", "plans"} | set(sys.stdlib_module_names)
    names = {name.partition(".")[0] for path in paths for name in imports(path)} - own
    distributions = importlib.metadata.packages_distributions()
    declared = {canonicalize_name(name) for name in declared}
    return sorted(
        name
        for name in names
        if not declared & set(map(canonicalize_name, distributions.get(name, [])))
    )


def is_ours(top):
    """Whether something at the top of the course was written here, and not by make."""
    return top.name not in (".venv", "build")


def imports(path):
    """The names that a file or a notebook imports."""
    if path.suffix == ".py":
        return gates.imported(ast.parse(path.read_text(encoding="utf-8")))
    cells = gates.code_cells(nbformat.read(path, as_version=4))
    return set().union(*(gates.imported(gates.syntax(cell)) for _, cell in cells))


def disagreements(root, requires=None, python=INSTALLED["Requires-Python"]):
    """All problems between the files in `root` and the installed package's metadata."""
    requires = INSTALLED.get_all("Requires-Dist") if requires is None else requires
    listed = by_name(lock.listed(root))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    every = [one for part in (project["dependencies"], *extras) for one in part]
    return [
        *differing(by_name(every), listed, "pyproject.toml"),
        *differing(by_name(requires), listed, "the installed package"),
        *lock_problems(root, listed),
        *python_problems(root, project["requires-python"], python),
        *comment_problems(root),
    ]


def test_list_lock_metadata_and_makefile_agree():
    assert disagreements(ROOT) == []


def test_conda_installs_only_python_and_pip_itself():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    names = [one.split()[0] for one in environment["dependencies"] if isinstance(one, str)]
    assert names == ["python", "pip"]
    assert lock.listed(ROOT) and "- -e ." in lock.pip_section(ROOT)


def test_the_list_is_in_groups_that_are_all_installed():
    found = lock.groups(ROOT)
    assert list(found) == ["learner", "teaching", "scale", "site", "development"]
    assert all(found.values())
    assert [one for group in found.values() for one in group] == lock.listed(ROOT)


def test_what_notebooks_import_is_a_dependency_and_each_other_group_an_extra(copies):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert group_problems(ROOT, project) == []
    assert list(project["optional-dependencies"]) == ["teaching", "site", "development"]
    moved = project | {"dependencies": [*project["dependencies"], "sphinx >=9,<10"]}
    (problem,) = group_problems(ROOT, moved)
    assert problem.startswith("the dependencies: pyproject.toml has")
    path = copies / "pyproject.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("teaching", "other"), encoding="utf-8")
    lock.write_metadata(copies)
    assert path.read_text(encoding="utf-8") == (ROOT / path.name).read_text(encoding="utf-8")


def test_everything_that_is_imported_is_declared():
    patterns = ("helpers/**/*.py", "notebooks/**/*.py", "notebooks/**/*.ipynb", "tests/**/*.py")
    paths = [path for pattern in patterns for path in ROOT.glob(pattern)]
    assert len(paths) > 100
    assert undeclared(paths, by_name(lock.listed(ROOT))) == []


def test_a_learner_needs_no_package_of_teaching_or_development():
    found = lock.groups(ROOT)
    patterns = ("helpers/**/*.py", "notebooks/plans/*.py", "notebooks/[0-9]*.ipynb")
    paths = [path for pattern in patterns for path in ROOT.glob(pattern)]
    assert undeclared(paths, names(found["learner"] + found["scale"])) == []


def test_an_undeclared_import_is_noticed(tmp_path):
    source = "import os\nimport sklearn.metrics\n\n\ndef f():\n    from alembic import op"
    (tmp_path / "a.py").write_text(source, encoding="utf-8")
    cells = [
        new_code_cell("%matplotlib inline\nimport nowhere"),
        new_code_cell("import helpers.data"),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "b.ipynb")
    paths = [tmp_path / "a.py", tmp_path / "b.ipynb"]
    assert undeclared(paths, ["scikit-learn"]) == ["alembic", "nowhere"]
    assert undeclared(paths, ["Alembic"]) == ["nowhere", "sklearn"]


ALTERED = [
    ("environment.yml", "numpy >=2,<3", "numpy >=2,<2.3", 3, "numpy: pyproject.toml says"),
    ("environment.yml", "      - tqdm >=4.66,<5", "      # -", 2, "tqdm: pyproject.toml says"),
    (
        "environment.yml",
        "- pyyaml",
        "- unheard-of # x\n      - pyyaml",
        3,
        "unheard-of: the lock pins",
    ),
    ("environment.yml", ">=3.11,<3.14", ">=3.11,<3.15", 3, "Makefile supports Python"),
    ("environment.yml", "==0.0            #", "==0.0 \n      #", 1, "emnist.*a comment"),
    ("environment.yml", "<3            # arrays", "<3\n      # arrays", 1, "numpy.*a comment"),
    ("pyproject.toml", '"keras >=3.15,<4"', '"keras >=3.15"', 1, "keras: pyproject.toml says"),
    ("pyproject.toml", '    "pytest >=8.3,<10",\n', "", 1, "pytest: pyproject.toml says None"),
    ("pyproject.toml", 'python = ">=3.11', 'python = ">=3.10', 1, "pyproject.toml supports"),
    ("requirements.lock", "emnist==0.0", "emnist==0.1", 1, "emnist: the lock pins .'0.1'"),
    ("requirements.lock", "\nkeras==", "\nother==", 1, r"keras: the lock pins \[\]"),
    ("Makefile", "< (3, 14)", "< (3, 13)", 1, "Makefile supports Python"),
]


@pytest.fixture
def copies(tmp_path):
    """A folder with copies of the files that must agree."""
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "old", "new", "count", "problem"), ALTERED)
def test_a_disagreement_is_noticed(copies, name, old, new, count, problem):
    text = (copies / name).read_text(encoding="utf-8")
    assert old in text
    (copies / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    found = disagreements(copies)
    assert len(found) == count
    assert re.search(problem, "\n".join(found))


def test_a_missing_hash_is_noticed(copies):
    path = copies / "requirements.lock"
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"(\nemnist==0.0) (\\\n +--hash=\S+ ?)+", r"\1", text)
    path.write_text(text, encoding="utf-8")
    assert disagreements(copies) == ["emnist: has no hash in requirements.lock: make lock"]


def test_an_outdated_installation_is_noticed():
    found = disagreements(ROOT, requires=["numpy >=1"], python=">=3.9")
    assert any(one.startswith("numpy: the installed package says >=1") for one in found)
    assert any(one.startswith("the installed package supports Python >=3.9") for one in found)


def test_installed_versions_fit_the_list():
    versions = {name: importlib.metadata.version(name) for name in by_name(lock.listed(ROOT))}
    listed = by_name(lock.listed(ROOT))
    assert {name: v for name, v in versions.items() if v not in listed[name]} == {}


def idx(array):
    """A byte array as a gzipped IDX file."""
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.tobytes())


@pytest.mark.filterwarnings("ignore:Conversion of an array")  # emnist's, an error from NumPy 2.4 on
def test_emnist_extracts_below_numpy_2_4_and_raises_beyond(tmp_path, monkeypatch):
    images = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28)
    path = tmp_path / ".cache" / "emnist" / "emnist.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        for kind, array in (("images-idx3", images), ("labels-idx1", np.uint8([4, 5, 6]))):
            archive.writestr(f"gzip/emnist-digits-train-{kind}-ubyte.gz", idx(array))
    monkeypatch.setenv("HOME", str(tmp_path))
    if Version(np.__version__) >= Version("2.4"):
        with pytest.raises(TypeError):  # environment.yml says so; the course's loader works
            emnist.extract_training_samples("digits")
        return
    found, labels = emnist.extract_training_samples("digits")
    assert np.array_equal(found, images.swapaxes(1, 2))
    assert labels.tolist() == [4, 5, 6]


# --- the Makefile's environment, with a stand-in for Python that logs instead of installing

STAND_IN = """#!/bin/sh
# Answers the Makefile's questions; "-m venv" copies itself to .venv; "-m pip" is logged.
case "$*" in
  *sys.exit*) {version_fits} ;;
  *version_info*) echo {version} ;;
  *platform.machine*) echo {machine} ;;
  *ensurepip*) {has_venv} ;;
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && echo venv >> log ;;
  *"pip install"*) for last; do :; done; echo "pip $last" >> log; test ! -e fail-pip ;;
  "-c ") ;;
  *) echo "run $*" >> log ;;
esac
"""


def stand_in(folder, name, version="3.12", fits="exit 0", venv="exit 0", machine="Linux x86_64"):
    """Write an executable that answers like a Python of this version."""
    folder.mkdir(exist_ok=True)
    answers = {"version": version, "version_fits": fits, "has_venv": venv, "machine": machine}
    text = STAND_IN.format(**answers)
    (folder / name).write_text(text, encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.fixture
def checkout(tmp_path):
    """A checkout in a folder with spaces, beside a bin folder with tools but without a Python."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "make", "cat", "rm", "mkdir", "cp", "awk", "pwd", "echo"):
        (tools / name).symlink_to(shutil.which(name))
    root = tmp_path / "my course, 2nd try"
    root.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, root)
    return root


def make(root, *arguments):
    """Run make there; returns (exit status, output, what the stand-in logged)."""
    environment = {"PATH": str(root.parent / "bin")}
    done = subprocess.run(
        ["make", *arguments],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    log = root / "log"
    logged = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return done.returncode, done.stdout, logged


INSTALL = ["venv", "pip requirements.lock", "pip ."]
COURSE = ["run notebooks/commands/execute.py course"]


def test_make_without_python_says_what_is_expected_found_and_to_do(checkout):
    stand_in(checkout.parent / "bin", "python3", version="3.9", fits="exit 1")
    stand_in(checkout.parent / "bin", "python3.13", version="3.13")
    shim = "#!/bin/sh\nexit 127\n"  # as pyenv's
    (checkout.parent / "bin" / "python3.13").write_text(shim, encoding="utf-8")
    status, output, logged = make(checkout, "course")
    assert status != 0 and logged == []
    assert "Expected: Python 3.11, 3.12 or 3.13" in output
    assert output.count("python3 is 3.9") == 1 and "python3.13 is" not in output
    assert "make PYTHON=" in output


def test_make_without_the_venv_module_says_what_to_install(checkout):
    stand_in(checkout.parent / "bin", "python3", venv="exit 1")
    status, output, logged = make(checkout, "course")
    assert status != 0 and logged == []
    assert "sudo apt install python3.12-venv" in output


def test_make_on_an_intel_mac_says_that_tensorflow_has_no_builds(checkout):
    stand_in(checkout.parent / "bin", "python3", machine="Darwin x86_64")
    status, output, logged = make(checkout, "course")
    assert status != 0 and logged == []
    assert "python3 runs as on a Mac with an Intel processor" in output
    assert "site/launch.md" in output and "no fitting Python" not in output


def test_make_on_apple_silicon_installs(checkout):
    stand_in(checkout.parent / "bin", "python3", machine="Darwin arm64")
    assert make(checkout, "course")[2] == INSTALL + COURSE


def test_make_passes_over_pythons_that_do_not_fit(checkout):
    stand_in(checkout.parent / "bin", "python3", version="3.14", fits="exit 1")
    stand_in(checkout.parent / "bin", "python3.11", version="3.11")
    status, output, logged = make(checkout, "course")
    assert status == 0 and logged == INSTALL + COURSE
    assert "Creating .venv with python3.11" in output


def test_make_installs_once_and_again_only_for_a_reason(checkout):
    stand_in(checkout.parent / "bin", "python3")
    assert make(checkout, "-j", "course", "lab")[2][:4] == INSTALL + COURSE
    assert make(checkout, "course")[2] == COURSE
    os.utime(checkout / "requirements.lock", (2**31 - 1, 2**31 - 1))
    assert make(checkout, "course")[2] == INSTALL[1:] + COURSE
    os.utime(checkout / "requirements.lock")
    moved = checkout.rename(checkout.with_name("moved course"))
    assert make(moved, "course")[2] == INSTALL + COURSE
    (moved / ".venv" / "bin" / "python").unlink()
    assert make(moved, "course")[2] == INSTALL + COURSE


def test_make_recovers_from_an_interrupted_install(checkout):
    stand_in(checkout.parent / "bin", "python3")
    (checkout / "fail-pip").touch()
    status, output, logged = make(checkout, "course")
    assert status != 0 and logged == INSTALL[:2]
    assert "then run make again" in output
    (checkout / "fail-pip").unlink()
    status, _, logged = make(checkout, "course")
    assert status == 0 and logged == INSTALL + COURSE


def test_make_alone_lists_the_commands(checkout):
    status, output, logged = make(checkout)
    assert status == 0 and logged == []
    commands = "course test lab outputs studies results site bench lock clean"
    for command in commands.split():
        assert f"make {command} " in output


def test_this_python_is_in_the_supported_range():
    assert ".".join(map(str, sys.version_info[:3])) in SpecifierSet(lock.python_range(ROOT))
