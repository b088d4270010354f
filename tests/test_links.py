"""Relative links in Markdown pages and in notebooks lead somewhere inside the repository."""

import posixpath
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import gates
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
LINKS = re.compile(
    r"""\]\(\s*<([^>\n]+)>                 # [text](<target with spaces>)
      | \]\(\s*([^\s()<>]+)                # [text](target "title"), ![text](target)
      | ^\ {0,3}\[[^\]\n]+\]:\s*<?([^\s>]+) # [name]: target
      | <(?:a|img)\b[^>]*?\b(?:href|src)\s*=\s*["']([^"']+)["']""",
    re.VERBOSE | re.MULTILINE,
)


def tracked(root):
    """Names of the files that git tracks or would track, relative to root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        command, cwd=root, capture_output=True, encoding="utf-8", check=True
    ).stdout
    return {name for name in listed.split("\0") if (root / name).is_file()}


NOTEBOOKS = {name for name in tracked(ROOT) if re.match(r"notebooks/.*\.ipynb$", name)}
MARKDOWN = {name for name in tracked(ROOT) if name.endswith(".md")}
PAGES = [ROOT / name for name in sorted(MARKDOWN | NOTEBOOKS)]


def markdown(path):
    """The Markdown of a .md file or of a notebook."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def targets(text):
    """The targets of all links and images, code left out, external ones left out."""
    text = re.sub(r"(`+)[^`].*?\1", "", gates.without_code_blocks(text))
    found = ["".join(groups) for groups in LINKS.findall(text)]
    return [target for target in found if not re.match(r"[a-zA-Z][\w+.-]*:|//", target)]


def anchors(path):
    """The anchors of a page's headings: GitHub's for .md, Jupyter's for a notebook."""
    marks = r"!?\[([^\]]*)\]\([^)]*\)|[`*]"  # of links, code and emphasis
    titles = [re.sub(marks, r"\1", title) for _, title in gates.headings(markdown(path))]
    if path.suffix == ".ipynb":
        return [title.replace(" ", "-") for title in titles]
    slugs = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
    repeats = [slugs[:n].count(slug) for n, slug in enumerate(slugs)]
    return [f"{slug}-{n}" if n else slug for slug, n in zip(slugs, repeats, strict=True)]


def bad_links(path, root):
    """Problems with the links of one page."""
    files = tracked(root)
    here = path.relative_to(root).parent.as_posix()
    problems = []
    for target in targets(markdown(path)):
        name, _, anchor = unquote(target).partition("#")
        file = posixpath.normpath(posixpath.join(here, name)) if name else path.relative_to(root)
        folder = any(other.startswith(f"{file}/") for other in files)
        if str(file) not in files and not folder:
            problems.append(f"{path.name}: {target}: expected a file that git tracks: {file}")
        elif anchor and not folder and anchor not in anchors(root / file):
            problems.append(f"{path.name}: {target}: expected a heading: {anchors(root / file)}")
    return problems


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    assert bad_links(path, ROOT) == []


@pytest.fixture
def repository(tmp_path):
    """A repository with a README, a picture, a notebook in a folder, and an ignored file."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("build/\n", encoding="utf-8")
    for name in ("a picture.png", "build/page.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "README.md").write_text(
        "# One & `two`\n\n## Part\n\n## Part\n\n```\n# No\n```\n", encoding="utf-8"
    )
    (tmp_path / "notebooks").mkdir()
    cells = [new_markdown_cell("# Your turn"), new_code_cell("# [text](in_code.md)")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks" / "01.ipynb")
    return tmp_path


GOOD = [
    "[a](notebooks/01.ipynb)",
    "[a](notebooks/)",
    "[a](./notebooks/01.ipynb#Your-turn)",
    "![a](<a picture.png>)",
    '[a](a%20picture.png "title")',
    "[a](#one--two) [b](#part) [c](#part-1)",
    "[a](https://nowhere.invalid/x.md) <mailto:a@b.invalid>",
    "`[a](gone.md)` and\n\n```\n[a](gone.md)\n```",
    "[a]\n\n[a]: notebooks/01.ipynb",
    '<img width="9" src="a picture.png">',
]
BAD = [
    "[a](gone.md)",
    "![a](gone.png)",
    "[a](notebooks/1.ipynb)",
    "[a](Notebooks/01.ipynb)",
    "[a](build/page.html)",
    "[a](../outside.md)",
    "[a](#part-2)",
    "[a](#no)",
    "[a](notebooks/01.ipynb#your-turn)",
    "[a]\n\n[a]: gone.md",
    '<img src="gone.png">',
    "[![a](a%20picture.png)](gone.md)",
]


@pytest.mark.parametrize("link", GOOD)
def test_a_good_link_is_accepted(repository, link):
    with (repository / "README.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{link}\n")
    assert bad_links(repository / "README.md", repository) == []


@pytest.mark.parametrize("link", BAD)
def test_a_bad_link_is_found(repository, link):
    with (repository / "README.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{link}\n")
    (problem,) = bad_links(repository / "README.md", repository)
    assert problem.startswith("README.md: ") and "expected a" in problem


def test_links_of_a_notebook_start_from_its_folder(repository):
    path = repository / "notebooks" / "02.ipynb"
    cells = [new_markdown_cell("[a](01.ipynb) [b](../README.md#part) [c](README.md) [d](gone.png)")]
    nbformat.write(new_notebook(cells=cells), path)
    assert len(bad_links(path, repository)) == 2
