"""Tiers and claims: what notebooks state is checked."""

import json

from helpers import course, data, models
from helpers.internals import claims

import keras
import numpy as np
import pytest
import tiny


@pytest.fixture(autouse=True)
def caches(own_caches):
    course.loaded.clear()
    yield
    course.loaded.clear()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setenv("COURSE_TIER", "quick")


@pytest.fixture
def claim(monkeypatch):
    """Makes a claim; gives the fact and the line that it shows."""
    shown = []

    def display(bundle, raw=False):
        assert raw  # else Jupyter would show the dictionary as text, and leave no claim
        shown.append(bundle)

    monkeypatch.setattr(course, "display", display)

    def make(value, name="accuracy", **options):
        course.claim(name, value, **options)
        return shown[-1][claims.CLAIM], shown[-1]["text/plain"]

    return make


def test_the_tier_is_full_unless_quick_is_asked_for(monkeypatch):
    assert course.tier() == "full"
    monkeypatch.setenv("COURSE_TIER", "quick")
    assert course.tier() == "quick"


def test_a_misspelt_tier_is_explained(monkeypatch):
    monkeypatch.setenv("COURSE_TIER", "fast")
    with pytest.raises(ValueError) as error:
        course.tier()
    tiny.explains(error, "'fast'", "full, quick", "set COURSE_TIER=quick")


@pytest.mark.parametrize(
    "value, bounds, ok",
    [
        (0.976, {"at_least": 0.975}, True),
        (0.975, {"at_least": 0.975}, True),
        (0.974, {"at_least": 0.975}, False),
        (0.1, {"at_most": 0.2}, True),
        (0.2, {"at_most": 0.2}, True),
        (0.2, {"at_least": 0.2, "at_most": 0.2}, True),
        (-0.1, {"at_least": -0.1}, True),
        (0.3, {"at_most": 0.2}, False),
        (0.15, {"at_least": 0.1, "at_most": 0.2}, True),
        (0.25, {"at_least": 0.1, "at_most": 0.2}, False),
        (473_631, {"exactly": 473_631}, True),
        (473_630, {"exactly": 473_631}, False),
        (473_632, {"exactly": 473_631}, False),
        (-0.2, {"at_least": -0.1}, False),
        (0.975, {"expected": 0.98, "within": 0.01}, True),
        (0.969, {"expected": 0.98, "within": 0.01}, False),
        (0.991, {"expected": 0.98, "within": 0.01}, False),
        (float("inf"), {"at_least": 0}, False),
        (float("nan"), {"at_most": 1}, False),
    ],
)
def test_a_claim_holds_inside_its_bounds_only(claim, value, bounds, ok):
    fact, line = claim(value, **bounds)
    assert fact["ok"] is ok
    assert line.startswith("holds | " if ok else "NOT MET | ")


@pytest.mark.parametrize(
    "value, bounds, ok",
    [
        (0.98, {"at_least": 0.97}, None),
        (0.1, {"at_most": 0.2}, None),
        (0.5, {"expected": 0.97, "within": 0.01}, None),
        (0.5, {"at_least": 0.97, "quick": 0.5}, True),
        (0.4, {"at_least": 0.97, "quick": 0.5}, False),
        (0.99, {"at_least": 0.97, "at_most": 0.98, "quick": 0.5}, True),
        (0.3, {"expected": 0.97, "within": 0.01, "quick": 0.4}, False),
        (0.9, {"at_most": 2, "quick": 1}, False),
        (float("inf"), {"at_most": 0.2}, False),
        (float("nan"), {"at_least": 0.97}, False),
        (473_631, {"exactly": 473_631}, True),
        (473_630, {"exactly": 473_631}, False),
    ],
)
def test_in_the_quick_tier_only_exact_facts_and_bounds_for_that_tier_are_judged(
    quick, claim, value, bounds, ok
):
    fact, line = claim(value, **bounds)
    assert fact["ok"] is ok
    assert ("in the quick tier" in line) == ("quick" in bounds or ok is None)
    assert line.startswith({True: "holds", False: "NOT", None: "not judged in the quick"}[ok])


def test_in_the_quick_tier_the_line_shows_the_bound_that_was_judged_and_no_other(quick, claim):
    line = "holds | accuracy: 0.4700 | ≥ 0.3000 in the quick tier"
    assert claim(0.47, at_least=0.9, quick=0.3)[1] == line
    line = "not judged in the quick tier | a: 0.4700"
    assert claim(0.47, "a", at_most=0.2)[1] == line


