"""What is unlike everything known has a high score; few characters are lost."""

from helpers.handwriting import unknown

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis


def classes(count=400, seed=0):
    """Features of three classes in four dimensions, stretched unevenly, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=count)
    middles = np.array([[6, 0, 0, 0], [0, 9, 0, 0], [-6, -5, 0, 0]], float)
    return middles[labels] + rng.normal(0, [1, 1, 0.3, 3], (count, 4)), labels


def test_the_score_is_the_difference_of_two_mahalanobis_distances():
    features, labels = classes()
    known = unknown.Known.of(features, labels)
    off = features - np.stack([features[labels == one].mean(axis=0) for one in range(3)])[labels]
    within, whole = (part.T @ part / len(part) for part in (off, features - features.mean(axis=0)))
    image = np.array([1.0, -2, 0.5, 4])
    nearest = min(
        mahalanobis(image, features[labels == one].mean(axis=0), np.linalg.inv(within)) ** 2
        for one in range(3)
    )
    everything = mahalanobis(image, features.mean(axis=0), np.linalg.inv(whole)) ** 2
    assert known.score(image[None])[0] == pytest.approx(nearest - everything, rel=0.05)


def test_what_lies_between_classes_is_refused_and_few_of_them_are_lost():
    known = unknown.Known.of(*classes())
    limit = known.limit(classes(seed=1)[0], lost=0.05)
    assert (known.score(classes(seed=2)[0]) > limit).mean() == pytest.approx(0.05, abs=0.04)
    between = np.array([[0.0, 1, 0, 0], [1, 0, 0, 1], [3, 4, 0, -1]])
    assert (known.score(between) > limit).all()


def test_labels_need_not_be_numbered_without_gaps():
    features, labels = classes()
    some = unknown.Known.of(features, labels).score(features[:5])
    assert np.allclose(unknown.Known.of(features, 10 * labels + 7).score(features[:5]), some)


def test_features_that_never_change_are_no_trouble():
    features, labels = classes()
    flat = np.hstack([features, np.zeros((len(features), 2))])
    assert np.isfinite(unknown.Known.of(flat, labels).score(flat)).all()


@pytest.mark.parametrize("features, labels", [
    (np.ones((3, 2)), np.ones(4)),
    (np.ones(3), np.ones(3)),
    (np.ones((1, 2)), np.ones(1)),
])  # fmt: skip
def test_features_and_labels_must_fit(features, labels):
    with pytest.raises(ValueError, match=r"Expected features \(n, d\) and n labels"):
        unknown.Known.of(features, labels)
