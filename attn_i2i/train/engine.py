"""Turns a recipe's losses into optimizer steps, on one process or many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.checkpoint import checkpoint

from ..blocks import AdaLINResBlock, ResBlock, allow_winograd
from ..devices import is_available, pick_device, warn_of_slow
from ..interfaces import Recipe
from ..types import ConfigError
from .average import MovingAverage
from .options import TrainOptions
from .ways import choose_ways, restore_ways

if TYPE_CHECKING:
    from accelerate import Accelerator

# A choice: a few large messages between processes, and a small copy; DistributedDataParallel has 25 MiB.
BUCKET_BYTES = 32 * 2**20


def make_accelerator(options: TrainOptions) -> Accelerator:
    """The processes and the device of this run, as ``torchrun`` or ``accelerate launch`` set them up."""
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise ConfigError(f"Training needs accelerate ({error}): pip install attn-i2i[train].") from error
    wanted = options.device
    cpu = pick_device(None).type == "cpu" if wanted is None else wanted == "cpu"
    if wanted is not None and not is_available(wanted):
        raise ConfigError(
            f"device={wanted!r} was given, but torch finds no GPU of this kind here: leave device out, or give cpu."
        )
    accelerator = Accelerator(cpu=cpu)
    if wanted is not None and accelerator.device.type != wanted:
        raise ConfigError(
            f"device={wanted!r} was given, but accelerate takes {accelerator.device.type} here: leave"
            " device out, or set accelerate up for it (accelerate config)."
        )
    if options.precision == "bf16" and accelerator.is_main_process:
        warn_of_slow(torch.bfloat16, accelerator.device)
    return accelerator


def computes_bf16(options: TrainOptions, device: str) -> bool:
    """bf16 where it was chosen, or where nothing was and the GPU has it."""
    chosen = options.precision
    return chosen == "bf16" or (chosen in (None, "auto") and device == "cuda" and torch.cuda.is_bf16_supported())


class Engine:
    """A recipe on its device: ``micro_step`` runs one batch; every ``accumulation``-th loss of an optimizer steps it.

    Gradients are averaged over processes here, in flat buckets, not by DistributedDataParallel. Its hooks expect one
    backward pass for each forward pass. A GAN's update differentiates several forward passes, through networks that it
    leaves as they are. Each backward pass stops at the parameters of its optimizer, so that a generator's loss neither
    costs nor leaves gradients in the discriminators.
    """

    def __init__(self, recipe: Recipe, accelerator: Accelerator, options: TrainOptions) -> None:
        self.recipe, self.accelerator, self.options = recipe, accelerator, options
        on_cuda = accelerator.device.type == "cuda"
        channels_last = on_cuda if options.channels_last is None else options.channels_last
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        recipe.networks.to(accelerator.device).to(memory_format=self.layout)
        self.synchronise()
        self.optimizers = recipe.optimizers()
        self.average = MovingAverage(_generators(recipe), options.ema) if options.ema else None
        allow_winograd(recipe.networks)
        if options.checkpointing:
            _recompute_blocks(recipe.networks)
        if options.compile:
            for network in recipe.networks.values():
                if not hasattr(network, "lens"):  # whose draws are Python, between which little is left to compile
                    network.compile()
        self._gathered = dict.fromkeys(self.optimizers, 0)
        self._updated: set[str] = set()
        self._generators_moved = False
        self._ways: dict[str, Any] | None = None
        self._choosing = accelerator.device.type == "cpu" and not computes_bf16(options, "cpu")
        self._generator_weights = {id(p) for p in _generators(recipe).parameters()}

    @property
    def generators(self) -> nn.ModuleDict:
        """What the run is for, by the layout's keys: averages where they are kept, else the trained generators."""
        if self.average is not None:
            return cast(nn.ModuleDict, self.average.module)
        return _generators(self.recipe)

    def micro_step(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run the recipe on one batch; returns its loss terms, still on the device."""
        if self._choosing:
            self._ways, self._choosing = choose_ways(self.recipe, batch, self.accelerator), False
        self._updated.clear()
        with self._precision():
            losses = self.recipe.step(batch, self.update)
        if self._generators_moved and self.average is not None:
            self.average.update(_generators(self.recipe))
        self._generators_moved = False
        return losses

    def _precision(self) -> torch.autocast:
        device = self.accelerator.device.type
        enabled = computes_bf16(self.options, device)
        # Weights change within a step, between updates: cached bf16 copies of them would be out of date.
        return torch.autocast(device, torch.bfloat16, enabled=enabled, cache_enabled=False)

    def update(self, optimizer: str, loss: Tensor) -> None:
        """Add the gradients of ``loss`` for the parameters of one optimizer; step it when enough are gathered.

        Raises ConfigError where two losses of one batch would be gathered for one step: no recipe means that.
        """
        if optimizer in self._updated and self.options.accumulation > 1:
            raise ConfigError(
                f"accumulation={self.options.accumulation}: this recipe updates {optimizer} twice with one batch, which"
                " cannot be gathered over several: take accumulation=1 and a larger batch_size."
            )
        self._updated.add(optimizer)
        adam = self.optimizers[optimizer]
        trained = [p for p in _parameters(adam) if p.requires_grad]
        with torch.autocast(self.accelerator.device.type, enabled=False):
            torch.autograd.backward(loss / self.options.accumulation, inputs=trained)
            self._gathered[optimizer] += 1
            if self._gathered[optimizer] < self.options.accumulation:
                return
            if self.accelerator.num_processes > 1:
                _average_gradients(trained, self.accelerator)
            adam.step()
            adam.zero_grad(set_to_none=True)
        self._gathered[optimizer] = 0
        self._generators_moved |= any(id(p) in self._generator_weights for p in trained)

    def set_learning_rate(self, rate: float) -> None:
        """Give every optimizer this rate, times its groups' ``lr_scale`` where they have one, as timm's schedulers."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                own = rate * group.get("lr_scale", 1.0)
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(own)
                else:
                    group["lr"] = own

    def synchronise(self) -> None:
        """Give every process the weights and buffers of the first."""
        if self.accelerator.num_processes > 1:
            for tensor in self.recipe.networks.state_dict().values():
                torch.distributed.broadcast(tensor, 0)

    def state_dict(self) -> dict[str, Any]:
        """Everything of the run that all processes share."""
        return {
            "networks": self.recipe.networks.state_dict(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "average": None if self.average is None else self.average.state_dict(),
            "ways": self._ways,
        }

    def pending(self) -> dict[str, Any]:
        """Gradients gathered for a later step, which are this process's own: a critic steps more often than G."""
        return {
            name: {"gathered": self._gathered[name], "gradients": [p.grad for p in _parameters(optimizer)]}
            for name, optimizer in self.optimizers.items()
            if self._gathered[name]
        }

    def load_pending(self, state: Mapping[str, Any]) -> None:
        """Continue from ``pending``'s answer."""
        for name, pending in state.items():
            self._gathered[name] = pending["gathered"]
            for parameter, gradient in zip(_parameters(self.optimizers[name]), pending["gradients"], strict=True):
                parameter.grad = None if gradient is None else gradient.to(parameter)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from ``state_dict``'s answer."""
        self.recipe.networks.load_state_dict(state["networks"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        if "ways" not in state:  # an older version's, which took Winograd's algorithm unmeasured
            self._choosing = False
        elif state["ways"] is not None:
            restore_ways(self.recipe.networks, state["ways"])
            self._ways, self._choosing = state["ways"], False


def _parameters(optimizer: Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _generators(recipe: Recipe) -> nn.ModuleDict:
    return nn.ModuleDict({key: recipe.networks[key] for key in recipe.layout.generators.values()})


def _recompute_blocks(networks: nn.Module) -> None:
    """Keep the input of each residual block only, and compute the rest of it again in the backward pass."""
    for module in networks.modules():
        if isinstance(module, ResBlock | AdaLINResBlock):
            module.forward = partial(checkpoint, module.forward, use_reentrant=False)  # type: ignore[method-assign]


def _average_gradients(parameters: Iterable[nn.Parameter], accelerator: Accelerator) -> None:
    """Replace gradients by their mean over processes; one that is missing here counts as zero."""
    for bucket in _buckets(parameters):
        flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in bucket])
        mean = accelerator.reduce(flat, "mean").split([p.numel() for p in bucket])
        for parameter, gradient in zip(bucket, mean, strict=True):
            parameter.grad = gradient.view_as(parameter).to(parameter.dtype)


def _buckets(parameters: Iterable[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    bucket: list[nn.Parameter] = []
    size = 0
    for parameter in parameters:
        bucket.append(parameter)
        size += parameter.numel() * parameter.element_size()
        if size >= BUCKET_BYTES:
            yield bucket
            bucket, size = [], 0
    if bucket:
        yield bucket
