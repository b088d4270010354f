"""The figures that students read, drawn here so that their numbers stand in no cell.

figures.py writes each as a picture into the text of its source notebook. Run it after a change.
"""

import base64
import io
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np

SOURCE = Path(__file__).resolve().parents[1] / "source"
NAME = "figure.png"
GREY, BLACK = "0.6", "black"

EPOCHS = np.arange(1, 13)
LEARNING = {  # network: training and validation loss of each epoch
    "A": (0.9 * 0.82**EPOCHS + 0.20, 0.9 * 0.83**EPOCHS + 0.23),
    "B": (0.9 * 0.70**EPOCHS + 0.02, 0.25 + np.maximum(0.12 * (5 - EPOCHS), 0.05 * (EPOCHS - 5))),
}

RATES = np.geomspace(1e-6, 1, 121)
_PLACE = np.log10(RATES)
OF_BATCH = 2.3 - 1.9 / (1 + np.exp(-3.2 * (_PLACE + 2.6))) + np.maximum(_PLACE + 1, 0) ** 2 * 4
RUNNING = OF_BATCH.cumsum() / np.arange(1, len(OF_BATCH) + 1)

SHOWN = ["0", "O", "o", "5", "S", "s"]
CONFUSION = np.zeros((6, 6), int)  # rows are true classes
CONFUSION[:3, :3] = [[95, 5, 0], [30, 60, 10], [20, 45, 35]]
CONFUSION[3:, 3:] = [[97, 3, 0], [12, 80, 8], [6, 54, 40]]


def learning_curves():
    """Two networks, one of which overfits."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    for axis, (name, (train, validation)) in zip(axes, LEARNING.items(), strict=True):
        axis.plot(EPOCHS, train, "o-", color=GREY, label="training")
        axis.plot(EPOCHS, validation, "s-", color=BLACK, label="validation")
        axis.set(title=f"Network {name}", xlabel="epoch", xticks=EPOCHS)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("loss (cross-entropy, nats)")
    axes[1].legend()
    return figure


def range_test():
    """One range test, drawn as the loss of each batch and as its running mean."""
    figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
    axis.plot(RATES, RUNNING, "-", color=GREY, lw=2.5, label="A")
    axis.plot(RATES, OF_BATCH, "--", color=BLACK, lw=2, label="B")
    axis.set(title="Range test of one network", ylim=(0, 3))
    axis.set(xscale="log", xticks=10.0 ** np.arange(-6, 1))
    axis.set(xlabel="learning rate", ylabel="loss (cross-entropy, nats)")
    axis.grid(alpha=0.3)
    axis.legend()
    return figure


def confusion():
    """A confusion matrix of six classes."""
    figure, axis = plt.subplots(figsize=(5, 4.6), layout="constrained")
    axis.imshow(CONFUSION, cmap="Greys", vmin=0, vmax=150)
    for row, column in np.argwhere(CONFUSION):
        axis.text(column, row, CONFUSION[row, column], ha="center", va="center")
    axis.set(xticks=range(6), xticklabels=SHOWN, xlabel="read as")
    axis.set(yticks=range(6), yticklabels=SHOWN, ylabel="true class")
    axis.set_title("Images of each class, 600 in all")
    return figure


FIGURES = {
    "1_dense_networks": learning_curves,
    "2_convolutional_networks": range_test,
    "3_emnist": confusion,
}


def picture(figure):
    """A figure as the text of a PNG."""
    file = io.BytesIO()
    figure.savefig(file, dpi=100, metadata={"Software": None})
    plt.close(figure)
    return base64.b64encode(file.getvalue()).decode()


def attach(nb, draw):
    """Put a figure into the text of a notebook that shows it."""
    (cell,) = [cell for cell in nb.cells if f"(attachment:{NAME})" in cell.source]
    cell.attachments = {NAME: {"image/png": picture(draw())}}


def main():
    """Draw all figures anew."""
    plt.switch_backend("agg")
    for name, draw in FIGURES.items():
        path = SOURCE / name / f"{name}.ipynb"
        nb = nbformat.read(path, as_version=4)
        attach(nb, draw)
        nbformat.write(nb, path)
        print(path.name)


if __name__ == "__main__":
    main()
