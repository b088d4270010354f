"""What all figures share: sizes, styles that also differ in a grey print, axes, legends."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

COLOURS = sns.color_palette("colorblind")
LINES, MARKERS = ("-", "--", "-.", ":"), "osD^vPX<>*"
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "ooo")
TRAIN = {"color": COLOURS[1], "linestyle": "--", "marker": "o", "markerfacecolor": "white"}
VALIDATION = {"color": COLOURS[0], "linestyle": "-", "marker": "s"}
ACCURACY = "accuracy (% of images)"


def figure(
    height: float, title: str, width: float = 9, columns: int = 1, rows: int = 1
) -> tuple[Figure, Any]:
    """A figure with a title, and its axes.

    Args:
        height: in inches.
        title: above all panels.
        width: in inches.
        columns: panels side by side.
        rows: panels one above the other.

    Returns:
        The figure, closed for pyplot: a notebook shows it once, as the value of its cell. Then its
        Axes: one, or an array of them.
    """
    settings = {"figsize": (width, height), "dpi": 100, "layout": "constrained"}
    fig, axes = plt.subplots(rows, columns, **settings)
    fig.suptitle(title, fontsize=12)
    plt.close(fig)
    return fig, axes


def panels(count: int, columns: int, height: float, title: str) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels, row by row; places without a panel stay empty.

    Args:
        count: panels, at least 1.
        columns: panels a row, at most.
        height: of a row, in inches.
        title: above all panels.

    Returns:
        The figure and its panels.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    fig, axes = figure(0.5 + rows * height, title, columns=columns, rows=rows)
    axes = np.ravel(axes)
    for ax in axes[count:]:
        ax.remove()
    return fig, list(axes[:count])


def curve_styles(count: int) -> list[dict[str, Any]]:
    """A colour and a marker for each of so many curves; no two markers are alike.

    Args:
        count: of curves.

    Returns:
        Keyword arguments of `Axes.plot`, one dict a curve.

    Raises:
        ValueError: for more curves than there are markers.
    """
    _expect_at_most(len(MARKERS), count, "curves")
    styles = zip(COLOURS[:count], MARKERS[:count], strict=True)
    return [{"color": colour, "marker": marker} for colour, marker in styles]


def bar_styles(count: int) -> list[dict[str, Any]]:
    """A colour and a hatch for each of so many groups of bars; no two hatches are alike.

    Args:
        count: of groups.

    Returns:
        Properties of bars, one dict a group.

    Raises:
        ValueError: for more groups than there are hatches.
    """
    _expect_at_most(len(HATCHES), count, "groups of bars")
    styles = zip(COLOURS[:count], HATCHES[:count], strict=True)
    return [{"facecolor": colour, "hatch": hatch} for colour, hatch in styles]


def _expect_at_most(most: int, count: int, things: str) -> None:
    """Raise ValueError where more are asked for than can be told apart."""
    if count > most:
        raise ValueError(
            f"Expected at most {most} {things}: more cannot be told apart in a grey print; "
            f"found {count}. Choose {most} of them, or draw two figures."
        )


def one_title_each(images: Sequence, titles: Sequence | None) -> list[str]:
    """The titles as text, or empty ones.

    Args:
        images: at least one.
        titles: one an image, or None.

    Returns:
        One text an image.

    Raises:
        ValueError: unless there are images, and as many titles.
    """
    texts = [""] * len(images) if titles is None else [str(text) for text in titles]
    if len(texts) == 0 or len(texts) != len(images):
        found = f"{len(images)} images and {len(texts)} titles"
        raise ValueError(f"Expected images with one title each, found {found}. Pass as many.")
    return texts


def percent(*axes: Axis) -> None:
    """Label axes in percent, with a light grid.

    Args:
        *axes: such as `ax.xaxis`, with shares 0 … 1.
    """
    for axis in axes:
        axis.set_major_formatter(PercentFormatter(1))
        axis.grid(alpha=0.4)


def legend_below(fig: Figure, ax: Axes, **settings: Any) -> Figure:
    """Put a legend below the figure, in as many columns as fit.

    Args:
        fig: the figure.
        ax: the panel whose labels the legend takes.
        **settings: further arguments of `Figure.legend`.

    Returns:
        The same figure.
    """
    handles, labels = ax.get_legend_handles_labels()
    settings = {"ncols": max(1, 120 // (8 + max(map(len, labels)))), "fontsize": 9} | settings
    fig.legend(handles, labels, loc="outside lower center", **settings)
    return fig


def mosaic(
    images: Sequence[np.ndarray], columns: int, head: int = 0
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Lay images out on one sheet, row by row.

    Args:
        images: uint8 (n, 28, 28).
        columns: images a row.
        head: pixels of room above each.

    Returns:
        The sheet, uint8 (height, width), and each image's upper left corner (top, left).
    """
    places = [divmod(index, columns) for index in range(len(images))]
    corners = [(row * (30 + head) + head + 1, column * 30 + 1) for row, column in places]
    sheet = np.zeros((-(-len(images) // columns) * (30 + head), columns * 30), np.uint8)
    for image, (top, left) in zip(images, corners, strict=True):
        sheet[top : top + 28, left : left + 28] = image
    return sheet, corners


def show_ink(ax: Axes, sheet: np.ndarray) -> None:
    """Draw a sheet of images, dark ink on white paper.

    Args:
        ax: where.
        sheet: uint8 (height, width), white ink on black.
    """
    ax.imshow(sheet, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    ax.set_axis_off()


def epoch_panels(title: str) -> tuple[Figure, np.ndarray]:
    """Two panels over epochs: loss and accuracy.

    Args:
        title: above both.

    Returns:
        The figure and its two Axes.
    """
    fig, axes = figure(3.9, title, columns=2)
    for ax, label in zip(axes, ("loss (cross-entropy, nats)", ACCURACY), strict=True):
        ax.set(xlabel="epoch", ylabel=label)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.grid(alpha=0.4)
    percent(axes[1].yaxis)
    return fig, axes


def draw_epochs(axes: Sequence[Axes], run: Any, prefix: str, style: dict[str, Any]) -> None:
    """Draw the loss and the accuracy of every epoch.

    Args:
        axes: two panels, as `epoch_panels` makes them.
        run: a History, or whatever has its attributes.
        prefix: before the names loss and accuracy, such as "val_".
        style: keyword arguments of `Axes.plot`.
    """
    for ax, kind in zip(axes, ("loss", "accuracy"), strict=True):
        values = getattr(run, prefix + kind)
        if len(values):
            every = max(1, len(values) // 10)
            ax.plot(range(1, len(values) + 1), values, markevery=every, **style)
