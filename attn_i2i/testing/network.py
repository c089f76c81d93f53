"""What any network of this library must survive."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from .contract import Factory, build, call, check_finite, expect
from .unchanged import unchanged, unchanged_inputs

RunNetwork: TypeAlias = Callable[[nn.Module, torch.dtype], dict[str, Tensor]]


def check_network(part: Factory, run: RunNetwork, inputs: dict[str, Tensor]) -> None:
    """What holds for any network: precisions, determinism, weights through a file, gradients to every parameter.

    Its calls in eval mode change neither it nor the process, and its factory also builds it on the meta device.

    ``run`` calls the network on ``inputs`` in a precision and returns its tensors by name; ``inputs`` tells what must
    stay as it is.
    """
    module = build(part).eval()
    _check_meta(part)
    with torch.no_grad():
        with unchanged(module), unchanged_inputs(inputs):
            first, second = run(module, torch.float32), run(module, torch.float32)
        for name, value in first.items():
            same = value.shape == second[name].shape and torch.allclose(value, second[name], atol=1e-5, equal_nan=True)
            expect(same, f"Two calls in eval() differ in {name}: draw random numbers in training mode only.")
        for dtype in (torch.float64, torch.bfloat16):
            _check_precision(module, run, dtype)
    _check_file(part, run)
    _check_gradients(build(part).train(), run)


def _check_meta(part: Factory) -> None:
    if not isinstance(part, nn.Module):
        with torch.device("meta"):
            call(part, doing="Building it under torch.device('meta'), as load() does to compare shapes,")


def check_input_gradient(image: Tensor) -> None:
    """What was computed from ``image`` has been differentiated, and the gradient reaches the image."""
    expect(image.grad is not None, "The input image gets no gradient: detach nothing, compute in torch.")
    moved = bool(cast(Tensor, image.grad).any())
    expect(moved, "The gradient of the input image is 0 everywhere: let it reach the output, without rounding.")


def _check_precision(module: nn.Module, run: RunNetwork, dtype: Any) -> None:
    results = call(run, copy.deepcopy(module).to(dtype), dtype, doing=f"Running in {dtype}")
    for name, value in results.items():
        advice = "make new tensors with the input's dtype, register constants as buffers."
        expect(value.dtype == dtype, f"{name} is {value.dtype} where weights and input are {dtype}: {advice}")
    check_finite(results.items(), f"in {dtype}")


def _check_file(part: Factory, run: RunNetwork) -> None:
    """Another copy with other weights gives the same answer once the first one's weights are loaded from a file."""
    first, second = build(part).eval(), build(part).eval()
    with torch.no_grad():
        for value in second.state_dict().values():
            if value.is_floating_point():
                value.mul_(0.5)
        stored = call(lambda: load(save(dict(first.state_dict()))), doing="Storing state_dict() as safetensors")
        call(lambda: second.load_state_dict(stored), doing="Loading its own state_dict()")
        for (name, value), again in zip(
            run(first, torch.float32).items(), run(second, torch.float32).values(), strict=True
        ):
            advice = "register everything that matters as a parameter or a persistent buffer."
            expect(
                torch.allclose(value, again, atol=1e-5),
                f"{name} changes when the weights are stored and loaded: {advice}",
            )


def _check_gradients(module: nn.Module, run: RunNetwork) -> None:
    """Everything returned, summed, reaches every parameter in training mode."""
    auxiliary = tuple(f"{name}." for name in getattr(module, "auxiliary", ()))
    results = run(module, torch.float32)
    check_finite(results.items(), "in training mode")
    total = sum((value.float().square().mean() for value in results.values() if value.requires_grad), start=0.0)
    if any(p.requires_grad for p in module.parameters()):
        expect(getattr(total, "requires_grad", False), "What it returns has no gradient: do not detach it.")
        total.backward()  # type: ignore[union-attr]
    for name, parameter in module.named_parameters():
        if parameter.requires_grad and not name.startswith(auxiliary):
            advice = "use it, drop it, or name its submodule in `auxiliary`."
            gradient = parameter.grad
            expect(gradient is not None, f"Parameter {name} gets no gradient: {advice}")
            check_finite([(f"The gradient of {name}", cast(Tensor, gradient))], "in training mode")
