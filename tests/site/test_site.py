"""The site is built from the committed notebooks: whole, no warning, no request that leaves it."""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import browsers
import gates
import nbformat
import prose
import pytest
import site_files
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

for package in ("sphinx", "myst_nb", "sphinx_book_theme"):
    pytest.importorskip(package, reason=f"{package} is not installed: the site cannot be built")

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
LOADS = {"script", "img", "iframe", "source", "video", "audio", "embed", "track", "object", "input"}
FETCHED = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "manifest"}
OUTSIDE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
IN_STYLE = re.compile(r"""(?:url\(|@import\s)\s*["']?([^"')\s;]+)""")


class Page(HTMLParser):
    """What a page links to, what a browser loads with it, and its anchors."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loaded, self.anchors, self.claims = [], [], set(), 0
        self.styles, self.in_style = [], False
        self.feed(path.read_text(encoding="utf-8"))
        self.loaded += IN_STYLE.findall(" ".join(self.styles))

    def handle_starttag(self, tag, attributes):
        found = {name: value or "" for name, value in attributes}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        self.claims += "claim" in found.get("class", "").split()
        self.in_style = tag == "style"
        self.styles.append(found.get("style", ""))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in LOADS:
            sources = [found.get(name, "") for name in ("src", "data", "poster")]
            sources += [part.split()[0] for part in found.get("srcset", "").split(",") if part]
            self.loaded += [source for source in sources if source]
        if tag == "link" and FETCHED & set(found.get("rel", "").split()):
            self.loaded.append(found["href"])

    def handle_data(self, data):
        if self.in_style:
            self.styles.append(data)

    def handle_endtag(self, tag):
        self.in_style = False


def problems(site):
    """What is wrong with the links and the parts of a site's pages."""
    pages = {
        path: Page(path) for path in sorted(site.glob("**/*.html")) if "_static" not in str(path)
    }
    found = []
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        for source in page.loaded:
            if OUTSIDE.match(source):
                found.append(f"{name} loads {source}; expected nothing from outside")
            elif not source.startswith("data:") and not there(path, source).exists():
                found.append(f"{name} loads {source}; expected a file of the site")
        for link in page.links:
            if OUTSIDE.match(link) or link.startswith(("mailto:", "javascript:")):
                continue
            target, anchor = there(path, link), unquote(link.partition("#")[2])
            if not target.is_file():
                found.append(f"{name} links to {link}; expected a file of the site")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                found.append(f"{name} links to {link}; expected such an anchor")
    for path in site.glob("**/*.css"):
        for source in IN_STYLE.findall(path.read_text(encoding="utf-8")):
            if OUTSIDE.match(source):
                found.append(f"{path.name} loads {source}; expected nothing from outside")
    return found


def there(path, link):
    """The file that a link on a page leads to."""
    name = unquote(re.split(r"[?#]", link)[0])
    return (path.parent / name).resolve() if name else path


