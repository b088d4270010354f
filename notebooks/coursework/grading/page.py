"""The page that a student gets back: nbgrader's, by a template of the course's own."""

import copy
from pathlib import Path

from nbconvert.exporters import HTMLExporter

TEMPLATES = Path(__file__).resolve().parent / "templates"


class Page(HTMLExporter):
    """nbconvert's exporter with the template `page`, whichever one nbgrader asks for."""

    def __init__(self, config, **settings):
        config = copy.deepcopy(config)
        html = config.HTMLExporter
        html.template_name = "page"
        html.extra_template_paths = [*html.extra_template_paths, *html.extra_template_basedirs]
        html.extra_template_basedirs = [str(TEMPLATES), *html.extra_template_basedirs]
        super().__init__(config=config, **settings)
