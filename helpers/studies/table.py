"""The table of a study: a CSV file that is checked line by line, and what its rows say together."""

import csv
import math
import os
from dataclasses import dataclass

import numpy as np
import pandas as pd
from filelock import FileLock
from scipy import stats

CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
STATES = ("complete", "pruned", "nan")


def _curve(text):
    return [float(number) for number in text.split()]


COLUMNS = {
    "seed": int,
    "state": str,
    "accuracy": float,
    "loss": float,
    "trained_epochs": int,
    "seconds": float,
    "trained_images": int,
    "parameters": int,
    "tier": str,
    "data": str,
    "versions": str,
    "machine": str,
    **dict.fromkeys(CURVES, _curve),
}
"""The columns of every table, after those that name the row: name → function that reads them."""


class WrongColumns(ValueError):
    """The columns of a CSV file are not those of its plan. Says which, and what to do."""


@dataclass(frozen=True)
class BadLine:
    """A line that doesn't fit the plan: its text, the row it seems to be, what is wrong with it."""

    text: str
    row: str
    problem: str


def columns(plan):
    """The columns of a study's table: dict name → function that reads the text in it."""
    factors = {name: _reader(values) for name, values in plan.factors.items()}
    cost = {"cost": int} if plan.cost else {}
    return {"study": str, "configuration": str, "row": str, **factors, **COLUMNS, **cost}


def _reader(values):
    """A function from the text of a factor's value to the value."""
    if not isinstance(values, list | tuple):  # an Optuna distribution: a range of numbers
        return lambda text: _within(values, type(values.low)(text))
    known = {str(value): value for value in values}
    return lambda text: known[text]


def _within(distribution, number):
    """The number, where it lies in an Optuna distribution. Raises: ValueError where it doesn't."""
    if not distribution._contains(distribution.to_internal_repr(number)):
        raise ValueError
    return number


def read(path, plan):
    """All lines of a study's CSV file.

    Arguments: path: of the file; one that isn't there has no lines. plan: a studies.Plan.
    Returns: (good, bad): dict key of the row → dict column → value; list of BadLine.
    Raises: WrongColumns.
    """
    if not path.exists():
        return {}, []
    text = path.read_text(encoding="utf-8-sig", errors="backslashreplace")
    header, *lines = text.split("\n")
    expected, header = columns(plan), _fields(header)
    if text and header != list(expected):
        raise WrongColumns(
            f"{path.name} has the columns {', '.join(header)}; expected "
            f"{', '.join(expected)}. The plan's factors changed, or the file was edited: move it "
            "away and run the study again."
        )
    good, bad = {}, []
    for number, line in enumerate(lines, start=2):
        fields = _fields(line)
        if not fields:  # an empty line
            continue
        key = fields[2] if len(fields) > 2 else ""
        try:
            row = _parse(fields, plan, expected)
            if key in good:
                raise ValueError("it is there twice")
            good[key] = row
        except ValueError as error:
            advice = "left out; delete the line, and run the study again"
            problem = f"{path.name}, line {number} ({key}): {error}: {advice}"
            bad.append(BadLine(line, key, problem))
    return good, bad


def _fields(line):
    """The fields of one line; a stray quote spoils no line but its own."""
    return next(csv.reader([line]), [])


def _parse(fields, plan, expected):
    """One line as values. Raises ValueError saying what is wrong."""
    if len(fields) != len(expected):
        raise ValueError(f"expected {len(expected)} fields, found {len(fields)}")
    text, row = dict(zip(expected, fields, strict=True)), {}
    for name, reader in expected.items():
        try:
            row[name] = reader(text[name])
        except (ValueError, KeyError):
            raise ValueError(f"{name} is {text[name]!r}, which can't be") from None
    checks = {
        f"it belongs to the study {row['study']!r}": row["study"] == plan.name,
        "its configuration is not what the plan's recipe returns": _configured(row, plan),
        "the plan has no such row": row["row"] in plan.rows,
        "row, factors and seed disagree": _agrees(row, plan),
        f"its tier is {row['tier']!r}, expected {plan.tier!r}": row["tier"] == plan.tier,
        f"its data are {row['data']!r}, expected {plan.data!r}": row["data"] == plan.data,
        f"state is {row['state']!r}, expected one of {', '.join(STATES)}": row["state"] in STATES,
        "the curves don't fit its epochs, accuracy and loss": _consistent(row, plan),
        "seconds, images, parameters and cost must be positive": (
            row["seconds"] >= 0
            and min(row["trained_images"], row["parameters"], row.get("cost", 1)) > 0
        ),
    }
    wrong = [problem for problem, holds in checks.items() if not holds]
    if wrong:
        raise ValueError("; ".join(wrong))
    return row


def _configured(row, plan):
    """Whether the recipe still returns what this row was trained with."""
    try:
        return row["configuration"] == plan.configuration_hash(row)
    except Exception:  # a recipe that fails is told when its row is trained
        return False


def _agrees(row, plan):
    planned = plan.rows.get(row["row"], {})
    return row["seed"] in plan.seeds and all(row[name] == value for name, value in planned.items())


def _consistent(row, plan):
    """Whether the curves have a figure for each epoch, and end in accuracy and loss."""
    epochs = row["trained_epochs"]
    lengths = [epochs, epochs, *([1, 1] if plan.judged_once else [epochs, epochs])]
    if [len(row[name]) for name in CURVES] != lengths or epochs < 1:
        return False
    if row["state"] == "nan":
        return True
    ends = math.isclose(row["accuracy"], row["val_accuracy"][-1], abs_tol=1e-4)
    ends = ends and math.isclose(row["loss"], row["val_loss"][-1], rel_tol=1e-3, abs_tol=1e-4)
    numbers = np.concatenate([row[name] for name in CURVES])
    shares = np.array([*row["train_accuracy"], *row["val_accuracy"]])
    return bool(ends and np.isfinite(numbers).all() and (shares >= 0).all() and (shares <= 1).all())


