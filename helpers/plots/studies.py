"""The figures of studies: differences to the best, grids, costs, learning-rate tests."""

from collections.abc import Mapping, Sequence

from helpers.plots.style import (
    ACCURACY,
    COLOURS,
    TRAIN,
    VALIDATION,
    curve_styles,
    draw_epochs,
    epoch_panels,
    figure,
    legend_below,
    panels,
    percent,
)
from helpers.recipes.schedules import RangeTest
from helpers.studies.pareto import front

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

VERDICTS = {
    "greatest mean": {"fmt": "D", "color": "black"},
    "no difference found": {"fmt": "s", "color": COLOURS[0]},
    "worse": {"fmt": "o", "color": COLOURS[1], "markerfacecolor": "white"},
}


def settings(
    summary: pd.DataFrame, title: str = "How far each setting is behind the best"
) -> Figure:
    """Each setting's difference to the best with its 95 % interval: the verdict as a picture.

    Worse, and hollow, is a setting whose interval lies wholly to the right of the line at 0. The
    best is a diamond on the line. The mean accuracies stand at the right.

    Args:
        summary: as `statistics.summarise` or `compare_settings` returns it.
        title: above the figure.

    Taught in notebook 03.
    """
    fig, ax = figure(2 + 0.36 * len(summary), title)
    ax.axvline(0, color="black", linestyle=":")
    lines = summary.reset_index()
    for verdict, style in VERDICTS.items():
        rows = lines[lines["verdict"] == verdict]
        behind, low, high = (100 * rows[name] for name in ("behind", "behind_low", "behind_high"))
        if len(rows):
            ends = [behind - low, high - behind]
            ax.errorbar(behind, rows.index, xerr=ends, capsize=4, label=verdict, **style)
    ax.set_yticks(range(len(summary)), [_name(setting) for setting in summary.index])
    label = " · ".join(name for name in summary.index.names if name) or "setting"
    ax.set(xlabel="behind the best (percentage points of validation accuracy)", ylabel=label)
    ax.set_ylim(len(summary) - 0.5, -0.5)
    ax.grid(axis="x", alpha=0.4)
    means = ax.secondary_yaxis("right")
    means.set_yticks(range(len(summary)), [f"{mean:.2%}" for mean in summary["accuracy"]])
    means.tick_params(length=0)
    means.set_ylabel("mean accuracy", fontsize=9)
    return legend_below(fig, ax, title="95 % intervals of the difference, for all settings at once")


def _name(setting: object) -> str:
    """A setting as text: its factors' values."""
    return ", ".join(map(str, setting)) if isinstance(setting, tuple) else str(setting)


def grid(
    summary: pd.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str = "Mean validation accuracy of each setting",
) -> Figure:
    """A field for each setting of a grid, the darker the better; framed: not found to be worse.

    Args:
        summary: as `statistics.summarise` returns it, every combination of the factors' values.
        rows: the factors whose values make the rows.
        columns: the other factors.
        title: above the figure.

    Taught in notebook 04.
    """
    ordered = summary.reorder_levels([*rows, *columns]).sort_index()
    table, verdicts = (ordered[name].unstack(columns) for name in ("accuracy", "verdict"))
    fig, ax = figure(1.3 + 0.5 * len(table), title)
    picture = ax.imshow(table, cmap="Blues", aspect="auto")
    middle = (summary["accuracy"].min() + summary["accuracy"].max()) / 2
    for (row, column), value in np.ndenumerate(table.to_numpy()):
        ink = "white" if value > middle else "black"
        ax.text(column, row, f"{100 * value:.1f}", ha="center", va="center", color=ink, fontsize=9)
        if verdicts.iloc[row, column] != "worse":
            box = {"fill": False, "edgecolor": COLOURS[1], "linewidth": 2.5}
            ax.add_patch(Rectangle((column - 0.46, row - 0.45), 0.92, 0.9, **box))
    names = [_name(name).replace(", ", "\n") for name in table.columns]
    ax.set_xticks(range(table.shape[1]), names, fontsize=8)
    ax.set_yticks(range(len(table)), [_name(name) for name in table.index])
    ax.set(xlabel=" · ".join(columns), ylabel=" · ".join(rows))
    fig.colorbar(picture, label=f"validation {ACCURACY}", format=lambda value, _: f"{value:.1%}")
    return fig


