"""Drawings that explain: how a layer computes, who feeds whom. No result is in them."""

from collections.abc import Callable, Mapping, Sequence

from helpers.plots.style import figure, panels

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BOX = {"boxstyle": "round,pad=0.4", "facecolor": "0.93", "edgecolor": "black"}
ARROW = {"arrowstyle": "-|>", "color": "black", "shrinkA": 2, "shrinkB": 2}
FRAME = {"fill": False, "edgecolor": "black", "linewidth": 2.5}


def numbers(ax: Axes, array: np.ndarray, title: str = "") -> None:
    """An array as squares with its numbers in them, the darker the larger.

    Args:
        ax: to draw into.
        array: (h, w).
        title: above it.
    """
    top = max(np.abs(array).max(), 1)
    low = -top if np.min(array) < 0 else 0
    ax.imshow(array, cmap="gray_r", vmin=low, vmax=2.2 * top)  # pale: the numbers are read
    for (row, column), value in np.ndenumerate(array):
        ax.text(column, row, _signed(value), ha="center", va="center", fontsize=8)
    ax.set_xticks(np.arange(-0.5, array.shape[1]), [])
    ax.set_yticks(np.arange(-0.5, array.shape[0]), [])
    ax.grid(color="0.6", linewidth=0.5)
    ax.tick_params(length=0)
    ax.set_title(title, fontsize=9)


def convolution(
    image: np.ndarray, kernel: np.ndarray, places: Sequence[tuple[int, int]], title: str
) -> Figure:
    """A kernel that lies on places of an image, one after the other, and the sums that it gives.

    Args:
        image: (h, w), small whole numbers.
        kernel: (k, k).
        places: row and column of the kernel's upper left corner, a panel each.
        title: above the figure.

    Taught in notebook 05.
    """
    size = len(kernel)
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    sums = np.einsum("rcij,ij->rc", windows, kernel)
    fig, axes = figure(2.4, title, columns=len(places) + 2)
    numbers(axes[0], kernel, "the filter")
    for ax, (row, column) in zip(axes[1:], places, strict=False):
        numbers(ax, image, f"at row {row + 1}, column {column + 1}: {_signed(sums[row, column])}")
        ax.add_patch(plt.Rectangle((column - 0.5, row - 0.5), size, size, **FRAME))
    numbers(axes[-1], sums, "the feature map")
    for row, column in places:
        axes[-1].add_patch(plt.Rectangle((column - 0.5, row - 0.5), 1, 1, **FRAME))
    return fig


def _signed(number: float) -> str:
    return f"{number:g}".replace("-", "−")


