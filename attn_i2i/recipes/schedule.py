"""Learning rates over time, constant and then linear to zero: objects that a recipe holds."""

from __future__ import annotations

from dataclasses import dataclass


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


@dataclass(frozen=True)
class EpochSchedule:
    """``rate`` for ``epochs`` epochs, falling to 0 over ``decay_epochs`` more.

    >>> print(*(EpochSchedule(1.0, epochs=1, decay_epochs=3).learning_rate(step, 1) for step in range(4)))
    1.0 0.75 0.5 0.25
    """

    rate: float
    epochs: int
    decay_epochs: int

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """The rate of ``step`` (from 0)."""
        return self.rate * by_epoch(step, steps_per_epoch, constant=self.epochs, decay=self.decay_epochs)

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training."""
        return (self.epochs + self.decay_epochs) * steps_per_epoch


@dataclass(frozen=True)
class StepSchedule:
    """``rate`` that falls to 0 over the last ``decay_steps`` of ``steps``.

    >>> print(*(StepSchedule(1.0, steps=4, decay_steps=2).learning_rate(step, 1) for step in range(4)))
    1.0 1.0 0.5 0.0
    """

    rate: float
    steps: int
    decay_steps: int

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """The rate of ``step`` (from 0)."""
        return self.rate * by_step(step, total=self.steps, decay=self.decay_steps)

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training."""
        return self.steps


@dataclass(frozen=True)
class Ramp:
    """A weight that is ``first``, then grows to ``last`` by a constant factor a step, and stays there.

    It begins to grow at the share ``until`` of the training and ends at the share ``since``; both weights are above 0.

    >>> print(*(round(Ramp(0.25, 4.0, 0.25, 0.75).value(step, 8), 2) for step in range(8)))
    0.25 0.25 0.25 0.5 1.0 2.0 4.0 4.0
    """

    first: float
    last: float
    until: float
    since: float

    def value(self, step: int, total: int) -> float:
        """The weight at ``step`` (from 0) of ``total``."""
        share = step / max(1, total)
        if share <= self.until and share < self.since:
            return self.first
        if share >= self.since:
            return self.last
        grown = (share - self.until) / (self.since - self.until)
        return float(self.first * (self.last / self.first) ** grown)
