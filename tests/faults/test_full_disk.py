"""A disk that gets full at any stage: the error says so, and with more room the next load is right.

The disk is a tmpfs of so many kilobytes, mounted where only the process that tries can see it; that
needs root. tests/archives/test_download.py holds one stage by a limit on the size of files.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import loads
import pytest
from loads import LETTERS, MNIST

COUNTS = {LETTERS: (300, 60), MNIST: (200, 40)}
SCRIPT = Path(__file__).with_name("full_disk.py")
PRIVATE = ["unshare", "--mount"]


def can_mount(folder):
    """Whether this user may mount a disk of memory on a folder."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    tried = [*PRIVATE, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
    return subprocess.run(tried, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_a_disk_that_gets_full_at_any_stage(name, tmp_path, tally, trials):
    if not can_mount(tmp_path):
        pytest.skip("only root on Linux may mount a small disk")
    files = loads.published(COUNTS)
    for path, content in files.items():
        (tmp_path / path).write_bytes(content)
    with loads.Server(files) as server:
        words = [name, str(tmp_path), server.url, str(trials(100)), loads.right(name, COUNTS)]
        seen = subprocess.run(
            [*PRIVATE, sys.executable, SCRIPT, *words],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=True,
        )
    outcomes = json.loads(seen.stdout.splitlines()[-1])
    for outcome, count in outcomes.items():
        tally(f"disk full while {name} is loaded", outcome, count)
    assert outcomes["named error"] > 0
