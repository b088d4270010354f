"""A notebook's text: numbers from its claims, none from nowhere; words below and behind figures.

A number that was measured stands in Markdown between two comments that no page shows:

    the dense network reads <!--= dense network, test accuracy :: .2% -->97.79 %<!--/--> of them

`make outputs` and `make text` write what is between them from the claim of that name. After `::`
stands how:
`.2%` percent, `.1p` points (hundredths), `,` a whole number, or any format of Python's.
"""

import ast
import re

import gates
import nbformat

NUMBER = re.compile(r"<!--= (?P<name>.+?) :: (?P<how>\S+) -->.*?<!--/-->", re.DOTALL)
MARK = re.compile(r"<!--.*?-->", re.DOTALL)
WORDS_A_MINUTE = 150
"""So many words of a text with formulas and code one reads in a minute, code cells included."""

LESSON = {"cells": 60, "words of text": 3000, "minutes to read": 45, "minutes to compute": 10}
"""The most that one lesson has of each: what is more is two lessons."""

MEASURED = re.compile(
    r"(?<![\w.,×])[−-]?(?:\d[\d,]*)?\.\d+|"  # .98, 2.5
    r"(?<![\w.,×])[−-]?\d[\d,]*(?=\s?(?:%|points?\b|seconds?\b|s\b|times\b|nats?\b|megabytes\b|MB\b))"
)
"""What looks as if it had been measured."""

SOURCE = re.compile(
    r"\breports? [A-E]\b|\bthe reports?\b|arXiv|doi:|https?://|\bpublish|\bNIST's\b", re.I
)
"""What tells where a number comes from."""

TITLE = re.compile(r'(?:\btitle=|\bstyle\.(?:figure|(?:epoch_)?panels)\([^"()]*)"([^"]+)"')
"""A figure's title in the code that draws it."""

NAMELESS = "A figure; the text beside it says what it shows."

NOT_PROSE = re.compile(
    r"<!--=.*?<!--/-->|<!--.*?-->|<details>.*?</details>|"
    r"^ *(?P<fence>```+|~~~+).*?^ *(?P=fence)|`[^`]*`|"
    r"\$\$.*?\$\$|\$[^$\n]+\$|\[\d+(?:, ?\d+)*\]|\b9[059]\s?% interval",
    re.DOTALL | re.MULTILINE,
)
"""Numbers from claims, comments, code and formulas; and solutions, which say what one run gave."""


def facts(nb):
    """What markers may name: each claim's value, and the notebook's minutes; dict name → number."""
    known = {claim["name"]: claim["value"] for claim in gates.claims(nb)}
    known["minutes to read"] = max(1, round(words(nb) / WORDS_A_MINUTE))
    seconds = nb.metadata.get("course", {}).get("seconds")
    if seconds is not None:
        known["minutes to compute"] = max(1, round(seconds / 60))
    return known


def words(nb):
    """How many words a notebook's text and code have, solutions and folded cells left out."""
    read = [cell.source for cell in nb.cells if not gates.is_folded(cell)]
    text = re.sub(r"<details>.*?</details>|<!--.*?-->", " ", "\n".join(read), flags=re.DOTALL)
    return len(re.findall(r"\w+", text))


def words_of_text(nb):
    """How many words a notebook's text has, answers and formulas too; code has none."""
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    text = re.sub(r"</?\w+>|```.*?```|<!--.*?-->|\]\(\S*\)", " ", text, flags=re.DOTALL)
    return sum(any(map(str.isalnum, word)) for word in text.split())


def more_than_a_lesson(nb):
    """A notebook is one lesson, no longer than that."""
    shown = [cell for cell in nb.cells if not gates.is_folded(cell)]
    found = facts(nb) | {"cells": len(shown), "words of text": words_of_text(nb)}
    return [
        f"{found[what]:,} {what}; expected at most {most:,}: cut, or make two lessons of it"
        for what, most in LESSON.items()
        if found.get(what, 0) > most
    ]


