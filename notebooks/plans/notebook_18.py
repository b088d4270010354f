"""Notebook 18: report E's network on 62 classes."""

from helpers import models
from helpers.recipes.augmentation import pixel_shifts, random_affine
from plans.common import GENTLE, Plan
from plans.notebook_16 import course_emnist


def activation_fold(setting, fold):
    """Report E's network with one activation, on one of six folds."""
    settings = {
        "ReLU": {"convolutions": 2, "batch_norm": False},
        "LeakyReLU": {"convolutions": 2, "batch_norm": False, "slope": 0.1},
        "ReLU + BN": {"convolutions": 2},
        "ReLU + BN, 3 convolutions": {"convolutions": 3},
    }
    return models.report_e(**settings[setting]), GENTLE | {"fold": (fold, 6)}


def depth(convolutions):
    """Report E's network with so many convolutions a block."""
    return models.report_e(convolutions), GENTLE


def passes(epochs):
    """Report E's network, so many epochs."""
    # report E's batches; with 128, two epochs end before the moving averages have settled
    return models.report_e(), GENTLE | {"epochs": epochs, "batch_size": 36}


def on_images(images):
    """Report E's network by its final recipe, on so many images."""
    return models.report_e(), {"batch_size": 36, "epochs": 10, "images": images}


activation_folds = Plan(
    "activation_folds",
    {
        "setting": ["ReLU", "LeakyReLU", "ReLU + BN", "ReLU + BN, 3 convolutions"],
        "fold": [1, 2, 3, 4, 5, 6],
    },
    activation_fold,
    epochs=8,
    images=24_000,  # 20,000 to train on, 4,000 to judge
    seeds=(1,),  # of each fold
    data="emnist/byclass",
)
depths = Plan(
    "depths",
    {"convolutions": [1, 2, 3, 4]},
    depth,
    epochs=8,
    data="emnist/byclass",
)
epoch_counts = Plan(
    "epoch_counts",
    {"epochs": [2, 5, 10, 20]},
    passes,
    epochs=20,
    data="emnist/byclass",
)
byclass_curve = Plan(
    "byclass_curve",
    {"images": [5_000, 10_000, 20_000, 40_000, 80_000]},
    on_images,
    epochs=10,
    data="emnist/byclass",
)


def emnist_augmentation(augmentation):
    """The course's network with whole or fractional shifts, or none."""
    model, options = course_emnist(62)
    gentle = {"rotation": 5, "shift": 0.05, "zoom": 0.05, "shear": 0.05}
    change = {
        "none": None,
        "parts of a pixel": random_affine(**gentle, fill="constant"),
        "whole pixels": pixel_shifts(),
    }
    return model, options | {"augment": change[augmentation]}


emnist_augmentations = Plan(
    "emnist_augmentations",
    {"augmentation": ["none", "parts of a pixel", "whole pixels"]},
    emnist_augmentation,
    epochs=6,
    images=80_000,
    data="emnist/byclass",
)
