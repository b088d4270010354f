"""With this file `pytest --nbval notebooks` also fails where a cell's claim is not met."""

import os

from helpers.internals.claims import CLAIM

import pytest

os.environ.pop("MPLBACKEND", None)  # the kernels then take the backend that shows figures


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """After nbval has run a cell: it compares outputs, and most cells tell it not to."""
    result = yield
    outputs = getattr(item, "test_outputs", None) or []
    claims = [output["data"][CLAIM] for output in outputs if CLAIM in output.get("data", {})]
    unmet = [f"{claim['name']} (value {claim['value']})" for claim in claims if not claim["ok"]]
    if unmet:
        raise AssertionError(f"claims not met: {', '.join(unmet)}")
    return result
