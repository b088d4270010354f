"""Notebooks 25 and 26: changes of a training, members of ensembles, networks that they teach."""

from functools import partial

from helpers import data, models
from helpers.internals.backend import keras
from helpers.recipes import augmentation, families, losses
from helpers.recipes.augmentation import pixel_shifts, random_affine
from helpers.recipes.schedules import one_cycle
from plans.common import ALL_IMAGES, NOTEBOOKS, EnsembleTargets, Plan

HELD_OUT = (1, 20)  # part 1 of 20 of the training images: all choices are made on it
TOGETHER = ("mnist", "emnist/letters", "emnist/balanced", "emnist/bymerge")


def course_options(name):
    """How the course trains for a set of images: notebook 13's digits, notebook 18's characters."""
    wide = {"rotation": 10, "shift": 0.08, "zoom": 0.1, "shear": 0.1, "fill": "constant"}
    digits = name == "mnist"
    return {
        "learning_rate": one_cycle(0.004),
        "weight_decay": 0.05,
        "augment": random_affine(**wide) if digits else pixel_shifts(),
        "images": ALL_IMAGES,
        "fold": HELD_OUT,
    }


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


digit_changes = Plan(
    "digit_changes",
    {"change": ["none", "elastic", "erased patches", "averaged weights", "twice the width"]},
    changed,
    epochs=8,
)
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
        keep=NOTEBOOKS / "networks" / "members",
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


TAUGHT_BY = {"taught_by": ["labels", "ensemble"]}
STUDENTS = {
    name: members_plan("students", name, TAUGHT_BY, student_for(name), epochs, seeds)
    for name, epochs, seeds in (
        ("mnist", 20, (1,)),
        ("emnist/letters", 20, (1, 2, 3)),
        ("emnist/balanced", 20, (1,)),
        ("emnist/bymerge", 16, (1,)),
    )
}
