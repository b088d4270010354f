"""Grading: fair to everybody, whatever one of them hands in; safe; and it can be killed."""

import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import grade
import judge
import nbformat
import pytest
import sandbox
import submissions
import tiny_coursework
from confined import NO_SANDBOX, sandboxed
from matplotlib.font_manager import FontManager, fontManager, json_dump
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from tiny_coursework import NAME, RIGHT, answered, hand_in

slow = pytest.mark.slow
FULL = {"double": 5, "triple": 5}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A course folder with its student version written, to copy."""
    root = tiny_coursework.found(tmp_path_factory.mktemp("template") / "coursework")
    submissions.Course(root).release(NAME)
    cache = root / ".grading" / "cache"
    cache.mkdir(parents=True)
    made_of = sandbox.made_of()  # these questions use no images
    (cache / "ready").write_text(made_of, encoding="utf-8")
    fonts = cache / "matplotlib" / f"fontlist-v{FontManager.__version__}.json"
    fonts.parent.mkdir()  # or every process would make the list anew
    json_dump(fontManager, fonts)
    return root


@pytest.fixture
def course(template, tmp_path):
    """A course of its own for a test, with short limits."""
    root = shutil.copytree(template, tmp_path / "my course")
    course = submissions.Course(root)
    course.config.Judge.seconds = 3
    course.config.Judge.memory_gb = 1
    course.config.Judge.sandbox = not NO_SANDBOX
    return course


def blank(course):
    return nbformat.read(course.root / "release" / NAME / f"{NAME}.ipynb", as_version=4)


def right(course, **answers):
    """A notebook with right answers but for those given."""
    return answered(blank(course), **(RIGHT | answers))


def graded(course, student="ada"):
    """Grade one student. Returns marks by question, and the notes."""
    course.grade(NAME, student)
    course.table(NAME)
    return in_table(course, student)


def in_table(course, student):
    """What the table says of a student: marks by question, and the notes."""
    with (course.root / f"{NAME}.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = [row for row in csv.DictReader(file) if row["student"] == student]
    return {name: float(row[f"{name}_checks"]) for name in RIGHT}, row["notes"]


def page(course, student="ada"):
    """Write the page that a student gets. Returns it."""
    course.feedback(NAME, student)
    path = course.root / "feedback" / student / NAME / f"{NAME}.html"
    return path.read_text(encoding="utf-8")


def said(course, name, student="ada"):
    """What the checks of a question said."""
    path = course.root / "autograded" / student / NAME / f"{NAME}.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == f"{name}_checks":
            return " ".join(output.evalue for output in cell.outputs if "evalue" in output)
    raise AssertionError(f"no checks of {name}")


def test_right_answers_get_full_marks_and_a_text_waits_for_a_person(course):
    hand_in(course.root, "ada", right(course, words="Because it is."))
    assert graded(course) == ({"double": 5, "triple": 5}, "")
    row = (course.root / f"{NAME}.csv").read_text(encoding="utf-8-sig").splitlines()[1]
    assert row == "ada,,5.0,5.0,,10.0,12.0,words,"


def test_a_mistake_is_named_on_the_page_and_the_hidden_test_is_not_shown(course):
    hand_in(course.root, "ada", right(course, double="def double(x):\n    return x"))
    assert graded(course)[0] == {"double": 0, "triple": 5}
    text = page(course)
    assert "the secret sentence" in text
    assert "double(21)" not in text and "Nothing stays nothing" in text


def test_a_page_names_the_questions_and_shows_what_cells_end_in(course):
    nb = right(course, words="Because it is.", double="def double(x):\n    return x")
    figure = "from matplotlib.figure import Figure\ndrawn = Figure()\ndrawn.subplots()\ndrawn"
    nb.cells += [new_code_cell("'a' 'text'"), new_code_cell(figure)]
    hand_in(course.root, "ada", nb)
    graded(course)
    text = page(course)
    assert "tiny: 5.0 of 12.0 marks so far" in text and "Test cell" not in text
    assert '<a href="#double_checks">double</a>:' in text
    assert "2.0 at most, still to be marked by a person" in text
    assert "atext" in text and text.count("data:image/png") == 1 and "Out[" not in text


def test_the_first_plot_is_a_picture_without_another_word(template, tmp_path):
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    with sandbox.Sandbox(template / ".grading" / "cache", scratch=tmp_path) as process:
        _, shown = process.ask("run", plot)
    assert ["image/png" in data for data in shown["shown"]] == [True]


def test_a_student_cannot_put_a_script_on_the_page(course):
    nb = right(course)
    nb.cells[0].source += "\n<script>stolen()</script>"
    html = "from IPython.display import HTML, display\ndisplay(HTML('<b onclick=stolen()>'))"
    nb.cells.append(new_code_cell(html))
    nb.cells.append(new_code_cell("raise ValueError('<script>stolen()</script>')"))
    nb.cells.append(new_raw_cell("<script>stolen()</script>"))
    nb.cells[-1].metadata["raw_mimetype"] = 7
    links = (
        "[a](javascript:stolen())",
        "[a]( <&#106;avascript:stolen()>)",
        "![a](attachment:b.png)",
    )
    links += ("[a][b]\n\n[b]: javascript:stolen()", r"$\href{javascript:stolen()}{a}$")
    nb.cells += [new_markdown_cell(link) for link in (*links, "[web](https://example.org)")]
    hand_in(course.root, "ada", nb)
    assert graded(course)[0] == FULL
    text = page(course)
    assert text.count("stolen") >= 4
    assert "<script>stolen" not in text and "<b onclick" not in text
    _, _, body = text.partition("<body")
    targets = re.findall(r"""\b(?:href|src)\s*=\s*["']?([^"'> ]*)""", body)
    assert [one for one in targets if not re.match(r"#|data:image/png|https://example", one)] == []
    assert "https://example.org" in targets and r"\href" not in body


# --- hostile answers to the first question; the second is answered rightly ------------------------

HOSTILE = {
    "endless loop": "while True:\n    pass",
    "endless loop in the function": "def double(x):\n    while True:\n        pass",
    "fork bomb": "import os\nwhile True:\n    os.fork()",
    "processes that outlive their parent": """
        import os, time
        if os.fork() == 0:
            os.setsid()
            time.sleep(1000)
        os._exit(0)""",
    "100 GB at once": "def double(x):\n    return len(bytearray(100 * 2**30))",
    "100 GB in pieces": """
        import mmap
        pieces = []
        for _ in range(1000):
            pieces.append(mmap.mmap(-1, 2**27))
            for place in range(0, 2**27, 4096):
                pieces[-1][place] = 1""",
    "filled disk": """
        written = 0
        for folder in ("/tmp", "/home/student", "/dev/shm", "/dev", "/", "/var/tmp"):
            try:
                for number in range(50):
                    with open(f"{folder}/{number}", "wb") as file:
                        written += file.write(bytes(2**26))
            except OSError:
                pass
        def double(x):
            return written""",
    "os._exit": "import os\nos._exit(0)",
    "os._exit in the function": "import os\ndef double(x):\n    os._exit(0)",
    "exit": "def double(x):\n    raise SystemExit",
    "patched assert": """
        import builtins, sys
        from IPython.core.interactiveshell import InteractiveShell
        builtins.AssertionError = type("Nothing", (Exception,), {})
        InteractiveShell.showtraceback = lambda *_, **__: None
        sys.excepthook = lambda *_: None
        def double(x):
            return -1""",
    "equal to everything": """
        class Everything(int):
            def __eq__(self, other):
                return True
            def __ne__(self, other):
                return False
        def double(x):
            return Everything()""",
    "overwritten helpers": """
        import gc, json
        import numpy as np
        import wire
        (answers,) = [one for one in gc.get_objects() if type(one).__name__ == "Answers"]
        np.allclose = np.array_equal = lambda *_, **__: True
        json.dumps = lambda *_, **__: "[1, 'done', true]"
        real = type(answers).run.__globals__  # the program's own; __main__ is IPython's
        real["pack"] = wire.pack = lambda *_: b'{"tuple": [1, "done", true]}'
        def double(x):
            return x""",
    "overwritten helpers on disk": """
        import importlib.util, pathlib
        package = pathlib.Path(importlib.util.find_spec("helpers").origin)
        package.write_text("raise SystemExit")""",
    "hidden tests on disk": """
        import os
        def double(x):
            for folder, _, files in os.walk("/"):
                if {"tiny.ipynb", "1_dense_networks.toml", "judge.py"} & set(files):
                    return 2 * x
            return 0""",
    "hidden tests on the stack": """
        import gc, sys
        def double(x):
            frame, seen = sys._getframe(), []
            while frame:
                seen += [*frame.f_locals.values(), *frame.f_globals.values()]
                frame = frame.f_back
            seen += gc.get_objects()
            texts = [one for one in seen if isinstance(one, str)]
            if any("secret " + "sentence" in text for text in texts):
                return 2 * x
            return 0""",
    "forged messages": """
        import os
        for number in range(3, 64):
            try:
                os.write(number, bytes([0, 0, 0, 4]) + b"null")
                os.write(number, bytes([0, 0, 0, 9]) + b"{'pickle'")
            except OSError:
                pass""",
    "more than 16 MB": "def double(x):\n    return 'x' * 2**27",
    "deep lists": """
        def double(x):
            nested = []
            for _ in range(100_000):
                nested = [nested]
            return nested""",
    "an array that never ends": """
        import numpy as np
        def double(x):
            return np.zeros((2**40, 0))""",
    "a list that keeps the checks busy": """
        class Never(list):
            def __iter__(self):
                while True:
                    yield 1
        def double(x):
            return Never([1])""",
    "no plain data": "def double(x):\n    return object()",
    "a class": "class double:\n    pass",
}

# Replies that look like replies: of code that has reached the program in the sandbox.
REACH = """
import gc
program = {type(one).__name__: one for one in gc.get_objects()}
answers, connection = program["Answers"], program["Connection"]
real = type(answers).run.__globals__
pack = real["pack"]
"""
IN_PLACE_OF_ALL = "real['pack'] = lambda value, *_: pack((value[0], {}))"
NOTHING = "{'texts': {'stdout': '', 'stderr': ''}, 'shown': [], 'error': None}"
NONSENSE = "{'texts': {'stdout': 1, 'stderr': []}, 'shown': [[1]], 'error': [1, 2, 3]}"
FORGED = {
    "always the same bytes": "real['pack'] = lambda *_: b'{\"tuple\": [1, \"done\", true]}'",
    "true": IN_PLACE_OF_ALL.format("'done', True"),
    "a cell that showed nothing": IN_PLACE_OF_ALL.format(f"'done', {NOTHING}"),
    "a cell that showed nonsense": IN_PLACE_OF_ALL.format(f"'done', {NONSENSE}"),
    "a missing name": IN_PLACE_OF_ALL.format("'done', ('missing',)"),
    "no value": IN_PLACE_OF_ALL.format("'done'"),
    "no reason": IN_PLACE_OF_ALL.format("'failed'"),
    "no outcome": IN_PLACE_OF_ALL.format("__import__('numpy').arange(2), 1"),
    "another function": "answers.call = lambda *_: 7",
    "no cell is run": f"answers.run = lambda *_: {NOTHING}",
    "what is not asked yet": """
for number in range(100):
    connection.send_bytes(pack((number, 'done', 42)))""",
    "an end that comes later": """
import os, threading
threading.Timer(1, os._exit, [0]).start()""",
}
for title, forged in FORGED.items():
    HOSTILE[f"forged by a cell, {title}"] = REACH + forged
    inside = textwrap.indent(REACH + forged, "    ")
    HOSTILE[f"forged by a function, {title}"] = f"def double(x):{inside}\n    return 2 * x + 1"

HONEST = ("0 first", "half-way", "z last")  # in the order in which they are graded


@pytest.fixture(scope="module")
def crowd(template, tmp_path_factory):
    """A course in which every hostile notebook was handed in, honest ones between them, and all
    were graded in one run, as a teacher does it."""
    root = shutil.copytree(template, tmp_path_factory.mktemp("crowd") / "my course")
    with (root / "nbgrader_config.py").open("a") as file:
        file.write("c.Judge.seconds = 3\nc.Judge.memory_gb = 1\n")
    course = submissions.Course(root)
    for title, answer in HOSTILE.items():
        hand_in(root, title, right(course, double=textwrap.dedent(answer)))
    for student in HONEST:
        hand_in(root, student, right(course))
    hand_in(root, "invalid JSON", b"{")
    with hand_in(root, "200 MB", b"").open("wb") as file:
        file.truncate(200_000_000)
    run = command(course, "grade")
    shown, _ = run.communicate(timeout=3000)
    assert run.returncode == 0, shown
    return course


def test_code_that_takes_the_place_of_the_program_costs_its_question_alone(course):
    """As well as what a wrong answer leaves behind for others."""
    taken_over = f"{REACH}answers.call = lambda *_: 7"
    for left in (taken_over, "abs = 7"):
        attack = f"{left}\ndef double(x):\n    return x"
        triple = "def triple(x):\n    return abs(3 * x)"
        hand_in(course.root, "ada", right(course, double=attack, triple=triple))
        assert graded(course)[0] == {"double": 0, "triple": 5}


@slow
@sandboxed
@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_answer_costs_its_question_and_nothing_else(crowd, title):
    assert in_table(crowd, title)[0] == {"double": 0, "triple": 5}
    assert said(crowd, "double", title)


@slow
@sandboxed
def test_among_hostile_notebooks_everybody_is_graded_and_nobody_harmed(crowd):
    everybody = {*HOSTILE, *HONEST, "invalid JSON", "200 MB"}
    assert set(finished(crowd)) == everybody
    assert {path.parts[-3] for path in crowd.root.glob("submitted/*/*/*.ipynb")} == everybody
    assert {path.parts[-3] for path in crowd.root.glob("feedback/*/*/*.html")} == everybody
    for student in HONEST:
        assert in_table(crowd, student) == (FULL, "")
    for student in ("invalid JSON", "200 MB"):
        assert in_table(crowd, student)[0] == {"double": 0, "triple": 0}


@slow
@sandboxed
def test_a_disk_can_be_filled_only_up_to_its_limit(course):
    course.config.Judge.seconds = 20
    answer = textwrap.dedent(HOSTILE["filled disk"]) + "\nprint('written', written)"
    hand_in(course.root, "ada", right(course, double=answer))
    graded(course)
    text = (course.root / "autograded" / "ada" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")
    written = int(text.partition("written ")[2].partition("\\n")[0])
    assert 0 < written <= 3 * sandbox.Limits().disk


@slow
@sandboxed
def test_nothing_can_be_deleted(course):
    bob = hand_in(course.root, "bob", right(course))
    places = [str(course.root), str(Path(__file__).parents[2]), os.path.expanduser("~")]
    answer = f"import shutil\nfor place in {places}:\n    shutil.rmtree(place, ignore_errors=True)"
    hand_in(course.root, "ada", right(course, double=answer))
    before = sorted(course.root.rglob("*/*.ipynb"))
    assert graded(course)[0] == {"double": 0, "triple": 5}
    assert bob.exists() and set(before) <= set(course.root.rglob("*/*.ipynb"))


@slow
@sandboxed
def test_no_other_work_can_be_seen(course):
    hand_in(course.root, "bob", right(course))
    place = str(course.root / "submitted")
    seen = f"import os\ndef double(x):\n    return 2 * x * os.path.exists({place!r})"
    hand_in(course.root, "ada", right(course, double=seen))
    assert graded(course)[0] == {"double": 0, "triple": 5}


@slow
@sandboxed
def test_no_socket_reaches_anybody(course):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = server.getsockname()
        call = f"import socket\nsocket.create_connection({address}, 2)"
        hand_in(course.root, "ada", right(course, double=call))
        assert graded(course)[0] == {"double": 0, "triple": 5}
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_cell_that_claims_to_be_a_check_is_not_trusted(course, tmp_path):
    """Checks run outside the sandbox, so their source must be the teacher's."""
    trace = tmp_path / "trace"
    evil = f"open({str(trace)!r}, 'w').write('x')"
    nb = right(course)
    mark = tiny_coursework.mark
    nb.cells.append(
        new_code_cell(evil, metadata=mark("mine_checks", grade=True, locked=True, points=99))
    )
    for cell in nb.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in ("triple_checks", "setup"):
            cell.source = evil
    hand_in(course.root, "ada", nb)
    marks, notes = graded(course)
    assert marks == FULL
    assert "The cell triple_checks is not today's" in notes and "mine_checks is unknown" in notes
    if not NO_SANDBOX:
        assert not trace.exists()


def rewrite_setup(course, code):
    """Let the set-up cell hold other code, and write the student version anew."""
    path = course.root / "source" / NAME / f"{NAME}.ipynb"
    text = path.read_text(encoding="utf-8").replace("import numpy as np", code)
    path.write_text(text, encoding="utf-8")
    course.release(NAME)


def test_a_question_that_is_added_to_graded_work_is_refused_with_the_reason(course):
    hand_in(course.root, "ada", right(course))
    course.grade(NAME, "ada")
    path = course.root / "source" / NAME / f"{NAME}.ipynb"
    text = path.read_text(encoding="utf-8").replace('"grade_id": "triple', '"grade_id": "other')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RuntimeError) as refused:
        course.release(NAME)
    assert str(refused.value) == (
        "tiny could not be made ready for students: RuntimeError: Cannot add or remove cells for "
        "notebook 'tiny' because there are submissions associated with it"
    )


def test_where_the_given_cell_fails_nobody_is_marked(course, monkeypatch):
    monkeypatch.setenv("HERE_ONLY", "1")  # the sandbox does not see it
    rewrite_setup(course, "import os; here = os.environ['HERE_ONLY']")
    hand_in(course.root, "ada", right(course))
    with pytest.raises(RuntimeError, match="the given cell setup stopped in the sandbox"):
        course.grade(NAME, "ada")
    assert course.record(NAME, "ada") is None


def test_a_student_who_breaks_the_given_cell_has_no_marks_and_the_reason(course):
    nb = right(course)
    nb.cells.insert(0, new_code_cell("import sys; sys.modules['numpy'] = None"))
    hand_in(course.root, "ada", nb)
    marks, notes = graded(course)
    assert marks == {"double": 0, "triple": 0}
    assert "the given cell setup stopped in the sandbox" in notes


def test_an_answer_that_is_no_python_is_told_so(course):
    hand_in(course.root, "ada", right(course, double="def double(x):\nreturn 2 * x"))
    assert graded(course)[0] == {"double": 0, "triple": 5}
    assert said(course, "double").startswith(
        "No cell defines double, for the one that should did not finish. IndentationError: "
    )


@slow
def test_the_cell_that_imports_may_take_longer_than_an_answer(course):
    slow_import = "import time; time.sleep(4); import numpy as np"  # answers have 3 seconds
    rewrite_setup(course, slow_import)
    hand_in(course.root, "ada", right(course))
    assert graded(course)[0] == FULL


@slow
def test_seconds_are_the_processors_and_on_the_clock_some_times_as_many(template, tmp_path):
    """On a busy machine an answer waits without working: that is not the student's fault."""
    cache, limits = template / ".grading" / "cache", sandbox.Limits(seconds=1)
    with sandbox.Sandbox(cache, limits, tmp_path) as process:
        (outcome, _) = process.ask("run", "import time; time.sleep(2)")
        assert outcome == "done"
        began = time.monotonic()
        with pytest.raises(sandbox.Died, match="took more than 1 seconds"):
            process.ask("run", "time.sleep(1000)")
        assert time.monotonic() - began >= sandbox.PATIENCE
    with sandbox.Sandbox(cache, limits, tmp_path) as process:
        with pytest.raises(sandbox.Died, match="took more than 1 seconds"):
            process.ask("run", "import os\nos.fork()\nwhile True: pass")
        assert sandbox._work(process._family()) == 0  # nothing is left of it


# --- notebooks that arrive in another shape -------------------------------------------------------


def test_no_notebook_and_no_json_get_no_marks_and_a_reason(course):
    odd = right(course)
    odd.cells[1].metadata["nbgrader"] = ["double", 99]
    for content, reason in (
        (nbformat.writes(odd).encode(), "not a notebook that can be read"),
        (b"not JSON at all", "not a notebook that can be read"),
        (b'{"cells": 7}', "not a notebook that can be read"),
        (b"\xff\xfe\x00", "not a notebook that can be read"),
        (b"[" * 100_000, "not a notebook that can be read"),
    ):
        hand_in(course.root, "ada", content)
        marks, notes = graded(course)
        assert marks == {"double": 0, "triple": 0}
        assert reason in notes
    text = page(course)
    assert "Your notebook was not graded" in text


def test_a_notebook_of_200_mb_is_not_read(course):
    path = hand_in(course.root, "ada", b"")
    with path.open("wb") as file:
        file.truncate(200_000_000)
    marks, notes = graded(course)
    assert marks == {"double": 0, "triple": 0}
    assert "It takes 200 MB; expected at most 10" in notes


@pytest.mark.parametrize("level", ["the file", "the assignment's folder", "the student's folder"])
def test_a_link_is_not_followed(course, level):
    other = hand_in(course.root, "bob", right(course))
    folder = course.root / "submitted" / "ada" / NAME
    if level == "the file":
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").symlink_to(other)
    elif level == "the assignment's folder":
        folder.parent.mkdir()
        folder.symlink_to(other.parent)
    else:
        folder.parent.symlink_to(other.parents[1])
    marks, notes = graded(course)
    assert marks == {"double": 0, "triple": 0} and "link" in notes
    assert RIGHT["double"] not in page(course)


def test_a_notebook_of_too_many_cells_or_letters_is_not_read(course):
    many = right(course)
    many.cells += [new_markdown_cell("a")] * 100_000
    long = right(course)
    long.cells.append(new_markdown_cell("a " * 600_000))
    for nb, found in ((many, "It has 100"), (long, "Its cells hold 120")):
        path = hand_in(course.root, "ada", b"")
        path.write_text(json.dumps(nb), encoding="utf-8")
        marks, notes = graded(course)
        assert marks == {"double": 0, "triple": 0} and found in notes


def test_large_outputs_and_pictures_cost_nothing(course):
    nb = right(course, words="Because it is.")
    picture = nbformat.v4.new_output("display_data", data={"image/png": "A" * 2_000_000})
    nb.cells.append(new_code_cell("1", outputs=[picture]))
    nb.cells[0].source += f"\n![scan](data:image/png;base64,{'A' * 2_000_000})"
    hand_in(course.root, "ada", nb)
    assert graded(course) == (FULL, "")


def test_a_text_that_takes_long_to_draw_is_cut_on_the_page(course, monkeypatch):
    monkeypatch.setattr(submissions, "PAGE_SECONDS", 2)
    nb = right(course)
    nb.cells.append(new_markdown_cell("\\\\(" * 60_000))  # takes the time of its square
    hand_in(course.root, "ada", nb)
    assert graded(course)[0] == FULL
    text = page(course)
    assert "cut: the page took too long" in text and "10.0 of 12.0" in text


def test_a_worker_gets_no_more_memory_than_is_due():
    ((_, found),) = grade.in_parallel(eval, "len(bytes(7 * 2**30))", {}, [None])
    assert isinstance(found, MemoryError)


def change(name, act):
    """A way to change a notebook: do something with the place of a cell."""

    def changed(nb):
        ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells]
        act(nb, ids.index(name))

    return changed


