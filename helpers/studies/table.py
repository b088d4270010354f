"""The table of a study: a CSV file, checked line by line and written whole."""

import csv
import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.internals import files

import numpy as np
import pandas as pd
from filelock import FileLock
from optuna.distributions import BaseDistribution

if TYPE_CHECKING:
    from helpers.studies.plan import Plan

CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
STATES = ("complete", "pruned", "nan")

Reader = Callable[[str], object]


def _curve(text: str) -> list[float]:
    """The numbers of a curve, an epoch each."""
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
    """A line that doesn't fit the plan.

    Attributes:
        line: as it is in the file, without its end.
        row: that it seems to be.
        problem: what is wrong with it, and what to do.
    """

    line: bytes
    row: str
    problem: str


class Table:
    """The CSV file of a study.

    Attributes:
        plan: of the study.
        columns: name → function that reads the text in it.
    """

    def __init__(self, plan: "Plan"):
        factors = {name: _reader(values) for name, values in plan.factors.items()}
        cost = {"cost": int} if plan.cost else {}
        self.plan = plan
        names = dict.fromkeys(("study", "configuration", "row"), str)
        self.columns = {**names, **factors, **COLUMNS, **cost}

    def read_rows(self) -> tuple[dict[str, dict], list[BadLine]]:
        """All lines of the file; there are none where there is no file.

        Returns:
            (good, bad): key of the row → column → value; the lines that don't fit the plan.

        Raises:
            WrongColumns: the file has others.
        """
        path = self.plan.path
        content = path.read_bytes() if path.exists() else b""
        header, *lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        found, expected = _fields(header), list(self.columns)
        if content and found != expected:
            raise WrongColumns(
                f"{path.name} has the columns {', '.join(found)}; expected {', '.join(expected)}. "
                "The plan's factors changed, or the file was edited: move it away and run the "
                "study again."
            )
        good, bad = {}, []
        for number, line in enumerate(lines, start=2):
            fields = _fields(line)
            if not fields:  # an empty line
                continue
            key = fields[2] if len(fields) > 2 else ""
            try:
                row = self._parse(fields)
                if key in good:
                    raise ValueError("it is there twice")
                good[key] = row
            except ValueError as error:
                advice = "left out; delete the line, and run the study again"
                problem = f"{path.name}, line {number} ({key}): {error}: {advice}"
                bad.append(BadLine(line, key, problem))
        return good, bad

    def add_rows(self, rows: Iterable[dict]) -> None:
        """Write rows into the file, next to those that are there: all of it or nothing.

        Lines that don't fit the plan stay, byte for byte.

        Args:
            rows: as from `read_rows`; what the file has already is left out.

        Raises:
            WrongColumns: the file has others.
        """
        plan = self.plan
        plan.outputs.mkdir(parents=True, exist_ok=True)
        with FileLock(plan.outputs / f"{plan.path.name}.lock"):
            good, bad = self.read_rows()
            new = {row["row"]: row for row in rows if row["row"] not in good}
            if not new:
                return
            good |= new
            spoilt = [line.line for line in bad]
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(
                self._format(good[key]) for key in plan.rows if key in good
            )
            header = ",".join(self.columns).encode()
            _remove_parts(plan.path)
            with files.whole(plan.path) as part:
                part.write_bytes(b"\n".join([header, *spoilt, text.getvalue().encode()]))

    def frame(self, rows: dict[str, dict]) -> pd.DataFrame:
        """Rows as a DataFrame, in the plan's order."""
        return pd.DataFrame(
            [rows[key] for key in self.plan.rows if key in rows], columns=list(self.columns)
        )

    def rounded(self, row: dict) -> dict:
        """A row with the digits that the file keeps, so that a row trained again is equal to it."""
        fields = zip(self.columns.items(), self._format(row), strict=True)
        return {name: reader(text) for (name, reader), text in fields}

    def _format(self, row: dict) -> list[str]:
        """A row as a list of text."""
        curves = {name: " ".join(f"{number:.5g}" for number in row[name]) for name in CURVES}
        figures = {name: f"{row[name]:.6g}" for name in ("accuracy", "loss")}
        text = {**row, **figures, **curves, "seconds": f"{row['seconds']:.2f}"}
        return [str(text[name]) for name in self.columns]

    def _parse(self, fields: list[str]) -> dict:
        """One line as values; ValueError says what is wrong."""
        plan, expected = self.plan, self.columns
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
            "its configuration is not what the plan's recipe returns": self._is_configured(row),
            "the plan has no such row": row["row"] in plan.rows,
            "row, factors and seed disagree": self._agrees(row),
            f"its tier is {row['tier']!r}, expected {plan.tier!r}": row["tier"] == plan.tier,
            f"its data are {row['data']!r}, expected {plan.data!r}": row["data"] == plan.data,
            f"state is {row['state']!r}, expected one of {', '.join(STATES)}": (
                row["state"] in STATES
            ),
            "the curves don't fit its epochs, accuracy and loss": self._is_consistent(row),
            "seconds, images, parameters and cost must be positive": (
                row["seconds"] >= 0
                and min(row["trained_images"], row["parameters"], row.get("cost", 1)) > 0
            ),
        }
        wrong = [problem for problem, holds in checks.items() if not holds]
        if wrong:
            raise ValueError("; ".join(wrong))
        return row

    def _is_configured(self, row: dict) -> bool:
        """Whether the recipe still returns what this row was trained with."""
        try:
            return row["configuration"] == self.plan.configuration_hash(row)
        except Exception:  # a recipe that fails is told when its row is trained
            return False

    def _agrees(self, row: dict) -> bool:
        """Whether factors and seed are those that the plan has for the row."""
        planned = self.plan.rows.get(row["row"], {})
        agree = all(row[name] == value for name, value in planned.items())
        return agree and row["seed"] in self.plan.seeds

    def _is_consistent(self, row: dict) -> bool:
        """Whether the curves have a figure for each epoch, and end in accuracy and loss."""
        epochs = row["trained_epochs"]
        validated = 1 if self.plan.judged_once else epochs
        lengths = [epochs, epochs, validated, validated]
        if epochs < 1 or [len(row[name]) for name in CURVES] != lengths:
            return False
        if row["state"] == "nan":
            return True
        ends = math.isclose(row["accuracy"], row["val_accuracy"][-1], abs_tol=1e-4)
        ends = ends and math.isclose(row["loss"], row["val_loss"][-1], rel_tol=1e-3, abs_tol=1e-4)
        numbers = np.concatenate([row[name] for name in CURVES])
        shares = np.array([*row["train_accuracy"], *row["val_accuracy"]])
        possible = np.isfinite(numbers).all() and (shares >= 0).all() and (shares <= 1).all()
        return bool(ends and possible)


def _reader(values: list | tuple | BaseDistribution) -> Reader:
    """A function from the text of a factor's value to the value."""
    if not isinstance(values, list | tuple):  # an Optuna distribution: a range of numbers
        return lambda text: _within(values, type(values.low)(text))
    known = {str(value): value for value in values}
    return lambda text: known[text]


def _within(distribution: BaseDistribution, number: float) -> float:
    """The number, where it lies in an Optuna distribution; ValueError where it doesn't."""
    if not distribution._contains(distribution.to_internal_repr(number)):
        raise ValueError
    return number


def _fields(line: bytes) -> list[str]:
    """The fields of one line; a stray quote spoils no line but its own."""
    text = line.decode("utf-8", "backslashreplace")
    try:
        return next(csv.reader([text]), [])
    except csv.Error:  # what no CSV file has, such as a carriage return amid the line
        return [text]


def _remove_parts(path: Path) -> None:
    """Remove what workers wrote of a file that were killed in the middle."""
    for part in path.parent.glob(f".{path.stem}.*{path.suffix}"):
        part.unlink()
