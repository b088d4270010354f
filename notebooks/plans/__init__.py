"""The plans of all studies, one file for each notebook that has studies.

A plan says which settings are trained; its recipe turns a setting into a network and the options of
its training. `make studies` trains the rows that the tables, in studies/, lack.
"""

import importlib
import pkgutil

from helpers import studies


def every():
    """Every plan of the course, each once, in the order of the notebooks: list of studies.Plan."""
    found = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        if module.startswith("notebook_"):
            for value in vars(importlib.import_module(f"{__name__}.{module}")).values():
                for plan in _plans(value):
                    if found.setdefault(plan.name, plan) is not plan:
                        raise ValueError(f"two plans are named {plan.name!r}; expected one")
    return list(found.values())


def _plans(value):
    """The plans in a value of a module: itself, or those in a list, a tuple or a dict."""
    if isinstance(value, dict):
        value = list(value.values())
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if isinstance(one, studies.Plan)]
