"""Training shows tidy lines, repeats bit for bit, and refuses what would mislead."""

import dataclasses
import re
from functools import partial

from helpers import data, models, training
from helpers.data import Split
from helpers.recipes import augmentation, losses

import keras
import numpy as np
import pytest
import tiny
from keras import layers
from learnable import split


def dense():
    return models.dense_ann((16,))


def conv():
    inputs = keras.Input((28, 28))
    x = layers.Reshape((28, 28, 1))(layers.Rescaling(1 / 255)(inputs))
    x = layers.MaxPooling2D(4)(layers.Conv2D(4, 3, activation="relu")(x))
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setenv("COURSE_TIER", "quick")


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def test_it_learns_and_its_history_has_a_figure_an_epoch():
    history = training.fit(dense(), split(), split(seed=1), epochs=6, batch_size=16, verbose=False)
    for curve in (history.loss, history.accuracy, history.val_loss, history.val_accuracy):
        assert len(curve) == history.epochs == 6
    assert history.loss[-1] < history.loss[0] and history.val_accuracy[-1] > 0.9
    assert (history.images, history.batch_size) == (240, 16) and history.seconds > 0


def test_batches_hold_128_images_as_the_design_has_it_and_a_history_stays_as_it_is():
    history = training.fit(dense(), split(130), epochs=1, verbose=False)
    assert history.batch_size == 128
    with pytest.raises(dataclasses.FrozenInstanceError):
        history.batch_size = 1


def test_the_table_has_a_row_an_epoch_and_only_curves_that_there_are():
    with_validation = training.History([2, 1], [0.3, 0.6], [2, 2], [0.2, 0.4], 1.0, 240, 32)
    table = with_validation.table()
    assert table.index.tolist() == [1, 2] and table.index.name == "epoch"
    assert table.columns.tolist() == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert table.loc[2, "val_accuracy"] == 0.4
    without = training.History([2, 1], [0.3, 0.6], [], [], 1.0, 240, 32)
    assert without.table().columns.tolist() == ["loss", "accuracy"]


def test_one_line_an_epoch_and_nothing_else(capsys):
    training.fit(dense(), split(), split(seed=1), epochs=2)
    captured = capsys.readouterr()
    figures = r"loss \d\.\d{4}  accuracy \d\.\d{4}   validation \d\.\d{4}  \d\.\d{4}   \d+\.\d s"
    first, second = captured.out.splitlines()
    assert re.fullmatch(f"epoch  1/2   {figures}", first)
    assert re.fullmatch(f"epoch  2/2   {figures}", second)
    assert captured.err == ""


def test_without_validation_the_line_has_none_and_quiet_is_quiet(capsys):
    history = training.fit(dense(), split(), epochs=1)
    assert "validation" not in capsys.readouterr().out
    assert history.val_loss == history.val_accuracy == []
    training.fit(dense(), split(), epochs=1, verbose=False)
    assert capsys.readouterr().out == ""


def test_the_quick_tier_trains_one_epoch(quick, capsys):
    assert training.fit(dense(), split(), epochs=5).epochs == 1
    said, epoch = capsys.readouterr().out.splitlines()
    assert said == "quick tier: 1 of 5 epochs" and epoch.startswith("epoch  1/1")


def test_callbacks_and_learning_rates_reach_keras():
    rates = []
    spy = keras.callbacks.LambdaCallback(
        on_train_end=lambda logs: rates.append(float(spy.model.optimizer.learning_rate))
    )
    options = {"epochs": 1, "callbacks": [spy], "verbose": False}
    training.fit(dense(), split(), learning_rate=0.03, optimizer="sgd", **options)
    assert rates == [pytest.approx(0.03)]
    assert isinstance(spy.model.optimizer, keras.optimizers.SGD)


def test_weight_decay_shrinks_every_weight_by_its_share_of_the_rate_in_each_step():
    model = dense()
    before = model.get_weights()
    silent = dict.fromkeys(range(10), 0.0)  # no loss, and so no gradient
    recipe = {"epochs": 1, "learning_rate": 0.1, "weight_decay": 0.5, "verbose": False}
    training.fit(model, split(240), batch_size=80, class_weight=silent, **recipe)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_allclose(new, old * (1 - 0.1 * 0.5) ** 3, rtol=1e-5)


