"""Gates: what must be true of a committed notebook. A gate takes a notebook and returns problems.

A problem is one sentence: what was found, what is expected, how to mend it. `check(path)` passes a
file through all gates; `make test` does so for every committed notebook (tests/test_notebooks.py).
"""

import ast
import functools
import hashlib
import itertools
import json
import re
from pathlib import Path

from helpers.internals.claims import CLAIM

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbval.plugin import find_comment_markers, find_metadata_tags

ROOT = Path(__file__).resolve().parents[2]
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
CHANGING = {"cache", "contextlib.contextmanager", "dataclass", "lru_cache"}
"""Decorators that change what they decorate and register it nowhere."""

FIGURES = {"plots", "study_plots", "pages", "style", "plt", "fig", "figure", "ax", "axes"}
UNTIDY = r"\bat 0x[0-9a-f]{6,}|\bHistory\(loss=|\b\w*Warning:|<keras\.\S+ |\d%\||callbacks\.history"
MACHINE_PATHS = r"/(home/[\w.-]+|Users/[\w.-]+|root)/|[A-Z]:\\+Users\\+|\bipykernel_\d+"


def code_cells(nb):
    """The code cells that hold code, with their position among all cells, counted from 1."""
    cells = enumerate(nb.cells, start=1)
    return [(n, cell) for n, cell in cells if cell.cell_type == "code" and cell.source.strip()]


def before_code(nb):
    """The cells before the first code cell; all where there is none."""
    return nb.cells[: next((n - 1 for n, _ in code_cells(nb)), len(nb.cells))]


def code_hash(nb):
    """A fingerprint of the code: changes with any code cell, not with prose or outputs."""
    sources = [cell.source for cell in nb.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def modules(nb, root=ROOT):
    """What a notebook uses of the course's modules that it imports, itself or through others.

    A definition or an import is used where its name stands in code that is used, an import from
    elsewhere where it stands in its own module; a definition with a decorator that may register it,
    an import for its effect, and a statement that defines nothing, always are.

    Returns:
        A dictionary, dotted name of a module → hash of what is used of it.
    """
    waiting, words = [syntax(cell) for _, cell in code_cells(nb)], set()
    files, used, inside = {}, {}, {}
    while waiting:
        for tree in waiting:
            words |= mentioned(tree)
            for name in imported(tree) - set(files):
                if path := module_file(name, root):
                    files[name] = parsed(path.read_text(encoding="utf-8"))
                    used[name], inside[name] = set(), set()
        waiting = []
        for name, (statements, own) in files.items():
            for n, statement in enumerate(statements):
                names = defines(statement, own)
                known = inside[name] if from_elsewhere(statement, root) else words
                if n not in used[name] and (not names or names & known):
                    used[name].add(n)
                    inside[name] |= mentioned(statement)
                    waiting.append(statement)
    return {
        name: fingerprint([files[name][0][n] for n in sorted(used[name])]) for name in sorted(used)
    }


def fingerprint(statements):
    """A short hash of what statements do."""
    return hashlib.sha256(json.dumps(content(statements)).encode()).hexdigest()[:16]


@functools.cache
def parsed(text):
    """A module's statements, imports name by name, and the names that it uses.

    The same statements for the same text, so that each is searched once.
    """
    tree = ast.parse(text)
    return [one for statement in tree.body for one in one_by_one(statement)], mentioned(tree)


def one_by_one(statement):
    """An import of several names as several imports; any other statement as it is."""
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return [statement]
    parts = dict(ast.iter_fields(statement))
    return [type(statement)(**parts | {"names": [name]}) for name in statement.names]


@functools.cache
def mentioned(tree):
    """The names that code uses, of whatever they are; what it imports under another name, too."""
    words = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Attribute):
            words.add(node.attr)
        elif isinstance(node, ast.alias) and node.asname not in (None, node.name):
            words.add(node.name)
    return words


