"""Run notebooks quickly, two at once, and print what came of each: surroundings.py WAY NOTEBOOK …

A line of JSON a notebook: outcome → how often. WAY, what is tried:
    whole        the notebook runs, and its claims hold
    interrupted  each cell that lasts is interrupted and run again; after a cell that imports in a
                 new kernel, as the hint of `make lab` says; then all in the same kernel once more
    sections     the first code cell of each section is run on its own, in a kernel of `make lab`
"""

import asyncio
import functools
import json
import os
import random
import re
import sys
from collections import Counter
from pathlib import Path

import execute
import gates
import hints
import nbformat
import warm
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

PATIENCE = 600  # seconds for a cell: more is a hang
MOMENTS = (0.02, 1)  # seconds after a cell's beginning, short ones as often as long ones
ANSWER = 20  # seconds: ipykernel answers nothing where it was stopped beside the cell's own code
STOPPED = ("KeyboardInterrupt: ", "CellTimeoutError")
IMPORTS = re.compile(r"^(import|from) ", re.MULTILINE)


async def whole(client, _):
    """The notebook from its first cell to its last."""
    return Counter([await to_the_end(client) or "survived"])


async def interrupted(client, chance):
    """Its cells, most of them interrupted; then the notebook from its first cell to its last."""
    found = Counter()
    for cell in client.nb.cells:
        problem = await cut_short(client, cell, chance)
        stopped = problem.endswith(STOPPED)  # a quick cell ends first
        if stopped:
            again = [cell]
            if IMPORTS.search(cell.source):
                await client.km.restart_kernel(now=True)
                await client.kc.wait_for_ready(timeout=PATIENCE)
                again = client.nb.cells[: client.nb.cells.index(cell) + 1]
            problem = await run(client, again)
        if stopped or problem:
            found[problem or "survived"] += 1
        if problem:
            return found
    if problem := await to_the_end(client):
        found[problem] += 1
    return found


async def cut_short(client, cell, chance):
    """Run a cell and interrupt it at some moment; returns what it ended with."""
    seconds = MOMENTS[0] * (MOMENTS[1] / MOMENTS[0]) ** chance.random()

    async def interrupt():
        await asyncio.sleep(seconds)
        await client.km.interrupt_kernel()

    task = asyncio.create_task(interrupt())
    client.timeout = ANSWER
    problem = await run(client, [cell])
    client.timeout = PATIENCE
    task.cancel()
    return problem


async def sections(client, _):
    """The first cell of each section, where no other has run."""
    found = Counter()
    for cell in first_cells(client.nb):
        reset = nbformat.v4.new_code_cell("get_ipython().reset(new_session=False)")
        await client.async_execute_cell(reset, 0)
        problem = await run(client, [cell])
        hinted = any("Hint: " in output.get("text", "") for output in cell.outputs)
        found["named error" if problem and hinted else problem or "survived"] += 1
    return found


def first_cells(nb):
    """The first code cell of each section; the one before all of them is the set-up."""
    found, begun = [], False
    for cell in nb.cells:
        begun = begun or (cell.cell_type == "markdown" and (2 in dict(gates.headings(cell.source))))
        if begun and cell.cell_type == "code":
            found.append(cell)
            begun = False
    return found


async def to_the_end(client):
    """Run a notebook. Returns the error that ended it, or the claims not met, "" for none."""
    if problem := await run(client, client.nb.cells):
        return problem
    unmet = [claim["name"] for claim in gates.claims(client.nb) if claim["ok"] is False]
    return f"claims not met: {unmet}" if unmet else ""


async def run(client, cells):
    """Run these cells; returns the error that ended them, "" for none."""
    answers = []
    client.on_cell_executed = lambda execute_reply, **_: answers.append(execute_reply["content"])
    for cell in cells:
        number = client.nb.cells.index(cell)
        try:
            await client.async_execute_cell(cell, number)
            while answers and answers[-1]["status"] == "aborted":  # asked for as an error was told
                await client.async_execute_cell(cell, number)
        except CellExecutionError as error:
            return f"cell {number + 1}: {error.ename}: {error.evalue}"
        except (CellTimeoutError, DeadKernelError) as error:
            return f"cell {number + 1}: {type(error).__name__}"
    return ""


async def tell(way, path):
    """Try a notebook in a kernel of its own and print what came of it."""
    nb = nbformat.read(path, as_version=4)
    client = NotebookClient(nb, kernel_name=warm.NAME, timeout=PATIENCE)
    client.resources = {"metadata": {"path": str(path.parent)}}
    async with client.async_setup_kernel():
        found = await way(client, random.Random(path.stem))
    known = {"survived", "named error"}
    print(json.dumps({one if one in known else f"{path.stem}, {one}": found[one] for one in found}))


async def main(way, paths):
    """Try all of these notebooks."""
    jobs = [functools.partial(tell, way, path) for path in paths]
    with warm.kernels() as os.environ["JUPYTER_PATH"]:
        await execute.together(jobs, execute.AT_ONCE)


if __name__ == "__main__":
    startup = Path(hints.__file__).with_name("hints_startup.py")
    os.environ.update(COURSE_TIER="quick", COURSE_DATA="sample", TQDM_DISABLE="1")
    os.environ["PYTHONSTARTUP"] = str(startup)  # as in `make lab`
    ways = {"whole": whole, "interrupted": interrupted, "sections": sections}
    asyncio.run(main(ways[sys.argv[1]], map(Path, sys.argv[2:])))
