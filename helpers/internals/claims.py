"""When a claim holds, and the line that it shows; `course.claim` makes claims."""

import math

CLAIM = "application/vnd.course.claim+json"
"""The kind of output that holds what a claim says, for `make results` and the checks."""

QUICK_SHARE = 0.1
"""In the quick tier a lower bound is judged at this share of itself: a sanity check, no more."""


def quick_bounds(
    at_least: float | None, at_most: float | None, quick: float | None
) -> tuple[float | None, float | None]:
    """The bounds of a claim in the quick tier: one at most.

    Args:
        at_least: lower bound in the full tier.
        at_most: upper bound in the full tier.
        quick: bound in the quick tier, from above where at_most stands alone.

    Returns:
        (at_least, at_most) for the quick tier; unless said, a tenth of at_least, ten times it
        below 0.
    """
    if at_least is None:
        return None, quick
    if quick is None and at_least:
        return at_least * QUICK_SHARE if at_least > 0 else at_least / QUICK_SHARE, None
    return quick, None


def holds(
    value: float, at_least: float | None, at_most: float | None, exactly: float | None
) -> bool:
    """Whether a number keeps its bounds; nan and infinity keep none.

    Args:
        value: the number.
        at_least: lower bound, which it may equal.
        at_most: upper bound, which it may equal.
        exactly: what it must equal.
    """
    return bool(
        math.isfinite(value)
        and (at_least is None or value >= at_least)
        and (at_most is None or value <= at_most)
        and (exactly is None or value == exactly)
    )


def line(fact: dict[str, object]) -> str:
    """The line that a claim shows.

    Args:
        fact: what `course.claim` leaves for machines.
    """
    words = {"exactly": "exactly", "at_least": "≥", "at_most": "≤"}
    bounds = [f"{words[key]} {_number(fact[key])}" for key in words if fact[key] is not None]
    parts = [f"{fact['name']}: {_number(fact['value'])}", " and ".join(bounds)]
    parts += [f"report {_number(fact['report'])}"] if fact["report"] is not None else []
    parts += [f"{fact['images']:,} images"] if fact["images"] else []
    parts += [f"{fact['seconds']:.0f} s"] if fact["seconds"] else []
    parts += ["quick tier, sanity bound only"] if fact.get("tier") == "quick" else []
    parts += ["on the built-in sample"] if fact.get("data") == "sample" else []
    return ("holds" if fact["ok"] else "NOT MET") + " | " + " | ".join(parts)


def _number(value: float | str) -> str:
    """A number with as many digits as a reader wants: 473,631 or 0.9762."""
    if isinstance(value, str):  # what is not a number, such as nan
        return value
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}"
