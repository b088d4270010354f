"""With this file `pytest --nbval notebooks` also runs solutions, and fails for unmet claims."""

import contextlib
import os
import sys
from collections import defaultdict
from pathlib import Path

from helpers.internals.claims import CLAIM
from helpers.internals.tiers import CUT

import pytest
from nbformat.v4 import new_code_cell

sys.path.insert(0, str(Path(__file__).parent / "commands"))
import prose
import warm

os.environ.pop("MPLBACKEND", None)  # the kernels then take the backend that shows figures


def pytest_configure(config):
    """For `--nbval-kernel-name warm`: kernels that start at once, those of other processes too."""
    if config.getoption("nbval_kernel_name") == warm.NAME and not hasattr(config, "workerinput"):
        kernels = contextlib.ExitStack()
        os.environ["JUPYTER_PATH"] = kernels.enter_context(warm.kernels())
        config.add_cleanup(kernels.close)


def pytest_collection_modifyitems(items):
    """After a notebook's last cell, the solutions of its exercises run in the same kernel.

    What the quick tier says of itself is not compared: committed outputs are the full tier's.
    """
    cells = [item for item in items if hasattr(item, "compare_outputs")]
    last = {item.parent: item for item in cells}
    for notebook, item in last.items():
        place = items.index(item) + 1
        items[place:place] = solution_items(notebook, type(item))
    for item in cells:
        item.compare_outputs = without_cuts(item.compare_outputs)


def solution_items(notebook, cell_type):
    """nbval's items for the solutions in a notebook's text; nothing is compared."""
    for number, source in enumerate(prose.solutions(notebook.nb), 1):
        yield cell_type.from_parent(
            notebook,
            name=f"Solution {number}",
            cell_num=len(notebook.nb.cells) + number,
            cell=new_code_cell(source),
            options=defaultdict(bool),
        )


def without_cuts(compare):
    """nbval's comparison of a cell's outputs, but for the lines that say what was cut."""

    def compared(test, ref, skip_compare=None):
        return compare([out for out in test if CUT not in out.get("data", {})], ref, skip_compare)

    return compared


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """After nbval has run a cell: it compares outputs, and most cells tell it not to."""
    result = yield
    outputs = getattr(item, "test_outputs", None) or []
    claims = [output["data"][CLAIM] for output in outputs if CLAIM in output.get("data", {})]
    unmet = [
        f"{claim['name']} (value {claim['value']})" for claim in claims if claim["ok"] is False
    ]
    if unmet:
        raise AssertionError(f"claims not met: {', '.join(unmet)}")
    return result
