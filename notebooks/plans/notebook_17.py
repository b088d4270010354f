"""Notebook 17: what more images bring report D's third network; the finished networks."""

from helpers import data
from plans.common import Plan
from plans.notebook_16 import bymerge_curve as bymerge_curve
from plans.notebook_16 import course_emnist as course_emnist
from plans.notebook_16 import final_balanced as final_balanced
from plans.notebook_16 import final_bymerge as final_bymerge
from plans.notebook_16 import final_letters as final_letters
from plans.notebook_16 import report_d


def on_images(classes):
    """The recipe of report D's third network on so many images."""

    def recipe(images):
        model, options = report_d("third", classes)
        return model, options | {"images": images}

    return recipe


letters_curve, balanced_curve = (
    Plan(
        f"{name}_curve",
        {"images": [5_000, 10_000, 20_000, 40_000]},
        on_images(len(data.CLASSES[f"emnist/{name}"])),
        epochs=8,
        data=f"emnist/{name}",
    )
    for name in ("letters", "balanced")
)
