"""Figures of studies: labelled, and true to the table they draw."""

from helpers.plots import studies as study_plots
from helpers.recipes.schedules import RangeTest
from helpers.statistics import summarise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

FACTORS = ["width", "layers", "optimizer"]


def table():
    """A grid of eight settings with three seeds; width 8 is .1 better, all else is noise."""
    rng, rows = np.random.default_rng(0), []
    for width in (4, 8):
        for layers in (1, 2):
            for optimizer in ("adam", "sgd"):
                for seed in (1, 2, 3):
                    accuracy = 0.8 + 0.1 * (width == 8) + rng.normal(0, 0.005)
                    curve = [accuracy - 0.2, accuracy - 0.1, accuracy]
                    curves = {"train_accuracy": [1, 1, 1], "val_accuracy": curve}
                    curves |= {"train_loss": [2, 1, 0], "val_loss": [3, 2, 1]}
                    setting = {"width": width, "layers": layers, "optimizer": optimizer}
                    cost = {"seconds": width * layers, "parameters": width * layers}
                    row = {"seed": seed, "state": "complete", "accuracy": accuracy, "loss": 1.0}
                    rows.append(setting | row | cost | curves)
    return pd.DataFrame(rows)


TABLE = table()
GRID = summarise(TABLE, FACTORS)
WIDTHS = summarise(TABLE, "width")
TRIALS = pd.DataFrame(
    {"accuracy": np.linspace(0.6, 0.9, 30), "cost": np.arange(1000, 31_000, 1000)}
)
PARTS = pd.Series({"first": 1.5, "second": -0.2, "last": 0.7}).rename_axis("part")
SEARCHES = {"genetic": TRIALS, "random": TRIALS[::-1]}
RATES = np.geomspace(1e-6, 1, 60)
TEST = RangeTest(RATES, 2.3 - 2 * np.exp(-((np.log10(RATES) + 2) ** 2)) + 0.5 * RATES)
RUNS = pd.DataFrame(
    {"row": "waits", "storage": "journal", "workers": [1, 2], "rows_per_minute": [10, 19]}
)
FIGURES = {
    "settings": (1, lambda: study_plots.settings(GRID)),
    "grid": (2, lambda: study_plots.grid(GRID, ["width"], ["layers", "optimizer"])),
    "effects": (3, lambda: study_plots.effects(GRID)),
    "curves": (2, lambda: study_plots.curves(TABLE, "width")),
    "folds": (4, lambda: study_plots.folds(TABLE, "width")),
    "pareto": (1, lambda: study_plots.pareto(WIDTHS, "parameters", "parameters")),
    "fronts_over_time": (2, lambda: study_plots.fronts_over_time(SEARCHES, 10, 0.5)),
    "bars": (1, lambda: study_plots.bars(PARTS, "seconds", "Where the seconds go")),
    "range_tests": (4, lambda: study_plots.range_tests(dict.fromkeys("abcd", TEST))),
    "throughput": (1, lambda: study_plots.throughput(RUNS)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_panel_is_labelled_and_the_figure_has_a_title(name):
    panels, draw = FIGURES[name]
    figure = draw()
    figure.draw_without_rendering()
    assert isinstance(figure, Figure) and len(figure.axes) == panels and figure.get_suptitle()
    for ax in figure.axes:
        place = ax.get_subplotspec()
        if place is None:  # a colour bar
            assert ax.get_ylabel()
        assert ax.get_ylabel() or not place.is_first_col()
        assert place is None or ax.get_xlabel() or not place.is_last_row()
    assert plt.get_fignums() == []


def test_folds_draws_every_fold_thin_and_their_mean_thick():
    axes = study_plots.folds(TABLE, "width").axes
    assert [ax.get_title() for ax in axes] == ["4", "8", "", ""]
    of_width_8 = TABLE[TABLE["width"] == 8]["val_accuracy"].to_list()
    thin = [line for line in axes[3].lines if line.get_linewidth() < 1]
    assert len(thin) == 2 * len(of_width_8) == 24
    assert axes[3].lines[-1].get_ydata() == pytest.approx(np.mean(of_width_8, axis=0))
    assert {line.get_linestyle() for line in thin} == {"--", "-"}
    assert axes[0].get_ylim() == axes[1].get_ylim()


def drawn_settings(summary):
    """The panel, and for each verdict its points (x, y), its intervals (low, high), its marks."""
    ax = study_plots.settings(summary).axes[0]
    found = {}
    for bars in ax.containers:
        points, _, (lines,) = bars.lines
        ends = [segment[:, 0] for segment in lines.get_segments()]
        found[bars.get_label()] = points.get_xydata(), np.array(ends), points
    return ax, found


def test_settings_draws_differences_to_the_best_with_their_intervals_in_points():
    summary = pd.DataFrame(
        {
            "accuracy": [0.91, 0.96, 0.955],
            "behind": [0.05, 0, 0.005],
            "behind_low": [0.02, 0, -0.01],
            "behind_high": [0.07, 0, 0.03],
            "verdict": ["worse", "greatest mean", "no difference found"],
        },
        index=list("abc"),
    )
    ax, found = drawn_settings(summary)
    assert found["greatest mean"][0] == pytest.approx(np.array([[0, 1]]))
    assert found["greatest mean"][1] == pytest.approx(np.array([[0, 0]]))
    assert found["worse"][0] == pytest.approx(np.array([[5, 0]]))
    assert found["worse"][1] == pytest.approx(np.array([[2, 7]]))
    assert found["no difference found"][0] == pytest.approx(np.array([[0.5, 2]]))
    assert found["no difference found"][1] == pytest.approx(np.array([[-1, 3]]))
    assert any(np.array_equal(line.get_xdata(), [0, 0]) for line in ax.lines)
    marks = {verdict: points.get_marker() for verdict, (_, _, points) in found.items()}
    assert len(set(marks.values())) == 3
    faces = {verdict: points.get_markerfacecolor() for verdict, (*_, points) in found.items()}
    assert [verdict for verdict, face in faces.items() if face == "white"] == ["worse"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b", "c"]
    (means,) = ax.child_axes
    assert [text.get_text() for text in means.get_yticklabels()] == ["91.00%", "96.00%", "95.50%"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1] and ax.get_ylabel() == "setting"


@pytest.mark.parametrize("rows", [["width", "layers"], ["layers", "width"], ["optimizer", "width"]])
def test_grid_writes_each_mean_into_its_field_and_frames_what_is_not_worse(rows):
    columns = [name for name in FACTORS if name not in rows]
    ax = study_plots.grid(GRID, rows, columns).axes[0]
    ordered = GRID.reorder_levels([*rows, *columns]).sort_index()
    expected = [f"{100 * value:.1f}" for value in ordered["accuracy"]]
    assert [text.get_text() for text in ax.texts] == expected
    assert len(ax.patches) == (GRID["verdict"] != "worse").sum() == 4


def test_effects_draws_the_means_of_each_factor():
    axes = study_plots.effects(GRID).axes
    assert [ax.get_xlabel() for ax in axes] == FACTORS
    for ax, factor in zip(axes, FACTORS, strict=True):
        means = GRID["accuracy"].groupby(factor).mean()
        assert ax.lines[-1].get_ydata() == pytest.approx(means.to_numpy())
        assert len(ax.lines) == 1 + 4  # the mean, and one line for each pair of settings


def test_curves_are_means_over_seeds_without_runs_that_became_nan():
    nan = TABLE.iloc[[0]].assign(state="nan")
    ax = study_plots.curves(pd.concat([TABLE, nan]), "width").axes[1]
    small = TABLE[TABLE["width"] == 4]
    every = np.array(small["val_accuracy"].to_list())
    assert ax.lines[0].get_ydata() == pytest.approx([1, 1, 1])
    assert ax.lines[1].get_ydata() == pytest.approx(every.mean(axis=0))
    shade = ax.collections[0].get_paths()[0].vertices
    for epoch, values in enumerate(every.T, start=1):
        heights = shade[shade[:, 0] == epoch][:, 1]
        assert (heights.min(), heights.max()) == pytest.approx((values.min(), values.max()))


def test_more_than_four_curves_stand_in_panels_for_training_and_for_validation_images():
    table, _ = many(5)
    axes = study_plots.curves(table, "width", lowest=0.9).axes
    assert [len(ax.lines) for ax in axes] == [5] * 4
    titles = ["training images"] * 2 + ["validation images"] * 2
    assert [ax.get_title() for ax in axes] == titles
    assert {ax.get_ylim()[0] for ax in (axes[1], axes[3])} == {0.9}
    lightness = [sum(line.get_color()) for line in axes[0].lines]
    assert lightness == sorted(lightness)


def test_curves_may_leave_out_what_is_far_below():
    loss, accuracy = study_plots.curves(TABLE, "width", lowest=0.9).axes
    assert loss.get_yscale() == "log" and accuracy.get_ylim() == pytest.approx((0.9, 1.002))
    assert study_plots.curves(TABLE, "width").axes[0].get_yscale() == "linear"


def test_pareto_joins_what_nothing_cheaper_beats():
    summary = pd.DataFrame(
        {"accuracy": [0.94, 0.9, 0.8, 0.95], "cost": [4, 1, 2, 3]}, index=["d", "a", "b", "c"]
    )
    ax = study_plots.pareto(summary, "cost", "cost").axes[0]
    front, *points = ax.lines
    assert front.get_xdata().tolist() == [1, 3] and front.get_ydata().tolist() == [0.9, 0.95]
    drawn = [(line.get_label(), *line.get_xydata()[0].tolist()) for line in points]
    assert drawn == [("1  a", 1, 0.9), ("2  b", 2, 0.8), ("3  c", 3, 0.95), ("4  d", 4, 0.94)]
    assert [line.get_markerfacecolor() == "white" for line in points] == [False, True, False, True]
    assert [text.get_text() for text in ax.texts] == ["1", "2", "3", "4"]


def test_fronts_over_time_draws_the_front_of_the_trials_so_far():
    axes = study_plots.fronts_over_time(SEARCHES, 10, 0.5).axes
    assert [ax.get_title() for ax in axes] == ["genetic", "random"]
    dots, *steps = axes[1].lines
    assert len(dots.get_xdata()) == 30
    assert [step.get_label() for step in steps] == ["10 trials", "20 trials", "30 trials"]
    shades = [float(step.get_color()) for step in steps]
    assert shades == sorted(shades, reverse=True) and shades[-1] == 0
    expected = [*TRIALS["accuracy"][20:], TRIALS["accuracy"].max()]  # and on to the right edge
    assert steps[0].get_ydata() == pytest.approx(expected)
    expected = [*TRIALS["accuracy"], TRIALS["accuracy"].max()]  # the cheap ones came last
    assert steps[2].get_ydata() == pytest.approx(expected)


def test_range_tests_mark_three_rates():
    ax = study_plots.range_tests({"adam": TEST, "sgd": TEST}).axes[0]
    labels = ax.get_legend_handles_labels()[1]
    expected = {"steepest": TEST.steepest, "minimum": TEST.minimum, "tenth": TEST.tenth}
    assert labels == [f"{name}: {rate:.1g}" for name, rate in expected.items()]
    marked = {line.get_marker(): line.get_xydata()[0].tolist() for line in ax.lines[2:]}
    assert set(marked) == {"v", "o", "s"}
    assert marked["o"] == pytest.approx([TEST.minimum, TEST.smooth.min()])
    # smoothed, but the losses are level there
    assert ax.get_ylim() == pytest.approx((0, 2 * TEST.losses[0]), rel=1e-3)


def test_throughput_joins_the_medians_and_dots_a_multiple_of_one_worker():
    rates = {1: (9, 10, 14), 2: (15, 19, 20)}
    table = pd.DataFrame(
        {"row": row, "storage": "journal", "workers": workers, "rows_per_minute": rate}
        for row in ("waits", "computes")
        for workers, runs in rates.items()
        for rate in runs
    )
    axes = study_plots.throughput(table).axes
    assert [ax.get_xlabel() for ax in axes] == ["workers (a row waits)", "workers (a row computes)"]
    every, median, multiple = axes[0].lines
    assert len(every.get_ydata()) == 6
    assert median.get_ydata() == pytest.approx([10, 19])
    assert multiple.get_ydata() == pytest.approx([10, 20])


def test_bars_stand_in_the_order_of_the_values_with_their_numbers():
    ax = study_plots.bars(PARTS, "seconds", "Where the seconds go").axes[0]
    assert [bar.get_width() for bar in ax.patches] == list(PARTS)
    assert [text.get_text() for text in ax.texts] == ["1.50", "-0.20", "0.70"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_no_front_leaves_its_panel():
    figure = study_plots.fronts_over_time(SEARCHES | {"better": TRIALS.add([0.05, 0])}, 10, 0.5)
    assert {ax.get_ylim() for ax in figure.axes} == {(0.5, TRIALS["accuracy"].max() + 0.052)}


def many(count):
    """A table of so many settings, and the same as storages that runs were kept in."""
    rows = [TABLE.iloc[[0]].assign(width=width) for width in range(count)]
    runs = [RUNS.assign(storage=f"storage {number}") for number in range(count)]
    return pd.concat(rows), pd.concat(runs)


@pytest.mark.parametrize(
    "draw",
    [
        lambda count: study_plots.curves(many(count)[0], "width"),
        lambda count: study_plots.throughput(many(count)[1]),
        lambda count: study_plots.fronts_over_time({"one": TRIALS[:count]}, 1, 0.5),
    ],
    ids=["curves", "throughput", "fronts"],
)
def test_ten_curves_differ_in_their_markers_and_eleven_are_refused(draw):
    ax = next(ax for ax in draw(10).axes if ax.get_legend_handles_labels()[1])
    names = ax.get_legend_handles_labels()[1]
    named = [line for line in ax.lines if line.get_label() in names and line.get_marker() != "None"]
    assert len({line.get_marker() for line in named}) == len(named) == 10
    with pytest.raises(ValueError, match=r"at most 10 curves.*found 11\. Choose 10"):
        draw(11)
