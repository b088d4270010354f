"""With this file `pytest --nbval notebooks` also fails where a cell's claim is not met."""

import os

from helpers.internals.claims import CLAIM
from helpers.internals.tiers import CUT

import pytest

os.environ.pop("MPLBACKEND", None)  # the kernels then take the backend that shows figures


def pytest_collection_modifyitems(items):
    """What the quick tier says of itself is not compared: committed outputs are the full tier's."""
    for item in items:
        if hasattr(item, "compare_outputs"):
            item.compare_outputs = without_cuts(item.compare_outputs)


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
