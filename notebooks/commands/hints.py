"""Hints beside five errors of a learner's first hour, in every kernel that `make lab` starts.

hints_startup.py installs them. Python's own library does for all of it: a kernel may be of a Python
that has nothing else.
"""

import os
import re
import sys

IMPORTS = re.compile(r"^\s*(import|from)\s", re.MULTILINE)


def hint(error):
    """What to do about an error, in one sentence; None where there is nothing to say."""
    name = str(error.name)
    if isinstance(error, NameError):
        return (
            f"Hint: if {name!r} is spelt right, it comes from a cell further up that was not run "
            "(imports stand in the first code cell). Run > Run All Above Selected Cell, then this."
        )
    if name.partition(".")[0] in ("helpers", "keras"):
        return (
            f"Hint: this kernel is of {sys.executable}, which has no {name!r}. Expected is the "
            "course's own: Kernel > Change Kernel > Python 3 (ipykernel), in the lab that "
            "`make lab` opens."
        )
    if name == "plans":
        return (
            f"Hint: this notebook runs in {os.getcwd()}; expected is the folder notebooks of the "
            "course, in which plans lies. Copy the notebook there, and open it from there."
        )
    return None


def edited(seen):
    """The course's modules whose files have changed since they were first seen here, each once.

    Arguments: seen: name → time of its file, which this call keeps up.
    """
    found = []
    ours = [name for name in sys.modules if name.partition(".")[0] in ("helpers", "plans")]
    for name in ours:
        file = getattr(sys.modules[name], "__file__", None)
        if file and os.path.exists(file):
            time = os.path.getmtime(file)
            if seen.setdefault(name, time) != time:
                seen[name] = time
                found.append(name)
    return found


def install(shell):
    """Show a hint below an error, after a cell that was stopped as it imported, or an edit."""
    seen = {}

    def show(shell, kind, error, trace, tb_offset=None):
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        if words := hint(error):
            print(words, file=sys.stderr)

    def look(result):
        stopped = isinstance(result.error_in_exec, KeyboardInterrupt)
        if stopped and IMPORTS.search(result.info.raw_cell):
            print(
                "Hint: what was being imported when you stopped the cell may be half there. "
                "Kernel > Restart, then run the cells again.",
                file=sys.stderr,
            )
        if names := edited(seen):
            print(
                f"Hint: {', '.join(names)} changed after this kernel had loaded it, and what was "
                "loaded is still at work. Kernel > Restart, then run the cells again.",
                file=sys.stderr,
            )

    shell.set_custom_exc((NameError, ModuleNotFoundError), show)
    shell.events.register("post_run_cell", look)
