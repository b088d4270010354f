"""Judge a trained network: accuracy with its interval, reports, confusions, curves as numbers."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil, sqrt

from helpers.data import MERGED

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import metrics

UNDEFINED = (np.empty(0), np.empty(0), float("nan"))  # the curve of a class without images


@dataclass(frozen=True)
class Curve:
    """One class against all others: name of the class, points (x, y) to draw, area under them.

    x, y: float (points,), 0 … 1, thinned. area: 0 … 1, of the whole curve. Undefined: empty, nan.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    area: float


@dataclass(frozen=True)
class Comparison:
    """What `compare` found; difference (with 95 % interval): accuracy of first minus second."""

    images: int
    only_first: int  # images that only the first network read correctly
    only_second: int
    difference: float
    interval: tuple[float, float]
    p_value: float


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """All that a network's probabilities say about it on one set of images.

    labels: integer (n,), true classes 0 … k-1. probabilities: float (n, k), rows sum to 1.
    classes: k names, such as "7", "a", or "Cc" where EMNIST merges both cases.
    Raises ValueError where these do not fit together. Taught in notebook 03.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    classes: tuple[str, ...]

    def __post_init__(self):
        probabilities = np.asarray(self.probabilities, dtype=float)
        self.__dict__.update(labels=np.asarray(self.labels), probabilities=probabilities)
        self.__dict__.update(classes=tuple(self.classes))  # the class is frozen
        _check_labels(self.labels, len(self.classes))
        _check_probabilities(probabilities, len(self.labels), len(self.classes))

    def __repr__(self):
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
        return wilson_interval(int(self.correct.sum()), len(self.labels))

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
        """The k most frequent confusions: true, predicted, count, share, examples.

        share: count divided by the images of the true class, 0 … 1. examples: tuple of at most
        `examples` indices into the split, most confident mistake first.
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
        """Accuracy, 0 … 1, ignoring case for EMNIST's 15 merged letters only (notebook 12)."""
        pairs = [(name, name[0].upper()) for name in self.classes]
        return self._accuracy_by([up if up in MERGED else name for name, up in pairs])

    def _accuracy_by(self, groups: list[str]) -> float:
        group = np.array(groups)
        return float((group[self.labels] == group[self.predictions]).mean())

    def roc(self) -> tuple[Curve, ...]:
        """ROC curve of each class against the rest: x false positive, y true positive rate.

        Source: Fawcett 2006, doi:10.1016/j.patrec.2005.10.010. Taught in notebook 03.
        """
        return self._curves(_roc)

    def precision_recall(self) -> tuple[Curve, ...]:
        """Precision–recall curve of each class against the rest: x recall, y precision.

        area: average precision, the area under the steps. Taught in notebook 03.
        """
        return self._curves(_precision_recall)

    def _curves(self, points) -> tuple[Curve, ...]:
        curves = []
        for index, name in enumerate(self.classes):
            positive = self.labels == index
            defined = positive.any() and not positive.all()
            curve = points(positive, self.probabilities[:, index]) if defined else UNDEFINED
            curves.append(Curve(name, *curve))
        return tuple(curves)

    def calibration(self, bins: int = 10) -> pd.DataFrame:
        """Mean confidence, accuracy (0 … 1) and count in `bins` equal ranges of confidence.

        Indexed by range (low, high]; an empty range has count 0 and nan. Source: Guo et al.,
        On Calibration of Modern Neural Networks, arXiv:1706.04599. Taught in notebook 03.
        """
        _expect(bins >= 1, "at least 1 bin", bins, "Pass bins=10")
        images = pd.DataFrame({"confidence": self.confidence, "accuracy": self.correct})
        ranges = pd.cut(images["confidence"], np.linspace(0, 1, bins + 1), include_lowest=True)
        groups = images.groupby(ranges.rename("range"), observed=False)
        return groups.mean().assign(count=groups.size())

    def expected_calibration_error(self, bins: int = 10) -> float:
        """Mean distance between confidence and accuracy over the bins, weighted by count, 0 … 1."""
        table = self.calibration(bins)
        distance = (table["confidence"] - table["accuracy"]).abs() * table["count"]
        return float(distance.sum() / len(self.labels))


