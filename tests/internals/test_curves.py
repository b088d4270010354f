"""Curves of one class against the rest: small enough to do by hand, or beside their own area."""

from helpers.evaluation import Evaluation

import numpy as np
import pytest


def test_roc_and_precision_recall_of_a_case_done_by_hand():
    # scores of class a: two positives .9 .4, two negatives .6 .2; 3 of 4 pairs in right order
    score = np.array([0.9, 0.6, 0.4, 0.2])
    evaluation = Evaluation([0, 1, 0, 1], np.column_stack([score, 1 - score]), ("a", "b"))
    assert evaluation.roc()[0].area == pytest.approx(3 / 4)
    assert evaluation.precision_recall()[0].area == pytest.approx((1 + 2 / 3) / 2)


def test_thinned_curves_keep_their_area_and_ends():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 40_000)
    score = 1 / (1 + np.exp(-(2 * labels - 1 + rng.normal(size=40_000))))
    evaluation = Evaluation(labels, np.column_stack([1 - score, score]), ("a", "b"))
    curve = evaluation.roc()[1]
    assert len(curve.x) < 2100
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(curve.area, abs=1e-3)
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
