"""Notebook 11: regularise and augment; report A's studies 10 and 11, and its augmentation."""

from helpers import models
from helpers.recipes.augmentation import random_affine
from plans.common import AUGMENT, ONE_CYCLE, Plan


def dropout(dropout):
    """A share of the outputs dropped, in a network with batch normalisation."""
    return models.study_cnn(batch_norm=True, dropout=dropout), ONE_CYCLE


def normalise(normalise):
    """Batch normalisation in hidden layers, of the logits, of both, or none."""
    hidden, logits = "hidden" in normalise, "logits" in normalise
    return models.study_cnn(batch_norm=hidden, normalise_logits=logits, dropout=0.2), ONE_CYCLE


def activation(slope):
    """A slope of the activation below 0; with 0 it is ReLU."""
    return models.study_cnn(slope=slope), ONE_CYCLE


def augmented(augment):
    """Report A's augmentation, or none, in its batches of 256."""
    pipeline = random_affine(**AUGMENT) if augment == "yes" else None
    return models.study_cnn(), {"augment": pipeline, "batch_size": 256}


def kind(kind):
    """One kind of augmentation, several, or none."""
    change = {
        "nothing": {},
        "rotation 8°": {"rotation": 8},
        "shift .02": {"shift": 0.02},
        "zoom .08": {"zoom": 0.08},
        "shear .1": {"shear": 0.1},
        "all four": AUGMENT,
        "all four, three times": {name: 3 * amount for name, amount in AUGMENT.items()},
        "horizontal flip": {"flip": "horizontal"},
        "vertical flip": {"flip": "vertical"},
    }[kind]
    augment = random_affine(**change) if change else None
    return models.study_cnn(), ONE_CYCLE | {"augment": augment}


dropouts = Plan("dropouts", {"dropout": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}, dropout, epochs=8)
normalisation = Plan(
    "normalisation",
    {"normalise": ["nothing", "hidden layers", "logits", "hidden layers and logits"]},
    normalise,
    epochs=8,
)
activations = Plan(
    "activations", {"slope": [0.0, 0.01, 0.05, 0.08, 0.1, 0.2, 0.3]}, activation, epochs=8
)
augmentation = Plan("augmentation", {"augment": ["no", "yes"]}, augmented, epochs=50)
augmentations = Plan(
    "augmentations",
    {
        "kind": [
            "nothing",
            "rotation 8°",
            "shift .02",
            "zoom .08",
            "shear .1",
            "all four",
            "all four, three times",
            "horizontal flip",
            "vertical flip",
        ]
    },
    kind,
    epochs=12,
)