@pytest.mark.parametrize("tier, epochs", [("full", 3), ("quick", 1)])
def test_a_learning_rate_may_depend_on_the_number_of_steps(tier, epochs, monkeypatch):
    monkeypatch.setenv("COURSE_TIER", tier)
    asked, model = [], dense()
    options = {"epochs": 3, "batch_size": 100, "verbose": False}
    training.fit(model, split(), learning_rate=lambda steps: asked.append(steps) or 0.5, **options)
    assert asked == [epochs * 3] == [int(model.optimizer.iterations)]  # 100, 100 and 40 images
    assert float(model.optimizer.learning_rate) == 0.5


@pytest.mark.parametrize("name", ["categorical_crossentropy", "kl_divergence"])
def test_a_loss_for_one_hot_labels_is_that_of_integer_labels(name):
    labels = np.arange(12) % 5
    scores = np.random.default_rng(0).normal(size=(12, 5)).astype("float32")
    probabilities = keras.ops.softmax(scores)
    expected = keras.ops.mean(keras.ops.sparse_categorical_crossentropy(labels, probabilities))
    for integers in (labels, labels[:, None]):  # Keras hands a loss its labels as a column
        found = losses.OneHotLoss(name, 5)(integers, probabilities)
        assert float(found) == pytest.approx(float(expected), abs=1e-4)


def test_smoothing_spreads_a_share_of_each_label_over_all_classes():
    loss = losses.OneHotLoss("categorical_crossentropy", 4, smoothing=0.2)
    probabilities = np.array([[0.7, 0.1, 0.1, 0.1]])
    label = np.array([0.85, 0.05, 0.05, 0.05])  # .8 of it, and a fourth of .2
    expected = -(label * np.log(probabilities)).sum()
    assert float(loss([0], probabilities)) == pytest.approx(expected, abs=1e-5)


def test_an_optimizer_may_be_made_by_a_function():
    model, make = dense(), partial(keras.optimizers.SGD, momentum=0.5)
    training.fit(model, split(), epochs=1, optimizer=make, learning_rate=0.25, verbose=False)
    assert (model.optimizer.momentum, float(model.optimizer.learning_rate)) == (0.5, 0.25)


def test_a_model_trained_with_a_loss_for_one_hot_labels_is_saved_and_loaded(tmp_path):
    model, loss = dense(), losses.OneHotLoss("kl_divergence", 10, smoothing=0.1)
    training.fit(model, split(), epochs=1, loss=loss, verbose=False)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    figures = [m.evaluate(split().images, split().labels, verbose=0) for m in (model, loaded)]
    assert figures[0] == figures[1]


def test_an_optimizer_that_is_made_keeps_its_own_rate_and_decay():
    model, optimizer = dense(), keras.optimizers.AdamW(0.5, weight_decay=0.25)
    training.fit(model, split(), epochs=1, optimizer=optimizer, verbose=False)
    assert model.optimizer is optimizer
    assert (float(optimizer.learning_rate), optimizer.weight_decay) == (0.5, 0.25)


@pytest.mark.parametrize("options", [{"learning_rate": 0.001}, {"weight_decay": 0.1}])
def test_a_rate_or_decay_beside_an_optimizer_that_is_made_is_refused(options):
    optimizer = keras.optimizers.Adam(0.5)
    with pytest.raises(ValueError) as error:
        training.fit(dense(), split(), epochs=1, optimizer=optimizer, **options)
    tiny.explains(error, next(iter(options)), "Adam(learning_rate=…", "'adam'")


@pytest.mark.parametrize("optimizer", ["adam", "sgd", partial(keras.optimizers.SGD, momentum=0.5)])
def test_where_no_rate_is_given_it_is_a_thousandth(optimizer):
    model = dense()
    training.fit(model, split(), epochs=1, optimizer=optimizer, verbose=False)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.001)


