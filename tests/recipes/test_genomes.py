"""Every genome is a network within its bounds, and children are what Optuna's would be."""

import itertools

from helpers import models
from helpers.recipes import genomes

import numpy as np
import optuna
import pytest
from keras import layers

GENES = genomes.GENES
DEEPEST = dict(zip(GENES, [5, 1, 24, 32, 64, "max", True, 128, 0.4], strict=True))
DEAREST = DEEPEST | {"filters_2": 0}  # its last convolution comes before any second pooling
SMALLEST = dict(zip(GENES, [3, 2, 4, 0, 0, "average", False, 0, 0.0], strict=True))


def drawn(count):
    """Genomes drawn at random."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield {name: values[rng.integers(len(values))] for name, values in GENES.items()}


def test_every_corner_is_a_network_and_none_costs_more_than_the_dearest():
    bounds = [sorted({values[0], values[-1]}, key=str) for values in GENES.values()]
    corners = [dict(zip(GENES, values, strict=True)) for values in itertools.product(*bounds)]
    most = models.multiply_adds(genomes.build(DEAREST))
    assert most <= 3_600_000 and len(corners) == 2 ** len(GENES)
    for genome in [*corners[::13], *drawn(20)]:
        model = genomes.build(genome)
        assert model.input_shape == (None, 28, 28) and model.output_shape == (None, 10)
        assert not model.compiled and 0 < models.multiply_adds(model) <= most


def test_the_deepest_and_the_smallest_network_are_what_their_genes_say():
    by_hand = 28 * 28 * 25 * 24 + 14 * 14 * 9 * 24 * 32 + 7 * 7 * 9 * 32 * 64
    by_hand += 3 * 3 * 64 * 128 + 128 * 10
    deepest = genomes.build(DEEPEST, classes=10)
    assert models.multiply_adds(deepest) == by_hand
    norms = [layer for layer in deepest.layers if isinstance(layer, layers.BatchNormalization)]
    assert [norm.momentum for norm in norms] == [0.9] * 4
    assert deepest.get_layer("dropout_1").rate == 0.4
    smallest = genomes.build(SMALLEST, classes=26)
    assert models.multiply_adds(smallest) == 14 * 14 * 9 * 4 + 7 * 7 * 4 * 26
    kinds = [type(layer) for layer in smallest.layers]
    assert layers.AveragePooling2D in kinds and layers.MaxPooling2D not in kinds
    assert layers.BatchNormalization not in kinds and layers.Dropout not in kinds


@pytest.mark.parametrize(
    ("genome", "named"),
    [
        ({}, "batch_norm"),
        (DEEPEST | {"kernel": 7}, "kernel"),
        (DEEPEST | {"colour": 1}, "colour"),
    ],
    ids=["nothing", "another value", "another gene"],
)
def test_what_is_no_genome_is_refused(genome, named):
    with pytest.raises(ValueError, match=f"no genome, because of .*{named}.*expected a value"):
        genomes.build(genome)


def test_a_genome_comes_back_from_its_words_with_its_types():
    assert genomes.text(SMALLEST) == "3 2 4 0 0 average False 0 0.0"
    for genome in drawn(50):
        again = genomes.parse(genomes.text(genome))
        assert again == genome and list(map(type, again.values())) == list(
            map(type, genome.values())
        )


@pytest.mark.parametrize("words", ["", "3 2 4", "3 2 4 0 0 average False 0 0.0 1", "9 2 4 0 0"])
def test_words_that_are_no_genome_are_refused(words):
    with pytest.raises(ValueError, match="expected"):
        genomes.parse(words)


def test_a_child_has_every_gene_from_one_of_its_parents_and_half_from_each():
    rng = np.random.default_rng(1)
    children = [genomes.cross(DEEPEST, SMALLEST, rng) for _ in range(2000)]
    for name in GENES:
        from_first = np.mean([child[name] == DEEPEST[name] for child in children])
        assert from_first == pytest.approx(0.5, abs=0.04)


def changed(children, parent):
    """How often each gene differs from the parent's."""
    return [np.mean([child[name] != parent[name] for child in children]) for name in GENES]


def test_a_mutation_draws_one_gene_of_nine_anew_as_optuna_does():
    rng = np.random.default_rng(1)
    expected = [(1 - 1 / len(values)) / len(GENES) for values in GENES.values()]
    ours = [genomes.mutate(SMALLEST, rng) for _ in range(4000)]
    assert changed(ours, SMALLEST) == pytest.approx(expected, abs=0.02)
    assert changed(list(optuna_children(SMALLEST, 400)), SMALLEST) == pytest.approx(
        expected, abs=0.05
    )


def optuna_children(parent, count):
    """Children of a population in which all are the same: only mutation can change them."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    kinds = {
        name: optuna.distributions.CategoricalDistribution(values) for name, values in GENES.items()
    }
    sampler = optuna.samplers.NSGAIISampler(population_size=2, seed=1)
    generation = {"NSGAIISampler:generation": 0}
    study = optuna.create_study(sampler=sampler, directions=["maximize", "minimize"])
    for _ in range(2):
        study.add_trial(
            optuna.trial.create_trial(
                params=parent, distributions=kinds, values=[0.5, 1], system_attrs=generation
            )
        )
    for _ in range(count):  # never told, so the parents stay
        yield study.ask(kinds).params
