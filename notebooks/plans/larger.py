"""All studies of EMNIST again, on the larger EMNIST, until the notebooks read these rows instead.

Their tables lie in studies/larger, their networks in networks/larger. Train the rows that lack,
with COURSE_DATA naming the larger data:
`PYTHONPATH=.:notebooks python -m plans.larger letters_curve balanced_curve bymerge_curve`.
"""

from dataclasses import replace

import plans
from helpers import data, studies
from plans.common import NOTEBOOKS, Plan
from plans.notebook_11 import report_d

FOLDER = NOTEBOOKS / "studies" / "larger"
NETWORKS = NOTEBOOKS / "networks" / "larger"
# what the smaller EMNIST's studies did for want of images, and what learned from those networks
LEFT_OUT = ("short", "wider", "widest", "begun", "students", "bymerge_curve", "fast")


def on_images(classes):
    """The recipe of report D's third network on so many images."""

    def recipe(images):
        model, options = report_d("third", classes)
        return model, options | {"images": images}

    return recipe


CURVES = [
    Plan(
        f"{name}_curve",
        {"images": [5_000, 10_000, 20_000, 40_000]},
        on_images(len(data.CLASSES[f"emnist/{name}"])),
        epochs=8,
        data=f"emnist/{name}",
        folder=FOLDER,
    )
    for name in ("letters", "balanced", "bymerge")
]
AGAIN = [
    replace(plan, folder=FOLDER, keep=plan.keep and NETWORKS)
    for plan in plans.every()
    if plan.data.startswith("emnist/") and not plan.name.startswith(LEFT_OUT)
]

if __name__ == "__main__":
    studies.command([*CURVES, *AGAIN])
