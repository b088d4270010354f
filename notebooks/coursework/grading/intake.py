"""Taking in what a student handed in: one notebook file, whatever shape it arrives in.

Nothing of a student's is trusted: no link is followed, no large file read, no other file kept,
and a notebook is cut down before anything walks through it.
"""

import json
import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell
from nbgrader.utils import parse_utc

LARGEST = 10_000_000  # bytes of a notebook; the coursework's own are a hundredth of it
MOST_CELLS = 1_000  # the coursework's own have forty
MOST_TEXT = 1_000_000  # characters of a notebook without its outputs; the coursework's own: 50,000


class TooMuch(Exception):
    """A notebook that would keep the grader busy. Says what was found and expected."""


def look(submitted, student, assignment):
    """What lies in the folder of a hand-in, in order, and why that cannot be seen, or "".

    Arguments: submitted: Path, of the teacher's own. What lies below is reached by no link.
    """
    folder = submitted
    for part in (student, assignment):
        folder /= part
        if folder.is_symlink():
            return [], f"The folder {part} is a link, which is not followed. Put the hand-in there."
    try:
        return sorted(folder.iterdir()), ""
    except OSError as error:
        return [], f"{assignment} is no folder that can be read ({error.strerror})."


def kind(path):
    """What a path is, in a word: file, link, folder or other. No link is followed."""
    if path.is_symlink():
        return "link"
    return "file" if path.is_file() else "folder" if path.is_dir() else "other"


def read(paths, name):
    """The bytes of the notebook among what a student handed in, and notes for the teacher.

    Arguments: paths: what lies in the folder. name: the expected file, "x.ipynb".
    Returns: (bytes, notes); bytes is None where there is no notebook to be had.
    """
    files = [path for path in paths if kind(path) == "file"]
    notebooks = [path for path in files if ".ipynb" in path.name.lower()]
    if not notebooks:
        found = ", ".join(f"{path.name} ({kind(path)})" for path in paths[:9]) or "nothing"
        what = "No link is followed, no folder in it is searched: put the file itself here."
        return None, [f"There is no notebook in it; expected {name}, found: {found}. {what}"]
    named = [path for path in notebooks if path.name == name]
    if not named and len(notebooks) > 1:
        found = ", ".join(path.name for path in notebooks)
        return None, [f"Found {found}; expected {name}. Rename the one that counts."]
    (file,) = named or notebooks
    notes = [] if named else [f"The file was renamed to {file.name}; it was graded as {name}."]
    size = file.stat().st_size
    if size > LARGEST:
        notes.append(f"It takes {size / 1e6:.0f} MB; expected at most 10. It was not read.")
        return None, notes
    try:
        return file.read_bytes(), notes
    except OSError as error:
        return None, [*notes, f"{file.name} cannot be read ({error.strerror})."]


def timestamp(paths):
    """When it was handed in, as `timestamp.txt` says: (time or None, notes for the teacher)."""
    for path in paths:
        if path.name != "timestamp.txt":
            continue
        try:
            if kind(path) != "file" or path.stat().st_size > 100:
                raise ValueError("expected a file of one line")
            return parse_utc(path.read_text(encoding="utf-8-sig").strip()), []
        except Exception as error:  # whatever is wrong with it, it costs a time and nothing else
            found = f"{type(error).__name__}: {error}".splitlines()[0]
            expected = "expected one line such as 2030-05-31 23:59:00 UTC"
            return None, [f"timestamp.txt cannot be read ({found}); {expected}."]
    return None, []


def notebook(content, released):
    """A student's notebook in today's format, and notes for the teacher.

    Arguments: content: bytes of the file. released: the student version, a notebook.
    Returns: (notebook, notes); the notebook is None where the bytes are none.
    """
    try:
        nb = nbformat.reads(_slim(content), as_version=4)
        notes = _front_end(nb, released)
        nb.metadata = nbformat.from_dict(released.metadata)
        nb = nbformat.v4.upgrade(nb, 4, nb.nbformat_minor)
        nbformat.validate(nb)
        return nb, [*notes, *_line_ends(nb), *put_right(nb, released)]
    except TooMuch as much:
        return None, [str(much)]
    except Exception as error:  # whatever is wrong with it, it is one student's and stops nobody
        found = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return None, [f"It is not a notebook that can be read ({found})."]


def _slim(content):
    """A notebook's text without what grading does not read: outputs, pictures, widgets.

    Raises: TooMuch.
    """
    raw = json.loads(content.decode("utf-8-sig"))
    cells = [cell for sheet in raw.get("worksheets", [raw]) for cell in sheet["cells"]]
    if len(cells) > MOST_CELLS:
        raise TooMuch(f"It has {len(cells)} cells; expected at most {MOST_CELLS}. It was not read.")
    raw.get("metadata", {}).pop("widgets", None)
    for cell in cells:
        cell.pop("attachments", None)
        if "outputs" in cell:
            cell["outputs"] = []
        if cell["cell_type"] != "code":  # Colab writes pictures into the text itself
            cell["source"] = re.sub(r"\(data:[^)]*\)", "(picture)", "".join(cell["source"]))
    text = json.dumps(raw, ensure_ascii=False).encode("utf-8", "replace").decode()
    if len(text) > MOST_TEXT:
        found = f"Its cells hold {len(text)} characters; expected at most {MOST_TEXT}."
        raise TooMuch(f"{found} It was not read.")
    return text


