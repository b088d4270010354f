"""A warm kernel is a fresh kernel: nothing of another, its own folder, and it ends when told."""

import os
import signal
import sys
import threading
import time

import pytest
import warm
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

pytestmark = pytest.mark.skipif(not warm.SUPPORTED, reason="kernels are forked under Linux only")


@pytest.fixture(scope="module")
def jupyter():
    with warm.kernels() as folder:
        yield folder


@pytest.fixture
def start(jupyter, tmp_path):
    """Starts a kernel, warm unless told; returns its manager and a function that runs code."""
    running = []

    def begin(name=warm.NAME, **environment):
        specs = KernelSpecManager()
        specs.kernel_dirs = [f"{jupyter}/kernels", *specs.kernel_dirs]
        manager = KernelManager(kernel_name=name, kernel_spec_manager=specs)
        usual = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
        manager.start_kernel(cwd=str(tmp_path), env=usual | environment)
        client = manager.client()
        client.start_channels()
        running.append((manager, client))
        client.wait_for_ready(timeout=120)

        def run(code):
            said = []
            client.execute_interactive(code, timeout=120, output_hook=said.append)
            contents = [message["content"] for message in said]
            return "".join(one.get("text", "") + one.get("ename", "") for one in contents).strip()

        return manager, run

    yield begin
    for manager, client in running:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_each_kernel_is_fresh_in_its_own_folder_and_environment(start, tmp_path):
    _, first = start(COURSE_TIER="quick")
    _, second = start(COURSE_TIER="full")
    first("import random, os, sys, numpy as np; kept = 1; sys.modules['kept'] = os")
    second("import random, os, sys, numpy as np")
    assert second("print('kept' in globals() or 'kept' in sys.modules)") == "False"
    assert second("print(os.getcwd())") == str(tmp_path)
    tiers = [run("print(os.environ['COURSE_TIER'])") for run in (first, second)]
    assert tiers == ["quick", "full"]
    for draw in ("random.random()", "np.random.rand()"):
        assert first(f"print({draw})") != second(f"print({draw})")


def test_a_warm_kernel_has_loaded_tensorflow_and_trains(start):
    _, run = start()
    assert run("import sys; print('tensorflow' in sys.modules)") == "True"
    run("import keras, numpy as np; model = keras.Sequential([keras.layers.Dense(1)])")
    run("model.compile('sgd', 'mse'); seen = model.fit(np.ones((8, 1)), np.ones(8), verbose=0)")
    assert run("print(len(seen.history['loss']))") == "1"


def test_a_kernel_finds_modules_beside_its_notebook_and_draws_in_the_page(start, tmp_path):
    (tmp_path / "beside.py").write_text("here = 5", encoding="utf-8")
    _, run = start()
    assert run("import beside; print(beside.here)") == "5"
    run("import matplotlib")
    assert "inline" in run("print(matplotlib.get_backend())")


def test_a_kernel_draws_with_the_backend_that_its_environment_names(start):
    _, run = start(MPLBACKEND="agg")
    assert run("import matplotlib; print(matplotlib.get_backend())") == "agg"


def test_wide_tables_look_as_in_any_kernel(start):
    code = "import pandas as pd; print(pd.DataFrame([range(10**6, 10**6 + 15)]))"
    (_, run), (_, cold) = start(), start("python3")
    assert run(code) == cold(code) and len(run(code)) > 100


def test_all_but_the_command_is_as_ipykernel_specifies_it(jupyter):
    spec = KernelSpecManager(kernel_dirs=[f"{jupyter}/kernels"]).get_kernel_spec(warm.NAME)
    assert spec.metadata["supported_encryption"] == ["curve"]  # else the kernel warns of listeners
    assert spec.language == "python" and spec.argv[0] == sys.executable


def test_an_interrupt_reaches_the_cell_and_the_kernel_lives_on(start):
    manager, run = start()
    run("import threading, time, os, signal")
    # the interrupt is asked for from outside, as Jupyter does it, a moment after the cell began
    threading.Timer(1.0, manager.interrupt_kernel).start()
    assert run("time.sleep(60)") == "KeyboardInterrupt"
    assert run("print(1 + 1)") == "2"


def test_an_interrupt_reaches_the_processes_that_a_cell_started(start):
    manager, run = start()
    run("import subprocess; child = subprocess.Popen(['sleep', '60'])")
    threading.Timer(1.0, manager.interrupt_kernel).start()
    assert run("child.wait()") == "KeyboardInterrupt"
    # 0 where the interrupt came as wait had taken, but not yet noted, how the process ended
    assert run("print(child.wait(10))") in (str(-signal.SIGINT), "0")


@pytest.mark.parametrize("how", ["kernel dies", "is shut down"])
def test_kernel_and_stand_in_end_together(start, how):
    manager, run = start()
    kernel = int(run("import os; print(os.getpid())"))
    if how == "kernel dies":
        os.kill(kernel, 9)
    else:
        manager.shutdown_kernel(now=True)
    deadline = time.monotonic() + 60
    while (manager.is_alive() or lives(kernel)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not manager.is_alive() and not lives(kernel)


def lives(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
