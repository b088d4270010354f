"""When a claim holds, and the line that it shows; `course.claim` makes claims."""

import math

CLAIM = "application/vnd.course.claim+json"
"""The kind of output that holds what a claim says, for `make results` and the checks."""

UNITS = {"exactly": "exactly", "at_least": "≥", "at_most": "≤"}
JUDGED = {True: "holds", False: "NOT MET", None: "not judged in the quick tier"}


def checked(fact: dict[str, object], tier: str, quick: float | None) -> dict[str, object]:
    """A claim with its verdict.

    Args:
        fact: name, value, expected, within, at_least, at_most, exactly, and more to be shown.
        tier: "full" or "quick".
        quick: the only bound in the quick tier, from below; None: not judged there.

    Returns:
        The same as numbers and texts that json can write, and "ok": whether the value keeps its
        bounds, None where the quick tier has none. In the quick tier also "judged": those bounds.

    Raises:
        ValueError: no bound: a claim that cannot fail is none.
    """
    fact = {key: one.item() if hasattr(one, "item") else one for key, one in fact.items()}
    expected, within = fact.pop("expected"), fact.pop("within")
    if (expected is None) != (within is None) or (expected is not None and not within > 0):
        raise ValueError(
            f"claim {fact['name']!r} expects {expected} within {within}; give both, within above 0."
        )
    if expected is not None:
        fact |= {"at_least": expected - within, "at_most": expected + within}
    bounds = {key: fact[key] for key in UNITS}
    if all(bound is None for bound in bounds.values()):
        raise ValueError(
            f"claim {fact['name']!r} has no bound; give expected and within, at_least, at_most or "
            "exactly."
        )
    if tier == "quick" and bounds["exactly"] is None:
        bounds = fact["judged"] = {"at_least": quick, "at_most": None, "exactly": None}
    value = fact["value"]
    fact["ok"] = _holds(value, **bounds)
    if fact["ok"] and all(bound is None for bound in bounds.values()):
        fact["ok"] = None
    fact["value"] = value if math.isfinite(value) else str(value)
    return fact


def _holds(
    value: float, at_least: float | None, at_most: float | None, exactly: float | None
) -> bool:
    """Whether a number keeps its bounds, which it may equal; nan and infinity keep none."""
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
    judged = fact.get("judged", fact)
    bounds = [f"{UNITS[key]} {_number(judged[key])}" for key in UNITS if judged[key] is not None]
    parts = [f"{fact['name']}: {_number(fact['value'])}"]
    parts += [" and ".join(bounds) + " in the quick tier" * ("judged" in fact)] if bounds else []
    parts += [f"report {_number(fact['report'])}"] if fact["report"] is not None else []
    parts += [f"{fact['images']:,} images"] if fact["images"] else []
    parts += [f"{fact['seconds']:.0f} s"] if fact["seconds"] else []
    parts += ["on the built-in sample"] if fact.get("data") == "sample" else []
    return " | ".join([JUDGED[fact["ok"]], *parts])


def _number(value: float | str) -> str:
    """A number with as many digits as a reader wants: 473,631 or 0.9762 or 3.1e-05."""
    if isinstance(value, str):  # what is not a number, such as nan
        return value
    if isinstance(value, float):
        return f"{value:.4f}" if value == 0 or abs(value) >= 0.001 else f"{value:.2g}"
    return f"{value:,}"
