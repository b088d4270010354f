"""Fill README.md's map and results table from the committed notebooks ("make results").

`results.py --check` writes nothing and exits 1 where one of them is not up to date.
"""

import sys
from pathlib import Path

from helpers.internals import files

import gates
import nbformat

ROOT = Path(__file__).resolve().parents[2]


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
    """The numbered notebooks, in order: pairs of a link to the notebook and its content."""
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        nb = nbformat.read(path, as_version=4)
        title = next((text for level, text in gates.headings(nb) if level == 1), path.stem)
        yield f"[{path.name[:2]} {title}](notebooks/{path.name})", nb


def rows(link, nb):
    """Table rows of one notebook: its claims about a training, or beside a report's figure."""
    for claim in gates.claims(nb):
        if claim.get("report") is None and claim.get("images") is None:
            continue
        name, seconds = claim["name"], claim.get("seconds")
        yield [
            link,
            name.replace("|", r"\|"),
            number(claim.get("report"), name),
            number(claim["value"], name),
            number(claim.get("images"), ""),
            "–" if seconds is None else f"{seconds:,.0f}",
        ]


def results(root=ROOT):
    """The results table, as Markdown."""
    lines = ["| notebook | what | report | ours | images | seconds |", "|---|---|--:|--:|--:|--:|"]
    for link, nb in notebooks(root):
        lines += [f"| {' | '.join(row)} |" for row in rows(link, nb)]
    return "\n".join(lines)


def course_map(root=ROOT):
    """The map of the course, as Markdown: each notebook, what one does there, minutes it took."""
    lines = ["| notebook | what you will do | minutes |", "|---|---|--:|"]
    for link, nb in notebooks(root):
        opening = nb.cells[0].source.partition("What you will do\n")[2].strip()
        seconds = nb.metadata.get("course", {}).get("seconds")
        minutes = "–" if seconds is None else str(max(1, round(seconds / 60)))
        lines.append(f"| {link} | {' '.join(opening.partition('##')[0].split())} | {minutes} |")
    return "\n".join(lines)


def between_marks(text, mark, content):
    """The text with other content between two marks. Raises ValueError without the marks."""
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise ValueError(
            f"README.md lacks the marks of its {mark}; expected a line {begin} and after it "
            f"a line {end}: add both, then run make results"
        )
    return f"{before}{begin}\n{content}\n{end}{after}"


def updated(root=ROOT):
    """README.md's text as it should be. Raises ValueError without the marks."""
    text = (root / "README.md").read_text(encoding="utf-8")
    text = between_marks(text, "map", course_map(root))
    return between_marks(text, "results", results(root))


def main(check, root=ROOT):
    """Write map and table, or only look whether they are up to date; returns an exit status."""
    readme = root / "README.md"
    text = updated(root)
    current = readme.read_text(encoding="utf-8") == text
    if check and not current:
        print(
            "README.md's map or results are not the notebooks'; mend it: make results",
            file=sys.stderr,
        )
        return 1
    if not current:
        with files.whole(readme) as part:
            part.write_text(text, encoding="utf-8")
    print(f"README.md: results {'are up to date' if current else 'written'}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(check="--check" in sys.argv[1:]))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
