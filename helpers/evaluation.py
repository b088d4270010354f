"""Judge a trained network: accuracy with its interval, reports, confusions, curves as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from helpers import statistics
from helpers.archives.datasets import MERGED
from helpers.data import Split
from helpers.internals import checks, curves
from helpers.internals.backend import keras
from helpers.internals.errors import expect

import numpy as np
import pandas as pd
from sklearn import metrics


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """All that a network's probabilities say about it on one set of images.

    Attributes:
        labels: integer (n,), true classes 0 … k-1.
        probabilities: float (n, k), rows sum to 1.
        classes: k names, such as "7", "a", or "Cc" where EMNIST merges both cases.

    Raises:
        ValueError: where these do not fit together.

    Taught in notebook 03.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    classes: Sequence[str]

    def __post_init__(self) -> None:
        labels, probabilities = np.asarray(self.labels), np.asarray(self.probabilities, float)
        checks.check_labels(labels, len(self.classes))
        checks.check_probabilities(probabilities, len(labels), len(self.classes))
        self.__dict__.update(labels=labels, probabilities=probabilities)  # the class is frozen
        self.__dict__.update(classes=tuple(self.classes))

    def __repr__(self) -> str:
        low, high = self.interval
        found = f"accuracy {self.accuracy:.2%} ({low:.2%} to {high:.2%}), loss {self.loss:.4f}"
        return f"Evaluation: {len(self.labels):,} images, {len(self.classes)} classes, {found}"

    @cached_property
    def predictions(self) -> np.ndarray:
        """The most probable class of each image, integer (n,)."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def confidence(self) -> np.ndarray:
        """The probability of the predicted class, float (n,), 0 … 1."""
        return np.clip(self.probabilities.max(axis=1), 0, 1)

    @cached_property
    def correct(self) -> np.ndarray:
        """Whether each image was read correctly, bool (n,)."""
        return self.predictions == self.labels

    @property
    def accuracy(self) -> float:
        """Share of images read correctly, 0 … 1."""
        return float(self.correct.mean())

    @cached_property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the accuracy, (low, high), 0 … 1."""
        return statistics.wilson_interval(int(self.correct.sum()), len(self.labels))

    @cached_property
    def loss(self) -> float:
        """Mean cross-entropy in nats; a probability below 1e-7 counts as 1e-7, or 16 nats."""
        of_true_class = self.probabilities[np.arange(len(self.labels)), self.labels]
        return float(-np.log(np.clip(of_true_class, 1e-7, 1)).mean())

    @cached_property
    def confusion(self) -> np.ndarray:
        """Number of images, integer (k, k): rows are true classes, columns predicted ones."""
        every_class = range(len(self.classes))
        return metrics.confusion_matrix(self.labels, self.predictions, labels=every_class)

    def report(self) -> pd.DataFrame:
        """Precision, recall, f1 (0 … 1) and count of each class, then accuracy and macro average.

        nan: undefined, such as the recall of a class without images. The macro average is over
        classes with images; there the precision of a class that is never predicted counts as 0.
        """
        values = metrics.precision_recall_fscore_support(
            self.labels, self.predictions, labels=range(len(self.classes)), zero_division=np.nan
        )
        table = pd.DataFrame(values, ["precision", "recall", "f1", "count"], self.classes).T
        macro = table[table["count"] > 0].fillna(0).mean()
        table.loc["accuracy"] = self.accuracy  # also the micro average of all three
        table.loc["macro average"] = macro
        table.iloc[-2:, -1] = len(self.labels)
        return table.astype({"count": int})

    def mistakes(self) -> np.ndarray:
        """Indices into the split of the images misread, most confident mistake first."""
        wrong = np.flatnonzero(~self.correct)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")]

    def confused_pairs(self, k: int = 5, examples: int = 8) -> pd.DataFrame:
        """The most frequent confusions.

        Args:
            k: number of pairs, at most.
            examples: number of examples for each, at most.

        Returns:
            DataFrame: true, predicted, count, share (of the images of the true class, 0 … 1),
            examples (tuple of indices into the split, most confident mistake first).
        """
        errors = self.confusion - np.diag(self.confusion.diagonal())
        mistakes, rows = self.mistakes(), []
        for cell in np.argsort(-errors, axis=None, kind="stable")[: min(k, (errors > 0).sum())]:
            true, predicted = pair = np.unravel_index(cell, errors.shape)
            of_pair = (self.labels[mistakes] == true) & (self.predictions[mistakes] == predicted)
            count, names = int(errors[pair]), [self.classes[index] for index in pair]
            chosen = tuple(mistakes[of_pair][:examples].tolist())
            rows.append((*names, count, count / self.confusion[true].sum(), chosen))
        return pd.DataFrame(rows, columns=["true", "predicted", "count", "share", "examples"])

    @property
    def case_insensitive_accuracy(self) -> float:
        """Accuracy, 0 … 1, when "a" read as "A" counts as correct for every letter."""
        return self._accuracy_by([name[0].lower() for name in self.classes])

    @property
    def merged_accuracy(self) -> float:
        """Accuracy, 0 … 1, ignoring case for EMNIST's 15 merged letters only (notebook 15)."""
        pairs = [(name, name[0].upper()) for name in self.classes]
        return self._accuracy_by([up if up in MERGED else name for name, up in pairs])

    def _accuracy_by(self, groups: list[str]) -> float:
        group = np.array(groups)
        return float((group[self.labels] == group[self.predictions]).mean())

    def roc(self) -> tuple[curves.Curve, ...]:
        """ROC curve of each class against the rest: see `internals.curves`. Notebook 03."""
        return curves.roc(self.labels, self.probabilities, self.classes)

    def precision_recall(self) -> tuple[curves.Curve, ...]:
        """Precision–recall curve of each class against the rest: likewise."""
        return curves.precision_recall(self.labels, self.probabilities, self.classes)

    def calibration(self, bins: int = 10) -> pd.DataFrame:
        """Mean confidence, accuracy (0 … 1) and count of images in equal ranges of confidence.

        Args:
            bins: number of ranges.

        Returns:
            DataFrame indexed by range (low, high]; an empty one has count 0 and nan.

        Source: Guo et al. 2017, arXiv:1706.04599. Taught in notebook 03.
        """
        expect(bins >= 1, "at least 1 bin", bins, "Pass bins=10")
        images = pd.DataFrame({"confidence": self.confidence, "accuracy": self.correct})
        ranges = pd.cut(images["confidence"], np.linspace(0, 1, bins + 1), include_lowest=True)
        groups = images.groupby(ranges.rename("range"), observed=False)
        return groups.mean().assign(count=groups.size())

    def expected_calibration_error(self, bins: int = 10) -> float:
        """Mean distance between confidence and accuracy over the bins, weighted by count, 0 … 1."""
        table = self.calibration(bins)
        distance = (table["confidence"] - table["accuracy"]).abs() * table["count"]
        return float(distance.sum() / len(self.labels))


def evaluate(model: keras.Model, split: Split, classes: Sequence[str]) -> Evaluation:
    """Let a model read every image of a split and gather what is needed to judge it.

    Args:
        model: compiled or not, uint8 (n, 28, 28) → probabilities (n, k).
        split: the images and labels to judge it on.
        classes: k names, those of the data set.

    Raises:
        ValueError: no images, outputs that are no probabilities, or as `Evaluation`.

    Taught in notebook 03.
    """
    expect(len(split.labels) > 0, "images to judge", "an empty split", "Pass dataset.test")
    checks.check_model(model, split.images)
    probabilities = model.predict(split.images, batch_size=1024, verbose=0)
    return Evaluation(split.labels, probabilities, classes)
