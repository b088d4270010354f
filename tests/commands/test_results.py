"""The results table of README.md says what the committed notebooks claim."""

import gates
import nbformat
import pytest
import results
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

PERCENT = "\N{NO-BREAK SPACE}%"
MARKS = ("<!-- map -->", "<!-- end of map -->", "<!-- results -->", "<!-- end of results -->")
README = "# Course\n\n{}\nold\n{}\n\n{}\nold\n{}\n\nEnd.\n".format(*MARKS)


def notebook(path, title, *claims, seconds=200.0):
    """Write a notebook whose only code cell shows these claims, and which took so many seconds."""
    claims = [new_output("display_data", data={gates.CLAIM: claim}) for claim in claims]
    opening = f"# {title}\n\n## What you will do\n\nYou look\nand learn.\n\n## What you need"
    cells = [new_markdown_cell(opening), new_code_cell("claim()", outputs=claims)]
    nb = new_notebook(cells=cells, metadata={"course": {"seconds": seconds}})
    nbformat.write(nb, path)


@pytest.fixture
def root(tmp_path):
    """A README with marks and two notebooks; three of their five claims belong in the table."""
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
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
    return tmp_path


def test_table_has_a_row_for_each_claim_with_images_or_a_reported_figure(root):
    meet = "[01 Meet the digits](notebooks/01_meet.ipynb)"
    train = "[02 Train a network](notebooks/02_train.ipynb)"
    assert results.results(root).splitlines()[2:] == [
        f"| {meet} | loss \\| mean | – | 0.01235 | 50 | – |",
        f"| {train} | test accuracy | 97.62{PERCENT} | 97.98{PERCENT} | 60,000 | 41 |",
        f"| {train} | parameters | 7 | 8 | – | – |",
    ]


def test_map_has_a_row_for_each_notebook_with_its_opening_sentence_and_minutes(root):
    assert results.course_map(root).splitlines()[2:] == [
        "| [01 Meet the digits](notebooks/01_meet.ipynb) | You look and learn. | 3 |",
        "| [02 Train a network](notebooks/02_train.ipynb) | You look and learn. | 1 |",
    ]


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


def test_check_notices_a_stale_readme_and_writing_mends_it(root, capsys):
    assert results.main(check=True, root=root) == 1
    assert "make results" in capsys.readouterr().err
    assert (root / "README.md").read_text(encoding="utf-8") == README
    assert results.main(check=False, root=root) == 0
    assert results.main(check=True, root=root) == 0
    text = (root / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# Course\n\n<!-- map -->\n| notebook |")
    assert text.endswith("|\n<!-- end of results -->\n\nEnd.\n") and "old" not in text
    assert sorted(path.name for path in root.iterdir()) == ["README.md", "notebooks"]


@pytest.mark.parametrize("text", ["none", "<!-- results -->", "<!-- end of results -->"])
def test_a_readme_without_marks_is_an_error(root, text):
    (root / "README.md").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="lacks the marks"):
        results.main(check=False, root=root)
    assert (root / "README.md").read_text(encoding="utf-8") == text


def test_the_committed_readme_is_up_to_date():
    assert results.main(check=True) == 0
