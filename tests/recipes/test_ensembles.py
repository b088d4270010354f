"""Probabilities are combined by the stated rule; differences between members are counted right."""

from helpers import data, models
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

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


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


# --- more images of the same classes, from sister sets -----------------------------------------


def numbered(numbers, characters, name):
    """A Split: image i is filled with numbers[i] and shows characters[i]."""
    classes = data.CLASSES[name]
    labels = [next(i for i, accepted in enumerate(classes) if c in accepted) for c in characters]
    images = np.empty((len(numbers), 28, 28), dtype=np.uint8)
    images[:] = np.reshape(numbers, (-1, 1, 1))
    return data.Split(images, np.array(labels, dtype=np.int64))


@pytest.fixture
def sisters(monkeypatch):
    """Letters tests on image 7; the sister sets train on it too, and on some new images.

    ByClass tests on 7 as well, and on 40, 41 and 42.
    """
    train = dict.fromkeys(data.CLASSES, ([], ""))
    test = {"emnist/letters": ([7], "a"), "emnist/byclass": ([7, 40, 41, 42], "aabb")}
    train["emnist/byclass"] = [1, 7, 20, 21, 22], "aaAa5"
    train["emnist/bymerge"] = [20, 9, 30, 31], "ABBB"

    def load(name):
        parts = (numbered(*part.get(name, ([], "")), name) for part in (train, test))
        return data.Dataset(name, data.CLASSES[name], *parts, False)

    monkeypatch.setattr(data, "load", load)
    return numbered([1, 2, 3, 4], "aaab", "emnist/letters")


def test_gathered_images_are_new_and_neither_tested_on_nor_held_out(sisters):
    held_out = numbered([9], "b", "emnist/letters")
    more, new = ensembles.gather("emnist/letters", sisters, [held_out])
    assert np.array_equal(more.images[:4], sisters.images)
    added = [int(image[0, 0]) for image in more.images[4:]]
    assert sorted(added[:new]) == [20, 21, 30]
    assert not more.images.flags.writeable


def test_classes_stay_as_frequent_as_they_were(sisters):
    more, new = ensembles.gather("emnist/letters", sisters)
    assert np.array_equal(np.bincount(more.labels), 2 * np.bincount(sisters.labels))
    assert new == 3 and int(more.images[-1, 0, 0]) == 1  # a third "a" was not to be had


def test_more_times_the_images_take_as_many_more_of_each_class(sisters):
    more, new = ensembles.gather("emnist/letters", sisters, times=3.5)
    assert np.array_equal(np.bincount(more.labels), [10, 3])  # 3.5 · (3, 1), rounded down
    assert sorted(more.images[4 : 4 + new, 0, 0]) == [9, 20, 21, 30]
    repeats = more.images[4 + new :, 0, 0], more.labels[4 + new :]
    assert [list(array) for array in repeats] == [[1, 2, 3, 1, 2], [0, 0, 0, 0, 0]]


def test_less_than_the_images_there_are_is_refused(sisters):
    with pytest.raises(ValueError, match=r"times of 1 or more, found 0\.5"):
        ensembles.gather("emnist/letters", sisters, times=0.5)


def test_images_that_other_sets_test_on_are_taken_when_asked_for(sisters):
    _, new = ensembles.gather("emnist/letters", sisters, times=4)
    more, all_new = ensembles.gather("emnist/letters", sisters, times=4, parts=("train", "test"))
    assert (new, all_new) == (5, 6)  # one A more, 40; B has room for three, which were there before
    assert {40, 41, 42} <= set(more.images[:, 0, 0]) and 7 not in more.images[:, 0, 0]


def test_a_class_takes_only_what_all_belongs_to_it(sisters):
    capital = numbered([50, 51], "AA", "emnist/balanced")
    more, new = ensembles.gather("emnist/balanced", capital)
    added = [int(image[0, 0]) for image in more.images[2 : 2 + new]]
    assert added == [20]  # neither small letters nor Letters' own class of both


def test_gathered_images_get_the_labels_of_the_classes_that_they_show(monkeypatch):
    """ByClass has 62 characters, 0–9, A–Z, a–z; Balanced merges C with c, but not A with a."""
    digits, capitals, small = range(10), range(10, 36), range(36, 62)
    byclass = numbered([*digits, *capitals, *small], CHARACTERS, "emnist/byclass")
    letters = numbered(range(100, 126), "abcdefghijklmnopqrstuvwxyz", "emnist/letters")
    sets = {"emnist/byclass": byclass, "emnist/letters": letters}
    none = numbered([], "", "emnist/digits")

    def load(name):
        return data.Dataset(name, data.CLASSES[name], sets.get(name, none), none, False)

    monkeypatch.setattr(data, "load", load)
    own = data.Split(np.full((47, 28, 28), 200, np.uint8), np.arange(47))
    more, new = ensembles.gather("emnist/balanced", own, times=5)
    found = dict(
        zip(more.images[47 : 47 + new, 0, 0].tolist(), more.labels[47:].tolist(), strict=False)
    )
    alone = {36: 36, 37: 37, 39: 38, 40: 39, 41: 40, 42: 41, 43: 42, 49: 43, 52: 44, 53: 45, 55: 46}
    merged = {38: 12, 44: 18, 45: 19, 46: 20, 47: 21, 48: 22, 50: 24, 51: 25, 54: 28, 56: 30}
    merged |= {57: 31, 58: 32, 59: 33, 60: 34, 61: 35}
    both_cases = {100 + label - 10: label for label in merged.values()}  # Letters' Cc is the third
    assert found == {label: label for label in range(36)} | alone | merged | both_cases
