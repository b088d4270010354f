"""Marking: part by part, and a sentence only where that mistake gives the same values."""

import marking
import numpy as np
import pytest
from marking import Lost, Part, Question, same, show

REFERENCE = "def mean(numbers):\n    return [sum(numbers) / len(numbers), len(numbers)]"
WRONG = [
    {"wrong": "def mean(numbers):\n    return [sum(numbers), len(numbers)]", "says": "A sum."},
    {"wrong": "def mean(numbers):\n    return [max(numbers), 0]", "says": "A maximum."},
]
CASES = [([1.0, 2.0, 6.0],), ([4.0, 4.0],), ([-1.0, 0.5, 2.0, 2.5],)]
PARTS = {
    "mean": Part(3, lambda got, numbers: got[0]),
    "count": Part(1, lambda got, numbers: got[1]),
    "type": Part(1, lambda got, numbers: type(got[1]).__name__, needs="count"),
}


def marked(answer, parts=PARTS, reference=REFERENCE, cases=CASES):
    """The marks that an answer keeps, and what is said."""
    question = Question("mean", sum(part.marks for part in parts.values()), reference, WRONG, {})
    try:
        question.function(answer, cases, "notebook 03, means", parts)
    except Lost as lost:
        return lost.marks, str(lost)
    return question.marks, ""


def test_each_part_has_its_marks_and_its_sentence():
    assert marked(lambda numbers: (np.mean(numbers), len(numbers))) == (5, "")
    assert marked(lambda numbers: [sum(numbers), len(numbers)]) == (2, "A sum.")
    assert marked(lambda numbers: [max(numbers), 0]) == (0, "A maximum.")
    assert marked(lambda numbers: [sum(numbers), 0]) == (0, "A sum. A maximum.")


def test_a_sentence_is_given_only_where_that_mistake_gives_the_same_values():
    kept, said = marked(lambda numbers: [sum(numbers) + (len(numbers) == 4), len(numbers)])
    assert kept == 2
    example = "3 of 3 cases fail. One of them: mean([4, 4]), mean must give 4, and gave 8"
    assert said == f"{example} (notebook 03, means)."


def test_a_mistake_that_would_have_cost_what_is_right_is_not_named():
    kept, said = marked(lambda numbers: [max(numbers), len(numbers)])  # "A maximum." counts 0
    assert kept == 2
    assert said.startswith("2 of 3 cases fail. One of them: mean([1, 2, 6]), mean must give 3, ")


def test_a_part_counts_for_nothing_without_the_part_that_it_needs():
    assert marked(lambda numbers: [np.mean(numbers), 9])[0] == 3


def test_code_that_stops_is_quoted_once():
    kept, said = marked(lambda numbers: numbers[2])
    assert kept == 0 and said.count("Your code stopped with IndexError") == 1
    assert "has another form than the question asks for" in marked(lambda numbers: None)[1]


def test_an_answer_may_change_its_arguments_and_print():
    def mean(numbers):
        count = len(numbers)
        print(count)
        total = 0
        while numbers:
            total += numbers.pop()
        return [total / count, count]

    assert marked(mean) == (5, "")
    parts = PARTS | {"count": Part(1, lambda got, numbers: [got[1], numbers])}
    assert marked(mean, parts, cases=[([1.0, 5.0],)]) == (5, "")  # the parts see them unchanged


def test_marks_that_do_not_sum_up_and_a_reference_that_stops_are_refused():
    question = Question("mean", 4, REFERENCE, [], {})
    with pytest.raises(AssertionError, match="mean"):
        question.function(lambda numbers: 0, CASES, "", {"all": Part(5)})
    with pytest.raises(AssertionError, match="stops"):
        marked(lambda numbers: 0, reference="def mean(numbers):\n    return 1 / 0")


SAME = [
    (1, 1.0, True),
    ([1, 2], (1.0, 2.0000001), True),
    ([1, 2], np.array([1, 2.1]), False),
    (np.nan, float("nan"), True),
    (np.inf, -np.inf, False),
    ("a", "a", True),
    ("1", 1, False),
    (None, 0, False),
    ({"a": [1, "b"]}, {"a": (1, "b")}, True),
    ({"a": 1}, {"b": 1}, False),
    ([[1], [2, 3]], [[1], [2, 3]], True),
    ([1, 2, 3], 1, False),
    (np.zeros((2, 1)), np.zeros(2), False),
    (True, 1, True),
]


@pytest.mark.parametrize(("one", "other", "expected"), SAME)
def test_what_is_the_same_but_for_rounding(one, other, expected):
    assert same(one, other, 1e-5) == same(other, one, 1e-5) == expected


def test_values_are_shown_in_one_short_line():
    assert show({"a": [0.123456789, "b"], "c": (np.float32(2), None)}) == (
        "{'a': [0.12346, 'b'], 'c': (2, None)}"
    )
    assert show(np.arange(100.0).reshape(10, 10)) == "<array (10, 10) of float64: 0, 1, 2, …>"
    assert len(show("x" * 10_000)) == marking.LONGEST


def test_of_large_arrays_the_first_difference_is_named():
    reference = "def grid(n):\n    import numpy as np\n\n    return np.zeros((n, n))"

    def grid(n):
        made = np.zeros((n, n))
        made[2, 3] = 7
        return made

    with pytest.raises(Lost, match=r"grid\(9\) must give 0 at \[2, 3\], and gave 7 \(see\)"):
        Question("grid", 1, reference, [], {}).function(grid, [(9,)], "see")
