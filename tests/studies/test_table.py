"""A table is checked line by line and written whole; what its rows say together is right."""

import csv
import functools
import re

from helpers.studies import table as tables
from helpers.studies.table import spread, summarise

import numpy as np
import optuna
import pandas as pd
import pytest
import tiny_study
from scipy import stats


@pytest.fixture
def plan(tmp_path):
    return tiny_study.grid(tmp_path)


def result(plan, row, **changes):
    """A row as a worker makes it."""
    curves = {name: [0.5, 0.75] for name in tables.CURVES}
    hashed = plan.configuration_hash(plan.rows[row] | changes)
    made = {"study": plan.name, "configuration": hashed, "row": row, **plan.rows[row], **curves}
    made |= {"state": "complete", "accuracy": 0.75, "loss": 0.75, "trained_epochs": 2}
    made |= {"seconds": 1.5, "trained_images": 20_000, "parameters": 10, "tier": "full"}
    return made | {"data": plan.data, "versions": "keras 3", "machine": "x86 2 cores"} | changes


@pytest.fixture
def table(plan):
    """The path of a table with every row."""
    tables.add(plan.path, plan, [result(plan, row) for row in plan.rows])
    return plan.path


# --- reading and writing ----------------------------------------------------------------------


def test_rows_come_back_as_they_were_in_the_order_of_the_plan(plan):
    rows = [result(plan, row, seconds=index / 4) for index, row in enumerate(plan.rows)]
    tables.add(plan.path, plan, rows[3:])
    tables.add(plan.path, plan, rows[:4])
    good, bad = tables.read(plan.path, plan)
    assert list(good.values()) == rows and bad == []
    frame = tables.frame(good, plan)
    assert list(frame["row"]) == list(plan.rows)
    assert list(frame) == list(tables.columns(plan)) == list(pd.read_csv(plan.path))


def test_a_row_that_is_there_is_not_written_again(plan, table):
    before = table.read_bytes()
    tables.add(table, plan, [result(plan, row, seconds=99.0) for row in plan.rows])
    assert table.read_bytes() == before


def test_a_cost_is_kept_as_a_whole_number_and_one_below_1_is_reported(tmp_path):
    plan = tiny_study.grid(tmp_path, **tiny_study.TWO_AIMS)
    first, second, *_ = plan.rows
    rows = [result(plan, first, cost=2_631_040), result(plan, second, cost=0)]
    tables.add(plan.path, plan, rows)
    good, bad = tables.read(plan.path, plan)
    assert good == {first: rows[0]} and "cost must be positive" in bad[0].problem


def test_values_of_factors_keep_their_types(tmp_path):
    factors = {"a": [1, 2.5], "b": ["8-16", "3, four", "5°"], "c": [True, False]}
    plan = tiny_study.grid(tmp_path, factors=factors, recipe=lambda **setting: tiny_study.wide(1))
    rows = [result(plan, row) for row in plan.rows]
    tables.add(plan.path, plan, rows)
    good, bad = tables.read(plan.path, plan)
    assert list(good.values()) == rows and bad == []
    assert {type(row["a"]) for row in good.values()} == {int, float}


def test_rounding_a_row_gives_what_the_file_gives(plan):
    row = next(iter(plan.rows))
    curves = {name: [1 / 7, 2 / 3] for name in tables.CURVES}
    exact = result(plan, row, **curves, accuracy=2 / 3, loss=2 / 3, seconds=1 / 3)
    rounded = tables.rounded(exact, plan)
    tables.add(plan.path, plan, [exact])
    assert tables.read(plan.path, plan)[0][row] == rounded == tables.rounded(rounded, plan)
    assert rounded["accuracy"] == 0.666667 and rounded["val_loss"] == [0.14286, 0.66667]


def test_a_row_that_became_nan_is_read_again(plan):
    row = next(iter(plan.rows))
    broken = {"state": "nan", "loss": np.nan, "val_loss": [0.5, np.nan], "accuracy": 0.1}
    tables.add(plan.path, plan, [result(plan, row, **broken)])
    good, bad = tables.read(plan.path, plan)
    assert bad == [] and good[row]["state"] == "nan" and np.isnan(good[row]["loss"])


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.rstrip("\n"),
    ],
    ids=["byte order mark", "Windows line ends", "empty lines", "no last line end"],
)
def test_what_editors_do_to_a_file_is_no_matter(plan, table, rewrite):
    table.write_bytes(rewrite(table.read_text()).encode())
    good, bad = tables.read(table, plan)
    assert good.keys() == plan.rows.keys() and bad == []