def written(value, how):
    """A number as the text has it.

    Args:
        value: of a claim.
        how: .2% percent, .1p points, or a format of Python's.
    """
    if how == ",":
        text = f"{value:,.0f}"
    elif how.endswith("%"):
        text = f"{100 * value:{how[:-1]}f}\N{NO-BREAK SPACE}%"
    elif how.endswith("p"):
        text = f"{100 * value:{how[:-1]}f}"
    else:
        text = f"{value:{how}}"
    return text.replace("-", "\N{MINUS SIGN}")


def with_numbers(text, known):
    """A text with its marked numbers written anew: known maps their names to values.

    Markers of other names stay as they are.
    """

    def new(match):
        name, how = match["name"], match["how"]
        if name not in known:
            return match.group()
        return f"<!--= {name} :: {how} -->{written(known[name], how)}<!--/-->"

    return NUMBER.sub(new, text)


def write_numbers(nb):
    """Write each marked number of the text from its claim, in place; returns problems."""
    known = facts(nb)
    text = [cell for cell in nb.cells if cell.cell_type == "markdown"]
    named = dict.fromkeys(match["name"] for cell in text for match in NUMBER.finditer(cell.source))
    for cell in text:
        cell.source = with_numbers(cell.source, known)
    missing = [name for name in named if name not in known]
    if not missing:
        return []
    lost, there = (", ".join(map(repr, names)) for names in (missing, known))
    return [
        f"the text names claims that there are not, {lost}; expected some of {there}: "
        "correct the names, or run make outputs"
    ]


def refresh(nb):
    """Write all that follows from claims and captions, in place; returns problems."""
    problems = write_numbers(nb)
    describe_figures(nb)  # its captions hold numbers
    return problems


def solutions(nb):
    """The code of the exercises' solutions, in order."""
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    folded = re.findall(r"<details><summary>Solution.*?</details>", text, re.DOTALL)
    return re.findall(r"^```python\n(.*?)^```", "\n".join(folded), re.DOTALL | re.MULTILINE)


def describe_figures(nb):
    """Give each picture its text for those who don't see it, in place: its title and caption."""
    for cell, caption in captioned(nb):
        titles = TITLE.findall(cell.source)
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                sentences = [*titles[:1], *([caption] if caption else [])] or [NAMELESS]
                words = " ".join(one if one[-1] in ".?" else f"{one}." for one in sentences)
                output.metadata.setdefault("image/png", {})["alt"] = words


def captioned(nb):
    """Each code cell with the caption below it: the first paragraph in italics, or nothing."""
    for cell, below in zip(nb.cells, [*nb.cells[1:], None], strict=True):
        if cell.cell_type == "code":
            is_text = below is not None and below.cell_type == "markdown"
            match = re.match(r"\*(?!\*)(.+?)\*(?!\*)", below.source, re.DOTALL) if is_text else None
            yield cell, " ".join(MARK.sub("", match[1]).split()) if match else ""


def titles_with_code(nb):
    """No picture's text holds a part of an f-string, which its title in the code is."""
    return [
        f"cell {n} gives its picture the title {title!r} as text; expected words without code: "
        "set them with title= or style.figure"
        for n, cell in gates.code_cells(nb)
        if any("image/png" in output.get("data", {}) for output in cell.outputs)
        for title in TITLE.findall(cell.source)[:1]
        if "{" in title
    ]


def figures_without_caption(nb):
    """Every figure is explained in a sentence in italics beneath it."""
    numbers = {id(cell): n for n, cell in gates.code_cells(nb)}
    return [
        f"the figure of cell {numbers[id(cell)]} has no caption; expected the next text to begin "
        "with a sentence in italics that says what is to be seen: write it"
        for cell, caption in captioned(nb)
        if gates.ends_in_figure(cell) and not caption
    ]


