"""What loss terms promise."""

from __future__ import annotations

import torch
from torch import Tensor

from ..interfaces import RoundTrip, Term
from ..masks import blend
from ..types import Translation, Verdict
from .contract import call, check_finite, check_shape, expect
from .unchanged import unchanged_inputs


def check_term(term: Term) -> None:
    """Hold a loss term to what an objective relies on.

    From a RoundTrip with everything in it, a finite scalar with a finite gradient; the trip stays as it was. Raises
    ContractError.
    """
    trip, leaves = _round_trip()
    with unchanged_inputs(_tensors(trip), "The term"):
        value = call(term, trip, doing="Calling it with a RoundTrip")
    check_shape("The loss", value, (), "reduce it, for example by mean().")
    check_finite([("The loss", value)], "for images in [-1, 1]")
    expect(value.requires_grad, "The loss has no gradient: compute it from the trip's tensors, detached nowhere.")
    call(value.backward, doing="Its gradient")
    gradients = [("The gradient of the loss", leaf.grad) for leaf in leaves if leaf.grad is not None]
    check_finite(gradients, "for images in [-1, 1]")
    expect(any(leaf.grad is not None for leaf in leaves), "The loss does not depend on the translations or verdicts.")


def _tensors(trip: RoundTrip) -> dict[str, Tensor]:
    """The trip's tensors, by where they stand in it."""
    parts: dict[str, Tensor | None] = {"source": trip.source, "target": trip.target}
    for name in ("fake", "back", "same"):
        parts |= {f"{name}.{field}": value for field, value in getattr(trip, name)._asdict().items()}
    return {name: value for name, value in parts.items() if value is not None}


def _round_trip(side: int = 16) -> tuple[RoundTrip, list[Tensor]]:
    """A trip of two images through made-up networks, and the tensors that those would be trained by."""
    source = torch.Generator().manual_seed(0)
    leaves: list[Tensor] = []

    def leaf(*shape: int) -> Tensor:
        leaves.append(torch.randn(*shape, generator=source, requires_grad=True))
        return leaves[-1]

    def translation(image: Tensor) -> Translation:
        attention, contents = leaf(2, 3, side, side).softmax(1), leaf(2, 2, 3, side, side).tanh()
        return Translation(blend(attention, contents, image), attention, contents, leaf(2, 2), leaf(2, 1, 4, 4))

    a, b = (torch.rand(2, 3, side, side, generator=source) * 2 - 1 for _ in range(2))
    fake = translation(a)
    verdict = Verdict(leaf(2, 1, 4, 4), leaf(2, 2), leaf(2, 5), leaf(2, 1, 4, 4))
    return RoundTrip(a, b, fake, translation(fake.image), translation(b), (verdict,), torch.eye(5)[:2]), leaves
