"""What the networks of plugins/attn-i2i-hosts answer, by the names under which their cases store it."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from attn_i2i.convert import Networks, checkpoint_files, convert
from attn_i2i.convert.published import from_published, to_published
from attn_i2i.convert.verify import relative_error
from attn_i2i.models.config import read_config
from attn_i2i.models.directory import build_discriminators, build_generator
from attn_i2i.plugins import manager

BESIDE = ("io.safetensors", "vgg16.weight")
"""What lies beside the checkpoints of a case; the second is the perceptual network of a training."""
PLUGIN = Path(__file__).parents[2] / "plugins/attn-i2i-hosts/src"
Given = Mapping[str, Tensor]
Answer = Callable[["Asked", "re.Match[str]"], Tensor]


def register() -> None:
    """Make the hosts known, where they are not installed."""
    if not manager().has_plugin("hosts"):
        sys.path.append(str(PLUGIN))
        import attn_i2i_hosts

        manager().register(attn_i2i_hosts, "hosts")


class Asked:
    """Networks with the inputs of a case; pictures come and go as the release has them."""

    def __init__(self, networks: Networks, given: Given) -> None:
        self.networks, self.given = networks, given

    def generator(self, source: str) -> Any:
        """The network that translates from ``source``, "a" or "b"."""
        return self.networks.generators["A2B" if source == "a" else "B2A"]

    def translated(self, source: str, image: Tensor) -> Tensor:
        network = self.generator(source)
        return to_published(network, network(from_published(network, image)).image)

    def fake(self, domain: str) -> Tensor:
        """The picture of ``domain`` that is made from the other domain's input."""
        other = OTHER[domain]
        return self.translated(other, self.given[f"x_{other}"])

    def discriminator(self, domain: str) -> Any:
        return self.networks.discriminators[domain.upper()]

    def seen(self, domain: str, fake: object) -> Tensor:
        """What a discriminator of ``domain`` is shown, as this library has it."""
        image = self.fake(domain) if fake else self.given[f"x_{domain}"]
        return from_published(self.discriminator(domain), image)

    def answer(self, answers: Mapping[str, Answer], name: str) -> Tensor | None:
        """The tensor stored as ``name``; None where no pattern of ``answers`` is its."""
        for pattern, answer in answers.items():
            if match := re.fullmatch(pattern, name):
                return answer(self, match)
        return None


OTHER = {"a": "b", "b": "a"}


def _image(asked: Asked, m: re.Match[str]) -> Tensor:
    """image_ab, image_ba and, there and back, image_aba, image_bab."""
    image = asked.given[f"x_{m[1][0]}"]
    for source in m[1][:-1]:
        image = asked.translated(source, image)
    return image


def _scale(asked: Asked, m: re.Match[str]) -> Tensor:
    logits: Tensor = asked.discriminator(m[1])(asked.seen(m[1], m[2]))[int(m[3])].logits
    return logits


def _global(asked: Asked, m: re.Match[str]) -> Tensor:
    """logits_ad_real_b: the discriminator that A's generator meets, which looks at B."""
    logits: Tensor = asked.discriminator(m[2])(asked.seen(m[2], m[1] == "fake"))[0].logits
    return logits.flatten(1) if hasattr(asked.discriminator(m[2]), "image_size") else logits


def _features(asked: Asked, m: re.Match[str]) -> Tensor:
    maps: Tensor = asked.discriminator(m[1]).looked_at(asked.seen(m[1], m[2]))[1][int(m[3])]
    return maps


def _probability(asked: Asked, m: re.Match[str]) -> Tensor:
    logits: Tensor = asked.discriminator(m[2])(asked.seen(m[2], m[1]))[0].logits
    return logits.sigmoid()


def _latent(asked: Asked, m: re.Match[str]) -> Tensor:
    latent: Tensor = asked.generator(m[1]).encoder(asked.given[f"x_{m[1]}"])
    return latent


def _unit(asked: Asked, m: re.Match[str]) -> Tensor:
    """image_ab_noise: decoded with the noise that is given; recon_a: decoded into the domain it comes from."""
    source, target = m["own"] or m["way"][0], m["own"] or m["way"][1]
    image = asked.given[f"x_{source}"]
    latent = asked.generator(source).encoder(image)
    if m["way"]:
        latent = latent + asked.given[f"noise_{source}"]
    decoded: Tensor = asked.generator(OTHER[target]).decode(latent, image).image
    return decoded


def _content(asked: Asked, domain: str) -> Tensor:
    network, image = asked.generator(domain), asked.given[f"x_{domain}"]
    content: Tensor = network.encode(image) if hasattr(network, "encode") else network.content(image)
    return content


def _style(asked: Asked, domain: str) -> Tensor:
    """The style of a domain's picture, as its other direction's network encodes it; DRIT's by the draw given."""
    network, image = asked.generator(OTHER[domain]), asked.given[f"x_{domain}"]
    eps = asked.given.get(f"eps_{domain}")
    style: Tensor = network.style_of(image) if eps is None else network.style_of(image, eps)
    return style


