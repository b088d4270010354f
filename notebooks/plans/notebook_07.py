"""Notebooks 07 and 08: what helps against overfitting, and what more images are worth."""

from helpers import models
from helpers.recipes.augmentation import random_affine
from plans.common import AUGMENT, Plan


def remedy(remedy):
    """The studies' convolutional network with one remedy against overfitting, or with none."""
    if remedy == "smaller network":
        return models.study_cnn(filters=(8, 16), units=(32,)), {}
    model = models.study_cnn(dropout=0.25 if remedy == "dropout" else 0.0)
    options = {
        "augmentation": {"augment": random_affine(**AUGMENT)},
        "more images": {"images": 50_000},
    }
    return model, options.get(remedy, {})


def training_images(images):
    """The same network on so many images."""
    return models.study_cnn(), {"images": images}


remedies = Plan(
    "remedies",
    {"remedy": ["nothing", "smaller network", "dropout", "augmentation", "more images"]},
    remedy,
    epochs=20,
)
learning_curve = Plan(
    "learning_curve",
    {"images": [1_000, 2_000, 5_000, 10_000, 20_000, 50_000]},
    training_images,
    epochs=20,
)