class Batches(keras.callbacks.Callback):
    """Counts what Keras tells it of batches."""

    seen = 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1


@pytest.mark.parametrize("steps, augment", [(1, None), (4, None), (1, layers.RandomFlip())])
def test_a_callback_sees_as_many_steps_as_one_as_it_is_told(steps, augment):
    batches = Batches()
    options = {"augment": augment, "callbacks": [batches], "verbose": False}
    training.fit(dense(), split(), epochs=1, batch_size=20, steps_per_execution=steps, **options)
    assert batches.seen == 240 / 20 / steps


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="elsewhere each step is one")
def test_unless_told_a_callback_sees_32_steps_as_one():
    batches = Batches()
    training.fit(dense(), split(330), epochs=1, batch_size=10, callbacks=[batches], verbose=False)
    assert batches.seen == 2  # 32 steps, and the 33rd


def test_a_keras_schedule_is_taken_as_it_is():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    model = dense()
    training.fit(model, split(), epochs=1, batch_size=60, learning_rate=schedule, verbose=False)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1 * 0.5**4)


def test_losses_for_one_hot_labels_train_as_the_one_for_integer_labels_does():
    names, curves = ["categorical_crossentropy", "kl_divergence"], []
    for loss in ("sparse_categorical_crossentropy", *(losses.OneHotLoss(n, 10) for n in names)):
        keras.utils.set_random_seed(1)
        options = {"epochs": 1, "batch_size": 16, "loss": loss, "verbose": False}
        curves.append(training.fit(dense(), split(), split(seed=1), **options).val_loss)
    assert np.ptp(curves, axis=0) < 1e-3


def turning():
    return augmentation.random_affine(rotation=8)


EVERYTHING = augmentation.random_affine(8, 0.1, 0.1, 0.1, "horizontal")


@pytest.mark.parametrize("build, augment", [(conv, None), (dense, EVERYTHING)])
def test_one_seed_gives_two_runs_that_are_bit_equal_and_another_does_not(build, augment):
    weights = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        model = build()
        options = {"epochs": 2, "batch_size": 16, "augment": augment, "verbose": False}
        history = training.fit(model, split(), **options)
        weights.append(b"".join(weight.tobytes() for weight in model.get_weights()))
        weights[-1] += np.array(history.loss).tobytes()
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize("spoil", ["split", "validation"])
def test_a_label_without_an_output_is_explained(spoil):
    parts = {"split": split(), "validation": split(seed=1), spoil: split(26, classes=13)}
    with pytest.raises(ValueError) as error:
        training.fit(dense(), epochs=1, **parts)
    message = str(error.value)
    assert "expected images with labels 0 … 9" in message and "labels 0 … 12" in message
    assert "classes=len(dataset.classes)" in message


@pytest.mark.parametrize("shift", [1, -1])
def test_labels_off_by_one_are_explained(shift):
    images = split(20)
    wrong = Split(images.images, images.labels + shift)  # 1 … 10, or -1 … 8
    with pytest.raises(ValueError, match="labels 0 … 9, one for each output"):
        training.fit(dense(), wrong, epochs=1)


@pytest.mark.parametrize(
    "given", [lambda s: [s.images, s.labels], lambda s: [(s.images, s.labels)]]
)
def test_arrays_in_place_of_a_split_are_explained(given):
    with pytest.raises(TypeError) as error:
        training.fit(dense(), *given(split()), epochs=1)
    tiny.explains(error, "in a Split", "data.Split(images, labels)")
    with pytest.raises(TypeError, match=r"found a ndarray\. Write data\.Split"):
        training.cross_validate(dense, split().images, folds=2, epochs=1)
    with pytest.raises(TypeError, match=r"found a tuple\. Write data\.Split"):
        training.fit(dense(), split(), (split(seed=1).images, split(seed=1).labels), epochs=1)


