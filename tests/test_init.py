"""Importing helpers: quiet where all is well, in words where it is not, figures in every kernel."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

ROOT = Path(__file__).parents[1]
CHATTER = "import os; os.write(2, b'words of ' b'TensorFlow\\n')\n"  # no traceback shows them whole
FINE = f"""{CHATTER}
class config:
    set_image_data_format = set_floatx = lambda value: print(value)
print(os.environ["KERAS_BACKEND"])
"""
BROKEN = f"{CHATTER}raise ImportError('this Keras is broken')"
ABORTING = f"{CHATTER}os.abort()"


@pytest.fixture
def run(tmp_path):
    """Run code in a process of its own, where a stub stands for Keras; its result."""

    def run_with(keras, code, **variables):
        (tmp_path / "keras.py").write_text(keras, encoding="utf-8")
        path = os.pathsep.join([str(tmp_path), str(ROOT)])
        return subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": path, "COURSE_DATA": "sample"} | variables,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run_with


@pytest.mark.parametrize("keras", [BROKEN, ABORTING])
def test_helpers_and_preflight_work_where_keras_does_not(run, keras):
    seen = run(keras, "from helpers import preflight; print(preflight.check().to_string())")
    assert seen.returncode == 0, seen.stderr
    assert "Keras (with TensorFlow) cannot be imported" in seen.stdout
    assert "this Keras is broken" in seen.stdout or "words of TensorFlow" in seen.stdout


def test_the_package_alone_loads_no_keras(run):
    seen = run(FINE, "import helpers, sys; print('keras' in sys.modules)")
    assert (seen.stdout, seen.stderr) == ("False\n", "")


def test_keras_is_loaded_without_chatter_and_the_error_stream_is_itself_again(run):
    code = "from helpers.internals import backend; import keras, os; os.write(2, b'afterwards')"
    seen = run(FINE, code)
    assert seen.returncode == 0
    assert seen.stderr == "afterwards"


def test_what_a_broken_keras_wrote_is_shown_with_its_exception(run):
    seen = run(BROKEN, "from helpers.internals import backend")
    assert seen.returncode == 1
    assert seen.stderr.count("words of TensorFlow\n") == 1
    assert seen.stderr.endswith("ImportError: this Keras is broken\n")


def test_what_an_aborting_keras_wrote_is_shown(run):
    seen = run(ABORTING, "from helpers.internals import backend")
    assert seen.returncode not in (0, 1)
    assert seen.stderr == "words of TensorFlow\n"


def test_where_no_second_process_can_be_had_keras_is_loaded_all_the_same(run):
    code = "import sys; sys.executable = '/no/python'; from helpers.internals import backend\n"
    code += "print('loaded')"
    seen = run(FINE, code)
    assert seen.stdout.endswith("loaded\n")
    assert seen.stderr == "words of TensorFlow\n"


@pytest.mark.parametrize(("asked", "used"), [("", "tensorflow"), ("jax", "jax")])
def test_keras_gets_the_settings_that_the_course_needs(run, asked, used):
    seen = run(FINE, "from helpers.internals import backend", KERAS_BACKEND=asked)
    assert seen.stdout.split() == [used, "channels_last", "float32"]


def test_settings_of_an_older_keras_change_nothing(tmp_path):
    old = '{"backend": "theano", "image_data_format": "channels_first", "floatx": "float16"}'
    (tmp_path / "keras.json").write_text(old, encoding="utf-8")
    code = (
        "from helpers.internals import backend; import keras; pool = keras.layers.MaxPooling2D()\n"
    )
    code += "print(keras.backend.backend(), pool.data_format, pool.dtype)"
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    seen = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment | {"KERAS_HOME": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (seen.stdout, seen.stderr) == ("tensorflow channels_last float32\n", "")


def test_the_front_door_is_six_files_an_evenings_read_named_in_the_first_five_lines():
    package = ROOT / "helpers"
    six = ["course", "data", "models", "training", "evaluation", "statistics"]
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    said = re.findall(r"(\w+) \(", " ".join(text.splitlines()[:5]))
    assert said == six
    here = {path.stem for path in package.glob("*.py")}
    assert here == {*six, "preflight", "__init__"}
    lines = [(package / f"{name}.py").read_text(encoding="utf-8").splitlines() for name in six]
    assert sum(map(len, lines)) <= 1400


def test_the_front_door_leans_on_no_room_that_need_not_be_read():
    allowed = {"course", "data", "models", "training", "evaluation", "statistics"}
    allowed |= {"preflight", "archives", "internals"}
    for name in allowed - {"archives", "internals"}:
        tree = ast.parse((ROOT / "helpers" / f"{name}.py").read_text(encoding="utf-8"))
        used = {node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        found = {node.module.split(".")[1] for node in used if node.module.startswith("helpers.")}
        found |= {one.name for node in used if node.module == "helpers" for one in node.names}
        assert found <= allowed, name


def test_every_file_that_imports_keras_has_helpers_load_it_first():
    noisy = []
    for path in sorted((ROOT / "helpers").rglob("*.py")):
        if path.name == "backend.py":
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            module = getattr(node, "module", "") or ""
            names = [alias.name for alias in getattr(node, "names", ())]
            if module in ("helpers.internals.backend", "helpers.models"):  # models loads it so
                break
            if any(name.split(".")[0] == "keras" for name in (module, *names)):
                noisy.append(path.name)
                break
    assert noisy == [], "expected first: from helpers.internals.backend import keras"


def cells(*sources):
    """Execute cells in a kernel of this environment; their outputs, cell by cell."""
    folder = str(Path(sys.prefix, "share", "jupyter", "kernels"))
    kernel = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[folder]))
    kernel.transport_encryption = "auto"  # else ipykernel warns that others may listen
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in sources])
    client = NotebookClient(nb, km=kernel, timeout=60, allow_errors=True)
    client.resources = {"metadata": {"path": str(ROOT)}}
    client.execute(cleanup_kc=True)
    return [cell.outputs for cell in nb.cells]


@pytest.mark.parametrize(
    ("backend", "first"),
    [
        ("TkAgg", "import helpers, matplotlib.pyplot as plt"),
        ("agg", "import matplotlib.pyplot as plt, helpers"),
    ],
)
def test_a_kernel_shows_figures_whatever_mplbackend_says(monkeypatch, backend, first):
    monkeypatch.setenv("MPLBACKEND", backend)
    closed = "figure, _ = plt.subplots()\nplt.close(figure)\nfigure"
    _, *shown = cells(first, closed, "plt.plot([1, 2]);")
    assert ["image/png" in output[0]["data"] for output in shown] == [True, True]


def test_a_kernel_that_keras_ends_leaves_its_words_in_jupyters_terminal(
    monkeypatch, tmp_path, capfd
):
    (tmp_path / "keras.py").write_text(ABORTING, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # where it is set, a kernel leaves its streams alone
    with pytest.raises(DeadKernelError):
        cells("from helpers.internals import backend")
    assert "words of TensorFlow" in capfd.readouterr().err


@pytest.mark.parametrize("own_streams", [True, False])  # on Windows a kernel has none
def test_a_notebook_shows_what_a_broken_keras_wrote(monkeypatch, tmp_path, own_streams):
    (tmp_path / "keras.py").write_text(BROKEN, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    if own_streams:
        monkeypatch.delenv("PYTEST_CURRENT_TEST")
    shown = str(cells("from helpers.internals import backend"))
    assert "words of TensorFlow" in shown
    assert "this Keras is broken" in shown


def test_outside_of_kernels_mplbackend_is_left_as_it_is(run):
    code = "import IPython, helpers, matplotlib; print(matplotlib.get_backend())"
    assert run(FINE, code, MPLBACKEND="svg").stdout == "svg\n"
