"""The course's own rules: the two tiers, seeds, claims, and showing a helper's source."""

import inspect
import os
import textwrap
from collections.abc import Callable
from importlib.metadata import version

from helpers import preflight
from helpers.internals import claims
from helpers.internals.backend import keras

from IPython.display import Markdown, display

loaded = {}
"""Name → data set, of those that this notebook has loaded: claims and the stamp say so."""


def tier() -> str:
    """Which of the two tiers is on: everything ("full") or a short run ("quick").

    What the environment variable COURSE_TIER says; "full" where it is unset. Taught in notebook 00.

    Raises:
        ValueError: COURSE_TIER says something else.
    """
    value = os.environ.get("COURSE_TIER", "full")
    if value not in ("full", "quick"):
        raise ValueError(
            f"COURSE_TIER is {value!r}; expected one of full, quick. "
            "Unset it (full) or set COURSE_TIER=quick."
        )
    return value


def start(seed: int) -> None:
    """Begin a notebook: seed Python, NumPy and Keras, and print what it runs on.

    Taught in notebook 00.

    Args:
        seed: whole number; the same seed on the same machine gives the same numbers.

    Raises:
        ValueError: COURSE_TIER or COURSE_DATA is misspelt.
    """
    from helpers.archives import download

    loaded.clear()
    keras.utils.set_random_seed(seed)
    backend = keras.backend.backend()
    print(
        f"{tier()} tier · data: {download.source_name()} · seed {seed} · "
        f"Keras {keras.__version__} on {backend} {version(backend)} · {preflight.cores()} cores"
    )


def claim(
    name: str,
    value: float,
    *,
    expected: float | None = None,
    within: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    exactly: float | None = None,
    quick: float | None = None,
    report: float | None = None,
    images: int | None = None,
    seconds: float | None = None,
    reason: str | None = None,
) -> None:
    """State a number and check it, so that text and results cannot drift apart.

    Shows one line, and leaves an output from which `make outputs` fills the text and `make results`
    the README. An unmet claim says so and stops nothing; the checks stop a notebook that holds one.
    Taught in notebook 00.

    Args:
        name: what the number is, e.g. "dense network, test accuracy".
        value: the measured number.
        expected: what it was when the text was written.
        within: how far from that it may be: half of the last digit that the text gives where all is
            deterministic, about three standard deviations over seeds for a training.
        at_least: lower bound in the full tier, instead.
        at_most: upper bound in the full tier, instead.
        exactly: the value it must have, in both tiers (parameter counts).
        quick: its only bound in the quick tier, where little is trained, from below. Without it
            the claim is not judged there.
        report: the figure in the source report, shown beside ours.
        images: number of training images behind the number.
        seconds: seconds of training behind the number.
        reason: why the bounds are wide, where they are.

    Raises:
        ValueError: no bound: a claim that cannot fail is none.
    """
    fact = {"name": name, "value": value, "expected": expected, "within": within}
    fact |= {"at_least": at_least, "at_most": at_most, "exactly": exactly, "report": report}
    fact |= {"images": images, "seconds": seconds} | ({"reason": reason} if reason else {})
    fact = claims.checked(fact, tier(), quick)
    if exactly is None:  # an exact fact is the same in every tier and on all data
        sample = any(dataset.sample for dataset in loaded.values())
        fact |= {"tier": tier(), "data": "sample" if sample else "real"}
    display({"text/plain": claims.line(fact), claims.CLAIM: fact}, raw=True)


def show(function: Callable) -> Markdown:
    """Show the source of a helper that is the lesson of a section, so text and package agree.

    Taught in notebook 02.

    Args:
        function: any function or class of the package.

    Returns:
        A code block that Jupyter renders.
    """
    source = textwrap.dedent(inspect.getsource(function))  # a method is indented
    return Markdown(f"```python\n{source}```")
