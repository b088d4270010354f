"""The Python files of the site, which is no package, as modules."""

import importlib.util
from pathlib import Path

SITE = Path(__file__).resolve().parents[2] / "site"


def load(name):
    """site/NAME.py, executed anew, so that it sees the environment of now."""
    spec = importlib.util.spec_from_file_location(f"site_{name}", SITE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
