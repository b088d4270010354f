"""Run a notebook quickly and print what came of it: surroundings.py NOTEBOOK [SECONDS]

SECONDS: interrupt it after so many, then run it again from the top in the same kernel.
"""

import os
import sys
import threading
from pathlib import Path

import gates
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def run(path, interrupt=None):
    """What came of it, in words: "survived", or the cell that failed, or the claims not met."""
    nb = nbformat.read(path, as_version=4)
    client = NotebookClient(nb, timeout=None, resources={"metadata": {"path": str(path.parent)}})
    with client.setup_kernel():
        if interrupt is not None:
            timer = threading.Timer(interrupt, client.km.interrupt_kernel)
            timer.start()
            problem = execute(client)
            timer.cancel()
            if "KeyboardInterrupt" not in problem and problem:
                return problem
        problem = execute(client)
    unmet = [claim["name"] for claim in gates.claims(nb) if claim["ok"] is False]
    return problem or (f"claims not met: {unmet}" if unmet else "survived")


def execute(client):
    """Execute all cells; returns the error that ended it, "" for none."""
    for number, cell in enumerate(client.nb.cells):
        try:
            client.execute_cell(cell, number)
        except CellExecutionError as error:
            return f"cell {number + 1}: {error.ename}: {error.evalue}"
    return ""


if __name__ == "__main__":
    os.environ.update(COURSE_TIER="quick", COURSE_DATA="sample", TQDM_DISABLE="1")
    print(run(Path(sys.argv[1]), *map(float, sys.argv[2:])))
