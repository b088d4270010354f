"""The page that a student gets back: nbgrader's, by a template of the course's own."""

import copy
from pathlib import Path

from nbconvert.exporters import HTMLExporter
from nbgrader.preprocessors import GetGrades
from submissions import is_open

TEMPLATES = Path(__file__).resolve().parent / "templates"


class Grades(GetGrades):
    """nbgrader's marks, and which of them a person has still to give."""

    def _get_score(self, cell, resources):
        super()._get_score(cell, resources)
        where = (self.notebook_id, self.assignment_id, self.student_id)
        if is_open(self.gradebook.find_grade(cell.metadata.nbgrader.grade_id, *where)):
            cell.metadata.nbgrader["waiting"] = resources["nbgrader"]["waiting"] = True


class Page(HTMLExporter):
    """nbconvert's exporter with the template `page`, whichever one nbgrader asks for."""

    def __init__(self, config, **settings):
        config = copy.deepcopy(config)
        html = config.HTMLExporter
        html.template_name = "page"
        html.extra_template_paths = [*html.extra_template_paths, *html.extra_template_basedirs]
        html.extra_template_basedirs = [str(TEMPLATES), *html.extra_template_basedirs]
        super().__init__(config=config, **settings)
