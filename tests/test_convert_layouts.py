"""Checkpoints in the layouts people have become models that answer what their networks answered."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from attn_i2i.convert import convert
from attn_i2i.models.config import read_config
from attn_i2i.models.directory import build_discriminators, build_generator
from attn_i2i.types import AttnI2IError, ConversionError
from tests.helpers.published import BGR, PyTorchGANUNet, UnitRange, patch, pixel, resnet, spread, unet

Renamed = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]


def by_rules(*rules: tuple[str, Any]) -> Renamed:
    """Keys of pytorch-CycleGAN-and-pix2pix under the names of another code base."""

    def rename(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        renamed = {}
        for key, tensor in state.items():
            pattern, new = next((p, n) for p, n in rules if re.fullmatch(p, key))
            renamed[re.sub(pattern, new, key)] = tensor
        return renamed

    return rename


def check(out: Path, direction: str, network: nn.Module, x: Tensor) -> None:
    generator = build_generator(out, read_config(out), direction).double()
    expected = network.double()(x.double())
    assert torch.allclose(generator(x.double()).image, expected, atol=1e-6)
    network.float()


def check_discriminator(out: Path, domain: str, network: nn.Module, x: Tensor) -> None:
    kept = build_discriminators(out, read_config(out))[domain].double()
    assert torch.allclose(kept(x.double())[0].logits, network.double()(x.double()), atol=1e-6)
    network.float()


def picture(channels: int = 3, size: int = 32) -> Tensor:
    return torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


GENERATORS: dict[str, tuple[Callable[[], nn.Module], dict[str, Any]]] = {
    "plain": (resnet, {}),
    "grey": (lambda: resnet(channels=(1, 1)), {"in_channels": 1, "out_channels": 1}),
    "RGBA to grey": (lambda: resnet(channels=(4, 1)), {"in_channels": 4, "out_channels": 1}),
    "batch norm": (lambda: resnet(norm="batch"), {"norm": "batch", "bias": False}),
    "batch norm, dropout": (
        lambda: resnet(norm="batch", dropout=True), {"norm": "batch", "bias": False, "dropout": 0.5}
    ),
    "dropout": (lambda: resnet(dropout=True), {"dropout": 0.5}),
    "no norm": (lambda: resnet(norm="none"), {"norm": "none", "bias": False}),
    "affine": (lambda: resnet(norm="affine", name="block"), {"norm": "instance_affine"}),
    "antialiased": (lambda: resnet(down="blur", up="blur"), {"down": "blur", "up": "blur"}),
    "antialiased down": (lambda: resnet(down="blur"), {"down": "blur"}),
    "antialiased up": (lambda: resnet(up="blur"), {"up": "blur"}),
    "nearest": (lambda: resnet(up="nearest", name="block"), {"up": "nearest"}),
    "nearest, grey": (
        lambda: resnet(up="nearest", name="block", channels=(1, 1), edge=1),
        {"up": "nearest", "in_channels": 1, "out_channels": 1, "edge": 1},
    ),
    "nearest, RGBA": (
        lambda: resnet(up="nearest", name="block", channels=(4, 4), edge=4),
        {"up": "nearest", "in_channels": 4, "out_channels": 4, "edge": 4},
    ),
}  # fmt: skip
UNETS: dict[str, tuple[Callable[[], nn.Module], dict[str, Any]]] = {
    "batch norm": (unet, {"levels": 5, "width": 2, "norm": "batch", "bias": False}),
    "instance norm": (
        lambda: unet(6, norm="instance"), {"levels": 6, "width": 2, "norm": "instance", "bias": True, "dropout": 0.0}
    ),
    "no norm": (lambda: unet(5, norm="none"), {"levels": 5, "width": 2, "norm": "none", "bias": False, "dropout": 0.0}),
    "grey to RGB": (
        lambda: unet(5, channels=(1, 3)), {"levels": 5, "width": 2, "norm": "batch", "bias": False, "in_channels": 1}
    ),
    "PyTorch-GAN": (PyTorchGANUNet, {"levels": 5, "width": 2, "norm": "instance", "style": "pytorch-gan"}),
}  # fmt: skip
DISCRIMINATORS: dict[str, tuple[Callable[[], nn.Module], dict[str, Any]]] = {
    "plain": (patch, {}),
    "2 layers": (lambda: patch(layers=2), {"layers": 2}),
    "4 layers": (lambda: patch(layers=4), {"layers": 4}),
    "5 layers that go on doubling": (lambda: patch(2, layers=5, widest=32), {"layers": 5, "width": 2, "widest": 32}),
    "batch norm": (lambda: patch(norm="batch"), {"norm": "batch", "bias": False}),
    "no norm": (lambda: patch(norm="none"), {"norm": "none", "bias": False}),
    "affine": (lambda: patch(norm="affine"), {"norm": "instance_affine"}),
    "pairs": (lambda: patch(channels=6), {"in_channels": 6}),
    "antialiased": (lambda: patch(blur=True), {"blur": True}),
    "shifted": (lambda: patch(layers=4, shifted=True), {"layers": 4, "shifted": True}),
    "pixel": (pixel, {}),
    "pixel, batch norm": (lambda: pixel(norm="batch", channels=1), {"norm": "batch", "bias": False, "in_channels": 1}),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_resnet_generator_answers_as_published(name: str, tmp_path: Path) -> None:
    make, options = GENERATORS[name]
    network = spread(make())
    torch.save(network.state_dict(), tmp_path / "latest_net_G.pth")
    done = convert(tmp_path / "latest_net_G.pth", tmp_path / "model")
    assert done.config.config == {"width": 3, "blocks": 2, **options}
    check(tmp_path / "model", "A2B", network, picture(options.get("in_channels", 3)))


@pytest.mark.parametrize("name", UNETS)
def test_a_u_net_answers_as_published(name: str, tmp_path: Path) -> None:
    make, options = UNETS[name]
    network = spread(make())
    torch.save(network.state_dict(), tmp_path / "latest_net_G.pth")
    assert convert(tmp_path / "latest_net_G.pth", tmp_path / "model").config.config == options
    check(tmp_path / "model", "A2B", network, picture(options.get("in_channels", 3), 64))


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_discriminator_answers_as_published(name: str, tmp_path: Path) -> None:
    make, options = DISCRIMINATORS[name]
    network = spread(make())
    torch.save({"netG": spread(resnet()).state_dict(), "netD": network.state_dict()}, tmp_path / "both.pth")
    kept = convert(tmp_path / "both.pth", tmp_path / "model").config.discriminators
    assert kept is not None
    assert kept.names == ["B"]
    usual = {"width": 3} if kept.architecture == "pixelgan" else {"width": 3, "layers": 3}
    assert kept.config == {**usual, **options}
    check_discriminator(tmp_path / "model", "B", network, picture(options.get("in_channels", 3), 128))


MM = by_rules(
    (r"model\.1\.(.*)", r"model.0.conv.\1"),
    (r"model\.4\.(.*)", r"model.1.conv.\1"),
    (r"model\.7\.(.*)", r"model.2.conv.\1"),
    (r"model\.10\.conv_block\.1\.(.*)", r"model.3.block.0.conv.\1"),
    (r"model\.10\.conv_block\.5\.(.*)", r"model.3.block.1.conv.\1"),
    (r"model\.11\.(.*)", r"model.4.conv.\1"),
    (r"model\.14\.(.*)", r"model.5.conv.\1"),
    (r"model\.18\.(.*)", r"model.6.conv.\1"),
)
MM_PATCH = by_rules(
    (r"model\.0\.(.*)", r"model.0.conv.\1"),
    (r"model\.2\.(.*)", r"model.1.conv.\1"),
    (r"model\.5\.(.*)", r"model.2.conv.\1"),
    (r"model\.8\.(.*)", r"model.3.conv.\1"),
    (r"model\.11\.(.*)", r"model.4.\1"),
)
ALADDIN = by_rules(
    (r"model\.1\.(.*)", r"initial.0.\1"),
    (r"model\.4\.(.*)", r"down_blocks.0.conv.0.\1"),
    (r"model\.7\.(.*)", r"down_blocks.1.conv.0.\1"),
    (r"model\.10\.conv_block\.1\.(.*)", r"res_blocks.0.block.0.conv.0.\1"),
    (r"model\.10\.conv_block\.5\.(.*)", r"res_blocks.0.block.1.conv.0.\1"),
    (r"model\.11\.(.*)", r"up_blocks.0.conv.0.\1"),
    (r"model\.14\.(.*)", r"up_blocks.1.conv.0.\1"),
    (r"model\.18\.(.*)", r"last.\1"),
)


def pair(**options: Any) -> tuple[nn.Module, nn.Module]:
    return spread(resnet(blocks=1, **options), 1), spread(resnet(blocks=1, **options), 2)


@pytest.mark.parametrize(
    ("file", "there"),
    [("cyclegan_horse2zebra.pth", "zebra"), ("cyclegan_zebra2horse.pth", "horse"), ("iter_800.pth", "zebra")],
)
def test_mmgeneration_names_networks_by_what_they_make_and_reads_bgr(file: str, there: str, tmp_path: Path) -> None:
    networks = dict(zip(("horse", "zebra"), pair(), strict=True))
    judge = spread(patch())
    state = {f"generators.{name}.{k}": t for name, net in networks.items() for k, t in MM(net.state_dict()).items()}
    state |= {f"discriminators.{there}.{k}": t for k, t in MM_PATCH(judge.state_dict()).items()}
    torch.save({"meta": {"epoch": 1}, "state_dict": state}, tmp_path / file)
    done = convert(tmp_path / file, tmp_path / "model")
    assert any("BGR" in text for text in done.config.provenance["assumed"])
    check(tmp_path / "model", "A2B", BGR(networks.pop(there)), picture())
    check(tmp_path / "model", "B2A", BGR(*networks.values()), picture())
    check_discriminator(tmp_path / "model", "B", BGR(judge), picture(size=64))
    done = convert(tmp_path / file, tmp_path / "rgb", as_layout="mmgen-rgb")
    check_discriminator(tmp_path / "rgb", "B", judge, picture(size=64))
    assert not any("BGR" in text for text in done.config.provenance["assumed"])


def test_upit_names_generators_by_what_they_make(tmp_path: Path) -> None:
    to_a, to_b = pair()
    judge = spread(patch())
    parts = {"G_A": to_a, "G_B": to_b, "D_A": judge}
    state = {f"{name}.{k.removeprefix('model.')}": t for name, n in parts.items() for k, t in n.state_dict().items()}
    torch.save({"model": state, "opt": {"state": [{"grad_avg": torch.ones(3)}]}}, tmp_path / "upit.pth")
    save_file(state, tmp_path / "model.safetensors")
    for file in ("upit.pth", "model.safetensors"):
        out = tmp_path / f"{file}-model"
        convert(tmp_path / file, out)
        check(out, "A2B", to_b, picture())
        check(out, "B2A", to_a, picture())
        check_discriminator(out, "A", judge, picture(size=64))


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
    check(tmp_path / "model", "A2B", to_zebra, picture())
    check(tmp_path / "model", "B2A", to_horse, picture())


def test_file_names_tell_networks_for_the_unit_range(tmp_path: Path) -> None:
    network = spread(resnet(last=nn.Sigmoid()))
    for name in ("net_gen_ba.pth", "mine.pth"):
        torch.save(network.state_dict(), tmp_path / name)
    done = convert(tmp_path / "net_gen_ba.pth", tmp_path / "named")
    assert any("[0, 1] and a sigmoid" in text for text in done.config.provenance["assumed"])
    check(tmp_path / "named", "B2A", UnitRange(network), picture())
    convert(tmp_path / "mine.pth", tmp_path / "asked", as_layout="uvcgan-resnet")
    check(tmp_path / "asked", "A2B", UnitRange(network), picture())
    done = convert(tmp_path / "mine.pth", tmp_path / "usual")
    assert any("RGB in [-1, 1]" in text for text in done.config.provenance["assumed"])
    with pytest.raises(ConversionError, match=r"No layout is called 'uvcgan': known are .*uvcgan-resnet"):
        convert(tmp_path / "mine.pth", tmp_path / "none", as_layout="uvcgan")


@pytest.mark.parametrize(("layout", "padding"), [("zero", nn.ZeroPad2d), ("replicate", nn.ReplicationPad2d)])
def test_a_padding_that_no_key_tells_is_a_layout(layout: str, padding: type[nn.Module], tmp_path: Path) -> None:
    network = spread(resnet(padding=padding))
    torch.save(network.state_dict(), tmp_path / "netG_A2B.pth")
    convert(tmp_path / "netG_A2B.pth", tmp_path / "model", as_layout=f"cyclegan-{layout}-padding")
    check(tmp_path / "model", "A2B", network, picture())


@pytest.mark.parametrize("make", [lambda: resnet(norm="batch"), unet])
def test_batch_norms_can_keep_each_pictures_own_statistics(make: Callable[[], nn.Module], tmp_path: Path) -> None:
    network = spread(make())
    torch.save(network.state_dict(), tmp_path / "latest_net_G.pth")
    convert(tmp_path / "latest_net_G.pth", tmp_path / "model", as_layout="own-statistics")
    check(tmp_path / "model", "A2B", network.train(), picture(size=64)[:1])


@pytest.mark.parametrize("names", [("generator", "generator_ema"), ("gen_AB", "ema_gen_AB"), ("G", "G_avg")])
def test_averaged_weights_are_taken_and_said_and_raw_ones_on_request(names: tuple[str, str], tmp_path: Path) -> None:
    raw, averaged = pair()
    state = dict(zip(names, (raw.state_dict(), averaged.state_dict()), strict=True))
    torch.save({**state, "step": 5}, tmp_path / "checkpoint.pt")
    for weights, network in ((None, averaged), ("ema", averaged), ("raw", raw)):
        done = convert(tmp_path / "checkpoint.pt", tmp_path / f"{weights}", weights=weights)  # type: ignore[arg-type]
        check(tmp_path / f"{weights}", "A2B", network, picture())
        assert done.config.provenance["weights"] == {"A2B": weights or "ema"}
    assert "weights of A2B: raw" in done.summary()
    torch.save(raw.state_dict(), tmp_path / "netG_A2B.pth")
    with pytest.raises(ConversionError, match="there are only raw weights"):
        convert(tmp_path / "netG_A2B.pth", tmp_path / "none", weights="ema")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_widened(dtype: torch.dtype, tmp_path: Path) -> None:
    network = spread(resnet()).to(dtype)
    torch.save(network.state_dict(), tmp_path / "netG_A2B.pth")
    convert(tmp_path / "netG_A2B.pth", tmp_path / "model")
    check(tmp_path / "model", "A2B", network, picture())


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
    check(tmp_path / "model", "A2B", there, picture())
    (tmp_path / "trained.pdparams").write_bytes(pickle.dumps({"netG_A": paddle(there, 2.0)}, 4))
    assert convert(tmp_path / "trained.pdparams", tmp_path / "trained").config.config["norm"] == "instance_affine"


def test_domains_of_different_channels_have_options_of_their_own(tmp_path: Path) -> None:
    parts = {
        "latest_net_G_A": spread(resnet(channels=(1, 3))),
        "latest_net_G_B": spread(resnet(channels=(3, 1))),
        "latest_net_D_A": spread(patch(channels=3)),
        "latest_net_D_B": spread(patch(channels=1)),
    }
    for name, network in parts.items():
        torch.save(network.state_dict(), tmp_path / f"{name}.pth")
    convert([tmp_path / f"{name}.pth" for name in parts], tmp_path / "model")
    config = read_config(tmp_path / "model")
    assert config.own == {"A2B": {"in_channels": 1}, "B2A": {"out_channels": 1}}
    check(tmp_path / "model", "A2B", parts["latest_net_G_A"], picture(1))
    check(tmp_path / "model", "B2A", parts["latest_net_G_B"], picture(3))
    check_discriminator(tmp_path / "model", "A", parts["latest_net_D_B"], picture(1, 64))


def test_what_only_a_training_needs_is_left_out_by_name(tmp_path: Path) -> None:
    network = spread(resnet())
    torch.save(network.state_dict(), tmp_path / "latest_net_G.pth")
    torch.save({f"mlp_{i}.{j}.weight": torch.ones(2, 2) for i in (0, 1) for j in (0, 2)}, tmp_path / "latest_net_F.pth")
    torch.save({"conv.weight": torch.ones(2, 2, 3, 3)}, tmp_path / "latest_net_D.pth")
    torch.save({"state": {0: {"exp_avg": torch.ones(3)}}}, tmp_path / "optimizer.pth")
    files = [*(tmp_path / f"latest_net_{letter}.pth" for letter in "GFD"), tmp_path / "optimizer.pth"]
    done = convert(files, tmp_path / "model")
    left_out = read_config(tmp_path / "model").provenance["left_out"]
    assert left_out == {
        "latest_net_F.pth": "the projection heads of a contrastive loss",
        "latest_net_D.pth": "a discriminator of an unknown layout",
        "optimizer.pth": "the state of a training",
    }
    assert "left out: latest_net_F.pth" in done.summary()


def test_anything_else_beside_a_network_is_left_out_only_on_request(tmp_path: Path) -> None:
    parts = {"netG_A": spread(resnet()).state_dict(), "segmenter": {"conv.weight": torch.ones(2, 2)}}
    torch.save(parts, tmp_path / "both.pth")
    with pytest.raises(ConversionError, match=r"no layout covers 1 of its tensors .*leave_out=\['segmenter'\]"):
        convert(tmp_path / "both.pth", tmp_path / "model")
    done = convert(tmp_path / "both.pth", tmp_path / "model", leave_out=["segmenter"])
    assert done.config.provenance["left_out"] == {"both.pth:segmenter": "as asked for"}
    with pytest.raises(ConversionError, match="Nothing is called 'segmentor'"):
        convert(tmp_path / "both.pth", tmp_path / "other", leave_out=["segmentor", "segmenter"])


def with_kernel(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: tensor * 1.5 if key.endswith("filt") else tensor for key, tensor in state.items()}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            lambda: {"net.modnet.conv.downsample.weight": torch.ones(4, 4, 2, 2)},
            r"This is uvcgan2: install attn-i2i-uvcg",
        ),
        (lambda: with_kernel(resnet(down="blur").state_dict()), r"blur kernel 'model\.7\.filt' is another"),
        (
            lambda: {**resnet().state_dict(), "model.10.attention.weight": torch.ones(3, 3)},
            r"cyclegan \(generator, width 3, blocks 2\), but no rule covers its key 'model\.10\.attention\.weight'",
        ),
        (
            lambda: {key.replace("model.7", "model.8"): t for key, t in resnet(norm="batch").state_dict().items()},
            r"most like a cyclegan generator \(.*norm=batch.*\), but the shapes differ: .*7x7 from 3 to 3 channels",
        ),
        (
            lambda: {
                "conv1.weight": torch.ones(2, 3, 7, 7),
                "deconv3_attention.weight": torch.ones(0, 2, 1, 1),
                "deconv3_content.weight": torch.ones(3, 2, 7, 7),
            },
            "no known layout has these 3 tensors",
        ),
        (
            lambda: {"model.1.weight": torch.ones(4, 2, 5, 5), "x": torch.ones(3)},
            "1 convolutions, the first 5x5 from 2",
        ),
    ],
)
def test_a_refusal_says_what_was_recognised_and_what_differs(
    state: Callable[[], dict[str, Tensor]], message: str, tmp_path: Path
) -> None:
    torch.save(state(), tmp_path / "netG_A.pth")
    with pytest.raises(AttnI2IError, match=message) as caught:
        convert(tmp_path / "netG_A.pth", tmp_path / "model")
    assert "\n" not in str(caught.value)


def with_norms(make: Callable[[int], nn.Module]) -> nn.Module:
    """A small generator with other norms, whose numbers are well spread."""
    network = resnet(width=2, blocks=1)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.InstanceNorm2d):
                setattr(parent, name, make(child.num_features))
    spread(network)
    for name, buffer in network.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5)
    return network.eval()


def test_stored_statistics_without_parameters_are_told_and_can_be_taken(tmp_path: Path) -> None:
    network = with_norms(lambda channels: nn.InstanceNorm2d(channels, track_running_stats=True))
    torch.save(network.state_dict(), tmp_path / "G.pth")
    done = convert(tmp_path / "G.pth", tmp_path / "own")
    assert "although the file stores running ones (else: as_layout=stored-statistics)" in done.summary()
    convert(tmp_path / "G.pth", tmp_path / "stored", as_layout="stored-statistics")
    check(tmp_path / "stored", "A2B", network, picture())


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (lambda: with_norms(lambda channels: nn.GroupNorm(channels, channels)), "group norms would have the same keys"),
        (lambda: spread(resnet(up="nearest", blocks=1, width=2)), "nearest upsampling, as PyTorch-GAN has it"),
        (
            lambda: spread(resnet(up="nearest", name="block", blocks=1, width=2, channels=(1, 1), edge=1)),
            "padded by as many pixels as there are channels",
        ),
    ],
)
def test_what_no_key_tells_is_told(network: Callable[[], nn.Module], told: str, tmp_path: Path) -> None:
    made = network()
    torch.save(made.state_dict(), tmp_path / "G.pth")
    assert told in convert(tmp_path / "G.pth", tmp_path / "out").summary()
    check(tmp_path / "out", "A2B", made, picture(next(made.parameters()).shape[1]))


def test_the_unit_range_is_folded_into_a_batch_norm_or_refused(tmp_path: Path) -> None:
    network = spread(resnet(norm="batch", blocks=1, width=2, last=nn.Sigmoid())).eval()
    torch.save(network.state_dict(), tmp_path / "net_gen_ab.pth")
    convert(tmp_path / "net_gen_ab.pth", tmp_path / "out")
    check(tmp_path / "out", "A2B", UnitRange(network), picture())
    torch.save(spread(resnet(norm="none", blocks=1, width=2)).state_dict(), tmp_path / "net_gen_ab.pth")
    with pytest.raises(ConversionError, match="neither a bias nor a batch norm that could take up the shift"):
        convert(tmp_path / "net_gen_ab.pth", tmp_path / "none")


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda raw, ema: {
            **{f"online_model.{k}": t for k, t in raw.items()},
            **{f"ema_model.{k}": t for k, t in ema.items()},
            "initted": torch.tensor(True),
            "step": torch.tensor(3),
        },
        lambda raw, ema: {"model": raw, "ema_shadow": ema},
        lambda raw, ema: {"params": raw, "params_ema": ema},
        lambda raw, ema: {"n_averaged": torch.tensor(9), **{f"module.{k}": t for k, t in ema.items()}},
    ],
    ids=["ema_pytorch", "shadow", "basicsr", "swa"],
)
def test_averages_of_other_packages_are_taken(wrapped: Callable[..., object], tmp_path: Path) -> None:
    raw, ema = (spread(resnet(blocks=1, width=2), seed) for seed in (1, 2))
    torch.save(wrapped(raw.state_dict(), ema.state_dict()), tmp_path / "G.pth")
    convert(tmp_path / "G.pth", tmp_path / "out")
    check(tmp_path / "out", "A2B", ema, picture())


def sharded(folder: Path, state: Mapping[str, Tensor]) -> Path:
    """Two shards and their index, as the Hub's libraries write them."""
    folder.mkdir()
    names = {key: f"model-0000{1 + place % 2}-of-00002.safetensors" for place, key in enumerate(state)}
    for file in set(names.values()):
        save_file({key: state[key] for key, name in names.items() if name == file}, folder / file)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": names}))
    return index


