"""What probabilities say once it is known what is read; when to refuse; what was promised."""

from helpers.handwriting import probabilities

import numpy as np
import pytest

CLASSES = ("0", "1", "O", "o", "l", "Q")
ROWS = np.array([[0.5, 0.01, 0.3, 0.1, 0.01, 0.08], [0.02, 0.6, 0.03, 0.05, 0.2, 0.1]])


def test_all_leaves_probabilities_as_they_are():
    assert np.array_equal(probabilities.of_kind(ROWS, CLASSES), ROWS)


@pytest.mark.parametrize("kind, first", [("digits", [0, 1]), ("letters", [2, 4])])
def test_only_the_kind_that_is_read_is_left(kind, first):
    found = probabilities.of_kind(ROWS, CLASSES, kind)
    digits = [name.isdigit() == (kind == "digits") for name in CLASSES]
    assert not found[:, ~np.array(digits)].any()
    assert found.sum(axis=1) == pytest.approx([1, 1])
    assert found.argmax(axis=1).tolist() == first
    ratio = found[0, first[0]] / found[0, first[1]]
    assert ratio == pytest.approx(ROWS[0, first[0]] / ROWS[0, first[1]])  # else nothing changes


def test_shares_are_bayes_rule():
    trained = np.array([0.4, 0.3, 0.1, 0.05, 0.05, 0.1])
    wanted = np.array([0.1, 0.1, 0.1, 0.5, 0.2, 0.0])
    likelihood = ROWS / trained
    by_hand = likelihood * wanted / (likelihood * wanted).sum(axis=1, keepdims=True)
    found = probabilities.of_kind(ROWS, CLASSES, wanted, trained)
    assert np.allclose(found, by_hand) and not found[:, 5].any()
    assert np.allclose(probabilities.of_kind(ROWS, CLASSES, trained, trained), ROWS)


def test_a_kind_that_the_network_rules_out_still_gives_probabilities():
    found = probabilities.of_kind(np.array([[0.0, 0.0, 0.6, 0.4, 0.0, 0.0]]), CLASSES, "digits")
    assert found[0].tolist() == pytest.approx([0.5, 0.5, 0, 0, 0, 0])


@pytest.mark.parametrize("kind, trained, message", [
    ("digit", None, "all, digits, letters"),
    ("digits", np.ones(6), "found kind='digits', trained=shares"),
    (np.ones(6), None, r"trained to be the shares of the 6 classes, found none"),
    (np.ones(5), np.ones(6), r"kind to be the shares of the 6 classes, found \(5,\)"),
    (np.zeros(6), np.ones(6), "kind to be"),
    (-np.ones(6), np.ones(6), "kind to be"),
    (np.ones(6), [1, 1, 1, 1, 1, 0], "trained to be"),
    (np.ones(6), [1, 1, 1, 1, 1, np.nan], "trained to be"),
])  # fmt: skip
def test_kinds_and_shares_that_do_not_fit_are_named(kind, trained, message):
    with pytest.raises(ValueError, match=message):
        probabilities.of_kind(ROWS, CLASSES, kind, trained)


def test_a_kind_without_classes_is_named():
    with pytest.raises(ValueError, match="classes that are digits, found none"):
        probabilities.of_kind(np.ones((1, 2)) / 2, ("a", "b"), "digits")


def test_what_is_expected_goes_by_the_classes_and_the_kind():
    byclass = tuple(probabilities.BYCLASS)
    shares = probabilities.expected(byclass)
    assert len(byclass) == 62 and shares.sum() == pytest.approx(1)
    digits = 0.497 * 125_422 + 27_008 * 10 / 62  # EMNIST's share of digits, and that of the fonts
    assert shares[:10].sum() == pytest.approx(digits / (125_422 + 27_008), abs=0.002)
    assert np.allclose(probabilities.expected(byclass[::-1]), shares[::-1])
    assert np.allclose(probabilities.expected(CLASSES), 1 / 6)
    assert np.allclose(probabilities.expected(CLASSES, [0.5, 0.5, 0, 0, 0, 0])[:2], 0.5)
    assert (probabilities.expected(CLASSES, [0.5, 0.5, 0, 0, 0, 0]) > 0).all()


def test_what_looks_alike_is_taken_together():
    found = probabilities.merged(ROWS, CLASSES)
    assert found[0].tolist() == pytest.approx([0.9, 0.02, 0.9, 0.9, 0.02, 0.08])
    assert np.allclose(probabilities.merged(ROWS, CLASSES, ()), ROWS)
    assert probabilities.merged(ROWS, CLASSES, ("1Q",))[1, [1, 5]].tolist() == [0.7, 0.7]


def readings(count, seed=0):
    """Probabilities of two classes, right as often as they say, and their labels."""
    rng = np.random.default_rng(seed)
    first = rng.uniform(0, 1, count)
    labels = (rng.uniform(0, 1, count) > first).astype(int)
    return np.stack([first, 1 - first], axis=1), labels


def test_a_limit_keeps_its_promise_on_other_readings_of_the_same_kind():
    kept, broken = 0.0, 0
    everything, truth = readings(200_000, seed=99)
    for seed in range(60):
        found = probabilities.limit(*readings(2_000, seed), "AB", error=0.1)
        read = everything.max(axis=1) >= found.limit
        broken += (everything.argmax(axis=1) != truth)[read].mean() > 0.1
        kept += read.mean() / 60
    assert broken <= 8  # promised: 1 in 20; more than 8 of 60 then come once in 300 times
    assert 0.2 < kept < 0.41  # by hand: at 1 - 2 · .1 = .8 on average .9 are right; .4 are above


def test_a_limit_says_what_it_costs():
    rows, labels = readings(3_000)
    found = probabilities.limit(rows, labels, "AB", 0.15)
    read = rows.max(axis=1) >= found.limit
    assert found.coverage == pytest.approx(read.mean())
    assert found.error == pytest.approx((rows.argmax(axis=1) != labels)[read].mean())
    assert found.error < 0.15
    sharper = probabilities.limit(rows, labels, "AB", 0.08)
    assert sharper.limit > found.limit and sharper.coverage < found.coverage


def test_look_alikes_count_as_right_and_as_sure():
    rows = np.tile([[0.55, 0.0, 0.45, 0.0, 0.0, 0.0]], (300, 1))
    labels = np.tile([0, 2], 150)
    found = probabilities.limit(rows, labels, CLASSES, 0.05)
    assert found == probabilities.Limit(pytest.approx(1), 1.0, 0.0)
    with pytest.raises(ValueError, match=r"promise an error of 5.0%.*its 300 readings do not"):
        probabilities.limit(rows, labels, CLASSES, 0.05, groups=())


def test_equally_sure_readings_are_read_or_refused_together():
    rows = np.array([[0.9, 0.1]] * 400 + [[0.6, 0.4]] * 400)
    labels = np.array([0] * 400 + [0, 1] * 200)
    found = probabilities.limit(rows, labels, "AB", 0.02)
    assert (found.limit, found.coverage, found.error) == (0.9, 0.5, 0.0)


def test_too_few_readings_allow_no_promise():
    rows, labels = np.array([[1.0, 0.0]] * 20), np.zeros(20, int)
    with pytest.raises(ValueError, match="Promise less, or take more"):
        probabilities.limit(rows, labels, "AB", 0.01)
