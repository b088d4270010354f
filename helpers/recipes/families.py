"""Three families of networks for 28 × 28 images, sized to be combined.

As in `models`, a function returns an uncompiled keras.Model, uint8 (batch, 28, 28) → probabilities
(batch, classes). In all of them every convolution is padded and normalised, and dropout .4 stands
before the classifier.
"""

from collections.abc import Sequence

from helpers.internals.backend import keras
from helpers.models import activate, classifier, image_input

from keras import KerasTensor, layers


def vgg(classes: int = 10, filters: Sequence[int] = (16, 32, 96)) -> keras.Model:
    """Pairs of 3 × 3 convolutions, each pair followed by pooling: filters 16, 32, 96.

    136,666 parameters for 10 classes. Two filters of 3 × 3, one after the other, see 5 × 5 pixels:
    18 weights for a pair of channels instead of 25, and two activations instead of one.

    Args:
        classes: number of classes.
        filters: others than those, a number for each pair, at most four.

    Source: Simonyan and Zisserman (2015), arXiv:1409.1556. Taught in notebook 25.
    """
    inputs, x = image_input()
    for pair, width in enumerate(filters, start=1):
        for number in (1, 2):
            x = _convolve(x, width, 3, f"pair_{pair}_conv_{number}")
        x = layers.MaxPooling2D(2, name=f"pool_{pair}")(x)
    return _end(inputs, x, classes, "vgg")


def resnet(classes: int = 10, filters: Sequence[int] = (32, 32, 64, 96)) -> keras.Model:
    """A 5 × 5 convolution of stride 2, then three blocks with a skip: filters 32, 32, 64, 96.

    238,634 parameters for 10 classes. A block adds to its input what two 3 × 3 convolutions make of
    it. The second and the third halve width and height; there a 1 × 1 convolution makes the input
    fit.

    Args:
        classes: number of classes.
        filters: others than those, of the first convolution and of each block.

    Source: He et al. (2016), arXiv:1512.03385. Taught in notebook 25.
    """
    inputs, x = image_input()
    stem, *widths = filters
    x = _convolve(x, stem, 5, "stem", strides=2)
    for number, width in enumerate(widths, start=1):
        x = _block(x, width, 1 if number == 1 else 2, f"block_{number}")
    return _end(inputs, x, classes, "resnet")


def separable(classes: int = 10) -> keras.Model:
    """A 5 × 5 convolution of stride 2, then five convolutions in two steps each: 32 … 256 filters.

    153,610 parameters for 10 classes. A depthwise step filters every channel by itself, 3 × 3; a
    pointwise step, 1 × 1, mixes the channels. Max pooling stands after the second and the fourth.

    Args:
        classes: number of classes.

    Source: Chollet (2017), arXiv:1610.02357; Howard et al. (2017), arXiv:1704.04861. Taught in
    notebook 25.
    """
    inputs, x = image_input()
    x = _convolve(x, 32, 5, "stem", strides=2)
    for number, filters in enumerate((64, 128, 192, 192, 256), start=1):
        settings = {"padding": "same", "use_bias": False, "name": f"depthwise_{number}"}
        x = layers.DepthwiseConv2D(3, **settings)(x)
        x = _convolve(x, filters, 1, f"pointwise_{number}")
        x = layers.MaxPooling2D(2, name=f"pool_{number}")(x) if number in (2, 4) else x
    return _end(inputs, x, classes, "separable")


FAMILIES = {"vgg": vgg, "resnet": resnet, "separable": separable}


def _convolve(
    x: KerasTensor,
    filters: int,
    kernel: int,
    name: str,
    strides: int = 1,
    activation: bool = True,
) -> KerasTensor:
    """A padded convolution, batch normalisation in place of a bias, and ReLU unless told not to."""
    settings = {"strides": strides, "padding": "same", "use_bias": False, "name": name}
    x = layers.Conv2D(filters, kernel, **settings)(x)
    if activation:
        return activate(x, True, 0.0, name)
    return layers.BatchNormalization(name=f"{name}_normalised")(x)


def _block(x: KerasTensor, filters: int, strides: int, name: str) -> KerasTensor:
    """Two 3 × 3 convolutions, and the skip: their input is added before the last activation."""
    skip = x
    if strides > 1 or x.shape[-1] != filters:
        skip = _convolve(x, filters, 1, f"{name}_skip", strides, activation=False)
    x = _convolve(x, filters, 3, f"{name}_conv_1", strides)
    x = _convolve(x, filters, 3, f"{name}_conv_2", activation=False)
    return layers.ReLU(name=f"{name}_activation")(layers.Add(name=f"{name}_add")([x, skip]))


def _end(inputs: KerasTensor, x: KerasTensor, classes: int, name: str) -> keras.Model:
    """Flatten, drop .4, classify."""
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.4, name="dropout_1")(x)
    return classifier(inputs, x, classes, name)
