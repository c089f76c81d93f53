"""Compares a converted model with stored inputs and outputs of the published one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..blocks.masking import ThresholdMasked
from ..blocks.patch import enable_norm
from ..types import Translation, Verdict
from .published import from_published, to_published

# The names of stored inputs and outputs, and what each becomes or is compared with.
INPUTS = ("x", "x_b2a", "x_disc", "pair", "labels", "x_a", "x_b")
GENERATED = {"image": "image", "attention": "attention", "content": "contents", "contents": "contents"}
GENERATED |= {"cam_logits": "cam_logits", "heatmap": "heatmap"}
PATCHES: dict[str, Callable[[Tensor], Tensor]] = {
    "patch_logits": lambda logits: logits,
    "patch_probabilities": torch.sigmoid,
    "score": lambda logits: logits.mean((2, 3)),
}
FIELDS = {"src_logits": "logits", "cls_logits": "class_logits"}
SCALES = ("global", "local")


class Check(NamedTuple):
    """One stored output: its name and the worst difference, over max(1, largest value); infinite where none fits."""

    name: str
    error: float


@dataclass
class Networks:
    """A model's modules: generators by direction, discriminators by the domain they look at."""

    generators: Mapping[str, nn.Module]
    discriminators: Mapping[str, nn.Module] = field(default_factory=dict)

    def to(self, dtype: torch.dtype) -> Networks:
        for module in (*self.generators.values(), *self.discriminators.values()):
            module.to(dtype).eval()
        return self


def compare(
    networks: Networks, stored: Mapping[str, Tensor], dtype: torch.dtype, threshold: float = 0.5
) -> list[Check]:
    """Worst error of every stored output, computed in ``dtype`` from the stored inputs.

    Inputs are ``x``, ``labels``, ``x_disc`` (one direction) or ``x_a``, ``x_b`` (two); every other tensor is an
    expected output, by the names that docs/converting.md lists. ``threshold`` is that of masked discriminators.
    """
    asked = NetworkAnswers(networks.to(dtype), {n: t.to(dtype) for n, t in stored.items() if n in INPUTS}, threshold)
    with torch.no_grad():
        return [Check(n, relative_error(asked.answer(n), t)) for n, t in sorted(stored.items()) if n not in INPUTS]


def relative_error(actual: Tensor | None, expected: Tensor) -> float:
    """Largest absolute difference over max(1, largest expected value); one content may stand without its axis."""
    if actual is None:
        return float("inf")
    if actual.dim() == expected.dim() + 1 and actual.shape[1] == 1:
        actual = actual.squeeze(1)
    if actual.shape != expected.shape or not expected.numel():
        return float("inf")
    difference = (actual.double() - expected.double()).abs().max().item()
    error = difference / max(1.0, expected.abs().max().item())
    return error if error == error else float("inf")


class NetworkAnswers:
    """What the networks answer, by the name of a stored output; None for what it cannot answer.

    Images come and go in the range and order that a network was published for.
    """

    def __init__(self, networks: Networks, given: Mapping[str, Tensor], threshold: float) -> None:
        self.networks, self.given, self.threshold = networks, given, threshold
        self._translations: dict[tuple[str, str], Translation] = {}

    def answer(self, name: str) -> Tensor | None:
        """The tensor stored as ``name``, computed anew."""
        try:
            return self._generated(name) if "x" in self.given else self._two_domains(name)
        except (LookupError, RuntimeError):  # RuntimeError: inputs of a shape that the network cannot take
            return None

    def _translate(self, direction: str, source: str) -> Translation:
        if (direction, source) not in self._translations:
            generator = self.networks.generators[direction]
            image = from_published(generator, self.given[source])
            answer: Translation = generator(image, self.given.get("labels"))
            self._translations[direction, source] = answer._replace(
                image=to_published(generator, answer.image),
                contents=None if answer.contents is None else to_published(generator, answer.contents),
            )
        return self._translations[direction, source]

    def _forwards(self) -> str:
        """A to B, or the only direction there is, whatever it is called."""
        directions = list(self.networks.generators)
        return directions[0] if len(directions) == 1 else "A2B"

    def _generated(self, name: str) -> Tensor | None:
        back = name.endswith("_b2a")
        if name.removesuffix("_b2a") in GENERATED:
            source_name = "x_b2a" if back and "x_b2a" in self.given else "x"
            translation = self._translate("B2A" if back else self._forwards(), source_name)
            field: Tensor | None = getattr(translation, GENERATED[name.removesuffix("_b2a")])
            return field
        if name.removesuffix("_a") in PATCHES:
            return self._patches(name)
        source = self.given.get("x_disc", self.given["x"])
        scale, _, part = name.removesuffix("_b").partition("_")
        if scale in SCALES:
            discriminator = self.networks.discriminators["B" if name.endswith("_b") else "A"]
            return _field(discriminator(from_published(discriminator, source))[SCALES.index(scale)], part)
        by_domain = self.networks.discriminators
        discriminator = next(iter(by_domain.values())) if len(by_domain) == 1 else by_domain["B"]
        return _field(discriminator(from_published(discriminator, source))[0], FIELDS[name])

    def _patches(self, name: str) -> Tensor | None:
        """What a PatchGAN answers, of domain B unless the name ends in _a."""
        by_domain = self.networks.discriminators
        domain = "A" if name.endswith("_a") else "B"
        inputs = ("x_disc", "pair", *(("x_b2a",) if domain == "B" else ()), "x")
        source = next(self.given[key] for key in inputs if key in self.given)
        only = len(by_domain) == 1 and not name.endswith("_a")
        discriminator = next(iter(by_domain.values())) if only else by_domain[domain]
        logits = discriminator(from_published(discriminator, source))[0].logits
        return PATCHES[name.removesuffix("_a")](logits)

    def _two_domains(self, name: str) -> Tensor | None:
        if match := re.fullmatch(r"prob_(real|fake)_([ab])_is_real_(warmup|masked)", name):
            return self._discriminated(*match.groups())
        kind, _, domain = name.rpartition("_")
        source = {"attention": domain, "cycle": domain}.get(kind, _other(domain))
        there = self._translate(_direction(source), f"x_{source}")
        if kind == "cycle":
            generator = self.networks.generators[_direction(_other(domain))]
            return to_published(generator, generator(from_published(generator, there.image)).image)
        return _field(there, {"fake": "image", "content": "contents", "attention": "attention"}[kind])

    def _discriminated(self, kind: str, domain: str, phase: str) -> Tensor:
        discriminator = self.networks.discriminators[domain.upper()]
        enable_norm(discriminator, phase == "warmup")
        if isinstance(discriminator, ThresholdMasked):
            discriminator.threshold = self.threshold if phase == "masked" else 0.0
        source = domain if kind == "real" else _other(domain)
        translation = self._translate(_direction(source), f"x_{source}")
        image = self.given[f"x_{source}"] if kind == "real" else translation.image
        verdict: Verdict = discriminator(from_published(discriminator, image), translation.attention)[0]
        return verdict.logits


def _direction(source: str) -> str:
    return "A2B" if source == "a" else "B2A"


def _other(domain: str) -> str:
    return {"a": "b", "b": "a"}[domain]


def _field(answer: Translation | Verdict, name: str) -> Tensor | None:
    if name not in answer._fields:
        raise KeyError(name)
    value: Tensor | None = getattr(answer, name)
    return value
