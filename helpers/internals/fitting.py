"""What `training.fit` asks of Keras: a compiled model, a fresh optimiser, a line an epoch."""

import time
from collections.abc import Callable

from helpers.internals.backend import keras

from keras.optimizers.schedules import LearningRateSchedule as Schedule

LEARNING_RATE = 1e-3
STEPS_PER_EXECUTION = 32

Optimizer = str | keras.optimizers.Optimizer | Callable[..., keras.optimizers.Optimizer]


def compile_model(
    model: keras.Model,
    optimizer: Optimizer,
    learning_rate: float | Schedule | None,
    loss: str | keras.losses.Loss,
    weight_decay: float | None = None,
    integers: bool = True,
    steps_per_execution: int | None = None,
) -> None:
    """Compile a model as the whole course does; `training.fit` calls this itself.

    Args:
        model: built.
        optimizer: as for `make_optimizer`.
        learning_rate: as for `make_optimizer`.
        loss: a Keras loss.
        weight_decay: as for `make_optimizer`.
        integers: whether labels are integers, not probabilities.
        steps_per_execution: steps that callbacks see as one; None: 32 under TensorFlow, else 1.

    Taught in notebook 23.
    """
    optimizer = make_optimizer(optimizer, learning_rate, weight_decay)
    # What optimiser and metric keep exists before the first step: a step that made it would be
    # translated into a graph twice, half a second for a small network.
    optimizer.build(model.trainable_variables)
    kinds = keras.metrics.CategoricalAccuracy, keras.metrics.SparseCategoricalAccuracy
    metric = kinds[integers](name="accuracy")
    # XLA doubles the time of a step on a CPU under TensorFlow; JAX cannot do without it.
    tensorflow = keras.backend.backend() == "tensorflow"
    jit = False if tensorflow else "auto"
    # Several steps a call save Python's share of each: a small network trains twice as fast. JAX
    # writes them out one after the other, and then compiles for a minute.
    if steps_per_execution is None:
        steps_per_execution = STEPS_PER_EXECUTION if tensorflow else 1
    steps = {"steps_per_execution": steps_per_execution}
    model.compile(optimizer, loss=loss, metrics=[metric], jit_compile=jit, **steps)


def make_optimizer(
    optimizer: Optimizer, learning_rate: float | Schedule | None, weight_decay: float | None = None
) -> keras.optimizers.Optimizer:
    """A fresh optimiser; one that is made already stays as it is.

    Args:
        optimizer: a name that Keras knows, a function that makes an optimiser of learning_rate and
            weight_decay, or an optimiser.
        learning_rate: a float or a keras schedule; 0.001 where None.
        weight_decay: in each step every weight shrinks by this share times the learning rate.

    Raises:
        ValueError: a learning rate or weight decay beside an optimiser, which has its own.
    """
    if isinstance(optimizer, keras.optimizers.Optimizer):
        if learning_rate is not None or weight_decay is not None:
            name = type(optimizer).__name__
            raise ValueError(
                f"expected nothing beside an optimiser that is made, found learning_rate="
                f"{learning_rate} and weight_decay={weight_decay}. Write them into it: "
                f"{name}(learning_rate=…, weight_decay=…), or pass its name, {name.lower()!r}."
            )
        return optimizer
    is_name = isinstance(optimizer, str)
    make = keras.optimizers.get(optimizer).__class__ if is_name else optimizer
    learning_rate = LEARNING_RATE if learning_rate is None else learning_rate
    return make(learning_rate=learning_rate, weight_decay=weight_decay)


def reseed(augment: keras.layers.Layer) -> None:
    """Let the random numbers of augmentation layers begin anew, as Keras' global seed says.

    Args:
        augment: a layer, or a keras.Sequential of layers.
    """
    for layer in getattr(augment, "layers", ()):
        if hasattr(layer, "generator"):
            layer.generator.state.assign(keras.random.SeedGenerator().state)


class EpochLine(keras.callbacks.Callback):
    """Prints one line after each epoch, and nothing in between."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clock; Keras calls this."""
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the line; Keras calls this."""
        figures = [f"loss {logs['loss']:.4f}  accuracy {logs['accuracy']:.4f}"]
        if "val_loss" in logs:
            figures += [f"validation {logs['val_loss']:.4f}  {logs['val_accuracy']:.4f}"]
        seconds = time.perf_counter() - self.began
        total = self.params["epochs"]
        line = "   ".join([f"epoch {epoch + 1:>2}/{total}", *figures, f"{seconds:.1f} s"])
        print(line, flush=True)