@pytest.mark.parametrize("content", [None, "", "header"])
def test_a_file_without_rows_has_none(plan, table, content):
    table.unlink()
    if content is not None:
        table.write_text(",".join(tables.columns(plan)) + "\n" if content else "")
    assert tables.read(table, plan) == ({}, [])
    tables.add(table, plan, [result(plan, "width=1 seed=1")])
    assert tables.read(table, plan)[0].keys() == {"width=1 seed=1"}


class DiskFull(OSError):
    pass


@pytest.mark.parametrize("call", ["helpers.studies.table._format", "csv.writer", "os.replace"])
def test_a_failure_while_writing_leaves_the_old_file_and_no_other(plan, table, monkeypatch, call):
    def fail(*arguments, **options):
        raise DiskFull

    rows = table.read_text().splitlines(keepends=True)
    table.write_text("".join(rows[:-1]))
    before, names = table.read_bytes(), {path.name for path in table.parent.rglob("*")}
    monkeypatch.setattr(call, fail)
    with pytest.raises(DiskFull):
        tables.add(table, plan, [result(plan, list(plan.rows)[-1])])
    monkeypatch.undo()
    assert table.read_bytes() == before
    assert {path.name for path in table.parent.rglob("*")} == names


# --- lines that don't fit ---------------------------------------------------------------------


def edit(table, plan, row, changes):
    """Change fields of a row by hand; returns the number of its line."""
    lines = table.read_text().splitlines()
    number = 1 + list(plan.rows).index(row)
    fields = dict(zip(tables.columns(plan), next(csv.reader([lines[number]])), strict=True))
    lines[number] = ",".join(str(field) for field in (fields | changes).values())
    table.write_text("\n".join(lines) + "\n")
    return number + 1


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"accuracy": "good"}, "accuracy is 'good'"),
        ({"trained_epochs": "2.5"}, "trained_epochs is '2.5'"),
        ({"val_loss": "0.5 0,75"}, "expected 20 fields, found 21"),
        ({"val_loss": "0.5 ?"}, "val_loss is '0.5 ?'"),
        ({"accuracy": 1.2, "val_accuracy": "0.5 1.2"}, "curves don't fit"),
        ({"train_accuracy": "-0.1 0.75"}, "curves don't fit"),
        ({"accuracy": 0.8}, "curves don't fit its epochs, accuracy and loss"),
        ({"loss": 0.8}, "curves don't fit"),
        ({"train_loss": "nan 0.75"}, "curves don't fit"),
        ({"train_loss": "0.75"}, "curves don't fit its epochs"),
        ({"trained_epochs": 3}, "curves don't fit its epochs"),
        ({"trained_epochs": 0} | dict.fromkeys(tables.CURVES, ""), "curves don't fit"),
        ({"width": 7}, "width is '7'"),
        ({"width": 1}, "row, factors and seed disagree"),
        ({"seed": 1}, "row, factors and seed disagree"),
        ({"row": "width=2 seed=1"}, "row, factors and seed disagree"),
        ({"row": "width=2 seed=9"}, "the plan has no such row"),
        ({"seconds": -1}, "must be positive"),
        ({"seconds": "nan"}, "must be positive"),
        ({"trained_images": 0}, "must be positive"),
        ({"state": "done"}, "state is 'done', expected one of complete, pruned, nan"),
        ({"tier": "quick"}, "its tier is 'quick', expected 'full'"),
        ({"data": "emnist/letters"}, "its data are 'emnist/letters', expected 'mnist'"),
        ({"study": "other"}, "it belongs to the study 'other'"),
        ({"configuration": "00000000"}, "its configuration is not what the plan's recipe returns"),
        ({"state": '"complete'}, "expected 20 fields, found 6"),
    ],
)
def test_a_line_edited_into_nonsense_is_reported_and_kept_and_the_others_are_read(
    plan, table, changes, problem
):
    number = edit(table, plan, "width=2 seed=2", changes)
    spoilt = table.read_text().splitlines()[number - 1]
    good, [bad] = tables.read(table, plan)
    assert good.keys() == plan.rows.keys() - {"width=2 seed=2"}
    key = changes.get("row", "width=2 seed=2")
    assert bad.row == key and bad.problem.startswith(f"tiny.csv, line {number} ({key}): ")
    assert problem in bad.problem and "delete the line, and run the study again" in bad.problem
    tables.add(table, plan, [result(plan, "width=2 seed=2")])
    assert table.read_text().splitlines().count(spoilt) == 1
    assert tables.read(table, plan)[0].keys() == plan.rows.keys()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"tiny", r"line 8 \(\): expected 20 fields, found 1"),
        (b"a,b,c,d", r"line 8 \(c\): expected 20 fields, found 4"),
        (b"tiny,0,width=\xb0", r"line 8 \(width=\\xb0\): expected 20 fields, found 3"),
        (None, r"line 8 \(width=3 seed=2\): it is there twice"),
    ],
)
def test_a_line_too_much_is_reported(plan, table, line, problem):
    content = table.read_bytes()
    table.write_bytes(content + (line or content.splitlines()[-1]))
    good, [bad] = tables.read(table, plan)
    assert good.keys() == plan.rows.keys() and re.search(problem, bad.problem)


