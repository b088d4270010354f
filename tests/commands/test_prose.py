"""Numbers in a notebook's text are its claims', or somebody's."""

import gates
import prose
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output


def notebook(text, code="rate = 0.25", **claims):
    """A notebook with a text, a code cell, and claims' values by their names."""
    outputs = [
        new_output("display_data", data={gates.CLAIM: {"name": name, "value": value}})
        for name, value in claims.items()
    ]
    cell = new_code_cell(code, outputs=outputs)
    return new_notebook(cells=[new_markdown_cell(text), cell], metadata={"course": {"seconds": 95}})


@pytest.mark.parametrize(
    "value, how, text",
    [
        (0.97791, ".2%", "97.79\N{NO-BREAK SPACE}%"),
        (-0.0037, ".2p", "−0.37"),
        (473631, ",", "473,631"),
        (2.5049, ".1f", "2.5"),
    ],
)
def test_a_marked_number_is_written_from_its_claim(value, how, text):
    nb = notebook(f"it is <!--= a b :: {how} -->?<!--/--> here", **{"a b": value})
    assert prose.stale_text(nb) != []
    assert prose.write_numbers(nb) == []
    assert nb.cells[0].source == f"it is <!--= a b :: {how} -->{text}<!--/--> here"
    assert prose.stale_text(nb) == []


def test_minutes_are_written_from_the_stamp_and_the_words():
    nb = notebook("<!--= minutes to compute :: , -->?<!--/-->", code=" ".join(["word"] * 599))
    prose.write_numbers(nb)
    assert "-->2<!--/-->" in nb.cells[0].source  # 95 seconds
    assert prose.facts(nb)["minutes to read"] == 4  # 600 words


def lesson(cells=60, words=3000, code=10, seconds=600):
    """A notebook of so many cells in view, words of text, words of code, seconds."""
    formula_and_words = "$a + b$ " + "word " * (words - 4)
    solution = "<details><summary>An answer</summary>\n\n```python\nx = 1\n```\n\n</details>"
    texts = [formula_and_words, solution, *[""] * (cells - 3)]
    folded = new_code_cell("x = 1", metadata={"jupyter": {"source_hidden": True}})
    shown = [*map(new_markdown_cell, texts), new_code_cell("one " * code)]
    return new_notebook(cells=[*shown, folded], metadata={"course": {"seconds": seconds}})


def test_a_notebook_as_long_as_a_lesson_may_be_is_one():
    assert prose.more_than_a_lesson(lesson()) == []


@pytest.mark.parametrize(
    "longer, found",
    [
        ({"cells": 61}, "61 cells; expected at most 60"),
        ({"words": 3001}, "3,001 words of text; expected at most 3,000"),
        ({"words": 2000, "code": 5000}, "47 minutes to read; expected at most 45"),
        ({"seconds": 700}, "12 minutes to compute; expected at most 10"),
    ],
)
def test_a_longer_one_is_two_lessons(longer, found):
    (problem,) = prose.more_than_a_lesson(lesson(**longer))
    assert problem.startswith(found) and "make two lessons of it" in problem


def test_a_name_that_no_claim_has_is_a_problem():
    nb = notebook("<!--= no such :: .2% -->1<!--/-->", other=0.5)
    assert "'no such'" in prose.write_numbers(nb)[0] and "'other'" in prose.write_numbers(nb)[0]


@pytest.mark.parametrize(
    "text",
    [
        "It reads 97.8 % of them.",
        "A loss of .43 is left.",
        "That takes 61 times as long.",
        "Behind by −.17 points, more than in notebook 07.",
        "- first 12 seconds\n- then none",
    ],
)
def test_a_number_out_of_nowhere_is_found(text):
    (problem,) = prose.unsourced_numbers(notebook(text))
    assert "which neither a claim nor a source supports" in problem


@pytest.mark.parametrize(
    "text",
    [
        "<!--= a :: .2% -->97.79 %<!--/--> of them, in 3 seeds on 28 × 28 pixels",
        "Report A states 94.7 %.",
        "99.77 % (arXiv:1202.2745)",
        "dropout of .25, that is 25 %",
        "`0.913` and $0.5 x^{2.5}$",
        "```\n0.77\n```",
        "as [0.5] says, [24] too",
        "97 % of them, as the report says, with its 95 % interval",
        "<details>\n\nIt is .913 here.\n\n</details>",
    ],
)
def test_a_number_with_a_claim_a_source_or_a_setting_is_fine(text):
    code = "rate, half = 0.25, 0.5\ncourse.claim('a', value, at_least=0.9)"
    assert prose.unsourced_numbers(notebook(text, code)) == []


def test_the_bound_of_a_claim_supports_nothing():
    nb = notebook("more than .9", "course.claim('a', value, at_least=0.9)")
    assert len(prose.unsourced_numbers(nb)) == 1


PICTURE = new_output("display_data", data={"image/png": "iVBO", "text/plain": "<Figure>"})


def with_figure(below):
    """A notebook with a figure, a text below it, and a folded cell of claims."""
    folded = new_code_cell("course.claim()", metadata={"jupyter": {"source_hidden": True}})
    drawn = new_code_cell('plots.maps(x, title="Filters")', outputs=[PICTURE])
    return new_notebook(cells=[drawn, new_markdown_cell(below), folded])


