"""MUNIT keeps attn_i2i's contract, answers as published from published files, and takes an attention head."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import attn_i2i
import pytest
import torch
import torch.nn.functional as F
from attn_i2i.convert import convert
from attn_i2i.testing import check_converter, check_discriminator, check_generator, check_recipe
from attn_i2i.train import train
from attn_i2i.types import AttnI2IError
from PIL import Image
from torch import Tensor

from attn_i2i_hosts.munit.converters import GENERATOR
from attn_i2i_hosts.munit.generator import MUNIT
from attn_i2i_hosts.munit.recipe import munit
from attn_i2i_hosts.unit.converters import DISCRIMINATOR
from attn_i2i_hosts.unit.discriminator import MultiScaleDiscriminator

SMALL = {"width": 4, "blocks": 2, "style_dim": 3, "mlp_width": 5}
SMALL_DISCRIMINATOR = {"discriminator_width": 4, "discriminator_layers": 3, "discriminator_scales": 2}
State = dict[str, Tensor]


def test_with_an_attention_head_too() -> None:
    check_generator(lambda: MUNIT(**SMALL, masks=3))
    check_recipe(lambda: munit(**SMALL, **SMALL_DISCRIMINATOR, masks=3, cycle=10.0), size=32)


def test_the_head_shows_the_source_where_its_background_mask_is() -> None:
    generator = MUNIT(**SMALL, masks=3).eval()
    with torch.no_grad():
        generator.head.attention.bias.copy_(torch.tensor([0.0, 0.0, 60.0]))
        image = torch.rand(1, 3, 21, 34) * 2 - 1
        translation = generator(image)
    assert translation.contents.shape == (1, 2, 3, 21, 34)
    torch.testing.assert_close(translation.image, image)


def test_where_it_draws_does_not_hang_on_the_style() -> None:
    generator = MUNIT(**SMALL, masks=3)
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        one, other = generator(image), generator(image)
    assert torch.equal(one.attention, other.attention)
    assert not torch.equal(one.contents, other.contents)


def test_the_discriminators_norm_hides_brightness() -> None:
    plain, normed = (MultiScaleDiscriminator(4, 3, 1, norm) for norm in ("none", "instance"))
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        for network in (plain, normed):
            network.scales[0][0].bias.zero_()
        assert not torch.allclose(plain(image)[0].logits, plain(image / 2)[0].logits, rtol=1e-3)
        torch.testing.assert_close(normed(image)[0].logits, normed(image / 2)[0].logits, rtol=1e-2, atol=1e-3)
    with pytest.raises(AttnI2IError, match="norm='batch' was given"):
        MultiScaleDiscriminator(norm="batch")


def test_a_style_is_drawn_in_training_and_chosen_otherwise() -> None:
    generator = MUNIT(**SMALL)
    image, reference = torch.rand(2, 1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        assert not torch.equal(generator(image).image, generator(image).image)
        generator.eval()
        mean = generator(image).image
        assert torch.equal(mean, generator(image).image)
        assert not torch.allclose(mean, generator(image, style=generator.style_of(reference)).image)


def published(width: int = 4, blocks: int = 2, style_dim: int = 3, mlp_width: int = 5) -> State:
    """Random weights of one domain under the published keys."""
    state: State = {}

    def conv(key: str, out: int, inner: int, kernel: int) -> None:
        state[f"{key}.weight"] = torch.randn(out, inner, kernel, kernel) / (inner * kernel**2) ** 0.5
        state[f"{key}.bias"] = torch.randn(out) / 4

    w, top = width, 4 * width
    for part, dims in (("enc_content", (w, 2 * w, top)), ("enc_style", (w, 2 * w, top, top, top))):
        for i, (a, b) in enumerate(zip((3, *dims), dims, strict=False)):
            conv(f"{part}.model.{i}.conv", b, a, 4 if i else 7)
    conv("enc_style.model.6", style_dim, top, 1)
    for i in range(blocks):
        for j in range(2):
            conv(f"enc_content.model.3.model.{i}.model.{j}.conv", top, top, 3)
            conv(f"dec.model.0.model.{i}.model.{j}.conv", top, top, 3)
            state[f"dec.model.0.model.{i}.model.{j}.norm.running_mean"] = torch.zeros(top)
            state[f"dec.model.0.model.{i}.model.{j}.norm.running_var"] = torch.ones(top)
    for index, inner in ((2, top), (4, top // 2)):
        conv(f"dec.model.{index}.conv", inner // 2, inner, 5)
        state[f"dec.model.{index}.norm.gamma"], state[f"dec.model.{index}.norm.beta"] = torch.rand(2, inner // 2)
    conv("dec.model.5.conv", 3, w, 7)
    sizes = (style_dim, mlp_width, mlp_width, 4 * top * blocks)
    for i, (a, b) in enumerate(pairwise(sizes)):
        state[f"mlp.model.{i}.fc.weight"], state[f"mlp.model.{i}.fc.bias"] = torch.randn(b, a), torch.randn(b)
    return state


def both(state_a: Mapping[str, Tensor], state_b: Mapping[str, Tensor]) -> dict[str, Mapping[str, Tensor]]:
    return {"a": state_a, "b": state_b}


def reflected(state: State, key: str, x: Tensor, stride: int = 1) -> Tensor:
    weight = state[f"{key}.weight"]
    pad = [(weight.shape[-1] - 1) // 2] * 4
    return F.conv2d(F.pad(x, pad, mode="reflect"), weight, state[f"{key}.bias"], stride)


def plain_content(state: State, x: Tensor, blocks: int = 2) -> Tensor:
    """The published content encoder, written out."""
    for i in range(3):
        x = F.relu(F.instance_norm(reflected(state, f"enc_content.model.{i}.conv", x, 2 if i else 1)))
    for i in range(blocks):
        key = f"enc_content.model.3.model.{i}.model"
        y = F.relu(F.instance_norm(reflected(state, f"{key}.0.conv", x)))
        x = x + F.instance_norm(reflected(state, f"{key}.1.conv", y))
    return x


def plain_style(state: State, x: Tensor) -> Tensor:
    """The published style encoder, written out."""
    for i in range(5):
        x = F.relu(reflected(state, f"enc_style.model.{i}.conv", x, 2 if i else 1))
    return reflected(state, "enc_style.model.6", x.mean((2, 3), keepdim=True))[:, :, 0, 0]


def plain_decoder(state: State, x: Tensor, style: Tensor, blocks: int = 2) -> Tensor:
    """The published decoder, written out: AdaIN takes first the shift, then the scale, layer after layer."""
    for i in range(3):
        style = F.linear(style, state[f"mlp.model.{i}.fc.weight"], state[f"mlp.model.{i}.fc.bias"])
        style = F.relu(style) if i < 2 else style
    settings = iter(style.reshape(len(style), 2 * blocks, 2, -1, 1, 1).unbind(1))
    for i in range(blocks):
        y = x
        for j in range(2):
            shift, scale = next(settings).unbind(1)
            y = F.instance_norm(reflected(state, f"dec.model.0.model.{i}.model.{j}.conv", y)) * scale + shift
            y = y if j else F.relu(y)
        x = x + y
    for index in (2, 4):
        x = reflected(state, f"dec.model.{index}.conv", F.interpolate(x, scale_factor=2))
        flat = x.flatten(1)
        x = (x - flat.mean(1)[:, None, None, None]) / (flat.std(1)[:, None, None, None] + 1e-5)
        gamma, beta = (state[f"dec.model.{index}.norm.{part}"][:, None, None] for part in ("gamma", "beta"))
        x = F.relu(x * gamma + beta)
    return reflected(state, "dec.model.5.conv", x).tanh()


def test_a_published_file_answers_as_published(tmp_path: Path) -> None:
    a, b = published(), published()
    torch.save(both(a, b), tmp_path / "gen_01000000.pt")
    convert([tmp_path / "gen_01000000.pt"], tmp_path / "model")
    translator = attn_i2i.load(tmp_path / "model", direction="B2A")
    generator = translator.generator.double()
    image, reference = torch.rand(2, 1, 3, 32, 48, dtype=torch.float64) * 2 - 1
    a, b = ({key: value.double() for key, value in state.items()} for state in (a, b))
    with torch.no_grad():
        style = plain_style(a, reference)
        torch.testing.assert_close(generator.style_of(reference), style)
        expected = plain_decoder(a, plain_content(b, image), style)
        torch.testing.assert_close(generator(image, style=style).image, expected, rtol=0, atol=1e-9)


def plain_discriminator(state: State, image: Tensor, scale: int) -> Tensor:
    for _ in range(scale):
        ones = F.avg_pool2d(torch.ones_like(image), 3, 2, 1)
        image = F.avg_pool2d(image, 3, 2, 1) / ones
    for i in range(3):
        image = F.leaky_relu(reflected(state, f"cnns.{scale}.{i}.conv", image, 2), 0.2)
    return reflected(state, f"cnns.{scale}.3", image)


def published_discriminator() -> State:
    ours = MultiScaleDiscriminator(4, 3, 2).state_dict()
    return {
        f"cnns.{scale}.{int(i) // 2}.{'conv.' if int(i) < 6 else ''}{end}": value
        for (_, scale, i, end), value in ((key.split("."), value) for key, value in ours.items())
    }


def test_published_discriminators_come_along(tmp_path: Path) -> None:
    discriminator_a, discriminator_b = published_discriminator(), published_discriminator()
    torch.save(both(published(), published()), tmp_path / "gen_00010000.pt")
    torch.save(both(discriminator_a, discriminator_b), tmp_path / "dis_00010000.pt")
    convert([tmp_path / "gen_00010000.pt", tmp_path / "dis_00010000.pt"], tmp_path / "model")
    from attn_i2i.models.config import read_config
    from attn_i2i.models.directory import build_discriminators

    discriminators = build_discriminators(tmp_path / "model", read_config(tmp_path / "model"))
    image = torch.rand(2, 3, 32, 48) * 2 - 1
    for name, state in (("A", discriminator_a), ("B", discriminator_b)):
        for scale, verdict in enumerate(discriminators[name](image)):
            torch.testing.assert_close(verdict.logits, plain_discriminator(state, image, scale))


def test_the_converters_keep_the_contract_on_published_files() -> None:
    generators = {f"{domain}.{key}": value for domain in "ab" for key, value in published().items()}
    check_converter(GENERATOR, generators)
    check_converter(
        DISCRIMINATOR, {f"{domain}.{key}": value for domain in "ab" for key, value in published_discriminator().items()}
    )
    lone = {f"a.{key}": value for key, value in published().items()}
    assert not GENERATOR.split(lone, "gen_00010000.pt")


def test_too_small_a_picture_for_the_discriminator_is_refused() -> None:
    check_discriminator(MultiScaleDiscriminator(4), size=64)
    with pytest.raises(AttnI2IError, match="needs sides of 61"):
        MultiScaleDiscriminator(4)(torch.zeros(1, 3, 60, 80))


def test_the_recipes_terms_are_the_papers() -> None:
    recipe = munit(**SMALL, **SMALL_DISCRIMINATOR, identity=0.0, content=0.0, style=1.0)
    optimizers = recipe.optimizers()
    seen: list[str] = []

    def update(name: str, loss: Tensor) -> None:
        seen.append(name)
        optimizers[name].zero_grad()
        loss.backward()
        optimizers[name].step()

    batch = {name: torch.rand(1, 3, 32, 32) * 2 - 1 for name in "AB"}
    losses = recipe.step(batch, update)
    assert seen == ["D", "G"]
    parts = ("adv", "recon_x", "recon_c", "recon_s", "cycrecon_x", "vgg")
    expected = {f"loss_gen_{part}_{domain}" for part in parts for domain in "ab"}
    expected |= {"loss_dis_a", "loss_dis_b", "loss_dis_total", "loss_gen_total"}
    assert losses.keys() == expected
    weighted = sum(losses[f"loss_gen_{part}_{domain}"] for part in ("adv", "recon_s") for domain in "ab")
    torch.testing.assert_close(losses["loss_gen_total"], weighted)
    assert losses["loss_gen_recon_x_a"] == 0 < losses["loss_gen_recon_c_b"]


def test_training_learns_to_reconstruct() -> None:
    recipe = munit(**SMALL, **SMALL_DISCRIMINATOR, learning_rate=3e-3)
    optimizers = recipe.optimizers()

    def update(name: str, loss: Tensor) -> None:
        torch.autograd.backward(loss, inputs=[p for group in optimizers[name].param_groups for p in group["params"]])
        optimizers[name].step()
        optimizers[name].zero_grad()

    ramp = torch.linspace(-1, 1, 32).expand(1, 3, 32, 32)
    batch = {"A": ramp, "B": ramp.mT}
    first, *_, last = [recipe.step(batch, update) for _ in range(40)]
    assert last["loss_gen_recon_x_a"] < 0.6 * first["loss_gen_recon_x_a"]


def test_the_engine_trains_it_into_a_model(tmp_path: Path) -> None:
    for folder, colour in (("trainA", "red"), ("trainB", "blue")):
        (tmp_path / folder).mkdir()
        for i in range(2):
            Image.new("RGB", (32, 32), colour).save(tmp_path / folder / f"{i}.png")
    options = {**SMALL, **SMALL_DISCRIMINATOR, "masks": 3}
    model = train(
        "munit", tmp_path, tmp_path / "run", recipe_options=options, steps=2, crop_size=32, workers=0, device="cpu"
    )
    result = attn_i2i.load(model, direction="B2A")(tmp_path / "trainB" / "0.png")
    assert result.image.shape == (3, 32, 32)
    assert result.background is not None