def defines(statement, own):
    """The names that a module, using `own`, gets from a statement; none if it always counts."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        (name,) = statement.names
        return {name.asname or name.name.partition(".")[0]} & own
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        decorators = {ast.unparse(one).partition("(")[0] for one in statement.decorator_list}
        hidden = decorators - CHANGING or statement.name.startswith("__")
        return set() if hidden else {statement.name}
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return set()
    targets = getattr(statement, "targets", None) or [statement.target]
    nodes = [node for target in targets for node in ast.walk(target)]
    if any(isinstance(node, ast.Attribute | ast.Subscript) for node in nodes):
        return set()  # changes what another module defines
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def from_elsewhere(statement, root):
    """Whether a statement imports what is not the course's."""
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return False
    return not any(module_file(name, root) for name in imported(statement))


def syntax(cell):
    """The syntax tree of a code cell; of a cell that is no Python, which shows an error, none."""
    try:
        return ast.parse(TransformerManager().transform_cell(cell.source))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


@functools.cache
def imported(tree):
    """The dotted names that code imports, with the packages that they lie in."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in names]
    return {".".join(part[:n]) for part in parts for n in range(1, len(part) + 1)}


def module_file(name, root):
    """The file of a module that lies in the course; None for all others."""
    path = Path(*name.split("."))
    for folder in (root, root / "notebooks"):  # here lie helpers and plans
        for file in (folder / path.with_suffix(".py"), folder / path / "__init__.py"):
            if file.is_file():
                return file
    return None


def content(node):
    """What of a syntax tree decides what the code does, as lists and texts.

    A tree holds no comments and no layout. Left out are docstrings, and empty parts, in which
    versions of Python differ.
    """
    if isinstance(node, list):
        return [content(part) for part in node if not is_text(part)]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, part) for name, part in ast.iter_fields(node) if part not in (None, [])]
    return [type(node).__name__, *([name, content(part)] for name, part in fields)]


def is_text(node):
    """Whether a statement is a text alone, such as a docstring."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


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


def stale_outputs(nb, root=ROOT):
    """The outputs are those of this code, and of the modules that it imports."""
    stamp = nb.metadata.get("course", {})
    if not {"code_hash", "modules"} <= set(stamp):
        return ["has no whole stamp in its metadata; expected the one of make outputs: run it"]
    now, then = modules(nb, root), stamp["modules"]
    changed = [name for name in sorted(now | then) if now.get(name) != then.get(name)]
    changed = ["its code"] * (stamp["code_hash"] != code_hash(nb)) + changed
    if changed:
        return [
            f"{', '.join(changed)} changed after its outputs were made; "
            "expected the same: run make outputs"
        ]
    return []


def errors_in_outputs(nb):
    """No cell ended in an error."""
    return [
        f"cell {n} shows {output.ename}: {output.evalue}; expected no error: mend the cell"
        for n, cell in code_cells(nb)
        for output in cell.outputs
        if output.output_type == "error"
    ]


def missing_pictures(nb):
    """A cell that ends in a figure shows it as a picture, and no figure is words alone."""
    problems = []
    for n, cell in code_cells(nb):
        shown = [output.get("data", {}) for output in cell.outputs]
        words = [data for data in shown if data.get("text/plain", "").startswith("<Figure")]
        pictures = [data for data in shown if "image/png" in data]
        if not all(data in pictures for data in words) or (ends_in_figure(cell) and not pictures):
            problems.append(
                f"cell {n} shows no picture of its figure; expected one (image/png): "
                "unset MPLBACKEND, let the cell end in a figure, and run make outputs"
            )
    return problems


def ends_in_figure(cell):
    """Whether a cell's last line is a figure, a part of one, or a call of what draws one."""
    node = (syntax(cell).body or [None])[-1]
    while isinstance(node, ast.Expr | ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and node.id in FIGURES


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
        "nbval compares no output: every cell with outputs has the tag nbval-ignore-output, or "
        "there is none; expected one that depends on neither tier nor data: leave it to be compared"
    ]


