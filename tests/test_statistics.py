"""Statistics: numbers against published values, other libraries, and cases done by hand."""

import csv
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from helpers.statistics import (
    compare,
    equivalent,
    images_needed,
    mean_interval,
    paired_interval,
    spread,
    summarise,
    trend,
    wilson_interval,
)

import numpy as np
import pandas as pd
import pytest

STUDIES = Path(__file__).parents[1] / "notebooks" / "studies"
STUDIES = [*sorted(STUDIES.glob("*.csv")), *sorted(STUDIES.glob("larger/*.csv"))]


def test_it_is_imported_without_anything_slow():
    code = "import sys, helpers.statistics; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    loaded = set(done.stdout.split())
    assert "helpers.statistics" in loaded
    assert not loaded & {"keras", "tensorflow", "sklearn", "optuna", "matplotlib"}
    assert not loaded & {"helpers.evaluation", "helpers.studies"}


# --- shares of images -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_has_the_published_limits(successes, trials, low, high):
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_of_no_success_at_another_confidence_by_hand():
    # z² / (n + z²) with z = 1.644854 for 90 %
    assert wilson_interval(0, 20, confidence=0.9)[1] == pytest.approx(2.705544 / 22.705544)


def test_wilson_interval_includes_all_and_nothing():
    assert wilson_interval(5, 5)[1] == 1 and wilson_interval(0, 5)[0] == 0
    assert wilson_interval(0, 1)[1] < 1


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (1, 0), (-1, 5), (6, 5)])
def test_wilson_interval_refuses_impossible_counts(successes, trials):
    with pytest.raises(ValueError, match=r"expected .* found .* Pass counts"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_wilson_interval_refuses_what_is_no_confidence(confidence):
    with pytest.raises(ValueError, match=r"Pass 95 % as 0\.95"):
        wilson_interval(1, 2, confidence)


def test_images_needed_agrees_with_r():
    # the example in R's manual: power.prop.test(p1 = .50, p2 = .75, power = .90) gives n = 76.7
    assert images_needed(0.50, 0.75, power=0.90) == 77
    assert images_needed(0.75, 0.50, power=0.90) == 77


def test_images_needed_at_another_confidence_by_hand():
    # (2.575829 × √(2 × .625 × .375) + 1.281552 × √(.25 + .1875))² / .25² = 109.1
    assert images_needed(0.50, 0.75, power=0.90, confidence=0.99) == 110


def test_images_needed_grows_as_the_difference_shrinks():
    assert images_needed(0.97, 0.971) > 50 * images_needed(0.97, 0.98)


@pytest.mark.parametrize(("p1", "p2"), [(0.9, 0.9), (97, 98), (0.5, 1.0), (0.0, 0.5)])
def test_images_needed_refuses_what_has_no_answer(p1, p2):
    with pytest.raises(ValueError, match="between 0 and 1"):
        images_needed(p1, p2)


def judged(only_first, only_second, both, neither=0):
    """Two judgements of the same images, from the counts of McNemar's table."""
    counts = [only_first, only_second, both, neither]
    first = np.repeat([True, False, True, False], counts)
    second = np.repeat([False, True, True, False], counts)
    labels = np.arange(len(first)) % 10
    return [SimpleNamespace(labels=labels, correct=correct) for correct in (first, second)]


def test_compare_is_mcnemars_exact_test():
    found = compare(*judged(only_first=9, only_second=1, both=7, neither=3))
    assert (found.only_first, found.only_second, found.images) == (9, 1, 20)
    assert found.difference == pytest.approx(0.4)
    assert found.p_value == pytest.approx(2 * (1 + 10) / 2**10)


def test_the_interval_of_compare_is_agresti_and_mins():
    # R's PropCIs 0.3: diffpropci.mp(b = 40, c = 20, n = 160) gives -0.21601726 to -0.03089632,
    # second minus first
    found = compare(*judged(only_first=40, only_second=20, both=60, neither=40))
    assert found.interval == pytest.approx((0.03089632, 0.21601726), abs=1e-8)
    assert found.difference == 20 / 160


def test_the_interval_of_compare_stays_within_what_is_possible():
    assert compare(*judged(only_first=3, only_second=0, both=0)).interval[1] == 1
    assert compare(*judged(only_first=0, only_second=3, both=0)).interval[0] == -1


def test_compare_of_equals_finds_nothing():
    one, _ = judged(only_first=1, only_second=1, both=4)
    found = compare(one, one)
    assert found.p_value == 1 and found.difference == 0
    assert found.interval[0] == pytest.approx(-found.interval[1])


def test_compare_refuses_other_images():
    first, second = judged(only_first=1, only_second=1, both=4)
    second.labels = second.labels[::-1]
    with pytest.raises(ValueError, match="one split"):
        compare(first, second)


# --- means over seeds or folds ----------------------------------------------------------------


def test_the_interval_of_a_mean_is_students():
    half = 4.302653 * 0.1 / 3**0.5  # t for 2 degrees of freedom, from a table
    assert mean_interval([0.1, 0.2, 0.3]) == pytest.approx((0.2 - half, 0.2 + half), abs=1e-6)
    half = 2.919986 * 0.1 / 3**0.5  # the same for 90 %
    found = mean_interval([0.1, 0.2, 0.3], confidence=0.9)
    assert found == pytest.approx((0.2 - half, 0.2 + half), abs=1e-6)


def test_the_interval_over_folds_is_nadeau_and_bengios():
    scores = [0.01, 0.02, 0.03, 0.04, 0.05]  # variance .00025
    half = 2.776445 * (0.00025 * (1 / 5 + 1 / 4)) ** 0.5  # of 5 folds, 1 is judged and 4 train
    expected = pytest.approx((0.03 - half, 0.03 + half), abs=1e-7)
    assert mean_interval(scores, test_share=1 / 5) == expected
    found = paired_interval(np.add(scores, 0.9), [0.9] * 5, test_share=1 / 5)
    assert found.interval == expected and found.difference == pytest.approx(0.03)


def test_over_ten_folds_it_is_45_percent_wider_than_students():
    scores = np.random.default_rng(0).normal(0.97, 0.002, 10)
    widths = [np.diff(mean_interval(scores, test_share=share)) for share in (1 / 10, None)]
    assert widths[0] / widths[1] == pytest.approx(1.453, abs=5e-4)  # √(19/9)


def test_a_pair_does_not_feel_what_both_feel():
    hard = np.array([0.0, 0.1, 0.2])
    found = paired_interval(0.5 + hard, [0.49, 0.58, 0.69])  # differences .01, .02, .01
    half = 4.302653 * 0.01 / 3  # their standard deviation is .01 / √3
    assert found.difference == pytest.approx(0.04 / 3)
    assert found.interval == pytest.approx((0.04 / 3 - half, 0.04 / 3 + half), abs=1e-6)
    wide = found.interval[1] - found.interval[0]
    narrow = paired_interval(0.5 + hard, [0.49, 0.58, 0.69], confidence=0.9).interval
    assert (narrow[1] - narrow[0]) / wide == pytest.approx(2.919986 / 4.302653, abs=1e-5)


@pytest.mark.parametrize("share", [0, 1, 10, -0.1])
def test_a_test_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match="Pass 1 / folds"):
        mean_interval([0.1, 0.2], test_share=share)


