"""Hints in the kernels of `make lab`: beside the error, and never in its place."""

import os
import re
import subprocess
import sys
import types
from pathlib import Path

import hints
import pytest
from jupyter_client.manager import start_new_kernel

MODULE = "helpers.made_up"
STARTUP = Path(hints.__file__).with_name("hints_startup.py")


def said(client, code):
    """What a cell prints, and the error it ends in, "" for none."""
    printed = []

    def keep(message):
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])
        if message["msg_type"] == "error":
            printed.append("\n".join(message["content"]["traceback"]))

    reply = client.execute_interactive(code, timeout=60, output_hook=keep, stdin_hook=None)
    return "".join(printed), reply["content"].get("ename", "")


@pytest.fixture(scope="module")
def kernel():
    """A kernel as `make lab` starts one."""
    manager, client = start_new_kernel(env=os.environ | {"PYTHONSTARTUP": str(STARTUP)})
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_make_lab_installs_them():
    root = Path(hints.__file__).parents[2]
    shown = subprocess.run(
        ["make", "-n", "lab"], cwd=root, capture_output=True, encoding="utf-8", check=True
    )
    (startup,) = re.findall("PYTHONSTARTUP='(.*?)'", shown.stdout)
    assert Path(startup).samefile(STARTUP)


def test_a_forgotten_set_up_cell_is_named_below_the_error(kernel):
    printed, error = said(kernel, "course.claim('x', 1, exactly=1)")
    assert error == "NameError" and "name 'course' is not defined" in printed
    assert printed.rstrip().endswith("Run > Run All Above Selected Cell, then this.")


@pytest.mark.parametrize(("cell", "told"), [("import time\n", True), ("", False)])
def test_a_cell_that_was_stopped_as_it_imported_says_to_restart(kernel, cell, told):
    printed, error = said(kernel, f"{cell}raise KeyboardInterrupt")
    assert error == "KeyboardInterrupt"
    assert ("half there. Kernel > Restart" in printed) == told


def test_a_wrong_kernel_is_told(kernel):
    printed, error = said(kernel, "import helpers.no_such_module")
    assert error == "ModuleNotFoundError" and "Kernel > Change Kernel" in printed


def test_a_notebook_in_another_folder_is_told_where_it_belongs(kernel):
    printed, error = said(kernel, "from plans import notebook_10")
    assert error == "ModuleNotFoundError"
    assert f"runs in {os.getcwd()}; expected is the folder notebooks of" in printed


def test_other_errors_and_what_works_get_no_hint(kernel):
    assert said(kernel, "print(1)") == ("1\n", "")
    for code, error in (("1 / 0", "ZeroDivisionError"), ("import no_such", "ModuleNotFoundError")):
        printed, ended = said(kernel, code)
        assert ended == error and "Hint" not in printed


def test_nothing_is_left_in_the_names_of_a_notebook(kernel):
    printed, _ = said(kernel, "print(sorted({'hints', 'sys', 'os', '__file__'} & set(globals())))")
    assert printed == "[]\n"


def test_an_edited_module_is_told_once(tmp_path, monkeypatch):
    file = tmp_path / "made_up.py"
    file.write_text("", encoding="utf-8")
    module = types.ModuleType(MODULE)
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, MODULE, module)
    seen = {}
    assert hints.edited(seen) == [] and hints.edited(seen) == []
    os.utime(file, (1, 1))
    assert hints.edited(seen) == [MODULE]
    assert hints.edited(seen) == []


def test_after_each_cell_edited_modules_are_looked_for(monkeypatch, capsys):
    events = {}
    shell = types.SimpleNamespace(
        set_custom_exc=lambda *_: None,
        events=types.SimpleNamespace(register=events.__setitem__),
    )
    hints.install(shell)
    monkeypatch.setattr(hints, "edited", lambda seen: [MODULE])
    events["post_run_cell"](types.SimpleNamespace(error_in_exec=None))
    assert "helpers.made_up changed" in capsys.readouterr().err