@pytest.mark.parametrize(
    ("field", "value"), [("rate", 2.0), ("rate", "nan"), ("width", 4), ("width", 0)]
)
def test_a_value_outside_of_a_range_is_reported(tmp_path, field, value):
    factors = {
        "rate": optuna.distributions.FloatDistribution(1e-4, 1.0, log=True),
        "width": optuna.distributions.IntDistribution(1, 9, step=2),
    }
    plan = tiny_study.search(tmp_path, "tpe", factors=factors)
    trials = [result(plan, row, seed=1, rate=0.1, width=3) for row in plan.rows]
    tables.add(plan.path, plan, trials)
    number = edit(plan.path, plan, "trial 4", {field: value})
    good, [bad] = tables.read(plan.path, plan)
    assert len(good) == 19 and f"line {number} (trial 4): {field} is" in bad.problem


def test_a_seed_that_a_search_does_not_have_is_reported(tmp_path):
    plan = tiny_study.search(tmp_path, "tpe")
    tables.add(plan.path, plan, [result(plan, "trial 0", seed=7, rate=0.1, width=3)])
    good, [bad] = tables.read(plan.path, plan)
    assert good == {} and "seed disagree" in bad.problem


@pytest.mark.parametrize(
    "header",
    ["width,row", "a" * 200, "study,configuration,row,height"],
    ids=["two", "long", "another"],
)
def test_wrong_columns_are_explained(plan, table, header):
    _, *lines = table.read_text().splitlines()
    table.write_text("\n".join([header, *lines]))
    with pytest.raises(tables.WrongColumns) as error:
        tables.read(table, plan)
    message = str(error.value)
    found = header.replace(",", ", ")
    assert f"tiny.csv has the columns {found}; expected study, configuration" in message
    assert "move it away and run the study again" in message


# --- what the rows say together ---------------------------------------------------------------


def frame(scores, factor="width", **columns):
    """A table of runs. Arguments: scores: dict setting → accuracies."""
    rows = [
        {factor: setting, "accuracy": accuracy, "loss": 1 - accuracy, "seconds": 10.0 * index}
        for setting, runs in scores.items()
        for index, accuracy in enumerate(runs)
    ]
    fixed = {"state": "complete", "parameters": 100} | columns
    return pd.DataFrame(rows).assign(**fixed)


SCORES = {5: [0.970, 0.974, 0.978], 3: [0.990, 0.992, 0.991], 7: [0.985, 0.995, 0.9875, 0.986]}


def test_a_summary_has_means_and_intervals_in_the_order_of_the_table():
    summary = summarise(frame(SCORES), "width")
    assert summary.index.tolist() == [5, 3, 7] and summary.index.name == "width"
    variances = [np.var(scores, ddof=1) * (len(scores) - 1) for scores in SCORES.values()]
    spread = (sum(variances) / 7) ** 0.5  # of all runs about the mean of their setting
    for width, scores in SCORES.items():
        line, mean = summary.loc[width], np.mean(scores)
        expected = stats.t.interval(0.95, 7, mean, spread / len(scores) ** 0.5)
        assert (line["low"], line["high"]) == pytest.approx(expected)
        assert line["accuracy"] == pytest.approx(mean) == pytest.approx(1 - line["loss"])
        assert line["runs"] == len(scores) and line["parameters"] == 100
        assert line["seconds"] == 5 * (len(scores) - 1)  # the median of 0, 10, 20, …


