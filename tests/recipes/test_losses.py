"""Losses are what their formulas say; an ensemble's soft targets are computed once."""

from helpers import models, training
from helpers.recipes import ensembles, losses

import keras
import numpy as np
import pytest
from learnable import split


def as_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_one_hot_loss_takes_integers_and_smooths_them():
    """Two classes, smoothing .2: the label counts .9, the other .1."""
    loss = losses.OneHotLoss("categorical_crossentropy", 2, smoothing=0.2)
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75]], "float32")
    by_hand = [np.log(2), -0.9 * np.log(0.75) - 0.1 * np.log(0.25)]
    for labels in (np.array([0, 1]), np.array([[0], [1]])):
        assert float(loss(labels, probabilities)) == pytest.approx(np.mean(by_hand), abs=1e-6)


def test_a_one_hot_loss_survives_saving():
    loss = losses.OneHotLoss("kl_divergence", 3, smoothing=0.1)
    loaded = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (loaded.inner, loaded.classes, loaded.smoothing) == ("kl_divergence", 3, 0.1)


def test_softening_brings_probabilities_closer_and_keeps_their_order():
    sharp = np.array([[0.9, 0.09, 0.01]], "float32")
    soft = as_numpy(losses.soften(sharp, 3.0))
    roots = sharp ** (1 / 3)
    assert soft == pytest.approx(roots / roots.sum(), abs=1e-6)
    assert as_numpy(losses.soften(sharp, 1.0)) == pytest.approx(sharp, abs=1e-6)


def test_distillation_is_least_where_the_student_says_what_the_teacher_says():
    loss = losses.Distillation(3.0)
    teacher = np.array([[0.7, 0.2, 0.1]], "float32")
    others = [[0.6, 0.3, 0.1], [0.8, 0.1, 0.1], [1, 0, 0]]
    least = float(loss(teacher, teacher))
    assert all(float(loss(teacher, np.array([other], "float32"))) > least for other in others)


def test_distillation_by_hand():
    """T = 2: .8 and .2 become 2/3 and 1/3, halves stay; their cross-entropy is ln 2, times 4."""
    teacher, student = np.array([[0.8, 0.2]], "float32"), np.array([[0.5, 0.5]], "float32")
    assert float(losses.Distillation(2.0)(teacher, student)) == pytest.approx(4 * np.log(2), 1e-5)
    wrong = float(losses.Distillation(1.0)(np.array([[1.0, 0]]), np.array([[0, 1.0]])))
    assert wrong == pytest.approx(-np.log(1e-7), 1e-3)  # a probability of 0 counts as 1e-7


def test_distillation_survives_saving():
    loss = losses.Distillation(2.0)
    loaded = keras.losses.deserialize(keras.losses.serialize(loss))
    assert loaded.temperature == 2.0


def test_a_student_learns_the_targets_and_not_the_labels():
    keras.utils.set_random_seed(0)
    images, student = split(), models.dense_ann((16,))
    other = (images.labels + 1) % 10
    targets = np.eye(10, dtype="float32")[other]
    loss = losses.Distillation(1.0)
    training.fit(
        student, images, epochs=8, batch_size=16, targets=targets, loss=loss, verbose=False
    )
    read = student.predict(images.images, verbose=0).argmax(axis=1)
    assert (read == other).mean() > 0.9


@pytest.fixture
def calls(monkeypatch):
    """How many networks predicted for how many images, call by call; each image is read once."""
    seen, predict = [], ensembles.predict

    def noted(networks, images, shifted=True):
        assert not shifted
        seen.append((len(networks), len(images)))
        return predict(networks, images, shifted)

    monkeypatch.setattr(ensembles, "predict", noted)
    return seen


def members(*widths):
    return [models.dense_ann((width,)) for width in widths]


def test_soft_targets_are_the_mean_and_are_computed_once(tmp_path, calls, monkeypatch):
    networks, images = members(2, 3), split(20).images
    expected = np.mean([network.predict(images, verbose=0) for network in networks], axis=0)
    monkeypatch.setenv("COURSE_TIER", "quick")  # one look at each image
    first, again = (ensembles.soft_targets(networks, images, tmp_path) for _ in range(2))
    assert first == pytest.approx(expected, abs=1e-6) and first.dtype == np.float32
    assert np.array_equal(first, again) and calls == [(2, 20)]


def test_soft_targets_of_other_images_weights_or_tiers_are_computed_anew(
    tmp_path, calls, monkeypatch
):
    networks, images = members(2, 3), split(20).images
    full = ensembles.soft_targets(networks, images, tmp_path)
    ensembles.soft_targets(networks, split(20, seed=1).images, tmp_path)
    ensembles.soft_targets(networks[:1], images, tmp_path)
    networks[0].set_weights([weight + 0.1 for weight in networks[0].get_weights()])
    ensembles.soft_targets(networks, images, tmp_path)
    assert calls == [(2, 20), (2, 20), (1, 20), (2, 20)]
    monkeypatch.setenv("COURSE_TIER", "quick")
    quick = ensembles.soft_targets(networks, images, tmp_path)
    assert len(calls) == 5 and not np.allclose(full, quick)