def stale_text(nb):
    """The numbers of the text are those of its claims, the pictures' texts those of captions."""
    fresh = nbformat.from_dict(nb)
    problems = refresh(fresh)
    for n, (old, new) in enumerate(zip(nb.cells, fresh.cells, strict=True)):
        if old != new:
            what = "a number in the text" if old.source != new.source else "a picture's text (alt)"
            problems.append(
                f"{what} of cell {n} is not what its claims and captions say; "
                "expected the same: run make text"
            )
    return problems


def unsourced_numbers(nb):
    """No number that looks measured stands in the text without a claim or a source beside it.

    What is a setting, and so stands in the notebook's code, needs neither.
    """
    settings = set().union(*(constants(gates.syntax(cell)) for _, cell in gates.code_cells(nb)))
    problems = []
    for n, cell in enumerate(nb.cells):
        if cell.cell_type != "markdown":
            continue
        for paragraph in re.split(r"\n\s*\n", NOT_PROSE.sub(" ", cell.source)):
            if SOURCE.search(paragraph):
                continue
            found = MEASURED.findall(paragraph)
            lost = [text for text in found if not settings & values(text)]
            if lost:
                problems.append(
                    f"cell {n} states {', '.join(lost)}, which neither a claim nor a source "
                    f"supports; expected <!--= claim :: .2% -->…<!--/-->: mark it"
                )
    return problems


def sections_without_question(nb):
    """Each section that shows code asks something, its answer folded.

    A section begins with a heading of the second level. What opens and closes a page need not ask,
    nor what is optional.
    """
    exempt = (*gates.OPENING, "The question", *gates.CLOSING)
    shown = "<a code cell>"
    page = "\n".join(
        gates.without_code_blocks(cell.source) if cell.cell_type == "markdown" else shown
        for cell in nb.cells
        if not gates.is_folded(cell)
    )
    problems = []
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0].strip()
        optional = title in exempt or title.startswith("Going further")
        if shown in section and "<summary>Question" not in section and not optional:
            problems.append(
                f"the section {title!r} shows code and asks nothing; expected "
                "<details><summary>Question: …?</summary> with an answer: write one"
            )
    return problems


def minutes_unsaid(nb):
    """The opening says how long reading and computing take."""
    opening = gates.before_code(nb)
    named = {match["name"] for cell in opening for match in NUMBER.finditer(cell.source)}
    return [
        f"the opening does not say its {what}; expected <!--= {what} :: , -->…<!--/-->: add it"
        for what in ("minutes to read", "minutes to compute")
        if what not in named
    ]


def torn_paragraphs(nb):
    """No line begins with a number's comment: Markdown would take it for HTML, and end the text."""
    return [
        f"cell {n} has a line that begins with <!--=; expected it further on: join it to the line "
        "before"
        for n, cell in enumerate(nb.cells)
        if cell.cell_type == "markdown" and re.search(r"^ {0,3}<!--=", cell.source, re.MULTILINE)
    ]


def marked_summaries(nb):
    """No folded line holds marks of Markdown or formulas: a web page shows it as it is written."""
    return [
        f"cell {n} folds {line!r}; expected HTML, such as <i>t</i>, or plain words: write it so"
        for n, cell in enumerate(nb.cells)
        if cell.cell_type == "markdown"
        for line in re.findall(r"<summary>(.*?)</summary>", cell.source, re.DOTALL)
        if re.search(r"[$`*]", line)
    ]


def constants(tree):
    """The numbers in code, but for those in claims, which are bounds."""
    if isinstance(tree, ast.Call) and ast.unparse(tree.func) == "course.claim":
        return set()
    found = {tree.value} if isinstance(tree, ast.Constant) and is_number(tree.value) else set()
    return found.union(*(constants(node) for node in ast.iter_child_nodes(tree)))


def is_number(value):
    """Whether a constant is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def values(text):
    """What a number of the text may be in code: itself, and a percentage or points as a share."""
    number = abs(float(text.replace(",", "").replace("\N{MINUS SIGN}", "-")))
    return {number, number / 100, round(number / 100, 6)}