def test_one_run_has_no_interval():
    with pytest.raises(ValueError, match="two scores or more, found 1"):
        mean_interval([0.9])
    with pytest.raises(ValueError, match=r"two scores or more of each, found \[2, 1\]"):
        equivalent([0.9, 0.8], [0.9], margin=0.1)


def test_pairs_need_as_many_scores():
    with pytest.raises(ValueError, match="as many scores twice"):
        paired_interval([0.1, 0.2, 0.3], [0.1])


ONE, OTHER = [0.970, 0.974, 0.978, 0.972], [0.972, 0.9745, 0.9735]


def test_the_interval_of_an_equivalence_is_welchs():
    # statsmodels 0.15: CompareMeans(...).tconfint_diff(alpha=0.1, usevar="unequal")
    found = equivalent(ONE, OTHER, margin=0.01)
    assert found.interval == pytest.approx((-0.00379328, 0.00412661), abs=1e-8)
    assert found.difference == pytest.approx(0.0235 - 0.07 / 3) and found.margin == 0.01


@pytest.mark.parametrize(
    ("margin", "expected"), [(0.0037, False), (0.0040, False), (0.0042, True), (0.01, True)]
)
def test_equivalent_is_what_lies_within_the_margin_on_both_sides(margin, expected):
    assert equivalent(ONE, OTHER, margin).equivalent is expected
    assert equivalent(OTHER, ONE, margin).equivalent is expected


