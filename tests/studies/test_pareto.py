"""Fronts hold what nothing beats; their measures are areas and best figures."""

from helpers.studies import pareto

import numpy as np
import pandas as pd
import pytest


def table(*points):
    return pd.DataFrame(points, columns=["accuracy", "cost"])


FOUR = table((0.90, 1000), (0.95, 10_000), (0.93, 20_000), (0.97, 100_000))


def test_a_front_is_what_nothing_beats_from_cheap_to_dear():
    front = pareto.front(FOUR.sample(frac=1, random_state=0))
    assert front["cost"].tolist() == [1000, 10_000, 100_000]


def test_of_equals_one_is_on_the_front():
    equal = table((0.9, 10), (0.9, 10), (0.9, 20), (0.8, 10))
    assert len(pareto.front(equal)) == 1


def test_a_front_by_brute_force():
    rng = np.random.default_rng(0)
    many = table(*zip(rng.random(200), rng.permutation(200) + 1, strict=True))
    beaten = [
        ((many["accuracy"] >= row["accuracy"]) & (many["cost"] < row["cost"])).any()
        or ((many["accuracy"] > row["accuracy"]) & (many["cost"] <= row["cost"])).any()
        for _, row in many.iterrows()
    ]
    assert set(pareto.front(many).index) == set(many.index[~np.array(beaten)])


def test_the_hypervolume_is_the_area_under_the_steps():
    assert pareto.hypervolume(FOUR, 0.8, 1_000_000) == pytest.approx(0.10 + 0.15 + 0.17)
    assert pareto.hypervolume(FOUR, 0.94, 100_000) == pytest.approx(0.01)
    assert pareto.hypervolume(FOUR, 0.99, 1_000_000) == 0


def test_more_networks_never_make_it_smaller():
    rng = np.random.default_rng(0)
    many = table(*zip(0.9 + 0.1 * rng.random(50), 10 ** rng.uniform(3, 6, 50), strict=True))
    areas = [pareto.hypervolume(many[:count], 0.9, 1e6) for count in range(1, 51)]
    assert areas == sorted(areas) and areas[-1] > areas[0]


@pytest.mark.parametrize(("most", "expected"), [(1000, 0.90), (50_000, 0.95), (1e6, 0.97)])
def test_the_best_within_a_cost(most, expected):
    assert pareto.best_within(FOUR, most)["accuracy"] == expected


def test_nothing_within_a_cost_is_explained():
    with pytest.raises(ValueError, match=r"costs 999 or less; expected at least 1,000"):
        pareto.best_within(FOUR, 999)
