"""What the recipes of this package hold, and what most of them answer alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.optim import Optimizer

from ..interfaces import RoundTrip, Schedule, Update
from ..losses import values
from ..types import ConfigError

if TYPE_CHECKING:
    from .factory import RecipeParts


class BaseRecipe(ABC):
    """Networks with the layout that says which is which, the objective, all options, and a schedule.

    A recipe need not inherit from it: `attn_i2i.interfaces.Recipe` says what is asked for. A subclass that remembers
    more than its networks, such as a pool, stores that in ``state_dict``. ``boundary`` is the logit halfway between
    what its discriminators learn to say of real images and of fakes; critics without such a number have None.
    """

    boundary: float | None = None

    def __init__(self, parts: RecipeParts[Any], schedule: Schedule) -> None:
        self.networks, self.layout, self.objective = parts.networks, parts.layout, parts.objective
        self.options: Mapping[str, Any] = parts.options
        self.schedule = schedule

    @abstractmethod
    def optimizers(self) -> dict[str, Optimizer]:
        """One optimizer for each name that ``step`` updates by."""

    @abstractmethod
    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        """Train on one batch; returns every loss term as a detached scalar, by its published name."""

    def weighted(self, trip: RoundTrip) -> dict[str, Tensor]:
        """Each term of one round trip by name, times its weight."""
        return {name: self.objective[name][0] * value for name, value in values(self.objective, trip).items()}

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """The rate of ``step`` (from 0), as the schedule has it."""
        return self.schedule.learning_rate(step, steps_per_epoch)

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training, as the schedule has it."""
        return self.schedule.total_steps(steps_per_epoch)

    def on_epoch(self, epoch: int) -> None:  # noqa: B027 - most recipes change nothing from epoch to epoch
        """Called before the first step of each epoch."""

    def state_dict(self) -> dict[str, Any]:
        """What the recipe remembers beside its networks and optimizers."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027 - as state_dict
        """Continue where ``state`` was taken."""


def logged_names(published: Mapping[str, str], terms: Mapping[str, Any]) -> dict[str, str]:
    """What the log calls each term: its published name where it has one, else its own.

    Raises ConfigError where two terms would share a column of the log.
    """
    names = {term: published.get(term, term) for term in terms}
    for term, name in names.items():
        if name == term and term not in published and name in published.values():
            raise ConfigError(f"The loss term {term!r} would be logged as another one is: choose another name.")
    return names