def test_an_interval_that_touches_the_margin_is_not_within():
    half, quarter = [0.5, 0.5], [0.25, 0.25]  # no spread: the interval is 0.25 … 0.25
    for pair in ((half, quarter), (quarter, half)):
        assert not equivalent(*pair, margin=0.25).equivalent
        assert equivalent(*pair, margin=0.2500001).equivalent


@pytest.mark.parametrize("margin", [0, -0.1])
def test_a_margin_must_be_positive(margin):
    with pytest.raises(ValueError, match="a positive margin"):
        equivalent(ONE, OTHER, margin)


# --- the table of a study ---------------------------------------------------------------------


def frame(scores, factor="width", **columns):
    """A table of runs. Arguments: scores: dict setting → accuracies."""
    rows = [
        {factor: setting, "accuracy": accuracy, "loss": 1 - accuracy, "seconds": 10.0 * index**2}
        for setting, runs in scores.items()
        for index, accuracy in enumerate(runs)
    ]
    fixed = {"state": "complete", "parameters": 100} | columns
    table = pd.DataFrame(rows)
    return table.assign(seed=table.groupby(factor).cumcount() + 1, **fixed)


SCORES = {5: [0.970, 0.974, 0.978], 3: [0.990, 0.992, 0.991], 7: [0.985, 0.995, 0.9875, 0.986]}


def test_a_summary_has_means_in_the_order_of_the_table():
    summary = summarise(frame(SCORES), "width")
    assert summary.index.tolist() == [5, 3, 7] and summary.index.name == "width"
    for width, scores in SCORES.items():
        line, mean = summary.loc[width], np.mean(scores)
        assert line["accuracy"] == pytest.approx(mean) == pytest.approx(1 - line["loss"])
        assert line["runs"] == len(scores) and line["parameters"] == 100
        assert line["seconds"] == {3: 10, 4: 25}[len(scores)]  # the median of 0, 10, 40, 90
    columns = "runs accuracy loss behind behind_low behind_high seconds parameters verdict"
    assert list(summary) == columns.split()


def test_a_cost_is_kept_where_the_table_has_one():
    assert summarise(frame(SCORES, cost=7), "width")["cost"].tolist() == [7, 7, 7]


def test_intervals_are_games_and_howells_and_step_down():
    # standard errors and degrees of freedom from pingouin 0.7, pairwise_gameshowell: 0.002380 with
    # 2.249 for 5 against 3, 0.002340 with 3.380 for 7 against 3; q from the printed table of the
    # studentised range at 5 %: 8.33 for 3 settings with 2, so that 5 is worse (0.017 > 0.0140);
    # then 2 settings are left: 6.085 with 2, 4.501 with 3
    summary = summarise(frame(SCORES), "width")
    assert summary["verdict"].to_dict() == {
        5: "worse",
        3: "greatest mean",
        7: "no difference found",
    }
    for width, behind, error, q in ((5, 0.017, 0.002380, 6.085), (7, 0.002625, 0.002340, 4.501)):
        line, half = summary.loc[width], q / 2**0.5 * error
        assert line["behind"] == pytest.approx(behind)
        found = line["behind_low"], line["behind_high"]
        assert found == pytest.approx((behind - half, behind + half), abs=5e-6)
    assert summary.loc[3, ["behind", "behind_low", "behind_high"]].tolist() == [0, 0, 0]