def effects(summary: pd.DataFrame, title: str = "What each factor does to the accuracy") -> Figure:
    """A panel for each factor: thin lines join settings that differ in it alone, thick is the mean.

    Args:
        summary: as `statistics.summarise` returns it for several factors.
        title: above the figure.

    Taught in notebook 04.
    """
    scores = summary["accuracy"]
    fig, axes = figure(3.6, title, columns=scores.index.nlevels)
    for ax, factor in zip(axes, scores.index.names, strict=True):
        table = scores.unstack(factor)
        places = range(table.shape[1])
        ax.plot(places, table.T, color="0.6", linewidth=0.7)
        ax.plot(places, table.mean(), color=COLOURS[0], marker="s", linewidth=3)
        ax.set_xticks(places, [str(value) for value in table.columns])
        ax.set(xlabel=factor, xlim=(-0.3, len(places) - 0.7), ylim=_padded(scores))
        percent(ax.yaxis)
        ax.label_outer()
    axes[0].set_ylabel(f"validation {ACCURACY}")
    return fig


def _padded(values: pd.Series) -> tuple[float, float]:
    """Limits of an axis that shows all values, with some room."""
    room = 0.05 * (values.max() - values.min())
    return values.min() - room, values.max() + room


def curves(
    table: pd.DataFrame,
    factor: str,
    title: str = "Learning curves, mean over seeds",
    lowest: float | None = None,
) -> Figure:
    """Loss and accuracy per epoch of each setting: mean over seeds, shaded from least to greatest.

    Dashed: training images; solid, shaded: validation images. More than four settings have panels
    of their own for each, and colours from dark to light.

    Args:
        table: as `studies.load` returns it.
        factor: name of the column that tells settings apart.
        title: above the figure.
        lowest: accuracies from here up, 0 … 1, and losses on a logarithmic scale: there settings
            differ in their last epochs. None shows all.

    Raises:
        ValueError: for more settings than markers can tell apart.

    Taught in notebook 09.
    """
    groups = table[table["state"] == "complete"].groupby(factor, sort=False)
    styles = curve_styles(len(groups))
    if len(groups) > 4:
        fig, (training, validation) = _training_above_validation(title)
        shades = sns.color_palette("cividis", len(groups) + 1)[:-1]  # the last is too pale
        styles = [style | {"color": c} for style, c in zip(styles, shades, strict=True)]
    else:
        fig, training = epoch_panels(title)
        validation = training
    for (value, rows), style in zip(groups, styles, strict=True):
        style |= {"markersize": 5}
        names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
        mean = pd.Series({name: np.mean(rows[name].to_list(), axis=0) for name in names})
        hollow = {"linestyle": "--", "markerfacecolor": "white"}
        draw_epochs(training, mean, "train_", style | hollow)
        draw_epochs(validation, mean, "val_", style | {"label": str(value)})
        for ax, name in zip(validation, names[2:], strict=True):
            every = np.array(rows[name].to_list())
            epochs = range(1, every.shape[1] + 1)
            shade = {"color": style["color"], "alpha": 0.2, "linewidth": 0}
            ax.fill_between(epochs, every.min(0), every.max(0), **shade)
    if lowest is not None:
        for losses, accuracies in (training, validation):
            losses.set_yscale("log")
            accuracies.set_ylim(lowest, 1.002)
    fig.set_dpi(80)  # a notebook may have many of them
    note = f"{factor}; dashed, white: training; solid, shaded: validation"
    return legend_below(fig, validation[0], title=note)


def _training_above_validation(title: str) -> tuple[Figure, np.ndarray]:
    """A figure, and four panels over epochs: a row for each kind of images, loss and accuracy."""
    fig, axes = figure(6.4, title, columns=2, rows=2)
    for row, images in zip(axes, ("training images", "validation images"), strict=True):
        for ax, label in zip(row, ("loss (cross-entropy, nats)", ACCURACY), strict=True):
            ax.set(xlabel="epoch", ylabel=label)
            ax.set_title(images, fontsize=10)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            ax.grid(alpha=0.4)
        percent(row[1].yaxis)
    return fig, axes


