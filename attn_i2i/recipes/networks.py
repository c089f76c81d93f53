"""What recipes do to networks: initialise, freeze, run several inputs through at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Adam, Optimizer

from ..types import Translation, Verdict

P = TypeVar("P", Translation, Verdict)


class Layout(NamedTuple):
    """How a recipe's networks become a model directory: registered names, options, and which network is which.

    ``generators`` maps directions to keys of ``networks``, ``discriminators`` the domains they look at; a recipe
    without discriminators leaves the last three out.
    """

    architecture: str
    config: Mapping[str, Any]
    generators: Mapping[str, str]
    discriminator: str = ""
    discriminator_config: Mapping[str, Any] = MappingProxyType({})
    discriminators: Mapping[str, str] = MappingProxyType({})


def pairwise_layout(
    architecture: str, config: Mapping[str, Any], discriminator: str, discriminator_config: Mapping[str, Any]
) -> Layout:
    """The layout of two directions A2B and B2A, and of two discriminators A and B."""
    generators = {"A2B": "G_A2B", "B2A": "G_B2A"}
    return Layout(architecture, config, generators, discriminator, discriminator_config, {"A": "D_A", "B": "D_B"})


def pairwise_networks(
    generator: Callable[[], nn.Module], discriminator: Callable[[], nn.Module], *, std: float | None = 0.02
) -> nn.ModuleDict:
    """Fresh ``G_A2B``, ``G_B2A``, ``D_A`` and ``D_B``, initialised from N(0, std), or as torch does for None."""
    made = {"G_A2B": generator(), "G_B2A": generator(), "D_A": discriminator(), "D_B": discriminator()}
    return nn.ModuleDict(made if std is None else {name: initialise(module, std) for name, module in made.items()})


def initialise(module: nn.Module, std: float = 0.02) -> nn.Module:
    """Draw convolution and linear weights from N(0, std), their biases 0, scales of batch norm from N(1, std)."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(part.weight, 0.0, std)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, _BatchNorm) and part.affine:
            nn.init.normal_(part.weight, 1.0, std)
            nn.init.zeros_(part.bias)
    return module


def adam(
    modules: Iterable[nn.Module],
    lr: float,
    betas: tuple[float, float],
    *,
    weight_decay: float = 0.0,
    scale: float = 1.0,
) -> Optimizer:
    """One Adam over the parameters of ``modules``, fused where the device has it, at ``scale`` times every rate."""
    parameters = [parameter for module in modules for parameter in module.parameters()]
    fused = all(parameter.device.type in ("cpu", "cuda") for parameter in parameters)
    group = {"params": parameters, "lr": scale * lr, "lr_scale": scale}
    return Adam([group], lr, betas, weight_decay=weight_decay, fused=fused)


def pairwise_adam(
    networks: nn.ModuleDict,
    lr: float,
    betas: tuple[float, float],
    weight_decay: float = 0.0,
    discriminator_rate: float = 1.0,
) -> dict[str, Optimizer]:
    """One Adam for both generators, ``G``, and one for both discriminators, ``D``, at ``discriminator_rate`` * lr."""
    pairs = {"G": ("G_A2B", "G_B2A", 1.0), "D": ("D_A", "D_B", discriminator_rate)}
    return {
        name: adam([networks[first], networks[second]], lr, betas, weight_decay=weight_decay, scale=scale)
        for name, (first, second, scale) in pairs.items()
    }


def sum_of(losses: Mapping[str, Tensor]) -> Tensor:
    """The sum of scalar losses."""
    return torch.stack(list(losses.values())).sum()


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """No gradients for the parameters of ``modules`` inside; those of their inputs still pass."""
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def uncompiled(module: nn.Module) -> Callable[..., Any]:
    """A call of ``module``, hooks included, that passes ``module.compile()`` by.

    For what is differentiated twice, such as a gradient penalty: torch refuses that of compiled networks.

    >>> uncompiled(nn.Linear(2, 1))(torch.zeros(3, 2)).shape
    torch.Size([3, 1])
    """
    call: Callable[..., Any] = module._call_impl  # what compile() wraps; ``forward`` would leave hooks out
    return call


def mixes_samples(module: nn.Module) -> bool:
    """Whether an image's output depends on the others of its batch, as with batch norm in training."""
    return any(isinstance(part, _BatchNorm) for part in module.modules())


def split(parts: P, sizes: Sequence[int]) -> list[P]:
    """A batched translation or verdict as several, ``sizes`` images each."""
    columns = [[None] * len(sizes) if part is None else part.split(list(sizes)) for part in parts]
    return [type(parts)(*row) for row in zip(*columns, strict=True)]


def translate_together(generator: nn.Module, *images: Tensor) -> list[Translation]:
    """What ``generator`` makes of each (B, 3, H, W) of ``images``: in one pass, unless its batch norm forbids that."""
    if len(images) == 1 or mixes_samples(generator):
        return [generator(image) for image in images]
    return split(generator(torch.cat(images)), [len(image) for image in images])


def discriminate_together(
    network: nn.Module, real: Tensor, fake: Tensor, masks: tuple[Tensor, Tensor] | None = None
) -> tuple[tuple[Verdict, ...], tuple[Verdict, ...]]:
    """Verdicts on real and on fake images, real first: in one pass, unless batch norm forbids that.

    ``masks`` are those a masked discriminator looks through, of the real and of the fake images.
    """
    if mixes_samples(network):
        mask_real, mask_fake = masks or (None, None)
        return network(real, mask_real), network(fake, mask_fake)
    verdicts = network(torch.cat([real, fake]), None if masks is None else torch.cat(masks))
    halves = [split(verdict, [len(real), len(fake)]) for verdict in verdicts]
    return tuple(half[0] for half in halves), tuple(half[1] for half in halves)