def pooling(image: np.ndarray, takes: Mapping[str, Callable], title: str, size: int = 2) -> Figure:
    """An image cut into blocks, and the number that each way of pooling takes of each block.

    Args:
        image: (h, w), both multiples of the size.
        takes: name → function of an array and its axes, such as np.max.
        title: above the figure.
        size: of a block.

    Taught in notebook 05.
    """
    rows, columns = (side // size for side in image.shape)
    blocks = image.reshape(rows, size, columns, size)
    fig, axes = figure(2.4, title, columns=len(takes) + 1)
    numbers(axes[0], image, f"blocks of {size} × {size}")
    for row, column in np.ndindex(rows, columns):
        corner = column * size - 0.5, row * size - 0.5
        axes[0].add_patch(plt.Rectangle(corner, size, size, **FRAME))
    for ax, (name, take) in zip(axes[1:], takes.items(), strict=True):
        numbers(ax, take(blocks, axis=(1, 3)), name)
    return fig


def receptive_field(layers: Sequence[tuple[str, int, int]], title: str) -> Figure:
    """What one unit sees of the image, through the layers below it; one direction is drawn.

    Args:
        layers: name, width of its window and stride of each, from the image upwards.
        title: above the figure.

    Taught in notebook 05.
    """
    seen = [1]  # units that the topmost one sees, layer by layer, downwards
    for _, window, stride in reversed(layers):
        seen.append((seen[-1] - 1) * stride + window)
    seen = seen[::-1]
    fig, ax = figure(0.5 + 0.62 * len(seen), title)
    names = ["image", *(name for name, _, _ in layers)]
    steps = np.cumprod([1, *(stride for _, _, stride in layers)])
    begins = [0.0]  # where the units of each layer stand over the image's pixels
    for (_, window, _), step in zip(layers, steps[:-1], strict=True):
        begins.append(begins[-1] + step * (window - 1) / 2)
    for level, (name, count, step, begin) in enumerate(
        zip(names, seen, steps, begins, strict=True)
    ):
        places = begin + step * np.arange(count)
        ax.plot(places, np.full(count, level), "s", color="black", markersize=9)
        words = f"{name}: {count} pixels" if level == 0 else f"{name}: {count}"
        ax.text(-1.2, level, words, ha="right", va="center")
        if level:
            _, window, stride = layers[level - 1]
            below = begins[level - 1] + steps[level - 1] * np.arange(seen[level - 1])
            for index, place in enumerate(places):
                for end in (index * stride, index * stride + window - 1):
                    ax.plot([place, below[end]], [level, level - 1], color="0.5", linewidth=0.8)
    ax.set(xlim=(-0.75 * seen[0], seen[0] + 1), ylim=(-0.5, len(seen) - 0.5))
    ax.set_axis_off()
    return fig


def boxes(
    places: Mapping[str, tuple[float, float]],
    arrows: Sequence[tuple[str, str] | tuple[str, str, str]],
    title: str,
    height: float = 1.3,
) -> Figure:
    """Boxes with words in them, and arrows from one to another.

    Args:
        places: words of each box → x and y of its middle.
        arrows: from which box, to which, and words beside it.
        title: above the figure.
        height: of the figure, in inches.
    """
    fig, ax = figure(height, title)
    drawn = {
        words: ax.text(x, y, words, ha="center", va="center", fontsize=9, bbox=BOX)
        for words, (x, y) in places.items()
    }
    for source, target, *words in arrows:
        ends = {"xy": places[target], "xytext": places[source], "ha": "center", "va": "center"}
        arrow = ARROW | {"patchA": drawn[source].get_bbox_patch()}
        arrow |= {"patchB": drawn[target].get_bbox_patch()}
        ax.annotate("", **ends, arrowprops=arrow)
        (x0, y0), (x1, y1) = places[source], places[target]
        ax.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.12, "".join(words), ha="center", fontsize=8)
    x, y = np.array(list(places.values())).T
    ax.set(xlim=(x.min() - 0.7, x.max() + 0.7), ylim=(y.min() - 0.5, y.max() + 0.5))
    ax.set_axis_off()
    return fig


def dense_layer(inputs: Sequence[str], outputs: Sequence[str], title: str) -> Figure:
    """Each unit of a dense layer gets every input, by a weight of its own.

    The weights of the first unit are drawn strong.

    Args:
        inputs: words of each input.
        outputs: words of each unit.
        title: above the figure.

    Taught in notebook 02.
    """
    fig, ax = figure(0.5 + 0.55 * max(len(inputs), len(outputs)), title, width=6)
    heights = [np.linspace(1, 0, len(side) + 2)[1:-1] for side in (inputs, outputs)]
    for target, y1 in enumerate(heights[1]):
        for y0 in heights[0]:
            strong = {"color": "black", "linewidth": 1.6} if target == 0 else {"color": "0.7"}
            ax.plot([0.06, 0.94], [y0, y1], **strong, zorder=2 if target == 0 else 1)
    for x, words, ys in zip((0, 1), (inputs, outputs), heights, strict=True):
        for text, y in zip(words, ys, strict=True):
            ax.plot(x, y, "o", color="white", markeredgecolor="black", markersize=22, zorder=3)
            ax.text(x, y, text, ha="center", va="center", fontsize=9, zorder=4)
    ax.set(xlim=(-0.2, 1.2), ylim=(0, 1))
    ax.set_axis_off()
    return fig


def paths(
    surface: Callable[[np.ndarray, np.ndarray], np.ndarray],
    paths: Mapping[str, np.ndarray],
    title: str,
) -> Figure:
    """The ways that optimisers take on one surface, a panel each; darker is lower.

    Args:
        surface: height of the loss at x and y.
        paths: name of each optimiser → float (steps, 2), where it was after each step.
        title: above the figure.

    Taught in notebook 09.
    """
    everywhere = np.concatenate(list(paths.values()))
    (left, bottom), (right, top) = everywhere.min(axis=0) - 0.3, everywhere.max(axis=0) + 0.3
    x, y = np.meshgrid(np.linspace(left, right, 100), np.linspace(bottom, top, 100))
    fig, axes = panels(len(paths), 4, 2.2, title)
    for ax, (name, path) in zip(axes, paths.items(), strict=True):
        ax.contourf(x, y, surface(x, y), levels=20, cmap="gray")
        ax.plot(*path.T, "o-", color="white", markeredgecolor="black", markersize=4, linewidth=1)
        ax.plot(*path[-1], "X", color="black", markeredgecolor="white", markersize=10)
        ax.set(title=name, xticks=[], yticks=[])
    return fig