def folds(table: pd.DataFrame, factor: str, title: str = "Learning curves of every fold") -> Figure:
    """Loss above accuracy per epoch, a column for each setting; thin: a fold, thick: their mean.

    Dashed: training images; solid: held-out images.

    Args:
        table: as `studies.load` returns it, with a row for each setting and fold.
        factor: name of the column that tells settings apart.
        title: above the figure.

    Taught in notebook 18.
    """
    groups = table[table["state"] == "complete"].groupby(factor, sort=False)
    fig, axes = figure(5.8, title, columns=len(groups), rows=2)
    kinds = (("train_", TRAIN, "training images"), ("val_", VALIDATION, "held-out images"))
    for column, (value, rows) in zip(np.reshape(axes, (2, -1)).T, groups, strict=True):
        column[0].set_title(str(value), fontsize=10)
        for ax, figure_of in zip(column, ("loss", "accuracy"), strict=True):
            for prefix, style, name in kinds:
                every = np.array(rows[prefix + figure_of].to_list())
                epochs = range(1, every.shape[1] + 1)
                ax.plot(epochs, every.T, **style | {"marker": "", "linewidth": 0.8, "alpha": 0.6})
                mean = style | {"linewidth": 2, "markersize": 4, "label": f"{name}, mean"}
                ax.plot(epochs, every.mean(axis=0), **mean)
            ax.set(xlabel="epoch", ylabel="loss (nats)" if figure_of == "loss" else ACCURACY)
            ax.sharey(np.reshape(axes, (2, -1))[0 if figure_of == "loss" else 1, 0])
            ax.grid(alpha=0.4)
        percent(column[1].yaxis)
    for ax in np.ravel(axes):
        ax.label_outer()
    return legend_below(fig, np.ravel(axes)[0], title="thin: each fold")


def pareto(
    summary: pd.DataFrame, cost: str, xlabel: str, title: str = "What an accuracy costs"
) -> Figure:
    """Accuracy against cost, a numbered point a setting; filled ones are joined: the Pareto front.

    On the front is what nothing cheaper beats. A point is the mean of a setting's runs; which
    differences hold is the matter of `settings`.

    Args:
        summary: as `statistics.summarise` returns it, perhaps with a further column.
        cost: name of the column with the cost, drawn on a logarithmic scale.
        xlabel: the cost in words, with its unit.
        title: above the figure.

    Taught in notebook 10.
    """
    fig, ax = figure(4.8, title)
    ordered = summary.sort_values([cost, "accuracy"], ascending=[True, False])
    best = front(summary, cost)
    ax.step(best[cost], best["accuracy"], where="post", color="black", linewidth=1.5, zorder=1)
    for number, (setting, row) in enumerate(ordered.iterrows(), start=1):
        face, ink = (COLOURS[0], "white") if setting in best.index else ("white", "black")
        style = {"color": COLOURS[0], "markersize": 13, "markerfacecolor": face}
        point = row[cost], row["accuracy"]
        ax.plot(*point, "o", label=f"{number}  {_name(setting)}", **style)
        ax.text(*point, number, color=ink, fontsize=8, ha="center", va="center", zorder=9)
    ax.set(xscale="log", xlabel=xlabel, ylabel=f"validation {ACCURACY}")
    ax.margins(x=0.08)
    percent(ax.yaxis)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside right center", markerscale=0.5)
    return fig


def fronts_over_time(
    tables: Mapping[str, pd.DataFrame],
    every: int,
    floor: float,
    title: str = "The front after each generation",
) -> Figure:
    """A panel for each search: its Pareto front after so many trials, light is early, black late.

    Small dots are all trials; of each front the corners are marked.

    Args:
        tables: name of a search → its columns accuracy and cost, one line a trial, in their order.
        every: trials of a generation.
        floor: lowest accuracy drawn, 0 … 1.
        title: above the figure.

    Raises:
        ValueError: for more generations than markers can tell apart.

    Taught in notebook 22.
    """
    fig, axes = panels(len(tables), len(tables), 3.9, title)
    top = max(table["accuracy"].max() for table in tables.values()) + 0.002
    for ax, (name, table) in zip(axes, tables.items(), strict=True):
        ax.plot(table["cost"], table["accuracy"], ".", color="0.75", markersize=4)
        counts = range(every, len(table) + 1, every)
        for count, style in zip(counts, curve_styles(len(counts)), strict=True):
            best = front(table[:count])
            grey = str(0.8 * (1 - count / counts[-1]))
            style |= {"color": grey, "markersize": 4, "markevery": slice(-1)}
            corners = [*best["cost"], table["cost"].max()]
            heights = [*best["accuracy"], best["accuracy"].max()]
            ax.step(corners, heights, where="post", label=f"{count} trials", **style)
        ax.set(xscale="log", title=name, xlabel="multiply–adds of an image")
        ax.set(ylim=(floor, top), ylabel=f"validation {ACCURACY}")
        percent(ax.yaxis)
    return legend_below(fig, axes[0])


