"""The plan of a study: which settings are trained, how often, and on what."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from helpers.internals.backend import keras
from helpers.studies import configuration, table, workers

QUICK_SETTINGS = QUICK_SEEDS = 2


@dataclass(frozen=True)
class Plan:
    """What a study asks: which settings, how often, on how many images.

    Taught in notebooks 03, 10 and 22.

    Attributes:
        name: of the study and its CSV file.
        factors: name → list of values (numbers, strings, booleans); in a search also an Optuna
            Float- or IntDistribution.
        recipe: function with the factors as arguments. It returns an uncompiled model and a dict
            of options for `training.fit`, and of these:
            "epochs" and "images" replace the plan's;
            "fold": (number, folds) validates on that fold of the images instead of a sixth;
            "start" is a function from the model to the one to go on from;
            "more", from the images to train on, and those to validate on, to more to train on;
            "targets", from the images to train on to the probabilities to learn;
            "judged_as", from the trained model to the one that is evaluated and kept, where
            networks are evaluated after the last epoch only; elsewhere it changes nothing.
            Functions and callbacks need a method get_config: it tells trainings apart.
        epochs: passes over the images.
        images: how many training images; a smaller number takes the first of a larger one's.
        seeds: of the weights and of the order of the images: a row each. A search takes the first.
        data: name of the data set; a sixth of its training images is held out for validation.
        sampler: "grid" trains every setting; "random", "tpe" and "genetic" search.
        trials: rows of a search.
        prune: whether a search stops early what looks hopeless; None beside a cost, for nothing is
            hopeless by its accuracy alone.
        cost: function from a built model to a whole number, such as `models.multiply_adds`: a
            column of the table, and the second objective of a search, which makes it small.
        final: train on all the images and evaluate once, on the test images, after the last epoch;
            the trained network is kept in `outputs`. For choices that are made, never to make one.
        keep: a folder: evaluate once, after the last epoch, on the images held out, and keep the
            weights of every trained network there (`weights.save`).
        folder: where the CSV file lies; the journal goes into its folder "outputs". Of your own
            studies it is "outputs", which is never committed.
        tier: "full", or "quick" in what `quick` returns.
    """

    name: str
    factors: dict[str, workers.Values]
    recipe: Callable[..., tuple[keras.Model, dict]]
    epochs: int
    images: int = 20_000
    seeds: tuple[int, ...] = (1, 2, 3)
    data: str = "mnist"
    sampler: str = "grid"
    trials: int = 0
    prune: bool | None = False
    cost: Callable[[keras.Model], int] | None = None
    final: bool = False
    keep: Path | None = None
    folder: Path = Path("outputs")
    tier: str = "full"

    def __post_init__(self) -> None:
        if self.sampler not in workers.SAMPLERS or (self.sampler == "grid") != (self.trials == 0):
            raise ValueError(
                f"study {self.name!r} has the sampler {self.sampler!r} and {self.trials} trials; "
                f"expected one of {', '.join(workers.SAMPLERS)}, and trials for all but 'grid'."
            )
        if self.final and self.sampler != "grid":
            raise ValueError(
                f"study {self.name!r} would search on the test images; expected a grid."
            )
        if (self.cost is None) == (self.prune is None):
            raise ValueError(
                f"study {self.name!r} has the cost {self.cost} and prune={self.prune}; expected "
                "prune=None beside a cost, and True or False without."
            )
        taken = self.factors.keys() & {"study", "configuration", "row", "cost", *table.COLUMNS}
        if taken:
            raise ValueError(
                f"study {self.name!r} has a factor named {', '.join(taken)}; expected another "
                "name, for its table has such a column."
            )
        for name, values in self.factors.items():
            if not self._fits(values):
                raise ValueError(
                    f"study {self.name!r} has {values!r} for {name}; expected a list of different "
                    "numbers, booleans or one-line strings, in a search also an Optuna Float- or "
                    "IntDistribution."
                )
        if not self.factors or not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"study {self.name!r} expects factors, and seeds that differ.")

    def _fits(self, values: workers.Values) -> bool:
        """Whether these can be the values of a factor, and be read from a table again."""
        if not isinstance(values, list | tuple):
            return self.sampler != "grid" and hasattr(values, "low")
        texts = {str(value) for value in values if isinstance(value, str | int | float)}
        return len(texts) == len(values) > 0 and not any("\n" in text for text in texts)

    @property
    def settings(self) -> list[dict]:
        """Every setting of a grid: factor → value."""
        products = itertools.product(*self.factors.values())
        return [dict(zip(self.factors, values, strict=True)) for values in products]

    @cached_property
    def rows(self) -> dict[str, dict]:
        """Every row: key, such as "kernel=3 seed=1", → setting and seed; {} in a search."""
        if self.sampler != "grid":
            return {f"trial {number}": {} for number in range(self.trials)}
        pairs = [
            {**setting, "seed": seed}
            for setting, seed in itertools.product(self.settings, self.seeds)
        ]
        return {" ".join(f"{name}={value}" for name, value in row.items()): row for row in pairs}

    def configuration_hash(self, setting: dict) -> str:
        """Eight digits that change with what the recipe makes of a setting (`configuration.of`)."""
        key = tuple(setting[name] for name in self.factors)
        if key not in self._hashes:
            chosen = dict(zip(self.factors, key, strict=True))
            self._hashes[key] = configuration.digest(configuration.of(self, chosen))
        return self._hashes[key]

    @cached_property
    def _hashes(self) -> dict[tuple, str]:
        """Those that were asked for: values of the factors → hash."""
        return {}

    @cached_property
    def fingerprint(self) -> str:
        """Eight digits that change with the factors' values or any setting's configuration.

        A setting whose recipe raises an error counts by the error.
        """
        found = []
        for setting in self.settings if self.sampler == "grid" else [self._first()]:
            try:
                found.append(self.configuration_hash(setting))
            except Exception as error:  # told when the row is trained
                found.append(repr(error))
        return configuration.digest([found, configuration.plain(self.factors)])

    def _first(self) -> dict:
        """The least setting of a search."""
        values = self.factors.items()
        return {n: v[0] if isinstance(v, list | tuple) else v.low for n, v in values}

    @property
    def judged_once(self) -> bool:
        """Whether networks are evaluated after the last epoch only: one epoch, final, or kept."""
        return self.epochs == 1 or self.keeps_networks

    @property
    def how_to_run(self) -> str:
        """What to do for its rows: the course's studies have a command, your own one a function."""
        return f"make studies NAME={self.name}, or studies.run with this plan if it is your own"

    @property
    def path(self) -> Path:
        """The CSV file."""
        return Path(self.folder) / f"{self.name}.csv"

    @property
    def outputs(self) -> Path:
        """The folder for what is not committed: journal, final networks."""
        return self.path.parent / "outputs"

    @property
    def journal(self) -> Path:
        """The file that is the study's storage where no other is named."""
        return self.outputs / f"{self.name}.journal"

    @property
    def study_name(self) -> str:
        """The study's name in a storage: plans that differ have studies that differ."""
        return f"{self.name} {self.fingerprint} {self.tier}"

    @property
    def keeps_networks(self) -> bool:
        """Whether the trained networks are kept."""
        return self.final or self.keep is not None

    def network_path(self, row: str) -> Path:
        """Where the trained network of a row is kept."""
        folder, kind = (self.outputs, "keras") if self.final else (self.keep, "npz")
        return folder / f"{self.name} {row}.{kind}"

    def quick(self) -> Self:
        """The same plan with two values of its first factor, one of the others, and two seeds."""
        factors = self.factors
        if self.sampler == "grid":
            counts = [QUICK_SETTINGS] + [1] * (len(factors) - 1)
            pairs = zip(factors.items(), counts, strict=True)
            factors = {name: values[:count] for (name, values), count in pairs}
        folder = Path(self.folder) / "outputs" / "quick" / self.fingerprint  # never the full tier's
        return replace(
            self,
            factors=factors,
            trials=min(self.trials, QUICK_SETTINGS),
            seeds=self.seeds[:QUICK_SEEDS],
            tier="quick",
            keep=self.keep and folder,
            folder=folder,
        )
