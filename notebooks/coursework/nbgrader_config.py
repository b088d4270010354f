"""nbgrader's configuration: who judges, what students see, where things lie.

Whatever starts nbgrader in this folder (make, its command line, JupyterLab's formgrader) reads it,
so that students' code runs in the sandbox in every case.
"""

import os
import sys
from pathlib import Path

from nbconvert.preprocessors import ClearMetadataPreprocessor, CSSHTMLHeaderPreprocessor
from nbgrader import preprocessors

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "grading"))
from judge import Judge  # noqa: E402
from page import Grades, Page  # noqa: E402

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "handwritten-characters"
c.CourseDirectory.root = str(HERE)
c.CourseDirectory.source_directory = str(HERE / "source")
c.CourseDirectory.db_url = f"sqlite:///{HERE}/gradebook.db?timeout=60"  # graded on all cores
c.CourseDirectory.ignore = [".ipynb_checkpoints", "__pycache__", "*.pyc", "record.json"]

# Judge in the place of nbgrader's Execute; the rest is nbgrader's own list.
c.Autograde.autograde_preprocessors = [
    Judge,
    ClearMetadataPreprocessor,
    preprocessors.LimitOutput,
    preprocessors.SaveAutoGrades,
    preprocessors.AssignLatePenalties,
    preprocessors.CheckCellMetadata,
]
c.Judge.root = str(HERE)
c.Judge.cache = str(HERE / ".grading" / "cache")
c.Judge.sandbox = os.environ.get("SANDBOX") != "none"

# Feedback says what was wrong, not which inputs the hidden tests use.
c.GenerateFeedback.preprocessors = [
    Grades,
    preprocessors.ClearHiddenTests,
    CSSHTMLHeaderPreprocessor,
]
c.GenerateFeedback.exporter_class = Page
