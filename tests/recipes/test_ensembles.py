"""Probabilities are combined by the stated rule; differences between members are counted right."""

from helpers import models
from helpers.recipes import augmentation, ensembles

import numpy as np
import pytest

# two classes, five images, three members
PROBABILITIES = np.array(
    [
        [[0.9, 0.1], [0.6, 0.4], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]],
        [[0.8, 0.2], [0.6, 0.4], [0.6, 0.4], [0.4, 0.6], [0.9, 0.1]],
        [[0.7, 0.3], [0.1, 0.9], [0.7, 0.3], [0.2, 0.8], [0.8, 0.2]],
    ]
)
LABELS = np.array([0, 0, 0, 0, 0])


def many(seed=0, members=4, images=500, classes=5):
    """Labels, and members of which the first is good and each next one is nearer to guessing."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, images)
    scores = random.normal(size=(members, images, classes))
    scores += np.linspace(3, 0, members)[:, None, None] * np.eye(classes)[labels]
    powers = np.exp(scores)
    return powers / powers.sum(axis=-1, keepdims=True), labels


def test_the_mean_is_over_members_and_its_rows_sum_to_1():
    combined = ensembles.mean(PROBABILITIES)
    assert combined[0] == pytest.approx([0.8, 0.2]) and combined.sum(axis=1) == pytest.approx(1)
    assert ensembles.mean(PROBABILITIES, [0, 0, 1]) == pytest.approx(PROBABILITIES[2])


def test_a_vote_and_a_mean_may_differ():
    assert ensembles.mean(PROBABILITIES).argmax(axis=1).tolist() == [0, 1, 0, 1, 0]
    assert ensembles.vote(PROBABILITIES).argmax(axis=1).tolist() == [0, 0, 0, 1, 0]
    assert ensembles.vote(PROBABILITIES).sum(axis=1) == pytest.approx(1)


def test_where_votes_are_equal_the_mean_decides():
    two = np.array([[[0.1, 0.9]], [[0.7, 0.3]]])
    assert ensembles.vote(two).argmax() == ensembles.vote(two[::-1]).argmax() == 1
    assert ensembles.vote(two)[0] == pytest.approx([(1 + 0.4) / 3, (1 + 0.6) / 3])


def test_stacking_trusts_the_better_members_and_is_likelier_than_the_plain_mean():
    probabilities, labels = many()
    weights = ensembles.stack(probabilities, labels)
    assert weights.sum() == pytest.approx(1) and weights.min() >= 0
    assert weights[0] > weights[1] > weights[3]

    def likelihood(probabilities):
        return np.log(probabilities[np.arange(len(labels)), labels]).mean()

    plain, weighted = ensembles.mean(probabilities), ensembles.mean(probabilities, weights)
    assert likelihood(weighted) > likelihood(plain)


def test_stacking_survives_images_whose_true_class_gets_nothing():
    certain = np.array([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.6, 0.4]]])
    assert ensembles.stack(certain, np.array([1, 1])) == pytest.approx([0, 1], abs=1e-2)


def test_stacking_gives_nothing_to_a_member_that_knows_nothing():
    probabilities, labels = many(members=2)
    probabilities[1] = 1 / probabilities.shape[-1]
    assert ensembles.stack(probabilities, labels)[1] < 0.2


def test_disagreement_counts_images_that_a_pair_reads_differently():
    pairs = ensembles.disagreement(PROBABILITIES)
    assert pairs.tolist() == [[0, 0.4, 0.6], [0.4, 0, 0.2], [0.6, 0.2, 0]]


def test_the_oracle_counts_images_that_somebody_reads():
    assert ensembles.oracle(PROBABILITIES, LABELS) == 0.8
    assert ensembles.oracle(PROBABILITIES[:1], LABELS) == 0.4


def test_accuracy_by_size_covers_every_choice_of_members():
    table = ensembles.by_size(PROBABILITIES, LABELS)
    assert table["choices"].tolist() == [3, 3, 1]
    assert table.loc[1].tolist() == pytest.approx([3, (0.4 + 0.8 + 0.6) / 3, 0.4, 0.8])
    assert table.loc[3, ["mean", "low", "high"]].tolist() == pytest.approx([0.6] * 3)


@pytest.mark.parametrize(("tier", "times"), [("full", 5), ("quick", 1)])
def test_every_member_predicts_for_every_image_five_times_or_once(monkeypatch, tier, times):
    monkeypatch.setenv("COURSE_TIER", tier)
    images = np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)
    networks = [models.dense_ann((width,)) for width in (2, 3)]
    found = ensembles.predict(networks, images)
    members = [augmentation.shift_averaged(n) if times == 5 else n for n in networks]
    assert found == pytest.approx(np.stack([member(images) for member in members]), abs=1e-5)
    once = ensembles.predict(networks, images, shifted=False)
    assert once == pytest.approx(np.stack([n(images) for n in networks]), abs=1e-5)
