"""preflight: every usual trouble is found, and each comes with what mends it."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from helpers import preflight

import pytest


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(preflight, "_reachable", lambda: False)


def test_check_gives_one_row_a_question_and_mends_only_troubles(no_network):
    table = preflight.check()
    assert list(table.columns) == ["what", "found", "expected", "fine", "mend"]
    questions = ["Python", "packages", "kernel", "data", "memory", "disk", "processors"]
    assert list(table["what"]) == questions
    assert all((row.mend == "") == row.fine for row in table.itertuples())


def test_the_table_holds_no_path_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "mine"))
    text = preflight.check().to_string()
    for path in (tmp_path, Path.home() if Path.home() != Path("/") else tmp_path, preflight.ROOT):
        assert str(path) not in text


@pytest.mark.parametrize(
    ("version", "fine"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)]
)
def test_a_wrong_python_is_found(version, fine):
    row = preflight.python(version)
    assert row.fine is fine
    assert row.expected == ">=3.11,<3.14"


def test_old_new_and_missing_packages_are_named_and_the_others_not():
    row = preflight.packages(["pytest>=999", "numpy<1", "no-such-package>=2", "pandas>=1"])
    assert not row.fine
    for trouble in ("pytest", "numpy", "no-such-package missing"):
        assert trouble in row.found
    assert "pandas" not in row.found
    assert "no-such-package >=2" in row.expected
    assert "make clean lab" in row.mend or "conda env update" in row.mend


def test_packages_of_this_environment_fit():
    assert preflight.packages().fine


def test_a_course_that_is_not_installed_is_found(monkeypatch):
    def not_installed(name):
        raise preflight.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(preflight.metadata, "requires", not_installed)
    row = preflight.packages()
    assert not row.fine
    assert row.found == "handwriting-course missing"


def test_a_kernel_of_another_environment_is_found(tmp_path):
    row = preflight.kernel(tmp_path / "other")
    assert not row.fine
    assert row.found == "environment 'other'"
    assert "make lab" in row.mend


def test_the_venv_and_the_conda_environment_of_the_course_are_right_kernels(tmp_path):
    conda = tmp_path / "handwriting-course"
    assert not preflight.kernel(conda).fine  # the name alone does not make it conda's
    (conda / "conda-meta").mkdir(parents=True)
    assert preflight.kernel(conda).fine
    assert preflight.kernel(preflight.ROOT / ".venv").fine


def test_without_mnist_and_network_the_data_are_missing(monkeypatch, tmp_path, no_network):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    row = preflight.mnist()
    assert not row.fine
    assert "COURSE_DATA=sample" in row.mend


def test_mnist_may_be_fetched_or_be_here_already(monkeypatch, tmp_path, no_network):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mnist.npz").touch()
    assert preflight.mnist().found == "MNIST, fetched before"
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "empty"))
    monkeypatch.setattr(preflight, "_reachable", lambda: True)
    row = preflight.mnist()
    assert row.fine
    assert "11 MB will be fetched" in row.found


def test_a_server_that_does_not_answer_is_no_network(monkeypatch):
    monkeypatch.setattr(preflight, "MNIST_URL", "http://127.0.0.1:1/mnist.npz")
    assert not preflight._reachable()


def test_a_folder_needs_the_four_files_of_mnist(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    row = preflight.mnist()
    assert not row.fine
    assert "0 of MNIST's 4 files" in row.found
    assert "mnist/train-images-idx3-ubyte.gz" in row.mend
    (tmp_path / "mnist").mkdir()
    for name in preflight.MNIST_FILES:
        (tmp_path / "mnist" / name).touch()
    assert preflight.mnist().fine


def test_the_sample_is_always_at_hand(monkeypatch, no_network):
    monkeypatch.setenv("COURSE_DATA", "sample")
    assert preflight.mnist().fine


@pytest.mark.parametrize(
    ("total", "available", "fine", "mend"),
    [(16, 8, True, ""), (16, 1, False, "close other programs"), (2, 2, False, "COURSE_TIER=quick")],
)
def test_low_memory_is_found(monkeypatch, total, available, fine, mend):
    state = SimpleNamespace(total=total * 1e9, available=available * 1e9)
    monkeypatch.setattr("psutil.virtual_memory", lambda: state)
    row = preflight.memory()
    assert row.fine is fine
    assert mend in row.mend


def test_a_full_disk_is_found_even_where_the_cache_is_not_made_yet(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "not" / "yet"))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1.9e9))
    row = preflight.disk()
    assert not row.fine
    assert row.found == "1.9 GB free"
    assert "XDG_CACHE_HOME" in row.mend


def test_a_machine_is_named_by_its_processor_and_its_cores_only(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert preflight.machine() == "x86_64 3 cores"


@pytest.mark.parametrize(("cores", "fine"), [({0}, False), ({0, 1}, True)])
def test_a_single_processor_is_found(monkeypatch, cores, fine):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: cores, raising=False)
    assert preflight.processors().fine is fine


def test_it_runs_where_no_package_is_installed():
    code = "import sys; sys.path.insert(0, sys.argv[1]); from helpers import preflight as p\n"
    code += "rows = p.check(); print(*(f'{r.what}: {r.found}' for r in rows), sep='\\n')"
    command = [sys.executable, "-I", "-S", "-c", code, str(preflight.ROOT)]
    environment = {"COURSE_DATA": "sample", "HOME": str(Path.home())}
    seen = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert seen.returncode == 0, seen.stderr
    assert "psutil missing" in seen.stdout
    assert "packages: packaging missing" in seen.stdout
