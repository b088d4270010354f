"""Notebook 13: report A's final network and the course's."""

from helpers import models
from helpers.recipes.augmentation import random_affine
from helpers.recipes.schedules import one_cycle
from plans.common import AUGMENT, ONE_CYCLE, Plan


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


finalists = Plan("finalists", {"network": ["report A's", "course's"]}, finalist, epochs=15)
repaired_finalist = Plan(
    "repaired_finalist", {"network": ["report A's, one cycle"]}, repaired, epochs=15
)