def test_where_none_is_worse_every_setting_counts():
    # SciPy 1.17: tukey_hsd(..., equal_var=False).confidence_interval(); equal variances of three
    # runs each have exactly 4 degrees of freedom; for two settings it would be ± 0.00226696
    scores = {"a": [0.990, 0.991, 0.992], "b": [0.989, 0.990, 0.991], "c": [0.9875, 0.9885, 0.9895]}
    summary = summarise(frame(scores), "width")
    assert set(summary["verdict"]) == {"greatest mean", "no difference found"}
    assert summary.loc["b", "behind_low"] == pytest.approx(0.001 - 0.00290998, abs=1e-8)
    assert summary.loc["c", "behind_high"] == pytest.approx(0.0025 + 0.00290998, abs=1e-8)


def test_of_two_settings_with_equal_spread_the_interval_is_students():
    for behind, verdict in ((0.00226, "no difference found"), (0.00227, "worse")):
        pair = {"a": [0.990, 0.991, 0.992], "b": np.array([0.990, 0.991, 0.992]) - behind}
        line = summarise(frame(pair), "width").loc["b"]
        half = 2.776445 * 0.001 * (2 / 3) ** 0.5  # t for 4 degrees of freedom: 0.002267
        found = line["behind_low"], line["behind_high"]
        assert found == pytest.approx((behind - half, behind + half), abs=1e-9)
        assert line["verdict"] == verdict


def test_the_spread_of_one_setting_does_not_touch_the_interval_of_another():
    lines = [
        summarise(frame({**SCORES, 9: last}), "width").loc[[5, 3, 7]]
        for last in ([0.9895, 0.99, 0.9905], [0.94, 0.99, 1.04])
    ]
    pd.testing.assert_frame_equal(*lines)


def test_runs_without_any_spread_are_told_apart_exactly():
    scores = {"a": [0.5, 0.5], "b": [0.5, 0.5], "c": [0.25, 0.25]}
    summary = summarise(frame(scores), "width")
    assert summary["verdict"].tolist() == ["greatest mean", "no difference found", "worse"]
    assert summary["behind_low"].tolist() == [0, 0, 0.25]  # an interval that ends at 0 includes it


def alarms(sizes, runs, studies, seed, behind=0.0):
    """Share of studies in which a setting is called worse; all but the first are `behind` it."""
    chance, worse = np.random.default_rng(seed), 0
    for _ in range(studies):
        means = 0.98 - behind * (np.arange(len(sizes)) > 0)
        scores = chance.normal(means, sizes, (runs, len(sizes))).T
        worse += "worse" in set(summarise(frame(dict(enumerate(scores))), "width")["verdict"])
    return worse / studies


@pytest.mark.parametrize("runs", [3, 5])
@pytest.mark.parametrize(
    "variances", [[1] * 5, [30, 1, 1, 1, 1], 30.0 ** np.linspace(0, 1, 5)], ids=str
)
def test_equal_settings_are_called_worse_in_at_most_5_studies_of_100(variances, runs):
    # over 20,000 studies it is 2.6 to 4.4 %; a pooled variance gives 13 to 15 % for the noisy one
    sizes = 0.001 * np.sqrt(variances)
    assert alarms(sizes, runs, studies=200, seed=runs) <= 0.05 + 2 * (0.05 * 0.95 / 200) ** 0.5


