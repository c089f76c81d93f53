"""The one forward pass that serves every update of a full step of DRIT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from attn_i2i import Translation
from attn_i2i.recipes import split
from torch import Tensor

from ..attention import Encoded
from ..steps import draw
from .generator import DRIT

OTHER = {"a": "b", "b": "a"}  # the domain that a domain is translated to


class Attribute(NamedTuple):
    """An attribute, and where it was drawn from; the variant "feature" knows no distribution."""

    value: Tensor
    mean: Tensor | None = None
    log_variance: Tensor | None = None


class Made(NamedTuple):
    """What the pass makes for one domain, by the domain of the pictures that come out.

    ``content`` is of the domain's own picture, with noise. ``fake`` has the attribute of that picture, ``same`` its
    content too; ``random`` and ``other`` have drawn attributes, ``other`` None without mode seeking. ``back`` is the
    domain's picture returned, ``found`` the attribute that ``random`` shows. ``fake`` has what the CAM told of the
    picture it was made from, ``same`` what that CAM, the other domain's, tells of its own.
    """

    content: Tensor
    attribute: Attribute
    fake: Translation
    same: Translation
    random: Translation
    other: Translation | None
    back: Translation
    found: Tensor


class BothDirections(NamedTuple):
    """The two directions, by the domain they start from."""

    a: DRIT
    b: DRIT

    def starting(self, domain: str) -> DRIT:
        """What encodes a domain's contents."""
        network: DRIT = getattr(self, domain)
        return network

    def ending(self, domain: str) -> DRIT:
        """What decodes into a domain, and encodes its attributes."""
        return self.starting(OTHER[domain])


def encoded(
    networks: BothDirections, image: Tensor, domain: str, batch: Mapping[str, Tensor], name: str
) -> tuple[Tensor, Encoded]:
    """The content of a picture with noise, given under ``name`` or drawn, and what the CAM told."""
    network = networks.starting(domain)
    code = network.attend(image)
    content = network.shared(code)
    return content + draw(batch, name, content), code


def attribute_of(network: DRIT, image: Tensor, batch: Mapping[str, Tensor], name: str) -> Attribute:
    """An attribute as the release encodes it: drawn from its distribution where there is one."""
    if network.variant == "feature":
        return Attribute(network.attribute(image))
    mean, log_variance = network.attribute(image)
    return Attribute(draw(batch, name, mean) * (log_variance / 2).exp() + mean, mean, log_variance)


def run(
    networks: BothDirections, images: Mapping[str, Tensor], batch: Mapping[str, Tensor], seeking: bool
) -> tuple[dict[str, Made], list[Tensor]]:
    """Every translation of a full step by the domain it ends in, and the drawn attributes: two where ``seeking``.

    ``images`` are those that are translated, of "a" and "b". Draws may be given in ``batch``: ``noise_content_a``,
    ``eps_attr_a``, ``noise_again_a``, ``eps_again_a``, the same of b, ``z_random`` and ``z_random2``. The noise
    ``noise_again_b`` is added to the content that comes from b and is read in the fake of a.
    """
    codes = {d: encoded(networks, images[d], d, batch, f"noise_content_{d}") for d in "ab"}
    contents = {d: content for d, (content, _) in codes.items()}
    attributes = {d: attribute_of(networks.ending(d), images[d], batch, f"eps_attr_{d}") for d in "ab"}
    z = draw(batch, "z_random", attributes["a"].value)
    drawn = [z, draw(batch, "z_random2", z)] if seeking else [z]
    decoded = {d: _decoded(networks.ending(d), contents, images, d, attributes[d].value, drawn) for d in "ab"}
    again: dict[str, Tensor] = {}
    styles: dict[str, Tensor] = {}
    for d in "ab":
        image = decoded[d][0].image
        again[OTHER[d]], _ = encoded(networks, image, d, batch, f"noise_again_{OTHER[d]}")
        styles[d] = attribute_of(networks.ending(d), image, batch, f"eps_again_{d}").value
    made = {}
    for d in "ab":
        fake, same, random, *others = decoded[d]
        back = networks.ending(d).decode(again[d], styles[d], decoded[OTHER[d]][0].image)
        shown: Any = networks.ending(d).attribute(random.image)
        shown = shown if isinstance(shown, Tensor) else shown[0]
        other = others[0] if others else None
        fake, same = _told(networks.starting(OTHER[d]), codes[OTHER[d]][1], images[d], fake, same)
        made[d] = Made(contents[d], attributes[d], fake, same, random, other, back, shown)
    return made, drawn


def _told(
    network: DRIT, code: Encoded, target: Tensor, fake: Translation, same: Translation
) -> tuple[Translation, Translation]:
    """``fake`` and ``same`` with what the CAM of ``network`` tells of the source, ``code``, and of the target."""
    if network.cam is None:
        return fake, same
    return code.told(fake), network.attend(target).told(same)


def _decoded(
    network: DRIT,
    contents: Mapping[str, Tensor],
    images: Mapping[str, Tensor],
    domain: str,
    own: Tensor,
    drawn: list[Tensor],
) -> list[Translation]:
    """Fake, same and those in drawn attributes, decoded together: every norm is an image's own."""
    order = [OTHER[domain], domain, *[OTHER[domain]] * len(drawn)]
    styles = torch.cat([own, own, *drawn])
    together = network.decode(torch.cat([contents[d] for d in order]), styles, torch.cat([images[d] for d in order]))
    return split(together, [len(images[d]) for d in order])
