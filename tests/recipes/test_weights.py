"""Weights come back as they were, but for half a digit; files appear whole or not at all."""

from helpers import models
from helpers.recipes import families, weights

import numpy as np
import pytest


def images():
    return np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)


def test_a_loaded_network_gives_nearly_the_same_probabilities_in_less_than_half_the_room(tmp_path):
    model, path = families.resnet(), tmp_path / "deep" / "a.npz"
    weights.save(model, path)
    loaded = weights.load(families.resnet(), path)
    expected = model.predict(images(), verbose=0)
    assert loaded.predict(images(), verbose=0) == pytest.approx(expected, abs=2e-3)
    assert path.stat().st_size < 2.2 * model.count_params()
    assert [file.name for file in path.parent.iterdir()] == ["a.npz"]


def test_kernels_are_kept_in_half_precision_and_biases_whole(tmp_path):
    weights.save(models.dense_ann((8,)), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        kinds = [file[name].dtype.name for name in file.files]
    assert kinds == ["float16", "float32"] * 2


def test_rows_of_numbers_are_kept_exactly(tmp_path):
    model = families.vgg()
    statistics = model.get_layer("pair_1_conv_1_normalised")
    tiny = np.full(16, 1e-9, "float32")  # a variance that half precision would make 0
    statistics.set_weights([tiny] * 4)
    weights.save(model, tmp_path / "a.npz")
    loaded = weights.load(families.vgg(), tmp_path / "a.npz")
    assert np.array_equal(loaded.get_layer(statistics.name).get_weights(), [tiny] * 4)


def test_weights_of_another_architecture_are_refused(tmp_path):
    weights.save(models.dense_ann((8,)), tmp_path / "a.npz")
    with pytest.raises(ValueError, match="weight"):
        weights.load(models.dense_ann((9,)), tmp_path / "a.npz")
