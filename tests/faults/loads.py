"""Loads in processes of their own, as a learner's kernel makes them, from a server of this machine.

Processes are forked from one that has imported what they need, so that they begin at once.
"""

import encodings.cp437  # zipfile's, which nobody may read where Python is root's  # noqa: F401
import hashlib
import http.server
import io
import multiprocessing
import os
import sys
import threading
import time
from pathlib import Path

from helpers.archives import datasets, download

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import tiny

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["loads", "keras"])
LETTERS, MNIST = "emnist/letters", "mnist"
COUNTS = {LETTERS: (6000, 700), MNIST: (3000, 300)}
"""Enough images that a kill meets each stage of a load."""


class Server(http.server.ThreadingHTTPServer):
    """Answers every GET by `answer(handler, content)`. files: {path: bytes}."""

    daemon_threads = True

    def __init__(self, files, answer=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.answer, self.asked = files, answer or send, []
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        pass  # who asked is gone


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.answer(self, self.server.files[self.path.rpartition("/")[2]])

    def log_message(self, *_):
        pass


def send(handler, content, length=None, status=200, **headers):
    """A right answer, unless you say otherwise."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content) if length is None else length))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)


def published(counts=COUNTS):
    """What publishers serve: {path: bytes}, of EMNIST and of MNIST as Keras has it."""
    members = tiny.emnist_members(counts=counts[LETTERS])
    zipped, arrays = io.BytesIO(), {}
    with tiny.zipfile.ZipFile(zipped, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    for seed, (part, count) in enumerate(zip(("train", "test"), counts[MNIST], strict=True)):
        arrays[f"x_{part}"], arrays[f"y_{part}"] = tiny.arrays(count, 10, seed=seed)
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return {download.EMNIST_FILE: zipped.getvalue(), "mnist.npz": packed.getvalue()}


def right(name, counts=COUNTS):
    """What a load has to give, as `digest` says it."""
    classes, found = len(datasets.CLASSES[name]), {}
    for seed, (part, count) in enumerate(zip(("train", "test"), counts[name], strict=True)):
        images, labels = tiny.arrays(count, classes, seed=seed)
        found |= {f"{part}-images": images, f"{part}-labels": labels.astype(np.int64)}
    return digest(found)


def digest(arrays):
    """Four arrays in one word: equal for arrays that are equal bit by bit."""
    every = [
        arrays[f"{part}-{kind}"] for part in ("train", "test") for kind in ("images", "labels")
    ]
    shapes = [(array.shape, str(array.dtype)) for array in every]
    content = b"".join(np.ascontiguousarray(array).tobytes() for array in every)
    return hashlib.sha256(repr(shapes).encode() + content).hexdigest()


def visit(url, files, patch=setattr):
    """Let downloads go to a server, and let its files be the published ones."""
    patch(download, "EMNIST_URL", url)
    patch(download, "EMNIST_MD5", hashlib.md5(files[download.EMNIST_FILE]).hexdigest())
    import keras

    module = sys.modules[keras.datasets.mnist.load_data.__module__]
    own = "storage.googleapis.com" in str(module.load_data.__code__.co_consts)
    assert own, "Keras fetches MNIST from elsewhere"
    get_file, sha = keras.utils.get_file, hashlib.sha256(files["mnist.npz"]).hexdigest()

    def from_here(fname, origin, file_hash):
        place = os.environ["KERAS_HOME"]  # Keras itself read it when it was imported
        return get_file(fname, url + "mnist.npz", file_hash=sha, cache_dir=place)

    patch(module, "get_file", from_here)


def home(folder):
    """The variables that make a folder home to downloads and caches."""
    places = {"HOME": folder, "XDG_CACHE_HOME": folder / "cache", "KERAS_HOME": folder / "keras"}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    return {name: str(place) for name, place in places.items()}


def load(name):
    """Load a data set. Returns: its digest, or the named error in words."""
    try:
        arrays, _ = download.unpacked(name, datasets.CLASSES[name])
    except download.DataUnavailable as error:
        return f"named error: {error}"
    return digest(arrays)


class Load(FORKS.Process):
    """A process that loads a data set; `outcome()` waits for it and says what came of it.

    barrier: is waited for before the load.
    """

    def __init__(self, name, folder, url, files, barrier=None):
        self.reader, writer = FORKS.Pipe(duplex=False)
        arguments = (name, home(folder), url, files, writer, barrier)
        super().__init__(target=_load, args=arguments, daemon=True)
        self.start()
        writer.close()

    def begun(self):
        """Wait until the load begins. Returns: the time."""
        assert self.reader.recv() == "begun"
        return time.monotonic()

    def outcome(self, seconds=60):
        """The load's digest, its named error, or "lost" and why."""
        try:
            if not self.reader.poll(seconds):
                self.kill()
                return f"not done after {seconds} seconds"
            return self.reader.recv()
        except EOFError:
            self.join()
            return f"it ended with {self.exitcode}"


def _load(name, variables, url, files, writer, barrier):
    os.environ.update(variables)
    os.environ.pop("COURSE_DATA", None)
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        sys.stdout = sys.stderr = nothing
        visit(url, files)
        if barrier is not None:
            barrier.wait()
        writer.send("begun")
        writer.send(load(name))


NOBODY = 65534


def load_as_nobody(name, variables):
    """What a load says in a process of an ordinary user: root may write and read anything."""
    reader, writer = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_load_as_nobody, args=(name, variables, writer), daemon=True)
    process.start()
    writer.close()
    found = reader.recv() if reader.poll(60) else "not done after 60 seconds"
    process.join(10)
    return found


def _load_as_nobody(name, variables, writer):
    os.environ.update(variables)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        writer.send(load(name))
    except Exception as error:
        writer.send(f"{type(error).__name__}: {error}")