@pytest.mark.parametrize("epochs", [0, -1])
@pytest.mark.parametrize("tier", ["full", "quick"])
def test_no_epochs_are_explained(epochs, tier, monkeypatch):
    monkeypatch.setenv("COURSE_TIER", tier)
    with pytest.raises(
        ValueError, match=rf"expected 1 epoch or more, found {epochs}\. Write epochs"
    ):
        training.fit(dense(), split(), epochs=epochs)


def test_the_test_split_is_refused_as_validation_whole_or_in_part(own_caches, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "sample")
    dataset = data.load("mnist")
    chosen = np.arange(0, 40, 2)
    for validation in (dataset.test, dataset.test[:50], dataset.test[chosen]):
        with pytest.raises(ValueError) as error:
            training.fit(dense(), dataset.train, validation, epochs=1)
        tiny.explains(
            error, "found the test split", "dataset.with_validation()", "once, at the end"
        )
    with pytest.raises(ValueError, match="found the test split"):
        training.cross_validate(dense, dataset.test, folds=2, epochs=1)
    digits = dataset.with_validation()
    assert digits.validation.part == digits.train.part == "train"
    training.fit(dense(), digits.train[:80], digits.validation[:20], epochs=1, verbose=False)


@pytest.mark.parametrize("train", [training.cross_validate, training.repeat])
@pytest.mark.parametrize("build", [dense(), None])
def test_a_model_where_a_function_should_build_one_is_explained(train, build):
    more = [split(seed=1)] if train is training.repeat else []
    with pytest.raises(TypeError) as error:
        train(build, split(), *more, epochs=1)
    tiny.explains(
        error, "a function that builds a fresh model", "without brackets", "lambda: models."
    )


def test_no_images_are_explained():
    with pytest.raises(ValueError, match=r"expected images .* found Split\(0 images"):
        training.fit(dense(), split()[:0], epochs=1)


def test_validation_on_training_images_is_refused():
    whole = split()
    with pytest.raises(ValueError, match=r"shares images .* Use dataset\.with_validation\(\)"):
        training.fit(dense(), whole, whole[100:], epochs=1)


# --- augmented images -----------------------------------------------------------------------


class Blank(layers.Layer):
    """Stands for an augmentation that hides everything, in training only."""

    def call(self, images, training=False):
        return images * 0 if training else images


def test_fit_trains_on_augmented_images_and_judges_on_plain_ones():
    model, validation = dense(), split(seed=1)
    model.set_weights([weight + 0.01 for weight in model.get_weights()])
    before = model.get_weights()
    history = training.fit(
        model, split(), validation, epochs=2, augment=Blank(), learning_rate=0.01, verbose=False
    )
    after = model.get_weights()
    assert np.array_equal(before[0], after[0])  # black images teach nothing about pixels
    assert not np.array_equal(before[-1], after[-1])
    figures = model.evaluate(validation.images, validation.labels, verbose=0)
    assert [history.val_loss[-1], history.val_accuracy[-1]] == pytest.approx(figures, abs=1e-4)


def test_augmentation_is_no_part_of_the_model_that_it_trains():
    model = conv()
    before, names = model.get_weights(), [layer.name for layer in model.layers]
    training.fit(model, split(), epochs=1, augment=turning(), verbose=False)
    assert [layer.name for layer in model.layers] == names
    assert model.count_params() == sum(weight.size for weight in before)
    changed = [(a != b).any() for a, b in zip(before, model.get_weights(), strict=True)]
    assert all(changed)
    assert int(model.optimizer.iterations) == 2  # 240 images, 128 a step


# --- several runs ----------------------------------------------------------------------------


@pytest.fixture
def fits(monkeypatch):
    """Notes the parts that `fit` is given, instead of training; accuracy is a given number."""
    calls = []

    def fit(model, part, validation, **options):
        calls.append((part, validation, options))
        score = len(calls) / 10
        return training.History([1.0], [0.5], [1.0], [score], 2.0, len(part), 128)

    monkeypatch.setattr(training, "fit", fit)
    return calls


