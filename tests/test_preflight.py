"""preflight: every usual trouble is found, and each comes with what mends it."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from helpers import preflight

import numpy as np
import pytest


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(preflight, "_reachable", lambda: False)


@pytest.fixture
def stub(monkeypatch, tmp_path):
    """Write a package that a second process finds before the real one; by default a fine Keras."""

    def write(code, name="keras"):
        folder = tmp_path / "stub"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(folder))

    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    write("")
    return write


@pytest.fixture
def keras_home(monkeypatch, tmp_path):
    """A folder of Keras's own, where no keras.json is yet."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


def test_check_gives_one_row_a_question_and_mends_only_troubles(no_network, stub, keras_home):
    table = preflight.check()
    assert list(table.columns) == ["what", "found", "expected", "fine", "mend"]
    questions = ["Python", "packages", "kernel", "data", "memory", "disk", "processors"]
    assert list(table["what"]) == questions
    assert all((row.mend == "") == row.fine for row in table.itertuples())


def test_the_table_holds_no_path_of_this_machine(monkeypatch, tmp_path, stub):
    stub(f"raise ImportError({str(Path(sys.prefix) / 'a.so') + ' is broken'!r})")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "mine"))
    text = preflight.check().to_string()
    home = Path.home() if Path.home() != Path("/") else tmp_path
    for path in (tmp_path, home, preflight.ROOT, sys.prefix):
        assert str(path) not in text
    assert "a.so is broken" in text


@pytest.mark.parametrize(
    ("version", "fine"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)]
)
def test_a_wrong_python_is_found(version, fine):
    row = preflight.python(version)
    assert row.fine is fine
    assert row.expected == ">=3.11,<3.14"


def test_a_package_installed_elsewhere_knows_its_pythons_too(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "ROOT", tmp_path)  # holds no pyproject.toml
    assert preflight.python((3, 12)).fine and not preflight.python((3, 14)).fine


def test_old_new_and_missing_packages_are_named_and_the_others_not():
    row = preflight.packages(["pytest>=999", "numpy<1", "no-such-package>=2", "pandas>=1"])
    assert not row.fine
    for trouble in ("pytest", "numpy", "no-such-package missing"):
        assert trouble in row.found
    assert "pandas" not in row.found
    assert "no-such-package >=2" in row.expected
    assert "make clean lab" in row.mend or "conda env update" in row.mend


def test_an_extra_of_the_course_is_asked_of_nobody():
    row = preflight.packages(['no-such-package>=2; extra == "site"', "pandas>=1"])
    assert row.fine and row.found == "all 1"


def test_packages_of_this_environment_fit():
    assert preflight.packages().fine


NATIVE = """Traceback (most recent call last):
  File "x.py", line 1, in <module>
ImportError: DLL load failed

Failed to load the native TensorFlow runtime.
See https://www.tensorflow.org/install/errors for help."""


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ImportError('no größe')", "ImportError: no größe"),
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        (f"raise ImportError({NATIVE!r})", "ImportError: DLL load failed"),
    ],
)
def test_a_keras_that_cannot_be_imported_is_found_with_its_reason(monkeypatch, stub, code, reason):
    monkeypatch.setenv("LC_ALL", "C")  # where the locale's code is not UTF-8
    monkeypatch.setenv("PYTHONUTF8", "0")
    stub(code)
    row = preflight.packages()
    assert not row.fine
    assert row.found == f"Keras (with TensorFlow) cannot be imported: {reason}"
    assert "make clean lab" in row.mend or "conda env create" in row.mend


def test_a_broken_tensorflow_is_found_through_the_real_keras(stub, tmp_path):
    (tmp_path / "stub" / "keras.py").unlink()
    stub("raise ImportError('this TensorFlow is broken')", name="tensorflow")
    assert preflight.packages().found.endswith("ImportError: this TensorFlow is broken")


def test_a_keras_that_ends_the_program_is_found_with_its_last_words(stub):
    words = b"KeyError: noted\nthis processor lacks AVX \xff\n"
    stub(f"import os; os.write(2, {words!r}); os.abort()")
    row = preflight.packages()
    assert not row.fine
    assert "cannot be imported: it ended the program" in row.found
    assert "this processor lacks AVX" in row.found
    assert "use another machine" in row.mend


