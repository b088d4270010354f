"""Architectures as genomes: what a genome is, what becomes of two, and the network it stands for.

A genome is a dict with a value for each gene of GENES. There are 31,104, and every one is a
network, of at most 3.6 million multiply–adds an image.
"""

from collections.abc import Hashable, Mapping
from functools import partial

from helpers import models
from helpers.internals.backend import keras

import numpy as np
from keras import layers

Genome = dict[str, Hashable]

GENES = {
    "kernel": [3, 5],
    "stride": [1, 2],
    "filters_1": [4, 6, 8, 12, 16, 24],
    "filters_2": [0, 8, 12, 16, 24, 32],
    "filters_3": [0, 16, 24, 32, 48, 64],
    "pooling": ["max", "average"],
    "batch_norm": [False, True],
    "units": [0, 32, 128],
    "dropout": [0.0, 0.2, 0.4],
}
"""Every gene and its values, the factors of a search. A 0 leaves the layer out."""


def build(genome: Genome, classes: int = 10) -> keras.Model:
    """The network of a genome: one to three convolution–pooling pairs, perhaps a dense layer.

    Convolutions are padded. The first has the genome's kernel (pixels) and stride, the others 3 × 3
    and 1. Batch normalisation, where asked for, and ReLU follow each convolution and the dense
    layer; then comes 2 × 2 pooling after a convolution. Dropout stands before the classifier.

    Args:
        genome: a value of GENES for each gene.
        classes: number of classes.

    Returns:
        Uncompiled, uint8 (batch, 28, 28) → probabilities (batch, classes).

    Raises:
        ValueError: for what is no genome.

    Taught in notebook 22.
    """
    _check(genome)
    inputs, x = models.image_input()
    settings = {"batch_norm": genome["batch_norm"], "slope": 0.0, "momentum": models.BRIEF}
    activate = partial(models.activate, **settings)
    pool = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}[genome["pooling"]]
    for number in (1, 2, 3):
        filters, name = genome[f"filters_{number}"], f"conv_{number}"
        if filters:
            kernel, stride = (genome["kernel"], genome["stride"]) if number == 1 else (3, 1)
            x = layers.Conv2D(filters, kernel, strides=stride, padding="same", name=name)(x)
            x = pool(2, name=f"pool_{number}")(activate(x, name=name))
    x = layers.Flatten(name="flatten")(x)
    if genome["units"]:
        x = activate(layers.Dense(genome["units"], name="hidden_1")(x), name="hidden_1")
    x = layers.Dropout(genome["dropout"], name="dropout_1")(x) if genome["dropout"] else x
    return models.classifier(inputs, x, classes, "evolved")


def _check(genome: Genome) -> None:
    """Raise ValueError for a gene too many, too few, or with a value that it can't have."""
    wrong = [name for name in GENES.keys() & genome.keys() if genome[name] not in GENES[name]]
    wrong += GENES.keys() ^ genome.keys()
    if wrong:
        raise ValueError(
            f"{genome} is no genome, because of {', '.join(sorted(wrong))}; expected a value for "
            f"each gene, of {GENES}."
        )


def text(genome: Mapping[str, Hashable]) -> str:
    """The genome's values in the order of GENES, e.g. "3 2 8 16 0 max True 32 0.2".

    Args:
        genome: or anything else with a value under each gene's name, such as a line of a study's
            table.

    Taught in notebook 22.
    """
    return " ".join(str(genome[name]) for name in GENES)


def parse(words: str) -> Genome:
    """The genome of which `text` made these words.

    Args:
        words: such as "3 2 8 16 0 max True 32 0.2".

    Raises:
        ValueError: where they are no genome.

    Taught in notebook 22.
    """
    values = words.split()
    if len(values) != len(GENES):
        raise ValueError(
            f"expected {len(GENES)} words, one for each gene ({', '.join(GENES)}); "
            f"found {len(values)}: {words!r}."
        )
    known = {name: {str(value): value for value in values} for name, values in GENES.items()}
    genome = {name: known[name].get(value) for name, value in zip(GENES, values, strict=True)}
    _check(genome)
    return genome


def cross(first: Genome, second: Genome, rng: np.random.Generator) -> Genome:
    """A child of two genomes by uniform crossover: each gene from either parent, by a fair coin.

    Args:
        first: a parent.
        second: the other parent.
        rng: tosses the coins.

    Source: Syswerda 1989; optuna.samplers.nsgaii.UniformCrossover. Taught in notebook 22.
    """
    coins = rng.random(len(GENES)) < 0.5
    return {
        name: (first if coin else second)[name] for name, coin in zip(GENES, coins, strict=True)
    }


def mutate(genome: Genome, rng: np.random.Generator) -> Genome:
    """A copy in which each gene, with probability 1 / number of genes, is drawn anew.

    All values of a gene are equally likely, the old one too: so a mutation may change nothing.

    Args:
        genome: stays as it is.
        rng: decides.

    Source: optuna.samplers.NSGAIISampler. Taught in notebook 22.
    """
    draws = rng.random(len(GENES)) < 1 / len(GENES)
    return {
        name: values[rng.integers(len(values))] if drawn else genome[name]
        for (name, values), drawn in zip(GENES.items(), draws, strict=True)
    }
