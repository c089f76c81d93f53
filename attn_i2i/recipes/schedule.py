"""Learning rates over time: constant, then linear to zero."""

from __future__ import annotations

from typing import Any


def by_epoch(step: int, steps_per_epoch: int, *, constant: int, decay: int) -> float:
    """Factor in (0, 1] of the epoch that ``step`` (from 0) is in: 1 for ``constant`` epochs, then steps down to 0.

    The last of the ``decay`` epochs still trains, at 1 / (decay + 1), as CycleGAN does.
    """
    epoch = step // max(1, steps_per_epoch)
    return max(0.0, 1 - max(0, epoch + 1 - constant) / (decay + 1))


def by_step(step: int, *, total: int, decay: int) -> float:
    """Factor in [0, 1] at ``step`` (from 0) of ``total``: 1, then linear to 0 over the last ``decay`` steps."""
    into_decay = step + 1 - (total - decay)
    return max(0.0, 1 - max(0, into_decay) / decay) if decay else 1.0


class EpochSchedule:
    """The length and rate of a recipe whose ``_options`` have ``learning_rate``, ``epochs`` and ``decay_epochs``."""

    _options: Any

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """The rate of ``step`` (from 0)."""
        o = self._options
        return float(o.learning_rate) * by_epoch(step, steps_per_epoch, constant=o.epochs, decay=o.decay_epochs)

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training."""
        return int(self._options.epochs + self._options.decay_epochs) * steps_per_epoch

    def on_epoch(self, epoch: int) -> None:
        """Nothing changes from epoch to epoch."""


class StepSchedule:
    """The length and rate of a recipe whose ``_options`` have ``learning_rate``, ``steps`` and ``decay_steps``."""

    _options: Any

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """The rate of ``step`` (from 0)."""
        o = self._options
        return float(o.learning_rate) * by_step(step, total=o.steps, decay=o.decay_steps)

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training."""
        return int(self._options.steps)

    def on_epoch(self, epoch: int) -> None:
        """Nothing changes from epoch to epoch."""
