"""What the plans of several notebooks share."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from helpers import data, studies
from helpers.recipes import ensembles, fast
from helpers.recipes.schedules import one_cycle

NOTEBOOKS = Path(__file__).parents[1]

Plan = partial(studies.Plan, folder=NOTEBOOKS / "studies")

ALL_IMAGES = 1_000_000  # as many as there are
AUGMENT = {"rotation": 8, "shift": 0.02, "zoom": 0.08, "shear": 0.1}  # report A
ONE_CYCLE = {"learning_rate": one_cycle(0.01)}  # what notebook 09 found to be best
GENTLE = {"learning_rate": one_cycle(0.003)}


# What recipes return is compared, so their functions say by get_config what decides their work.


@dataclass(frozen=True)
class EnsembleTargets:
    """What the networks that a study kept say together about images: probabilities to learn."""

    plan: studies.Plan

    def __call__(self, split):
        networks = studies.load_networks(self.plan).values()
        return ensembles.soft_targets(networks, split.images, NOTEBOOKS / "studies" / "outputs")

    def get_config(self):
        return {"networks": self.plan.fingerprint}


@dataclass(frozen=True)
class FirstFilters:
    """Gives a fast network its first filters, from training images that no plan validates on."""

    name: str

    def __call__(self, model):
        return fast.begin(model, data.load(self.name).with_validation().train.images)

    def get_config(self):
        return {"first filters of": self.name}
