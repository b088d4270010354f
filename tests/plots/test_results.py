"""Plots: what a figure shows, that it is labelled, and that it survives a grey print."""

from functools import cache
from types import SimpleNamespace

from helpers import plots
from helpers.evaluation import Evaluation

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

CLASSES = {
    10: tuple("0123456789"),
    11: tuple("0123456789A"),
    62: tuple(map(chr, [*range(48, 58), *range(65, 91), *range(97, 123)])),
}


@cache
def network(k, images=1500, skill=3.0):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, k - 1, images)  # the last class has no images
    scores = np.exp(rng.normal(size=(images, k)) + skill * np.eye(k)[labels])
    return Evaluation(labels, scores / scores.sum(axis=1, keepdims=True), CLASSES[k])


def history(epochs=5, validation=True):
    fall = list(np.geomspace(0.5, 0.1, epochs))
    rise = [1 - value / 3 for value in fall]
    val = ([1.1 * x for x in fall], [x - 0.05 for x in rise]) if validation else ([], [])
    return SimpleNamespace(loss=fall, accuracy=rise, val_loss=val[0], val_accuracy=val[1])


IMAGES = np.random.default_rng(1).integers(0, 256, (1500, 28, 28), dtype=np.uint8)
FIGURES = {
    "class_counts": (1, lambda: plots.class_counts(network(10).labels, CLASSES[10])),
    "learning_curves": (2, lambda: plots.learning_curves(history())),
    "fold_curves": (2, lambda: plots.fold_curves([history(), history()])),
    "score_box": (1, lambda: plots.score_box({"a": [0.9, 0.92], "b": [0.8, 0.85]})),
    "confusion_10": (2, lambda: plots.confusion_heatmap(network(10))),
    "confusion_62": (2, lambda: plots.confusion_heatmap(network(62))),
    "roc_10": (2, lambda: plots.roc_curves(network(10))),
    "roc_62": (2, lambda: plots.roc_curves(network(62))),
    "precision_recall": (2, lambda: plots.precision_recall_curves(network(10))),
    "calibration": (2, lambda: plots.calibration_curve(network(10))),
    "intervals": (1, lambda: plots.intervals({"a": (0.9, 0.8, 0.95)})),
    "score_box of one": (1, lambda: plots.score_box({"a": [0.9, 0.92]})),
}


def title(figure):
    return figure.get_suptitle()


@pytest.mark.parametrize("name", FIGURES)
def test_every_panel_is_labelled_and_the_figure_has_a_title(name):
    panels, draw = FIGURES[name]
    figure = draw()
    figure.draw_without_rendering()
    assert len(figure.axes) == panels and title(figure)
    for ax in figure.axes:
        colour_bar = ax.get_label() == "<colorbar>"
        assert ax.get_ylabel() and (ax.get_xlabel() or colour_bar)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_left_to_the_notebook_to_show_once(name):
    assert isinstance(FIGURES[name][1](), Figure)
    assert plt.get_fignums() == []


def test_image_grid_shows_dark_ink_and_each_title():
    figure = plots.image_grid(IMAGES[:7], list("abcdefg"), columns=3, title="Seven")
    picture = figure.axes[0].images[0]
    assert picture.to_rgba(np.array([[255, 0]]))[0, :, 0].tolist() == [0, 1]
    assert [text.get_text() for text in figure.axes[0].texts] == list("abcdefg")
    assert title(figure) == "Seven"


def test_image_grid_places_images_row_by_row():
    sheet = plots.image_grid(IMAGES[:4], columns=3).axes[0].images[0].get_array()
    assert (sheet[1:29, 31:59] == IMAGES[1]).all() and (sheet[31:59, 1:29] == IMAGES[3]).all()


@pytest.mark.parametrize(("images", "titles"), [(IMAGES[:2], ["a"]), (IMAGES[:0], None)])
def test_image_grid_refuses_titles_that_do_not_fit(images, titles):
    with pytest.raises(ValueError, match="one title each"):
        plots.image_grid(images, titles)


@pytest.mark.parametrize(("lowest", "white"), [(-0.5, -2), (0, 0)])
def test_maps_show_larger_values_darker_and_zero_mid_grey_where_some_are_negative(lowest, white):
    arrays = np.zeros((5, 3, 4))
    arrays[4, 0, :2] = 2, lowest
    figure = plots.maps(arrays, list("abcde"), columns=3, title="Five")
    figure.draw_without_rendering()
    *panels, bar = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_title() for ax in panels] == list("abcde")
    assert bar.get_ylabel() and title(figure) == "Five" and plt.get_fignums() == []
    for ax in panels:  # one scale for all
        assert ax.images[0].get_clim() == (white, 2)
    assert panels[4].images[0].to_rgba(np.array([[2, white]]))[0, :, 0].tolist() == [0, 1]


