"""Networks from registered factories: built, and given exactly the weights that fit them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from ..arguments import typed
from ..plugins import zoo
from ..plugins.parts import find_part
from ..types import ModelError, StateDict

if TYPE_CHECKING:
    from torch import nn


@typed
def create(architecture: str, **config: Any) -> nn.Module:
    """Build a registered generator with fresh weights.

    Raises UnknownNameError for an architecture no plugin registered, ConfigError for an option it does not have.

    >>> generator = create("attentiongan2", width=8, masks=4)
    """
    return builder("generators", architecture, config)()


@typed
def create_discriminator(architecture: str, **config: Any) -> nn.Module:
    """Build a registered discriminator with fresh weights; errors as for ``create``."""
    return builder("discriminators", architecture, config)()


def builder(
    kind: Literal["generators", "discriminators"], architecture: str, config: Mapping[str, Any]
) -> Callable[[], nn.Module]:
    """What builds a registered part, imported already: an import inside a device context would be moved too."""
    return partial(find_part(getattr(zoo(), kind), architecture).build, config)


def load_strictly(
    build: Callable[[], nn.Module], state: StateDict, where: str, *, shapes_only: bool = False
) -> nn.Module:
    """Build a module, give it exactly ``state``, and set it to evaluation on the CPU.

    The fit is checked on shapes alone first, so that weights that do not fit cost no memory. With ``shapes_only``
    nothing else is done, and the module has no weights: it is on the meta device.
    """
    import torch

    with torch.device("meta"):
        empty = build()
    check_fit(empty, state, where)
    if shapes_only:
        return empty
    module = build()
    module.load_state_dict(state)
    return module.eval().requires_grad_(False)


def check_fit(module: nn.Module, state: StateDict, where: str) -> None:
    """Raise ModelError naming the first keys that are missing, left over or of another shape."""
    want = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    have = {key: tuple(value.shape) for key, value in state.items()}
    wrong = [f"missing {key} {want[key]}" for key in want.keys() - have.keys()]
    wrong += [f"unexpected {key} {have[key]}" for key in have.keys() - want.keys()]
    wrong += [f"{key} is {have[key]}, not {want[key]}" for key in want.keys() & have.keys() if want[key] != have[key]]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelError(f"{where}: the weights do not fit: {'; '.join(sorted(wrong)[:3])}{more}.")


@contextmanager
def evaluating(networks: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients inside; every module's own mode afterwards."""
    import torch

    modes = {module: module.training for module in networks.modules()}
    networks.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
