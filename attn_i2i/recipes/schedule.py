"""Learning rates over time: constant, then linear to zero."""

from __future__ import annotations


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