def test_verdicts_are_tukeys():
    summary = summarise(frame(SCORES), "width")
    assert summary["verdict"].to_dict() == {5: "worse", 3: "best", 7: "no difference found"}
    tukey = stats.tukey_hsd(*SCORES.values())
    interval = tukey.confidence_interval(0.95)
    for number, width in enumerate(SCORES):
        line = summary.loc[width]
        assert line["behind"] == pytest.approx(tukey.statistic[1, number])
        assert line["behind_low"] == pytest.approx(interval.low[1, number])
        assert line["behind_high"] == pytest.approx(interval.high[1, number])


def test_of_two_settings_the_verdict_is_that_of_students_test():
    for second in (0.9860, 0.9869, 0.9875, 0.9880):
        pair = {"a": [0.990, 0.991, 0.992], "b": [second, second + 0.0015, second + 0.003]}
        interval = stats.ttest_ind(pair["a"], pair["b"]).confidence_interval()
        line = summarise(frame(pair), "width").loc["b"]
        assert (line["behind_low"], line["behind_high"]) == pytest.approx(interval, abs=1e-9)
        assert (line["verdict"] == "worse") == (interval.low > 0)


def test_equal_settings_are_called_worse_in_one_study_of_twenty(monkeypatch):
    quantile = functools.cache(stats.studentized_range.ppf)  # it takes a tenth of a second
    monkeypatch.setattr(stats.studentized_range, "ppf", quantile)
    chance, worse = np.random.default_rng(0), 0
    for _ in range(300):
        scores = {setting: chance.normal(0.98, 0.002, 3) for setting in "abcd"}
        worse += "worse" in set(summarise(frame(scores), "width")["verdict"])
    assert 0.02 < worse / 300 < 0.08


def test_settings_of_several_factors_are_named_by_all():
    table = frame({"a": [0.9, 0.91], "b": [0.8, 0.81]}, rate=0.1)
    summary = summarise(pd.concat([table, table.assign(rate=0.2)]), ["rate", "width"])
    assert summary.index.names == ["rate", "width"]
    assert summary.index.tolist() == [(0.1, "a"), (0.1, "b"), (0.2, "a"), (0.2, "b")]


def test_a_setting_alone_is_the_best():
    assert summarise(frame({"a": [0.9, 0.91]}), "width")["verdict"].tolist() == ["best"]


@pytest.mark.parametrize("state", ["nan", "pruned"])
def test_runs_without_an_end_are_left_out(state):
    whole = frame(SCORES)
    spoilt = pd.concat([whole, frame({3: [0.1], 9: [0.1, 0.2]}, state=state)])
    pd.testing.assert_frame_equal(summarise(spoilt, "width"), summarise(whole, "width"))
    assert spread(spoilt, width=3) == spread(whole, width=3)


@pytest.mark.parametrize("scores", [{3: [0.9, 0.91], 5: [0.9]}, {3: [0.9]}])
def test_too_few_runs_are_explained(scores):
    alone = min(scores, key=lambda setting: len(scores[setting]))
    with pytest.raises(ValueError, match=rf"two complete runs or more.*{alone}"):
        summarise(frame(scores), "width")
    with pytest.raises(ValueError, match=rf"two complete runs or more of .*{alone}.*found 1"):
        spread(frame(scores), width=alone)


def test_a_table_of_nothing_but_nan_is_explained():
    with pytest.raises(ValueError, match="two complete runs or more"):
        summarise(frame(SCORES, state="nan"), "width")


def test_spread_is_the_prediction_interval_of_student():
    scores = np.array(SCORES[3])
    half = stats.t.ppf(0.975, 2) * scores.std(ddof=1) * (1 + 1 / 3) ** 0.5
    expected = scores.mean() - half, scores.mean() + half
    assert spread(frame(SCORES), width=3) == pytest.approx(expected)
    table = pd.concat([frame(SCORES, rate=0.1), frame({3: [0.5, 0.6]}, rate=0.2)])
    assert spread(table, width=3, rate=0.1) == pytest.approx(expected)


def test_one_more_run_falls_into_the_spread_in_95_of_100_cases():
    chance, inside = np.random.default_rng(0), 0
    for _ in range(1000):
        *scores, another = chance.normal(0.98, 0.002, 4)
        low, high = spread(frame({3: scores}), width=3)
        inside += low <= another <= high
    assert 0.93 < inside / 1000 < 0.97