def marked(count=50):
    """A split in which every image tells its own number."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0] = np.arange(count)
    return Split(images, np.arange(count) % 5)


def test_folds_are_disjoint_complete_and_stratified(fits):
    training.cross_validate(dense, marked(), folds=5, epochs=3, batch_size=7)
    judged = [set(validation.images[:, 0, 0].tolist()) for _, validation, _ in fits]
    trained = [set(part.images[:, 0, 0].tolist()) for part, _, _ in fits]
    assert set.union(*judged) == set(range(50)) and sum(map(len, judged)) == 50
    assert all(a | b == set(range(50)) and not a & b for a, b in zip(trained, judged, strict=True))
    assert all(np.bincount(rest.labels).tolist() == [2] * 5 for _, rest, _ in fits)
    assert fits[0][2] == {"epochs": 3, "verbose": False, "batch_size": 7}


def test_scores_are_the_last_validation_accuracies_and_summed_up_rightly(fits):
    result = training.cross_validate(dense, marked(), folds=3, epochs=1)
    assert result.scores.tolist() == [0.1, 0.2, 0.3] and len(result.histories) == 3
    assert result.mean == pytest.approx(0.2)
    # Student's t, 2 degrees of freedom, from a table; Nadeau and Bengio: 1/n + n_test/n_train
    half = 4.302653 * 0.1 * (1 / 3 + 1 / 2) ** 0.5
    assert result.interval == pytest.approx((0.2 - half, 0.2 + half), abs=1e-6)
    assert result.seconds == 6


def test_the_interval_over_seeds_is_students(fits):
    result = training.repeat(dense, marked(), marked(), epochs=1, seeds=(1, 2, 3))
    half = 4.302653 * 0.1 / 3**0.5
    assert result.interval == pytest.approx((0.2 - half, 0.2 + half), abs=1e-6)
    assert len(result.models) == 3 and result.models[0] is not result.models[1]


def test_the_quick_tier_does_two_folds(quick, fits):
    assert len(training.cross_validate(dense, marked(), folds=10, epochs=1).scores) == 2


def test_fewer_than_two_folds_are_explained():
    with pytest.raises(ValueError, match="expected at least 2 folds, found 1"):
        training.cross_validate(dense, marked(), folds=1, epochs=1)


def test_every_fold_is_a_fresh_model_that_can_be_trained_again_bit_for_bit(monkeypatch, capsys):
    built, parts, shown, fit = [], [], [], training.fit

    def noted(model, *splits, **options):
        built.append(model)
        parts.append(splits)
        return fit(model, *splits, **options)

    monkeypatch.setattr(training, "fit", noted)
    monkeypatch.setattr(training, "tqdm", lambda folds, **bar: shown.append(bar) or folds)
    options = {"epochs": 4, "batch_size": 16}
    result = training.cross_validate(dense, split(), folds=2, seed=5, **options)
    assert capsys.readouterr().out == ""
    assert [(bar["desc"], bar["total"]) for bar in shown] == [("folds", 2)]
    assert built[0] is not built[1] and result.mean > 0.5
    keras.utils.set_random_seed(5 + 1)
    again = fit(dense(), *parts[1], **options)
    assert again.loss == result.histories[1].loss and again.val_accuracy[-1] == result.scores[1]


def test_repeated_runs_start_from_their_own_seeds():
    parts = split(), split(seed=1)
    result = training.repeat(dense, *parts, epochs=1, seeds=(1, 2))
    assert result.histories[0].loss != result.histories[1].loss
    keras.utils.set_random_seed(2)
    assert training.fit(dense(), *parts, epochs=1).loss == result.histories[1].loss
    assert result.scores.tolist() == [history.val_accuracy[-1] for history in result.histories]


def test_the_quick_tier_repeats_twice(quick, fits):
    assert len(training.repeat(dense, marked(), marked(), epochs=1, seeds=(1, 2, 3)).scores) == 2


@pytest.mark.parametrize("seeds", [(1,), (1, 1), (1, 2, 1)])
def test_seeds_that_occur_twice_or_are_one_are_explained(seeds):
    with pytest.raises(ValueError, match="expected two or more different seeds, found"):
        training.repeat(dense, split(), split(seed=1), epochs=1, seeds=seeds)