def test_a_picture_says_its_title_and_caption_to_those_who_do_not_see_it():
    nb = with_figure("*Darker is\nlarger by <!--= so\ndark :: , -->3<!--/-->.* More.")
    prose.describe_figures(nb)
    alt = nb.cells[0].outputs[0].metadata["image/png"]["alt"]
    assert alt == "Filters. Darker is larger by 3."
    assert prose.figures_without_caption(nb) == []


def test_a_picture_whose_caption_changed_since_has_a_stale_text_until_it_is_written():
    nb = with_figure("*Darker is larger.*")
    prose.refresh(nb)
    assert prose.stale_text(nb) == []
    nb.cells[1].source = "*Darker is smaller.*"
    (problem,) = prose.stale_text(nb)
    assert problem.startswith("a picture's text (alt) of cell 0")
    assert "larger" in nb.cells[0].outputs[0].metadata["image/png"]["alt"]  # looked at alone


@pytest.mark.parametrize(
    "code, caption, alt",
    [
        ('plots.maps(x, title="Is it so?")', "*It is.*", "Is it so? It is."),
        ('fig, ax = style.figure(2.8, "A test", width=7)', "*It rose*", "A test. It rose."),
        ("plots.maps(x)", "*It rose.* So", "It rose."),
        ('fig, axes = style.epoch_panels("Loss")', "None.", "Loss."),
        ('print("a", title="A title")', "none", "A title."),
    ],
)
def test_title_and_caption_are_sentences(code, caption, alt):
    nb = with_figure(caption)
    nb.cells[0].source = code
    prose.describe_figures(nb)
    assert nb.cells[0].outputs[0].metadata["image/png"]["alt"] == alt


@pytest.mark.parametrize("below", ["No caption.", "**Bold** is none.", "Not *first*."])
def test_a_figure_without_a_caption_is_found(below):
    (problem,) = prose.figures_without_caption(with_figure(below))
    assert "figure of cell 1 has no caption" in problem


def test_claims_between_a_figure_and_its_caption_are_found():
    nb = with_figure("*Darker is larger.*")
    nb.cells.insert(1, nb.cells.pop())
    (problem,) = prose.figures_without_caption(nb)
    assert "figure of cell 1 has no caption" in problem


def test_a_line_that_begins_with_a_number_of_a_claim_is_found():
    marked = "<!--= gain :: .2f -->0.28<!--/-->"
    assert prose.torn_paragraphs(notebook(f"It gains {marked} points\nand {marked} more.")) == []
    found = prose.torn_paragraphs(notebook(f"It gains\n{marked} points."))
    assert ["begins with <!--=" in one for one in found] == [True]


@pytest.mark.parametrize("line", ["what is $t$?", "call `fit`?", "*so*?"])
def test_a_folded_line_with_marks_that_a_web_page_shows_is_found(line):
    folded = "<details><summary>{}</summary>\n\n$t$ is `4`.\n\n</details>"
    (problem,) = prose.marked_summaries(notebook(folded.format(line)))
    assert problem.startswith(f"cell 0 folds {line!r}")
    assert prose.marked_summaries(notebook(folded.format("what is <i>t</i>?"))) == []


def test_the_solutions_of_exercises_are_found_and_no_other_code():
    fenced = "```python\n{}\n```"
    question = f"<details><summary>Question</summary>\n\n{fenced.format('q')}\n\n</details>"
    solved = [
        f"<details><summary>Solution</summary>\n\n{fenced.format(code)}\n\nSo.\n\n</details>"
        for code in ("x = 1\ny = 2", "z = 3")
    ]
    text = "\n\n".join([fenced.format("shown"), question, *solved])
    assert prose.solutions(notebook(text)) == ["x = 1\ny = 2\n", "z = 3\n"]


ASKED = "<details><summary>Question: why?</summary>\n\nSo.\n\n</details>"


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["## Read\n\nIt reads.", ASKED], 0),
        (["## Read", "It reads."], 1),
        (["## Read", f"## Next\n\n{ASKED}"], 1),  # asked too late
        (["## Read", "```python\n## no heading\n```\n\n" + ASKED], 0),
        (["## Read", ASKED.replace("Question", "Solution")], 1),
        (["## Your turn", "Try."], 0),
        (["## Going further: more", "Try."], 0),
    ],
)
def test_a_section_with_code_that_asks_nothing_is_found(texts, found):
    cells = [new_markdown_cell(texts[0]), new_code_cell("1 + 1"), new_markdown_cell(texts[1])]
    folded = new_code_cell("x = 1", metadata={"jupyter": {"source_hidden": True}})
    cells += [new_markdown_cell("## Only text"), folded]
    problems = prose.sections_without_question(new_notebook(cells=cells))
    assert len(problems) == found
    assert all("'Read' shows code and asks nothing" in problem for problem in problems)


def test_an_opening_without_minutes_is_found():
    reading, computing = (
        f"<!--= minutes to {what} :: , -->1<!--/-->" for what in ("read", "compute")
    )
    assert prose.minutes_unsaid(notebook(f"About {reading} and {computing}.")) == []
    (problem,) = prose.minutes_unsaid(notebook(f"About {reading}."))
    assert "does not say its minutes to compute" in problem


@pytest.mark.parametrize(("title", "found"), [("Sizes of all", 0), ("Sizes: {sizes}", 1)])
def test_a_title_that_is_code_is_no_text_for_a_picture(title, found):
    nb = notebook("", code=f'style.figure(3, f"{title}")')
    nb.cells[1].outputs = [new_output("display_data", data={"image/png": "aGk="})]
    assert len(prose.titles_with_code(nb)) == found
