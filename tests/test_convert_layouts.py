"""Checkpoints in the layouts people have become models that answer what their networks answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attn_i2i.convert import convert
from attn_i2i.models.config import read_config
from attn_i2i.types import AttnI2IError, ConversionError
from tests.helpers.layouts import assert_answers, assert_discriminator_answers, picture
from tests.helpers.published import PyTorchGANUNet, UnitRange, patch, pixel, resnet, spread, unet

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
    assert_answers(tmp_path / "model", "A2B", network, picture(options.get("in_channels", 3)))


@pytest.mark.parametrize("name", UNETS)
def test_a_u_net_answers_as_published(name: str, tmp_path: Path) -> None:
    make, options = UNETS[name]
    network = spread(make())
    torch.save(network.state_dict(), tmp_path / "latest_net_G.pth")
    assert convert(tmp_path / "latest_net_G.pth", tmp_path / "model").config.config == options
    assert_answers(tmp_path / "model", "A2B", network, picture(options.get("in_channels", 3), 64))


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
    assert_discriminator_answers(tmp_path / "model", "B", network, picture(options.get("in_channels", 3), 128))


def test_file_names_tell_networks_for_the_unit_range(tmp_path: Path) -> None:
    network = spread(resnet(last=nn.Sigmoid()))
    for name in ("net_gen_ba.pth", "mine.pth"):
        torch.save(network.state_dict(), tmp_path / name)
    done = convert(tmp_path / "net_gen_ba.pth", tmp_path / "named")
    assert any("[0, 1] and a sigmoid" in text for text in done.config.provenance["assumed"])
    assert_answers(tmp_path / "named", "B2A", UnitRange(network), picture())
    convert(tmp_path / "mine.pth", tmp_path / "asked", as_layout="uvcgan-resnet")
    assert_answers(tmp_path / "asked", "A2B", UnitRange(network), picture())
    done = convert(tmp_path / "mine.pth", tmp_path / "usual")
    assert any("RGB in [-1, 1]" in text for text in done.config.provenance["assumed"])
    with pytest.raises(ConversionError, match=r"No layout is called 'uvcgan': known are .*uvcgan-resnet"):
        convert(tmp_path / "mine.pth", tmp_path / "none", as_layout="uvcgan")


@pytest.mark.parametrize(("layout", "padding"), [("zero", nn.ZeroPad2d), ("replicate", nn.ReplicationPad2d)])
def test_a_padding_that_no_key_tells_is_a_layout(layout: str, padding: type[nn.Module], tmp_path: Path) -> None:
    network = spread(resnet(padding=padding))
    torch.save(network.state_dict(), tmp_path / "netG_A2B.pth")
    convert(tmp_path / "netG_A2B.pth", tmp_path / "model", as_layout=f"cyclegan-{layout}-padding")
    assert_answers(tmp_path / "model", "A2B", network, picture())


@pytest.mark.parametrize("make", [lambda: resnet(norm="batch"), unet])
def test_batch_norms_can_keep_each_pictures_own_statistics(make: Callable[[], nn.Module], tmp_path: Path) -> None:
    network = spread(make())
    torch.save(network.state_dict(), tmp_path / "latest_net_G.pth")
    convert(tmp_path / "latest_net_G.pth", tmp_path / "model", as_layout="own-statistics")
    assert_answers(tmp_path / "model", "A2B", network.train(), picture(size=64)[:1])


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
    assert_answers(tmp_path / "model", "A2B", parts["latest_net_G_A"], picture(1))
    assert_answers(tmp_path / "model", "B2A", parts["latest_net_G_B"], picture(3))
    assert_discriminator_answers(tmp_path / "model", "A", parts["latest_net_D_B"], picture(1, 64))


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
            r"most like the generator of cyclegan \(.*norm=batch.*\), but the shapes differ: .*7x7 from 3 to 3",
        ),
        (
            lambda: {key.replace("model.13", "model.14"): t for key, t in resnet(up="nearest").state_dict().items()},
            r"generator of cyclegan \(width=3, blocks=2, up=nearest\), but that has no 'model\.14\.weight'",
        ),
        (
            lambda: {key.replace("weight", "weight_orig"): t for key, t in resnet().state_dict().items()},
            r"under spectral norm: save them without it \(remove_spectral_norm\)",
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
            "1 convolution, the first 5x5 from 2",
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


def with_norms(make: Callable[[int], nn.Module], network: nn.Module | None = None) -> nn.Module:
    """A small generator with other norms, whose numbers are well spread."""
    network = network or resnet(width=2, blocks=1)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.InstanceNorm2d):
                setattr(parent, name, make(child.num_features))
    spread(network)
    for name, buffer in network.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize("make", [lambda: resnet(width=2, blocks=1), lambda: unet(norm="instance")])
def test_stored_statistics_without_parameters_are_told_and_can_be_taken(
    make: Callable[[], nn.Module], tmp_path: Path
) -> None:
    network = with_norms(lambda channels: nn.InstanceNorm2d(channels, track_running_stats=True), make())
    torch.save(network.state_dict(), tmp_path / "G.pth")
    done = convert(tmp_path / "G.pth", tmp_path / "own")
    assert "although the file stores running ones (else: as_layout=stored-statistics)" in done.summary()
    convert(tmp_path / "G.pth", tmp_path / "stored", as_layout="stored-statistics")
    assert_answers(tmp_path / "stored", "A2B", network, picture(size=64))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (resnet, "(else: as_layout=cyclegan-no-norm)"), (lambda: resnet(norm="none"), ""),
        (lambda: unet(norm="instance"), "none at all would have the same keys"), (lambda: unet(norm="none"), ""),
    ],
)  # fmt: skip
def test_norms_that_leave_no_keys_are_an_assumption(make: Callable[[], nn.Module], told: str, tmp_path: Path) -> None:
    torch.save(spread(make()).state_dict(), tmp_path / "G.pth")
    summary = convert(tmp_path / "G.pth", tmp_path / "model").summary()
    assert ("instance norms" in summary) is bool(told)
    assert told in summary
    assert "RGB in [-1, 1]" in summary


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
    assert_answers(tmp_path / "out", "A2B", made, picture(next(made.parameters()).shape[1]))


def test_the_unit_range_is_folded_into_a_batch_norm_or_refused(tmp_path: Path) -> None:
    network = spread(resnet(norm="batch", blocks=1, width=2, last=nn.Sigmoid())).eval()
    torch.save(network.state_dict(), tmp_path / "net_gen_ab.pth")
    convert(tmp_path / "net_gen_ab.pth", tmp_path / "out")
    assert_answers(tmp_path / "out", "A2B", UnitRange(network), picture())
    torch.save(spread(resnet(norm="none", blocks=1, width=2)).state_dict(), tmp_path / "net_gen_ab.pth")
    with pytest.raises(ConversionError, match="neither a bias nor a batch norm that could take up the shift"):
        convert(tmp_path / "net_gen_ab.pth", tmp_path / "none")
