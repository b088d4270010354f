"""Every architecture of the course: a function returns an uncompiled `keras.Model`.

All models take raw uint8 images, shape (batch, 28, 28), values 0 … 255, and scale them inside, so
that training and use cannot scale differently. All end in softmax: one probability a class.
"""

import keras
from keras import layers


def _image_input():
    """The common beginning: raw images in, (28, 28, 1) pixels in 0 … 1 out."""
    inputs = keras.Input((28, 28), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    return inputs, layers.Reshape((28, 28, 1), name="add_channel")(x)


def dense_ann(hidden=(397, 397), classes=10):
    """A dense network: every pixel is connected to every unit of the first hidden layer.

    Arguments:
        hidden: units of each hidden layer, ReLU. (397, 397) is report A's network, 473,631
            parameters, 397 being the mean of 784 inputs and 10 outputs; (128,) is report B's
            version 1, 101,770 parameters. () leaves a linear classifier.
        classes: number of classes.
    Returns: an uncompiled keras.Model, uint8 (batch, 28, 28) → probabilities (batch, classes).
    Source: reports A (2020) and B (2018). Taught in notebook 02.
    """
    inputs, x = _image_input()
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(hidden, start=1):
        x = layers.Dense(units, activation="relu", name=f"hidden_{number}")(x)
    outputs = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(inputs, outputs, name="dense_" + "_".join(map(str, hidden)))
