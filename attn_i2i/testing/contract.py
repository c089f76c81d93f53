"""What every check shares: the error, building a part, and what any network of this library must survive."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, cast

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from ..types import AttnI2IError

Factory: TypeAlias = nn.Module | Callable[[], nn.Module]
Run: TypeAlias = Callable[[nn.Module, torch.dtype], dict[str, Tensor]]


class ContractError(AttnI2IError, AssertionError):
    """A part that breaks the contract: what it returned, what was expected, what to do."""


def expect(holds: object, message: str) -> None:
    """Raise ContractError with ``message`` unless ``holds``."""
    if not holds:
        raise ContractError(message)


def call(part: Callable[..., Any], *arguments: object, doing: str) -> Any:
    """Call an author's code; whatever it raises becomes one line that says what was being done."""
    try:
        return part(*arguments)
    except ContractError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        raise ContractError(f"{doing} raised {type(error).__name__}: {text[:300]}") from error


def build(part: Factory) -> nn.Module:
    """A module of its own to try things on: a copy, or what the factory makes from its defaults."""
    if isinstance(part, nn.Module):
        return copy.deepcopy(part)
    module = call(part, doing="Building it from its defaults (every option needs one)")
    expect(isinstance(module, nn.Module), f"The factory returned {kind(module)}, not an nn.Module.")
    return module


def kind(value: object) -> str:
    """A value in words: its shape for a tensor, its type for anything else."""
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" if shape is None else f"a tensor of shape {tuple(shape)}"


def check_shape(name: str, value: object, shape: tuple[int | None, ...], advice: str) -> None:
    """``value`` is a tensor of ``shape``; None stands for any length of at least 1."""
    actual = tuple(value.shape) if isinstance(value, Tensor) else ()
    fits = (
        isinstance(value, Tensor)
        and len(actual) == len(shape)
        and all(a == wanted or (wanted is None and a > 0) for a, wanted in zip(actual, shape, strict=True))
    )
    expected = ", ".join("any" if length is None else str(length) for length in shape)
    expect(fits, f"{name} is {kind(value)}, expected a tensor of shape ({expected}): {advice}")


def check_finite(named: Iterable[tuple[str, Tensor]], when: str) -> None:
    for name, value in named:
        expect(torch.isfinite(value).all(), f"{name} holds infinite or NaN values {when}.")


def check_network(part: Factory, run: Run, inputs: dict[str, Tensor]) -> None:
    """What holds for any network: precisions, determinism, weights through a file, gradients to every parameter.

    ``run`` calls the network on ``inputs`` in a precision and returns its tensors by name; ``inputs`` tells what must
    stay as it is.
    """
    module = build(part).eval()
    before = {name: value.clone() for name, value in inputs.items()}
    with torch.no_grad():
        first, second = run(module, torch.float32), run(module, torch.float32)
        for name, value in first.items():
            same = value.shape == second[name].shape and torch.allclose(value, second[name], atol=1e-5, equal_nan=True)
            expect(same, f"Two calls in eval() differ in {name}: draw random numbers in training mode only.")
        for name, value in inputs.items():
            expect(torch.equal(value, before[name]), f"The network changed its input {name} in place: copy it first.")
        for dtype in (torch.float64, torch.bfloat16):
            _check_precision(module, run, dtype)
    _check_file(part, run)
    _check_gradients(build(part).train(), run)


def _check_precision(module: nn.Module, run: Run, dtype: Any) -> None:
    results = call(run, copy.deepcopy(module).to(dtype), dtype, doing=f"Running in {dtype}")
    for name, value in results.items():
        advice = "make new tensors with the input's dtype, register constants as buffers."
        expect(value.dtype == dtype, f"{name} is {value.dtype} where weights and input are {dtype}: {advice}")
    check_finite(results.items(), f"in {dtype}")


def _check_file(part: Factory, run: Run) -> None:
    """Another copy with other weights gives the same answer once the first one's weights are loaded from a file."""
    one, other = build(part).eval(), build(part).eval()
    with torch.no_grad():
        for value in other.state_dict().values():
            if value.is_floating_point():
                value.mul_(0.5)
        stored = call(lambda: load(save(dict(one.state_dict()))), doing="Storing state_dict() as safetensors")
        call(lambda: other.load_state_dict(stored), doing="Loading its own state_dict()")
        for (name, value), again in zip(
            run(one, torch.float32).items(), run(other, torch.float32).values(), strict=True
        ):
            advice = "register everything that matters as a parameter or a persistent buffer."
            expect(
                torch.allclose(value, again, atol=1e-5),
                f"{name} changes when the weights are stored and loaded: {advice}",
            )


def _check_gradients(module: nn.Module, run: Run) -> None:
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