def add(path, plan, rows):
    """Write rows into a study's CSV file, next to those that are there: all of it or nothing.

    Lines that don't fit the plan stay as they are. Arguments: rows: list of dicts as from `read`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    outputs = path.parent / "outputs"
    outputs.mkdir(exist_ok=True)
    with FileLock(outputs / f"{path.name}.lock"):
        good, bad = read(path, plan)
        new = {row["row"]: row for row in rows if row["row"] not in good}
        if not new:
            return
        good |= new
        ordered = [good[key] for key in plan.rows if key in good]
        spoilt = "".join(f"{line.text}\n" for line in bad)
        temporary = outputs / f"{path.name}.new"
        try:
            with open(temporary, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(columns(plan))
                file.write(spoilt)
                writer.writerows(_format(row, plan) for row in ordered)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _format(row, plan):
    """A row as a list of text."""
    curves = {name: " ".join(f"{number:.5g}" for number in row[name]) for name in CURVES}
    figures = {name: f"{row[name]:.6g}" for name in ("accuracy", "loss")}
    text = {**row, **figures, **curves, "seconds": f"{row['seconds']:.2f}"}
    return [str(text[name]) for name in columns(plan)]


def rounded(row, plan):
    """A row with the digits that the CSV file keeps, so that a row trained again is equal to it."""
    fields = zip(columns(plan).items(), _format(row, plan), strict=True)
    return {name: reader(text) for (name, reader), text in fields}


def frame(rows, plan):
    """Rows as a DataFrame, in the plan's order."""
    return pd.DataFrame(
        [rows[key] for key in plan.rows if key in rows], columns=list(columns(plan))
    )


def spread(table, **setting):
    """Where one more run of a setting is expected, with 95 % confidence, after the runs in a table.

    The prediction interval of Student's t: mean ± t · s · √(1 + 1/n).

    Arguments: table: DataFrame from `load`. setting: e.g. kernel=3.
    Returns: (low, high), accuracies. Raises: ValueError with fewer than two complete runs of it.
    Source: Hahn and Meeker, Statistical Intervals, 1991. Taught in notebook 03.
    """
    chosen = table[table["state"] == "complete"]
    for name, value in setting.items():
        chosen = chosen[chosen[name] == value]
    scores = chosen["accuracy"].to_numpy()
    if len(scores) < 2:
        raise ValueError(f"expected two complete runs or more of {setting}, found {len(scores)}.")
    half = stats.t.ppf(0.975, len(scores) - 1) * scores.std(ddof=1) * (1 + 1 / len(scores)) ** 0.5
    return float(scores.mean() - half), float(scores.mean() + half)


def summarise(table, factors):
    """Mean and 95 % interval of each setting over its seeds, and what may be said against the best.

    The spread over seeds is taken to be the same for every setting, and estimated from all of them
    together: three runs of one setting alone would hardly know it. A setting is worse than the best
    where the interval of their difference excludes 0; that interval is Tukey's, wide enough for
    comparing every setting with every other. Leave out settings that break down with some seeds:
    their spread would hide all else.

    Arguments: table: DataFrame from `load`. factors: names of the columns that make a setting.
    Returns: DataFrame indexed by setting, in the table's order: runs, accuracy, low, high, loss,
        behind (best mean minus this one), behind_low, behind_high, seconds (median of a run),
        parameters, cost where the table has it, verdict ("best", "worse" or "no difference found").
    Raises: ValueError where a setting has fewer than two runs that ended in numbers.
    Source: Tukey 1949; Kramer 1956, doi:10.2307/3001469. Taught in notebook 03.
    """
    factors = [factors] if isinstance(factors, str) else list(factors)
    complete = table[table["state"] == "complete"]
    groups = complete.groupby(factors, sort=False)
    alone = [setting for setting, group in groups if len(group) < 2]
    if alone or complete.empty:
        raise ValueError(f"expected two complete runs or more of each setting; too few: {alone}.")
    summary = groups.agg(
        runs=("accuracy", "size"), accuracy=("accuracy", "mean"), loss=("loss", "mean")
    )
    freedom = len(complete) - len(summary)
    spread = ((groups["accuracy"].var() * (summary["runs"] - 1)).sum() / freedom) ** 0.5
    error = spread / summary["runs"] ** 0.5
    half = stats.t.ppf(0.975, freedom) * error
    best = summary["accuracy"].idxmax()
    behind = summary["accuracy"].max() - summary["accuracy"]
    tukey = stats.studentized_range.ppf(0.95, max(len(summary), 2), freedom) / 2**0.5
    margin = tukey * (error**2 + error[best] ** 2) ** 0.5
    summary.insert(2, "low", summary["accuracy"] - half)
    summary.insert(3, "high", summary["accuracy"] + half)
    verdict = np.where(behind > margin, "worse", "no difference found")
    return summary.assign(
        behind=behind,
        behind_low=behind - margin,
        behind_high=behind + margin,
        seconds=groups["seconds"].median(),
        parameters=groups["parameters"].first(),
        **({"cost": groups["cost"].first()} if "cost" in table else {}),
        verdict=np.where(summary.index == best, "best", verdict),
    )
