"""Distillation: one small network learns to give the probabilities that an ensemble gives."""

import zlib
from pathlib import Path

from helpers import ensembles, files

import keras
import numpy as np
from keras import ops


def soften(probabilities, temperature):
    """Probabilities with their logarithms divided by a temperature: above 1 brings them closer.

    Arguments: probabilities: (n, classes), rows sum to 1. temperature: 1 leaves them as they are.
    Returns: tensor (n, classes), rows sum to 1. Taught in notebook 14.
    """
    return ops.softmax(ops.log(ops.clip(probabilities, ensembles.SMALLEST, 1)) / temperature)


@keras.saving.register_keras_serializable("course")
class Distillation(keras.losses.Loss):
    """Cross-entropy between softened probabilities of teacher and student, times temperature².

    The square keeps the gradients as large as without softening. Source: Hinton, Vinyals and Dean
    (2015), arXiv:1503.02531. Taught in notebook 14.
    """

    def __init__(self, temperature=3.0, **settings):
        super().__init__(**settings)
        self.temperature = temperature

    def call(self, teacher, student):
        soft = [soften(probabilities, self.temperature) for probabilities in (teacher, student)]
        return self.temperature**2 * ops.categorical_crossentropy(*soft)

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}


def taught(networks, images, folder):
    """What an ensemble says about images: the mean of its members, of five readings each.

    It takes minutes, so it is kept in a file, named after networks and images, and read from there
    the next time.

    Arguments: networks: keras models. images: uint8 (n, 28, 28). folder: where the file lies.
    Returns: float32 (n, classes). Taught in notebook 14.
    """
    networks = list(networks)
    mark = zlib.crc32(np.ascontiguousarray(images))
    for network in networks:
        for weights in network.get_weights():
            mark = zlib.crc32(weights, mark)
    path = Path(folder) / f"taught {mark:08x}.npy"
    if not path.exists():
        with files.whole(path) as part:
            np.save(part, ensembles.mean(ensembles.read(networks, images)))
    return np.load(path)
