"""Notebook 22: an evolutionary search, a random one, and what they found trained in full."""

from functools import partial

from helpers import models, studies
from helpers.recipes import genomes
from helpers.recipes.schedules import one_cycle
from helpers.studies import pareto
from plans.common import ONE_CYCLE, Plan


def genome(**genes):
    """The network that some genes describe."""
    options = {"learning_rate": one_cycle(0.01), "batch_size": 64}
    return genomes.build(genes), options


genetic_searches, random_searches = (
    [
        Plan(
            f"{sampler}_search_{seed}",
            genomes.GENES,
            genome,
            epochs=3,
            images=6_000,
            seeds=(seed,),
            sampler=sampler,
            trials=50,  # five generations of ten
            cost=models.multiply_adds,
            prune=None,
        )
        for seed in (1, 2, 3)
    ]
    for sampler in ("genetic", "random")
)

HAND_MADE = {
    "first_cnn": models.first_cnn,
    "smaller study_cnn": partial(models.study_cnn, filters=(8, 16), units=(32,)),
    "study_cnn": models.study_cnn,
    "report_a_final": models.report_a_final,
    "digit_cnn": models.digit_cnn,
}
LIMITS = {"small": 201_184, "large": 2_631_040}  # the work of the two study_cnn above


def picked():
    """The rule: of each search, the most accurate network within each limit, as words."""
    return {
        (plan.name, size): genomes.text(pareto.best_within(studies.load(plan), most))
        for plan in [*genetic_searches, *random_searches]
        for size, most in LIMITS.items()
    }


PICKED = [  # what `picked` says, each once
    "3 2 16 16 0 average True 32 0.0",
    "3 2 16 0 64 average True 32 0.0",
    "3 1 4 8 24 average True 32 0.0",
    "3 1 6 32 48 max True 128 0.2",
    "5 2 8 32 0 max True 128 0.4",
    "3 1 16 16 48 average True 0 0.0",
    "5 2 6 32 0 average True 128 0.2",
    "3 1 16 32 24 max True 128 0.4",
    "5 1 4 8 0 max True 128 0.0",
    "5 1 6 16 32 average True 128 0.2",
    "3 1 4 8 32 max True 0 0.2",
    "3 1 24 32 64 average True 128 0.2",
]


def in_full(network):
    """A network made by hand, or one that a search found, named by its genes."""
    if network in HAND_MADE:
        return HAND_MADE[network](), ONE_CYCLE
    return genomes.build(genomes.parse(network)), ONE_CYCLE


evolved = Plan(
    "evolved",
    {"network": [*HAND_MADE, *PICKED]},
    in_full,
    epochs=8,
    cost=models.multiply_adds,
    prune=None,
)