def range_tests(tests: Mapping[str, RangeTest], title: str = "Learning-rate range test") -> Figure:
    """Loss against learning rate for each optimiser: thin is each batch, thick is smoothed.

    Marked: steepest descent (triangle), minimum (circle), a tenth of the minimum (square).

    Args:
        tests: name of an optimiser → its test.
        title: above the figure.

    Taught in notebook 09.
    """
    fig, axes = panels(len(tests), 3, 2.7, title)
    for ax, (name, test) in zip(axes, tests.items(), strict=True):
        ax.plot(test.rates, test.losses, color="0.7", linewidth=0.8)
        ax.plot(test.rates, test.smooth, color=COLOURS[0], linewidth=2)
        for label, mark in (("steepest", "v"), ("minimum", "o"), ("tenth", "s")):
            rate = getattr(test, label)
            loss = np.interp(np.log(rate), np.log(test.rates), test.smooth)
            ax.plot(rate, loss, mark, color="black", label=f"{label}: {rate:.1g}")
        ax.set(xscale="log", title=name, xlabel="learning rate", ylim=(0, 2 * test.smooth[0]))
        ax.legend(fontsize=7)
        ax.grid(alpha=0.4)
    for ax in axes[::3]:
        ax.set_ylabel("loss of the batch (nats)")
    return fig


def throughput(table: pd.DataFrame, title: str = "Rows a minute, by number of workers") -> Figure:
    """Rows a minute against the number of workers, a panel for each kind of row.

    Pale: every run; joined: their medians; dotted: as many times the rows of one worker.

    Args:
        table: a line a run, with row (its kind), storage, workers and rows_per_minute.
        title: above the figure.

    Raises:
        ValueError: for more storages than markers can tell apart.

    Taught in notebook 24.
    """
    groups = table.groupby("row", sort=False)
    fig, axes = panels(len(groups), len(groups), 3.1, title)
    for ax, (row, runs) in zip(axes, groups, strict=True):
        storages = runs.groupby("storage", sort=False)
        for (storage, part), style in zip(storages, curve_styles(len(storages)), strict=True):
            ax.plot(part["workers"], part["rows_per_minute"], alpha=0.4, linestyle="", **style)
            ax.plot(part.groupby("workers")["rows_per_minute"].median(), label=storage, **style)
        alone = runs.loc[runs["workers"] == 1, "rows_per_minute"].median()
        counts = np.unique(runs["workers"])
        ax.plot(counts, alone * counts, ":", color="0.4", label="one worker's rows, so many times")
        ax.set(xlabel=f"workers (a row {row})", xticks=counts, ylim=(0, None))
        ax.grid(alpha=0.4)
    axes[0].set_ylabel("rows a minute")
    return legend_below(fig, axes[0])


def bars(values: pd.Series, xlabel: str, title: str) -> Figure:
    """A horizontal bar for each value, in their order from the top, with its number beside it.

    Args:
        values: name → number.
        xlabel: what the numbers are, with their unit.
        title: above the figure.

    Taught in notebook 23.
    """
    fig, ax = figure(1.0 + 0.36 * len(values), title)
    drawn = ax.barh(values.index, values, color=COLOURS[0], edgecolor="black")
    ax.bar_label(drawn, fmt="%.2f", padding=3, fontsize=9)
    ax.invert_yaxis()
    right = 1.15 * values.max()
    ax.set(xlabel=xlabel, ylabel=values.index.name, xlim=(min(0, 1.1 * values.min()), right))
    return fig