def edit(nb, place):
    nb.cells[place].source = "assert True"


def delete(nb, place):
    del nb.cells[place]


def copy_before(nb, place):
    copied = nbformat.from_dict(json.loads(json.dumps(nb.cells[place])))
    nb.cells.insert(place, copied | {"id": "copied"})


def other_front_end(nb):
    nb.metadata = {"colab": {"provenance": []}, "kernelspec": {"name": "ir", "language": "R"}}
    for cell in nb.cells:
        del cell["id"]
    nb.nbformat_minor = 0


def windows(nb):
    for cell in nb.cells:
        cell.source = cell.source.replace("\n", "\r\n")


NO_TRIPLE = {"double": 5, "triple": 0}
CHANGED = {
    "edited check": (change("triple_checks", edit), FULL, "triple_checks is not today's"),
    "deleted check": (change("triple_checks", delete), FULL, "triple_checks was deleted"),
    "deleted setup": (change("setup", delete), FULL, "setup was deleted"),
    "deleted answer": (change("triple", delete), NO_TRIPLE, "triple was deleted"),
    "deleted text": (change("words", delete), FULL, "words was deleted"),
    "copied answer": (change("triple", copy_before), FULL, "triple is there more than once"),
    "copied check": (change("triple_checks", copy_before), FULL, "there more than once"),
    "other front end": (other_front_end, FULL, "kernel for R"),
    "Windows": (windows, FULL, "Windows' line ends"),
}


