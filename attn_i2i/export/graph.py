"""From a network to a graph of plain operations that takes any number of pictures of any size."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..interfaces import channels_of
from ..types import AttnI2IError, ConfigError, Translation
from .facts import DOMAIN, SOURCE

# The example's sides differ and are no multiples of a stride. Its batch is no number that networks have elsewhere. So
# the comparison shows what a graph takes for granted by accident.
BATCH, HEIGHT, WIDTH = 5, 61, 74


class Example(NamedTuple):
    """Inputs of one trial: pictures (B, C, H, W) in [-1, 1], and labels (B, domains) or None."""

    source: Tensor
    domain: Tensor | None = None


class TupleGenerator(nn.Module):
    """A generator whose answer is a plain tuple of the parts that it has, in a Translation's order, in float32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.training = False  # eval() would also change the network's own mode, which evaluating() gives back

    def forward(self, source: Tensor, domain: Tensor | None = None) -> tuple[Tensor, ...]:
        answer = self.network(source) if domain is None else self.network(source, domain)
        return tuple(part.float() for part in answer if part is not None)


def example(network: nn.Module, batch: int, size: tuple[int, int], seed: int = 0) -> Example:
    """Random pictures, and labels where the network takes them."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.rand(batch, channels_of(network)[0], *size, generator=generator) * 2 - 1
    domains = getattr(network, "domains", 0)
    return Example(source, torch.rand(batch, domains, generator=generator).round() if domains else None)


def names_of(network: nn.Module, size: tuple[int, int]) -> tuple[str, ...]:
    """The fields of the Translation that the network fills; ConfigError for a network that breaks its contract."""
    inputs = example(network, 1, size)
    shape = tuple(inputs.source.shape)
    try:
        with torch.no_grad():
            answer = network(*(value for value in inputs if value is not None))
    except AttnI2IError:
        raise
    except Exception as error:  # a network may raise anything
        raise ConfigError(f"The network fails for a picture {shape}: {reason_of(error)}.{_dtype(network)}") from error
    if not isinstance(answer, Translation):
        raise ConfigError(f"The network returned {type(answer).__name__}: expected a Translation.")
    fields = {name: part for name, part in answer._asdict().items() if part is not None}
    for name, part in fields.items():
        if not isinstance(part, Tensor):
            raise ConfigError(f"The network returned {type(part).__name__} as its {name}: expected a tensor, or None.")
    wanted = channels_of(network)[1]
    if answer.image.ndim != 4 or answer.image.shape[1] != wanted:
        raise ConfigError(
            f"The network returned an image {tuple(answer.image.shape)}, and advertises {wanted} channels:"
            f" expected (B, {wanted}, H, W)."
        )
    return tuple(fields)


def _dtype(network: nn.Module) -> str:
    """What to do about weights that are not float32, which pictures are."""
    others = {str(tensor.dtype) for tensor in network.state_dict().values() if tensor.is_floating_point()}
    others.discard("torch.float32")
    return f" Its weights are {', '.join(sorted(others))}, and pictures float32: network.float()." if others else ""


def reason_of(error: BaseException) -> str:
    """What was first wrong, in one line of 200 characters at most; PyTorch wraps it in errors of many lines."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".rstrip(".: ")


def traced(network: nn.Module, size: tuple[int, int] | None) -> torch.export.ExportedProgram:
    """The graph of ``network`` for any batch and, unless it takes one ``size`` only, any height and width.

    Raises ConfigError where the network chooses its steps by the size of what it gets.
    """
    inputs = example(network, BATCH, size or (HEIGHT, WIDTH))
    free = torch.export.Dim.DYNAMIC
    axes: dict[int, Any] = {0: free} if size else {0: free, 2: free, 3: free}
    shapes = {SOURCE: axes, DOMAIN: None if inputs.domain is None else {0: free}}
    problem: Exception | None = None
    for strict in (False, True):  # the strict way reads the code itself: it also follows len() of a batch
        try:
            with torch.no_grad():
                return torch.export.export(TupleGenerator(network), tuple(inputs), dynamic_shapes=shapes, strict=strict)
        except AttnI2IError:
            raise
        except Exception as error:  # torch has many errors for what cannot be traced
            problem = problem or error
    line = " ".join(str(problem).split())[:300]
    raise ConfigError(f"This network cannot be exported, because its steps depend on its input: {line}.{advice(size)}")


def advice(size: tuple[int, int] | None) -> str:
    """What may help a network that has no graph for every size."""
    return "" if size else " A graph for one size may be possible: size=256."
