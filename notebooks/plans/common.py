"""What the plans of several notebooks share."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from helpers import data, studies
from helpers.recipes import ensembles, fast
from helpers.recipes.schedules import one_cycle

NOTEBOOKS = Path(__file__).parents[1]
MEMBERS_FOLDER = NOTEBOOKS / "networks" / "members"

Plan = partial(studies.Plan, folder=NOTEBOOKS / "studies")

ALL_IMAGES = 1_000_000  # as many as there are
AUGMENT = {"rotation": 8, "shift": 0.02, "zoom": 0.08, "shear": 0.1}  # report A
ONE_CYCLE = {"learning_rate": one_cycle(0.01)}  # what notebook 06 found to be best
GENTLE = {"learning_rate": one_cycle(0.003)}


@dataclass(frozen=True)
class Taught:
    """What the networks that a study kept say together about the images of a split."""

    plan: studies.Plan

    def __call__(self, split):
        folder = NOTEBOOKS / "studies" / "outputs"
        return ensembles.soft_targets(studies.kept(self.plan).values(), split.images, folder)

    def get_config(self):
        return {"networks": self.plan.fingerprint}


@dataclass(frozen=True)
class Weights:
    """Gives a network the weights of one that a study kept."""

    plan: studies.Plan
    row: str  # its values, such as "vgg 1"

    def __call__(self, model):
        model.set_weights(studies.kept(self.plan)[self.row].get_weights())
        return model

    def get_config(self):
        return {"networks": self.plan.fingerprint, "row": self.row}


@dataclass(frozen=True)
class More:
    """More images: those that other sets have for these classes, but none that judges."""

    name: str
    which: dict

    def __call__(self, split, judge):
        return ensembles.gather(self.name, split, [judge], **self.which)[0]

    def get_config(self):
        return {"set": self.name, **self.which}


@dataclass(frozen=True)
class Patterns:
    """Gives a fast network its first filters, from training images that no plan is judged on."""

    name: str

    def __call__(self, model):
        return fast.begin(model, data.load(self.name).with_validation().train.images)

    def get_config(self):
        return {"first filters of": self.name}