def test_a_keras_that_never_arrives_is_found(monkeypatch, stub):
    monkeypatch.setattr(preflight, "IMPORT_SECONDS", 0.2)
    stub("import time; time.sleep(60)")
    row = preflight.packages()
    assert not row.fine
    assert "not done after 0.2 seconds" in row.found


def test_chatter_of_a_keras_that_can_be_imported_is_no_trouble(stub):
    stub("import os; os.write(2, b'ImportError: no GPU here')")
    assert preflight.packages().fine


def test_another_backend_that_cannot_be_imported_is_mended_by_unsetting_it(monkeypatch, stub):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    stub("raise ImportError('no jax')")
    assert "unset KERAS_BACKEND, which is 'jax'" in preflight.packages().mend


def test_settings_of_an_older_keras_are_told_but_are_no_trouble(
    monkeypatch, no_network, stub, keras_home
):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    old = {"backend": "theano", "image_data_format": "channels_first", "floatx": "float16"}
    (keras_home / "keras.json").write_text(json.dumps(old), encoding="utf-8")
    row = preflight.check().iloc[-1]
    assert row.what == "keras.json"
    for name, value in old.items():
        assert f"{name} {value}" in row.found
        assert f"{name} {preflight.SETTINGS[name]}" in row.expected
    assert "the course overrides it" in row.found
    assert row.fine


@pytest.mark.parametrize(
    "text",
    [
        None,
        "no json",
        "[1]",
        '{"floatx": "float32", "epsilon": 1e-07}',
        '{"backend": "tensorflow"}',
        '{"backend": "jax"}',
    ],
)
def test_settings_that_change_nothing_are_not_told(monkeypatch, keras_home, text):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    if text:
        (keras_home / "keras.json").write_text(text, encoding="utf-8")
    assert preflight.keras_json() is None


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
    np.savez(tmp_path / "datasets" / "mnist.npz", x_train=np.arange(1000))
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
        (tmp_path / "mnist" / name).write_bytes(gzip.compress(b"\0\0\x08\1" + bytes(2000)))
    assert preflight.mnist().fine
    for spoilt in (b"", gzip.compress(b"label\n1\n"), b"<html>", gzip.compress(bytes(9))[:-4]):
        (tmp_path / "mnist" / name).write_bytes(spoilt)
        row = preflight.mnist()
        assert not row.fine and "3 of MNIST's 4" in row.found and f"mnist/{name}" in row.mend


def test_half_a_download_is_not_called_fetched(monkeypatch, tmp_path, no_network):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    archive = tmp_path / "datasets" / "mnist.npz"
    archive.parent.mkdir()
    np.savez(archive, x_train=np.arange(1000))
    whole = archive.read_bytes()
    for spoilt in (whole[:-500], whole.replace(b"\1\0\0\0", b"\2\0\0\0"), b"<html>", b""):
        archive.write_bytes(spoilt)
        row = preflight.mnist()
        assert not row.fine and "mnist.npz is damaged" in row.found and "network" in row.mend
    monkeypatch.setattr(preflight, "_reachable", lambda: True)
    assert preflight.mnist().fine and "11 MB will be fetched" in preflight.mnist().found


def test_the_sample_is_always_at_hand(monkeypatch, no_network):
    monkeypatch.setenv("COURSE_DATA", "sample")
    assert preflight.mnist().fine


@pytest.mark.parametrize(
    ("total", "available", "fine", "mend"),
    [
        (16, 8, True, ""),
        (16, 2.5, True, ""),
        (16, 2.3, False, "close other programs"),
        (16, 1, False, "close other programs"),
        (2, 2, False, "COURSE_TIER=quick"),
    ],
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
    seen = subprocess.run(
        command, capture_output=True, encoding="utf-8", env=environment, check=False
    )
    assert seen.returncode == 0, seen.stderr
    assert "psutil missing" in seen.stdout
    assert "packages: packaging missing" in seen.stdout


def test_no_file_is_read_in_the_locales_code(stub, keras_home):
    (keras_home / "keras.json").touch()
    code = "import sys; sys.path.insert(0, sys.argv[1]); from helpers import preflight as p\n"
    code += "p.python(); p.keras_json(); p._import_trouble()"
    strict = ["-I", "-S", "-X", "warn_default_encoding", "-W", "error::EncodingWarning"]
    command = [sys.executable, *strict, "-c", code, str(preflight.ROOT)]
    seen = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert seen.returncode == 0, seen.stderr
