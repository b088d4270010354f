"""Training: fit a model, cross-validate a recipe. Both show their progress in a few tidy lines."""

import time
from dataclasses import dataclass
from math import ceil

from helpers import course
from helpers._keras import keras

import numpy as np
import pandas as pd
from keras.optimizers.schedules import LearningRateSchedule as Schedule
from scipy import stats
from sklearn.model_selection import StratifiedKFold
from tqdm import tqdm

QUICK_EPOCHS = 1
STEPS_PER_CALL = 32
QUICK_RUNS = 2


@dataclass(frozen=True)
class History:
    """What `fit` saw: a figure per epoch, and what the training cost.

    loss, accuracy: on the training images, running mean over the epoch, one float an epoch.
    val_loss, val_accuracy: on the validation images after the epoch; empty without them.
    seconds: wall time of the fit. images: how many were trained on. batch_size: images a step.
    """

    loss: list
    accuracy: list
    val_loss: list
    val_accuracy: list
    seconds: float
    images: int
    batch_size: int

    @property
    def epochs(self):
        """Number of epochs trained."""
        return len(self.loss)

    def table(self):
        """The curves as a DataFrame, one row an epoch, columns as the fields are named."""
        curves = {name: getattr(self, name) for name in CURVES if getattr(self, name)}
        return pd.DataFrame(curves, index=pd.RangeIndex(1, self.epochs + 1, name="epoch"))


CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")


def fit(
    model,
    split,
    validation=None,
    *,
    epochs,
    targets=None,
    batch_size=128,
    learning_rate=1e-3,
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    augment=None,
    weight_decay=None,
    class_weight=None,
    callbacks=(),
    verbose=True,
):
    """Compile a model and train it, printing one line an epoch.

    Arguments:
        model: an uncompiled model from `models`, or one that `fit` has trained before (training
            goes on from its weights with a fresh optimiser).
        split: the images and labels to train on.
        validation: a Split to judge every epoch on; never the training or the test split.
        epochs: passes over the images; the quick tier does one.
        targets: probabilities (n, classes) to learn instead of the labels, with a loss for them.
        batch_size: images in one step.
        learning_rate: step size: a float, or a function from the number of steps of this training
            to a keras schedule, such as `schedules.one_cycle(0.01)`.
        optimizer: a name that Keras knows, e.g. "adam", "rmsprop", "sgd", or a function that makes
            one of learning_rate and weight_decay.
        loss: a Keras loss for integer labels, or `losses.one_hot_loss` of one for one-hot labels.
        augment: layers from `recipes.augmentation`, which change the training images
            anew in every epoch; the model itself does not hold them.
        weight_decay: in each step every weight shrinks by this share times the learning rate.
        class_weight: dict label → weight of its images in the loss, all 1 where None.
        callbacks: further Keras callbacks.
        verbose: False prints nothing.
    Returns: History.
    Raises: ValueError where a label has no output, or validation shares its memory with training.
    Taught in notebook 02.
    """
    check(model, split, validation)
    epochs = min(epochs, QUICK_EPOCHS) if course.tier() == "quick" else epochs
    if callable(learning_rate) and not isinstance(learning_rate, Schedule):
        learning_rate = learning_rate(epochs * ceil(len(split) / batch_size))
    integers = targets is None
    compile_model(model, optimizer, learning_rate, loss, weight_decay, integers)
    trained = model
    if augment is not None:  # the same weights and optimiser, behind layers that work in training
        _reseed(augment)
        trained = keras.Sequential([keras.Input((28, 28)), augment, model])
        compile_model(trained, model.optimizer, None, loss, integers=integers)
    began = time.perf_counter()
    seen = trained.fit(
        split.images,
        split.labels if targets is None else targets,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=None if validation is None else (validation.images, validation.labels),
        class_weight=class_weight,
        callbacks=[*([_EpochLine()] if verbose else []), *callbacks],
        verbose=0,
    ).history
    return History(
        *(seen.get(name, []) for name in CURVES),
        seconds=time.perf_counter() - began,
        images=len(split),
        batch_size=batch_size,
    )


def compile_model(model, optimizer, learning_rate, loss, weight_decay=None, integers=True):
    """Compile a model as the whole course does: fresh optimiser, accuracy as metric.

    Arguments: as for `fit`; learning_rate a float or a keras schedule. integers: whether labels are
        integers, not probabilities. Taught in notebook 02.
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
    steps = {"steps_per_execution": STEPS_PER_CALL if tensorflow else 1}
    model.compile(optimizer, loss=loss, metrics=[metric], jit_compile=jit, **steps)


def make_optimizer(optimizer, learning_rate, weight_decay=None):
    """A fresh optimiser, as `fit` makes it of the same arguments; an instance stays as it is."""
    if isinstance(optimizer, keras.optimizers.Optimizer):
        return optimizer
    is_name = isinstance(optimizer, str)
    make = keras.optimizers.get(optimizer).__class__ if is_name else optimizer
    return make(learning_rate=learning_rate, weight_decay=weight_decay)


def _reseed(augment):
    """Let the random numbers of augmentation layers begin anew, as Keras' global seed says."""
    for layer in getattr(augment, "layers", ()):
        if hasattr(layer, "generator"):
            layer.generator.state.assign(keras.random.SeedGenerator().state)


