"""Intervals, comparisons, verdicts and sample sizes: one rule for the whole course.

Of shares of images: wilson_interval, images_needed, compare. Of means over seeds or folds:
mean_interval, paired_interval, equivalent. Of a study's table: spread, summarise, trend.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, sqrt
from typing import TYPE_CHECKING, Literal

from helpers.internals.errors import expect

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

if TYPE_CHECKING:
    from helpers.evaluation import Evaluation


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Range of the true share behind a number of successes.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953. Taught in notebook 03.

    Args:
        successes: images read correctly, say.
        trials: images judged.
        confidence: how often such a range holds the true share, 0 … 1.

    Returns:
        (low, high), 0 … 1.

    Raises:
        ValueError: unless 0 <= successes <= trials, trials >= 1 and 0 < confidence < 1.
    """
    met = trials >= 1 and 0 <= successes <= trials
    found, mend = f"{successes} of {trials}", "Pass counts of images, not shares"
    expect(met, "0 <= successes <= trials and trials >= 1", found, mend)
    expect(0 < confidence < 1, "a confidence between 0 and 1", confidence, "Pass 95 % as 0.95")
    interval = stats.binomtest(int(successes), int(trials)).proportion_ci(confidence, "wilson")
    return float(interval.low), float(interval.high)


def images_needed(p1: float, p2: float, power: float = 0.8, confidence: float = 0.95) -> int:
    """How many test images each of two networks needs for their accuracies to be told apart.

    For different images each; on the same images `compare` can do with fewer.

    Source: Fleiss, Levin, Paik, Statistical Methods for Rates and Proportions, 2003, ch. 4,
    uncorrected. Taught in notebook 03.

    Args:
        p1: accuracy of one network, 0 … 1.
        p2: accuracy of the other.
        power: chance to see a difference that is there.
        confidence: 1 minus the chance to see one that is not there.

    Raises:
        ValueError: for p1 == p2, or a value outside of 0 … 1.
    """
    given = (p1, p2, power, confidence)
    met = all(0 < value < 1 for value in given) and p1 != p2
    expect(met, "p1 unlike p2, all four between 0 and 1", given, "Pass 95 % as 0.95")
    mean = (p1 + p2) / 2
    chance = stats.norm.ppf((1 + confidence) / 2) * sqrt(2 * mean * (1 - mean))
    seen = stats.norm.ppf(power) * sqrt(p1 * (1 - p1) + p2 * (1 - p2))
    return ceil(((chance + seen) / (p1 - p2)) ** 2)


@dataclass(frozen=True)
class Comparison:
    """What `compare` found; difference (with 95 % interval): accuracy of first minus second."""

    images: int
    only_first: int  # images that only the first network read correctly
    only_second: int
    difference: float
    interval: tuple[float, float]
    p_value: float


