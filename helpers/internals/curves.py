"""Curves of one class against all others: points to draw, and the area under them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn import metrics


@dataclass(frozen=True)
class Curve:
    """One class against all others; without points, area nan, where there is nothing to tell apart.

    Attributes:
        name: of the class.
        x: of the points, float (points,), 0 … 1, thinned.
        y: of the points, likewise.
        area: under the whole curve, 0 … 1.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    area: float


def roc(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> tuple[Curve, ...]:
    """ROC curve of each class: x false positive, y true positive rate.

    Args:
        labels: integer (n,), true classes.
        probabilities: float (n, classes).
        classes: their names.

    Source: Fawcett 2006, doi:10.1016/j.patrec.2005.10.010. Taught in notebook 03.
    """
    return _each_class(_roc, labels, probabilities, classes)


def precision_recall(
    labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> tuple[Curve, ...]:
    """Precision–recall curve of each class: x recall, y precision.

    Its area is the average precision, the area under the steps.

    Args:
        labels: integer (n,), true classes.
        probabilities: float (n, classes).
        classes: their names.

    Taught in notebook 03.
    """
    return _each_class(_precision_recall, labels, probabilities, classes)


def _each_class(
    curve: Callable, labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> tuple[Curve, ...]:
    """A curve of each class; an undefined one where all images are of it, or none."""
    curves = []
    for index, name in enumerate(classes):
        positive = labels == index
        defined = positive.any() and not positive.all()
        undefined = np.empty(0), np.empty(0), float("nan")
        found = curve(positive, probabilities[:, index]) if defined else undefined
        curves.append(Curve(name, *found))
    return tuple(curves)


def _roc(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    x, y, _ = metrics.roc_curve(positive, score)
    return *_thin(x, y), float(metrics.auc(x, y))


def _precision_recall(
    positive: np.ndarray, score: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    precision, recall, _ = metrics.precision_recall_curve(positive, score, drop_intermediate=True)
    return *_thin(recall, precision), float(metrics.average_precision_score(positive, score))


def _thin(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop points in the same 1/1000 of the square as the one before; keep both ends."""
    cells = np.round(np.column_stack([x, y]) * 1000)
    keep = np.r_[True, (np.diff(cells, axis=0) != 0).any(axis=1)]
    keep[-1] = True
    return x[keep], y[keep]
