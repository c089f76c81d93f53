"""Pictures of any number of channels: trained on, stored, converted and translated by every family."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import attn_i2i
from attn_i2i import Translation
from attn_i2i.blocks import ConcatMasked, PatchDiscriminator, ResnetTrunk, SoftmaxHead, TrunkAndHead, make_head
from attn_i2i.convert import find_networks, read_checkpoint
from attn_i2i.interfaces import channels_of
from attn_i2i.models.build import check_fit, create, create_discriminator
from attn_i2i.plugins import zoo
from attn_i2i.recipes import make_recipe
from attn_i2i.testing import ContractError, check_generator, check_head
from attn_i2i.testing.training import default_batch
from attn_i2i.train.export import Origin, write_model
from attn_i2i.types import ConfigError, ConversionError

CASES = Path(__file__).parent / "cases"
COUNTS = (1, 2, 3, 4, 5, 13)
TINY: dict[str, Any] = {"width": 2, "blocks": 1, "discriminator_width": 2}
SHALLOW = {**TINY, "discriminator_layers": 1}
SCALES = {**TINY, "discriminator_global_layers": 3, "discriminator_local_layers": 3}
MANY = {**TINY, "discriminator_layers": 3, "image_size": 16, "domains": 3, "n_critic": 1}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "cyclegan": ("cyclegan", SHALLOW),
    "cyclegan, softmax head": ("cyclegan", {**SHALLOW, "head": "softmax", "head.masks": 2}),
    "attentiongan1": ("attentiongan1", {**SHALLOW, "discriminator": "plain-and-guided"}),
    "attentiongan2": ("attentiongan2", {**SHALLOW, "masks": 2, "discriminator": "attention-guided"}),
    "aggan": ("aggan", SHALLOW),
    "ugatit": ("ugatit", {**SCALES, "image_size": 16}),
    "ugatit light": ("ugatit", {**SCALES, "light": True}),
    "stargan": ("stargan", MANY),
    "attentiongan1-multidomain": ("attentiongan1-multidomain", MANY),
    "attentiongan2-multidomain": ("stargan", {**MANY, "generator": "attentiongan2-multidomain", "masks": 2}),
}


@pytest.mark.parametrize("channels", COUNTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_trains_is_stored_and_translates(family: str, channels: int, tmp_path: Path) -> None:
    name, options = FAMILIES[family]
    recipe = make_recipe(name, channels=channels, **options)
    optimizers = recipe.optimizers()

    def update(optimizer: str, loss: Tensor) -> None:
        loss.backward()
        optimizers[optimizer].step()

    losses = recipe.step(default_batch(16, 3, channels), update)
    assert all(value.isfinite() for value in losses.values())
    domains = ["a", "b", "c"] if recipe.layout.multidomain else None
    write_model(tmp_path, recipe, recipe.networks, Origin(name, recipe.options, 1), domains, {"size": 16})
    translator = attn_i2i.load(tmp_path)
    picture = np.random.default_rng(0).random((16, 16, channels)).astype(np.float32)
    result = translator(picture, **({"domain": "b"} if domains else {}))
    assert result.image.shape == (channels, 16, 16)
    assert channels_of(translator.generator) == (channels, channels)
    config = json.loads((tmp_path / "config.json").read_text())
    assert channels in (config["config"].get("channels"), config["config"].get("in_channels"))
    assert recipe.options["channels"] == channels


def resized(tensor: Tensor, dim: int, size: int) -> Tensor:
    """The tensor with another number of channels: what it has, over and over."""
    return tensor.index_select(dim, torch.arange(size) % tensor.shape[dim]).contiguous()


def scheme2(state: dict[str, Tensor], channels: int) -> dict[str, Tensor]:
    masks = len(state["deconv3_attention.weight"])
    contents = {key: resized(state[key], 0, channels * (masks - 1)) for key in state if "deconv3_content" in key}
    return state | contents | {"conv1.weight": resized(state["conv1.weight"], 1, channels)}


def scheme1(state: dict[str, Tensor], channels: int) -> dict[str, Tensor]:
    last = max((int(key.split(".")[1]), key.rpartition(".")[0]) for key in state)[1]
    ends = {f"{last}.{part}": resized(state[f"{last}.{part}"], 0, channels + 1) for part in ("weight", "bias")}
    return state | ends | {"model.1.weight": resized(state["model.1.weight"], 1, channels)}


def tower(state: dict[str, Tensor], channels: int) -> dict[str, Tensor]:
    return state | {"conv_tower.0.weight": resized(state["conv_tower.0.weight"], 1, channels)}


def star(state: dict[str, Tensor], channels: int, masks: int = 0) -> dict[str, Tensor]:
    last = max((int(key.split(".")[1]), key) for key in state)[1]
    domains = state["main.0.weight"].shape[1] - 3
    ends = {last: resized(state[last], 0, channels + masks)}
    return state | ends | {"main.0.weight": resized(state["main.0.weight"], 1, channels + domains)}


def star_discriminator(state: dict[str, Tensor], channels: int) -> dict[str, Tensor]:
    return state | {"main.0.weight": resized(state["main.0.weight"], 1, channels)}


def ugatit(state: dict[str, Tensor], channels: int) -> dict[str, Tensor]:
    changed = {}
    for key, tensor in state.items():
        if key.endswith(("DownBlock.1.weight", "model.1.weight_orig")):
            changed[key] = resized(tensor, 1, channels)
        elif key.endswith("model.1.weight_v"):
            changed[key] = resized(tensor, 0, channels * 16)
        elif key.endswith("UpBlock2.11.weight"):
            changed[key] = resized(tensor, 0, channels)
    return state | changed


def tf_ugatit(state: dict[str, Tensor], channels: int) -> dict[str, Tensor]:
    changed = {}
    for key, tensor in state.items():
        if key.endswith(("/conv/conv2d/kernel", "al/conv_0/kernel")):
            changed[key] = resized(tensor, 2, channels)
        elif "G_logit/conv2d" in key:
            changed[key] = resized(tensor, tensor.dim() - 1, channels)
    return state | changed


def tf_aggan(state: dict[str, Tensor], channels: int) -> dict[str, Tensor]:
    changed = {}
    for key, tensor in state.items():
        if key.endswith("/c1/Conv/weights") and "/r" not in key:
            changed[key] = resized(tensor, 2, channels)
        elif "/c6/Conv/" in key and "_ae/" not in key:
            changed[key] = resized(tensor, tensor.dim() - 1, channels)
    return state | changed


Changed = Callable[[dict[str, Tensor], int], dict[str, Tensor]]
PUBLISHED: dict[str, tuple[str, Changed]] = {
    "attentiongan1": ("attentiongan_scheme1/netG_A2B.pth", scheme1),
    "attentiongan1 discriminator": ("attentiongan_scheme1/netD_B.pth", tower),
    "attentiongan2": ("attentiongan_scheme2/latest_net_G_A.pth", scheme2),
    "stargan discriminator": ("train_stargan/0-D.ckpt", star_discriminator),
    "ugatit": ("ugatit_light/selfie2anime_params_latest.pt", ugatit),
    "ugatit of TensorFlow": ("ugatit_tf_light/UGATIT.model-1000.index", tf_ugatit),
    "aggan": ("aggan_tf/AGGAN-99.index", tf_aggan),
}


@cache
def published(name: str) -> dict[str, Tensor]:
    """A published checkpoint of RGB."""
    state = read_checkpoint(CASES / PUBLISHED[name][0])
    return {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in state.items()}


def converted(state: dict[str, Tensor], layout: str | None = None) -> list[tuple[str, dict[str, Any], nn.Module]]:
    """Roles, options and networks of what a checkpoint holds."""
    networks = []
    for network in find_networks(state, "checkpoint.pth", zoo().converters, layout):
        config, renamed = network.converted()
        make = create if network.role == "generator" else create_discriminator
        networks.append((network.role, config, make(network.converter.load().architecture, **config)))
        check_fit(networks[-1][2], renamed, "here")
    return networks


@pytest.mark.parametrize("channels", COUNTS)
@pytest.mark.parametrize("name", PUBLISHED)
def test_conversion_reads_channels_off_the_shapes(name: str, channels: int) -> None:
    networks = converted(PUBLISHED[name][1](published(name), channels))
    assert networks
    for _, config, network in networks:
        assert channels_of(network) == (channels, channels)
        assert ("channels" in config or "in_channels" in config) == (channels != 3)  # RGB is what nobody mentions


STARS = {"image": ("train_stargan/0-G.ckpt", 0), "mask and image": ("attentiongan_multidomain/200000-G.ckpt", 1)}
ANY = {"image": "stargan-any-channels", "mask and image": "attentiongan1-multidomain-any-channels"}


@pytest.mark.parametrize("channels", COUNTS)
@pytest.mark.parametrize("makes", STARS)
def test_what_shapes_do_not_tell_apart_is_asked_for(makes: str, channels: int) -> None:
    file, masks = STARS[makes]
    outputs, state = channels + masks, star(read_star(file), channels, masks)
    if outputs not in (1, 3, 4):
        with pytest.raises(ConversionError, match=r"as_layout=attentiongan1-multi.* or as_layout=stargan-any"):
            converted(state)
    usual = outputs == 4 if masks else outputs in (1, 3)  # what such shapes are taken for where nobody says otherwise
    ((_, _, network),) = converted(state, None if usual else ANY[makes])
    assert channels_of(network) == (channels, channels)


@cache
def read_star(file: str) -> dict[str, Tensor]:
    return read_checkpoint(CASES / file)


class Grey(nn.Module):
    """A stranger's generator of any number of channels, which it may forget to advertise."""

    def __init__(self, channels: int = 3, told: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        if told:
            self.channels = channels

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(self.conv(image).tanh())


def test_a_strangers_generator_takes_channels_the_same_way() -> None:
    recipe = make_recipe("cyclegan", generator=Grey, channels=5, discriminator_width=2)
    assert channels_of(recipe.networks["G_A2B"]) == (5, 5)
    assert recipe.networks["D_A"].channels == recipe.options["channels"] == 5
    check_generator(Grey)
    with pytest.raises(ContractError, match=r"Built with channels=1, it advertises \(3, 3\)"):
        check_generator(partial(Grey, told=False))
    with pytest.raises(ConfigError, match="advertises no `channels`"):
        make_recipe("cyclegan", generator=partial(Grey, told=False), channels=5, discriminator_width=2)


def test_a_head_takes_channels_or_says_that_it_makes_rgb() -> None:
    def narrow(in_channels: int, stride: int) -> nn.Module:
        return SoftmaxHead(in_channels, stride, masks=2)

    check_head(partial(SoftmaxHead, masks=2))
    trunk = ResnetTrunk(2, 1, in_channels=5)
    assert make_head(SoftmaxHead, trunk, 5).image_channels == 5
    with pytest.raises(ConfigError, match="narrow makes RGB alone"):
        make_head(narrow, trunk, 5)
    with pytest.raises(ConfigError, match=r"5 channels were given, and head\.out_channels=4"):
        make_head(partial(SoftmaxHead, out_channels=4), trunk, 5)
    with pytest.raises(ConfigError, match="shows the source in its background"):
        TrunkAndHead(trunk, SoftmaxHead(8, masks=2))


def test_in_and_out_may_differ_where_no_background_shows_the_source() -> None:
    apart = {"in_channels": 1, "out_channels": 3, "width": 2, "blocks": 1}
    for name, more in (("cyclegan", {}), ("ugatit", {"light": True}), ("attentiongan2", {"background": False})):
        generator = create(name, **apart, **more)
        assert channels_of(generator) == (1, 3)
        assert generator(torch.zeros(1, 1, 16, 16)).image.shape == (1, 3, 16, 16)
    for name in ("attentiongan1", "attentiongan2", "aggan"):
        with pytest.raises(ConfigError, match="background"):
            create(name, **apart)


def test_channels_are_one_number_for_all_networks() -> None:
    assert (
        create("cyclegan", channels=2, width=2).channels == create("aggan", in_channels=2, width=2).channels == (2, 2)
    )
    assert ConcatMasked(PatchDiscriminator(6, 2)).channels == 5
    for options, message in (
        ({"channels": 0}, "channels=0"),
        ({"channels": "grey"}, "channels='grey'"),
        ({"channels": 2, "generator.in_channels": 1}, "give channels alone"),
        ({"discriminator.in_channels": 1}, "discriminator patchgan has channels=1.*channels=3"),
    ):
        with pytest.raises(ConfigError, match=message):
            make_recipe("cyclegan", width=2, **options)