def compare(first: "Evaluation", second: "Evaluation") -> Comparison:
    """Tell whether two networks differ on the same images: McNemar's exact test.

    Images that only one of the two reads are a coin toss if both are equally good.

    Source: McNemar 1947, doi:10.1007/BF02295996; Agresti and Min 2005, doi:10.1002/sim.1781, for
    the interval. Taught in notebook 03.

    Args:
        first: of one network.
        second: of the other, on the same images.

    Raises:
        ValueError: their labels differ.
    """
    same = np.array_equal(first.labels, second.labels)
    expect(same, "the same labels twice", "other labels", "Evaluate both models on one split")
    images = len(first.labels)
    b = int((first.correct & ~second.correct).sum())
    c = int((second.correct & ~first.correct).sum())
    p_value = float(stats.binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0
    centre = (b - c) / (images + 2)  # as if each of the four cells held half an image more
    half = stats.norm.ppf(0.975) * sqrt((b + c + 1) / (images + 2) - centre**2) / sqrt(images + 2)
    interval = (max(centre - half, -1.0), min(centre + half, 1.0))
    return Comparison(images, b, c, (b - c) / images, interval, p_value)


def mean_interval(
    scores: ArrayLike, *, test_share: float | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """Range of the true mean behind the scores of several runs: Student's t.

    Folds of a cross-validation share training images, and so know less than as many independent
    runs: their variance counts 1/n + n_test/n_train instead of 1/n.

    Source: Student 1908, doi:10.1093/biomet/6.1.1; Nadeau and Bengio 2003,
    doi:10.1023/A:1024068626366, for folds. Taught in notebook 03.

    Args:
        scores: one a run, at least two.
        test_share: share of the images on which each run is judged, 1/k for k folds; None for runs
            that differ in their seed only.
        confidence: how often such a range holds the true mean, 0 … 1.

    Returns:
        (low, high).

    Raises:
        ValueError: for fewer than two scores, or a share outside of 0 … 1.
    """
    scores = np.asarray(scores, dtype=float)
    runs = len(scores)
    expect(runs >= 2, "two scores or more", runs, "Train with more seeds or folds")
    share = 0.0 if test_share is None else test_share
    met = test_share is None or 0 < share < 1
    expect(met, "a test share between 0 and 1", test_share, "Pass 1 / folds")
    error = scores.std(ddof=1) * sqrt(1 / runs + share / (1 - share))
    half = stats.t.ppf((1 + confidence) / 2, runs - 1) * error
    return float(scores.mean() - half), float(scores.mean() + half)


@dataclass(frozen=True)
class Difference:
    """Mean of first minus second, and the interval of its true value."""

    difference: float
    interval: tuple[float, float]


def paired_interval(
    first: ArrayLike,
    second: ArrayLike,
    *,
    test_share: float | None = None,
    confidence: float = 0.95,
) -> Difference:
    """By how much one recipe scores higher than another, fold by fold or seed by seed.

    A fold with hard images is hard for both; their difference doesn't feel it.

    Source: as `mean_interval`. Taught in notebook 18.

    Args:
        first: scores of one recipe, one a fold or seed.
        second: scores of the other, on the same folds or seeds in the same order.
        test_share: as for `mean_interval`.
        confidence: as for `mean_interval`.

    Raises:
        ValueError: for different numbers of scores, and as `mean_interval`.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    found = f"{first.shape} and {second.shape}"
    expect(first.shape == second.shape, "as many scores twice", found, "Pair folds or seeds")
    differences = first - second
    interval = mean_interval(differences, test_share=test_share, confidence=confidence)
    return Difference(float(differences.mean()), interval)


@dataclass(frozen=True)
class Equivalence:
    """What `equivalent` found: a difference, its 90 % interval, whether it is within the margin."""

    difference: float
    interval: tuple[float, float]
    margin: float
    equivalent: bool


def equivalent(first: ArrayLike, second: ArrayLike, margin: float) -> Equivalence:
    """Whether two recipes are as good as equal: two one-sided tests (TOST).

    That no difference was found may be for want of runs. As good as equal are two means whose
    difference has a 90 % interval, 5 % on each side, inside of -margin … margin.

    Source: Schuirmann 1987, doi:10.1007/BF01068419; Welch 1947, doi:10.1093/biomet/34.1-2.28, for
    unequal variances. Taught in notebook 03.

    Args:
        first: scores of one recipe, at least two.
        second: scores of the other, of independent runs.
        margin: the largest difference that doesn't matter, chosen before looking.

    Raises:
        ValueError: for fewer than two scores, or a margin that is not positive.
    """
    groups = [np.asarray(scores, dtype=float) for scores in (first, second)]
    runs = [len(scores) for scores in groups]
    expect(min(runs) >= 2, "two scores or more of each", runs, "Train with more seeds")
    expect(margin > 0, "a positive margin", margin, "Pass 0.002 for a fifth of a point")
    squares = [scores.var(ddof=1) / len(scores) for scores in groups]
    error, freedom = _welch(*squares, *runs)
    difference = float(groups[0].mean() - groups[1].mean())
    half = float(stats.t.ppf(0.95, freedom) * error)
    low, high = difference - half, difference + half
    return Equivalence(difference, (low, high), margin, -margin < low and high < margin)


def spread(table: pd.DataFrame, **setting: Hashable) -> tuple[float, float]:
    """Where one more run of a setting is expected, with 95 % confidence.

    Source: prediction interval, mean ± t · s · √(1 + 1/n), of Hahn and Meeker, Statistical
    Intervals, 1991. Taught in notebook 04.

    Args:
        table: the rows of a study.
        **setting: the setting, e.g. kernel=3.

    Returns:
        (low, high), accuracies.

    Raises:
        ValueError: with fewer than two complete runs of the setting.
    """
    chosen = table[table["state"] == "complete"]
    for name, value in setting.items():
        chosen = chosen[chosen[name] == value]
    scores = chosen["accuracy"].to_numpy()
    expect(len(scores) >= 2, f"two complete runs of {setting}", len(scores), "Train more seeds")
    half = stats.t.ppf(0.975, len(scores) - 1) * scores.std(ddof=1) * sqrt(1 + 1 / len(scores))
    return float(scores.mean() - half), float(scores.mean() + half)


def compare_settings(scores: Mapping[Hashable, ArrayLike]) -> pd.DataFrame:
    """Mean of each setting over its runs, and what may be said against the best mean.

    A setting is worse than the best where the interval of their difference excludes 0. The interval
    is Games and Howell's: it takes the spread of these two settings only, and is wide enough for
    comparing every setting with every other. It steps down: settings found worse are no longer
    counted, so a table without them gives the same intervals. Seeds are not paired: with three or
    five of them, that loses more degrees of freedom than it saves spread.

    Args:
        scores: name of each setting → its accuracies, one a run, at least two.

    Returns:
        DataFrame indexed by setting: runs, accuracy (the mean), behind (best mean minus this one)
        with its simultaneous 95 % interval behind_low, behind_high (0 for the best itself), verdict
        ("greatest mean", "worse" or "no difference found").

    Raises:
        ValueError: a setting has fewer than two runs.

    Source: Games and Howell 1976, doi:10.3102/10769986001002113; Hochberg and Tamhane, Multiple
    Comparison Procedures, 1987, ch. 4, for stepping down. Taught in notebook 03.
    """
    groups = {setting: np.asarray(runs, dtype=float) for setting, runs in scores.items()}
    alone = [setting for setting, runs in groups.items() if len(runs) < 2]
    found = f"too few of {alone}" if groups else "no setting"
    expected = "two complete runs or more of each setting"
    expect(groups and not alone, expected, found, "Train more seeds")
    runs = np.array([len(group) for group in groups.values()])
    means = np.array([group.mean() for group in groups.values()])
    squares = np.array([group.var(ddof=1) for group in groups.values()]) / runs
    best, behind = means.argmax(), means.max() - means
    margin = _margins(behind, squares, runs, best)
    verdict = np.where(behind - margin > 0, "worse", "no difference found")
    verdict[best] = "greatest mean"
    columns = {"runs": runs, "accuracy": means, "behind": behind}
    columns |= {"behind_low": behind - margin, "behind_high": behind + margin, "verdict": verdict}
    return pd.DataFrame(columns, index=list(groups))


def summarise(table: pd.DataFrame, factors: str | Sequence[str]) -> pd.DataFrame:
    """Compare the settings of a study by `compare_settings`, beside what each of them costs.

    Args:
        table: the rows of a study; those that did not end in numbers are left out.
        factors: name or names of the columns that make a setting.

    Returns:
        What `compare_settings` returns, in the table's order, and of each setting the mean loss,
        seconds (median of a run), parameters, and cost where the table has it.

    Raises:
        ValueError: a setting has fewer than two runs that ended in numbers.

    Taught in notebook 03.
    """
    factors = [factors] if isinstance(factors, str) else list(factors)
    groups = table[table["state"] == "complete"].groupby(factors, sort=False)
    compared = compare_settings(dict(iter(groups["accuracy"])))
    compared.index = groups["accuracy"].size().index
    compared.insert(2, "loss", groups["loss"].mean())
    verdict = compared.pop("verdict")
    costs = {name: groups[name].first() for name in ("parameters", "cost") if name in table}
    return compared.assign(seconds=groups["seconds"].median(), **costs, verdict=verdict)


def _margins(behind: np.ndarray, squares: np.ndarray, runs: np.ndarray, best: int) -> np.ndarray:
    """Half the width of each interval, when only settings that are not worse are counted."""
    error, freedom = _welch(squares, squares[best], runs, runs[best])
    error[best] = 0  # its distance to itself is 0
    # Rounded down, as for a printed table: this keeps false alarms at 5 % for up to 12 settings.
    whole = np.floor(freedom + 1e-9).astype(int)
    left = max(len(behind), 2)
    while True:
        margin = error * [_quantile(left, int(number)) for number in whole]
        counted, left = left, max(int((behind - margin <= 0).sum()), 2)
        if left == counted:
            return margin


def _welch(
    square: ArrayLike, other: ArrayLike, runs: ArrayLike, other_runs: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Standard error of a difference of two means, and Welch's degrees of freedom.

    Of the squared standard errors of both means, and their runs.
    """
    total = np.add(square, other)
    with np.errstate(invalid="ignore"):  # 0/0 where the runs of both are all alike
        freedom = total**2 / (np.square(square) / (runs - 1) + np.square(other) / (other_runs - 1))
    least = np.minimum(runs, other_runs) - 1
    return np.sqrt(total), np.where(total > 0, freedom, least)


@cache
def _quantile(settings: int, freedom: int) -> float:
    """How many standard errors two of so many equal means are apart at most, in 95 % of cases."""
    return float(stats.studentized_range.ppf(0.95, settings, freedom)) / sqrt(2)


@dataclass(frozen=True)
class Trend:
    """What `trend` found: Page's L for a rise, the two-sided p-value, the direction at 5 %."""

    statistic: float
    p_value: float
    direction: Literal["rises", "falls", "no trend found"]


def trend(table: pd.DataFrame, factor: str) -> Trend:
    """Whether the accuracy rises or falls with a factor: Page's test, each seed a block.

    It sees ranks within each seed only, and so hardly a rise that is followed by a fall.

    Source: Page 1963, doi:10.1080/01621459.1963.10500843. Taught in notebook 09.

    Args:
        table: the rows of a study in which only this factor, a number, and the seed change.
        factor: name of its column.

    Raises:
        ValueError: unless two seeds or more were each run once with three values or more.
    """
    complete = table[table["state"] == "complete"]
    numeric = pd.api.types.is_numeric_dtype(complete[factor])
    found, mend = complete[factor].dtype, "Compare unordered settings by summarise"
    expect(numeric, f"numbers in the column {factor!r}", found, mend)
    once = not complete.duplicated(["seed", factor]).any()
    scores = complete.pivot_table(index="seed", columns=factor, values="accuracy").to_numpy()
    met = once and min(scores.shape) >= 2 and scores.shape[1] >= 3 and np.isfinite(scores).all()
    expected = "two seeds or more, each run once with the same three values or more"
    expect(met, expected, f"{len(complete)} runs", "Choose rows in which nothing else changes")
    rise, fall = stats.page_trend_test(scores), stats.page_trend_test(scores[:, ::-1])
    p_value = min(1.0, 2 * float(min(rise.pvalue, fall.pvalue)))
    direction = "rises" if rise.pvalue < fall.pvalue else "falls"
    return Trend(float(rise.statistic), p_value, direction if p_value < 0.05 else "no trend found")
