"""The page that a student gets back: nbgrader's, by a template of the course's own."""

import copy
from pathlib import Path

from nbconvert.exporters import HTMLExporter
from nbgrader.preprocessors import GetGrades
from nbgrader.utils import is_grade
from submissions import is_open
from traitlets import Bool

TEMPLATES = Path(__file__).resolve().parent / "templates"


SHORTEST = 2_000  # characters that a brief page leaves of a cell


class Grades(GetGrades):
    """nbgrader's marks, and which of them a person has given or has still to give."""

    brief = Bool(False, help="cut long cells, which take too long to be drawn").tag(config=True)

    def _get_score(self, cell, resources):
        super()._get_score(cell, resources)
        about = cell.metadata.nbgrader
        where = (self.notebook_id, self.assignment_id, self.student_id)
        grade = self.gradebook.find_grade(about.grade_id, *where)
        if is_open(grade):
            about["waiting"] = resources["nbgrader"]["waiting"] = True
        about["by_hand"] = grade.manual_score is not None
        if about.by_hand:  # what the checks said holds no longer
            cell.outputs = []

    def preprocess_cell(self, cell, resources, cell_index):
        """One cell. Returns cell, resources."""
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if is_grade(cell) and "outputs" in cell:  # a part of the marks stands in the list of marks
            cell.outputs = [one for one in cell.outputs if one.output_type != "execute_result"]
        if self.brief and not is_grade(cell):
            if len(cell.source) > SHORTEST:
                cell.source = cell.source[:SHORTEST] + "\n\n(cut: the page took too long to draw)"
            cell.outputs = []
        return cell, resources


class Page(HTMLExporter):
    """nbconvert's exporter with the template `page`, whichever one nbgrader asks for."""

    def __init__(self, config, **settings):
        config = copy.deepcopy(config)
        html = config.HTMLExporter
        html.template_name = "page"
        html.extra_template_paths = [*html.extra_template_paths, *html.extra_template_basedirs]
        html.extra_template_basedirs = [str(TEMPLATES), *html.extra_template_basedirs]
        super().__init__(config=config, **settings)