@pytest.mark.parametrize(("alter", "marks", "note"), CHANGED.values(), ids=CHANGED)
def test_a_changed_notebook_is_graded_with_a_note(course, alter, marks, note):
    nb = right(course)
    alter(nb)
    path = hand_in(course.root, "ada", b"")
    path.write_text(json.dumps(nb), encoding="utf-8")
    found, notes = graded(course)
    assert found == marks
    assert note in notes


def test_changed_outputs_alone_are_no_answer(course):
    nb = blank(course)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text="42\n")]
    hand_in(course.root, "ada", nb)
    marks, notes = graded(course)
    assert marks == {"double": 0, "triple": 0} and "No answer was changed" in notes
    assert "not answered yet" in said(course, "double")


def test_a_renamed_file_is_graded_with_a_note_if_it_is_the_only_one(course):
    hand_in(course.root, "ada", right(course), name="tiny (1)\x1b[2J.ipynb")
    marks, notes = graded(course)
    assert marks == FULL and "renamed to tiny (1)?[2J.ipynb" in notes
    hand_in(course.root, "ada", right(course), name="tiny (2).ipynb")
    marks, notes = graded(course)
    assert marks == {"double": 0, "triple": 0} and "Rename the one that counts" in notes


def mark_by_hand(course, key, marks, student="ada"):
    """Give marks, as the formgrader does."""
    with submissions.Gradebook(course.config.CourseDirectory.db_url) as gradebook:
        grade = gradebook.find_grade(key, NAME, NAME, student)
        grade.manual_score, grade.needs_manual_grade = marks, False
        gradebook.db.commit()


