"""Every host takes masks, guided discriminators, CAM and AdaLIN, alone and together, or says why not."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import attn_i2i
import pytest
import torch
from attn_i2i.interfaces import Recipe
from attn_i2i.losses import cam
from attn_i2i.recipes import make_recipe
from attn_i2i.train import train
from attn_i2i.types import ConfigError, ShapeError
from PIL import Image
from torch import Tensor

from attn_i2i_hosts.attention import with_cams

HOSTS: dict[str, dict[str, Any]] = {
    "discogan": {"width": 4, "discriminator_width": 4},
    "dualgan": {"width": 2, "discriminator_width": 2, "image_size": 64},
    "unit": {"width": 4, "blocks": 1, "discriminator_width": 4},
    "munit": {"width": 4, "blocks": 1, "style_dim": 3, "mlp_width": 5, "discriminator_width": 4},
    "drit": {"width": 2, "style_dim": 3, "discriminator_content_layers": 1, "d_iter": 1},
    "drit-feature": {
        "width": 2,
        "style_dim": 3,
        "discriminator_content_layers": 1,
        "d_iter": 1,
        "variant": "feature",
        "discriminator_scales": 1,
    },
}
UNSTEERED = ("discogan", "dualgan")
OPTIONS: dict[str, dict[str, Any]] = {
    "guided": {"guided": True, "masks": 2},
    "cam": {"cam": True},
    "adalin": {"norm": "adalin"},
    "all": {"guided": True, "masks": 2, "cam": True, "norm": "adalin"},
}
PAIRS = [(host, option) for host in HOSTS for option in OPTIONS if not (host in UNSTEERED and option == "adalin")]


def options_of(host: str, option: str) -> dict[str, Any]:
    rest = {name: value for name, value in OPTIONS[option].items() if not (name == "norm" and host in UNSTEERED)}
    return {**HOSTS[host], **rest}


def small(host: str, **options: Any) -> Recipe:
    return make_recipe(host.partition("-")[0], **options)


def images(count: int = 2, side: int = 64) -> dict[str, Tensor]:
    return {domain: torch.rand(count, 3, side, side) * 2 - 1 for domain in "AB"}


def trained(recipe: Recipe, steps: int = 1) -> dict[str, Tensor]:
    optimizers = recipe.optimizers()

    def update(name: str, loss: Tensor) -> None:
        optimizers[name].zero_grad()
        loss.backward()
        optimizers[name].step()

    for _ in range(steps):
        losses = recipe.step(images(), update)
    return losses


@pytest.mark.parametrize(("host", "option"), PAIRS)
def test_an_option_trains_all_that_it_adds(host: str, option: str) -> None:
    recipe = small(host, **options_of(host, option))
    before = {name: parameter.detach().clone() for name, parameter in recipe.networks.named_parameters()}
    assert all(value.isfinite() for value in trained(recipe, 2).values())
    still = [name for name, p in recipe.networks.named_parameters() if torch.equal(p, before[name])]
    added = ("cam", "head", "steering", "blocks", "scales")
    weights = [name for name in still if not name.endswith("bias")]  # a norm takes away what a bias before it adds
    assert not [name for name in weights if name.partition(".")[2].startswith(added)]
    translation = recipe.networks["G_A2B"].eval()(images()["A"])
    assert (translation.attention is not None) == (option in ("guided", "all"))
    assert (translation.heatmap is not None) == (option in ("cam", "all"))
    verdicts = recipe.networks["D_B"](images()["B"], torch.ones(2, 1, 64, 64))
    assert all((verdict.cam_logits is not None) == (option in ("cam", "all")) for verdict in verdicts)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for domain, colour in (("trainA", "red"), ("trainB", "blue")):
        (folder / domain).mkdir()
        for i in range(2):
            Image.new("RGB", (64, 64), colour).save(folder / domain / f"{i}.png")
    return folder


def run(host: str, data: Path, folder: Path, steps: int, **options: Any) -> Path:
    name = host.partition("-")[0]
    chosen = options_of(host, "all")
    engine: dict[str, Any] = {"crop_size": 64, "workers": 0, "device": "cpu", "sample_every": 0, "batch_size": 2}
    return train(name, data, folder, recipe_options=chosen, steps=steps, **engine, **options)


@pytest.mark.parametrize("host", HOSTS)
def test_a_run_with_all_of_it_goes_on_exactly_and_makes_a_model_with_mask_and_heatmap(
    host: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host != "discogan":  # a rehearsal takes longer than the steps; every recipe builds on meta in its own tests
        monkeypatch.setattr("attn_i2i.train.build.rehearse", lambda *rest, **named: None)
    model = run(host, data, tmp_path / "whole", 2)
    run(host, data, tmp_path / "cut", 1)
    again = run(host, data, tmp_path / "cut", 2, resume=True)
    for file in model.glob("*.safetensors"):
        assert sha256(file.read_bytes()).digest() == sha256((again / file.name).read_bytes()).digest()
    config = json.loads((model / "config.json").read_text())["config"]
    assert (config["masks"], config["cam"]) == (2, True)
    result = attn_i2i.load(model, direction="B2A")(data / "trainB" / "0.png")
    assert result.background is not None
    assert result.heatmap is not None


def test_the_classifier_of_unit_learns_where_its_own_encoder_saw_the_picture() -> None:
    """U-GAT-IT, equation 6: one encoder's features of the source against its features of the target."""
    recipe = small("unit", **options_of("unit", "cam"))
    batch = images()
    with torch.no_grad():
        source, target = (recipe.networks["G_A2B"].attend(batch[domain]).cam_logits for domain in "AB")
    parts = [torch.nn.functional.binary_cross_entropy_with_logits(x, torch.full_like(x, y))
             for x, y in ((source, 1.0), (target, 0.0))]  # fmt: skip
    losses = recipe.step(batch, lambda name, loss: None)
    torch.testing.assert_close(losses["cam_b"], 1000 * sum(parts))
    assert recipe.options["objective.cam"] == 1000
    assert recipe.objective["cam"][1] is cam