def test_large_differences_are_found_also_beside_a_noisy_setting():
    sizes = 0.001 * np.sqrt([1, 1, 1, 1, 30])
    assert alarms(sizes, 5, studies=100, seed=0, behind=0.008) > 0.95


def stored(path):
    """The runs of a stored study and the names of its factors, None unless it has verdicts."""
    with open(path, encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    factors = header[header.index("row") + 1 : header.index("seed")]
    table = pd.read_csv(path)
    counts = table[table["state"] == "complete"].groupby(factors).size() if factors else [1]
    return (table, factors) if min(counts) >= 2 else None


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_without_a_worse_setting_nothing_else_changes(path):
    if (study := stored(path)) is None:
        pytest.skip("one run a setting")
    table, factors = study
    whole = summarise(table, factors)
    excluded = whole["behind_low"] > 0
    assert ((whole["verdict"] == "worse") == excluded).all()
    assert (whole["verdict"] == "greatest mean").sum() == 1
    names = pd.MultiIndex.from_frame(table[factors])
    for setting in whole.index[excluded]:
        key = setting if isinstance(setting, tuple) else (setting,)
        rest = summarise(table[[name != key for name in names]], factors)
        pd.testing.assert_frame_equal(rest, whole.drop(index=[setting]))


def test_the_stored_studies_have_verdicts():
    found = [summarise(*study)["verdict"] for path in STUDIES if (study := stored(path))]
    assert len(found) > 20 and sum((verdict == "worse").sum() for verdict in found) > 20


def test_without_a_worse_setting_nothing_else_changes_in_tables_made_up():
    chance, removed = np.random.default_rng(0), 0
    for _ in range(40):
        settings = chance.integers(3, 9)
        spreads = 10 ** chance.uniform(-4, -2, settings)
        means = 0.98 - chance.uniform(0, 0.03, settings)
        table = frame(
            {number: chance.normal(means[number], spreads[number], 4) for number in range(settings)}
        )
        whole = summarise(table, "width")
        for setting in whole.index[whole["verdict"] == "worse"]:
            rest = summarise(table[table["width"] != setting], "width")
            pd.testing.assert_frame_equal(rest, whole.drop(index=setting))
            removed += 1
    assert removed > 40


def test_settings_of_several_factors_are_named_by_all():
    table = frame({"a": [0.9, 0.91], "b": [0.8, 0.81]}, rate=0.1)
    summary = summarise(pd.concat([table, table.assign(rate=0.2)]), ["rate", "width"])
    assert summary.index.names == ["rate", "width"]
    assert summary.index.tolist() == [(0.1, "a"), (0.1, "b"), (0.2, "a"), (0.2, "b")]


def test_a_setting_alone_is_the_best():
    assert summarise(frame({"a": [0.9, 0.91]}), "width")["verdict"].tolist() == ["greatest mean"]


@pytest.mark.parametrize("state", ["nan", "pruned"])
def test_runs_without_an_end_are_left_out(state):
    whole = frame(SCORES)
    spoilt = pd.concat([whole, frame({3: [0.1], 9: [0.1, 0.2]}, state=state)])
    pd.testing.assert_frame_equal(summarise(spoilt, "width"), summarise(whole, "width"))
    assert spread(spoilt, width=3) == spread(whole, width=3)
    assert trend(pd.concat([LECTURES, LECTURES.assign(state=state)]), "width") == trend(
        LECTURES, "width"
    )


@pytest.mark.parametrize("scores", [{3: [0.9, 0.91], 5: [0.9]}, {3: [0.9]}])
def test_too_few_runs_are_explained(scores):
    alone = min(scores, key=lambda setting: len(scores[setting]))
    with pytest.raises(ValueError, match=rf"two complete runs or more.*{alone}"):
        summarise(frame(scores), "width")
    with pytest.raises(ValueError, match=rf"two complete runs of .*{alone}.*found 1"):
        spread(frame(scores), width=alone)


def test_a_table_of_nothing_but_nan_is_explained():
    with pytest.raises(ValueError, match="two complete runs"):
        summarise(frame(SCORES, state="nan"), "width")


def test_spread_is_the_prediction_interval_of_student():
    half = 4.302653 * 0.001 * (1 + 1 / 3) ** 0.5  # t for 2 degrees of freedom, from a table
    expected = pytest.approx((0.991 - half, 0.991 + half), abs=1e-9)
    assert spread(frame(SCORES), width=3) == expected
    table = pd.concat([frame(SCORES, rate=0.1), frame({3: [0.5, 0.6]}, rate=0.2)])
    assert spread(table, width=3, rate=0.1) == expected


def test_one_more_run_falls_into_the_spread_in_95_of_100_cases():
    chance, inside = np.random.default_rng(0), 0
    for _ in range(1000):
        *scores, another = chance.normal(0.98, 0.002, 4)
        low, high = spread(frame({3: scores}), width=3)
        inside += low <= another <= high
    assert 0.93 < inside / 1000 < 0.97


# ratings of three kinds of teaching by ten students, SciPy's example for Page's test: L = 133.5,
# one-sided p = 0.0018191
RATINGS = [*zip((3, 2, 3, 1, 2, 2, 1, 3, 2, 1), (4, 2, 3, 3, 3, 4, 2, 4, 4, 3), strict=True)]
RATINGS = np.column_stack([RATINGS, (3, 4, 5, 2, 2, 5, 4, 4, 5, 4)])
LECTURES = frame({width: RATINGS[:, number] / 10 for number, width in enumerate((1, 2, 10))})


def test_a_trend_is_pages():
    found = trend(LECTURES.sample(frac=1, random_state=0), "width")
    assert found.statistic == 133.5 and found.direction == "rises"
    assert found.p_value == pytest.approx(2 * 0.0018191161948, rel=1e-9)


def test_a_trend_may_fall():
    found = trend(LECTURES.assign(width=-LECTURES["width"]), "width")
    assert found.direction == "falls" and found.p_value == pytest.approx(0.0036382, abs=1e-7)
    assert found.statistic == 3 * 10 * 16 / 2 - 133.5  # L of both orders: m n (n + 1)² / 2


def test_two_seeds_that_rank_three_settings_alike_are_not_enough():
    # one order of 6 for each seed: two-sided p = 2 / 36; of three seeds 2 / 216
    rising = {1: [0.1, 0.1, 0.2], 2: [0.2, 0.3, 0.3], 3: [0.5, 0.4, 0.4]}
    two = trend(frame({width: scores[:2] for width, scores in rising.items()}), "width")
    assert two.p_value == pytest.approx(2 / 36) and two.direction == "no trend found"
    three = trend(frame(rising), "width")
    assert three.p_value == pytest.approx(2 / 216) and three.direction == "rises"


def test_a_flat_line_has_no_trend():
    found = trend(frame({width: [0.5, 0.5, 0.5] for width in (1, 2, 3)}), "width")
    assert found.p_value == 1 and found.direction == "no trend found"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (frame({"a": [0.1, 0.2], "b": [0.1, 0.2], "c": [0.1, 0.2]}), "numbers in the column"),
        (frame({1: [0.1, 0.2], 2: [0.1, 0.2]}), "three values or more, found 4 runs"),
        (frame({1: [0.1], 2: [0.1], 3: [0.1]}), "two seeds or more"),
        (frame({1: [0.1, 0.2], 2: [0.1, 0.2], 3: [0.1]}), "each run once with the same"),
        (pd.concat([LECTURES, LECTURES]), "nothing else changes"),
    ],
    ids=["names", "two settings", "one seed", "a run lacks", "another factor"],
)
def test_a_trend_needs_ordered_settings_and_whole_seeds(table, message):
    with pytest.raises(ValueError, match=message):
        trend(table, "width")
