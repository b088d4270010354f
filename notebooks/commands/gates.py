"""Gates: what must be true of a committed notebook. A gate takes a notebook and returns problems.

A problem is one sentence: what was found, what is expected, how to mend it. `check(path)` passes a
file through all gates; `tests/test_notebooks.py` does so for every committed notebook.
"""

import hashlib
import json
import re
from pathlib import Path

import nbformat
from nbval.plugin import find_comment_markers, find_metadata_tags

CLAIM = "application/vnd.course.claim+json"
LARGEST = 1_500_000  # bytes of a notebook file
LONGEST = 20  # non-blank lines of a code cell
OPENING = ("What you will do", "What you will learn", "What you need")
CLOSING = ("What you have seen", "Report and course side by side", "Your turn", "Further reading")
LEGACY = {
    r"keras\.wrappers\.scikit_learn": "keras.wrappers.scikit_learn",
    r"\bnp_utils\b": "keras.utils.np_utils",
    r"\bfit_generator\b": "fit_generator",
    r"\bpredict_classes\b": "predict_classes",
    r"\bImageDataGenerator\b": "ImageDataGenerator",
    r"\bkeras_lr_finder\b": "keras_lr_finder",
    r"(?m)^\s*(import mnist|from mnist import)\b": "the mnist package",
    r"\.h5\b": "the .h5 format",
    r"\b(import|from) tensorflow\b": "import tensorflow",
    r"(?<![\w.])tf\.\w": "tf.*",
}
MACHINE_PATHS = r"/(home/[\w.-]+|Users/[\w.-]+|root)/|[A-Z]:\\+Users\\+|\bipykernel_\d+"


def code_cells(nb):
    """The code cells that hold code, with their position among all cells, counted from 1."""
    cells = enumerate(nb.cells, start=1)
    return [(n, cell) for n, cell in cells if cell.cell_type == "code" and cell.source.strip()]


