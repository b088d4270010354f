"""A browser for tests, driven by scripts of Node; skipped, with the reason, where there is none."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def tools():
    """node, the folder of npm's packages, a browser; skipped, with the reason, without."""
    node = shutil.which("node")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if node is None or browser is None:
        missing = "node" if node is None else f"a browser ({' or '.join(BROWSERS)})"
        pytest.skip(f"{missing} is not installed: nothing is looked at in a browser")
    script = "import drawing; print(drawing.packages(tests=True))"
    done = python(script)
    if "RuntimeError" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    return SimpleNamespace(node=node, modules=done.stdout.strip(), browser=browser)


def python(script):
    """Run a script beside site/drawing.py in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "site")},
    )


def javascript(tools, script, *arguments):
    """What a script prints, a line of JSON each."""
    command = [tools.node, script, *arguments]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]