# --- the whole site, built once ---------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The site as `make site` builds it, in a folder of its own, and what the build printed."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: the page to draw on cannot be built")
    folder = tmp_path_factory.mktemp("built")
    done = subprocess.run(
        [sys.executable, ROOT / "site" / "build.py", folder],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    return SimpleNamespace(site=folder / "site", printed=printed)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(built):
    assert "warning" not in built.printed.lower()
    assert (built.site / "index.html").is_file()


@pytest.mark.slow
def test_links_lead_somewhere_and_nothing_comes_from_outside(built):
    assert problems(built.site) == []


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_has_a_page_and_can_be_downloaded(built, path):
    page = built.site / "notebooks" / f"{path.stem}.html"
    nb = nbformat.read(path, as_version=4)
    assert Page(page).claims == len(gates.claims(nb))
    pictures = [one for cell in nb.cells for one in cell.get("outputs", []) if is_picture(one)]
    assert page.read_text(encoding="utf-8").count("<img ") >= len(pictures)
    assert (built.site / "_sources" / "notebooks" / path.name).read_bytes() == path.read_bytes()


def is_picture(output):
    return "image/png" in output.get("data", {})


@pytest.mark.slow
def test_map_and_results_name_every_notebook(built):
    for path in NOTEBOOKS:
        assert f"notebooks/{path.stem}.html" in Page(built.site / "map.html").links
    with_results = [path for path in NOTEBOOKS if reported(path)]
    assert with_results
    for path in with_results:
        assert f"notebooks/{path.stem}.html" in Page(built.site / "results.html").links


def reported(path):
    claims = gates.claims(nbformat.read(path, as_version=4))
    return any(claim.get("report") is not None for claim in claims)


@pytest.mark.slow
def test_searching_for_dropout_finds_the_notebooks_with_it(built):
    text = (built.site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(re.fullmatch(r"Search\.setIndex\((.*)\)", text, re.DOTALL)[1])
    found = set()
    for pages in (index["terms"]["dropout"], index["titleterms"]["dropout"]):
        found |= {index["docnames"][n] for n in (pages if isinstance(pages, list) else [pages])}
    with_it = {
        f"notebooks/{path.stem}" for path in NOTEBOOKS if re.search(r"\bdropout\b", words(path))
    }
    assert len(with_it) > 3 and with_it <= found


@pytest.mark.slow
def test_a_browser_finds_no_fault_in_the_pages_and_dropout_by_searching(built):
    tools = browsers.tools()
    script = Path(__file__).with_name("pages.mjs")
    pages = sorted(path.relative_to(built.site).as_posix() for path in built.site.rglob("*.html"))
    pages = [path for path in pages if not path.startswith("_")]
    *looked, search = browsers.javascript(
        tools, script, built.site, tools.modules, tools.browser, *pages
    )
    assert {one["name"]: one["problems"] for one in looked if one["problems"]} == {}
    assert len(looked) == len(pages) > len(NOTEBOOKS)
    assert "08 Reduce overfitting" in search["found"]


@pytest.mark.slow
def test_a_shown_source_stands_in_a_block_of_code(built):
    shown = 0
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        for output in [one for cell in cells for one in cell.get("outputs", [])]:
            source = output.get("data", {}).get("text/markdown", "")
            if name := re.match(r"```python\n(?:@.*\n)*(?:def|class) (\w+)", source):
                page = (built.site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
                assert re.search(
                    rf'<pre>(?:(?!</pre>).)*<span class="n[fc]">{name[1]}</span>', page, re.S
                )
                shown += 1
    assert shown > 10


@pytest.mark.slow
def test_the_front_door_is_described_from_its_docstrings(built):
    pages = {path.stem: Page(path) for path in (built.site / "api").glob("*.html")}
    expected = {"course.claim", "data.load", "models.dense_ann", "training.fit"}
    expected |= {"evaluation.Evaluation.confusion", "statistics.compare_settings"}
    for name in expected:
        assert f"helpers.{name}" in pages[name.partition(".")[0]].anchors


# --- what the tests above would find ----------------------------------------------------------

GOOD = [
    '<a href="other.html#here">a</a>',
    '<a href="#top">a</a><a href="">a</a>',
    '<a href="https://elsewhere.invalid/x">a</a>',
    '<img src="data:image/png;base64,AA">',
    '<script src="own.js?v=1"></script><link rel="stylesheet" href="own.css">',
    '<link rel="next" href="https://elsewhere.invalid/">',
]
BAD = [
    '<a href="gone.html">a</a>',
    '<a href="other.html#gone">a</a>',
    '<a href="#gone">a</a>',
    '<script src="https://elsewhere.invalid/x.js"></script>',
    '<script src="//elsewhere.invalid/x.js"></script>',
    '<link rel="stylesheet" href="https://elsewhere.invalid/x.css">',
    '<link rel="preconnect" href="https://elsewhere.invalid">',
    '<img src="gone.png">',
    '<img src="own.css" srcset="own.js 1x, http://elsewhere.invalid/x.png 2x">',
    '<p style="background: url(https://elsewhere.invalid/x.png)">',
    "<style>@import 'https://elsewhere.invalid/x.css';</style>",
]


@pytest.fixture
def site(tmp_path):
    """A site of two pages, a script and a style."""
    (tmp_path / "other.html").write_text('<h1 id="here">Other</h1>', encoding="utf-8")
    (tmp_path / "own.js").touch()
    (tmp_path / "own.css").touch()
    return tmp_path


@pytest.mark.parametrize("part", GOOD)
def test_a_good_part_is_accepted(site, part):
    (site / "index.html").write_text(f'<p id="top">{part}', encoding="utf-8")
    assert problems(site) == []


@pytest.mark.parametrize("part", BAD)
def test_a_bad_part_is_found(site, part):
    (site / "index.html").write_text(f'<p id="top">{part}', encoding="utf-8")
    (problem,) = problems(site)
    assert problem.startswith("index.html l") and "expected" in problem


def test_a_style_that_fetches_is_found(site):
    (site / "own.css").write_text("a { src: url('//elsewhere.invalid/x.woff') }", encoding="utf-8")
    assert len(problems(site)) == 1


# --- what a notebook becomes ------------------------------------------------------------------


@pytest.fixture(scope="module")
def conf():
    """The settings of Sphinx, as a module."""
    return site_files.load("conf")


def words(path):
    """The text of a notebook, in lower case, with single spaces."""
    cells = nbformat.read(path, as_version=4).cells
    text = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.sub(r"\s+", " ", text).lower()


def test_every_term_of_the_glossary_stands_in_the_notebook_that_it_names(conf):
    terms = conf.TERM.findall(conf.glossary())
    text = (ROOT / "site" / "glossary.md").read_text(encoding="utf-8")
    assert len(terms) == len(re.findall(r"^ {4}\S", text, re.MULTILINE)) >= 60
    texts = {path.stem: words(path) for path in NOTEBOOKS}
    missing = [(term, name) for term, name in terms if term.lower() not in texts.get(name, "")]
    assert missing == []


def test_a_notebook_gets_its_number_quiet_claims_and_described_figures(conf):
    claim = new_output("display_data", data={gates.CLAIM: {}, "text/plain": "holds | a < b | 1"})
    figure = new_output("display_data", data={"image/png": "AA=="})
    named = new_output("display_data", data={"image/png": "AA=="})
    nb = new_notebook(
        cells=[
            new_markdown_cell("# Try\n\n# Again"),
            new_code_cell(
                "claim()", outputs=[claim], metadata={"jupyter": {"source_hidden": True}}
            ),
            new_code_cell('plot(title="Three (3) digits")', outputs=[figure]),
            new_markdown_cell("*Each is a ring.* More."),
            new_code_cell("plot()", outputs=[named]),
        ]
    )
    conf.tidy(nb, "notebooks/05_try")
    title, quiet, first, _, second = nb.cells
    assert title.source == "# 05 Try\n\n# Again"
    assert quiet.outputs[0].data == {"text/html": '<p class="claim">holds · a &lt; b · 1</p>'}
    assert quiet.metadata.tags == ["hide-input"]
    assert first.metadata.mystnb.image.alt == "Three (3) digits. Each is a ring."
    assert second.metadata.mystnb.image.alt == prose.NAMELESS


def test_folded_cells_one_after_the_other_are_one_on_the_page(conf):
    folded = {"jupyter": {"source_hidden": True}}
    cells = [new_code_cell(name, metadata=folded) for name in "abc"]
    cells.insert(2, new_code_cell("seen"))
    cells[1].outputs = [new_output("stream", text="from b")]
    found = conf.joined(cells)
    assert [cell.source for cell in found] == ["a\n\nb", "seen", "c"]
    assert [output.text for output in found[0].outputs] == ["from b"]


@pytest.mark.parametrize(
    "second, summary",
    [
        ("holds | b", "2 claims hold"),
        ("NOT MET | b", "1 of 2 claims hold"),
        ("holds | a", "2 claims hold"),  # equal to the first
    ],
)
def test_several_claims_fold_to_one_line(conf, second, summary):
    claims = [
        new_output("display_data", data={gates.CLAIM: {"ok": ok}, "text/plain": text})
        for text, ok in (("holds | a", True), (second, second.startswith("holds")))
    ]
    printed = new_output("stream", text="besides")
    cell = new_code_cell("claims()", outputs=[claims[0], printed, claims[1]])
    conf.quieten(cell)
    assert cell.outputs[1:] == [printed]
    assert cell.outputs[0].data["text/html"] == (
        f'<details class="claims"><summary>{summary}</summary><p class="claim">holds · a</p>'
        f'<p class="claim">{second.replace(" | ", " · ")}</p></details>'
    )


def test_a_notebook_names_the_terms_that_it_introduces(conf, monkeypatch):
    entries = (
        "a thing\n    Is. [05](../notebooks/05_try.ipynb).\n\nother\n    (../notebooks/06.ipynb)."
    )
    monkeypatch.setattr(conf, "glossary", lambda: entries)
    nb = new_notebook(cells=[new_markdown_cell("# Try")])
    conf.tidy(nb, "notebooks/05_try")
    assert nb.cells[-1].source.endswith("{term}`a thing`")


FIRST = NOTEBOOKS[0].name
LINKS = {  # from the notebooks' folder
    f"[a]({FIRST})": f"[a](/notebooks/{FIRST})",
    f"[a]({FIRST}#One-rule:-for-all?)": f"[a](/notebooks/{FIRST}#one-rule-for-all)",
    "[a](#Your-turn)": "[a](#your-turn)",
    "[a](../README.md) [b](../README.md#data)": "[a](/index.md) [b](/index.md)",
    "[a](../site/data.md#two-settings)": "[a](/data.md#two-settings)",
    "[the plans](plans/) and [one](plans/notebook_03.py)": "the plans and one",
    "[a](gone.ipynb) [b]()": "[a](gone.ipynb) [b]()",
    "[a](https://elsewhere.invalid/#X)": "[a](https://elsewhere.invalid/#X)",
    "![a](plans/)": "![a](plans/)",
}


@pytest.mark.parametrize("text", LINKS)
def test_links_stay_in_the_site(conf, tmp_path, text):
    (tmp_path / "notebooks").mkdir()
    for name in (f"notebooks/{FIRST}", "index.md", "data.md"):
        (tmp_path / name).touch()
    assert conf.linked(text, "notebooks", tmp_path) == LINKS[text]


def test_a_docstring_links_its_notebook_and_names_no_type(conf):
    lines = ["Reads. Taught in notebook 00."]
    conf.docstring(None, "function", "f", None, None, lines)
    assert lines == [f"Reads. Taught in :doc:`notebook 00 </notebooks/{NOTEBOOKS[0].stem}>`."]
    lines = ["Images, integer (k, k): rows are true."]
    conf.docstring(None, "property", "f", None, None, lines)
    assert ":" not in lines[0] and lines[-1] == "Images, integer (k, k): rows are true."