def test_an_exact_claim_says_neither_tier_nor_data(claim):
    fact, line = claim(10, "classes", exactly=10)
    assert line == "holds | classes: 10 | exactly 10"
    assert "tier" not in fact and "data" not in fact


def test_a_claim_without_a_bound_is_an_error():
    with pytest.raises(ValueError, match=r"'accuracy' has no bound; give expected and within, at_"):
        course.claim("accuracy", 0.9)


@pytest.mark.parametrize("half", [{"expected": 1}, {"within": 1}, {"expected": 1, "within": 0}])
def test_an_expected_number_needs_a_distance(half):
    with pytest.raises(ValueError, match="give both, within above 0"):
        course.claim("accuracy", 0.9, **half)


def test_a_claim_shows_one_line_and_leaves_what_a_machine_can_read(claim):
    fact, line = claim(
        np.float32(0.98),
        "test accuracy",
        at_least=0.975,
        report=0.9762,
        images=60_000,
        seconds=31.4,
    )
    assert line == (
        "holds | test accuracy: 0.9800 | ≥ 0.9750 | report 0.9762 | 60,000 images | 31 s"
    )
    assert json.loads(json.dumps(fact)) == {
        "name": "test accuracy", "value": pytest.approx(0.98), "at_least": 0.975, "at_most": None,
        "exactly": None, "report": 0.9762, "images": 60_000, "seconds": 31.4, "ok": True,
        "tier": "full", "data": "real",
    }  # fmt: skip


@pytest.mark.parametrize(
    "value, shown", [(3.14e-5, "3.1e-05"), (-0.0009, "-0.0009"), (0.001, "0.0010"), (0.0, "0.0000")]
)
def test_a_small_number_keeps_its_digits(claim, value, shown):
    _, line = claim(value, "small", at_least=-1)
    assert line == f"holds | small: {shown} | ≥ -1"


def test_a_claim_shows_what_it_was_told_and_no_more(claim):
    assert claim(0.98, "a", at_most=1)[1] == "holds | a: 0.9800 | ≤ 1"
    assert claim(7, "a", at_least=1, images=1_000)[1] == "holds | a: 7 | ≥ 1 | 1,000 images"
    assert claim(7, "a", at_least=1, seconds=2)[1] == "holds | a: 7 | ≥ 1 | 2 s"
    assert claim(7, "a", at_least=1, report=0)[1] == "holds | a: 7 | ≥ 1 | report 0"


def test_a_claim_takes_numpys_numbers_anywhere(claim):
    fact, _ = claim(
        np.float64(0.2),
        at_least=np.float32(0.1),
        at_most=np.float64(0.4),
        images=np.int64(9),
        seconds=np.float32(1.5),
    )
    assert json.loads(json.dumps(fact))["ok"] is True


def test_a_claim_about_no_number_fails_and_can_still_be_read_by_a_machine(claim):
    fact, line = claim(float("nan"), "test accuracy", at_least=0.975)
    assert line.startswith("NOT MET | test accuracy: nan | ")
    assert json.loads(json.dumps(fact, allow_nan=False))["value"] == "nan"


def test_a_claim_on_the_sample_says_so(claim, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "sample")
    data.load("mnist")
    fact, line = claim(0.9, at_least=0.5)
    assert fact["data"] == "sample" and line.endswith("on the built-in sample")


def test_start_seeds_forgets_earlier_data_and_says_what_it_runs_on(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "sample")
    data.load("mnist")
    drawn = []
    for _ in range(2):
        course.start(seed=3)
        drawn.append((np.random.random(), float(keras.random.uniform(()))))
    assert drawn[0] == drawn[1]
    course.start(seed=4)
    assert (np.random.random(), float(keras.random.uniform(()))) != drawn[0]
    assert course.loaded == {}
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("full tier · data: built-in sample · seed 3 · Keras ")


def test_start_names_no_path_of_this_machine(capsys, letters, tmp_path):
    course.start(seed=0)
    assert str(tmp_path) not in capsys.readouterr().out


def test_show_gives_the_source_of_a_helper_as_code():
    shown = course.show(models.dense_ann).data
    assert shown.startswith("```python\ndef dense_ann(") and shown.endswith("\n```")
