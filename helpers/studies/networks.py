"""The trained networks that a study keeps: each whole, from the training that its row is about."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from helpers import course
from helpers.internals import files
from helpers.internals.backend import keras
from helpers.recipes import weights

if TYPE_CHECKING:
    from helpers.studies.plan import Plan


class Networks:
    """The networks that a study keeps; without an effect where it keeps none.

    Attributes:
        plan: of the study.
    """

    def __init__(self, plan: "Plan"):
        self.plan = plan

    def stage(self, row: str, worker: str, model: keras.Model) -> None:
        """Write the network that a worker trained, not yet where it is kept: its row may be lost.

        Args:
            row: that was trained.
            worker: id of the worker.
            model: the network; it is kept without its optimiser.
        """
        if self.plan.final:
            with files.whole(self._staged(row, worker)) as part:
                _bare(model).save(part)
        elif self.plan.keep:
            weights.save(model, self._staged(row, worker))

    def publish(self, winners: Iterable[tuple[str, str]]) -> None:
        """Keep the networks of rows that were won: on this computer, those staged here.

        Args:
            winners: a row, and the id of the worker whose training counts.
        """
        for row, worker in winners if self.plan.keeps_networks else ():
            with contextlib.suppress(FileNotFoundError):  # trained elsewhere, or kept already
                self._staged(row, worker).replace(self.plan.network_path(row))

    def discard(self, row: str, worker: str) -> None:
        """Remove the network of a row that was lost."""
        if self.plan.keeps_networks:
            self._staged(row, worker).unlink(missing_ok=True)

    def _staged(self, row: str, worker: str) -> Path:
        """Where a network waits until its row is won: in a folder that is not committed."""
        path = self.plan.network_path(row)
        return path.parent / "outputs" / f"{worker} {path.name}"


def _bare(model: keras.Model) -> keras.Model:
    """The same network, neither it nor those inside it compiled."""
    uncompiled = keras.Model(model.input, model.output, name=model.name)
    bare = keras.models.clone_model(uncompiled)
    bare.set_weights(model.get_weights())
    return bare


def load_networks(plan: "Plan") -> dict[str, keras.Model]:
    """The trained networks that a study has kept; in the quick tier the rows of a quick study.

    Args:
        plan: one with a folder to keep networks in.

    Returns:
        The rows' values, such as "vgg 1" (setting and seed), → uncompiled network, its weights as
        `weights.save` rounds them.

    Raises:
        FileNotFoundError: one was not trained yet.

    Taught in notebook 25.
    """
    rows = plan.quick().rows if course.tier() == "quick" else plan.rows
    networks = {}
    for key, row in rows.items():
        path = plan.network_path(key)
        if not path.exists():
            raise FileNotFoundError(
                f"expected the weights {path.name!r} in the folder {path.parent.name!r}, found "
                f"none. Train the network: {plan.how_to_run}"
            )
        model, _ = plan.recipe(**{name: row[name] for name in plan.factors})
        networks[" ".join(map(str, row.values()))] = weights.load(model, path)
    return networks
