"""The loss of distillation is least at the teacher's probabilities; teaching is done once."""

from helpers import models, training
from helpers.recipes import ensembles, losses

import keras
import numpy as np
import pytest
from test_training import split


def as_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_softening_brings_probabilities_closer_and_keeps_their_order():
    sharp = np.array([[0.9, 0.09, 0.01]], "float32")
    soft = as_numpy(losses.soften(sharp, 3.0))
    roots = sharp ** (1 / 3)
    assert soft == pytest.approx(roots / roots.sum(), abs=1e-6)
    assert as_numpy(losses.soften(sharp, 1.0)) == pytest.approx(sharp, abs=1e-6)


def test_the_loss_is_least_where_the_student_says_what_the_teacher_says():
    loss = losses.Distillation(3.0)
    teacher = np.array([[0.7, 0.2, 0.1]], "float32")
    others = [[0.6, 0.3, 0.1], [0.8, 0.1, 0.1], [1, 0, 0]]
    least = float(loss(teacher, teacher))
    assert all(float(loss(teacher, np.array([other], "float32"))) > least for other in others)


def test_the_loss_survives_saving():
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


def test_what_is_taught_is_the_mean_and_is_computed_once(tmp_path, monkeypatch):
    networks = [models.dense_ann((width,)) for width in (2, 3)]
    images = split(20).images
    first = ensembles.soft_targets(networks, images, tmp_path)
    assert first == pytest.approx(ensembles.mean(ensembles.read(networks, images)), abs=1e-6)
    monkeypatch.setattr(ensembles, "read", None)
    assert np.array_equal(ensembles.soft_targets(networks, images, tmp_path), first)
    assert len(list(tmp_path.iterdir())) == 1


def test_other_images_or_networks_are_taught_anew(tmp_path):
    networks = [models.dense_ann((width,)) for width in (2, 3)]
    ensembles.soft_targets(networks, split(20).images, tmp_path)
    ensembles.soft_targets(networks, split(20, seed=1).images, tmp_path)
    ensembles.soft_targets(networks[:1], split(20).images, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
