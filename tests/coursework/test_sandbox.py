"""The process that a student's code runs in, and what its replies may be."""

import json
import os
import time

import judge
import pytest
import sandbox
from confined import sandboxed


@pytest.mark.parametrize(
    ("user", "option", "found"),
    [
        (0, None, "SANDBOX=as-root"),
        (0, "", "SANDBOX=as-root"),
        (0, "none", "SANDBOX=as-root"),
        (0, "as-root", "found none"),  # the next thing that is missing
        (1000, None, "found none"),
    ],
)
def test_nothing_is_graded_as_root_unless_told_so(tmp_path, monkeypatch, user, option, found):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SANDBOX")
    if option is not None:
        monkeypatch.setenv("SANDBOX", option)
    with pytest.raises(sandbox.NoSandbox) as refusal:
        sandbox.check.__wrapped__()
    assert found in str(refusal.value)


# What may be opened for writing: devices that keep nothing, and a terminal of the sandbox's own.
HARMLESS = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts/ptmx"}
WALK = """
import json, os
seen, opened = 0, []
for top in ("/proc", "/sys", "/dev"):
    for folder, _, files in os.walk(top):
        for path in (os.path.join(folder, name) for name in files):
            if os.path.islink(path):
                continue
            seen += 1
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                opened.append(path)
            except OSError:
                pass
core = os.path.exists("/proc/sys/kernel/core_pattern")
print(json.dumps([seen, core, os.path.exists("/sys"), opened])[:9000])
"""


@sandboxed
def test_no_setting_of_the_machine_can_be_opened_for_writing(tmp_path):
    with sandbox.Sandbox(tmp_path) as process:
        _, shown = process.ask("run", WALK)
    seen, core, sys, opened = json.loads(shown["texts"]["stdout"])
    assert seen > 500 and core and not sys
    assert {path.removeprefix("/dev/") for path in opened} <= HARMLESS


# --- arguments ------------------------------------------------------------------------------------


def errors(outputs):
    return [one.evalue for one in outputs if one.output_type == "error"]


@pytest.fixture
def student(tmp_path):
    """A student's process without protection: what it may reply is the same in bubblewrap."""
    limits = sandbox.Limits(seconds=60)
    start = lambda: sandbox.Sandbox(tmp_path / "cache", limits, tmp_path)  # noqa: E731
    one = judge.Student(start, seconds=600)
    yield one
    one.close()


IN_PLACE = """
def change(rows, columns):
    rows -= 1
    columns[:] = 0
    np.fill_diagonal(rows, 9)
    np.random.default_rng(0).shuffle(rows)
    return rows, columns
"""


def test_an_answer_may_change_its_arguments_and_gets_no_array_twice(student):
    import numpy as np

    judge.outputs_of(student, "import numpy as np" + IN_PLACE)
    array = np.arange(9).reshape(3, 3)
    rows, columns = student.bind("change")(array, array)
    assert sorted(rows.ravel()) == [0, 1, 2, 4, 5, 6, 9, 9, 9]  # 0 to 8, less 1, the diagonal 9
    assert (columns == 0).all() and (array == np.arange(9).reshape(3, 3)).all()


# --- room on the page -----------------------------------------------------------------------------


def test_the_outputs_of_a_whole_notebook_have_a_bound():
    student = judge.Student(None, seconds=time.monotonic())
    picture = {"image/png": "A" * 500_000}
    shown = {"texts": {"stdout": "", "stderr": ""}, "shown": [picture] * 20, "error": ["E", "why"]}
    student.run = lambda *_: shown
    outputs = [output for _ in range(25) for output in judge.outputs_of(student, "draw()")]
    assert sum(len(str(output)) for output in outputs) < 10_100_000
    assert errors(outputs) == ["why"] * 25
    assert "What follows is not shown" in outputs[-2].text
