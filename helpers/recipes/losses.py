"""Losses beyond Keras': one-hot labels made of integers, and distillation from an ensemble."""

from helpers._keras import keras

from keras import ops

SMALLEST = 1e-7
"""A smaller probability counts as this one, where its logarithm matters."""


def one_hot_loss(name, classes, smoothing=0.0):
    """A loss that wants one-hot labels, made to take integer labels.

    Arguments: name: "categorical_crossentropy" or "kl_divergence", say. classes: their number.
        smoothing: share of each label, 0 … 1, that is spread evenly over all classes.
    Returns: a keras loss that is saved with a model. Taught in notebooks 06 and 16.
    """
    return OneHotLoss(name, classes, smoothing)


@keras.saving.register_keras_serializable("course")
class OneHotLoss(keras.losses.Loss):
    """Writes integer labels as rows of zeros with a single one, then takes another loss."""

    def __init__(self, inner, classes, smoothing=0.0, **settings):
        super().__init__(**settings)
        self.inner, self.classes, self.smoothing = inner, classes, smoothing

    def call(self, labels, probabilities):
        integers = keras.ops.reshape(keras.ops.cast(labels, "int32"), (-1,))
        one_hot = keras.ops.one_hot(integers, self.classes)
        one_hot = one_hot * (1 - self.smoothing) + self.smoothing / self.classes
        return keras.losses.get(self.inner)(one_hot, probabilities)

    def get_config(self):
        own = {"inner": self.inner, "classes": self.classes, "smoothing": self.smoothing}
        return {**super().get_config(), **own}


def soften(probabilities, temperature):
    """Probabilities with their logarithms divided by a temperature: above 1 brings them closer.

    Arguments: probabilities: (n, classes), rows sum to 1. temperature: 1 leaves them as they are.
    Returns: tensor (n, classes), rows sum to 1. Taught in notebook 14.
    """
    return ops.softmax(ops.log(ops.clip(probabilities, SMALLEST, 1)) / temperature)


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
