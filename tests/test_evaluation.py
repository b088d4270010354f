"""Evaluation: numbers against published values and cases small enough to do by hand."""

from types import SimpleNamespace

from helpers.evaluation import Evaluation, compare, evaluate, images_needed, wilson_interval

import numpy as np
import pytest


def judged(labels, predictions, classes, confidence=0.9):
    """An Evaluation whose network gives `confidence` to each prediction, the rest shared out."""
    k = len(classes)
    rest = (1 - np.broadcast_to(confidence, len(labels))) / (k - 1)
    probabilities = np.repeat(rest[:, None], k, axis=1)
    probabilities[np.arange(len(labels)), predictions] = confidence
    return Evaluation(np.array(labels), probabilities, tuple(classes))


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_has_the_published_limits(successes, trials, low, high):
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_interval_refuses_impossible_counts(successes, trials):
    with pytest.raises(ValueError, match=r"Expected .* found .* Pass counts"):
        wilson_interval(successes, trials)


def test_images_needed_agrees_with_r():
    # the example in R's manual: power.prop.test(p1 = .50, p2 = .75, power = .90) gives n = 76.7
    assert images_needed(0.50, 0.75, power=0.90) == 77
    assert images_needed(0.75, 0.50, power=0.90) == 77


def test_images_needed_grows_as_the_difference_shrinks():
    assert images_needed(0.97, 0.971) > 50 * images_needed(0.97, 0.98)


@pytest.mark.parametrize(("p1", "p2"), [(0.9, 0.9), (97, 98), (0.5, 1.0)])
def test_images_needed_refuses_what_has_no_answer(p1, p2):
    with pytest.raises(ValueError, match="between 0 and 1"):
        images_needed(p1, p2)


def test_confusion_has_true_classes_in_rows():
    evaluation = judged([0, 0, 0, 1], [0, 2, 2, 1], "abc")
    assert evaluation.confusion.tolist() == [[1, 0, 2], [0, 1, 0], [0, 0, 0]]
    assert evaluation.accuracy == 0.5
    assert evaluation.interval == wilson_interval(2, 4)


def test_loss_is_the_mean_cross_entropy_and_survives_a_zero():
    evaluation = Evaluation([0, 1], [[0.5, 0.5], [1.0, 0.0]], ("a", "b"))
    assert evaluation.loss == pytest.approx((np.log(2) + np.log(1e7)) / 2)


def test_report_by_hand():
    table = judged([0, 0, 1, 1, 1], [0, 1, 1, 1, 0], "abc").report()
    assert table.loc["a", ["precision", "recall", "f1"]].tolist() == [0.5, 0.5, 0.5]
    assert table.loc["b", ["precision", "recall"]].tolist() == pytest.approx([2 / 3, 2 / 3])
    assert table.loc["accuracy", "f1"] == pytest.approx(0.6)
    assert table.loc["macro average", "recall"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert table["count"].tolist() == [2, 3, 0, 5, 5]


def test_macro_average_does_not_skip_a_class_that_is_never_predicted():
    table = judged([0, 1], [0, 0], "ab").report()
    assert np.isnan(table.loc["b", "precision"])
    assert table.loc["macro average", "precision"] == 0.25


def test_a_class_without_images_is_shown_as_undefined():
    evaluation = judged([0, 0, 1, 1], [0, 1, 1, 1], "abc")
    assert np.isnan(evaluation.report().loc["c", "recall"])
    for curve in (evaluation.roc()[2], evaluation.precision_recall()[2]):
        assert curve.name == "c" and np.isnan(curve.area) and len(curve.x) == 0


def test_confused_pairs_are_ordered_and_show_confident_mistakes_first():
    evaluation = judged(
        [0, 0, 0, 0, 1, 1], [1, 1, 0, 1, 0, 1], "ab", confidence=[0.6, 0.9, 0.9, 0.8, 0.7, 0.9]
    )
    first, second = evaluation.confused_pairs().itertuples(index=False)
    assert tuple(first) == ("a", "b", 3, 0.75, (1, 3, 0))
    assert tuple(second) == ("b", "a", 1, 0.5, (4,))
    assert evaluation.mistakes().tolist() == [1, 3, 4, 0]
    assert len(evaluation.confused_pairs(k=1)) == 1


def test_without_mistakes_there_are_no_pairs():
    evaluation = judged([0, 1], [0, 1], "ab")
    assert len(evaluation.confused_pairs()) == 0 and len(evaluation.mistakes()) == 0


def test_case_is_ignored_for_all_letters_or_for_the_merged_ones_only():
    classes = ("0", "A", "C", "a", "c")
    #       C as c   A as a   0 as C   c as c
    evaluation = judged([2, 1, 0, 4], [4, 3, 2, 4], classes)
    assert evaluation.accuracy == 0.25
    assert evaluation.merged_accuracy == 0.5
    assert evaluation.case_insensitive_accuracy == 0.75


def test_merged_class_names_count_as_one_letter():
    evaluation = judged([0, 1, 1], [1, 0, 2], ("Cc", "c", "d"))
    assert evaluation.case_insensitive_accuracy == pytest.approx(2 / 3)
    assert evaluation.merged_accuracy == pytest.approx(2 / 3)


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


def test_calibration_by_hand():
    # 4 images at 95 %, 3 right; 1 at 65 %, wrong: (4 × |.95 - .75| + 1 × .65) / 5
    evaluation = judged([0, 0, 0, 0, 0], [0, 0, 0, 1, 1], "ab", [0.95, 0.95, 0.95, 0.95, 0.65])
    table = evaluation.calibration()
    assert table["count"].tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0, 4]
    assert table["accuracy"].iloc[-1] == 0.75
    assert table["confidence"].iloc[6] == pytest.approx(0.65)
    assert evaluation.expected_calibration_error() == pytest.approx(0.29)


