"""helpers.fast: the folded network, and its recipe."""

from helpers import fast, training
from helpers.data import Split

import keras
import numpy as np


def split(count=6400, classes=10):
    """Noise with a bright row that tells the class."""
    labels = np.arange(count) % classes
    images = np.random.default_rng(0).integers(0, 60, (count, 28, 28), dtype=np.uint8)
    images[np.arange(count), 2 * labels + 2] = 255
    return Split(images, labels)


def test_the_network_has_the_parameters_that_it_claims():
    assert fast.fast_cnn().count_params() == 30_218
    assert fast.fast_cnn(classes=47).output_shape == (None, 47)


def test_the_recipe_trains_one_epoch_with_momentum_and_a_falling_rate():
    keras.utils.set_random_seed(1)
    model = fast.fast_cnn()
    history = training.fit(model, split(), verbose=False, **fast.recipe(peak=0.1))
    assert history.epochs == 1 and history.batch_size == 128
    assert model.optimizer.nesterov and model.optimizer.momentum == 0.9
    assert float(model.optimizer.learning_rate) < 1e-2  # at the end of the cycle
    judged = model.predict(split().images, verbose=0).argmax(axis=1)
    assert (judged == split().labels).mean() > 0.9
