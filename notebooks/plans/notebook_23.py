"""Notebook 23: what tricks are worth, how far short trainings go, how small a network may be."""

from functools import partial

from helpers import data
from helpers.recipes import fast
from helpers.recipes.augmentation import pixel_shifts, shift_averaged
from helpers.recipes.schedules import one_cycle
from plans.common import ALL_IMAGES, FirstFilters, Plan
from plans.notebook_16 import course_emnist


def quick_network(name, filters=(16, 80), patterns=True, **tricks):
    """A fast network, and the option that gives it its first filters."""
    network = fast.fast_cnn(filters, len(data.CLASSES[name]), **tricks)
    return network, {"start": FirstFilters(name)} if patterns else {}


def cycle(peak):
    """The option for a learning rate that goes up to a peak and down again."""
    return {"learning_rate": one_cycle(peak)}


TRICKS = {  # what is changed in the network, and in the options; rates are the best of those tried
    "nothing: all tricks": ({}, {}),
    "inner pixels: all 28 × 28": ({"frame": 0}, {}),
    "stride: 1": ({"stride": 1}, {}),
    "pooling first: last": ({"pool_first": False}, {}),
    "one normalisation: two": ({"normalise": (1, 2)}, {}),
    "one normalisation: none": ({"normalise": ()}, cycle(0.3)),
    "patterns: random filters": ({"patterns": False}, {}),
    "five readings: one": ({}, {"judged_as": None}),
    "smoothing: labels as they are": ({}, {"loss": "sparse_categorical_crossentropy"}),
    "one cycle: constant rate": ({}, {"learning_rate": 0.1}),
    "momentum: Adam": ({}, {"optimizer": "adam", **cycle(0.03)}),
    "batches of 128: 32": ({}, {"batch_size": 32, **cycle(0.3)}),
    "batches of 128: 512": ({}, {"batch_size": 512}),
}


def without(trick):
    """The fast network with all tricks but one."""
    network, options = TRICKS[trick]
    model, start = quick_network("mnist", **network)
    return model, fast.recipe() | {"judged_as": shift_averaged} | start | options


fast_tricks = Plan(
    "fast_tricks", {"trick": list(TRICKS)}, without, 1, images=ALL_IMAGES, seeds=(1, 2, 3, 4, 5)
)


def farther(name, epochs, filters=(64, 128), **tricks):
    """The recipe of a quick network that goes farther: more filters, epochs, shifted images."""

    def recipe(goal):
        model, start = quick_network(name, filters, **tricks)
        options = fast.recipe(len(data.CLASSES[name])) | {
            **start,
            "epochs": epochs,
            "augment": pixel_shifts(),
            "judged_as": shift_averaged,
        }
        return model, options

    return recipe


def shorter(goal):
    """Notebook 18's network and options, for fewer epochs than there."""
    return course_emnist(classes=47)


def shorter_letters(goal):
    """The same for Letters."""
    return course_emnist(classes=26)


Goal = partial(Plan, images=ALL_IMAGES, final=True)
fast_mnist = Goal("fast_mnist", {"goal": ["99.4 %"]}, farther("mnist", 4), epochs=4)
far_mnist = Goal(
    "far_mnist",
    {"goal": ["99.6 %"]},
    farther("mnist", 20, (64, 192), normalise=(1, 2)),
    epochs=20,
)
fast_letters = Goal(
    "fast_letters",
    {"goal": ["94 %"]},
    farther("emnist/letters", 12),
    epochs=12,
    data="emnist/letters",
)
short_letters = Goal(
    "short_letters", {"goal": ["94 %"]}, shorter_letters, epochs=6, data="emnist/letters"
)
short_balanced = Goal(
    "short_balanced", {"goal": ["88 %"]}, shorter, epochs=6, data="emnist/balanced"
)


def small(network):
    """A very small network that still reads 99 %."""
    options = cycle(0.02) | {"augment": pixel_shifts(), "judged_as": shift_averaged}
    return fast.smallest_cnn(), options


smallest = Plan(
    "smallest", {"network": ["smallest_cnn"]}, small, epochs=24, images=ALL_IMAGES, final=True
)
