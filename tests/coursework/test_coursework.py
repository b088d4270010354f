"""The coursework: students get no solution, and the checks know right answers from wrong ones."""

import ast
import math
import re
import tomllib
from functools import cache

import gates
import judge
import many_submissions
import marking
import nbformat
import pytest
import sandbox
import submissions
import tiny_coursework
from tiny_coursework import COURSEWORK

MISTAKES = sorted((COURSEWORK / "mistakes").glob("*.toml"))
NAMES = [path.stem for path in MISTAKES]
FEWEST = 5  # mistakes of a question that must have sentences of their own
PROJECT = "4_own_project"  # most of it is marked by a person, by a table


@cache
def source(name):
    return nbformat.read(COURSEWORK / "source" / name / f"{name}.ipynb", as_version=4)


def cells(nb):
    """The cells that nbgrader knows: name to cell."""
    marked = [(cell.metadata.get("nbgrader", {}).get("grade_id"), cell) for cell in nb.cells]
    return {name: cell for name, cell in marked if name}


def mistakes(name):
    """Question to its wrong answers."""
    return tomllib.loads((COURSEWORK / "mistakes" / f"{name}.toml").read_text(encoding="utf-8"))


def questions(name):
    """The questions that checks judge, in order: name to source of the checks."""
    checks = {key: cell.source for key, cell in cells(source(name)).items() if "_checks" in key}
    return {key.removesuffix("_checks"): text for key, text in checks.items()}


class Desk:
    """A student's process with a whole assignment in it, and a judge beside it."""

    def __init__(self, name, process):
        self.name, self.trusted = name, {"__name__": "__main__"}
        self.known = marking.recorded(COURSEWORK, name)
        self.student = judge.Student(lambda: process, seconds=math.inf)
        self.answers = {key: cell.source for key, cell in cells(source(name)).items()}
        exec(self.answers["setup"], self.trusted)
        self.run("%reset -f")  # of what another assignment has left
        for key in ("setup", *questions(name)):
            self.run(self.answers[key])

    def run(self, code):
        shown = judge.outputs_of(self.student, code)
        assert not [output for output in shown if output.output_type == "error"], shown

    def says(self, question):
        """What the checks of a question say: None where the marks are full."""
        with marking.asking(question, self.known, self.trusted):
            outputs = judge.check(questions(self.name)[question], self.trusted, self.student)
        errors = [output.evalue for output in outputs if output.output_type == "error"]
        return errors[0] if errors else None


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    """The process of every desk, one after the other: to import TensorFlow takes seconds."""
    patch = pytest.MonkeyPatch()
    for key, value in sandbox.SHORT.items():
        patch.setenv(key, value)
    cache = tmp_path_factory.mktemp("cache")
    patch.setenv("XDG_CACHE_HOME", str(cache))
    sandbox.prepare(cache)
    limits = sandbox.Limits(seconds=300)  # our own code: it needs no bubblewrap
    with sandbox.Sandbox(cache, limits, tmp_path_factory.mktemp("scratch")) as one:
        yield one
    patch.undo()


@pytest.fixture(scope="module", params=NAMES)
def desk(process, request):
    """An assignment's desk; pytest runs the tests of one desk before it makes the next."""
    return Desk(request.param, process)


def test_the_reference_answers_get_full_marks(desk):
    assert {question: desk.says(question) for question in questions(desk.name)} == dict.fromkeys(
        questions(desk.name)
    )


def bound(code):
    """The names that a piece of code leaves behind."""
    names = set()
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            targets = [part for target in node.targets for part in ast.walk(target)]
            names |= {part.id for part in targets if isinstance(part, ast.Name)}
        else:
            raise AssertionError(f"an answer may define and assign, found {ast.unparse(node)}")
    return names


def test_a_wrong_answer_costs_no_other_question_anything(desk):
    first = {question: several[0]["wrong"] for question, several in mistakes(desk.name).items()}
    for question, code in first.items():
        desk.run(code)
        lost = [other for other in questions(desk.name) if desk.says(other)]
        desk.run(desk.answers[question])
        assert lost == [question]


@pytest.mark.parametrize("name", NAMES)
def test_every_question_names_several_mistakes_and_where_the_course_explains_them(name):
    for question, several in mistakes(name).items():
        sentences = {wrong["says"] for wrong in several}
        assert len(sentences) >= FEWEST, question
        assert all("(notebook " in sentence for sentence in sentences), question


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_answer_leaves_the_names_of_its_question_and_no_others(name):
    for question, several in mistakes(name).items():
        answers = bound(cells(source(name))[question].source)
        others = [wrong["wrong"] for wrong in several if not bound(wrong["wrong"]) <= answers]
        assert others == []  # so no other question can lose by it


SEE = re.compile(r'"(notebook \d\d, [^"]+)"')  # where a check points to


@cache
def sections(number):
    """The headings of a notebook of the course, in small letters."""
    (path,) = COURSEWORK.parent.glob(f"{number}_*.ipynb")
    return [title.lower() for _, title in gates.headings(nbformat.read(path, as_version=4))]


@pytest.mark.parametrize("name", NAMES)
def test_every_section_that_a_sentence_points_to_is_there(name):
    said = [wrong["says"] for several in mistakes(name).values() for wrong in several]
    said += [f"({see})." for text in questions(name).values() for see in SEE.findall(text)]
    for sentence in said:
        number, words = re.search(r"\(notebook (\d\d), (.+)\)\.$", sentence).groups()
        assert any(words.lower() in title for title in sections(number)), sentence


@cache
def teachers_page():
    return (COURSEWORK / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in NAMES if name != PROJECT])
