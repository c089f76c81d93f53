"""What a call must leave as it was: its arguments, the network, and the process around it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from .contract import expect


@contextmanager
def unchanged(module: nn.Module) -> Iterator[None]:
    """Calls inside, in eval mode, leave the weights, the mode and the settings of the process as they were."""
    weights = {name: value.clone() for name, value in module.state_dict().items()}
    modes, settings = [part.training for part in module.modules()], _settings()
    yield
    for name, value in module.state_dict().items():
        same = value.shape == weights[name].shape and torch.allclose(value, weights[name], atol=0, equal_nan=True)
        expect(same, f"A call in eval() changed {name}: change what is stored in training mode only.")
    same = [part.training for part in module.modules()] == modes
    expect(same, "A call in eval() switched the mode of the network or of a part: leave that to the caller.")
    for name, value in _settings().items():
        expect(value == settings[name], f"A call in eval() changed {name}: others in this process rely on it.")


@contextmanager
def unchanged_inputs(inputs: Mapping[str, Tensor | None], who: str = "The network") -> Iterator[None]:
    """Calls inside leave these tensors as they were."""
    before = {name: value.detach().clone() for name, value in inputs.items() if value is not None}
    yield
    for name, value in before.items():
        now = inputs[name]
        same = now is not None and torch.equal(now, value)
        expect(same, f"{who} changed its input {name} in place: copy it first.")


def _settings() -> dict[str, object]:
    """What is one for the whole process, and what threads and other networks share."""
    key, position = cast(Any, np.random.get_state())[1:3]
    return {
        "torch's default dtype": torch.get_default_dtype(),
        "torch's number of threads": torch.get_num_threads(),
        "whether gradients are recorded": torch.is_grad_enabled(),
        "the state of torch's random numbers": torch.get_rng_state().numpy().tobytes(),
        "the state of Python's random numbers": random.getstate(),
        "the state of NumPy's random numbers": (key.tobytes(), position),
    }
