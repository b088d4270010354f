"""The quick tier says what it leaves out."""

from helpers import data, models, training
from helpers.internals import tiers
from helpers.recipes import schedules

import numpy as np
import pytest


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setenv("COURSE_TIER", "quick")


def split(images=40):
    return data.Split(np.zeros((images, 28, 28), "uint8"), np.arange(images) % 2)


def dense():
    return models.dense_ann((2,), classes=2)


def test_the_full_tier_does_all_and_says_nothing(capsys):
    assert tiers.shortened(6, 1, "epochs") == 6
    assert capsys.readouterr().out == ""


def test_the_quick_tier_says_of_how_much_it_does_how_much(quick, capsys):
    assert tiers.shortened(6_000, 1_000, "images") == 1_000
    assert capsys.readouterr().out == "quick tier: 1,000 of 6,000 images\n"


def test_where_nothing_is_left_out_nothing_is_said(quick, capsys):
    assert tiers.shortened(1, 1, "epochs") == 1
    assert capsys.readouterr().out == ""


def test_in_a_notebook_it_is_an_output_that_checks_can_tell_apart(quick, monkeypatch):
    shown = []
    monkeypatch.setattr(tiers.InteractiveShell, "initialized", lambda: True)
    monkeypatch.setattr(tiers, "display", lambda bundle, raw: shown.append(bundle))
    tiers.shortened(6, 1, "epochs")
    assert shown == [{"text/plain": "quick tier: 1 of 6 epochs", tiers.CUT: {}}]


def said(capsys):
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("quick tier")]


def test_a_fit_says_so_even_where_it_prints_nothing_else(quick, capsys):
    training.fit(dense(), split(), epochs=6, verbose=False)
    assert said(capsys) == ["quick tier: 1 of 6 epochs"]


def test_seeds_and_folds_are_said_once_for_all_runs(quick, capsys):
    training.repeat(dense, split(), split(8), epochs=3, seeds=(1, 2, 3))
    assert said(capsys) == ["quick tier: 2 of 3 seeds", "quick tier: 1 of 3 epochs from each"]
    training.cross_validate(dense, split(), folds=10, epochs=3)
    assert said(capsys) == ["quick tier: 2 of 10 folds", "quick tier: 1 of 3 epochs for each"]


def test_a_range_test_says_its_steps(quick, capsys):
    schedules.range_test(dense(), split(), steps=200, batch_size=8)
    assert said(capsys) == ["quick tier: 20 of 200 steps"]
