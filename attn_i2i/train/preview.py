"""What the generators make of a few fixed pictures: drawn for the eye, measured for the guards."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from torch import Tensor, nn

from ..images.draw import Display, Tile, colorize, contact_sheet, displayed
from ..images.write import to_pil, write_image
from ..interfaces import TRANSLATE, Layout
from ..masks import foreground, split
from ..models.build import evaluating
from ..types import Translation
from .notices import TrainingWarning

# A quarter of a step of 8 bits, over [-1, 1]: no eye and no file tells such pictures apart.
SAME = 1e-3
EMPTY, FULL = 1e-3, 1 - 1e-3
HAIR = frozenset({"Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"})


class Sight(NamedTuple):
    """One picture (1, C, H, W) in [-1, 1], where it goes, what became of it, and its way back where there is one."""

    label: str
    source: Tensor
    translation: Translation
    back: Translation | None


@dataclass
class Preview:
    """Fixed pictures, translated every now and then.

    ``pictures`` maps a domain's letter to (B, C, H, W), or "image" to it, with ``labels`` (B, domains) then. The
    ``layout`` says which network translates where, ``display`` how many channels are shown. ``cycle`` is the weight of
    the recipe's cycle term, None where it has none.
    """

    pictures: dict[str, Tensor]
    layout: Layout
    labels: Tensor | None = None
    domains: list[str] | None = None
    display: Display = field(default_factory=Display)
    cycle: float | None = None
    _warned: set[tuple[str, str]] = field(default_factory=set)

    def show(self, generators: nn.ModuleDict, path: Path, step: int) -> None:
        """Translate, draw and guard; what goes wrong there is warned of, for the training is worth more.

        Raises DiskFullError and other OSErrors: a checkpoint would fail as well.
        """
        try:
            sights = self.look(generators)
            self.draw(sights, path)
            self.guard(sights, step, floored=has_floor(generators))
        except OSError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            if ("failed", "") not in self._warned:
                self._warned.add(("failed", ""))
                text = f"step {step}: the preview was not drawn ({reason}); the training goes on."
                warnings.warn(text, TrainingWarning, stacklevel=2)

    def look(self, generators: nn.ModuleDict) -> list[Sight]:
        """Translate every picture; the networks stay as they are, and no random numbers are used."""
        with evaluating(generators):
            if self.layout.multidomain:
                return self._multidomain(generators[self.layout.generators[TRANSLATE]])
            return [sight for way in self.layout.generators for sight in self._pairwise(generators, way)]

    def _pairwise(self, generators: nn.ModuleDict, way: str) -> list[Sight]:
        """``way`` is A2B or B2A; a recipe may train one of them alone, and then there is no way back."""
        keys = self.layout.generators
        here, there = way.split("2")
        reverse = keys.get(f"{there}2{here}")
        sights = []
        for source in self.pictures[here].split(1):
            fake = generators[keys[way]](source)
            back = None if reverse is None else generators[reverse](fake.image)
            sights.append(Sight(f"{here} to {there}", source, fake, back))
        return sights

    def _multidomain(self, generator: nn.Module) -> list[Sight]:
        sights = []
        assert self.labels is not None
        for source, own in zip(self.pictures["image"].split(1), self.labels.split(1), strict=True):
            for index in range(own.shape[1]):
                name = self.domains[index] if self.domains else str(index)
                target = _towards(own, index, self.domains or [])
                fake = generator(source, target)
                sights.append(Sight(name, source, fake, generator(fake.image, own)))
        return sights

    def draw(self, sights: list[Sight], path: Path) -> None:
        """Write one row a sight: input, mask or heatmap, strongest content, output, cycle."""
        path.parent.mkdir(exist_ok=True)
        tile = max(96, min(256, sights[0].source.shape[-1]))
        write_image(contact_sheet([_row(sight, self.display) for sight in sights], tile), path, force=True)

    def guard(self, sights: list[Sight], step: int, *, floored: bool = False) -> None:
        """Warn, once for each way, where its masks are all one or all zero, or its outputs equal their inputs.

        ``floored`` tells that masks have a floor, below which they learn nothing.
        """
        ways = dict.fromkeys(sight.label for sight in sights)
        for useless, message, remedy in GUARDS:
            idle = [way for way in ways if useless([sight for sight in sights if sight.label == way])]
            if new := [way for way in idle if (message, way) not in self._warned]:
                self._warned |= {(message, way) for way in new}
                advice = WITHOUT_FLOOR if floored and _empty(sights) else remedy(self.cycle)
                text = f"step {step}: {message.replace('WAYS', ', '.join(new))} {advice}"
                warnings.warn(text, TrainingWarning, stacklevel=2)


def has_floor(generators: nn.Module) -> bool:
    """Whether masks of these networks are 0 below a floor."""
    return any(getattr(part, "floor", 0) > 0 for part in generators.modules())


def _foregrounds(sights: list[Sight]) -> list[float]:
    """The mean of each foreground mask; none where the networks have no masks."""
    return [foreground(s.translation).mean().item() for s in sights if s.translation.attention is not None]


def _empty(sights: list[Sight]) -> bool:
    return max(_foregrounds(sights), default=1.0) < EMPTY


def _full(sights: list[Sight]) -> bool:
    return min(_foregrounds(sights), default=0.0) > FULL


def _same(sights: list[Sight]) -> bool:
    return max((s.translation.image - s.source).abs().mean().item() for s in sights) < SAME


# What would make a training useless, and its remedy, as measured (docs/models.md of attn-i2i-tasks). Heavy cycle and
# identity terms are satisfied by returning the input. A light cycle term lets the masks open everywhere.
LIGHT, HEAVY = 0.3, 3.0  # the weights of the cycle term that opened masks there, and then closed them
STEP = 3.0  # a choice: a run whose weight is beyond these gets a third of it, or three times as much

WITHOUT_FLOOR = (
    "Masks below their floor do not learn: begin a run without mask_floor, and give it to another from that model"
    ' (start=RUN, recipe_options={"generator.mask_floor": 0.05}).'
)


def lighter(cycle: float | None) -> str:
    """The remedy for outputs that stay too near to their inputs, from the weight that the cycle term has."""
    again = "If that stays so, begin another run with lighter"
    if not cycle:
        return f"{again} terms that hold an output to its input."
    weight = f"{min(LIGHT, cycle / STEP):.2g}"
    return (
        f'{again} cycle and identity terms (recipe_options={{"cycle": {weight}}}), or with a cycle term that begins so'
        f' and grows (recipe_options={{"opening_cycle": {weight}}}).'
    )


def heavier(cycle: float | None) -> str:
    """The remedy for outputs that keep nothing of their inputs, from the weight that the cycle term has."""
    if cycle is None:
        return "If that stays so, begin a run from this model (start=RUN), with a term that holds it to its input."
    return (
        "If that stays so, begin another run with a heavier cycle term, from this model (start=RUN,"
        f' recipe_options={{"cycle": {max(HEAVY, cycle * STEP):.3g}}}).'
    )


GUARDS: tuple[tuple[Callable[[list[Sight]], bool], str, Callable[[float | None], str]], ...] = (
    (_empty, "the attention masks are all zero (WAYS): nothing of the picture changes.", lighter),
    (_full, "the attention masks are all one (WAYS): nothing is kept as background.", heavier),
    (_same, "the outputs equal their inputs (WAYS): the generators learnt the identity.", lighter),
)


def _towards(own: Tensor, index: int, domains: list[str]) -> Tensor:
    """The label of one picture with one attribute changed; of exclusive ones (one-hot, hair) that one alone is set."""
    target = own.clone()
    if own.sum() == 1 and not HAIR & set(domains):
        target.zero_()[:, index] = 1
    elif domains and domains[index] in HAIR:
        for other, name in enumerate(domains):
            target[:, other] = float(other == index) if name in HAIR else target[:, other]
    else:
        target[:, index] = 1 - target[:, index]
    return target


def _row(sight: Sight, display: Display) -> list[Tile]:
    fake = sight.translation
    row = [("input", _picture(sight.source, display))]
    if fake.attention is not None:
        row.append(("mask", to_pil(foreground(fake)[0].float())))
    elif fake.heatmap is not None:
        low, high = fake.heatmap.aminmax()
        row.append(("heatmap", to_pil(colorize((fake.heatmap[0].float() - low) / (high - low).clamp(min=1e-9)))))
    if fake.contents is not None and fake.attention is not None:
        weights = split(fake.attention, fake.contents)[0].mean((2, 3))
        row.append(("content", _picture(fake.contents[:, int(weights.argmax())], display)))
    row.append((sight.label, _picture(fake.image, display)))
    return row if sight.back is None else [*row, ("cycle", _picture(sight.back.image, display))]


def _picture(image: Tensor, display: Display) -> Image.Image:
    return to_pil(displayed(image[0].float().add(1).div(2).clamp(0, 1), display))
