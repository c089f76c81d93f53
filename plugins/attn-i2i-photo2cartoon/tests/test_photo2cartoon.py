"""The generator keeps the contract, and published files with all their keys convert."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from attn_i2i.convert import convert
from attn_i2i.hub.mirror import mirror_models
from attn_i2i.hub.publish import Published
from attn_i2i.hub.sources.bring import Brought
from attn_i2i.models.build import create
from attn_i2i.models.card import read_card
from attn_i2i.models.cards import get_card
from attn_i2i.models.checksums import read_sums
from attn_i2i.models.config import read_config
from attn_i2i.models.directory import build_generator
from attn_i2i.models.source import Source
from attn_i2i.plugins import manager, zoo
from attn_i2i.testing import check_generator, check_plugin
from attn_i2i.types import ConfigError, ShapeError
from torch import Tensor

import attn_i2i_photo2cartoon
from attn_i2i_photo2cartoon.converters import PARTS, STAGES
from attn_i2i_photo2cartoon.generator import Photo2Cartoon
from attn_i2i_photo2cartoon.soft_adalin import SoftAdaLIN


def published(network: Photo2Cartoon) -> dict[str, Tensor]:
    """The state of a network under the published names, the tensors that are never used included."""
    return {new: shaped for key, tensor in network.state_dict().items() for new, shaped in _published(key, tensor)}


def _published(key: str, tensor: Tensor) -> list[tuple[str, Tensor]]:
    head, _, rest = key.partition(".")
    direct = {
        "stem": "ConvBlock1.1", "image": "ConvBlock2.1", "cam.mix": "conv1x1", "cam.weights.0": "gap_fc.weight",
        "cam.weights.1": "gmp_fc.weight",
    }  # fmt: skip
    for ours, theirs in direct.items():
        if key.startswith(ours + ".") or key == ours:
            return [(key.replace(ours, theirs, 1), tensor)]
    if key == "cam_bias":
        return [("gap_fc.bias", tensor[:1]), ("gmp_fc.bias", tensor[1:])]
    if head == "style":
        return [(f"FC.{rest}", tensor)]
    if head in ("down", "up", "encoder"):
        return [_block(head, rest, tensor)]
    return [_decoder(rest, tensor)] if head == "decoder" else _stage(key, tensor)


def _block(head: str, rest: str, tensor: Tensor) -> tuple[str, Tensor]:
    number, _, part = rest.partition(".")
    place = int(number) + 1
    if head == "down":
        return f"DownBlock{place}.1.weight", tensor
    if head == "encoder":
        return f"EncodeBlock{place}.conv_block.{1 if part.startswith('first') else 5}.weight", tensor
    return (
        (f"UpBlock{place}.2.weight", tensor)
        if part == "0.weight"
        else (f"UpBlock{place}.3.{part[2:]}", tensor[None, :, None, None])
    )


def _decoder(rest: str, tensor: Tensor) -> tuple[str, Tensor]:
    number, name, *part = rest.split(".")
    start = f"DecodeBlock{int(number) + 1}"
    half = 1 if name.startswith("first") else 2
    if not name.endswith("norm"):
        return f"{start}.conv{half}.weight", tensor
    start = f"{start}.norm{half}"
    if part[0] == "rho":
        return f"{start}.norm.rho", tensor[None, :, None, None]
    if part[0].endswith("ratio"):
        return f"{start}.w_{part[0].removesuffix('_ratio')}", tensor[None]
    side, _, what = part[0].partition("_")
    return f"{start}.{side[0]}_{what}.{'.'.join(part[1:])}", tensor


def _stage(key: str, tensor: Tensor) -> list[tuple[str, Tensor]]:
    number = next(n for n, ours in STAGES.items() if key.startswith(ours + "."))
    rest = key.removeprefix(STAGES[number] + ".")
    start = f"HourGlass{number}"
    if rest == "mix.weight":
        return [(f"{start}.HG.2.weight", tensor)]
    kind, _, part = rest.partition(".")
    for theirs, ours in PARTS.items():
        if kind == ours:
            return [(f"{start}.{theirs}.{part}", tensor)]
    *place, _, conv, _, _ = rest.split(".")
    block = f"{start}.HG.1" if kind == "unit" else f"{start}.HG.0.{_hourglass(place[1:])}"
    used = (f"{block}.ConvBlock{int(conv) + 1}.3.weight", tensor)
    return [used, (f"{block}.ConvBlock4.2.weight", torch.zeros(2, 2, 1, 1))]


def _hourglass(place: list[str]) -> str:
    if place == ["bottom"]:
        return "ConvBlock5"
    level = int(place[1]) + 1
    return {"skips": f"ConvBlock{level}_1", "lows": f"ConvBlock{level}_2"}.get(place[0], f"ConvBlock{10 - level}")


@pytest.mark.parametrize("light", [True, False])
def test_the_generator_keeps_the_contract(light: bool) -> None:
    check_generator(lambda: Photo2Cartoon(4, light, image_size=32))


def test_every_part_keeps_the_contract() -> None:
    assert not [part for part in check_plugin(manager(), "photo2cartoon", {"width": 4}) if part.problem]


def test_a_published_file_becomes_a_model_of_two_directions(tmp_path: Path) -> None:
    there, back = (Photo2Cartoon(4).eval() for _ in "ab")
    torch.save({"genA2B": published(there), "genB2A": published(back), "start_iter": 7}, tmp_path / "weights.pt")
    config = convert(tmp_path / "weights.pt", tmp_path / "model").config
    assert (config.directions, config.config) == (["A2B", "B2A"], {"width": 4, "light": True})
    image = torch.rand(1, 3, 40, 33) * 2 - 1
    for direction, network in (("A2B", there), ("B2A", back)):
        generator = build_generator(tmp_path / "model", read_config(tmp_path / "model"), direction)
        assert torch.equal(generator(image).image, network(image).image)


def test_its_card_tells_of_the_network_that_its_file_becomes(tmp_path: Path) -> None:
    card = get_card("photo2cartoon")
    with torch.device("meta"):
        network = create(card.architecture, **card.config)
    assert sum(tensor.numel() for tensor in network.state_dict().values()) == 3_773_735
    there, back = (Photo2Cartoon(4).eval() for _ in "ab")
    torch.save({"genA2B": published(there), "genB2A": published(back)}, tmp_path / "photo2cartoon_weights.pt")
    config = convert(tmp_path / "photo2cartoon_weights.pt", tmp_path / "model", card="photo2cartoon").config
    assert set(config.directions) == set(card.directions)
    assert config.licence == "MIT"
    assert card.convert_command == "attn-i2i convert photo2cartoon_weights.pt --as photo2cartoon"


def test_ratios_keep_to_their_range() -> None:
    norm = SoftAdaLIN(4)
    x, content, style = torch.randn(2, 4, 6, 6), torch.randn(2, 4), torch.randn(2, 4)
    with torch.no_grad():
        for ratio in (norm.rho, norm.gamma_ratio, norm.beta_ratio):
            ratio.fill_(1)
        edge = norm(x, content, style)
        for ratio in (norm.rho, norm.gamma_ratio, norm.beta_ratio):
            ratio.fill_(3)
    assert torch.equal(norm(x, content, style), edge)


def test_what_cannot_be_built_or_taken_is_said() -> None:
    with pytest.raises(ConfigError, match="multiple of 4"):
        Photo2Cartoon(6)
    with pytest.raises(ShapeError, match="takes 32x32"):
        Photo2Cartoon(4, light=False, image_size=32)(torch.zeros(1, 3, 48, 48))


def test_its_card_is_mirrored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the file of its source to the repository, and into the card; the network is narrow, and nothing is sent."""
    text = Path(attn_i2i_photo2cartoon.__file__).with_name("cards").joinpath("photo2cartoon.toml").read_text()
    path = tmp_path / "photo2cartoon.toml"
    path.write_text(text.replace("width = 32", "width = 4"))
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(zoo().cards, "_entries", {})
    zoo().cards.add("photo2cartoon", read_card(path))
    weights = tmp_path / "photo2cartoon_weights.pt"
    torch.save({name: published(Photo2Cartoon(4)) for name in ("genA2B", "genB2A")}, weights)

    def bring(source: Source, *_: object) -> Brought:
        return Brought((weights,), {"address": source.address})

    def publish(folder: Path, repo: str, **_: object) -> Published:
        assert read_config(folder).licence == "MIT"
        return Published(repo, "0" * 40, read_sums(folder, ""))

    monkeypatch.setattr("attn_i2i.hub.sources.fetch.bring", bring)
    monkeypatch.setattr("attn_i2i.hub.mirror.publish", publish)
    monkeypatch.setattr("attn_i2i.hub.mirror.require_account", lambda owner: None)
    ((name, done),) = mirror_models(["photo2cartoon"], "me", cards=tmp_path)
    assert (name, done.failed) == ("photo2cartoon", False), done.told
    stored = read_card(path).weights
    assert stored is not None
    assert (stored.repo, set(stored.sha256)) == (
        "me/photo2cartoon",
        {"config.json", "A2B.safetensors", "B2A.safetensors"},
    )
