"""Every figure of the course, readable by the colour-blind and in a grey print."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from helpers.evaluation import Evaluation
from helpers.internals.backend import keras
from helpers.internals.curves import Curve
from helpers.plots.style import (
    ACCURACY,
    COLOURS,
    LINES,
    MARKERS,
    TRAIN,
    VALIDATION,
    bar_styles,
    curve_styles,
    draw_epochs,
    epoch_panels,
    figure,
    legend_below,
    mosaic,
    one_title_each,
    panels,
    percent,
    show_ink,
)
from helpers.training import History

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter


def image_grid(
    images: np.ndarray, titles: Sequence | None = None, columns: int = 10, title: str = ""
) -> Figure:
    """Show images in rows, dark ink on white paper.

    Args:
        images: uint8 (n, 28, 28), white ink on black.
        titles: n short texts, or None.
        columns: images a row.
        title: above all.

    Raises:
        ValueError: where there are no images, or not as many titles.

    Taught in notebook 01.
    """
    texts = one_title_each(images, titles)
    columns = min(columns, len(images))
    pixel = min(9 / columns, 1.1) / 30  # inches
    lines = 0 if titles is None else 1 + max(text.count("\n") for text in texts)
    sheet, corners = mosaic(images, columns, head=int(np.ceil(0.14 * lines / pixel)))
    fig, ax = figure(sheet.shape[0] * pixel + 0.4, title, width=max(sheet.shape[1] * pixel, 3.5))
    show_ink(ax, sheet)
    for (top, left), text in zip(corners, texts, strict=True):
        ax.text(left + 14, top, text, ha="center", va="bottom", fontsize=8)
    return fig


def maps(
    arrays: np.ndarray, titles: Sequence | None = None, columns: int = 8, title: str = ""
) -> Figure:
    """Show filters or feature maps in rows, the darker the larger, all on one scale.

    Where there are negative values, zero is mid-grey.

    Args:
        arrays: float (n, h, w).
        titles: n short texts, or None.
        columns: arrays a row.
        title: above all.

    Raises:
        ValueError: where there are no arrays, or not as many titles.

    Taught in notebook 05.
    """
    texts, columns = one_title_each(arrays, titles), min(columns, len(arrays))
    top = max(np.abs(arrays).max(), 1e-6)
    scale = {"cmap": "gray_r", "vmin": -top if np.min(arrays) < 0 else 0, "vmax": top}
    fig, axes = panels(len(arrays), columns, 8 / columns + 0.2, title)
    plt.setp(axes, xticks=[], yticks=[])
    for ax, array, text in zip(axes, arrays, texts, strict=True):
        picture = ax.imshow(array, interpolation="nearest", **scale)
        ax.set_title(text, fontsize=8)
    fig.colorbar(picture, ax=axes, label="value", aspect=30, pad=0.01)
    return fig


def class_counts(
    labels: np.ndarray | Mapping[str, np.ndarray],
    classes: Sequence[str],
    title: str = "Images per class",
) -> Figure:
    """Count the images of each class: one bar per class and split.

    Args:
        labels: integer (n,), 0 … k-1, or a dict of them, name of a split → its labels.
        classes: their k names.
        title: above the figure.

    Raises:
        ValueError: for more splits than hatches can tell apart.

    Taught in notebook 01.
    """
    splits = labels if isinstance(labels, dict) else {"images": labels}
    counts = {name: np.bincount(y, minlength=len(classes)) for name, y in splits.items()}
    table = pd.DataFrame(counts, index=list(classes))
    fig, ax = figure(3.6, title)
    table.plot.bar(ax=ax, width=0.8, rot=0, edgecolor="black", legend=False)
    for bars, style in zip(ax.containers, bar_styles(len(splits)), strict=True):
        plt.setp(bars, linewidth=0.5, **style)
        if table.size <= 20:
            ax.bar_label(bars, fmt="{:,.0f}", fontsize=7, padding=1)
    ax.set(xlabel="class", ylabel="number of images")
    ax.margins(y=0.08)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.tick_params(axis="x", labelsize=9 if len(classes) <= 30 else 7)
    return legend_below(fig, ax) if len(splits) > 1 else fig


def learning_curves(
    history: History | Mapping[str, History], title: str = "Learning curves"
) -> Figure:
    """Loss and accuracy per epoch: dashed for training, solid for validation where there is one.

    Args:
        history: of one training, or a dict of those to compare, name → History.
        title: above the figure.

    Raises:
        ValueError: for more histories than markers can tell apart.

    Taught in notebook 02.
    """
    fig, axes = epoch_panels(title)
    if not isinstance(history, dict):
        draw_epochs(axes, history, "", TRAIN | {"label": "training"})
        draw_epochs(axes, history, "val_", VALIDATION | {"label": "validation"})
        return legend_below(fig, axes[0])
    for (name, run), style in zip(history.items(), curve_styles(len(history)), strict=True):
        draw_epochs(axes, run, "", TRAIN | style)
        draw_epochs(axes, run, "val_", VALIDATION | style)
        axes[0].plot([], [], label=name, **style)
    return legend_below(fig, axes[0], title="dashed, white: training; solid, filled: validation")


def fold_curves(
    histories: Sequence[History], title: str = "Learning curves of all folds"
) -> Figure:
    """Loss and accuracy per epoch of every fold of a cross-validation, with their means.

    Args:
        histories: one a fold, all of as many epochs.
        title: above the figure.

    Taught in notebook 03.
    """
    fig, axes = epoch_panels(title)
    for prefix, style, name in (("", TRAIN, "training"), ("val_", VALIDATION, "validation")):
        for run in histories:
            draw_epochs(axes, run, prefix, style | {"marker": ".", "linewidth": 0.8, "alpha": 0.5})
        kinds = (f"{prefix}loss", f"{prefix}accuracy")
        mean = {k: np.mean([getattr(run, k) for run in histories], axis=0) for k in kinds}
        label = f"{name}: mean of {len(histories)} folds (thin: each fold)"
        draw_epochs(axes, pd.Series(mean), prefix, style | {"linewidth": 2.5, "label": label})
    return legend_below(fig, axes[0])


def score_box(
    scores: Mapping[str, np.ndarray], title: str = "Accuracy of each fold or run"
) -> Figure:
    """A box per setting with every score drawn over it.

    Args:
        scores: name of a setting → its accuracies, 0 … 1.
        title: above the figure.

    Taught in notebook 03.
    """
    fig, ax = figure(3.8, title)
    names = [str(name) for name in scores]
    mean = {"marker": "D", "markerfacecolor": "white", "markeredgecolor": "black", "zorder": 4}
    box = {"showfliers": False, "showmeans": True, "meanprops": mean, "widths": 0.4}
    box["medianprops"] = {"color": "black", "linewidth": 2}
    ax.boxplot(list(scores.values()), positions=range(len(names)), **box)
    for index, values in enumerate(scores.values()):
        x = index + np.linspace(-0.12, 0.12, len(values) + 2)[1:-1]
        ax.plot(x, values, "o", color=COLOURS[0], alpha=0.7)
    ax.set_xticks(range(len(names)), names, rotation=30 if sum(map(len, names)) > 80 else 0)
    ax.set(xlabel="setting (box: middle half, line: median, diamond: mean)", ylabel=ACCURACY)
    percent(ax.yaxis)
    return fig


def confusion_heatmap(
    evaluation: Evaluation, title: str = "Which class is read as which"
) -> Figure:
    """Confusion matrix: numbers are images, colour is the share of the true class misread.

    The diagonal is grey, so that it does not drown the errors; beyond 20 classes only errors carry
    numbers.

    Args:
        evaluation: of a network.
        title: above the figure.

    Taught in notebook 03.
    """
    counts, classes = evaluation.confusion, evaluation.classes
    width, font, small = (9, 10, 9) if len(classes) <= 20 else (13, 8, 5.5)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(share, np.nan)
    top = max(np.nanmax(share, initial=0), 1e-3)
    fig, ax = figure(0.85 * width, title, width=width)
    colours = plt.get_cmap("Blues").with_extremes(bad="0.88")
    picture = ax.imshow(share, cmap=colours, norm=PowerNorm(0.5, vmin=0, vmax=top))
    for row, column in zip(*np.nonzero(counts), strict=True):
        if row != column or len(classes) <= 20:
            ink = "white" if share[row, column] > 0.35 * top else "black"
            text = {"ha": "center", "va": "center", "fontsize": small, "color": ink}
            ax.text(column, row, counts[row, column], **text).set_in_layout(False)
    ax.set_xticks(range(len(classes)), classes, fontsize=font)
    ax.set_yticks(range(len(classes)), classes, fontsize=font)
    ax.set(xlabel="predicted class", ylabel="true class")
    label = "share of the true class (% of images)"
    fig.colorbar(picture, shrink=0.6, pad=0.01, format=PercentFormatter(1), label=label)
    return fig


def confused_examples(
    evaluation: Evaluation,
    images: np.ndarray,
    pairs: int = 5,
    title: str = "The most frequent confusions",
) -> Figure:
    """A row of images for each of the most confused pairs, most confident mistake first.

    Args:
        evaluation: of a network.
        images: uint8 (n, 28, 28), on which it was evaluated.
        pairs: how many, at most.
        title: above the figure.

    Taught in notebook 03.
    """
    table = evaluation.confused_pairs(pairs)
    columns = max(map(len, table["examples"]), default=8)
    rows = [mosaic(images[list(row)], columns)[0] for row in table["examples"]]
    text = "{true} read as {predicted}\ncount {count:,}: {share:.1%} of class {true}"
    fig, ax = figure(0.4 + 0.85 * max(len(rows), 1), title if rows else "No image was misread")
    show_ink(ax, np.vstack(rows or [np.zeros((30, 240))]))
    for index, row in enumerate(table.to_dict("records")):
        ax.text(-3, 15 + 30 * index, text.format(**row), ha="right", va="center")
    return fig


def roc_curves(
    evaluation: Evaluation,
    corner: float = 0.1,
    title: str = "ROC curve of each class against the rest",
) -> Figure:
    """ROC curves, whole and with the upper left corner enlarged; areas in the legend.

    Args:
        evaluation: of a network.
        corner: side of the enlarged part, 0 … 1.
        title: above the figure.

    Taught in notebook 03.
    """
    fig, axes = _curve_panels(evaluation.roc(), title, "area under the curve")
    plt.setp(axes, xlabel="false positive rate", ylabel="true positive rate")
    axes[0].plot([0, 1], [0, 1], color="0.5", linestyle=":", linewidth=1)
    axes[0].text(0.55, 0.5, "guessing", color="0.3", fontsize=8)
    axes[1].set(xlim=(0, corner), ylim=(1 - corner, 1 + corner / 50))
    return fig


def precision_recall_curves(
    evaluation: Evaluation,
    corner: float = 0.1,
    title: str = "Precision and recall of each class",
) -> Figure:
    """Precision–recall curves, whole and with the upper right corner enlarged.

    Args:
        evaluation: of a network.
        corner: side of the enlarged part, 0 … 1.
        title: above the figure.

    Taught in notebook 03.
    """
    fig, axes = _curve_panels(evaluation.precision_recall(), title, "average precision")
    plt.setp(axes, xlabel="recall", ylabel="precision")
    axes[1].set(xlim=(1 - corner, 1 + corner / 50), ylim=(1 - corner, 1 + corner / 50))
    return fig


def calibration_curve(
    evaluation: Evaluation, bins: int = 10, title: str = "Does confidence mean what it says?"
) -> Figure:
    """Accuracy against confidence, and how many images have each confidence.

    Args:
        evaluation: of a network.
        bins: equal ranges of confidence.
        title: above the figure.

    Taught in notebook 03.
    """
    error = evaluation.expected_calibration_error(bins)
    table = evaluation.calibration(bins)
    fig, axes = figure(3.9, f"{title} Expected calibration error {error:.2%}", columns=2)
    axes[0].plot([0, 1], [0, 1], color="0.5", linestyle="--", label="perfectly calibrated")
    axes[0].plot(table["confidence"], table["accuracy"], **VALIDATION, label="network")
    axes[0].legend()
    axes[0].set(xlabel="mean confidence (%)", ylabel=ACCURACY, xlim=(0, 1.02))
    percent(axes[0].yaxis, axes[0].xaxis, axes[1].xaxis)
    style = {"align": "edge", "color": COLOURS[0], "edgecolor": "black"}
    bars = axes[1].bar(np.arange(bins) / bins, table["count"], 1 / bins, **style)
    axes[1].bar_label(bars, fmt="{:,.0f}", fontsize=8)
    axes[1].set(xlabel="confidence (%)", ylabel="number of images", xlim=(0, 1.02))
    return fig


def intervals(
    values: Mapping[str, tuple[float, float, float]],
    title: str = "95 % intervals",
    xlabel: str = ACCURACY,
    line: float | None = None,
) -> Figure:
    """A dot with its interval for each name, first at the top.

    Args:
        values: name → (value, low, high), shares 0 … 1.
        title: above the figure.
        xlabel: what the values are.
        line: where a dotted line stands, such as 0 for differences; None for none.

    Taught in notebook 03.
    """
    fig, ax = figure(1.2 + 0.38 * len(values), title)
    value, low, high = np.array(list(values.values())).T
    style = {"fmt": "o", "color": COLOURS[0], "ecolor": "black", "capsize": 4}
    ax.errorbar(value, range(len(values)), xerr=np.array([value - low, high - value]), **style)
    ax.set_yticks(range(len(values)), values)
    ax.set(xlabel=xlabel, ylabel="setting", ylim=(len(values) - 0.5, -0.5))
    if line is not None:
        ax.axvline(line, color="black", linestyle=":")
    percent(ax.xaxis)
    return fig


def architecture(model: keras.Model, title: str | None = None) -> Figure:
    """A box for each layer with output shape and parameters; arrows show what feeds what.

    It is read down each column, then the next.

    Args:
        model: a built network.
        title: above the figure; None for its name and number of parameters.

    Taught in notebook 02.
    """
    layers = model.layers
    columns = -(-len(layers) // 9)
    rows = -(-len(layers) // columns)
    title = title or f"{model.name}: {model.count_params():,} parameters"
    fig, ax = figure(0.4 + 0.72 * rows, title, width=max(3 * columns, 5))
    places = [(index // rows, -(index % rows)) for index in range(len(layers))]
    for layer, (x, y) in zip(layers, places, strict=True):
        box = {"facecolor": "0.88" if layer.count_params() else "white", "edgecolor": "black"}
        ax.add_patch(plt.Rectangle((x - 0.42, y - 0.32), 0.84, 0.64, **box))
        kind, rest = _describe(layer)
        ax.text(x, y + 0.08, kind, ha="center", va="bottom", fontsize=8, weight="bold")
        ax.text(x, y + 0.07, rest, ha="center", va="top", fontsize=8)
    for source, target in _links(model):
        (x0, y0), (x1, y1), skips = places[source], places[target], target - source > 1
        ends = [(x1, y1 + 0.32), (x0, y0 - 0.32)]
        if x0 != x1 or skips:
            ends = [(x1 - 0.42, y1), (x0 + (0.42 if x0 != x1 else -0.42), y0)]
        bend = "arc3,rad=0.1" if skips and x0 == x1 else "arc3"
        arrow = {"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0}
        arrow |= {"linestyle": "--" if skips else "-", "connectionstyle": bend}
        ax.annotate("", *ends, arrowprops=arrow)
    ax.set(xlim=(-0.55, columns - 0.45), ylim=(0.6 - rows, 0.4))
    ax.set_axis_off()
    return fig


def _describe(layer: keras.layers.Layer) -> tuple[str, str]:
    """Two texts on a layer: its kind and settings; its name, shape and parameters."""
    config = layer.get_config()
    sizes = config.get("kernel_size") or config.get("pool_size") or ()
    details = [" × ".join(map(str, sizes)), config.get("rate", ""), config.get("activation", "")]
    kind = [type(layer).__name__, *(str(d) for d in details if d not in ("", "linear"))]
    shape = " × ".join(map(str, layer.output.shape[1:]))
    return ", ".join(kind), f"{layer.name} → {shape}\n{layer.count_params():,} parameters"


def _links(model: keras.Model) -> Iterator[tuple[int, int]]:
    """Which layer feeds which: pairs (source, target) of positions in model.layers."""
    number = {layer.name: index for index, layer in enumerate(model.layers)}
    for record in json.loads(model.to_json())["config"]["layers"]:
        target = number.get(record["config"]["name"], 0)
        nodes = json.dumps(record.get("inbound_nodes", []))
        for name in re.findall(r'"keras_history": \["(.+?)"', nodes):
            yield number[name], target
        if "inbound_nodes" not in record and target > 0:  # in a Sequential, one after another
            yield target - 1, target


def _curve_panels(curves: list[Curve], title: str, area: str) -> tuple[Figure, Sequence[Axes]]:
    """Both panels with all curves; where there are more than markers, the lowest stand out."""
    few = len(curves) <= len(MARKERS)
    fig, axes = figure(5.2 if few else 7, title, columns=2)
    defined = [curve for curve in curves if curve.x.size]
    shown = defined if few else sorted(defined, key=lambda curve: curve.area)[: len(MARKERS)]
    styles = {}
    for index, (curve, style) in enumerate(zip(shown, curve_styles(len(shown)), strict=True)):
        styles[curve.name] = style | {"linestyle": LINES[index % len(LINES)]}
    for ax, part in zip(axes, ("whole", "corner enlarged"), strict=True):
        for curve in curves:
            style = styles.get(curve.name, {"color": "0.75", "linewidth": 0.8, "zorder": 1})
            label, every = f"{curve.name}: {curve.area:.4f}", 0.1 if curve.x.size else None
            ax.plot(curve.x, curve.y, label=label, markersize=4, markevery=every, **style)
        ax.set_title(part, fontsize=10)
        ax.grid(alpha=0.4)
    axes[1].locator_params(nbins=5)  # the numbers of a small corner are long
    note = area if few else f"{area}; the {len(shown)} lowest stand out"
    legend_below(fig, axes[0], ncols=5 if few else 8, fontsize=8 if few else 7, title=note)
    return fig, axes
