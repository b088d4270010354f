"""Notebook 25 on the larger EMNIST, in fewer stages: what is worth how much, members, students.

Becomes notebook_25.py when its rows are complete and the notebook reads them.
"""

from dataclasses import replace
from functools import partial

from helpers import data, models
from helpers.internals.backend import keras
from helpers.recipes import augmentation, families, losses
from plans.common import NOTEBOOKS, EnsembleTargets, Plan
from plans.notebook_25 import TOGETHER, course_options, members_plan

FOLDER = NOTEBOOKS / "studies" / "larger"
NETWORKS = NOTEBOOKS / "networks" / "larger"


def on_larger(plan):
    """The plan with its table and its networks beside those of the smaller EMNIST."""
    return replace(plan, folder=FOLDER, keep=plan.keep and NETWORKS)


def with_change(options, change):
    """The options of a training with one thing changed; as they are for "none", or another."""
    also = {"elastic": augmentation.elastic, "erased patches": augmentation.erased_patches}
    if change in also:  # behind the changes that there are, in one row of layers
        steps = [*options["augment"].layers, *also[change]().layers]
        return options | {"augment": keras.Sequential([keras.Input((28, 28)), *steps])}
    if change == "averaged weights":  # a moving average, half of it from the last 69 steps
        average = partial(keras.optimizers.Adam, use_ema=True, ema_momentum=0.99)
        return options | {"optimizer": average, "callbacks": [keras.callbacks.SwapEMAWeights()]}
    return options


def changed(change):
    """The VGG as the members for MNIST train, with one thing changed."""
    options = course_options("mnist")
    del options["images"], options["fold"]  # a study on few images
    wide = {"filters": (32, 64, 192)} if change == "twice the width" else {}
    return families.vgg(**wide), with_change(options, change)


digit_changes = on_larger(
    Plan(
        "digit_changes",
        {"change": ["none", "elastic", "erased patches", "averaged weights", "twice the width"]},
        changed,
        epochs=8,
    )
)
MEMBERS_BUILT = families.FAMILIES | {"course's": models.digit_cnn}


def member_for(name):
    """The recipe of an ensemble's members for a set of images."""

    def recipe(network):
        return MEMBERS_BUILT[network](len(data.CLASSES[name])), course_options(name)

    return recipe


MEMBERS = {
    name: on_larger(
        members_plan("members", name, {"network": [*MEMBERS_BUILT]}, member_for(name), epochs)
    )
    for name, epochs in zip(TOGETHER, (14, 12, 12, 10), strict=True)
}

# --- students: one small network that learns what the members say together


def small(classes):
    """A ResNet of few filters: a tenth of the work of one reading by all four members."""
    return families.resnet(classes, filters=(20, 20, 40, 60))


def student_for(name):
    """The recipe of a network that learns the labels, or what the ensemble says instead."""

    def recipe(taught_by):
        options = course_options(name)
        if taught_by == "ensemble":
            options |= {"targets": EnsembleTargets(MEMBERS[name]), "loss": losses.Distillation(3.0)}
        return small(len(data.CLASSES[name])), options

    return recipe


TAUGHT_BY = {"taught_by": ["labels", "ensemble"]}
STUDENTS = {
    name: on_larger(members_plan("students", name, TAUGHT_BY, student_for(name), epochs, seeds))
    for name, epochs, seeds in (
        ("mnist", 20, (1,)),
        ("emnist/letters", 20, (1, 2, 3)),
        ("emnist/balanced", 20, (1,)),
        ("emnist/bymerge", 16, (1,)),
    )
}
