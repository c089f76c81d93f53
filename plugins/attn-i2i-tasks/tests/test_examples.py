"""The programs that make models small enough to ship."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import torch
from attn_i2i.models.build import create
from attn_i2i.models.config import ModelConfig, read_config
from attn_i2i.models.directory import save_model
from attn_i2i.types import ConfigError
from safetensors.torch import load_file

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_a_model_ships_with_options_that_its_generators_take(tmp_path: Path) -> None:
    ship = runpy.run_path(str(EXAMPLES / "ship.py"))["ship"]
    options = {"width": 2, "blocks": 0}
    weights = create("attentiongan1", **options).state_dict()
    save_model(tmp_path / "model", ModelConfig("attentiongan1", options, ["A2B"]), {"A2B": weights})
    ship(tmp_path / "model", tmp_path / "small", "CC0-1.0", {"mask_floor": 0.1})
    config = read_config(tmp_path / "small")
    assert (config.config["mask_floor"], config.licence) == (0.1, "CC0-1.0")
    halves = load_file(tmp_path / "small/A2B.safetensors")
    assert {tensor.dtype for tensor in halves.values() if tensor.is_floating_point()} == {torch.float16}
    for wrong in ({"mask_flor": 0.1}, {"mask_floor": 2}):
        with pytest.raises(ConfigError, match="floor"):
            ship(tmp_path / "model", tmp_path / "wrong", options=wrong)
    assert not (tmp_path / "wrong").exists()
