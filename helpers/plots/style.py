"""What all figures share: sizes, colours and marks that also differ in grey, axes, legends."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.ticker import MaxNLocator, PercentFormatter

COLOURS = sns.color_palette("colorblind")
HATCHES, LINES, MARKERS = ("", "///", "..."), ("-", "--", "-.", ":"), "osD^vPX<>*"
TRAIN = {"color": COLOURS[1], "linestyle": "--", "marker": "o", "markerfacecolor": "white"}
VALIDATION = {"color": COLOURS[0], "linestyle": "-", "marker": "s"}
ACCURACY = "accuracy (% of images)"


def figure(height, title, width=9, columns=1, rows=1):
    """A figure with a title and one axes, or a row of them; height and width in inches."""
    settings = {"figsize": (width, height), "dpi": 100, "layout": "constrained"}
    fig, axes = plt.subplots(rows, columns, **settings)
    fig.suptitle(title, fontsize=12)
    plt.close(fig)  # a notebook then shows it once, as the value of its cell
    return fig, axes


def one_title_each(images, titles):
    """The titles as text, or empty ones. Raises ValueError unless there is one an image."""
    texts = [""] * len(images) if titles is None else [str(text) for text in titles]
    if len(texts) == 0 or len(texts) != len(images):
        found = f"{len(images)} images and {len(texts)} titles"
        raise ValueError(f"Expected images with one title each, found {found}. Pass as many.")
    return texts


def percent(*axes):
    """Label axes in percent, with a light grid."""
    for axis in axes:
        axis.set_major_formatter(PercentFormatter(1))
        axis.grid(alpha=0.4)


def legend_below(fig, ax, **settings):
    """A legend below the figure, in as many columns as fit."""
    handles, labels = ax.get_legend_handles_labels()
    settings = {"ncols": max(1, 120 // (8 + max(map(len, labels)))), "fontsize": 9} | settings
    fig.legend(handles, labels, loc="outside lower center", **settings)
    return fig


def mosaic(images, columns, head=0):
    """Images on one sheet, `head` pixels of room above each, and their upper left corners."""
    places = [divmod(index, columns) for index in range(len(images))]
    corners = [(row * (30 + head) + head + 1, column * 30 + 1) for row, column in places]
    sheet = np.zeros((-(-len(images) // columns) * (30 + head), columns * 30), np.uint8)
    for image, (top, left) in zip(images, corners, strict=True):
        sheet[top : top + 28, left : left + 28] = image
    return sheet, corners


def show_ink(ax, sheet):
    """Draw a sheet of images, dark ink on white paper."""
    ax.imshow(sheet, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    ax.set_axis_off()


def epoch_panels(title):
    """Two panels over epochs: loss and accuracy."""
    fig, axes = figure(3.9, title, columns=2)
    for ax, label in zip(axes, ("loss (cross-entropy, nats)", ACCURACY), strict=True):
        ax.set(xlabel="epoch", ylabel=label)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.grid(alpha=0.4)
    percent(axes[1].yaxis)
    return fig, axes


def draw_epochs(axes, run, prefix, style):
    """Draw loss and accuracy of a History-like object, one with `prefix` before the names."""
    for ax, kind in zip(axes, ("loss", "accuracy"), strict=True):
        values = getattr(run, prefix + kind)
        if len(values):
            every = max(1, len(values) // 10)
            ax.plot(range(1, len(values) + 1), values, markevery=every, **style)