def test_shards_are_one_checkpoint(tmp_path: Path) -> None:
    network = spread(resnet(blocks=1, width=2))
    index = sharded(tmp_path / "in", network.state_dict())
    for source in (index, index.parent):
        out = tmp_path / f"out-{source.name}"
        convert(source, out)
        check(out, "A2B", network, picture())
    with pytest.raises(AttnI2IError, match=r"is one of 2 shards of model.safetensors; give all of them"):
        convert(index.parent / "model-00001-of-00002.safetensors", tmp_path / "x")
    (index.parent / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(AttnI2IError, match="which is not beside it"):
        convert(index, tmp_path / "x")
    for wrong in ("{", '{"weight_map": {"a": "../x-00001-of-00001.bin"}}', '{"weight_map": {}}'):
        index.write_text(wrong)
        with pytest.raises(AttnI2IError, match=r"shards"):
            convert(index, tmp_path / "x")


def test_a_training_folder_gives_its_weights(tmp_path: Path) -> None:
    """As accelerate writes it."""
    network = spread(resnet(blocks=1, width=2))
    folder = tmp_path / "checkpoint_7"
    folder.mkdir()
    save_file(network.state_dict(), folder / "model.safetensors")
    torch.save({"param_groups": []}, folder / "optimizer.bin")
    torch.save({"last_epoch": 1}, folder / "scheduler.bin")
    (folder / "random_states_0.pkl").write_bytes(pickle.dumps({"step": 1}))
    convert(folder, tmp_path / "out")
    check(tmp_path / "out", "A2B", network, picture())
