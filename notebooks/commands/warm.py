"""Kernels that start at once: one process has loaded the packages, and each kernel is a fork of it.

`make course` and `make test` start a kernel for each notebook, and most of its first five seconds
go into importing TensorFlow. Under Linux a fork shares what is loaded; elsewhere, where forking a
process with threads is not safe, kernels start as they always do. `make outputs` never uses it.
Nothing of TensorFlow's or of the course's has run before the fork, only imports.

warm.py SOCKET CONNECTION_FILE   stands for a kernel: what a kernel specification calls
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

NAME = "warm"
"""Of the kernel specification."""

SUPPORTED = sys.platform == "linux"

PACKAGES = (
    *("helpers.internals.backend", "ipykernel.kernelapp", "matplotlib.pyplot", "numpy", "optuna"),
    *("pandas", "seaborn", "sklearn.linear_model"),
)
"""What takes long to import; the first one is Keras, as the course loads it."""


@contextlib.contextmanager
def kernels():
    """A folder for JUPYTER_PATH with the kernel specification; its kernels start in this block."""
    from ipykernel.kernelspec import get_kernel_dict  # not above: a stand-in has no packages

    with tempfile.TemporaryDirectory(prefix="course-kernels-") as folder:
        where, content = Path(folder, "socket"), get_kernel_dict()
        if SUPPORTED:
            stand_in = ["-I", "-S", str(Path(__file__).resolve()), str(where), "{connection_file}"]
            content["argv"] = [sys.executable, *stand_in]
        spec = Path(folder, "kernels", NAME, "kernel.json")
        spec.parent.mkdir(parents=True)
        spec.write_text(json.dumps(content), encoding="utf-8")
        server = _start(where) if SUPPORTED else None
        try:
            yield folder
        finally:
            if server:
                server.stdin.close()  # tells it to end
                server.wait(30)


def _start(where):
    """The process that has loaded the packages and listens."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import warm; "
    code += f"warm.serve({str(where)!r})"
    server = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for who started it
    )
    if server.stdout.readline() != b"listens\n":
        raise RuntimeError("expected a process that has loaded the packages; it ended, see above")
    return server


def serve(where):
    """Fork a kernel for each that asks, until standard input ends."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(where)
    listener.listen()
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as in every kernel
    _load()
    print("listens", flush=True)
    threading.Thread(target=_end_with, args=(sys.stdin,), daemon=True).start()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a kernel ended
    while True:
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _become_kernel(client)
        client.close()


def _load():
    """Import what most notebooks import, and run none of it."""
    for package in PACKAGES:
        importlib.import_module(package)
    # pandas asks at import whether it is in a kernel, and is not yet: what it would choose there
    importlib.import_module("pandas").set_option("display.max_columns", 20)
    gc.collect()
    gc.freeze()  # a fork's collector then leaves these pages alone, and they stay shared


def _end_with(stream):
    """End this process when a stream ends."""
    stream.read()
    os._exit(0)


def _become_kernel(client):
    """In the fork: take over folder, environment and streams of who asked, and be its kernel."""
    import matplotlib
    import numpy as np
    from ipykernel import kernelapp

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setpgid(0, 0)  # an interrupt is for it and for the processes that its cells start
    size, streams, *_ = socket.recv_fds(client, 8, 3)
    asked = json.loads(_receive(client, int.from_bytes(size)))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    if backend := os.environ.get("MPLBACKEND"):
        matplotlib.use(backend)
    threading.Thread(target=_obey, args=(client,), daemon=True).start()
    np.random.seed()  # else it draws what its siblings draw; Python's random sees to that itself
    sys.path[:] = [entry for entry in sys.path if entry not in ("", str(Path(__file__).parent))]
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"  # a kernel ends when its parent does
    sys.argv = ["ipykernel_launcher", parent, "-f", asked["file"]]
    try:
        kernelapp.launch_new_instance()
    finally:
        os._exit(0)


def _receive(client, size):
    """So many bytes."""
    found = b""
    while len(found) < size:
        found += client.recv(size - len(found))
    return found


def _obey(client):
    """Each byte is an interrupt; the end is the end."""
    while client.recv(1):
        os.killpg(os.getpid(), signal.SIGINT)
    os._exit(1)


def stand_in(where, file):
    """Ask for a kernel, pass interrupts on, and end when it ends, or it with this process."""
    server = socket.socket(socket.AF_UNIX)
    server.connect(where)
    text = {"file": file, "folder": os.getcwd(), "environment": dict(os.environ)}
    asked = json.dumps(text).encode()
    socket.send_fds(server, [len(asked).to_bytes(8)], [0, 1, 2])
    server.sendall(asked)
    signal.signal(signal.SIGINT, lambda *_: server.send(b"i"))
    with contextlib.suppress(ConnectionResetError):
        server.recv(1)  # nothing ever comes but the end


if __name__ == "__main__":
    stand_in(*sys.argv[1:])
