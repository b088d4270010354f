"""Text is read and written as UTF-8 on every system: ruff's PLW1514 cannot see all such calls."""

import ast
from pathlib import Path

import gates
import nbformat

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(
    path
    for folder in ("helpers", "notebooks", "site", "tests")
    for suffix in ("py", "ipynb")
    for path in (ROOT / folder).glob(f"**/*.{suffix}")
)


def trees(path):
    """The syntax trees of a file, or of a notebook's cells."""
    if path.suffix == ".py":
        return [ast.parse(path.read_text(encoding="utf-8"))]
    return [gates.syntax(cell) for _, cell in gates.code_cells(nbformat.read(path, as_version=4))]


def without_encoding(tree):
    """The calls that read or write text in whatever encoding the machine has, as code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, options = node.func.attr, {keyword.arg for keyword in node.keywords}
            text = name in ("read_text", "write_text") or (
                name in ("run", "Popen", "check_output")
                and options & {"text", "universal_newlines"}
            )
            if text and not options & {"encoding", None}:  # None: **options may say it
                yield ast.unparse(node)


def test_text_is_read_and_written_with_its_encoding():
    found = {
        path.relative_to(ROOT).as_posix(): calls
        for path in FILES
        if (calls := [call for tree in trees(path) for call in without_encoding(tree)])
    }
    assert found == {}, 'expected encoding="utf-8" in each of these calls: add it'


def test_a_call_without_an_encoding_is_found():
    bad = ["a.read_text()", "a.write_text('b')", "s.run(a, text=True)", "s.Popen(a, text=True)"]
    good = ["a.read_text(encoding='utf-8')", "s.run(a, text=True, encoding='utf-8')", "s.run(a)"]
    tree = ast.parse("\n".join(bad + good))
    assert sorted(without_encoding(tree)) == sorted(bad)
