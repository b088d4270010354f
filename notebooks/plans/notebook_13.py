"""Notebook 13: report A's final network and the course's."""

from helpers import models
from helpers.recipes.augmentation import random_affine
from helpers.recipes.schedules import one_cycle
from plans.common import ALL_IMAGES, AUGMENT, ONE_CYCLE, Plan


def finalist(network):
    """Report A's final network, or the course's, each trained as it was meant."""
    if network == "report A's":
        options = {"learning_rate": 0.01, "batch_size": 256}
        return models.report_a_final(), options | {"augment": random_affine(**AUGMENT)}
    augment = random_affine(rotation=10, shift=0.08, zoom=0.1, shear=0.1, fill="constant")
    return models.digit_cnn(), {"learning_rate": one_cycle(0.004), "augment": augment}


def repaired(network):
    """Report A's final network with the course's learning rates."""
    model, options = finalist("report A's")
    return model, options | ONE_CYCLE


def final(network):
    """Each candidate for as many epochs as it is given on all images, 20 as in report A or 18."""
    if network == "course's":
        model, options = finalist(network)
        return model, options | {"epochs": 18}  # about ten minutes on two cores
    return repaired(network) if "one cycle" in network else finalist(network)


finalists = Plan("finalists", {"network": ["report A's", "course's"]}, finalist, epochs=15)
repaired_finalist = Plan(
    "repaired_finalist", {"network": ["report A's, one cycle"]}, repaired, epochs=15
)
final_digits = Plan(
    "final_digits",
    {"network": ["report A's", "report A's, one cycle", "course's"]},
    final,
    epochs=20,
    images=ALL_IMAGES,
    final=True,
)
