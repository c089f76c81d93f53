"""What this library wrote itself is not converted: a message says what it is and what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attn_i2i.convert import convert
from attn_i2i.convert.own import own_names
from attn_i2i.models import ModelConfig, create, create_discriminator, save_model
from attn_i2i.plugins import zoo
from attn_i2i.translate import load
from attn_i2i.types import ConversionError

from .helpers.commands import write_model


@pytest.mark.parametrize("name", [entry.name for entry in zoo().generators])
def test_every_generators_own_names_are_known(name: str) -> None:
    with torch.device("meta"):
        assert f"names that {name} has in this library" in own_names(create(name).state_dict())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("attentiongan2", {"masks": 3, "background": False, "norm": "batch", "blocks": 2}),
        ("cyclegan", {"blocks": 2, "up": "nearest", "dropout": 0.5}),
        ("ugatit", {"light": False, "image_size": 64, "blocks": 1}),
    ],
)
def test_names_are_known_whatever_the_options(name: str, options: dict[str, Any]) -> None:
    with torch.device("meta"):
        state = create(name, **options).state_dict()
    assert f"names that {name} has" in own_names({f"A2B.module.{key}": tensor for key, tensor in state.items()})


def test_names_of_others_are_not_taken_for_ours() -> None:
    others: list[dict[str, Tensor]] = [
        {},
        {"trunk.norm.weight": torch.ones(1)},
        {"trunk.stem.conv.weight": torch.ones(1)},
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)).state_dict(),
        create("cyclegan", width=2, blocks=1).state_dict() | {f"neck.{i}.weight": torch.ones(1) for i in range(9)},
    ]
    assert [own_names(state) for state in others] == [""] * len(others)


def test_the_advice_for_a_state_dict_works(tmp_path: Path) -> None:
    network = create("attentiongan2", width=4, blocks=1, masks=3)
    torch.save(network.state_dict(), tmp_path / "g.pth")
    with pytest.raises(ConversionError, match=r"g\.pth: these are the names that attentiongan2") as caught:
        convert(tmp_path / "g.pth", tmp_path / "model")
    told = re.search(r"attn_i2i\.models\.(save_model\(.*\))\.$", str(caught.value))
    assert told
    words = {"FOLDER": tmp_path / "m", "OPTIONS": {"width": 4, "blocks": 1, "masks": 3}}
    words |= {"STATE_DICT": network.state_dict(), "save_model": save_model}
    eval(told[1].replace("attn_i2i.models.", ""), {"ModelConfig": ModelConfig, **words})  # noqa: S307
    assert load(tmp_path / "m", device="cpu").directions == ["A2B"]


def test_a_discriminator_alone_is_told_apart() -> None:
    with torch.device("meta"):
        assert "a discriminator of this library" in own_names(create_discriminator("patchgan").state_dict())


def test_models_and_parts_of_runs_are_named(tmp_path: Path) -> None:
    model = tmp_path / "run" / "model"
    model.mkdir(parents=True)
    write_model(model, "cyclegan", width=4, blocks=1)
    checkpoint = tmp_path / "run" / "checkpoints" / "step-00000001"
    checkpoint.mkdir(parents=True)
    (checkpoint / "shared.pt").touch()
    (tmp_path / "run" / "run.json").touch()
    for source, says in (
        (tmp_path / "run", f"is the folder of a training run .*; its model is {model}"),
        (model, "is a model folder already: there is nothing to convert, so load"),
        (model / "A2B.safetensors", f"is a file of the model folder {model}: there is nothing to convert"),
        (checkpoint, rf"is a part of the training run .*; what a run makes is {model}"),
        (checkpoint / "shared.pt", rf"is a part of the training run .*; what a run makes is {model}"),
    ):
        with pytest.raises(ConversionError, match=says):
            convert(source, tmp_path / "out")