def test_compare_is_mcnemars_exact_test():
    labels = np.zeros(20, int)
    first, second = np.zeros(20, int), np.zeros(20, int)
    first[0], second[1:10] = 1, 1  # 9 images only the first reads, 1 only the second
    found = compare(judged(labels, first, "ab"), judged(labels, second, "ab"))
    assert (found.only_first, found.only_second, found.images) == (9, 1, 20)
    assert found.difference == pytest.approx(0.4)
    assert found.p_value == pytest.approx(2 * (1 + 10) / 2**10)
    low, high = found.interval
    assert 0 < low < 0.4 < high < 1


def test_compare_of_equals_finds_nothing():
    one = judged([0, 1, 1], [0, 1, 0], "ab")
    found = compare(one, one)
    assert found.p_value == 1 and found.difference == 0
    assert found.interval[0] == pytest.approx(-found.interval[1])


def test_compare_refuses_other_images():
    with pytest.raises(ValueError, match="one split"):
        compare(judged([0, 1], [0, 1], "ab"), judged([1, 0], [0, 1], "ab"))


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([0, 2], [[0.5, 0.5]] * 2, "labels 0 … 1, found 0 … 2"),
        ([0, -1], [[0.5, 0.5]] * 2, "labels 0 … 1"),
        ([[1, 0]], [[0.5, 0.5]], "not one-hot"),
        ([0.0, 1.0], [[0.5, 0.5]] * 2, "integer labels"),
        ([0, 1], [[0.2, 0.3, 0.5]] * 2, "2 outputs"),
        ([0, 1], [[np.nan, 0.5]] * 2, "nan or inf for 2 images"),
        ([0, 1], [[3.0, -1.0]] * 2, "softmax"),
        ([0, 1], [[1.5, -0.5]] * 2, "softmax"),
    ],
)
def test_what_does_not_fit_together_is_refused(labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        Evaluation(labels, probabilities, ("a", "b"))


def test_an_empty_split_is_refused():
    with pytest.raises(ValueError, match="empty split"):
        evaluate(None, SimpleNamespace(images=np.empty((0, 28, 28)), labels=np.empty(0)), "ab")


def test_evaluate_agrees_with_keras():
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(4, activation="softmax")
    layers = [keras.Input((28, 28)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), dense]
    model = keras.Sequential(layers)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (50, 28, 28), dtype=np.uint8)
    split = SimpleNamespace(images=images, labels=rng.integers(0, 4, 50))
    found = evaluate(model, split, tuple("abcd"))
    loss, accuracy = model.evaluate(images, split.labels, verbose=0)
    assert found.loss == pytest.approx(loss, rel=1e-4)
    assert found.accuracy == pytest.approx(accuracy)
    assert str(len(images)) in repr(found) and "4 classes" in repr(found)