def test_the_teachers_table_names_the_notebooks_that_sentences_point_to(name):
    _, _, table = teachers_page().partition(f"| {name[0]}, ")
    rows = [line.split("|")[1:-1] for line in table.partition("\n\n")[0].splitlines()[2:]]
    marks = {key: one.metadata.nbgrader.get("points") for key, one in cells(source(name)).items()}
    assert [int(row[1]) for row in rows] == [points for points in marks.values() if points]
    for (question, text), (title, _, rests, _) in zip(questions(name).items(), rows, strict=False):
        said = text + "".join(wrong["says"] for wrong in mistakes(name)[question])
        pointed = sorted(set(re.findall(r"notebook (\d\d), ", said)))
        assert rests.strip() == ", ".join(pointed), title


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A course folder in which the student version of every assignment was written."""
    root = tiny_coursework.found(tmp_path_factory.mktemp("course") / "coursework")
    course = submissions.Course(root)
    for name in NAMES:
        folder = root / "source" / name
        folder.mkdir()
        nbformat.write(source(name), folder / f"{name}.ipynb")
        course.release(name)
    return course


def student_version(course, name):
    return (course.root / "release" / name / f"{name}.ipynb").read_text(encoding="utf-8")


def hidden_lines(name):
    """Lines of solutions and of hidden tests that appear nowhere else in the source."""
    shown, hidden, inside = set(), set(), False
    for cell in source(name).cells:
        for line in cell.source.splitlines():
            inside = (inside or "### BEGIN" in line) and "### END" not in line
            (hidden if inside else shown).add(line.strip())
    return {line for line in hidden - shown if len(line) > 12}


@pytest.mark.parametrize("name", NAMES)
def test_a_student_version_holds_no_trace_of_solutions_or_hidden_tests(released, name):
    text = student_version(released, name)
    lost = hidden_lines(name)
    assert len(lost) > 30
    nb = nbformat.reads(text, as_version=4)
    everything = "\n".join(cell.source for cell in nb.cells) + str(
        [(cell.metadata, cell.get("outputs")) for cell in nb.cells] + [nb.metadata]
    )
    assert [line for line in lost if line in everything] == []
    assert "### BEGIN" not in text and "### END" not in text
    assert not any(cell.get("outputs") for cell in nb.cells)
    for question in questions(name):
        assert "NotImplementedError" in cells(nb)[question].source
        ast.parse(cells(nb)[question].source)


@pytest.mark.parametrize("name", NAMES)
def test_writing_a_student_version_again_changes_no_byte(released, name):
    before = student_version(released, name)
    released.release(name)
    assert student_version(released, name) == before


def test_many_submissions_are_right_blank_and_wrong_in_turns(released):
    name = "1_dense_networks"
    marks = [
        cells(source(name))[f"{key}_checks"].metadata.nbgrader.points for key in questions(name)
    ]
    expected = many_submissions.fill(released.root, name, 4)
    assert list(expected.values()) == [sum(marks), 0, sum(marks[1:]), sum(marks)]
    first, _, third, fourth = (
        nbformat.read(released.root / "submitted" / one / name / f"{name}.ipynb", as_version=4)
        for one in expected
    )
    answers = {key for key in cells(first) if cells(first)[key] != cells(third)[key]}
    assert answers == {"prepare"} and first == fourth


def test_blank_answers_get_no_marks_and_are_told_so(desk, released):
    blank = cells(nbformat.reads(student_version(released, desk.name), as_version=4))
    for question in questions(desk.name):
        for left in bound(desk.answers[question]):
            desk.run(f"globals().pop({left!r}, None);")
        judge.outputs_of(desk.student, blank[question].source)
        assert "not answered yet" in desk.says(question)
        desk.run(desk.answers[question])


@pytest.mark.parametrize("name", NAMES)
def test_a_source_is_committed_without_outputs_and_with_a_question_for_a_person(name):
    assert not any(cell.get("outputs") for cell in source(name).cells)
    assert (len(by_a_person(name)) == 1) is (name != PROJECT)
    assert source(name).cells[0].source.startswith("# ")


def by_a_person(name):
    """The cells that a person marks: name to marks."""
    settings = {key: cell.metadata.nbgrader for key, cell in cells(source(name)).items()}
    marked = {key: one for key, one in settings.items() if one.grade and one.solution}
    return {key: one.points for key, one in marked.items()}


def prose(name):
    """The texts of a source, without the reference answers."""
    texts = [cell for cell in source(name).cells if cell.cell_type == "markdown"]
    return [cell.source for cell in texts if "nbgrader" not in cell.metadata]


@pytest.mark.parametrize("name", NAMES)
def test_the_marks_that_students_read_are_those_of_the_cells(name):
    given = [cell.metadata.nbgrader.get("points") for cell in cells(source(name)).values()]
    given = [points for points in given if points]
    text = "\n".join(prose(name))
    assert [int(n) for n in re.findall(r"^##.*\((\d+) marks\)$", text, re.MULTILINE)] == given
    assert f"The sum is {sum(given)} marks." in text


def test_the_table_by_which_a_project_is_marked_has_its_parts_and_marks():
    (table,) = [text for text in prose(PROJECT) if "| part | marks |" in text]
    rows = [line.split("|")[1:-1] for line in table.splitlines() if re.match(r"\| \d", line)]
    marks = [cell.metadata.nbgrader.get("points") for cell in cells(source(PROJECT)).values()]
    assert [int(row[1]) for row in rows] == [points for points in marks if points]
    written = [row for row in rows if "*checked*" not in row[2]]
    assert len(written) == len(by_a_person(PROJECT)) == len(rows) - len(questions(PROJECT))
    assert all(len(set(row[2:])) == 3 and all(map(str.strip, row[2:])) for row in written)