def test_the_weight_of_the_cam_is_what_it_is_set_to() -> None:
    assert "cam" not in small("unit", **options_of("unit", "cam"), objective={"cam": 0}).objective
    assert small("unit", **options_of("unit", "cam"), objective={"cam": 3}).objective["cam"][0] == 3


def test_a_cam_counts_as_a_scale_and_is_penalised_with_its_critic() -> None:
    plain, attended = (trained(small("dualgan", **HOSTS["dualgan"], cam=cam)) for cam in (False, True))
    assert plain.keys() < attended.keys()
    verdicts = small("munit", **options_of("munit", "cam")).networks["D_A"](images()["A"])
    assert [tuple(v.logits.shape) for v in with_cams(verdicts)[3:]] == [(2, 1, 1, 2)] * 3


@pytest.mark.parametrize("host", HOSTS)
def test_guided_discriminators_see_the_mask(host: str) -> None:
    network = small(host, **options_of(host, "guided")).networks["D_A"].eval()
    image = images()["A"]
    with torch.no_grad():
        shown, covered = (network(image, torch.full((2, 1, 64, 64), value))[0].logits for value in (1.0, 0.0))
    assert not torch.equal(shown, covered)
    with pytest.raises(ShapeError, match="needs attention of shape"):
        network(image)


def test_an_odd_batch_of_drit_has_a_mask_for_every_fake() -> None:
    recipe = small("drit", **options_of("drit", "guided"))
    losses = recipe.step(images(3), lambda name, loss: None)
    assert losses["disA2_loss"].isfinite()


@pytest.mark.parametrize(
    ("host", "options", "message"),
    [
        *((host, {"guided": True}, r"there are none: set generator\.masks=4") for host in HOSTS),
        ("unit", {"guided": True, "masks": 2, "discriminator": "patchgan"}, "patchgan reads no masks"),
        *((host, {"norm": "adalin"}, "has none: take unit, munit or drit") for host in UNSTEERED),
        ("unit", {"norm": "adain"}, "'instance' or 'adalin'"),
        ("munit", {"norm": "instance"}, "'adain' or 'adalin'"),
        ("drit", {"width": 2, "discriminator_width": 3}, "width was given twice"),
    ],
)
def test_what_a_host_cannot_take_is_said(host: str, options: dict[str, Any], message: str) -> None:
    own = HOSTS[host] if "discriminator" not in options else {"width": 4, "blocks": 1}
    with pytest.raises(ConfigError, match=message):
        small(host, **{**own, **options})
