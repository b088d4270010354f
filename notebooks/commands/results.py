"""Write what the notebooks claim into README.md and two pages of the site ("make results").

`results.py --check` writes nothing and exits 1 where one of them is not up to date.
"""

import re
import sys
from pathlib import Path

from helpers.internals import files

import gates
import nbformat
import prose

ROOT = Path(__file__).resolve().parents[2]
NEEDED = re.compile(r"\]\(((\d\d)_\w+\.ipynb)\)")
HEADLINES = {
    "report B's version 3, test accuracy": "report B's largest network reads digits",
    "course's final network, test accuracy": "the course's convolutional network reads digits",
    "ensemble, mnist, test accuracy": "four networks together read digits",
    "ensemble, emnist/letters, test accuracy": "four networks together read letters",
    "ensemble, emnist/balanced, test accuracy": "four networks together read 47 characters",
    "ensemble, emnist/bymerge, test accuracy": "the same 47, as frequent as people write them",
    "own photographs, EMNIST's way, merged": "one network reads photographed characters of others",
    "pages, words right": "words on photographed pages, read as words",
}
"""The front page's results: the name of a claim, a share, and how the page says it."""


def number(value, name):
    """A number for readers: shares called accuracy as percent, whole numbers with commas."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if "accuracy" in name.lower() and 0 <= value <= 1:
        return f"{value * 100:.2f}\N{NO-BREAK SPACE}%"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def notebooks(root):
    """The numbered notebooks, in order: each one's file, its number and title, its content."""
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        nb = nbformat.read(path, as_version=4)
        title = next((text for level, text in gates.headings(nb) if level == 1), path.stem)
        yield path.name, f"{path.name[:2]} {title}", nb


def rows(nb):
    """Table rows of one notebook: its claims about a training, or beside a report's figure."""
    for claim in gates.claims(nb):
        if claim.get("report") is None and claim.get("images") is None:
            continue
        name, seconds = claim["name"], claim.get("seconds")
        yield [
            name.replace("|", r"\|"),
            number(claim.get("report"), name),
            number(claim["value"], name),
            number(claim.get("images"), ""),
            "–" if seconds is None else f"{seconds:,.0f}",
        ]


def results(root=ROOT):
    """The page of results, as Markdown: a table for each notebook that has some."""
    head = "| what | report | ours | images | seconds |\n|---|--:|--:|--:|--:|"
    parts = []
    for file, title, nb in notebooks(root):
        lines = [f"| {' | '.join(row)} |" for row in rows(nb)]
        if lines:
            parts.append("\n".join([f"## [{title}](../notebooks/{file})\n", head, *lines]))
    return "\n\n".join(parts)


def course_map(root=ROOT):
    """The map, as Markdown: each notebook, what one does there, its minutes, what it needs."""
    lines = ["| notebook | what you will do | to read | to compute | builds upon |"]
    lines.append("|---|---|--:|--:|---|")
    for file, title, nb in notebooks(root):
        text = "\n".join(cell.source for cell in nb.cells[:3])
        doing = text.partition("What you will do\n")[2].partition("##")[0]
        needs = NEEDED.findall(text.partition("## What you need")[2].partition("\n## ")[0])
        facts = prose.facts(nb)
        minutes = (facts.get(f"minutes to {what}", "–") for what in ("read", "compute"))
        upon = ", ".join(f"[{other}](../notebooks/{name})" for name, other in needs)
        link = f"[{title}](../notebooks/{file})"
        doing = " ".join(doing.split())
        lines.append(f"| {link} | {doing} | {' | '.join(map(str, minutes))} | {upon} |")
    return "\n".join(lines)


def claimed(names, root):
    """Claims by their names: dict name → the notebook's file, the claim.

    Raises ValueError where a name is not that of one claim.
    """
    claims = [(file, claim) for file, _, nb in notebooks(root) for claim in gates.claims(nb)]
    found = {name: [one for one in claims if one[1]["name"] == name] for name in names}
    for name, ones in found.items():
        if len(ones) != 1:
            raise ValueError(
                f"a page states the claim {name!r}, which {len(ones)} notebooks make; expected "
                "each to be made once: execute it (make outputs), or mend the name, in HEADLINES "
                "in results.py or in the page"
            )
    return {name: ones[0] for name, ones in found.items()}


def headlines(root=ROOT):
    """The front page's results, as Markdown. Raises ValueError where a claim is not there once."""
    lines = ["| result | report | here | notebook |", "|---|--:|--:|---|"]
    for name, (file, claim) in claimed(HEADLINES, root).items():
        shares = (number(claim.get(key), "accuracy") for key in ("report", "value"))
        link = f"[{file[:2]}](notebooks/{file})"
        lines.append(f"| {HEADLINES[name]} | {' | '.join(shares)} | {link} |")
    return "\n".join(lines)


def numbered(text, root):
    """A page's text, its marked numbers written from the claims that they name.

    Raises ValueError where a name is not that of one claim.
    """
    named = {match["name"] for match in prose.NUMBER.finditer(text)}
    known = claimed(named, root) if named else {}
    return prose.with_numbers(text, {name: claim["value"] for name, (_, claim) in known.items()})


PAGES = {
    "README.md": ("results", headlines),
    "site/map.md": ("map", course_map),
    "site/results.md": ("results", results),
}
"""What is written: file → the mark in it, and what stands there."""


def updated(page, root=ROOT):
    """A page's text as it should be. Raises ValueError without its marks."""
    mark, content = PAGES[page]
    text = numbered((root / page).read_text(encoding="utf-8"), root)
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise ValueError(
            f"{page} lacks the marks of its {mark}; expected a line {begin} and after it "
            f"a line {end}: add both, then run make results"
        )
    return f"{before}{begin}\n{content(root)}\n{end}{after}"


def main(check, root=ROOT):
    """Write the pages, or only look whether they are up to date; returns an exit status."""
    texts = {page: updated(page, root) for page in PAGES}
    stale = [page for page in PAGES if (root / page).read_text(encoding="utf-8") != texts[page]]
    if check and stale:
        print(
            f"what {', '.join(stale)} says is not what the notebooks claim; mend it: make results",
            file=sys.stderr,
        )
        return 1
    for page in stale:
        with files.whole(root / page) as part:
            part.write_text(texts[page], encoding="utf-8")
    print(f"results written: {', '.join(stale)}" if stale else "results are up to date")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(check="--check" in sys.argv[1:]))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
