"""README.md and the site's map and results say what the committed notebooks claim."""

import gates
import nbformat
import pytest
import results
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

PERCENT = "\N{NO-BREAK SPACE}%"
PAGES = {"README.md": "results", "site/map.md": "map", "site/results.md": "results"}
TEXT = "# Page\n\n<!-- {0} -->\nold\n<!-- end of {0} -->\n\nEnd.\n"


def notebook(path, title, *claims, seconds=200.0):
    """Write a notebook whose only code cell shows these claims, and which took so many seconds."""
    claims = [new_output("display_data", data={gates.CLAIM: claim}) for claim in claims]
    opening = (
        f"# {title}\n\n[a](09_no.ipynb)\n\n## What you will do\n\nYou look\nand learn.\n\n"
        "## What you need\n\n[x](01_meet.ipynb), [y](00_start.ipynb).\n\n"
        "## Question\n\n[z](03_no.ipynb)"
    )
    cells = [new_markdown_cell(opening), new_code_cell("claim()", outputs=claims)]
    nb = new_notebook(cells=cells, metadata={"course": {"seconds": seconds}})
    nbformat.write(nb, path)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Pages with marks and two notebooks; three of their five claims belong in the tables."""
    for page, mark in PAGES.items():
        (tmp_path / page).parent.mkdir(exist_ok=True)
        (tmp_path / page).write_text(TEXT.format(mark), encoding="utf-8")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    accuracy = {"name": "test accuracy", "value": 0.97981, "at_least": 0.97, "report": 0.9762}
    accuracy.update(at_most=None, exactly=None, images=60000, seconds=41.26, ok=True)
    plain = {"name": "a fact", "value": 7, "exactly": 7, "report": None, "ok": True}
    count = {"name": "parameters", "value": 8, "exactly": 8, "report": 7, "ok": True}
    notebook(folder / "02_train.ipynb", "Train a network", accuracy, plain, count, seconds=20.0)
    loss = {"name": "loss | mean", "value": 0.012345, "at_most": 0.1, "images": 50, "ok": True}
    bound = {"name": "a difference", "value": 0.1, "at_least": 0.01, "ok": True}
    notebook(folder / "01_meet.ipynb", "Meet the digits", loss, bound)
    notebook(folder / "notes.ipynb", "Not a part", accuracy)
    monkeypatch.setattr(results, "HEADLINES", {"test accuracy": "digits", "a difference": "gain"})
    return tmp_path


def test_each_notebook_has_a_table_of_its_claims_with_images_or_a_reported_figure(root):
    head = ["", "| what | report | ours | images | seconds |", "|---|--:|--:|--:|--:|"]
    assert results.results(root).splitlines() == [
        "## [01 Meet the digits](../notebooks/01_meet.ipynb)",
        *head,
        "| loss \\| mean | – | 0.01235 | 50 | – |",
        "",
        "## [02 Train a network](../notebooks/02_train.ipynb)",
        *head,
        f"| test accuracy | 97.62{PERCENT} | 97.98{PERCENT} | 60,000 | 41 |",
        "| parameters | 7 | 8 | – | – |",
    ]


def test_map_says_of_each_notebook_what_one_does_its_minutes_and_what_it_builds_upon(root):
    upon = "[01](../notebooks/01_meet.ipynb), [00](../notebooks/00_start.ipynb)"
    assert results.course_map(root).splitlines()[2:] == [
        f"| [{title}](../notebooks/{file}) | You look and learn. | 1 | {minutes} | {upon} |"
        for title, file, minutes in (
            ("01 Meet the digits", "01_meet.ipynb", 3),
            ("02 Train a network", "02_train.ipynb", 1),
        )
    ]


def test_the_front_page_states_its_results_as_shares_beside_the_reports(root):
    assert results.headlines(root).splitlines()[2:] == [
        f"| digits | 97.62{PERCENT} | 97.98{PERCENT} | [02](notebooks/02_train.ipynb) |",
        f"| gain | – | 10.00{PERCENT} | [01](notebooks/01_meet.ipynb) |",
    ]


def test_numbers_in_a_pages_text_are_those_of_the_claims_that_it_names(root):
    text = "gains <!--= a difference :: .0p -->5<!--/--> points"
    assert results.numbered(text, root) == text.replace("5", "10")
    assert results.numbered("no number", root) == "no number"


@pytest.mark.parametrize("name", ["gone", "twice"])
def test_a_number_that_is_not_one_claims_is_an_error(root, name):
    twice = {"name": "twice", "value": 0.5, "ok": True}
    notebook(root / "notebooks" / "03_more.ipynb", "More", twice, twice)
    with pytest.raises(ValueError, match=f"'{name}'.*each to be made once"):
        results.numbered(f"<!--= {name} :: .0p -->5<!--/-->", root)


@pytest.mark.parametrize(("name", "times"), [("gone", 0), ("twice", 2)])
def test_a_result_of_the_front_page_that_is_not_claimed_once_is_an_error(
    root, monkeypatch, name, times
):
    twice = {"name": "twice", "value": 0.5, "ok": True}
    notebook(root / "notebooks" / "03_more.ipynb", "More", twice, twice)
    monkeypatch.setattr(results, "HEADLINES", {name: "something"})
    with pytest.raises(ValueError, match=f"'{name}', which {times} notebooks make"):
        results.main(check=False, root=root)


@pytest.mark.parametrize(
    ("value", "name", "shown"),
    [
        (0.5, "Accuracy after training", f"50.00{PERCENT}"),
        (1, "accuracy", f"100.00{PERCENT}"),
        (97.5, "accuracy in points", "97.5"),
        (0.5, "loss", "0.5"),
        (473631, "parameters", "473,631"),
        (None, "accuracy", "–"),
        ("C", "letter", "C"),
    ],
)
def test_numbers_are_shown_for_readers(value, name, shown):
    assert results.number(value, name) == shown


@pytest.mark.parametrize("stale", PAGES)
def test_check_notices_a_stale_page_and_writing_mends_it(root, capsys, stale):
    results.main(check=False, root=root)
    old = TEXT.format(PAGES[stale])
    (root / stale).write_text(old, encoding="utf-8")
    capsys.readouterr()
    assert results.main(check=True, root=root) == 1
    error = capsys.readouterr().err
    assert "make results" in error and [page for page in PAGES if page in error] == [stale]
    assert (root / stale).read_text(encoding="utf-8") == old
    assert results.main(check=False, root=root) == 0
    assert results.main(check=True, root=root) == 0
    text = (root / stale).read_text(encoding="utf-8")
    assert text.startswith(f"# Page\n\n<!-- {PAGES[stale]} -->\n") and "old" not in text
    assert text.endswith(f"\n<!-- end of {PAGES[stale]} -->\n\nEnd.\n")
    names = ["README.md", "notebooks", "site"]
    assert sorted(path.name for path in root.iterdir()) == names


@pytest.mark.parametrize("text", ["none", "<!-- results -->", "<!-- end of results -->"])
def test_a_page_without_marks_is_an_error_and_nothing_is_written(root, text):
    (root / "README.md").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="lacks the marks of its results"):
        results.main(check=False, root=root)
    assert (root / "README.md").read_text(encoding="utf-8") == text
    assert (root / "site/map.md").read_text(encoding="utf-8") == TEXT.format("map")


def test_the_committed_pages_are_up_to_date():
    assert results.main(check=True) == 0


def test_the_front_page_is_short_and_names_both_commands_at_its_top():
    lines = (results.ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 100
    assert {"make course", "make test"} <= {line.partition("#")[0].strip() for line in lines[:20]}