def test_maps_take_one_array_or_nothing_but_zeros():
    plots.maps(np.zeros((1, 3, 3))).draw_without_rendering()
    with pytest.raises(ValueError, match="one title each"):
        plots.maps(np.zeros((0, 3, 3)))


def test_class_counts_draws_the_counts_of_each_split_in_its_own_hatch():
    figure = plots.class_counts({"train": np.array([0, 0, 1]), "test": np.array([2])}, "abc")
    train, test = figure.axes[0].containers
    assert [bar.get_height() for bar in train] == [2, 1, 0]
    assert [bar.get_height() for bar in test] == [0, 0, 1]
    assert train[0].get_hatch() != test[0].get_hatch()


def test_learning_curves_tell_training_from_validation_without_colour():
    training, validation = plots.learning_curves(history()).axes[0].lines
    assert list(training.get_ydata()) == history().loss
    assert training.get_linestyle() != validation.get_linestyle()
    assert training.get_marker() != validation.get_marker()


def test_long_learning_curves_have_about_ten_marks():
    lines = plots.learning_curves(history(epochs=25)).axes[0].lines
    assert [line.get_markevery() for line in lines] == [2, 2]


def test_learning_curves_work_without_validation_and_for_one_epoch():
    figure = plots.learning_curves(history(epochs=1, validation=False))
    figure.draw_without_rendering()
    assert [len(ax.lines) for ax in figure.axes] == [1, 1]
    assert all(tick == int(tick) for tick in figure.axes[0].get_xticks())


def test_compared_histories_differ_in_marker_and_are_named():
    figure = plots.learning_curves({3: history(), 5: history()})
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    markers = {line.get_marker() for line in figure.axes[1].lines}
    assert names == ["3", "5"] and len(markers) == 2
    training, validation = figure.axes[1].lines[:2]
    assert list(training.get_ydata()) == history().accuracy
    assert list(validation.get_ydata()) == history().val_accuracy


def test_fold_curves_draw_every_fold_and_the_mean():
    curves = [(0.1, 0.2), (0.2, 0.4), (0.6, 1.2)]
    folds = [SimpleNamespace(**dict.fromkeys(vars(history()), curve)) for curve in curves]
    figure = plots.fold_curves(folds)
    assert [len(ax.lines) for ax in figure.axes] == [8, 8]
    means = [line for line in figure.axes[0].lines if line.get_linewidth() > 2]
    assert [list(mean.get_ydata()) for mean in means] == [pytest.approx([0.3, 0.6])] * 2


def test_score_box_shows_every_score():
    ax = plots.score_box({"a": [0.9, 0.92, 0.91], "b": [0.8]}).axes[0]
    shown = [list(line.get_ydata()) for line in ax.lines if line.get_marker() == "o"]
    assert shown == [[0.9, 0.92, 0.91], [0.8]]


def test_heat_map_numbers_all_errors_and_at_62_classes_nothing_else():
    small, large = network(10), network(62)
    wrong = [n - np.diag(n.diagonal()) for n in (small.confusion, large.confusion)]
    shown = [
        [int(text.get_text()) for text in plots.confusion_heatmap(evaluation).axes[0].texts]
        for evaluation in (small, large)
    ]
    assert sum(shown[0]) == small.confusion.sum() > wrong[0].sum()
    assert sum(shown[1]) == wrong[1].sum()


def test_heat_map_colour_leaves_the_diagonal_out_and_has_true_classes_in_rows():
    probabilities = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9]]
    evaluation = Evaluation([0, 0, 0, 0, 1], probabilities, ("a", "b"))
    ax = plots.confusion_heatmap(evaluation).axes[0]
    share = ax.images[0].get_array()
    assert share[0, 1] == 0.25 and share[1, 0] == 0
    assert np.ma.getmaskarray(share).diagonal().all()
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]


@pytest.mark.parametrize("k", [10, 62])
def test_confused_examples_have_a_row_for_each_pair(k):
    figure = plots.confused_examples(network(k), IMAGES, pairs=3)
    texts = figure.axes[0].texts
    assert len(texts) == 3 and all("read as" in text.get_text() for text in texts)
    sheet = figure.axes[0].images[0].get_array()
    for row, examples in enumerate(network(k).confused_pairs(3)["examples"]):
        assert np.array_equal(sheet[30 * row + 1 : 30 * row + 29, 1:29], IMAGES[examples[0]])
    figure.draw_without_rendering()
    assert all(text.get_window_extent().x0 >= 0 for text in texts)


def test_without_mistakes_the_figure_says_so():
    evaluation = Evaluation([0, 1], np.eye(2), ("a", "b"))
    assert title(plots.confused_examples(evaluation, IMAGES)) == "No image was misread"
    plots.confusion_heatmap(evaluation).draw_without_rendering()


def test_curves_of_ten_classes_differ_without_colour():
    lines = plots.roc_curves(network(10)).axes[1].lines
    styles = {(line.get_linestyle(), line.get_marker()) for line in lines if len(line.get_xdata())}
    assert len(styles) == 9  # the tenth class has no images


