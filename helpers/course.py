"""The course's own rules: the two tiers, seeds, claims, and showing a helper's source."""

import inspect
import math
import os
import platform
from importlib.metadata import version

from helpers import preflight
from helpers._keras import keras

from IPython.display import Markdown, display

TIERS = ("full", "quick")
CLAIM = "application/vnd.course.claim+json"
QUICK_SHARE = 0.1
"""In the quick tier a lower bound is judged at this share of itself: a sanity check, no more."""

_loaded = {}  # name → what `record` keeps of a data set, for claims and the stamp


def tier():
    """Which of the two tiers is on: everything (`"full"`) or a short run (`"quick"`).

    Returns: what the environment variable COURSE_TIER says; `"full"` where it is unset.
    Raises: ValueError where COURSE_TIER says something else.
    Taught in notebook 00.
    """
    value = os.environ.get("COURSE_TIER", "full")
    if value not in TIERS:
        raise ValueError(
            f"COURSE_TIER is {value!r}; expected one of {', '.join(TIERS)}. "
            "Unset it (full) or set COURSE_TIER=quick."
        )
    return value


def start(seed):
    """Begin a notebook: seed Python, NumPy and Keras, and print what it runs on.

    Arguments: seed: whole number; the same seed on the same machine gives the same numbers.
    Raises: ValueError where COURSE_TIER or COURSE_DATA is misspelt.
    Taught in notebook 00.
    """
    from helpers.archives import download

    _loaded.clear()
    keras.utils.set_random_seed(seed)
    backend = keras.backend.backend()
    print(
        f"{tier()} tier · data: {download.source_name()} · seed {seed} · "
        f"Keras {keras.__version__} on {backend} {version(backend)} · {preflight.cores()} cores"
    )


def record(dataset):
    """Remember a data set that was loaded, for claims and the stamp (called by `data.load`)."""
    _loaded[dataset.name] = {
        "text": dataset.describe(),
        "images": len(dataset.train),
        "sample": dataset.sample,
    }


def stamp():
    """What a notebook ran on, for its metadata: tier, data, number of images, versions, machine.

    Returns: a dictionary that json can write. "images" counts the training images of each data set.
    """
    packages = ["keras", keras.backend.backend(), "numpy", "matplotlib", "scikit-learn"]
    return {
        "tier": tier(),
        "data": [entry["text"] for entry in _loaded.values()],
        "images": {name: entry["images"] for name, entry in _loaded.items()},
        "sample": _on_sample(),
        "versions": {name: version(name) for name in packages},
        "python": platform.python_version(),
        "machine": preflight.machine(),
        "backend": keras.backend.backend(),
    }


def _on_sample():
    """Whether a data set that was loaded is the built-in sample."""
    return any(entry["sample"] for entry in _loaded.values())


def claim(
    name,
    value,
    *,
    at_least=None,
    at_most=None,
    exactly=None,
    quick=None,
    report=None,
    images=None,
    seconds=None,
):
    """State a number and check it, so that text and results cannot drift apart.

    Shows one line (what, value, bound, the report's figure) and leaves a machine-readable output
    from which `make results` fills the README. An unmet claim says so and stops nothing; the
    checks on notebooks stop a notebook that holds one.

    Arguments:
        name: what the number is, e.g. "dense network, test accuracy".
        value: the measured number.
        at_least, at_most: bounds it must keep in the full tier.
        quick: its only bound in the quick tier, where little is trained: from below, a tenth of
            at_least (ten times it below 0) unless you say otherwise; from above if at_most stands
            alone, none unless you say one. A difference needs quick=-1 (or 1): there it may have
            either sign.
        exactly: the value it must have, in both tiers (parameter counts).
        report: the figure in the source report, shown beside ours.
        images: number of training images behind the number.
        seconds: seconds of training behind the number.
    Returns: nothing. Raises: ValueError where no bound is given: a claim that cannot fail is none.
    Taught in notebook 00.
    """
    if at_least is None and at_most is None and exactly is None:
        raise ValueError(f"claim {name!r} has no bound; give at_least, at_most or exactly.")
    numbers = {
        "value": value,
        "at_least": at_least,
        "at_most": at_most,
        "exactly": exactly,
        "report": report,
        "images": images,
        "seconds": seconds,
    }
    fact = {"name": name}
    fact |= {
        key: number.item() if hasattr(number, "item") else number for key, number in numbers.items()
    }
    fact["ok"] = bool(_holds(fact["value"], at_least, at_most, exactly, quick))
    fact["value"] = fact["value"] if math.isfinite(fact["value"]) else str(fact["value"])
    if exactly is None:  # an exact fact is the same in every tier and on all data
        fact |= {"tier": tier(), "data": "sample" if _on_sample() else "real"}
    display({"text/plain": _line(fact), CLAIM: fact}, raw=True)


def _holds(value, at_least, at_most, exactly, quick):
    """Whether a value keeps its bounds, judged as the tier says."""
    if not math.isfinite(value):
        return False
    if exactly is not None and value != exactly:
        return False
    if tier() == "quick":
        if at_least is None:
            at_most = quick
        else:
            at_most = None
            at_least = _much_less(at_least) if quick is None and at_least else quick
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)


def _much_less(bound):
    """A tenth of a lower bound; ten times one below 0."""
    return bound * QUICK_SHARE if bound > 0 else bound / QUICK_SHARE


def _line(fact):
    """The one line that a claim shows."""
    words = {"exactly": "exactly", "at_least": "≥", "at_most": "≤"}
    bounds = [f"{words[key]} {_number(fact[key])}" for key in words if fact[key] is not None]
    parts = [f"{fact['name']}: {_number(fact['value'])}", " and ".join(bounds)]
    parts += [f"report {_number(fact['report'])}"] if fact["report"] is not None else []
    parts += [f"{fact['images']:,} images"] if fact["images"] else []
    parts += [f"{fact['seconds']:.0f} s"] if fact["seconds"] else []
    parts += ["quick tier, sanity bound only"] if fact.get("tier") == "quick" else []
    parts += ["on the built-in sample"] if fact.get("data") == "sample" else []
    return ("holds" if fact["ok"] else "NOT MET") + " | " + " | ".join(parts)


def _number(value):
    """A number with as many digits as a reader wants: 473,631 or 0.9762."""
    if isinstance(value, str):  # what is not a number, such as nan
        return value
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}"


def show(function):
    """Show the source of a helper that is the lesson of a section, so text and package agree.

    Arguments: function: any function or class of the package.
    Returns: a Markdown object that Jupyter renders as a code block.
    Taught in notebook 02.
    """
    return Markdown(f"```python\n{inspect.getsource(function)}```")