def _styled(asked: Asked, m: re.Match[str]) -> Tensor:
    """image_ab in a style given, image_ab_guided or _transfer in that of the other input, recon_a in its own."""
    source, target = (m["own"], m["own"]) if m["own"] else (m["way"][0], m["way"][1])
    if m["own"] or m["guided"]:
        style = _style(asked, target)
    else:
        style = asked.given.get("z_random", asked.given.get(f"style_random_{target}", torch.empty(0))).flatten(1)
    image = asked.given[f"x_{source}"]
    content = _content(asked, source)
    decoded: Tensor = asked.generator(OTHER[target]).decode(content, style, image).image
    return decoded


def _distribution(asked: Asked, m: re.Match[str]) -> Tensor:
    mean, log_variance = asked.generator(OTHER[m[2]]).attribute(asked.given[f"x_{m[2]}"])
    chosen: Tensor = mean if m[1] == "mu" else log_variance
    return chosen


def _drit_scale(asked: Asked, m: re.Match[str]) -> Tensor:
    network = asked.discriminator(m[1])
    verdicts = network.look(asked.seen(m[1].lower(), None), random=bool(m[2]))
    logits: Tensor = verdicts[0].logits.flatten() if len(verdicts) == 1 else verdicts[int(m[3])].logits
    return logits


STYLED = r"image_(?P<way>ab|ba)(?P<guided>_guided|_transfer)?|recon_(?P<own>a|b)"
SCALES = {r"dis_(a|b)(_fake)?_(\d)": _scale}
IMAGES = {"image_(aba?|bab?)": _image}
ANSWERS: dict[str, dict[str, Answer]] = {
    "discogan": {
        **IMAGES,
        r"features_(a|b)(_fake)?_(\d)": _features,
        "prob_(fake_)?(a|b)": _probability,
    },
    "dualgan": {**IMAGES, "logits_[ab]d_(real|fake)_(a|b)": _global},
    "unit": {**IMAGES, **SCALES, "latent_(a|b)": _latent, "recon_(?P<own>a|b)|image_(?P<way>ab|ba)_noise": _unit},
    "munit": {
        **SCALES,
        STYLED: _styled,
        "content_(a|b)": lambda asked, m: _content(asked, m[1]),
        "style_(a|b)": lambda asked, m: _style(asked, m[1])[:, :, None, None],
    },
    "drit": {
        STYLED: _styled,
        "content_(a|b)": lambda asked, m: _content(asked, m[1]),
        "attribute_(a|b)": lambda asked, m: _style(asked, m[1]),
        "(mu|logvar)_(a|b)": _distribution,
        r"dis(A|B)(2?)_(\d)": _drit_scale,
        "disContent": lambda asked, m: asked.discriminator("a").content(asked.given["content"]).flatten(),
    },
}
INPUTS = re.compile(r"x_[ab]|noise_[ab]|style_random_[ab]|z_random|eps_[ab]|content")
TRAINING_MODE = {"discogan"}
"""Families whose release never leaves training mode; what it would answer otherwise is stored as ``..._eval``."""


def answers(family: str, networks: Networks, given: Given, names: list[str]) -> dict[str, Tensor | None]:
    """What ``networks`` answer for each of ``names``, None for what is not understood."""
    evaluated = Asked(networks, given)
    plain = evaluated
    if family in TRAINING_MODE:
        copies = deepcopy(networks)
        for network in (*copies.generators.values(), *copies.discriminators.values()):
            network.train()
        plain = Asked(copies, given)
    found = {}
    for name in names:
        asked = evaluated if name.endswith("_eval") else plain
        found[name] = asked.answer(ANSWERS[family], name.removesuffix("_eval"))
    return found


def load(folder: Path) -> Networks:
    """The networks of a case by way of a converted model directory."""
    register()
    sources = [path for path in checkpoint_files(folder) if path.name not in BESIDE]
    with tempfile.TemporaryDirectory() as work:
        model = Path(work, "model")
        convert(sources, model)
        config = read_config(model)
        generators = {direction: build_generator(model, config, direction) for direction in config.directions}
        return Networks(generators, build_discriminators(model, config))


def forward_errors(folder: Path, case: Mapping[str, Any], dtype: torch.dtype, device: str) -> dict[str, float]:
    """The error of every stored output of a case, computed in ``dtype``; infinite for what is not understood."""
    networks = load(folder).to(dtype)
    for network in (*networks.generators.values(), *networks.discriminators.values()):
        network.to(device)
    stored = load_file(folder / "io.safetensors", device)
    given = {name: tensor.to(dtype) for name, tensor in stored.items() if INPUTS.fullmatch(name)}
    names = [name for name in stored if name not in given]
    stride = case.get("stride", 1)
    with torch.no_grad():
        found = answers(case["family"], networks, given, names)
    return {name: relative_error(_thinned(answer, stride), stored[name]) for name, answer in found.items()}


def _thinned(answer: Tensor | None, stride: int) -> Tensor | None:
    """Every ``stride``-th row and column of what has rows and columns, as small cases store it."""
    return answer if answer is None or answer.dim() < 3 else answer[..., ::stride, ::stride]
