"""Notebook 25: members of ensembles, and single networks that learn from an ensemble."""

from helpers import data, models
from helpers.recipes import families, losses
from helpers.recipes.augmentation import pixel_shifts, random_affine
from helpers.recipes.schedules import one_cycle
from plans.common import ALL_IMAGES, MEMBERS_FOLDER, EnsembleTargets, KeptWeights, MoreImages, Plan

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


def member_for(name):
    """The recipe of an ensemble's members for a set of images."""

    def recipe(family):
        return families.FAMILIES[family](len(data.CLASSES[name])), course_options(name)

    return recipe


def student_for(name):
    """The recipe of a network that learns the labels, or what the ensemble says instead."""

    def recipe(taught_by):
        options = course_options(name)
        if taught_by == "ensemble":
            options |= {"targets": EnsembleTargets(MEMBERS[name]), "loss": losses.Distillation(3.0)}
        return models.digit_cnn(len(data.CLASSES[name])), options

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
        keep=MEMBERS_FOLDER,
    )


EACH_FAMILY = {"family": list(families.FAMILIES)}
MEMBERS = {
    name: members_plan("members", name, EACH_FAMILY, member_for(name), epochs)
    for name, epochs in zip(TOGETHER, (14, 18, 18, 13), strict=True)
}


BY_ENSEMBLE = {"taught_by": ["ensemble"]}
STUDENTS = {
    name: members_plan("students", name, factors, student_for(name), epochs, seeds)
    for name, factors, epochs, seeds in (
        ("mnist", BY_ENSEMBLE, 14, (1,)),
        ("emnist/letters", {"taught_by": ["labels", "ensemble"]}, 16, (1, 2, 3)),
        ("emnist/bymerge", BY_ENSEMBLE, 14, (1,)),
    )
}


def goes_on(family, plan, name, options):
    """A member that goes on from the weights that a study kept."""
    start = {"start": KeptWeights(plan, f"{family} 1")}
    return families.FAMILIES[family](len(data.CLASSES[name])), options | start


def fine_tuned_for(name, before, peak, **which):
    """The recipe of a member that trains on, with images of other sets as well."""

    def recipe(family):
        options = course_options(name) | {"more": MoreImages(name, which)}
        return goes_on(family, before[name], name, options | {"learning_rate": one_cycle(peak)})

    return recipe


def student_of_fine_tuned_for(name):
    """The recipe of a network that learns what these members say about all these images."""

    def recipe(taught_by):
        options = course_options(name) | {"more": MoreImages(name, {})}
        options["targets"] = EnsembleTargets(FINE_TUNED[name])
        options["loss"] = losses.Distillation(3.0)
        return models.digit_cnn(len(data.CLASSES[name])), options

    return recipe


FINE_TUNED_SETS = ("emnist/letters", "emnist/balanced")
FINE_TUNED = {
    name: members_plan("wider", name, EACH_FAMILY, fine_tuned_for(name, MEMBERS, 0.003), epochs=4)
    for name in FINE_TUNED_SETS
}
STUDENTS_OF_FINE_TUNED = {
    name: members_plan(
        "wider_students", name, BY_ENSEMBLE, student_of_fine_tuned_for(name), epochs=9
    )
    for name in FINE_TUNED_SETS
}


def trained_longer(family):
    """The recipe of a member for MNIST that trains on with the same images."""
    options = course_options("mnist") | {"learning_rate": one_cycle(0.003)}
    return goes_on(family, MEMBERS["mnist"], "mnist", options)


MORE_IMAGES = {"times": 2.5, "parts": ("train", "test")}  # with test images of other sets
FINE_TUNED_AGAIN = {
    name: members_plan("widest", name, EACH_FAMILY, again, epochs=2)
    for name in FINE_TUNED_SETS
    for again in [fine_tuned_for(name, FINE_TUNED, 0.002, **MORE_IMAGES)]
}
TRAINED_LONGER = {"mnist": members_plan("longer", "mnist", EACH_FAMILY, trained_longer, epochs=8)}

ENSEMBLES = (
    MEMBERS | TRAINED_LONGER | FINE_TUNED | {"emnist/balanced": FINE_TUNED_AGAIN["emnist/balanced"]}
)


def student_from_member_for(name):
    """The recipe of a member that trains on, to say what the whole ensemble says."""

    def recipe(member):
        options = course_options(name) | {"learning_rate": one_cycle(0.001)}
        if name in FINE_TUNED_AGAIN:
            options["more"] = MoreImages(name, MORE_IMAGES)
        options["targets"] = EnsembleTargets(ENSEMBLES[name])
        options["loss"] = losses.Distillation(1.0)
        return goes_on(member, ENSEMBLES[name], name, options)

    return recipe


STUDENTS_FROM_MEMBERS = {
    name: members_plan("begun", name, {"member": ["vgg"]}, student_from_member_for(name), epochs)
    for name, epochs in zip(TOGETHER[1:], (4, 4, 3), strict=True)
}