def evaluate(model, split, classes) -> Evaluation:
    """Let a model read every image of a split and gather what is needed to judge it.

    model: compiled or not, (n, 28, 28) uint8 → softmax (n, k). split: has images and labels.
    classes: k names, those of the data set. Raises ValueError as `Evaluation`. Notebook 03.
    """
    _expect(len(split.labels) > 0, "images to judge", "an empty split", "Pass dataset.test")
    probabilities = model.predict(split.images, batch_size=1024, verbose=0)
    return Evaluation(split.labels, probabilities, classes)


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Range (low, high), 0 … 1, of the true share behind `successes` out of `trials`.

    Raises ValueError unless 0 <= successes <= trials, trials >= 1 and 0 < confidence < 1.
    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953. Taught in notebook 03.
    """
    met = trials >= 1 and 0 <= successes <= trials
    found, mend = f"{successes} of {trials}", "Pass counts of images, not shares"
    _expect(met, "0 <= successes <= trials and trials >= 1", found, mend)
    interval = stats.binomtest(int(successes), int(trials)).proportion_ci(confidence, "wilson")
    return float(interval.low), float(interval.high)


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Tell whether two networks differ on the same images: McNemar's exact test.

    Images that both read, or both misread, say nothing; the others are a coin toss if both are
    equally good. Raises ValueError for different labels. Taught in notebook 03. Sources:
    McNemar 1947, doi:10.1007/BF02295996; Agresti and Min 2005, doi:10.1002/sim.1781 (the interval).
    """
    images = len(first.labels)
    same = np.array_equal(first.labels, second.labels)
    _expect(same, "the same labels twice", "other labels", "Evaluate both models on one split")
    b = int((first.correct & ~second.correct).sum())
    c = int((second.correct & ~first.correct).sum())
    p_value = float(stats.binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0
    centre = (b - c) / (images + 2)
    half = stats.norm.ppf(0.975) * sqrt((b + c + 1) / (images + 2) - centre**2) / sqrt(images + 2)
    interval = (max(centre - half, -1.0), min(centre + half, 1.0))
    return Comparison(images, b, c, (b - c) / images, interval, p_value)


def images_needed(p1: float, p2: float, power: float = 0.8, confidence: float = 0.95) -> int:
    """How many test images each of two networks needs for accuracies p1, p2 to be told apart.

    All in 0 … 1; power: chance to see a difference that is there. For different images each; on the
    same images `compare` can do with fewer. Raises ValueError for p1 == p2. Notebook 03. Source:
    Fleiss, Levin, Paik, Statistical Methods for Rates and Proportions, 2003, ch. 4, uncorrected.
    """
    given = (p1, p2, power, confidence)
    met = all(0 < value < 1 for value in given) and p1 != p2
    _expect(met, "p1 unlike p2, all four between 0 and 1", given, "Pass 95 % as 0.95")
    mean = (p1 + p2) / 2
    chance = stats.norm.ppf((1 + confidence) / 2) * sqrt(2 * mean * (1 - mean))
    seen = stats.norm.ppf(power) * sqrt(p1 * (1 - p1) + p2 * (1 - p2))
    return ceil(((chance + seen) / (p1 - p2)) ** 2)


def _roc(positive, score):
    x, y, _ = metrics.roc_curve(positive, score)
    return *_thin(x, y), float(metrics.auc(x, y))


def _precision_recall(positive, score):
    precision, recall, _ = metrics.precision_recall_curve(positive, score, drop_intermediate=True)
    return *_thin(recall, precision), float(metrics.average_precision_score(positive, score))


def _thin(x, y):
    """Drop points in the same 1/1000 of the square as the one before; keep both ends."""
    cells = np.round(np.column_stack([x, y]) * 1000)
    keep = np.r_[True, (np.diff(cells, axis=0) != 0).any(axis=1)]
    keep[-1] = True
    return x[keep], y[keep]


def _expect(met, expected, found, mend):
    if not met:
        raise ValueError(f"Expected {expected}, found {found}. {mend}.")


def _check_labels(labels, k):
    met = labels.ndim == 1 and labels.size > 0 and labels.dtype.kind in "iu"
    found = f"shape {labels.shape} of {labels.dtype}"
    _expect(met, "a row of integer labels", found, "Pass split.labels, not one-hot vectors")
    found = f"{labels.min()} … {labels.max()}"
    mend = "Pass the classes of the data set that the labels come from"
    _expect(labels.min() >= 0 and labels.max() < k, f"labels 0 … {k - 1}", found, mend)


def _check_probabilities(probabilities, n, k):
    mend = f"Evaluate a model with {k} outputs, one per class, on the split of the labels"
    expected, shape = f"probabilities of shape (images, classes) {(n, k)}", probabilities.shape
    _expect(shape == (n, k), expected, shape, mend)
    bad = int((~np.isfinite(probabilities)).any(axis=1).sum())
    mend = "Training diverged: lower the learning rate and train again"
    _expect(bad == 0, "finite probabilities", f"nan or inf for {bad:,} images", mend)
    least, off = probabilities.min(), np.abs(probabilities.sum(axis=1) - 1).max()
    found = f"a least value of {least:.3g} and a sum that is off by {off:.3g}"
    expected = "probabilities of at least 0 that sum to 1 for each image"
    _expect(least >= -1e-3 and off <= 1e-3, expected, found, "End the model in a softmax")
