"""A table is checked line by line and written whole."""

import csv
import re

from helpers.studies import table as tables

import numpy as np
import optuna
import pandas as pd
import pytest
import tiny_study


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
    tables.Table(plan).add_rows([result(plan, row) for row in plan.rows])
    return plan.path


# --- reading and writing ----------------------------------------------------------------------


def test_rows_come_back_as_they_were_in_the_order_of_the_plan(plan):
    rows = [result(plan, row, seconds=index / 4) for index, row in enumerate(plan.rows)]
    tables.Table(plan).add_rows(rows[3:])
    tables.Table(plan).add_rows(rows[:4])
    good, bad = tables.Table(plan).read_rows()
    assert list(good.values()) == rows and bad == []
    frame = tables.Table(plan).frame(good)
    assert list(frame["row"]) == list(plan.rows)
    assert list(frame) == list(tables.Table(plan).columns) == list(pd.read_csv(plan.path))


def test_a_row_that_is_there_is_not_written_again(plan, table):
    before = table.read_bytes()
    tables.Table(plan).add_rows([result(plan, row, seconds=99.0) for row in plan.rows])
    assert table.read_bytes() == before


def test_a_row_of_one_epoch_is_a_row(plan):
    row = next(iter(plan.rows))
    short = {"trained_epochs": 1, **{name: [0.75] for name in tables.CURVES}}
    tables.Table(plan).add_rows([result(plan, row, **short)])
    good, bad = tables.Table(plan).read_rows()
    assert list(good) == [row] and bad == []


def test_a_cost_is_kept_as_a_whole_number_and_one_below_1_is_reported(tmp_path):
    plan = tiny_study.grid(tmp_path, **tiny_study.TWO_OBJECTIVES)
    first, second, *_ = plan.rows
    rows = [result(plan, first, cost=2_631_040), result(plan, second, cost=0)]
    tables.Table(plan).add_rows(rows)
    good, bad = tables.Table(plan).read_rows()
    assert good == {first: rows[0]} and "cost must be positive" in bad[0].problem


def test_values_of_factors_keep_their_types(tmp_path):
    factors = {"a": [1, 2.5], "b": ["8-16", "3, four", "5°"], "c": [True, False]}
    plan = tiny_study.grid(tmp_path, factors=factors, recipe=lambda **setting: tiny_study.wide(1))
    rows = [result(plan, row) for row in plan.rows]
    tables.Table(plan).add_rows(rows)
    good, bad = tables.Table(plan).read_rows()
    assert list(good.values()) == rows and bad == []
    assert {type(row["a"]) for row in good.values()} == {int, float}


def test_rounding_a_row_gives_what_the_file_gives(plan):
    row = next(iter(plan.rows))
    curves = {name: [1 / 7, 2 / 3] for name in tables.CURVES}
    exact = result(plan, row, **curves, accuracy=2 / 3, loss=2 / 3, seconds=1 / 3)
    rounded = tables.Table(plan).rounded(exact)
    tables.Table(plan).add_rows([exact])
    assert tables.Table(plan).read_rows()[0][row] == rounded == tables.Table(plan).rounded(rounded)
    assert rounded["accuracy"] == 0.666667 and rounded["val_loss"] == [0.14286, 0.66667]


def test_a_row_that_became_nan_is_read_again(plan):
    row = next(iter(plan.rows))
    broken = {"state": "nan", "loss": np.nan, "val_loss": [0.5, np.nan], "accuracy": 0.1}
    tables.Table(plan).add_rows([result(plan, row, **broken)])
    good, bad = tables.Table(plan).read_rows()
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
    table.write_bytes(rewrite(table.read_text(encoding="utf-8")).encode())
    good, bad = tables.Table(plan).read_rows()
    assert good.keys() == plan.rows.keys() and bad == []


@pytest.mark.parametrize("content", [None, "", "header"])
def test_a_file_without_rows_has_none(plan, table, content):
    table.unlink()
    if content is not None:
        table.write_text(
            ",".join(tables.Table(plan).columns) + "\n" if content else "", encoding="utf-8"
        )
    assert tables.Table(plan).read_rows() == ({}, [])
    tables.Table(plan).add_rows([result(plan, "width=1 seed=1")])
    assert tables.Table(plan).read_rows()[0].keys() == {"width=1 seed=1"}


class DiskFull(OSError):
    pass