def check(model, split, validation):
    """Raise ValueError for labels without an output, no images, validation on training images."""
    outputs = model.output_shape[-1]
    for part in (split,) if validation is None else (split, validation):
        if len(part) == 0 or part.labels.min() < 0 or part.labels.max() >= outputs:
            raise ValueError(
                f"expected images with labels 0 … {outputs - 1}, one for each output of "
                f"{model.name!r}; found {part}. Build the model with classes=len(dataset.classes)."
            )
    if validation is not None and np.shares_memory(split.images, validation.images):
        raise ValueError(
            "validation shares images with the training split; its curve would show nothing. "
            "Use dataset.with_validation() and pass its .train and .validation."
        )


class _EpochLine(keras.callbacks.Callback):
    """Prints one line after each epoch, and nothing in between."""

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        figures = [f"loss {logs['loss']:.4f}  accuracy {logs['accuracy']:.4f}"]
        if "val_loss" in logs:
            figures += [f"validation {logs['val_loss']:.4f}  {logs['val_accuracy']:.4f}"]
        seconds = time.perf_counter() - self.began
        total = self.params["epochs"]
        line = "   ".join([f"epoch {epoch + 1:>2}/{total}", *figures, f"{seconds:.1f} s"])
        print(line, flush=True)


@dataclass(frozen=True)
class Runs:
    """The same recipe trained several times: from several seeds, or on several folds.

    scores: validation accuracy of each run after its last epoch, float64 (runs,).
    histories: one History a run. models: the trained model of each run.
    """

    scores: np.ndarray
    histories: list
    models: list

    @classmethod
    def of(cls, runs):
        """Collect finished runs, pairs of a History (with validation images) and its model."""
        histories, models = (list(column) for column in zip(*runs, strict=True))
        return cls(np.array([history.val_accuracy[-1] for history in histories]), histories, models)

    @property
    def mean(self):
        """Mean of the scores."""
        return float(self.scores.mean())

    @property
    def std(self):
        """Standard deviation of the scores (n - 1 in the denominator)."""
        return float(self.scores.std(ddof=1))

    @property
    def interval(self):
        """95 % interval of the mean, Student's t: (low, high)."""
        half = stats.t.ppf(0.975, len(self.scores) - 1) * self.std / len(self.scores) ** 0.5
        return float(self.mean - half), float(self.mean + half)

    @property
    def seconds(self):
        """Seconds of training, all runs together."""
        return sum(history.seconds for history in self.histories)


class CrossValidation(Runs):
    """Runs, one a fold. Folds share training images, so the interval of the mean is a little
    narrow (Nadeau and Bengio, 2003)."""


def repeat(build, split, validation, *, epochs, seeds=(1, 2, 3), **options):
    """Train the same recipe from several seeds: how much of a difference is luck?

    Arguments:
        build: function without arguments that returns a fresh, uncompiled model.
        split, validation, epochs, options: as for `fit`.
        seeds: one run each, at least two; the quick tier does the first two.
    Returns: Runs. Raises: ValueError where a seed occurs twice: that would be the same run again.
    Taught in notebook 03.
    """
    if len(set(seeds)) < max(2, len(seeds)):
        raise ValueError(f"expected two or more different seeds, found {tuple(seeds)}.")
    seeds = seeds[:QUICK_RUNS] if course.tier() == "quick" else seeds
    runs = []
    for seed in tqdm(seeds, desc="seeds", unit="run", leave=False, delay=1):
        keras.utils.set_random_seed(seed)
        model = build()
        history = fit(model, split, validation, epochs=epochs, verbose=False, **options)
        runs.append((history, model))
    return Runs.of(runs)


def cross_validate(build, split, folds=10, *, epochs, seed=0, **options):
    """Train one fresh model a fold, each judged on the part of the images that it did not see.

    Arguments:
        build: function without arguments that returns a fresh, uncompiled model.
        split: the images to fold; never the test split.
        folds: number of folds, stratified by label and shuffled; the quick tier does two.
        epochs: passes over the images for each fold.
        seed: of the shuffle; fold k starts its weights from seed + k.
        options: as for `fit`.
    Returns: CrossValidation. Raises: ValueError where there are fewer than two folds.
    Source: Kohavi (1995); reports A and E. Taught in notebook 03.
    """
    if folds < 2:
        raise ValueError(
            f"expected at least 2 folds, found {folds}: one fold has nothing to judge."
        )
    folds = min(folds, QUICK_RUNS) if course.tier() == "quick" else folds
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    parts = splitter.split(np.zeros(len(split)), split.labels)
    runs = []
    for number, (train, rest) in enumerate(
        tqdm(parts, total=folds, desc="folds", unit="fold", leave=False, delay=1)
    ):
        keras.utils.set_random_seed(seed + number)
        model = build()
        history = fit(model, split[train], split[rest], epochs=epochs, verbose=False, **options)
        runs.append((history, model))
    return CrossValidation.of(runs)
