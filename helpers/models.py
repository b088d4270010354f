"""Every architecture of the course: a function that returns an uncompiled `keras.Model`.

All models take raw uint8 images, shape (batch, 28, 28), values 0 … 255, and scale them inside, so
that training and use cannot scale differently. All end in softmax and return probabilities, float32
(batch, classes), whose rows sum to 1. `classes`, which all take, is the number of classes.
"""

import math
from collections.abc import Sequence

from helpers.internals import checks
from helpers.internals.backend import keras

from keras import KerasTensor, layers

BRIEF = 0.9
"""Momentum of batch normalisation where training is short: a third of what its averages of mean and
variance began with is still in them after ten steps, and with Keras's .99 after a hundred."""


def image_input() -> tuple[KerasTensor, KerasTensor]:
    """The common beginning: raw images in, (28, 28, 1) pixels in 0 … 1 out."""
    inputs = keras.Input((28, 28), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    return inputs, layers.Reshape((28, 28, 1), name="add_channel")(x)


def activate(
    x: KerasTensor, batch_norm: bool, slope: float, name: str, momentum: float = 0.99
) -> KerasTensor:
    """Batch normalisation where asked for, then ReLU (slope 0) or LeakyReLU."""
    if batch_norm:
        x = layers.BatchNormalization(momentum=momentum, name=f"{name}_normalised")(x)
    name = f"{name}_activation"
    return layers.LeakyReLU(slope, name=name)(x) if slope else layers.ReLU(name=name)(x)


def classifier(
    inputs: KerasTensor, x: KerasTensor, classes: int, name: str, normalise_logits: bool = False
) -> keras.Model:
    """The common end: a number for each class, the logits, made probabilities by softmax."""
    if not normalise_logits:
        outputs = layers.Dense(classes, activation="softmax", name="probabilities")(x)
        return keras.Model(inputs, outputs, name=name)
    x = layers.Dense(classes, name="logits")(x)
    x = layers.BatchNormalization(name="logits_normalised")(x)
    return keras.Model(inputs, layers.Softmax(name="probabilities")(x), name=name)


def dense_ann(hidden: Sequence[int] = (397, 397), classes: int = 10) -> keras.Model:
    """A dense network: every pixel is connected to every unit of the first hidden layer.

    Args:
        hidden: units of each hidden layer, ReLU. (397, 397) is report A's network, 473,631
            parameters, 397 being the mean of 784 inputs and 10 outputs; (128,) is report B's
            version 1, 101,770 parameters. () leaves a linear classifier.
        classes: number of classes.

    Source: reports A (2020) and B (2018). Taught in notebook 02.
    """
    checks.check_numbers("hidden", hidden)
    inputs, x = image_input()
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(hidden, start=1):
        x = layers.Dense(units, activation="relu", name=f"hidden_{number}")(x)
    return classifier(inputs, x, classes, "dense_" + "_".join(map(str, hidden)))


def first_cnn(classes: int = 10) -> keras.Model:
    """Report A's first convolutional network: 32C5–AP2–F–FC20–FC10, 93,222 parameters.

    Source: report A (2020). Taught in notebook 05.
    """
    inputs, x = image_input()
    x = layers.Conv2D(32, 5, activation="relu", name="conv_1")(x)
    x = layers.AveragePooling2D(2, name="pool_1")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(20, activation="relu", name="hidden_1")(x)
    return classifier(inputs, x, classes, "first_cnn")


def version_2(filters: int = 32, classes: int = 10) -> keras.Model:
    """Report B's version 2: C3–MP2–D.25–F–FC10. The report doesn't give the filters.

    Args:
        filters: number of 3 × 3 filters; 32 makes 54,410 parameters.
        classes: number of classes.

    Source: report B (2018). Taught in notebook 06.
    """
    inputs, x = image_input()
    x = layers.Conv2D(filters, 3, activation="relu", name="conv_1")(x)
    x = layers.MaxPooling2D(2, name="pool_1")(x)
    x = layers.Dropout(0.25, name="dropout_1")(x)
    x = layers.Flatten(name="flatten")(x)
    return classifier(inputs, x, classes, "version_2")


def version_3(classes: int = 10) -> keras.Model:
    """Report B's version 3: 32C4–64C3–MP2–D.2–F–FC248–FC124–D.4–FC10, 1,971,926 parameters.

    Source: report B (2018). Taught in notebook 06.
    """
    inputs, x = image_input()
    x = layers.Conv2D(32, 4, activation="relu", name="conv_1")(x)
    x = layers.Conv2D(64, 3, activation="relu", name="conv_2")(x)
    x = layers.MaxPooling2D(2, name="pool_1")(x)
    x = layers.Dropout(0.2, name="dropout_1")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(248, activation="relu", name="hidden_1")(x)
    x = layers.Dense(124, activation="relu", name="hidden_2")(x)
    x = layers.Dropout(0.4, name="dropout_2")(x)
    return classifier(inputs, x, classes, "version_3")


def overfitting_cnn(
    filters: Sequence[int] = (32, 64),
    units: int = 128,
    l2: float = 0.0,
    dropout: Sequence[float] = (0.25, 0.5),
    classes: int = 10,
) -> keras.Model:
    """Report C's networks: 32C3–64C3–MP2–D.25–F–FC128–D.5–FC10 and its variants.

    Args:
        filters: of the two convolutions; with units, (32, 64) and 128 make the original, 1,199,882
            parameters, (32, 32) and 64 the smaller one, 305,194.
        units: of the dense hidden layer.
        l2: strength of the L2 penalty on kernel and bias of the first convolution; the report's
            regularised networks have .01.
        dropout: rates after pooling and before the last layer, 0 … 1; (0, 0) drops nothing.
        classes: number of classes.

    Source: report C. Taught in notebook 07.
    """
    checks.check_numbers("filters", filters, 2)
    checks.check_numbers("dropout", dropout, 2)
    penalty = keras.regularizers.L2(l2) if l2 else None
    penalised = {"kernel_regularizer": penalty, "bias_regularizer": penalty}
    inputs, x = image_input()
    x = layers.Conv2D(filters[0], 3, activation="relu", name="conv_1", **penalised)(x)
    x = layers.Conv2D(filters[1], 3, activation="relu", name="conv_2")(x)
    x = layers.MaxPooling2D(2, name="pool_1")(x)
    x = layers.Dropout(dropout[0], name="dropout_1")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(units, activation="relu", name="hidden_1")(x)
    x = layers.Dropout(dropout[1], name="dropout_2")(x)
    return classifier(inputs, x, classes, "overfitting_cnn")


def study_cnn(
    filters: Sequence[int] = (32, 64),
    kernel: int = 3,
    pooling: str = "max",
    units: Sequence[int] = (128,),
    batch_norm: bool = False,
    dropout: float = 0.0,
    slope: float = 0.0,
    normalise_logits: bool = False,
    classes: int = 10,
) -> keras.Model:
    """The network whose settings the studies change one at a time; as is, 225,034 parameters.

    Each filter count is a convolution–pooling pair, each unit count a dense layer. Each of them is
    followed, in this order, by batch normalisation, activation, pooling, dropout, where asked for.

    Args:
        filters: filters of each convolution.
        kernel: width and height of the filters, pixels.
        pooling: "max" or "average", 2 × 2.
        units: units of each dense hidden layer.
        batch_norm: whether to normalise before each activation.
        dropout: rate after each pooling and each dense layer, 0 … 1.
        slope: of the activation for negative inputs: 0 is ReLU, more is LeakyReLU.
        normalise_logits: whether batch normalisation also stands right before softmax.
        classes: number of classes.

    Raises:
        ValueError: another pooling, or pairs that leave no pixels.

    Source: report A (2020), its eleven studies. Taught in notebooks 09, 10 and 11.
    """
    kinds = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}
    if pooling not in kinds:
        raise ValueError(f"pooling is {pooling!r}; expected one of {', '.join(kinds)}.")
    checks.check_numbers("filters", filters)
    checks.check_numbers("units", units)
    inputs, x = image_input()
    for number, count in enumerate(filters, start=1):
        x = layers.Conv2D(count, kernel, name=f"conv_{number}")(x)
        x = activate(x, batch_norm, slope, f"conv_{number}")
        x = kinds[pooling](2, name=f"pool_{number}")(x)
        x = layers.Dropout(dropout, name=f"conv_{number}_dropout")(x) if dropout else x
    x = layers.Flatten(name="flatten")(x)
    for number, count in enumerate(units, start=1):
        x = layers.Dense(count, name=f"hidden_{number}")(x)
        x = activate(x, batch_norm, slope, f"hidden_{number}")
        x = layers.Dropout(dropout, name=f"hidden_{number}_dropout")(x) if dropout else x
    return classifier(inputs, x, classes, "study_cnn", normalise_logits)


