"""Studies on the larger EMNIST that no notebook reads.

Their tables lie in studies/larger. Train the rows that lack, with COURSE_DATA naming the larger
data: `PYTHONPATH=.:notebooks python -m plans.larger third_epochs`.
"""

from functools import partial

from helpers import studies
from helpers.recipes import losses
from plans import notebook_16, notebook_25
from plans.common import ALL_IMAGES, NOTEBOOKS

Plan = partial(studies.Plan, folder=NOTEBOOKS / "studies" / "larger")


def third_for(epochs):
    """Report D's third network on Balanced for so many epochs, judged on a fifth held out."""
    model, options = notebook_16.report_d("third", 47)
    return model, options | {"epochs": epochs, "fold": (1, 5)}


third_epochs = Plan(
    "third_epochs",
    {"epochs": [8, 16, 24]},
    third_for,
    epochs=24,
    images=ALL_IMAGES,
    seeds=(1,),
    data="emnist/balanced",
)


def bymerge_changed(change):
    """The course's network on ByMerge, with one thing changed: which change is worth its time?"""
    model, options = notebook_16.course_emnist(47)
    if change == "fonts":
        options["more"] = notebook_16.Fonts("emnist/bymerge")
    if change == "smooth labels":
        options["loss"] = losses.OneHotLoss("categorical_crossentropy", 47, smoothing=0.1)
    return model, notebook_25.with_change(options, change)


bymerge_changes = Plan(
    "bymerge_changes",
    {
        "change": [
            *("none", "fonts", "elastic", "erased patches", "averaged weights"),
            "smooth labels",
        ]
    },
    bymerge_changed,
    epochs=10,
    images=60_000,
    data="emnist/bymerge",
)

if __name__ == "__main__":
    studies.command([third_epochs, bymerge_changes])