def by_hand(course):
    """In the table: the marks for the text, and what a person has to look at."""
    with (course.root / f"{NAME}.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    return float(row["words"]), row["mark by hand"]


def test_marks_by_hand_survive_another_grading(course):
    """They are looked at again only where the text has changed."""
    hand_in(course.root, "ada", right(course, words="Because it is."))
    graded(course)
    mark_by_hand(course, "words", 2)
    mark_by_hand(course, "triple_checks", 4)
    hand_in(course.root, "ada", right(course, words="Because it is.", double="x = 1"))
    assert graded(course)[0] == {"double": 0, "triple": 4}
    assert by_hand(course) == (2, "triple_checks")
    text = page(course)
    assert "tiny: 6.0 of 12.0 marks</h4>" in text and "marked by a person" in text
    for words in ("Because I say so.", "Because I say so."):  # the second time nobody has looked
        hand_in(course.root, "ada", right(course, words=words))
        graded(course)
        assert by_hand(course) == (2, "triple_checks words")


# --- one row and one page each, whatever was handed in --------------------------------------------

ODD_NAMES = ("[a]", "*", "?", " a ", "a\nb", "~a", ".a", "'\"", "%41", "{student_id}", "é" * 100)
ODD_NAMES += (os.fsdecode(b"\xff\xfe"), "A", "a", "a~1")
ODD_TIMES = (b"", b"soon", b"9" * 99, b"\xff\xfe2\x00", b"2030-13-31", b"a\nb\n", b"x" * 1000)
SURROGATES = """
print("half \\ud83d of a smile")
def double(x):
    return 2 * x
def triple(x):
    raise ValueError("\\udc00")"""


def hand_in_everything(root, blank):
    """Hand in every malformed kind. Returns the names of the folders, and who is right."""
    nb = answered(blank, **RIGHT)
    full = [*ODD_NAMES, *HONEST]
    for name in full:
        hand_in(root, name, nb)
    for number, content in enumerate(ODD_TIMES):
        hand_in(root, f"time {number}", nb)
        hand_in(root, f"time {number}", content, name="timestamp.txt")
        full.append(f"time {number}")
    for name in (f"{NAME}.IPYNB", f"{NAME}.ipynb.txt"):
        hand_in(root, name, nb, name=name)
        full.append(name)
    for name, kind in (("time folder", Path.mkdir), ("time pipe", os.mkfifo)):
        kind(hand_in(root, name, nb).with_name("timestamp.txt"))
        full.append(name)
    half = nbformat.from_dict(json.loads(json.dumps(nb)))
    half.cells[0].source = half.cells[-1].source = "half \ud83d of a smile"
    hand_in(root, "half a letter", json.dumps(half).encode())
    full.append("half a letter")
    hand_in(root, "half printed", answered(blank, double=SURROGATES, triple="x = 1"))
    hand_in(root, "subfolder", nb, assignment=f"{NAME}/{NAME}")
    hand_in(root, "empty file", b"")
    hand_in(root, "no JSON", b"{")
    (root / "submitted" / "empty" / NAME).mkdir(parents=True)
    hand_in(root, "file for a folder", nb, name=NAME, assignment=".")
    os.mkfifo(hand_in(root, "pipe", nb, name="x").with_name(f"{NAME}.ipynb"))
    (root / "submitted" / "linked").symlink_to(root / "submitted" / HONEST[0])
    return full


@slow
def test_whatever_is_handed_in_gets_one_row_and_one_page(course):
    full = hand_in_everything(course.root, blank(course))
    everybody = course.students(NAME)
    assert len(everybody) == len(full) + 8
    run = command(course, "grade", SANDBOX="none" if NO_SANDBOX else "as-root")
    shown, _ = run.communicate(timeout=1800)
    assert run.returncode == 0 and "Traceback" not in shown, shown
    with (course.root / f"{NAME}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    readable = {name.encode("utf-8", "replace").decode() for name in everybody}
    assert {row["student"] for row in rows} == readable and len(rows) == len(everybody)
    marks = {row["student"]: float(row["score"]) for row in rows}
    assert {name for name in full if marks[submissions.writable(name)] != 10} == set()
    assert {row["student"] for row in rows if not row["notes"]} >= {*HONEST, "A", "half printed"}
    assert marks["half printed"] == 5 and marks["empty"] == marks["linked"] == 0
    pages = [path.parts[-3] for path in course.root.glob(f"feedback/*/{NAME}/{NAME}.html")]
    assert sorted(pages) == everybody
    assert len(list(course.root.glob(f"feedback/*/{NAME}/result.json"))) == len(everybody)


def test_half_of_a_character_in_what_is_printed_costs_nothing(course):
    hand_in(course.root, "ada", answered(blank(course), double=SURROGATES, triple="x = 1"))
    assert graded(course) == ({"double": 5, "triple": 0}, "")
    assert said(course, "triple") == "Your code stopped with ValueError: ?"
    assert "half ? of a smile" in page(course)


def test_a_name_with_brackets_and_a_time_that_cannot_be_read_cost_no_row(course):
    for student in ("[ab]", "a"):
        hand_in(course.root, student, right(course))
        hand_in(course.root, student, b"soon", name="timestamp.txt")
        marks, notes = graded(course, student)
        assert marks == FULL and "timestamp.txt cannot be read" in notes and "2030-05-31" in notes
        assert "10.0 of 12.0" in page(course, student)


def test_two_students_are_never_taken_for_one():
    names = [*ODD_NAMES, "[b]", "_a_", "a b", "a_b", "a\rb", "é" * 99]
    assert len({submissions.ident(name) for name in names}) == len(names)
    assert all(re.fullmatch(r"[\w ~]+", submissions.ident(name)) for name in names)
    assert submissions.ident("Ada Lovelace-King, 12 (b)") == "Ada Lovelace-King, 12 (b)"


# --- the table ------------------------------------------------------------------------------------


def times(course):
    with (course.root / f"{NAME}.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row["submitted"] for row in csv.DictReader(file)}


def test_a_time_that_is_added_later_counts(course):
    hand_in(course.root, "ada", right(course))
    graded(course)
    assert times(course) == {"ada": ""} and course.waiting(NAME) == []
    hand_in(course.root, "ada", b"2030-05-31 23:59:00 UTC\n", name="timestamp.txt")
    assert course.waiting(NAME) == ["ada"]
    graded(course)
    assert times(course) == {"ada": "2030-05-31 23:59:00"}


def test_a_lost_gradebook_is_said_and_filled_again(course, capsys, monkeypatch):
    monkeypatch.setenv("SANDBOX", "none" if NO_SANDBOX else "as-root")
    for student in ("ada", "bob"):
        hand_in(course.root, student, right(course))
        course.grade(NAME, student)
    shutil.rmtree(course.root / "submitted" / "bob")
    (course.root / "gradebook.db").unlink()
    assert course.waiting(NAME) == ["ada"]
    assert grade.feedback(course, [NAME]) == 0  # nothing to write, and no traceback
    assert grade.grade(course, [NAME]) == 0
    said = capsys.readouterr().out
    assert "gradebook.db holds no marks of 2 that were graded" in said
    assert "bob cannot be graded again: the hand-in is gone. Put it back." in said
    assert in_table(course, "ada")[0] == FULL
    (course.root / "gradebook.db").write_bytes(b"no database " * 100)
    shown, _ = command(course, "feedback").communicate(timeout=120)
    assert "gradebook.db cannot be used" in shown and "Traceback" not in shown


@slow
def test_where_nothing_is_handed_in_this_is_said(course, monkeypatch):
    """Also where JupyterLab has left a folder beside the assignments; rows stay."""
    path = hand_in(course.root, "ada", right(course))
    graded(course)
    (course.root / "source" / ".ipynb_checkpoints").mkdir()
    shutil.rmtree(path.parents[2])
    mode = "none" if NO_SANDBOX else "as-root"
    shown, _ = command(course, "grade", SANDBOX=mode).communicate(timeout=120)
    assert "tiny: 0 of 0 to grade" in shown and "The hand-in is gone" in in_table(course, "ada")[1]
    shutil.rmtree(course.root / "autograded")
    shown, _ = command(course, "grade", SANDBOX=mode).communicate(timeout=120)
    assert "Nothing was handed in. Expected: submitted/<student>/<assignment>/" in shown


def test_a_hand_in_that_was_removed_keeps_its_row_with_a_note(course):
    path = hand_in(course.root, "ada", right(course))
    graded(course)
    shutil.rmtree(path.parents[1])
    course.table(NAME)
    marks, notes = in_table(course, "ada")
    assert marks == FULL and "Put it back, or delete autograded/ada/tiny" in notes


def test_what_lies_in_no_folder_of_an_assignment_is_named(course):
    hand_in(course.root, "ada", right(course), assignment=".")
    hand_in(course.root, "bob", right(course), assignment="tinny")
    (course.root / "submitted" / "list.txt").write_text("x", encoding="utf-8")
    said = course.misplaced()
    found = [sentence.partition(" was not graded; expected ")[0] for sentence in said]
    assert found == ["submitted/ada/tiny.ipynb", "submitted/bob/tinny", "submitted/list.txt"]
    assert "submitted/<student>/<assignment>/, assignments: tiny" in said[0]


# --- the page -------------------------------------------------------------------------------------


def test_a_blank_text_is_called_blank_and_added_cells_are_said(course):
    nb = right(course)
    nb.cells.insert(-1, new_markdown_cell("Because it is."))
    hand_in(course.root, "ada", nb)
    _, notes = graded(course)
    assert notes == "Left blank: words; but 1 text was added or changed. Look there for the answer."
    text = page(course)
    assert "0.0 of 2.0, left blank" in text and "marked by a person" not in text


def moved_behind(nb, place):
    nb.cells.append(nb.cells.pop(place))


def written_behind(nb, place):
    nb.cells.append(new_code_cell(nb.cells[place].source))
    nb.cells[place].source = BLANK


def written_before(nb, place):
    nb.cells.insert(place, new_code_cell(nb.cells[place].source))
    nb.cells[place + 1].source = BLANK


BLANK = "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"


@pytest.mark.parametrize("change", [moved_behind, written_behind, written_before])
def test_an_answer_in_another_cell_than_its_own_is_judged(course, change):
    assert BLANK in [cell.source for cell in blank(course).cells]
    for answer, marks in ((RIGHT["double"], 5), ("def double(x):\n    return x", 0)):
        nb = right(course, double=answer)
        names = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells]
        change(nb, names.index("double"))
        hand_in(course.root, "ada", nb)
        assert graded(course) == ({"double": marks, "triple": 5}, "")
        assert ("the secret sentence" in page(course)) is (marks == 0)


def test_a_mark_given_by_hand_takes_the_sentence_away(course):
    hand_in(course.root, "ada", right(course, words="Because.", double="def double(x): return x"))
    graded(course)
    assert "the secret sentence" in page(course)
    result = course.root / "feedback" / "ada" / NAME / "result.json"
    before = json.loads(result.read_text(encoding="utf-8"))
    mark_by_hand(course, "double_checks", 4)
    text = page(course)
    assert "the secret sentence" not in text and "4.0 of 5.0, marked by a person" in text
    after = json.loads(result.read_text(encoding="utf-8"))
    sentence = "You returned the number itself: the secret sentence."
    assert before == {
        "student": "ada",
        "assignment": NAME,
        "score": 5,
        "of": 12,
        "questions": {
            "double_checks": {"score": 0, "of": 5, "said": sentence},
            "triple_checks": {"score": 5, "of": 5, "said": ""},
            "words": {"score": None, "of": 2, "said": ""},
        },
    }
    assert after["questions"]["double_checks"] == {"score": 4, "of": 5, "said": ""}


PARTS = """### BEGIN HIDDEN TESTS
from marking import Part, question

parts = {"size": Part(3, lambda got, x: abs(got)), "sign": Part(2, lambda got, x: got > 0)}
question.function(triple, [(1,), (-2,)], "notebook 01, numbers", parts)
### END HIDDEN TESTS
assert triple(0) == 0, "Nothing stays nothing."
"""
MISTAKE = """[[triple]]
wrong = '''
def triple(number):
    return abs(number) * 3
'''
says = "You lost the sign (notebook 01, numbers)."
"""


def test_a_part_that_is_right_keeps_its_marks_and_a_known_mistake_has_its_sentence(course):
    path = course.root / "source" / NAME / f"{NAME}.ipynb"
    nb = nbformat.read(path, as_version=4)
    (checks,) = [
        c for c in nb.cells if c.metadata.get("nbgrader", {}).get("points") and "triple" in c.source
    ]
    checks.source = PARTS
    nbformat.write(nb, path)
    course.release(NAME)
    hand_in(course.root, "ada", right(course, triple="def triple(x):\n    return abs(3 * x)"))
    assert graded(course)[0] == {"double": 5, "triple": 3}
    example = "1 of 2 cases fail. One of them: triple(-2), sign must give False, and gave True"
    assert said(course, "triple") == f"{example} (notebook 01, numbers)."
    (course.root / "mistakes").mkdir()
    (course.root / "mistakes" / f"{NAME}.toml").write_text(MISTAKE, encoding="utf-8")
    assert course.waiting(NAME) == ["ada"]
    assert graded(course)[0] == {"double": 5, "triple": 3}
    assert said(course, "triple") == "You lost the sign (notebook 01, numbers)."
    text = page(course)
    assert "3.0 of 5.0" in text and "You lost the sign" in text
    assert "<pre>3.0" not in text


def test_an_answer_without_the_function_that_its_checks_ask_for_is_not_handed_out(course):
    change_source(course, "assert triple(21) != 21", "question.function(triple) # assert")
    course.release(NAME)
    change_source(course, "def triple(", "def tripled(")
    with pytest.raises(RuntimeError, match="triple defines no function triple"):
        course.release(NAME)


# --- handing out ----------------------------------------------------------------------------------


def change_source(course, old, new):
    path = course.root / "source" / NAME / f"{NAME}.ipynb"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


LEAK = r"# assert double(21) == 42, \"That is not 42.\""
FAULTS = {
    "no checks": ('"triple_checks"', '"others_checks"', "triple has no checks"),
    "no marks": ('"points": 5', '"points": 0', "double_checks gives no marks"),
    "a check that checks nothing": ("assert ", "print ", "double_checks checks nothing"),
    "a typing error": ("assert double(0)", "assert double(0", "double_checks is no Python: "),
    "no notebook": ('"cells"', '"cells', "cannot be read"),
    "two of a name": ('"triple', '"double', "There are several cells double;"),
    "a leak": ("# Calculate", LEAK, "holds the answer 'assert double(21) == 42"),
    "a forgotten end": ("### END SOLUTION", "### THE END", "could not be made ready"),
}


@pytest.mark.parametrize(("old", "new", "found"), FAULTS.values(), ids=FAULTS)
def test_what_could_not_be_marked_or_gives_an_answer_away_is_not_handed_out(
    course, old, new, found
):
    shutil.rmtree(course.root / "release")
    change_source(course, old, new)
    with pytest.raises(RuntimeError, match=re.escape(found)):
        course.release(NAME)
    assert not list(course.root.glob("release/**/*.ipynb"))


# --- the command ----------------------------------------------------------------------------------


def command(course, *words, **environment):
    """`grade.py` in a course's own folder, as a process."""
    environment = os.environ | {"PYTHONPATH": str(sandbox.COURSE)} | environment
    program = [sys.executable, str(course.root / "grading" / "grade.py"), *words]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(program, env=environment, start_new_session=True, **streams)


def finished(course):
    """Who was graded, and when."""
    records = course.root.glob("autograded/*/*/record.json")
    return {path.parts[-3]: path.stat().st_mtime_ns for path in records}


REFUSING = 'case "$1" in --version) echo bubblewrap 0.9.0;; *) echo no uid map >&2; exit 1;; esac'
UNFIT = {
    "missing": (None, "found none"),
    "too old": ("echo bubblewrap 0.4.1", "found 'bubblewrap 0.4.1', older than 0.8"),
    "forbidden by the system": (REFUSING, "it does not work here (no uid map)"),
}


@pytest.mark.parametrize(("program", "found"), UNFIT.values(), ids=UNFIT)
def test_without_a_fitting_bubblewrap_there_is_no_sandbox(tmp_path, monkeypatch, program, found):
    monkeypatch.setenv("PATH", str(tmp_path))
    if program is not None:
        (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{program}\n", encoding="utf-8")
        (tmp_path / "bwrap").chmod(0o755)
    with pytest.raises(sandbox.NoSandbox) as refusal:
        sandbox.check.__wrapped__()
    said = str(refusal.value)
    assert found in said and "sudo apt install bubblewrap" in said and "SANDBOX=none" in said


@slow
def test_without_a_sandbox_it_refuses_and_says_what_to_do(course, tmp_path):
    hand_in(course.root, "ada", right(course))
    run = command(course, "grade", PATH=str(tmp_path))
    shown, _ = run.communicate(timeout=120)
    assert run.returncode != 0 and finished(course) == {}
    assert "sudo apt install bubblewrap" in shown and "SANDBOX=none" in shown


@slow
def test_an_unknown_assignment_is_answered_with_the_known_ones(course):
    shown, _ = command(course, "release", "tinny").communicate(timeout=120)
    assert "no assignment tinny; expected: tiny" in shown


@slow
def test_killed_half_way_it_loses_nothing_and_grades_nobody_twice(course):
    mode = "none" if NO_SANDBOX else "as-root"
    students = [f"student{number}" for number in range(8)]
    for number, student in enumerate(students):
        hand_in(
            course.root, student, right(course, double="x = 1") if number % 2 else right(course)
        )
    hand_in(course.root, "torn", b"{")
    first = command(course, "grade", SANDBOX=mode)
    until = time.monotonic() + 120
    while len(finished(course)) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=60)  # its workers end with it, or this would wait for them
    before = finished(course)
    assert 2 <= len(before) < len(students)
    second = command(course, "grade", SANDBOX=mode)
    shown, _ = second.communicate(timeout=300)
    assert second.returncode == 0, shown
    assert f"{len(students) + 1 - len(before)} of {len(students) + 1} to grade" in shown
    after = finished(course)
    assert set(after) == {*students, "torn"}
    assert {student: after[student] for student in before} == before
    with (course.root / f"{NAME}.csv").open(encoding="utf-8-sig", newline="") as file:
        marks = {row["student"]: float(row["score"]) for row in csv.DictReader(file)}
    expected = {student: 5 if number % 2 else 10 for number, student in enumerate(students)}
    assert marks == expected | {"torn": 0}
    assert all((course.root / "feedback" / student).is_dir() for student in after)
    assert list(course.root.glob(".grading/tmp*")) == []


def test_more_submissions_than_its_processes_may_grade_all_come_back(monkeypatch):
    monkeypatch.setattr(grade, "TASKS_PER_PROCESS", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    students = [f"student{number}" for number in range(5)]
    found = grade.in_parallel(max, "a", "b", students)  # the last of three strings, in a worker
    assert dict(found) == {student: student for student in students}
    assert list(grade.in_parallel(max, "a", "b", [])) == []


def test_an_interrupted_task_leaves_no_half_record(course, monkeypatch):
    hand_in(course.root, "ada", right(course))
    monkeypatch.setattr(submissions, "_move", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        course.grade(NAME, "ada")
    assert finished(course) == {} and course.waiting(NAME) == ["ada"]


def test_another_hand_in_or_another_question_is_graded_again(course):
    hand_in(course.root, "ada", right(course))
    hand_in(course.root, "bob", right(course))
    for student in ("ada", "bob"):
        course.grade(NAME, student)
    assert course.waiting(NAME) == []
    hand_in(course.root, "bob", right(course, double="x = 1"))
    assert course.waiting(NAME) == ["bob"]
    path = course.root / "source" / NAME / f"{NAME}.ipynb"
    text = path.read_text(encoding="utf-8")
    text = text.replace("Nothing stays nothing.", "Zero stays zero.")
    path.write_text(text, encoding="utf-8")
    assert course.waiting(NAME) == ["ada", "bob"]


@slow
def test_two_runs_at_once_are_refused(course):
    with grade.FileLock(course.root / ".grading" / "lock"):
        shown, _ = command(course, "release").communicate(timeout=120)
    assert "found another one at work" in shown


def test_checks_that_an_answer_keeps_busy_are_stopped():
    checks = "while answer != 2:\n    pass"
    student = type("Student", (), {"bind": lambda self, name: 1, "sandbox": True})()
    (error,) = judge.check(checks, {}, student, seconds=0.1)
    assert "took too long on your answer" in error.evalue


@slow
@sandboxed
def test_the_sentences_on_stopped_work_say_why(course):
    hand_in(course.root, "ada", right(course, double=HOSTILE["endless loop in the function"]))
    graded(course)
    assert said(course, "double") == (
        "Grading of this question was stopped: your code took more than 3 seconds."
    )
    assert judge.UNANSWERED not in said(course, "double")
