"""Generator and discriminator keep the contract, and published files convert."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from attn_i2i.convert import convert
from attn_i2i.models.config import read_config
from attn_i2i.models.directory import build_discriminators, build_generator
from attn_i2i.plugins import manager
from attn_i2i.testing import check_discriminator, check_generator, check_plugin
from attn_i2i.types import ConfigError, ShapeError
from torch import Tensor, nn

from attn_i2i_uvcgan2.converters import BLOCK, INNER, NET, UPS
from attn_i2i_uvcgan2.discriminator import BatchHeadDiscriminator
from attn_i2i_uvcgan2.generator import UVCGAN2
from attn_i2i_uvcgan2.modulation import ModulatedConv2d

SMALL = {
    "widths": [4, 6], "image_size": 16, "features": 6, "heads": 2, "blocks": 2, "hidden": 8, "embedding": 4, "tokens": 2
}  # fmt: skip


def small() -> UVCGAN2:
    """A small network whose gates are open."""
    network = UVCGAN2(**SMALL).eval()
    for name, tensor in network.named_parameters():
        if name.endswith("gate"):
            nn.init.uniform_(tensor, 0.2, 0.8)
    return network


def published(network: UVCGAN2) -> dict[str, Tensor]:
    """The state of a network under the published names."""
    top = len(network.down) - 1
    inner = NET + INNER * (top + 1)
    direct = (
        (r"enter\.", "net.layer_input.0."),
        (r"image\.", "net.layer_output."),
        (r"bottleneck\.tokens", f"{inner}extra_tokens"),
        (r"bottleneck\.([xy])$", rf"{inner}trans_input.\1_const"),
        (r"bottleneck\.place\.", f"{inner}trans_input.embed.projector."),
        (r"bottleneck\.enter\.", f"{inner}trans_input.output."),
        (r"bottleneck\.leave\.", f"{inner}trans_output."),
        (r"bottleneck\.blocks\.(\d)\.gate", rf"{inner}encoder.encoder.\1.re_alpha"),
        *(
            (rf"bottleneck\.blocks\.(\d)\.{re.escape(ours)}\.?", _entry(inner, theirs))
            for theirs, ours in BLOCK.items()
        ),
        *((rf"down\.{i}\.first\.", f"{NET}{INNER * i}conv.block.block.1.") for i in range(top + 1)),
        *((rf"down\.{i}\.second\.", f"{NET}{INNER * i}conv.block.block.4.") for i in range(top + 1)),
        *((rf"down\.{i}\.halve\.", f"{NET}{INNER * i}conv.downsample.") for i in range(top + 1)),
        *(
            (rf"up\.{top - i}\.{half}\.gate", f"{NET}{INNER * i}deconv.block.style_block{number}.re_alpha")
            for i in range(top + 1)
            for number, half in ((1, "first"), (2, "second"))
        ),
        *(
            (rf"up\.{top - i}\.{re.escape(ours)}\.", f"{NET}{INNER * i}deconv.{theirs}.")
            for i in range(top + 1)
            for theirs, ours in UPS.items()
        ),
    )
    state = {}
    for key, tensor in network.state_dict().items():
        pattern, new = next(rule for rule in direct if re.match(rule[0], key))
        state[re.sub(pattern, new, key, count=1)] = tensor
    return state


def _entry(inner: str, theirs: str) -> str:
    dot = "" if theirs.endswith("_") else "."
    return rf"{inner}encoder.encoder.\1.{theirs}{dot}"


def published_discriminator(network: BatchHeadDiscriminator) -> dict[str, Tensor]:
    names = {"weight": "parametrizations.weight.original", "bias": "bias"}
    names |= {"spectral.u": "parametrizations.weight.0._u", "spectral.v": "parametrizations.weight.0._v"}
    state = {}
    for key, tensor in network.state_dict().items():
        if match := re.fullmatch(r"body\.(\d)\.(.*)", key):
            place = max(0, 3 * int(match[1]) - 1)
            state[f"_body.model.{place}.{names[match[2]]}"] = tensor
        else:
            new = re.sub(
                r"^hidden", "_head.net.0", re.sub(r"^logits", "_head.net.2", re.sub(r"^norm", "_head.norm", key))
            )
            state[new] = tensor
    return state


def test_the_parts_keep_the_contract() -> None:
    check_generator(lambda: UVCGAN2(**SMALL))
    check_discriminator(lambda: BatchHeadDiscriminator(width=4))


def test_every_registered_part_keeps_the_contract() -> None:
    options = {**SMALL, "width": 4}
    assert not [part for part in check_plugin(manager(), "uvcgan2", options) if part.problem]


def test_published_files_become_one_model_with_the_averaged_weights(tmp_path: Path) -> None:
    files: dict[str, nn.Module] = {f"net{kind}_gen_{way}": small() for way in ("ab", "ba") for kind in ("", "_avg")}
    judge = BatchHeadDiscriminator(width=4).eval()
    for name, network in files.items():
        assert isinstance(network, UVCGAN2)
        torch.save(published(network), tmp_path / f"{name}.pth")
    torch.save(published_discriminator(judge), tmp_path / "net_disc_b.pth")
    done = convert(sorted(tmp_path.glob("*.pth")), tmp_path / "model", options={"heads": 2})
    assert (done.config.directions, done.config.config) == (["A2B", "B2A"], SMALL)
    assert done.config.provenance["weights"] == {"A2B": "ema", "B2A": "ema"}
    image = torch.rand(1, 3, 16, 16) * 2 - 1
    config = read_config(tmp_path / "model")
    for direction, way in (("A2B", "ab"), ("B2A", "ba")):
        generator = build_generator(tmp_path / "model", config, direction)
        assert torch.equal(generator(image).image, files[f"net_avg_gen_{way}"](image).image)
    kept = build_discriminators(tmp_path / "model", config)["B"]
    larger = torch.rand(1, 3, 32, 32)
    assert torch.equal(kept(larger)[0].logits, judge(larger)[0].logits)


def test_the_number_of_heads_is_said_to_be_assumed(tmp_path: Path) -> None:
    torch.save(published(small()), tmp_path / "net_gen_ab.pth")
    done = convert(tmp_path / "net_gen_ab.pth", tmp_path / "model")
    assert done.config.config["heads"] == 6
    assert any("6 heads" in text for text in done.config.provenance["assumed"])


def test_a_modulated_convolution_normalises_what_it_scaled() -> None:
    layer, x, style = ModulatedConv2d(3, 5, 4, gate=False), torch.randn(1, 3, 6, 6), torch.randn(1, 4)
    scaled = layer.conv.weight * (1 + layer.scale(style))[0, :, None, None]
    expected = torch.nn.functional.conv2d(x, scaled, layer.conv.bias, padding=1)
    expected = expected / (scaled.square().sum((1, 2, 3)) + 1e-6).sqrt()[:, None, None]
    assert torch.allclose(layer(x, style), expected, atol=1e-5)


def test_what_cannot_be_built_or_taken_is_said() -> None:
    with pytest.raises(ConfigError, match="multiple of 4 for 2 widths"):
        UVCGAN2(**{**SMALL, "image_size": 18})
    with pytest.raises(ConfigError, match="no multiple of heads=4"):
        UVCGAN2(**{**SMALL, "heads": 4})
    with pytest.raises(ShapeError, match="takes 16x16"):
        small()(torch.zeros(1, 3, 32, 32))
