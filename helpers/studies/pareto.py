"""Two objectives, accuracy and cost: the Pareto front of a table, and figures that measure it."""

import numpy as np
import pandas as pd


def front(table: pd.DataFrame, cost: str = "cost") -> pd.DataFrame:
    """The rows that nothing as cheap or cheaper beats or equals in accuracy: the Pareto front.

    Args:
        table: with the columns accuracy and cost, one line a network.
        cost: name of the column with the cost.

    Returns:
        Those lines, from the cheapest to the dearest.

    Taught in notebook 22.
    """
    ordered = table.sort_values([cost, "accuracy"], ascending=[True, False], kind="stable")
    return ordered[ordered["accuracy"] > ordered["accuracy"].cummax().shift(fill_value=-1)]


def hypervolume(table: pd.DataFrame, floor: float, dearest: float) -> float:
    """The area between the front's steps and a corner: more accuracy or less cost makes it larger.

    Args:
        table: as for `front`, with the column cost.
        floor: accuracy of the corner, 0 … 1.
        dearest: cost of the corner; what is dearer, or no better than the floor, adds nothing.

    Returns:
        Accuracy × factors of ten in cost: .1 above the floor from a tenth of the dearest cost on
        is .1.

    Source: Zitzler and Thiele 1998, doi:10.1007/BFb0056872. Taught in notebook 22.
    """
    steps = front(table[(table["accuracy"] > floor) & (table["cost"] < dearest)])
    widths = np.diff(np.log10([*steps["cost"], dearest]))
    return float(((steps["accuracy"] - floor) * widths).sum())


def best_within(table: pd.DataFrame, cost: float) -> pd.Series:
    """The line with the best accuracy among those that cost no more; the cheapest of equals.

    Args:
        table: as for `front`, with the column cost.
        cost: the most it may cost.

    Raises:
        ValueError: all cost more.

    Taught in notebook 22.
    """
    steps = front(table[table["cost"] <= cost])
    if steps.empty:
        raise ValueError(
            f"no network costs {cost:,} or less; expected at least {table['cost'].min():,}."
        )
    return steps.iloc[-1]
