"""Notebook 25 on the larger EMNIST, in fewer stages: what is worth how much, members, students.

Becomes notebook_25.py when its rows are complete and the notebook reads them.
"""

from functools import partial

from helpers import data, models
from helpers.internals.backend import keras
from helpers.recipes import augmentation, families, losses
from helpers.recipes.augmentation import pixel_shifts, random_affine
from helpers.recipes.schedules import one_cycle
from plans.common import ALL_IMAGES, NOTEBOOKS, EnsembleTargets, Plan

FOLDER = NOTEBOOKS / "studies" / "larger"
NETWORKS = NOTEBOOKS / "networks" / "larger"
HELD_OUT = (1, 20)  # part 1 of 20 of the training images: all choices are made on it
TOGETHER = ("mnist", "emnist/letters", "emnist/balanced", "emnist/bymerge")
TRAINED = {"learning_rate": one_cycle(0.004), "weight_decay": 0.05}
WIDE = {"rotation": 10, "shift": 0.08, "zoom": 0.1, "shear": 0.1, "fill": "constant"}


def wide_and(change):
    """Rotation, shift, zoom and shear, then another change, in one row of layers."""
    return keras.Sequential([keras.Input((28, 28)), *random_affine(**WIDE).layers, *change.layers])


def changed(change):
    """The VGG as the members for MNIST train, with one thing changed."""
    model, options = families.vgg(), TRAINED | {"augment": random_affine(**WIDE)}
    if change == "elastic":
        options["augment"] = wide_and(augmentation.elastic(1.0, 4.0))
    if change == "erased patches":
        options["augment"] = wide_and(augmentation.erased_patches(8))
    if change == "averaged weights":  # a moving average, half of it from the last 69 steps
        options["optimizer"] = partial(keras.optimizers.Adam, use_ema=True, ema_momentum=0.99)
        options["callbacks"] = [keras.callbacks.SwapEMAWeights()]
    if change == "twice the width":
        model = families.vgg(filters=(32, 64, 192))
    return model, options


digit_changes = Plan(
    "digit_changes",
    {"change": ["none", "elastic", "erased patches", "averaged weights", "twice the width"]},
    changed,
    epochs=8,
    folder=FOLDER,
)


def course_options(name):
    """How the members train for a set of images, all but a twentieth of them."""
    augment = random_affine(**WIDE) if name == "mnist" else pixel_shifts()
    return TRAINED | {"augment": augment, "images": ALL_IMAGES, "fold": HELD_OUT}


MEMBERS_BUILT = families.FAMILIES | {"course's": models.digit_cnn}


def member_for(name):
    """The recipe of an ensemble's members for a set of images."""

    def recipe(network):
        return MEMBERS_BUILT[network](len(data.CLASSES[name])), course_options(name)

    return recipe


def members_plan(study, name, factors, recipe, epochs, seeds=(1,)):
    """The plan of a study for a set of images; its networks are kept."""
    return Plan(
        f"{study}_{name.removeprefix('emnist/')}",
        factors,
        recipe,
        epochs=epochs,
        images=ALL_IMAGES,
        seeds=seeds,
        data=name,
        folder=FOLDER,
        keep=NETWORKS,
    )


MEMBERS = {
    name: members_plan("members", name, {"network": [*MEMBERS_BUILT]}, member_for(name), epochs)
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


STUDENTS = {
    name: members_plan(
        "students", name, {"taught_by": ["labels", "ensemble"]}, student_for(name), epochs, seeds
    )
    for name, epochs, seeds in (
        ("mnist", 20, (1,)),
        ("emnist/letters", 20, (1, 2, 3)),
        ("emnist/balanced", 20, (1,)),
        ("emnist/bymerge", 16, (1,)),
    )
}
