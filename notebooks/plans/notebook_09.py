"""Notebook 09: how to train; report A's studies 2, 3 and 4."""

from helpers import models
from helpers.recipes.losses import OneHotLoss
from helpers.recipes.schedules import one_cycle
from plans.common import Plan

REPORT_RATES = {
    "rmsprop": 0.01,
    "nadam": 0.01,
    "sgd": 0.1,
    "adadelta": 1.0,
    "adagrad": 0.1,
    "adam": 0.01,
}


def optimizer(optimizer, rate):
    """An optimiser with report A's learning rate for it, or a tenth of that."""
    share = {"report's": 1, "a tenth": 0.1}[rate]
    options = {"optimizer": optimizer, "learning_rate": share * REPORT_RATES[optimizer]}
    return models.study_cnn(), options


def adam_rate(learning_rate):
    """Adam with a learning rate."""
    return models.study_cnn(), {"learning_rate": learning_rate}


def loss(loss_function):
    """A loss; all but the sparse one get one-hot labels."""
    one_hot = loss_function != "sparse_categorical_crossentropy"
    return models.study_cnn(), {"loss": OneHotLoss(loss_function, 10) if one_hot else loss_function}


def batch_size(batch_size):
    """So many images in a step."""
    return models.study_cnn(), {"batch_size": batch_size}


def schedule(schedule):
    """A learning rate that is constant, or goes up and down once."""
    options = {
        "constant .001": 0.001,
        "constant .01": 0.01,
        "one cycle up to .01": one_cycle(0.01),
    }
    return models.study_cnn(), {"learning_rate": options[schedule]}


optimizers = Plan(
    "optimizers",
    {"optimizer": list(REPORT_RATES), "rate": ["report's", "a tenth"]},
    optimizer,
    epochs=10,
)
adam_rates = Plan(
    "adam_rates",
    {"learning_rate": [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1]},
    adam_rate,
    epochs=10,
)
losses = Plan(
    "losses",
    {
        "loss_function": [
            "categorical_crossentropy",
            "sparse_categorical_crossentropy",
            "kl_divergence",
        ]
    },
    loss,
    epochs=10,
)
batch_sizes = Plan(
    "batch_sizes", {"batch_size": [16, 32, 64, 128, 256, 512]}, batch_size, epochs=10
)
schedules = Plan(
    "schedules",
    {"schedule": ["constant .001", "constant .01", "one cycle up to .01"]},
    schedule,
    epochs=10,
)
