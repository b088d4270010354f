"""Training: fit a model, cross-validate a recipe. Both show their progress in a few tidy lines."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from helpers import statistics
from helpers.data import Split
from helpers.internals import checks, fitting, tiers
from helpers.internals.backend import keras
from helpers.internals.errors import expect

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold
from tqdm import tqdm

QUICK_EPOCHS, QUICK_RUNS = 1, 2
CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True)
class History:
    """What `fit` saw: a figure per epoch, and what the training cost.

    Attributes:
        loss: on the training images, running mean over the epoch, one float an epoch.
        accuracy: likewise, 0 … 1.
        val_loss: on the validation images after the epoch; empty without them.
        val_accuracy: likewise, 0 … 1.
        seconds: wall time of the fit.
        images: how many were trained on.
        batch_size: images a step.
    """

    loss: list[float]
    accuracy: list[float]
    val_loss: list[float]
    val_accuracy: list[float]
    seconds: float
    images: int
    batch_size: int

    @property
    def epochs(self) -> int:
        """Number of epochs trained."""
        return len(self.loss)

    def table(self) -> pd.DataFrame:
        """The curves as a DataFrame, one row an epoch, columns as the attributes are named."""
        curves = {name: getattr(self, name) for name in CURVES if getattr(self, name)}
        return pd.DataFrame(curves, index=pd.RangeIndex(1, self.epochs + 1, name="epoch"))


def fit(
    model: keras.Model,
    split: Split,
    validation: Split | None = None,
    *,
    epochs: int,
    targets: np.ndarray | None = None,
    batch_size: int = 128,
    learning_rate: float | fitting.Schedule | Callable[[int], fitting.Schedule] | None = None,
    optimizer: fitting.Optimizer = "adam",
    loss: str | keras.losses.Loss = "sparse_categorical_crossentropy",
    augment: keras.layers.Layer | None = None,
    weight_decay: float | None = None,
    class_weight: dict[int, float] | None = None,
    steps_per_execution: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> History:
    """Compile a model and train it, printing one line an epoch.

    Args:
        model: an uncompiled model from `models`, or one that `fit` has trained before (training
            goes on from its weights with a fresh optimiser).
        split: the images and labels to train on.
        validation: a Split to judge every epoch on; never the training or the test split.
        epochs: passes over the images, at least 1; the quick tier does one.
        targets: probabilities (n, classes) to learn instead of the labels, with a loss for them.
        batch_size: images in one step.
        learning_rate: step size: a float, 0.001 where None, or a function from the number of steps
            of this training to a keras schedule, such as `schedules.one_cycle(0.01)`.
        optimizer: a name that Keras knows, e.g. "adam", "rmsprop", "sgd", a function that makes one
            of learning_rate and weight_decay, or an optimiser, which has its own of both.
        loss: a Keras loss for integer labels, or `losses.OneHotLoss` of one for one-hot labels.
        augment: layers from `recipes.augmentation`, which change the training images anew in every
            epoch; the model itself does not hold them.
        weight_decay: in each step every weight shrinks by this share times the learning rate.
        class_weight: dict label → weight of its images in the loss, all 1 where None.
        steps_per_execution: steps that callbacks see as one; None: 32 under TensorFlow, which
            trains a small network twice as fast, 1 elsewhere. Say 1 for a callback on each batch.
        callbacks: further Keras callbacks.
        verbose: False prints nothing.

    Raises:
        ValueError: what would not train as meant, such as test images as validation.
        TypeError: images that are no Split.

    Taught in notebook 02.
    """
    checks.check_splits(model, split, validation)
    checks.check_model(model, split.images)
    expect(epochs >= 1, "1 epoch or more", epochs, "Write epochs=1")
    epochs = tiers.shortened(epochs, QUICK_EPOCHS, "epochs")
    if callable(learning_rate) and not isinstance(learning_rate, fitting.Schedule):
        learning_rate = learning_rate(epochs * ceil(len(split) / batch_size))
    how = {"integers": targets is None, "steps_per_execution": steps_per_execution}
    fitting.compile_model(model, optimizer, learning_rate, loss, weight_decay, **how)
    trained = model
    if augment is not None:  # the same weights and optimiser, behind layers that work in training
        fitting.reseed(augment)
        trained = keras.Sequential([keras.Input((28, 28)), augment, model])
        fitting.compile_model(trained, model.optimizer, None, loss, **how)
    began = time.perf_counter()
    seen = trained.fit(
        split.images,
        split.labels if targets is None else targets,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=None if validation is None else (validation.images, validation.labels),
        class_weight=class_weight,
        callbacks=[*([fitting.EpochLine()] if verbose else []), *callbacks],
        verbose=0,
    ).history
    seconds = time.perf_counter() - began
    return History(*(seen.get(name, []) for name in CURVES), seconds, len(split), batch_size)


@dataclass(frozen=True)
class Runs:
    """The same recipe trained several times: from several seeds, or on several folds.

    Attributes:
        histories: one History a run, with validation images.
        models: the trained model of each run.
        test_share: None; of folds, the share of the images that each run was judged on.
    """

    histories: list[History]
    models: list[keras.Model]
    test_share: float | None = None

    @property
    def scores(self) -> np.ndarray:
        """Validation accuracy of each run after its last epoch, float64 (runs,)."""
        return np.array([history.val_accuracy[-1] for history in self.histories])

    @property
    def mean(self) -> float:
        """Mean of the scores."""
        return float(self.scores.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean, (low, high): Student's t, of folds Nadeau and Bengio's."""
        return statistics.mean_interval(self.scores, test_share=self.test_share)

    @property
    def seconds(self) -> float:
        """Seconds of training, all runs together."""
        return sum(history.seconds for history in self.histories)