def _line_ends(nb):
    """Make Windows' line ends those of the course."""
    changed = [cell for cell in nb.cells if "\r" in cell.source]
    for cell in changed:
        cell.source = cell.source.replace("\r\n", "\n").replace("\r", "\n")
    return ["It had Windows' line ends; they make no difference."] if changed else []


def _front_end(nb, released):
    """A note where the notebook was saved by something else than this course's JupyterLab."""
    ours, theirs = released.metadata, nb.metadata
    language = theirs.get("kernelspec", {}).get("language", "python")
    if language != "python":
        return [f"It was saved with a kernel for {language}; it was graded with Python."]
    if set(theirs) - set(ours) or theirs.get("kernelspec") != ours.get("kernelspec"):
        return ["It was saved by another front end; that makes no difference."]
    return []


def put_right(nb, released):
    """Give the cells that were handed out what they had, and nobody else a part in grading.

    Copies lose their part (as nbgrader has it, the last one counts), missing cells come back as
    they were handed out, edited checks are undone, pictures are those that were handed out.
    Returns: notes for the teacher.
    """
    ours = dict(graded_cells(released))
    notes, answered = _known(nb, ours)
    last = -1
    for name, cell in ours.items():
        places = [i for i, (key, _) in enumerate(_marked(nb)) if key == name]
        if not places:
            notes.append(f"The cell {name} was deleted; it was put back as it was handed out.")
            places = [last + 1]
            nb.cells.insert(last + 1, nbformat.from_dict({**cell}))
        last = places[-1]
    pictures = {cell.source: cell.attachments for cell in released.cells if "attachments" in cell}
    for cell in nb.cells:
        if cell.cell_type == "markdown" and cell.source in pictures:
            cell.attachments = pictures[cell.source]
    notes += _added(nb, released)
    return notes if answered else [*notes, "No answer was changed: only outputs, if anything."]


def _added(nb, released):
    """A note where an answer that a person marks is blank, and may stand in a cell of its own."""
    ours, known = dict(graded_cells(released)), {cell.source.strip() for cell in released.cells}
    texts = [cell for name, cell in _marked(nb) if not name and cell.cell_type != "code"]
    added = [cell for cell in texts if cell.source.strip() not in known]
    blank = [name for name, cell in graded_cells(nb) if _is_blank(cell, ours[name])]
    if not (added and blank):
        return []
    cells = "1 text was" if len(added) == 1 else f"{len(added)} texts were"
    return [
        f"Left blank: {', '.join(blank)}; but {cells} added or changed. Look there for the answer."
    ]


def _is_blank(cell, ours):
    """Whether a person marks this answer, and it is as it was handed out."""
    setting = ours.metadata.nbgrader
    return setting.grade and setting.solution and cell.source.strip() == ours.source.strip()


def _known(nb, ours):
    """Treat the cells that bear a name. Returns notes, and whether an answer was changed."""
    notes, seen, answered = [], set(), False
    for name, cell in reversed(_marked(nb)):
        if name is None:
            cell.metadata = nbformat.from_dict({})  # whatever it says, it is for no page
            continue
        if name not in ours or name in seen:
            why = "is there more than once; the last one counts" if name in seen else "is unknown"
            notes.append(f"The cell {name} {why}.")
            del cell.metadata["nbgrader"]
            continue
        seen.add(name)
        edited = cell.source.strip() != ours[name].source.strip()
        setting = ours[name].metadata.nbgrader
        cell.metadata = nbformat.from_dict(ours[name].metadata)
        answered = answered or (edited and setting.solution)
        if edited and not setting.solution:
            notes.append(f"The cell {name} is not today's; it was graded as it stands in release/.")
    return notes[::-1], answered


def _marked(nb):
    """All cells, as (name that nbgrader knows it by or None, cell)."""
    return [(cell.metadata.get("nbgrader", {}).get("grade_id"), cell) for cell in nb.cells]


def graded_cells(nb):
    """The cells that nbgrader knows by a name, as (name, cell)."""
    return [(name, cell) for name, cell in _marked(nb) if name]


def substitute(released, notes):
    """What is graded in the place of a notebook that cannot be: the empty one, with the reason."""
    text = "## Your notebook was not graded\n\n" + "\n".join(notes)
    nb = nbformat.from_dict(json.loads(nbformat.writes(released)))
    nb.cells.insert(0, new_markdown_cell(text, id="not-graded"))
    return nb


def released(root, assignment):
    """The student version of an assignment."""
    return nbformat.read(Path(root) / "release" / assignment / f"{assignment}.ipynb", as_version=4)