def report_a_final(classes: int = 10) -> keras.Model:
    """Report A's final network, 499,378 parameters, 492,446 of them trainable.

    64C3–LeakyReLU(.08)–MP2–D.2–128C3–LeakyReLU(.08)–MP2–D.2–F–BN–FC128–BN–ReLU–D.2–BN–FC10–BN–softmax.
    Its convolutions have no batch normalisation, because the report built it and never added it;
    its last normalisation stands right before softmax. Notebook 11 says what both do.

    Source: report A (2020). Taught in notebook 13.
    """
    inputs, x = image_input()
    for number, filters in enumerate((64, 128), start=1):
        x = layers.Conv2D(filters, 3, name=f"conv_{number}")(x)
        x = layers.LeakyReLU(negative_slope=0.08, name=f"conv_{number}_activation")(x)
        x = layers.MaxPooling2D(2, name=f"pool_{number}")(x)
        x = layers.Dropout(0.2, name=f"conv_{number}_dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.BatchNormalization(name="flatten_normalised")(x)
    x = layers.Dense(128, name="hidden_1")(x)
    x = activate(x, True, 0.0, "hidden_1")
    x = layers.Dropout(0.2, name="hidden_1_dropout")(x)
    x = layers.BatchNormalization(name="dropout_normalised")(x)
    return classifier(inputs, x, classes, "report_a_final", normalise_logits=True)


def report_d_2(classes: int = 26) -> keras.Model:
    """Report D's second network: 32C5–MP2–64C3–MP2–128C3–MP2–F–FC256–FC128–FC26, all padded.

    424,602 parameters for 26 classes. The report's other two are `study_cnn`: the first with
    filters=(32,), units=(512, 128), 2,838,746 parameters, the third with units=(512,) and dropout,
    851,866.

    Source: report D (2021). Taught in notebook 16.
    """
    inputs, x = image_input()
    for number, (filters, kernel) in enumerate([(32, 5), (64, 3), (128, 3)], start=1):
        settings = {"padding": "same", "activation": "relu", "name": f"conv_{number}"}
        x = layers.Conv2D(filters, kernel, **settings)(x)
        x = layers.MaxPooling2D(2, name=f"pool_{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate((256, 128), start=1):
        x = layers.Dense(units, activation="relu", name=f"hidden_{number}")(x)
    return classifier(inputs, x, classes, "report_d_2")


def report_e(
    convolutions: int = 3, batch_norm: bool = True, slope: float = 0.0, classes: int = 62
) -> keras.Model:
    """Report E's network: 32C3–BN–ReLU–MP2–64C3–64C3–MP2–F–FC128–BN–ReLU–D.2–FC62.

    195,582 parameters for 62 classes. Only two of its layers are normalised, as in the report.

    Args:
        convolutions: 1, 2, 3 (the report's) or 4: the first stands before the first pooling, the
            others, of 64 filters, between the two.
        batch_norm: whether to normalise after the first convolution and the dense layer.
        slope: of every activation for negative inputs: 0 is ReLU, more is LeakyReLU.
        classes: number of classes.

    Source: report E (2021). Taught in notebook 18.
    """
    inputs, x = image_input()
    for number in range(1, convolutions + 1):
        x = layers.Conv2D(32 if number == 1 else 64, 3, name=f"conv_{number}")(x)
        x = activate(x, batch_norm and number == 1, slope, f"conv_{number}")
        if number in (1, convolutions):
            x = layers.MaxPooling2D(2, name=f"pool_{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(128, name="hidden_1")(x)
    x = activate(x, batch_norm, slope, "hidden_1")
    x = layers.Dropout(0.2, name="hidden_1_dropout")(x)
    return classifier(inputs, x, classes, "report_e")


def digit_cnn(classes: int = 10) -> keras.Model:
    """The course's own network: five normalised convolutions, one classifier, 284,074 parameters.

    32C5 same, stride 2 – 64C3 same – 64C3 – MP2 – 128C3 – 128C3 – F – D.4 – FC10, with batch
    normalisation and ReLU after each convolution. The first stride quarters the work of all others.

    Taught in notebook 13.
    """
    inputs, x = image_input()
    plan = [(32, 5, 2, "same"), (64, 3, 1, "same"), (64, 3, 1, "valid")]
    plan += [(128, 3, 1, "valid"), (128, 3, 1, "valid")]
    for number, (filters, kernel, stride, padding) in enumerate(plan, start=1):
        settings = {"strides": stride, "padding": padding, "use_bias": False}
        x = layers.Conv2D(filters, kernel, **settings, name=f"conv_{number}")(x)
        x = activate(x, True, 0.0, f"conv_{number}")
        x = layers.MaxPooling2D(2, name="pool_1")(x) if number == 3 else x
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.4, name="dropout_1")(x)
    return classifier(inputs, x, classes, "digit_cnn")


def multiply_adds(model: keras.layers.Layer) -> int:
    """How many multiplications, each with its addition, one image costs in the forward pass.

    Counts convolutions of all kinds and dense layers, where nearly all of the work is; a network
    inside another counts as often as it is called.

    Args:
        model: a layer or a model, built.

    Taught in notebook 10.
    """
    if isinstance(model, keras.Model):
        records = model.get_config()["layers"]
        calls = {one["config"]["name"]: len(one.get("inbound_nodes", [1])) for one in records}
        return sum(calls[layer.name] * multiply_adds(layer) for layer in model.layers)
    if not isinstance(model, checks.WEIGHING):
        return 0
    places = math.prod(model.output.shape[1:-1])  # a dense layer has one place
    kernels = [weight for weight in model.weights if len(weight.shape) > 1]  # no biases
    return places * sum(math.prod(kernel.shape) for kernel in kernels)
