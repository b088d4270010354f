"""What Sphinx does beside its defaults; `make site` runs it, by site/build.py."""

import html
import os
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

from helpers.internals.claims import CLAIM

import gates
import nbformat
import prose

ROOT = Path(__file__).resolve().parents[1]

project = html_title = "Handwritten characters with neural networks"
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
extensions += ["sphinx.ext.mathjax", "sphinx-mathjax-offline"]  # MathJax from the site itself

nb_execution_mode = "off"  # the committed outputs are what is shown
nb_render_markdown_format = "myst"
nb_merge_streams = True
nb_code_prompt_show = nb_code_prompt_hide = "code"
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say more: shapes, ranges, units
autodoc_preserve_defaults = True  # 1 / 6, not 0.16666666666666666
maximum_signature_line_length = 60
add_module_names = False
toc_object_entries_show_parents = "hide"
napoleon_use_ivar = True

html_theme = "sphinx_book_theme"
html_theme_options = {
    "show_toc_level": 2,
    "navbar_persistent": [],  # else a second field to search in, above the first
    "footer_content_items": [],
    "max_navbar_depth": 1,  # what unfolds in the bar at the side has no name for a screen reader
}
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is
REPOSITORY = os.environ.get("GITHUB_REPOSITORY")  # GitHub's workflows say it; it can be launched
if REPOSITORY:
    html_theme_options |= {
        "repository_url": f"https://github.com/{REPOSITORY}",
        "repository_branch": "main",
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        },
    }
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/icon.svg"
html_domain_indices = False  # nobody looks for a module by name

LINK = re.compile(r"(?<!!)\[([^][]+)\]\((?![a-z]+:|\))([^)#\s]*)(#[^)\s]*)?\)")
TERM = re.compile(r"^(\S.*)\n {4}.*\(\.\./notebooks/(\w+)\.ipynb\)", re.MULTILINE)
DRAW = "/draw/index.html"
SIGNATURE = re.compile(r'<dl>\n(<dd><em class="sig-param">.*?)</dl>', re.DOTALL)


def setup(app):
    """Hang what follows into Sphinx."""
    app.connect("source-read", read)
    app.connect("autodoc-process-docstring", docstring, priority=400)  # before napoleon
    app.connect("html-page-context", accessible)


def read(app, docname, source):
    """Make a page of a file's text: notebooks tidied, links into the site."""
    folder = posixpath.dirname(docname if docname.startswith("notebooks/") else f"site/{docname}")
    if Path(app.env.doc2path(docname)).suffix == ".ipynb":
        nb = nbformat.reads(source[0], as_version=4)
        tidy(nb, docname)
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = linked(cell.source, folder, app.srcdir)
        source[0] = nbformat.writes(nb)
        return
    text = source[0].replace("OWNER/COURSE", REPOSITORY or "OWNER/COURSE")
    source[0] = linked(text, folder, app.srcdir)


def tidy(nb, docname):
    """Number the title, fold what Jupyter folds, quieten claims, say what figures and terms are."""
    name = posixpath.basename(docname)
    nb.cells[0].source = nb.cells[0].source.replace("# ", f"# {name[:2]} ", 1)
    prose.describe_figures(nb)
    nb.cells = joined(nb.cells)
    for cell in nb.cells:
        if gates.is_folded(cell):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                cell.metadata["mystnb"] = {"image": {"alt": output.metadata["image/png"]["alt"]}}
        quieten(cell)
    terms = [term for term, notebook in TERM.findall(glossary()) if notebook == name]
    if terms:
        line = " · ".join(f"{{term}}`{term}`" for term in terms)
        nb.cells.append(nbformat.v4.new_markdown_cell(f"**Introduced here:** {line}"))


def joined(cells):
    """The cells, each run of folded ones made one."""
    found = []
    for cell in cells:
        if found and gates.is_folded(cell) and gates.is_folded(found[-1]):
            found[-1].source += f"\n\n{cell.source}"
            found[-1].outputs += cell.outputs
        else:
            found.append(cell)
    return found


def quieten(cell):
    """A cell's claim becomes a quiet line; several fold to one line that counts them."""
    claims = [output for output in cell.get("outputs", []) if CLAIM in output.get("data", {})]
    if not claims:
        return
    texts = [claim.data["text/plain"].replace(" | ", " · ") for claim in claims]
    lines = "".join(f'<p class="claim">{html.escape(text)}</p>' for text in texts)
    if len(claims) > 1:
        hold = sum(bool(claim.data[CLAIM]["ok"]) for claim in claims)
        count = len(claims) if hold == len(claims) else f"{hold} of {len(claims)}"
        lines = f'<details class="claims"><summary>{count} claims hold</summary>{lines}</details>'
    others = set(map(id, claims[1:]))  # two claims may be equal
    cell.outputs = [output for output in cell.outputs if id(output) not in others]
    claims[0].data = {"text/html": lines}


def glossary():
    """The text of the glossary."""
    return (ROOT / "site" / "glossary.md").read_text(encoding="utf-8")


def linked(text, folder, srcdir):
    """Markdown whose links stay in the site: what it has no page of is named, not linked.

    `folder` is that of the page in the repository.
    """

    def replaced(match):
        label, target, anchor = match.groups(default="")
        page = ""
        if target:
            path = posixpath.normpath(posixpath.join(folder, unquote(target)))
            if path == "README.md":  # other headings than the front page
                return f"[{label}](/index.md)"
            page = f"/{path.removeprefix('site/')}"
            if page == DRAW:  # no page of Sphinx's
                here = re.sub("^site/?", "/", folder) if folder.startswith("site") else f"/{folder}"
                return f'<a href="{posixpath.relpath(page, here)}">{label}</a>'
            if not (Path(srcdir) / page[1:]).is_file():
                return label if (ROOT / path).exists() else match[0]
        slug = re.sub(r"[^\w -]", "", unquote(anchor).lower()).replace(" ", "-")
        return f"[{label}]({page}{'#' * bool(anchor)}{slug})"

    return LINK.sub(replaced, text)


def docstring(app, what, name, obj, options, lines):
    """Link the notebook that a docstring names; keep napoleon from reading a text as a type."""
    for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"):
        link = f":doc:`notebook {path.name[:2]} </notebooks/{path.stem}>`"
        lines[:] = [re.sub(rf"\bnotebook {path.name[:2]}\b", link, line) for line in lines]
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]  # else what stands before a colon in the first line is the type


def accessible(app, pagename, templatename, context, doctree):
    """Mend what a screen reader or a keyboard stumbles over in the pages that Sphinx makes.

    A signature's lines are no list of definitions; a button's name is what stands on it; a figure
    that a phone moves sideways can be moved by keys.
    """
    if "body" not in context:  # the page to search on
        return
    body = SIGNATURE.sub(
        lambda found: f"<div>{found[1].replace('dd>', 'div>')}</div>", context["body"]
    )
    body = body.replace(' aria-label="Toggle hidden content"', "")
    figure = '<div class="cell_output docutils container">\n<img'
    context["body"] = body.replace(figure, figure.replace(">\n", ' tabindex="0">\n'))