def test_of_eleven_classes_the_ten_lowest_differ_and_the_eleventh_is_drawn_in_grey():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(11), 20)
    scores = rng.random((220, 11)) + np.linspace(0.2, 1, 11) * np.eye(11)[labels]
    eleven = Evaluation(labels, scores / scores.sum(axis=1, keepdims=True), CLASSES[11])
    lines = {
        line.get_label().split(":")[0]: line for line in plots.roc_curves(eleven).axes[1].lines
    }
    assert len(lines) == 11
    best = max(eleven.roc(), key=lambda curve: curve.area).name
    assert lines.pop(best).get_color() == "0.75"
    styles = {(line.get_linestyle(), line.get_marker()) for line in lines.values()}
    assert len(styles) == 10


def test_eleven_histories_are_refused_and_ten_are_drawn():
    assert len(plots.learning_curves({n: history() for n in range(10)}).axes[1].lines) == 20
    with pytest.raises(ValueError, match=r"at most 10 curves.*found 11\. Choose 10"):
        plots.learning_curves({n: history() for n in range(11)})


def test_more_splits_than_hatches_are_refused():
    splits = {str(number): np.array([0, 1]) for number in range(7)}
    with pytest.raises(ValueError, match=r"at most 6 groups of bars.*found 7\. Choose 6"):
        plots.class_counts(splits, "ab")
    splits.popitem()
    bars = plots.class_counts(splits, "ab").axes[0].containers
    assert len({bar[0].get_hatch() for bar in bars}) == 6


@pytest.mark.parametrize("k", [10, 62])
def test_legend_gives_the_area_of_each_class(k):
    evaluation = network(k)
    texts = [t.get_text() for t in plots.roc_curves(evaluation).legends[0].get_texts()]
    assert texts == [f"{curve.name}: {curve.area:.4f}" for curve in evaluation.roc()]


def test_second_panel_is_the_corner():
    ax = plots.roc_curves(network(10), corner=0.2).axes[1]
    assert ax.get_xlim() == (0, 0.2) and ax.get_ylim()[0] == pytest.approx(0.8)
    ax = plots.precision_recall_curves(network(10)).axes[1]
    assert ax.get_xlim()[0] == pytest.approx(0.9) and ax.get_ylim()[0] == pytest.approx(0.9)


def test_calibration_curve_gives_the_error_and_the_counts():
    evaluation = network(10)
    figure = plots.calibration_curve(evaluation)
    assert f"{evaluation.expected_calibration_error():.2%}" in title(figure)
    reliable = figure.axes[0].lines[1]
    expected = evaluation.calibration()[["confidence", "accuracy"]]
    np.testing.assert_array_equal(reliable.get_xydata(), expected)
    assert sum(bar.get_height() for bar in figure.axes[1].patches) == 1500


def test_intervals_draw_a_line_where_asked():
    values = {"a": (0.01, -0.01, 0.03)}
    plain, lined = (plots.intervals(values, line=line).axes[0] for line in (None, 0))
    assert len(lined.lines) == len(plain.lines) + 1
    assert list(lined.lines[-1].get_xdata()) == [0, 0]


def test_intervals_reach_from_low_to_high():
    ax = plots.intervals({"a": (0.9, 0.8, 0.95), "b": (0.7, 0.6, 0.75)}).axes[0]
    whiskers = ax.containers[0][2][0].get_segments()
    assert whiskers[0][:, 0] == pytest.approx([0.8, 0.95])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]


def boxes_and_arrows(figure):
    texts = [text.get_text() for text in figure.axes[0].texts]
    return [text for text in texts if text], texts.count("")


def test_architecture_names_shapes_and_parameters():
    keras = pytest.importorskip("keras")
    layers = [keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax", name="out")]
    figure = plots.architecture(keras.Sequential([keras.Input((28, 28)), *layers], name="tiny"))
    boxes, arrows = boxes_and_arrows(figure)
    assert boxes[2:] == ["Dense, softmax", "out → 10\n7,850 parameters"]
    assert arrows == 1 and title(figure) == "tiny: 7,850 parameters"


def test_architecture_draws_what_feeds_what():
    keras = pytest.importorskip("keras")
    start = keras.Input((8,))
    dense = keras.layers.Dense(8)(start)
    model = keras.Model(start, keras.layers.Add()([dense, start]))
    boxes, arrows = boxes_and_arrows(plots.architecture(model))
    assert len(boxes) == 2 * 3 and arrows == 3


def test_architecture_of_25_layers_fits_on_a_page():
    keras = pytest.importorskip("keras")
    layers = [keras.layers.ReLU() for _ in range(25)]
    figure = plots.architecture(keras.Sequential([keras.Input((4,)), *layers]))
    width, height = figure.get_size_inches()
    assert width <= 9 and height <= 9 and len(boxes_and_arrows(figure)[0]) == 50
