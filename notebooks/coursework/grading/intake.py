"""Taking in what a student handed in: one notebook file, whatever shape it arrives in.

Nothing of a student's is trusted: no link is followed, no large file read, no other file kept.
"""

import json
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

LARGEST = 10_000_000  # bytes of a notebook; the coursework's own are a hundredth of it


def read(folder, name):
    """The bytes of the notebook in a student's folder, and notes for the teacher.

    Arguments: folder: Path of what the student handed in. name: the expected file, "x.ipynb".
    Returns: (bytes, notes); bytes is None where there is no notebook to be had.
    """
    files = [path for path in sorted(folder.iterdir()) if path.suffix == ".ipynb"]
    notebooks = [path for path in files if path.is_file() and not path.is_symlink()]
    if not notebooks:
        return None, [f"There is no notebook in it; expected {name}."]
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
    return file.read_bytes(), notes


def notebook(content, released):
    """A student's notebook in today's format, and notes for the teacher.

    Arguments: content: bytes of the file. released: the student version, a notebook.
    Returns: (notebook, notes); the notebook is None where the bytes are none.
    """
    try:
        nb = nbformat.reads(content.decode("utf-8-sig"), as_version=4)
        notes = _front_end(nb, released)
        nb.metadata = nbformat.from_dict(released.metadata)
        nb = nbformat.v4.upgrade(nb, 4, nb.nbformat_minor)
        nbformat.validate(nb)
        return nb, [*notes, *_line_ends(nb), *put_right(nb, released)]
    except Exception as error:  # whatever is wrong with it, it is one student's and stops nobody
        found = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return None, [f"It is not a notebook that can be read ({found})."]


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
    they were handed out, edited checks are undone. Returns: notes for the teacher.
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
    return notes if answered else [*notes, "No answer was changed: only outputs, if anything."]


def _known(nb, ours):
    """Treat the cells that bear a name. Returns notes, and whether an answer was changed."""
    notes, seen, answered = [], set(), False
    for name, cell in reversed(_marked(nb)):
        cell.pop("attachments", None)
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
            notes.append(f"The cell {name} was edited; it was graded as it was handed out.")
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
