"""Learning rates: a test that finds a good range, and a schedule that uses it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from helpers import data
from helpers.internals import checks, fitting, tiers
from helpers.internals.backend import keras

import numpy as np
from keras.optimizers.schedules import CosineDecay
from scipy.ndimage import gaussian_filter1d
from tqdm import tqdm

QUICK_STEPS = 20
"""Steps of a range test in the quick tier."""

DIVERGED = 4
"""The range test stops where the smoothed loss is this many times its least value."""

SMOOTHED = 5
"""Standard deviation, in steps, of the weights with which losses are smoothed."""


def one_cycle(peak: float, warm_up: float = 0.25) -> Callable[[int], CosineDecay]:
    """A schedule for one training: up to a peak, then down to almost nothing.

    Linear from peak/25 up to the peak, then half a cosine down to peak/10,000.

    Args:
        peak: the highest learning rate, above 0.
        warm_up: share of the steps on the way up, 0 … 1.

    Returns:
        Number of steps → schedule, as `training.fit` takes it. It is one of Keras's own, so that a
        saved network loads without this course.

    Raises:
        ValueError: unless peak > 0 and 0 < warm_up < 1.

    Source: Smith and Topin, Super-Convergence, arXiv:1708.07120; here with a cosine way down.
    Taught in notebook 09.
    """
    if not (peak > 0 and 0 < warm_up < 1):
        raise ValueError(
            f"expected a peak above 0 and a warm_up between 0 and 1, found {peak} and {warm_up}."
        )
    return lambda steps: CosineDecay(
        peak / 25,
        (1 - warm_up) * steps,
        alpha=1e-4,
        warmup_target=peak,
        warmup_steps=warm_up * steps,
    )


@dataclass(frozen=True)
class RangeTest:
    """What `range_test` saw: for each step the learning rate and the loss of that batch alone.

    Attributes:
        rates: float (steps,), rising.
        losses: float (steps,), nats.
    """

    rates: np.ndarray
    losses: np.ndarray

    @property
    def smooth(self) -> np.ndarray:
        """The losses smoothed: a geometric mean with normal weights, as much before as after each.

        A mean over earlier steps alone would lag, and move the minimum to higher rates; a mean of
        the losses, not of their logarithms, would feel the explosion from afar.
        """
        return _smooth(self.losses)

    @property
    def minimum(self) -> float:
        """The learning rate at which the smoothed loss is least."""
        return float(self.rates[self.smooth.argmin()])

    @property
    def tenth(self) -> float:
        """A tenth of `minimum`, which is often taken."""
        return self.minimum / 10

    @property
    def steepest(self) -> float:
        """The learning rate at which the smoothed loss falls fastest, before its minimum."""
        slope = np.gradient(self.smooth, np.log(self.rates))
        before = max(self.smooth.argmin(), 1)
        return float(self.rates[slope[:before].argmin()])


def range_test(
    model: keras.Model,
    split: data.Split,
    *,
    optimizer: str = "adam",
    low: float = 1e-6,
    high: float = 100.0,
    steps: int = 200,
    batch_size: int = 512,
    seed: int = 0,
) -> RangeTest:
    """Train a few steps, each with a larger learning rate, and write down each batch's own loss.

    The loss of every batch is taken before its step, so no running mean hides where it turns. Stops
    where the loss explodes. The model's weights are afterwards what they were, and so are its
    optimiser and its compilation: the test works on a copy.

    Args:
        model: built; compiled or not, trained or not.
        split: the images to draw batches from.
        optimizer: a name that Keras knows.
        low: first learning rate.
        high: last learning rate.
        steps: number of rates, spaced evenly on a logarithmic scale; the quick tier takes 20.
        batch_size: images a step.
        seed: of the draw of the batches.

    Raises:
        ValueError: unless 0 < low < high, with fewer than 10 steps, where the first loss is nan, or
            as `training.fit` does.

    Source: L. Smith, Cyclical Learning Rates, arXiv:1506.01186. Taught in notebook 09.
    """
    if not 0 < low < high or steps < 10:
        raise ValueError(
            f"expected 0 < low < high and 10 steps or more, found {low}, {high}, {steps}."
        )
    checks.check_splits(model, split, None)
    steps = tiers.shortened(steps, QUICK_STEPS, "steps")
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    fitting.compile_model(copy, optimizer, low, "sparse_categorical_crossentropy")
    rates, losses = np.geomspace(low, high, steps), []
    batches = _batches(len(split), batch_size, np.random.default_rng(seed))
    for rate in tqdm(rates, desc="range test", unit="step", leave=False, delay=1):
        copy.optimizer.learning_rate = rate
        copy.reset_metrics()
        chosen = next(batches)
        losses.append(float(copy.train_on_batch(split.images[chosen], split.labels[chosen])[0]))
        smooth = _smooth(np.array(losses))
        if not np.isfinite(losses[-1]) or smooth[-1] > DIVERGED * smooth.min():
            break
    seen = np.isfinite(losses)
    if not seen.any():
        raise ValueError(
            "expected a finite loss before the first step, found nan: this model is broken. "
            "Build it anew."
        )
    return RangeTest(rates[: len(losses)][seen], np.array(losses)[seen])


def _batches(images: int, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Endless batches of indices, in a new random order each time round."""
    while True:
        order = rng.permutation(images)
        for start in range(0, images, batch_size):
            yield np.sort(order[start : start + batch_size])


def _smooth(losses: np.ndarray) -> np.ndarray:
    """Geometric mean with normal weights; beyond both ends the last loss goes on."""
    logs = np.log(np.maximum(losses, 1e-7))  # a batch without any loss has no logarithm
    return np.exp(gaussian_filter1d(logs, SMOOTHED, mode="nearest"))
