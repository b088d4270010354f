"""What a network's probabilities say once you know what is read, and when to refuse a reading."""

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

ALIKE = ("0Oo", "1Il", "Cc", "Jj", "Kk", "Mm", "Pp", "Ss", "Uu", "Vv", "Ww", "Xx", "Yy", "Zz")
"""Characters that nobody can tell apart once they fill their picture: size and place are gone."""

STEPS = 20
"""Limits are tried that refuse 0, 1, 2, … of so many parts of the readings."""

KINDS = ("all", "digits", "letters")

# fmt: off
BYCLASS = dict(zip(
    string.digits + string.ascii_uppercase + string.ascii_lowercase,
    [
        435, 478, 438, 445, 426, 398, 428, 458, 424, 427,
        100, 74, 153, 83, 88, 132, 59, 67, 176, 73, 57, 85, 137,
        126, 328, 128, 56, 88, 276, 139, 173, 86, 84, 59, 83, 62,
        148, 90, 60, 149, 318, 58, 71, 132, 59, 51, 62, 208, 61,
        166, 61, 56, 65, 194, 60, 240, 62, 61, 60, 61, 55, 61,
    ],
    strict=True,
))
# fmt: on
"""Of 10,000 training images of networks/byclass.keras so many show each character: 125,422 of
EMNIST ByClass were counted, and 27,008 in fonts."""

# --- what is read -----------------------------------------------------------------------------


def of_kind(
    probabilities: np.ndarray,
    classes: Sequence[str],
    kind: str | Sequence[float] = "all",
    trained: Sequence[float] | None = None,
) -> np.ndarray:
    """Probabilities for what is read, which need not have the classes of the training data.

    A network expects what it was trained on: of EMNIST ByClass half are digits, so that it takes
    an O for a 0. Bayes' rule takes that expectation away and puts another in its place.

    Args:
        probabilities: float (n, k), rows sum to 1.
        classes: k names; the first character of each says whether it is a digit or a letter.
        kind: "all", as the network expects it; "digits" or "letters", only those; or the share of
            each class in what is read, (k,), 0 or more, not all 0.
        trained: the share of each class in the training data, (k,), with shares as `kind` only.

    Returns:
        float (n, k), rows sum to 1.

    Raises:
        ValueError: another kind, shares without `trained` or the reverse, or of another size.

    Source: Saerens, Latinne, Decaestecker (2002), doi:10.1162/089976602753284446. Taught in
    notebook 21.
    """
    probabilities = np.asarray(probabilities, float)
    if isinstance(kind, str):
        weights = _of_name(kind, classes, trained)
    else:
        weights = _shares("kind", kind, classes) / _shares("trained", trained, classes)
    if isinstance(kind, str) and kind == "all":
        return probabilities
    weighed = np.maximum(probabilities, np.finfo(np.float32).tiny) * weights
    return weighed / weighed.sum(axis=1, keepdims=True)


def expected(classes: Sequence[str], kind: str | Sequence[float] = "all") -> np.ndarray:
    """The share of each class that probabilities of `of_kind` go by.

    Args:
        classes: k names.
        kind: what `of_kind` was told.

    Returns:
        float (k,), none of them 0: `kind` if it is shares; those of byclass.keras if the classes
        are its 62; otherwise all are equal, as in EMNIST Balanced.
    """
    if not isinstance(kind, str):
        return np.maximum(np.asarray(kind, float), 1e-9)
    shares = BYCLASS if set(classes) == set(BYCLASS) else dict.fromkeys(classes, 1)
    return np.array([shares[name] for name in classes]) / sum(shares.values())


def _of_name(kind: str, classes: Sequence[str], trained: Sequence[float] | None) -> np.ndarray:
    """1 for each class of a kind, 0 for others."""
    if kind not in KINDS or trained is not None:
        raise ValueError(
            f"Expected kind to be one of {', '.join(KINDS)} and no trained, or the shares of the "
            f"{len(classes)} classes and trained; found kind={kind!r}, "
            f"trained={'None' if trained is None else 'shares'}. Choose one way."
        )
    digits = np.array([name[0].isdigit() for name in classes])
    chosen = {"all": digits | True, "digits": digits, "letters": ~digits}[kind]
    if not chosen.any():
        raise ValueError(f"Expected classes that are {kind}, found none. Pass another kind.")
    return chosen.astype(float)