def code_hash(nb):
    """A fingerprint of the code: changes with any code cell, not with prose or outputs."""
    sources = [cell.source for cell in nb.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def claims(nb):
    """The claims in a notebook's outputs, as dictionaries, in order."""
    outputs = [output for _, cell in code_cells(nb) for output in cell.outputs]
    return [output.data[CLAIM] for output in outputs if CLAIM in output.get("data", {})]


def headings(nb_or_text):
    """Headings of Markdown, or of a notebook's Markdown cells, as (level, text)."""
    text = nb_or_text
    if not isinstance(text, str):
        text = "\n\n".join(cell.source for cell in text.cells if cell.cell_type == "markdown")
    text = without_code_blocks(text)
    found = re.findall(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$", text, re.MULTILINE)
    return [(len(marks), title) for marks, title in found]


def without_code_blocks(text):
    """Markdown without its fenced code blocks."""
    return re.sub(r"^ *(```+|~~~+).*?(^ *\1|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)


def stale_outputs(nb):
    """The outputs are those of this code."""
    stamp = nb.metadata.get("course", {})
    if "code_hash" not in stamp:
        return ["has no stamp in its metadata; expected the one that make outputs writes: run it"]
    if stamp["code_hash"] != code_hash(nb):
        return ["its code changed after its outputs were made; expected the same: run make outputs"]
    return []


def errors_in_outputs(nb):
    """No cell ended in an error."""
    return [
        f"cell {n} shows {output.ename}: {output.evalue}; expected no error: mend the cell"
        for n, cell in code_cells(nb)
        for output in cell.outputs
        if output.output_type == "error"
    ]


def execution_order(nb):
    """Cells were executed once each, from top to bottom, in a fresh kernel."""
    counts = [cell.execution_count for _, cell in code_cells(nb)]
    if counts != list(range(1, len(counts) + 1)):
        return [f"cells were executed as {counts}; expected 1, 2, 3 and so on: run make outputs"]
    return []


def failed_claims(nb):
    """Every claim is met."""
    return [
        f"the claim {claim['name']!r} is not met (value {claim['value']}, at least "
        f"{claim.get('at_least')}, at most {claim.get('at_most')}, exactly "
        f"{claim.get('exactly')}); expected a met claim: "
        "mend the code, or the bound and the prose with it"
        for claim in claims(nb)
        if claim["ok"] is not True
    ]


def executed_on_sample_or_quick_tier(nb):
    """Figures that readers see come from full training on real data."""
    stamp = nb.metadata.get("course", {})
    problems = []
    if stamp.get("tier") != "full":
        problems.append(f"was executed in the tier {stamp.get('tier')!r}; expected 'full'")
    if stamp.get("sample") is not False:
        problems.append("was executed on the built-in sample; expected real data")
    quick = [claim["name"] for claim in claims(nb) if claim.get("tier", "full") != "full"]
    if quick:
        problems.append(f"holds claims of the quick tier ({', '.join(quick)}); expected 'full'")
    return [f"{problem}: run make outputs" for problem in problems]


def size(nb):
    """The file stays small enough for git and for GitHub's viewer."""
    length = len(nbformat.writes(nb).encode())
    if length <= LARGEST:
        return []
    return [
        f"takes {length / 1e6:.2f} MB; expected at most {LARGEST / 1e6} MB: "
        "show fewer or smaller figures"
    ]


def is_compared(cell):
    """Does nbval compare something of this cell? Pictures and ignored cells it does not."""
    options = {**dict(find_metadata_tags(cell.metadata)), **dict(find_comment_markers(cell.source))}
    if options.get("skip") or not options.get("check", True):
        return False
    shown = [out.get("data", {"text/plain": out.get("text")}) for out in cell.outputs]
    return any("text/plain" in data and "image/png" not in data for data in shown)


def nothing_compared(nb):
    """At least one output is the same in every tier, and nbval compares it."""
    if any(is_compared(cell) for _, cell in code_cells(nb)):
        return []
    return [
        "nbval compares no output: every cell with outputs says # NBVAL_IGNORE_OUTPUT, or there is "
        "none; expected one that depends on neither tier nor data: leave it to be compared"
    ]


def cell_length(nb):
    """A code cell fits on a screen."""
    lengths = [
        (n, sum(1 for line in cell.source.splitlines() if line.strip()))
        for n, cell in code_cells(nb)
    ]
    return [
        f"cell {n} has {length} lines of code; expected at most {LONGEST}: split it or use a helper"
        for n, length in lengths
        if length > LONGEST
    ]


def opening_and_closing(nb, closing=CLOSING):
    """A title and three headings open a notebook, four headings close it, in this order."""
    title = [cell.source for cell in nb.cells[:1] if cell.cell_type == "markdown"]
    if not "".join(title).startswith("# "):
        return ["does not begin with a title; expected a first cell that starts with '# ': add it"]
    first_code = next((n - 1 for n, _ in code_cells(nb)), len(nb.cells))
    before = nbformat.v4.new_notebook(cells=nb.cells[:first_code])
    return [
        *missing_headings(before, OPENING, "before the first code cell"),
        *missing_headings(nb, closing, "at the end"),
    ]


def missing_headings(nb, expected, where):
    """Problems if the expected headings are not all there, in their order."""
    found = [title for _, title in headings(nb) if title in expected]
    if found == list(expected):
        return []
    return [f"has the headings {found} {where}; expected {list(expected)}: add or reorder them"]


def legacy_apis(nb):
    """No interface that Keras 3 has dropped, and nothing that binds the course to TensorFlow."""
    return [
        f"cell {n} uses {name}; expected what Keras 3 offers instead: replace it"
        for n, cell in code_cells(nb)
        for pattern, name in LEGACY.items()
        if re.search(pattern, cell.source)
    ]


def machine_paths(nb, *folders):
    """No output tells where somebody's files lie: not in a home folder, not in one of `folders`."""
    pattern = "|".join([MACHINE_PATHS, *(re.escape(str(folder)) for folder in folders)])
    return [
        f"the output of cell {n} holds the machine's path {match.group()!r}; expected none: "
        "print names or relative paths"
        for n, cell in code_cells(nb)
        for output in cell.outputs
        if (match := re.search(pattern, output_text(output)))
    ]


def output_text(output):
    """All text of an output, without the base64 of pictures."""
    data = dict(output.get("data", {}))
    for picture in ("image/png", "image/jpeg"):
        data.pop(picture, None)
    texts = [output.get("text", ""), output.get("traceback", []), data]
    return json.dumps(texts, ensure_ascii=False)


GATES = (
    stale_outputs,
    errors_in_outputs,
    execution_order,
    failed_claims,
    executed_on_sample_or_quick_tier,
    size,
    nothing_compared,
    cell_length,
    opening_and_closing,
    legacy_apis,
    machine_paths,
)


def check(path):
    """All problems of one notebook file, each as `gate: problem`."""
    nb = nbformat.read(path, as_version=4)
    found = {gate.__name__: gate(nb) for gate in GATES}
    if Path(path).name.startswith("00_"):  # the first notebook repeats nothing from a report
        found["opening_and_closing"] = opening_and_closing(nb, (CLOSING[0], *CLOSING[2:]))
    return [f"{gate}: {problem}" for gate, problems in found.items() for problem in problems]
