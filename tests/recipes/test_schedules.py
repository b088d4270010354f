"""A schedule peaks where it says; a range test finds learning rates and leaves no trace."""

import subprocess
import sys

from helpers import models, training
from helpers.data import Split
from helpers.recipes import schedules

import keras
import numpy as np
import pytest
from learnable import split

OPTIMIZERS = ["rmsprop", "nadam", "sgd", "adadelta", "adagrad", "adam"]


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


# --- one cycle -------------------------------------------------------------------------------


@pytest.mark.parametrize("peak, warm_up, steps", [(0.01, 0.25, 100), (2.0, 0.4, 50)])
def test_one_cycle_rises_to_its_peak_where_it_says_and_ends_near_zero(peak, warm_up, steps):
    schedule = schedules.one_cycle(peak, warm_up)(steps)
    course = np.array([float(schedule(step)) for step in range(steps)])
    top = course.argmax()
    assert top == warm_up * steps and course[top] == pytest.approx(peak)
    assert course[0] == pytest.approx(peak / 25) and 0 < course[-1] < 0.005 * peak
    assert float(schedule(steps)) == pytest.approx(peak / 10_000, rel=1e-3)
    assert np.ptp(np.diff(course[:top])) < 1e-6 * peak  # a straight line up
    assert (np.diff(course[top:]) < 0).all()


def test_one_cycle_spans_a_fit_and_its_network_loads_where_the_course_is_not(tmp_path):
    model = models.dense_ann((4,))
    options = {"epochs": 2, "batch_size": 100, "verbose": False}
    training.fit(model, split(), learning_rate=schedules.one_cycle(0.5, 0.3), **options)
    model.save(tmp_path / "model.keras")
    code = f"""
import sys, keras
optimizer = keras.saving.load_model({str(tmp_path / "model.keras")!r}).optimizer
assert "helpers" not in sys.modules
print(int(optimizer.iterations))
for step in (0, 6):
    optimizer.iterations.assign(step)
    print(round(float(optimizer.learning_rate), 5))
"""
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    # of 100, 100 and 40 images, twice: the first step is at a 25th of the peak, the last is over
    assert shown.stdout.split() == ["6", "0.02", "5e-05"]


# --- reading a range test --------------------------------------------------------------------


def read(losses):
    """A test of these losses, one for each of so many rates."""
    return schedules.RangeTest(np.geomspace(1e-6, 100, len(losses)), np.array(losses, float))


def test_a_loss_counts_by_its_distance_and_as_much_before_as_after():
    smooth = read(np.exp([0] * 30 + [1] + [0] * 30)).smooth
    density = np.exp(-0.5 * (np.arange(-10, 11) / 5) ** 2) / (5 * np.sqrt(2 * np.pi))
    assert np.log(smooth[20:41]) == pytest.approx(density, abs=1e-5)
    assert read([3] * 8).smooth == pytest.approx(3)  # so are the losses at both ends
    assert (read([1, 1, 0, 1]).smooth > 0).all()


STEPS = np.arange(80)
FALL = 0.3 + 2 / (1 + np.exp((STEPS - 30) / 2))  # steepest, on a scale of rates, at 30
BOTH_WAYS = 1.0 + np.abs(STEPS - 25)


@pytest.mark.parametrize(
    "losses, steepest, minimum",
    [
        (BOTH_WAYS, None, 25),
        (BOTH_WAYS + 0.5 * (-1) ** STEPS, None, 25),
        (FALL, 30, 79),
        (FALL + np.exp(STEPS - 75.0), 30, None),
        (range(1, 41), 0, 0),
    ],
    ids=["down and up", "the same with noise", "down", "steepest before the minimum", "only up"],
)
def test_a_range_test_is_read_at_its_minimum_a_tenth_of_it_and_its_steepest(
    losses, steepest, minimum
):
    found = read(losses)
    if minimum is not None:
        assert (found.minimum, found.tenth) == (found.rates[minimum], found.rates[minimum] / 10)
    if steepest is not None:
        assert abs(found.rates.tolist().index(found.steepest) - steepest) <= 2
    assert found.steepest <= found.minimum


def test_an_explosion_at_the_end_hardly_moves_the_minimum():
    valley = 0.3 + 0.1 * np.abs(STEPS[:58] - 50)
    found = read([*valley, 200])
    assert (
        abs(found.rates.tolist().index(found.minimum) - 50) <= 3
    )  # a third of the way that it moves a mean of the losses


# --- making one ------------------------------------------------------------------------------


class Noting(np.ndarray):
    """Images that note which of them are asked for."""

    def __array_finalize__(self, origin):
        self.asked = getattr(origin, "asked", [])

    def __getitem__(self, index):
        self.asked.append(index)
        return np.asarray(self)[index]


def noting():
    return Split(split().images.view(Noting), split().labels)


def descend(model, part, batches, steps):
    """Gradient descent of a linear classifier in numpy: the loss of each batch before its step."""
    kernel, bias = model.get_weights()
    losses = []
    for chosen, rate in zip(batches, steps, strict=True):
        x, y = np.asarray(part.images)[chosen].reshape(-1, 784) / 255, part.labels[chosen]
        scores = np.exp(x @ kernel + bias)
        errors = scores / scores.sum(axis=1, keepdims=True)
        losses.append(-np.log(errors[np.arange(len(y)), y]).mean())
        errors[np.arange(len(y)), y] -= 1
        kernel, bias = kernel - rate * x.T @ errors / len(y), bias - rate * errors.mean(axis=0)
    return losses