def _shares(name: str, shares: Sequence[float] | None, classes: Sequence[str]) -> np.ndarray:
    """Shares as an array; those of the training data must not be 0, others not all 0."""
    values = np.asarray([] if shares is None else shares, float)
    fits = values.shape == (len(classes),) and np.isfinite(values).all() and (values >= 0).all()
    if not fits or not values.any() or (name == "trained" and not values.all()):
        raise ValueError(
            f"Expected {name} to be the shares of the {len(classes)} classes, found "
            f"{'none' if shares is None else values.shape}, or shares that are negative, nan or 0. "
            "Of training data they are np.bincount(split.labels) / len(split.labels)."
        )
    return values


# --- when to refuse ---------------------------------------------------------------------------


def merged(
    probabilities: np.ndarray, classes: Sequence[str], groups: Sequence[str] = ALIKE
) -> np.ndarray:
    """The probability of each class and those that look like it, together.

    0 with .5 and O with .4 is no doubt about the shape: it is one of the two with .9.

    Args:
        probabilities: float (n, k).
        classes: k names; the first character of each counts.
        groups: characters that look alike, each in one group at most.

    Returns:
        float (n, k); classes of one group have the same value, so that rows sum to 1 or more.

    Taught in notebook 21.
    """
    return np.asarray(probabilities, float) @ _same(classes, groups)


def _same(classes: Sequence[str], groups: Sequence[str]) -> np.ndarray:
    """Which classes count as the same, bool (k, k)."""
    group = {sign: signs for signs in groups for sign in signs}
    names = np.array([group.get(name[0], name) for name in classes])
    return names[:, None] == names


@dataclass(frozen=True)
class Limit:
    """Where to stop reading.

    Attributes:
        limit: readings with a merged probability below it are refused, 0 … 1.
        coverage: share of the tuning set that is read, 0 … 1.
        error: share of those that are read wrongly, 0 … 1.
    """

    limit: float
    coverage: float
    error: float


def limit(
    probabilities: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    error: float,
    groups: Sequence[str] = ALIKE,
    confidence: float = 0.95,
) -> Limit:
    """The lowest probability from which on a promise about errors can be made.

    The promise: of what is read, at most this share is wrong, look-alikes counted as right. It
    holds for pictures from where the tuning set came from, in 95 of 100 tuning sets; other hands
    keep no promise that was made for these.

    Args:
        probabilities: float (n, k), of a tuning set that is used for nothing else.
        labels: integer (n,), true classes.
        classes: k names.
        error: wanted, above 0 and below 1.
        groups: as for `merged`.
        confidence: in how many of 1 tuning sets the promise holds, above 0 and below 1.

    Raises:
        ValueError: no such promise can be made with this set.

    Source: the bound of Geifman, El-Yaniv (2017), arXiv:1705.08500, for each of `STEPS` limits.
    Taught in notebook 21.
    """
    same = _same(classes, groups)
    surest = merged(probabilities, classes, groups)
    right = same[surest.argmax(axis=1), np.asarray(labels)]
    sure = surest.max(axis=1)
    for tried in np.quantile(sure, np.arange(STEPS) / STEPS, method="lower"):
        read = sure >= tried
        count, wrong = read.sum(), (~right[read]).sum()
        chance = 1 - (1 - confidence) / STEPS  # one bound for each, all of them together
        if wrong < count and stats.beta.ppf(chance, wrong + 1, count - wrong) <= error:
            return Limit(float(tried), float(read.mean()), float(wrong / count))
    raise ValueError(
        f"Expected a tuning set that allows to promise an error of {error:.1%}, found that its "
        f"{len(sure):,} readings do not. Promise less, or take more readings."
    )
