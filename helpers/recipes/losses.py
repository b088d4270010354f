"""Losses beyond Keras': one-hot labels made of integers, and distillation from an ensemble."""

from typing import Any

from helpers.internals.backend import keras

import numpy as np
from keras import KerasTensor, ops

SMALLEST = 1e-7
"""A smaller probability counts as this one, where its logarithm matters."""


@keras.saving.register_keras_serializable("course")
class OneHotLoss(keras.losses.Loss):
    """A loss that wants one-hot labels, made to take integer labels.

    Attributes:
        inner: name of the Keras loss, such as "categorical_crossentropy" or "kl_divergence".
        classes: their number.
        smoothing: share of each label, 0 … 1, that is spread evenly over all classes.

    Taught in notebook 09.
    """

    def __init__(self, inner: str, classes: int, smoothing: float = 0.0, **settings: Any) -> None:
        super().__init__(**settings)
        self.inner, self.classes, self.smoothing = inner, classes, smoothing

    def call(self, labels: KerasTensor, probabilities: KerasTensor) -> KerasTensor:
        """The loss of each image.

        Args:
            labels: integer (n,) or (n, 1).
            probabilities: float (n, classes).
        """
        integers = ops.reshape(ops.cast(labels, "int32"), (-1,))
        one_hot = ops.one_hot(integers, self.classes)
        one_hot = one_hot * (1 - self.smoothing) + self.smoothing / self.classes
        return keras.losses.get(self.inner)(one_hot, probabilities)

    def get_config(self) -> dict[str, Any]:
        """What is saved with a model."""
        own = {"inner": self.inner, "classes": self.classes, "smoothing": self.smoothing}
        return {**super().get_config(), **own}


def soften(probabilities: np.ndarray | KerasTensor, temperature: float) -> KerasTensor:
    """Probabilities with their logarithms divided by a temperature: above 1 brings them closer.

    Args:
        probabilities: (n, classes), rows sum to 1.
        temperature: above 0; 1 leaves them as they are.

    Returns:
        (n, classes), rows sum to 1.

    Taught in notebook 26.
    """
    return ops.softmax(ops.log(ops.clip(probabilities, SMALLEST, 1)) / temperature)


@keras.saving.register_keras_serializable("course")
class Distillation(keras.losses.Loss):
    """Cross-entropy between softened probabilities of teacher and student, times temperature².

    The square keeps the gradients as large as without softening.

    Attributes:
        temperature: divides the logarithms of both; above 0.

    Source: Hinton, Vinyals and Dean (2015), arXiv:1503.02531. Taught in notebook 26.
    """

    def __init__(self, temperature: float = 3.0, **settings: Any) -> None:
        super().__init__(**settings)
        self.temperature = temperature

    def call(self, teacher: KerasTensor, student: KerasTensor) -> KerasTensor:
        """The loss of each image.

        Args:
            teacher: float (n, classes), probabilities.
            student: float (n, classes), probabilities.
        """
        soft = [soften(probabilities, self.temperature) for probabilities in (teacher, student)]
        return self.temperature**2 * ops.categorical_crossentropy(*soft)

    def get_config(self) -> dict[str, Any]:
        """What is saved with a model."""
        return {**super().get_config(), "temperature": self.temperature}
