"""Evaluation: numbers against published values and cases small enough to do by hand."""

from types import SimpleNamespace

from helpers.evaluation import Evaluation, evaluate

import numpy as np
import pytest


def judged(labels, predictions, classes, confidence=0.9):
    """An Evaluation whose network gives `confidence` to each prediction, the rest shared out."""
    k = len(classes)
    rest = (1 - np.broadcast_to(confidence, len(labels))) / (k - 1)
    probabilities = np.repeat(rest[:, None], k, axis=1)
    probabilities[np.arange(len(labels)), predictions] = confidence
    return Evaluation(np.array(labels), probabilities, tuple(classes))


def test_confusion_has_true_classes_in_rows():
    evaluation = judged([0, 0, 0, 1], [0, 2, 2, 1], "abc")
    assert evaluation.confusion.tolist() == [[1, 0, 2], [0, 1, 0], [0, 0, 0]]
    assert evaluation.accuracy == 0.5
    assert evaluation.interval == pytest.approx((0.15004, 0.84996), abs=1e-5)  # Wilson, by hand


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


def test_the_share_of_a_confusion_is_of_the_true_class():
    # 5 images of a, 2 of them read as b; 2 of b; 6 read as something else than a
    evaluation = judged([0, 0, 0, 0, 0, 1, 1, 2], [1, 1, 0, 0, 2, 1, 1, 2], "abc")
    assert evaluation.confused_pairs(1)["share"].tolist() == [0.4]


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


def test_calibration_by_hand():
    # 4 images at 95 %, 3 right; 1 at 65 %, wrong: (4 × |.95 - .75| + 1 × .65) / 5
    evaluation = judged([0, 0, 0, 0, 0], [0, 0, 0, 1, 1], "ab", [0.95, 0.95, 0.95, 0.95, 0.65])
    table = evaluation.calibration()
    assert table["count"].tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0, 4]
    assert table["accuracy"].iloc[-1] == 0.75
    assert table["confidence"].iloc[6] == pytest.approx(0.65)
    assert evaluation.expected_calibration_error() == pytest.approx(0.29)


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
