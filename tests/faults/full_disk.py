"""Load a data set on disks of more and more kilobytes; print as JSON how often each outcome came.

full_disk.py NAME FOLDER URL TRIALS RIGHT: FOLDER holds what the server at URL serves; RIGHT is the
digest of what a load has to give.
"""

import collections
import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import loads

ROOM = 4096  # kilobytes, enough for all


def resize(disk, kilobytes):
    """Give a disk another size."""
    command = ["mount", "-t", "tmpfs", "-o", f"remount,size={kilobytes}k", "tmpfs", disk]
    subprocess.run(command, check=True)


def used(disk):
    """How many kilobytes lie on a disk."""
    state = os.statvfs(disk)
    return (state.f_blocks - state.f_bfree) * state.f_frsize // 1024


def attempt(name, disk, kilobytes, right):
    """Load on a disk of so many kilobytes, and again with room. Returns: the outcome."""
    shutil.rmtree(disk / "home", ignore_errors=True)
    os.environ |= loads.home(disk / "home")
    resize(disk, kilobytes)
    found = loads.load(name)
    resize(disk, ROOM)
    again = loads.load(name)
    if again != right:
        return f"with room: {again}"
    if found == right:
        return "survived"
    says = "No space left" in found or "Free some space" in found  # NumPy's words are others
    return "named error" if found.startswith("named error: ") and says else found


def main(name, folder, url, trials, right):
    """Sizes from nothing to more than is needed, evenly."""
    os.environ.pop("COURSE_DATA", None)
    disk = Path(folder) / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}k", "tmpfs", disk], check=True)
    os.environ |= loads.home(disk / "home")
    files = {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}
    with open(os.devnull, "w", encoding="utf-8") as nothing, contextlib.redirect_stdout(nothing):
        loads.visit(url, files)
        assert loads.load(name) == right
        most = 1.1 * used(disk)
        sizes = [4 + int(most * number / (int(trials) - 1)) for number in range(int(trials))]
        found = collections.Counter(attempt(name, disk, size, right) for size in sizes)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
