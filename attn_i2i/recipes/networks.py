"""What recipes do to networks: initialise, freeze, run several inputs through at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Adam, Optimizer

from ..interfaces import Layout
from ..types import Translation, Verdict

P = TypeVar("P", Translation, Verdict)


def initialise(module: nn.Module, std: float | None = 0.02) -> nn.Module:
    """Draw convolution and linear weights from N(0, std), their biases 0, scales of batch norm from N(1, std).

    ``None`` draws weights as He et al. do (arXiv:1502.01852). Parts with a true attribute ``pretrained`` keep theirs.
    """
    if getattr(module, "pretrained", False):
        return module
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        if std is None:
            nn.init.kaiming_normal_(module.weight)
        else:
            nn.init.normal_(module.weight, 0.0, std)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, _BatchNorm) and module.affine:
        nn.init.normal_(module.weight, 1.0, std or 0.0)
        nn.init.zeros_(module.bias)
    for part in module.children():
        initialise(part, std)
    return module


@dataclass(frozen=True)
class AdamOptions:
    """Rates and moments of the generators' Adam and of the discriminators', which may learn at a rate of their own.

    The discriminators' rate is ``discriminator_rate`` times the generators' (Heusel et al., arXiv:1706.08500).
    """

    learning_rate: float = 2e-4
    discriminator_rate: float = 1.0
    beta1: float = 0.5
    beta2: float = 0.999
    weight_decay: float = 0.0


def two_adams(networks: nn.ModuleDict, layout: Layout, options: AdamOptions) -> dict[str, Optimizer]:
    """One Adam for all generators, ``G``, and one for all discriminators, ``D``, as the layout tells them apart."""
    o = options
    groups = {"G": (layout.generators, 1.0), "D": (layout.discriminators, o.discriminator_rate)}
    return {
        name: adam(
            [networks[key] for key in dict.fromkeys(keys.values())],
            o.learning_rate,
            (o.beta1, o.beta2),
            weight_decay=o.weight_decay,
            scale=scale,
        )
        for name, (keys, scale) in groups.items()
        if keys
    }


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

    ``masks`` are those a masked discriminator looks through, of the real and of the fake images. A discriminator whose
    ``forward`` takes ``passes`` is told that these are two, each with a spectral norm of its own.
    """
    if mixes_samples(network):
        mask_real, mask_fake = masks or (None, None)
        return network(real, mask_real), network(fake, mask_fake)
    passes = {"passes": 2} if _takes_passes(network) else {}
    verdicts = network(torch.cat([real, fake]), None if masks is None else torch.cat(masks), **passes)
    halves = [split(verdict, [len(real), len(fake)]) for verdict in verdicts]
    return tuple(half[0] for half in halves), tuple(half[1] for half in halves)


def _takes_passes(network: nn.Module) -> bool:
    """Whether ``forward`` has an argument ``passes``, or passes what it is given on to a module that does."""
    wrapped = getattr(network, "discriminator", None)
    here = "passes" in inspect.signature(network.forward).parameters
    return here or (isinstance(wrapped, nn.Module) and _takes_passes(wrapped))
