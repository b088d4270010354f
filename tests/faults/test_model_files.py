"""Networks of strangers: nothing is run, nothing is unpickled, nothing fills the memory."""

import ast
import io
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from helpers.archives import download

import h5py
import keras
import loads
import nbformat
import numpy as np
import psutil
import pytest
from loads import LETTERS, MNIST

ROOT = Path(__file__).resolve().parents[2]


# --- .keras files -----------------------------------------------------------------------------


@pytest.fixture
def network(tmp_path):
    """The path of a small network as Keras saves it, and the file that malice would write."""
    path, evil = tmp_path / "a" / "network.keras", tmp_path / "evil"
    path.parent.mkdir()
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.save(path)
    return path, evil


def members(path):
    """The members of a .keras file, {name: bytes}."""
    with zipfile.ZipFile(path) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def write(path, contents, declared=()):
    """Write members; `declared` are sizes {name: bytes} that the archive announces instead."""
    with zipfile.ZipFile(path, "w") as zipped:
        for name, content in contents.items():
            zipped.writestr(name, content)
        for member in zipped.filelist:
            member.file_size = dict(declared).get(member.filename, member.file_size)


def a_lambda(path, evil):
    """A layer whose function is Python's bytecode."""
    function = eval(f"lambda x: (open({str(evil)!r}, 'w').close(), x)[1]")
    layer = keras.layers.Lambda(function, output_shape=(28, 28))
    keras.Sequential([keras.Input((28, 28)), layer]).save(path)
    evil.unlink(missing_ok=True)  # saving has run it


def an_activation(module, name):
    """A layer whose activation is a function of any module."""

    def spoil(path, evil):
        contents = members(path)
        config = json.loads(contents["config.json"])
        layer = next(one for one in config["config"]["layers"] if one["class_name"] == "Dense")
        function = {"module": module, "class_name": "function", "config": name}
        layer["config"]["activation"] = function | {"registered_name": name}
        write(path, contents | {"config.json": json.dumps(config)})

    return spoil


def a_class_of_another_module(path, evil):
    """The whole network is a call of subprocess.Popen."""
    config = {"module": "subprocess", "class_name": "Popen", "registered_name": None}
    config |= {"config": {"args": ["touch", str(evil)]}}
    write(path, members(path) | {"config.json": json.dumps(config)})


def a_path_out_of_the_folder(path, evil):
    """Members that would be unpacked beside or above the folder, assets among them."""
    up = [f"{'../' * n}{evil.name}" for n in (1, 2, 3)]
    up += [f"assets/../../../{evil.name}", str(evil)]
    write(path, members(path) | dict.fromkeys(up, b"evil"))


def an_oversized_config(path, evil):
    write(path, members(path), {"config.json": 5 << 30})


def oversized_weights(path, evil):
    write(path, members(path), {"model.weights.h5": 5 << 30})


def oversized_assets(path, evil):
    write(path, members(path) | {"assets/a": b"a"}, {"assets/a": 1 << 29})


def an_array_that_is_announced(path, evil):
    """A weight of 8 GB, of which nothing is stored."""
    contents = members(path)
    stored = io.BytesIO(contents["model.weights.h5"])
    with h5py.File(stored, "a") as file:
        names = []
        file.visit(names.append)
        name = next(name for name in names if isinstance(file[name], h5py.Dataset))
        del file[name]
        file.create_dataset(name, (1 << 31,), "f4", chunks=(1024,))
    write(path, contents | {"model.weights.h5": stored.getvalue()})


def pickled_weights(path, evil):
    """Weights as NumPy's archive of pickled objects."""
    contents = members(path)
    del contents["model.weights.h5"]
    arrays = io.BytesIO()
    np.savez(arrays, layers=np.array([Touch(evil)], object))
    write(path, contents | {"model.weights.npz": arrays.getvalue()})


class Touch:
    """Unpickled, it writes a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


MALICIOUS = {
    "a lambda layer": a_lambda,
    "os.system as activation": an_activation("os", "system"),
    "eval as activation": an_activation("builtins", "eval"),
    "a class of another module": a_class_of_another_module,
    "a path out of the folder": a_path_out_of_the_folder,
    "an oversized configuration": an_oversized_config,
    "oversized weights": oversized_weights,
    "oversized assets": oversized_assets,
    "an announced array of 8 GB": an_array_that_is_announced,
    "pickled weights": pickled_weights,
}
PASSED_OVER = "a path out of the folder"
"""Python unpacks no such member, and warns: the network loads, and nothing lies elsewhere."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Skipping invalid path:UserWarning")
@pytest.mark.parametrize("kind", MALICIOUS)
def test_a_malicious_network_is_refused(kind, network, tally):
    path, evil = network
    keras.saving.load_model(path)  # untouched, it loads
    MALICIOUS[kind](path, evil)
    before = psutil.Process().memory_info().rss
    try:
        keras.saving.load_model(path)  # as the notebooks call it
        outcome = "survived" if kind == PASSED_OVER else "it was loaded"
    except (ValueError, TypeError, OSError) as error:
        outcome = "named error" if len(str(error)) > 20 else repr(error)
    strange = [file for file in path.parents[1].rglob("*") if file.name == evil.name]
    grown = psutil.Process().memory_info().rss - before
    if strange or grown > 500_000_000:
        outcome = f"{strange} was written, {grown:,} bytes were taken"
    tally(f"network with {kind}", outcome)


