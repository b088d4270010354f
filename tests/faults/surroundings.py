"""Run a notebook quickly and print what came of it: surroundings.py NOTEBOOK [SEED]

SEED: interrupt each cell at a moment that it chooses, and run it again; after a cell that imports
in a new kernel, as the hint of `make lab` says. At last run the whole notebook in the same kernel.
"""

import os
import random
import re
import sys
import threading
from pathlib import Path

import gates
import nbformat
from jupyter_client.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def run(path, seed=None):
    """What came of it, in words: "survived", or the cell that failed, or the claims not met."""
    nb = nbformat.read(path, as_version=4)
    client = NotebookClient(nb, timeout=None, resources={"metadata": {"path": str(path.parent)}})
    with client.setup_kernel():
        problem = interrupt_each(client, random.Random(seed)) if seed is not None else ""
        problem = problem or execute(client, nb.cells)
    unmet = [claim["name"] for claim in gates.claims(nb) if claim["ok"] is False]
    return problem or (f"claims not met: {unmet}" if unmet else "survived")


def interrupt_each(client, chance):
    """Interrupt each cell that lasts, and go on with it; returns what went wrong."""
    interrupt, interrupted = run_sync(client.km.interrupt_kernel), 0
    for number, cell in enumerate(client.nb.cells):
        timer = threading.Timer(chance.uniform(0.02, 0.5), interrupt)
        timer.start()
        problem = execute(client, [cell])
        timer.cancel()
        if "KeyboardInterrupt" in problem:  # a quick cell ends first
            interrupted += 1
            again = [cell]
            if re.search(r"^(import|from) ", cell.source, re.MULTILINE):
                run_sync(client.km.restart_kernel)(now=True)
                run_sync(client.kc.wait_for_ready)(timeout=60)
                again = client.nb.cells[: number + 1]
            problem = execute(client, again)
        if problem:
            return problem
    return "" if interrupted else "no cell ran long enough to be interrupted"


def execute(client, cells):
    """Execute these cells; returns the error that ended them, "" for none."""
    for cell in cells:
        number = client.nb.cells.index(cell)
        try:
            client.execute_cell(cell, number)
        except CellExecutionError as error:
            return f"cell {number + 1}: {error.ename}: {error.evalue}"
    return ""


if __name__ == "__main__":
    os.environ.update(COURSE_TIER="quick", COURSE_DATA="sample", TQDM_DISABLE="1")
    print(run(Path(sys.argv[1]), *map(int, sys.argv[2:])))
