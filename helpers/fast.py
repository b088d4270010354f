"""Training in seconds: a network without waste, and the recipe that trains it in one epoch."""

from functools import partial

from helpers import rates, training
from helpers.models import BRIEF, activate, classifier, image_input

import keras
from keras import layers


def fast_cnn(filters=(32, 64), classes=10):
    """32C6 stride 2–MP2–BN–ReLU–64C3–BN–ReLU–F–FC10: two convolutions, 30,218 parameters.

    The first convolution's stride leaves it a quarter of the places. Pooling stands before
    normalisation and activation, which then have a quarter of the work, too.

    Arguments: filters: of the two convolutions. classes: number of classes.
    Returns: an uncompiled keras.Model, uint8 (batch, 28, 28) → probabilities (batch, classes).
    Taught in notebook 16.
    """
    inputs, x = image_input()
    x = layers.Conv2D(filters[0], 6, strides=2, use_bias=False, name="conv_1")(x)
    x = layers.MaxPooling2D(2, name="pool_1")(x)
    x = activate(x, True, 0.0, "conv_1", BRIEF)
    x = layers.Conv2D(filters[1], 3, use_bias=False, name="conv_2")(x)
    x = activate(x, True, 0.0, "conv_2", BRIEF)
    return classifier(inputs, layers.Flatten(name="flatten")(x), classes, "fast_cnn")


def recipe(classes=10, peak=1.0, smoothing=0.1):
    """Options for `training.fit` that make the most of one epoch.

    Arguments: classes: number of classes. peak: highest learning rate of one cycle.
        smoothing: share of each label that is spread evenly over all classes, 0 … 1.
    Returns: dict: one epoch, batches of 128, gradient descent with Nesterov's momentum .9.
    Source: Szegedy et al. (2016), arXiv:1512.00567, for the smoothing; Sutskever et al. (2013) for
        the momentum. Taught in notebook 16.
    """
    return {
        "epochs": 1,
        "batch_size": 128,
        "optimizer": partial(keras.optimizers.SGD, momentum=0.9, nesterov=True),
        "learning_rate": rates.one_cycle(peak),
        "loss": training.one_hot_loss("categorical_crossentropy", classes, smoothing),
    }