def python():
    """The syntax of all of the course's Python: {path: tree}; notebooks as committed."""
    for path in sorted(ROOT.rglob("*.py")):
        if not {".venv", "build", "tests", ".git"} & set(path.relative_to(ROOT).parts):
            yield path, ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        code = [cell.source for cell in cells if cell.cell_type == "code"]
        plain = [line for source in code for line in source.splitlines() if line[:1] not in "%!"]
        yield path, ast.parse("\n".join(plain))


UNSAFE = {
    "enable_unsafe_deserialization", "read_pickle", "allow_pickle", "Unpickler", "dill", "marshal",
    "cloudpickle", "load_objects",
}  # fmt: skip
OWN = {
    ("marking.py", "loads"): 2
}  # copies of the teacher's own cases, in the process that made them


def unsafe(tree):
    """What code says that loads more than numbers: names, and arguments that switch safety off."""
    for node in ast.walk(tree):
        name = getattr(node, "attr", getattr(node, "id", None))
        owner = getattr(getattr(node, "value", None), "id", None)
        if name in UNSAFE or (owner in ("pickle", "joblib") and name in ("load", "loads")):
            yield name
        if isinstance(node, ast.keyword) and node.arg in ("safe_mode", "allow_pickle"):
            yield node.arg


def test_nothing_of_the_course_unpickles_or_loads_unsafely():
    found = {}
    for path, tree in python():
        for name in unsafe(tree):
            found[path.name, name] = found.get((path.name, name), 0) + 1
    assert found == OWN


@pytest.mark.parametrize(
    "code",
    ["np.load(a, allow_pickle=True)", "keras.saving.load_model(a, safe_mode=False)",
     "pickle.load(a)", "joblib.load(a)", "pd.read_pickle(a)",
     "keras.config.enable_unsafe_deserialization()"],
)  # fmt: skip
def test_what_is_unsafe_is_seen(code):
    assert list(unsafe(ast.parse(code)))


# --- pickles in place of images ---------------------------------------------------------------


def pickled(path, evil):
    """Write an array of objects whose unpickling writes a file."""
    with path.open("wb") as file:
        np.save(file, np.array([Touch(evil)], object), allow_pickle=True)


@pytest.mark.parametrize("name", ["train-images.npy", "test-labels.npy"])
def test_a_pickle_in_the_cache_is_not_opened_but_replaced(name, letters, tmp_path, tally):
    counts = {LETTERS: (60, 30), MNIST: (0, 0)}
    assert loads.load(LETTERS) == loads.right(LETTERS, counts)
    (file,) = download.cache_folder().glob(f"*/{name}")
    pickled(file, tmp_path / "evil")
    found = loads.load(LETTERS)
    fine = found == loads.right(LETTERS, counts) and not (tmp_path / "evil").exists()
    tally("pickle in place of images", "survived" if fine else found)


@pytest.mark.usefixtures("fresh_cache")
def test_a_pickle_in_place_of_keras_s_mnist_is_not_opened(monkeypatch, tmp_path, tally):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    for variable, value in loads.home(tmp_path).items():
        monkeypatch.setenv(variable, value)
    counts = {LETTERS: (2, 2), MNIST: (40, 20)}
    files = loads.published(counts)
    archive = tmp_path / "keras" / "datasets" / "mnist.npz"
    archive.parent.mkdir(parents=True)
    np.savez(archive, x_train=np.array([Touch(tmp_path / "evil")], object))
    with loads.Server(files) as server:
        loads.visit(server.url, files, monkeypatch.setattr)
        found = loads.load(MNIST)
    fine = found == loads.right(MNIST, counts) and not (tmp_path / "evil").exists()
    tally("pickle in place of images", "survived" if fine else found)


def test_a_pickle_among_kept_weights_is_refused(tmp_path, tally):
    from helpers.recipes import weights

    np.savez(tmp_path / "a.npz", a=np.array([Touch(tmp_path / "evil")], object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        weights.load(keras.Sequential([keras.Input((2,))]), tmp_path / "a.npz")
    assert not (tmp_path / "evil").exists()
    tally("pickle in place of weights", "named error")


# --- the lab ----------------------------------------------------------------------------------


def recipe():
    """The command of `make lab`, as a list of words."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return re.search(r"^lab:.*\n(?:\t.*\n)*?\t *\$\(RUN\) (.*)$", makefile, re.MULTILINE)[1].split()


@pytest.mark.slow
def test_the_lab_listens_on_this_machine_alone_and_asks_for_a_token(tmp_path, tally):
    """As it runs, whatever Jupyter's defaults are; without a configuration of the user's."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", f"--ServerApp.port={port}", "--ServerApp.allow_root=True"]
    places = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")
    lab = subprocess.Popen(
        [ROOT / ".venv/bin/python", *recipe(), *options],
        cwd=ROOT,
        env=os.environ | dict.fromkeys(places, str(tmp_path)) | {"JUPYTER_TOKEN": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        end, running = time.monotonic() + 120, []
        while not running and time.monotonic() < end:
            time.sleep(0.2)
            running = list(tmp_path.glob("jpserver-*.json"))
        time.sleep(1)
        addresses = {one.laddr for one in psutil.Process(lab.pid).net_connections("inet")
                     if one.status == psutil.CONN_LISTEN}  # fmt: skip
        assert addresses and {address.ip for address in addresses} <= {"127.0.0.1", "::1"}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/contents", timeout=30)
        assert refused.value.code == 403
        about = json.loads(running[0].read_text(encoding="utf-8"))
        assert len(about["token"]) >= 40 and not about["password"]
        url = f"http://127.0.0.1:{port}/api/contents?token={about['token']}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert answer.status == 200
        tally("lab asked without its token", "named error")
    finally:
        os.killpg(lab.pid, signal.SIGKILL)
        lab.communicate()