@pytest.mark.parametrize("low, high", [(1e-12, 1e-11), (1e-4, 0.3)], ids=["tiny", "usual"])
def test_a_loss_is_its_batch_s_own_before_its_step_with_the_next_rate(low, high):
    model, part = models.dense_ann(()), noting()
    found = schedules.range_test(
        model, part, optimizer="sgd", low=low, high=high, steps=16, batch_size=32
    )
    assert found.rates == pytest.approx(np.geomspace(low, high, 16))
    expected = descend(model, part, part.images.asked, found.rates)
    assert found.losses == pytest.approx(expected, rel=1e-4)
    assert np.ptp(found.losses) > 0.01  # a running mean of them would not be mistaken for them


def test_every_image_comes_once_each_time_round_in_an_order_of_its_seed():
    orders = []
    for seed in (0, 0, 1):
        part = noting()
        schedules.range_test(
            models.dense_ann(()), part, high=1e-5, steps=16, batch_size=32, seed=seed
        )
        rounds = [np.concatenate(part.images.asked[k : k + 8]) for k in (0, 8)]
        assert all(sorted(order) == list(range(240)) for order in rounds)
        orders += [order.tolist() for order in rounds]
    assert orders[:2] == orders[2:4] != orders[4:] and orders[0] != orders[1]


def everything(model):
    """All that a model knows: weights, optimiser state, and how it is compiled."""
    weights = [weight.tobytes() for weight in model.get_weights()]
    if not model.compiled:
        return weights
    state = [variable.numpy().tobytes() for variable in model.optimizer.variables]
    figures = {name: float(value) for name, value in model.get_metrics_result().items()}
    return weights, state, figures, model.get_compile_config(), id(model.optimizer)


@pytest.mark.parametrize("name, trained", [*((name, True) for name in OPTIMIZERS), ("adam", False)])
def test_it_stops_where_the_loss_explodes_and_leaves_the_model_as_it_was(name, trained):
    model = models.study_cnn((), units=(8,), batch_norm=True)
    if trained:
        training.fit(model, split(), epochs=1, optimizer=name, verbose=False)
    before = everything(model)
    found = schedules.range_test(model, split(), optimizer=name, high=1e6, steps=60, batch_size=40)
    assert everything(model) == before and model.compiled == trained
    count = len(found.losses)
    assert count < 60 and np.array_equal(found.rates, np.geomspace(1e-6, 1e6, 60)[:count])
    seen = [
        schedules.RangeTest(found.rates[:n], found.losses[:n]).smooth for n in range(1, count + 1)
    ]
    exploded = [smooth[-1] > 4 * smooth.min() for smooth in seen]
    assert exploded == [False] * (count - 1) + [True]
    assert 1e-6 < found.steepest <= found.minimum < found.rates[-1]


def test_a_loss_that_is_no_number_ends_the_test_and_is_left_out(monkeypatch):
    fed = iter([2.0, 1.0, float("nan"), 1.0])
    monkeypatch.setattr(keras.Model, "train_on_batch", lambda *batch: [next(fed), 0.0])
    found = schedules.range_test(models.dense_ann(()), split(), steps=10)
    assert found.losses.tolist() == [2, 1] and len(found.rates) == 2


def test_the_quick_tier_takes_20_steps_over_the_same_range(monkeypatch):
    monkeypatch.setenv("COURSE_TIER", "quick")
    found = schedules.range_test(models.dense_ann(()), split(), low=1e-5, high=1e-2, steps=200)
    assert found.rates == pytest.approx(np.geomspace(1e-5, 1e-2, 20))


@pytest.mark.parametrize("low, high, steps", [(0, 1, 20), (1, 1, 20), (2, 1, 20), (1e-6, 1, 9)])
def test_a_range_that_is_none_is_explained(low, high, steps):
    expected = f"expected 0 < low < high and 10 steps or more, found {low}, {high}, {steps}"
    with pytest.raises(ValueError, match=expected):
        schedules.range_test(models.dense_ann(()), split(), low=low, high=high, steps=steps)


@pytest.mark.parametrize("part, outputs", [(split(0), 10), (split(), 5)], ids=["none", "labels"])
def test_images_that_cannot_be_learnt_are_explained(part, outputs):
    with pytest.raises(ValueError, match=f"expected images with labels 0 … {outputs - 1}"):
        schedules.range_test(models.dense_ann((), outputs), part)


def test_a_model_whose_weights_are_nan_is_explained():
    model = models.dense_ann((4,))
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    with pytest.raises(ValueError, match=r"expected a finite loss .* found nan"):
        schedules.range_test(model, split(), steps=10)


@pytest.mark.parametrize("settings", [{"peak": 0}, {"peak": 0.1, "warm_up": 1}])
def test_a_cycle_without_a_peak_or_a_way_down_is_explained(settings):
    with pytest.raises(ValueError, match="expected a peak above 0 and a warm_up between 0 and 1"):
        schedules.one_cycle(**settings)