@pytest.mark.parametrize(
    "call", ["helpers.studies.table.Table._format", "csv.writer", "os.replace"]
)
def test_a_failure_while_writing_leaves_the_old_file_and_no_other(plan, table, monkeypatch, call):
    def fail(*arguments, **options):
        raise DiskFull

    rows = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(rows[:-1]), encoding="utf-8")
    before, names = table.read_bytes(), {path.name for path in table.parent.rglob("*")}
    monkeypatch.setattr(call, fail)
    with pytest.raises(DiskFull):
        tables.Table(plan).add_rows([result(plan, list(plan.rows)[-1])])
    monkeypatch.undo()
    assert table.read_bytes() == before
    assert {path.name for path in table.parent.rglob("*")} == names


# --- lines that don't fit ---------------------------------------------------------------------


def edit(table, plan, row, changes):
    """Change fields of a row by hand; returns the number of its line."""
    lines = table.read_text(encoding="utf-8").splitlines()
    number = 1 + list(plan.rows).index(row)
    fields = dict(zip(tables.Table(plan).columns, next(csv.reader([lines[number]])), strict=True))
    lines[number] = ",".join(str(field) for field in (fields | changes).values())
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
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
    spoilt = table.read_text(encoding="utf-8").splitlines()[number - 1]
    good, [bad] = tables.Table(plan).read_rows()
    assert good.keys() == plan.rows.keys() - {"width=2 seed=2"}
    key = changes.get("row", "width=2 seed=2")
    assert bad.row == key and bad.problem.startswith(f"tiny.csv, line {number} ({key}): ")
    assert problem in bad.problem and "delete the line, and run the study again" in bad.problem
    tables.Table(plan).add_rows([result(plan, "width=2 seed=2")])
    assert table.read_text(encoding="utf-8").splitlines().count(spoilt) == 1
    assert tables.Table(plan).read_rows()[0].keys() == plan.rows.keys()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"tiny", r"line 8 \(\): expected 20 fields, found 1"),
        (b"tiny,0", r"line 8 \(\): expected 20 fields, found 2"),
        (b"a,b,c,d", r"line 8 \(c\): expected 20 fields, found 4"),
        (b"tiny,0,width=\xb0", r"line 8 \(width=\\xb0\): expected 20 fields, found 3"),
        (None, r"line 8 \(width=3 seed=2\): it is there twice"),
    ],
)
def test_a_line_too_much_is_reported(plan, table, line, problem):
    content = table.read_bytes()
    table.write_bytes(content + (line or content.splitlines()[-1]))
    good, [bad] = tables.Table(plan).read_rows()
    assert good.keys() == plan.rows.keys() and re.search(problem, bad.problem)


@pytest.mark.parametrize(
    "line",
    [
        b"tiny,0,width=\xb0,\xff\x00,\\xb0",
        b"tiny,0,width=9 seed=1,\r",
        b"  tiny ;\xe2\x80\xa8",
        b'"tiny,0,,',
        b"a\rb",
        b"x" * 200_000,
    ],
    ids=["no UTF-8", "Windows", "other separators", "quote", "carriage return", "long"],
)
def test_a_line_that_does_not_fit_stays_byte_for_byte(plan, table, line):
    header, *rows = table.read_bytes().splitlines(keepends=True)
    table.write_bytes(header + line + b"\n" + b"".join(rows[:-1]))
    tables.Table(plan).add_rows([result(plan, list(plan.rows)[-1])])
    assert table.read_bytes() == header + line + b"\n" + b"".join(rows)
    good, [bad] = tables.Table(plan).read_rows()
    assert good.keys() == plan.rows.keys() and bad.line == line
    assert "line 2 (" in bad.problem and bad.problem.isprintable()


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
    tables.Table(plan).add_rows(trials)
    number = edit(plan.path, plan, "trial 4", {field: value})
    good, [bad] = tables.Table(plan).read_rows()
    assert len(good) == 19 and f"line {number} (trial 4): {field} is" in bad.problem


def test_a_seed_that_a_search_does_not_have_is_reported(tmp_path):
    plan = tiny_study.search(tmp_path, "tpe")
    tables.Table(plan).add_rows([result(plan, "trial 0", seed=7, rate=0.1, width=3)])
    good, [bad] = tables.Table(plan).read_rows()
    assert good == {} and "seed disagree" in bad.problem


@pytest.mark.parametrize(
    "header",
    ["width,row", "a" * 200, "study,configuration,row,height"],
    ids=["two", "long", "another"],
)
def test_wrong_columns_are_explained(plan, table, header):
    _, *lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([header, *lines]), encoding="utf-8")
    with pytest.raises(tables.WrongColumns) as error:
        tables.Table(plan).read_rows()
    message = str(error.value)
    found = header.replace(",", ", ")
    assert f"tiny.csv has the columns {found}; expected study, configuration" in message
    assert "move it away and run the study again" in message
