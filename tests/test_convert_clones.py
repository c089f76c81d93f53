"""Code bases that grew from pytorch-CycleGAN-and-pix2pix name its networks their own way."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from attn_i2i.convert import convert
from attn_i2i.types import ConversionError
from tests.helpers.clones import MM, MM_PATCH, resnet_as
from tests.helpers.layouts import assert_answers, assert_discriminator_answers, pair, picture
from tests.helpers.published import BGR, patch, spread

ALADDIN = resnet_as(
    *("initial.0", "down_blocks.0.conv.0", "down_blocks.1.conv.0"),
    *("res_blocks.0.block.0.conv.0", "res_blocks.0.block.1.conv.0"),
    *("up_blocks.0.conv.0", "up_blocks.1.conv.0", "last"),
)


@pytest.mark.parametrize(
    ("file", "there"),
    [("cyclegan_horse2zebra.pth", "zebra"), ("cyclegan_zebra2horse.pth", "horse"), ("iter_800.pth", "zebra")],
)
def test_mmgeneration_names_networks_by_what_they_make_and_reads_bgr(file: str, there: str, tmp_path: Path) -> None:
    networks = dict(zip(("horse", "zebra"), pair(), strict=True))
    discriminator = spread(patch())
    state = {f"generators.{name}.{k}": t for name, net in networks.items() for k, t in MM(net.state_dict()).items()}
    state |= {f"discriminators.{there}.{k}": t for k, t in MM_PATCH(discriminator.state_dict()).items()}
    torch.save({"meta": {"epoch": 1}, "state_dict": state}, tmp_path / file)
    done = convert(tmp_path / file, tmp_path / "model")
    assert any("BGR" in text for text in done.config.provenance["assumed"])
    assert_answers(tmp_path / "model", "A2B", BGR(networks.pop(there)), picture())
    assert_answers(tmp_path / "model", "B2A", BGR(*networks.values()), picture())
    assert_discriminator_answers(tmp_path / "model", "B", BGR(discriminator), picture(size=64))
    done = convert(tmp_path / file, tmp_path / "rgb", as_layout="mmgen-rgb")
    assert_discriminator_answers(tmp_path / "rgb", "B", discriminator, picture(size=64))
    assert not any("BGR" in text for text in done.config.provenance["assumed"])


def test_upit_names_generators_by_what_they_make(tmp_path: Path) -> None:
    to_a, to_b = pair()
    discriminator = spread(patch())
    parts = {"G_A": to_a, "G_B": to_b, "D_A": discriminator}
    state = {f"{name}.{k.removeprefix('model.')}": t for name, n in parts.items() for k, t in n.state_dict().items()}
    torch.save({"model": state, "opt": {"state": [{"grad_avg": torch.ones(3)}]}}, tmp_path / "upit.pth")
    save_file(state, tmp_path / "model.safetensors")
    for file in ("upit.pth", "model.safetensors"):
        out = tmp_path / f"{file}-model"
        convert(tmp_path / file, out)
        assert_answers(out, "A2B", to_b, picture())
        assert_answers(out, "B2A", to_a, picture())
        assert_discriminator_answers(out, "A", discriminator, picture(size=64))


def test_names_of_two_code_bases_at_once_are_asked_about(tmp_path: Path) -> None:
    """A bare sequence is UPIT's, where G_A makes A; in files called netG_A it is somebody's who starts from A."""
    parts = {"net_G_A": pair()[0], "net_G_B": pair()[1], "net_D_A": spread(patch())}
    for name, network in parts.items():
        torch.save({k.removeprefix("model."): t for k, t in network.state_dict().items()}, tmp_path / f"{name}.pth")
    files = [tmp_path / f"{name}.pth" for name in parts]
    with pytest.raises(ConversionError, match="Which way net_G_A and net_G_B translate is unclear"):
        convert(files, tmp_path / "model")
    for way, domain in (("A2B", "B"), ("B2A", "A")):
        out = tmp_path / way
        convert([files[0], files[2]], out, direction={"net_G_A": way})
        assert_answers(out, way, parts["net_G_A"], picture())
        assert_discriminator_answers(out, domain, parts["net_D_A"], picture(size=64))


class Reflecting(nn.Module):
    """aladdinpersson's generator: also the strided convolutions pad by reflection."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.model = network.model
        for layer in self.model:
            if isinstance(layer, nn.Conv2d) and layer.stride == (2, 2):
                layer.padding_mode = "reflect"
                layer._reversed_padding_repeated_twice = [1, 1, 1, 1]

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


def test_aladdinpersson_pads_by_reflection_everywhere(tmp_path: Path) -> None:
    to_horse, to_zebra = (Reflecting(network) for network in pair())
    files = {"genh.pth.tar": to_horse, "genz.pth.tar": to_zebra}
    for name, network in files.items():
        torch.save({"state_dict": ALADDIN(network.state_dict()), "optimizer": {"state": {}}}, tmp_path / name)
    convert([tmp_path / name for name in files], tmp_path / "model")
    assert_answers(tmp_path / "model", "A2B", to_zebra, picture())
    assert_answers(tmp_path / "model", "B2A", to_horse, picture())


def paddle(network: nn.Module, scale: float) -> dict[str, Any]:
    """As PaddleGAN saves: numpy arrays, instance norms with frozen parameters."""
    state = {key: tensor.numpy() for key, tensor in network.state_dict().items()}
    for key, tensor in network.state_dict().items():
        place = re.fullmatch(r"(model\.(?:\d+\.conv_block\.)?)(\d+)\.bias", key)
        if place and not key.startswith("model.18."):
            norm = f"{place[1]}{int(place[2]) + 1}"
            state |= {f"{norm}.scale": torch.full_like(tensor, scale).numpy(), f"{norm}.bias": tensor.numpy() * 0}
    return state


def test_paddlegan_pickles_arrays_and_freezes_its_norms(tmp_path: Path) -> None:
    there, back = pair()
    parts = {"netG_A": paddle(there, 1), "netG_B": paddle(back, 1), "StructuredToParameterName@@": {"a": "b"}}
    (tmp_path / "epoch_2.pdparams").write_bytes(pickle.dumps({**parts, "epoch": 2}, 4))
    done = convert(tmp_path / "epoch_2.pdparams", tmp_path / "model")
    assert done.config.config == {"width": 3, "blocks": 1}
    assert_answers(tmp_path / "model", "A2B", there, picture())
    (tmp_path / "trained.pdparams").write_bytes(pickle.dumps({"netG_A": paddle(there, 2.0)}, 4))
    assert convert(tmp_path / "trained.pdparams", tmp_path / "trained").config.config["norm"] == "instance_affine"


def test_a_wish_for_the_generators_leaves_discriminators_to_the_usual_layouts(tmp_path: Path) -> None:
    to_a, to_b = pair()
    discriminator = spread(patch())
    parts = {"netG_A2B": to_b, "netG_B2A": to_a, "netD_B": discriminator}
    torch.save({name: network.state_dict() for name, network in parts.items()}, tmp_path / "all.pth")
    convert(tmp_path / "all.pth", tmp_path / "model", as_layout="cyclegan-zero-padding")
    assert_discriminator_answers(tmp_path / "model", "B", discriminator, picture(size=64))