def repeat(
    build: Callable[[], keras.Model],
    split: Split,
    validation: Split,
    *,
    epochs: int,
    seeds: Sequence[int] = (1, 2, 3),
    **options: object,
) -> Runs:
    """Train the same recipe from several seeds: how much of a difference is luck?

    Args:
        build: function without arguments that returns a fresh, uncompiled model.
        split: as for `fit`.
        validation: as for `fit`.
        epochs: as for `fit`.
        seeds: one run each, at least two; the quick tier does the first two.
        **options: as for `fit`.

    Raises:
        ValueError: a seed that occurs twice: that would be the same run again.

    Taught in notebook 03.
    """
    met = len(set(seeds)) == len(seeds) >= 2
    expect(met, "two or more different seeds", tuple(seeds), "Write seeds=(1, 2, 3)")
    seeds = seeds[: tiers.shortened(len(seeds), QUICK_RUNS, "seeds")]
    epochs = tiers.shortened(epochs, QUICK_EPOCHS, "epochs from each")
    shown = tqdm(seeds, desc="seeds", unit="run", leave=False, delay=1)
    runs = [_run(build, seed, split, validation, epochs, options) for seed in shown]
    return Runs(*map(list, zip(*runs, strict=True)))


def cross_validate(
    build: Callable[[], keras.Model],
    split: Split,
    folds: int = 10,
    *,
    epochs: int,
    seed: int = 0,
    **options: object,
) -> Runs:
    """Train one fresh model a fold, each judged on the part of the images that it did not see.

    Args:
        build: function without arguments that returns a fresh, uncompiled model.
        split: the images to fold; never the test split.
        folds: number of folds, stratified by label and shuffled; the quick tier does two.
        epochs: passes over the images for each fold.
        seed: of the shuffle; fold k starts its weights from seed + k.
        **options: as for `fit`.

    Raises:
        ValueError: fewer than two folds.

    Source: Kohavi (1995); reports A and E. Taught in notebook 03.
    """
    checks.check_split(split)
    expect(folds >= 2, "at least 2 folds", folds, "One fold has nothing to train on")
    folds = tiers.shortened(folds, QUICK_RUNS, "folds")
    epochs = tiers.shortened(epochs, QUICK_EPOCHS, "epochs for each")
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    parts = splitter.split(np.zeros(len(split)), split.labels)
    shown = tqdm(parts, total=folds, desc="folds", unit="fold", leave=False, delay=1)
    runs = [
        _run(build, seed + number, split[train], split[rest], epochs, options)
        for number, (train, rest) in enumerate(shown)
    ]
    return Runs(*map(list, zip(*runs, strict=True)), test_share=1 / folds)


def _run(
    build: Callable, seed: int, split: Split, validation: Split, epochs: int, options: dict
) -> tuple[History, keras.Model]:
    """Train one fresh model from a seed."""
    checks.check_build(build)
    keras.utils.set_random_seed(seed)
    model = build()
    return fit(model, split, validation, epochs=epochs, verbose=False, **options), model