def bookkeeping_in_view(nb):
    """What is compared, a tag says; cells of claims are folded, and no others."""
    problems = []
    for n, cell in code_cells(nb):
        if list(find_comment_markers(cell.source)):
            problems.append(
                f"cell {n} begins with a comment for nbval; expected the tag nbval-ignore-output: "
                "put it in the cell's metadata"
            )
        tags = cell.metadata.get("tags", [])
        if ("claim" in tags) != is_folded(cell):
            problems.append(f"cell {n} has the tag claim or is folded; expected both or neither")
    return problems


def claims_in_view(nb):
    """A cell that a reader sees makes no claim."""
    return [
        f"cell {n} makes a claim; expected it in a folded cell of its own, tagged claim: move it"
        for n, cell in code_cells(nb)
        if "course.claim(" in cell.source and not is_folded(cell)
    ]


def torn_thoughts(nb):
    """Below claims goes on a text, with the next question: they never part one from its code."""
    numbers = {id(cell): n for n, cell in code_cells(nb)}
    return [
        f"cell {numbers[id(below)]} follows claims; expected a text between them that says what "
        "comes next: move the question there"
        for cell, below in itertools.pairwise(nb.cells)
        if is_folded(cell) and id(below) in numbers and not is_folded(below)
    ]


def borrowed_names(nb):
    """What code on the page reads, code on the page has bound: claims are folded away."""
    shown, folded, problems = set(), set(), []
    for n, cell in code_cells(nb):
        nodes = list(ast.walk(syntax(cell)))
        names = [node for node in nodes if isinstance(node, ast.Name)]
        read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
        bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        bound |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        if is_folded(cell):
            folded |= bound
            continue
        shown |= bound
        problems += [
            f"cell {n} reads {name!r}, which only folded code binds; expected it on the page: "
            "move the line there"
            for name in sorted(read & folded - shown)
        ]
    return problems


def loose_claims(nb):
    """A claim is exact, or holds its number from both sides and closely, or says why it cannot.

    Closely is an interval of a hundredth to each side, or of a tenth of the number: three standard
    deviations over seeds are less. A share above a half, as accuracies are, has .02 to each side.
    """
    loose = []
    for claim in claims(nb):
        value, low, high = claim["value"], claim.get("at_least"), claim.get("at_most")
        if claim.get("exactly") is not None or claim.get("reason"):
            continue
        room = 0.02 if 0.5 < value <= 1 else max(0.01, abs(value) / 10)
        if None in (low, high) or (high - low) / 2 > room * (1 + 1e-9):
            loose.append(
                f"the claim {claim['name']!r} allows {low} to {high} for {value}; expected bounds "
                f"on both sides, within {room:.3g} of it: give them, or a reason"
            )
    return loose


def is_folded(cell):
    """Whether JupyterLab shows a cell's code only on demand."""
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


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
    before = nbformat.v4.new_notebook(cells=before_code(nb))
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


def untidy_outputs(nb):
    """No output shows a warning, a progress bar, a memory address, or what nobody asked to see."""
    return [
        f"the output of cell {n} shows {match.group()!r}; expected what the reader asked for: "
        "assign what is not to be seen to _, or mend what warns"
        for n, cell in code_cells(nb)
        for output in cell.outputs
        if (match := re.search(UNTIDY, output_text(output)))
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
    missing_pictures,
    execution_order,
    failed_claims,
    executed_on_sample_or_quick_tier,
    size,
    nothing_compared,
    bookkeeping_in_view,
    cell_length,
    opening_and_closing,
    legacy_apis,
    machine_paths,
    untidy_outputs,
)


def check(path):
    """All problems of one notebook file, each as `gate: problem`."""
    nb = nbformat.read(path, as_version=4)
    found = {gate.__name__: gate(nb) for gate in GATES}
    if Path(path).name.startswith("00_"):  # the first notebook repeats nothing from a report
        found["opening_and_closing"] = opening_and_closing(nb, (CLOSING[0], *CLOSING[2:]))
    return [f"{gate}: {problem}" for gate, problems in found.items() for problem in problems]
