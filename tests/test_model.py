"""A model folder gives what it says, on the device that the caller means, or one line that says what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from attn_i2i.models.build import create, create_discriminator
from attn_i2i.models.checksums import write_sums
from attn_i2i.models.config import DiscriminatorConfig, ModelConfig, read_config
from attn_i2i.models.directory import build_discriminators, build_generator, save_model
from attn_i2i.types import ConfigError, ModelError

SMALL = {"width": 4, "blocks": 1}

PROGRAM = """
import torch
from attn_i2i.models.directory import builder, load_strictly
build = builder("generators", "attentiongan2", {"width": 4, "blocks": 1})
torch.set_float32_matmul_precision("high")
module = load_strictly(build, build().state_dict(), "fresh")
with torch.no_grad():
    print(module(torch.zeros(1, 3, 32, 32)).image.device)
"""


@pytest.mark.slow
def test_a_first_import_inside_loading_leaves_nothing_on_the_meta_device() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "cpu", done.stderr


@pytest.fixture
def model(tmp_path: Path) -> Path:
    discriminator = create_discriminator("patchgan", width=4).state_dict()
    config = ModelConfig(
        "cyclegan", SMALL, ["A2B"], discriminators=DiscriminatorConfig("patchgan", {"width": 4}, ["B"])
    )
    save_model(tmp_path / "model", config, {"A2B": create("cyclegan", **SMALL).state_dict()}, {"B": discriminator})
    return tmp_path / "model"


def rewrite(model: Path, **changes: Any) -> None:
    path = model / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    write_sums(model)


def one_line(caught: pytest.ExceptionInfo[Exception], start: str) -> None:
    assert str(caught.value).startswith(start)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("architecture", 5),
        ("config", ["width"]),
        ("config", {"blocks": 10**12}),
        ("config", {"attention_kernels": [3, 1e12]}),
        ("directions", []),
        ("directions", ["../A2B"]),
        ("domains", 5),
        ("domains", [1]),
        ("discriminators", {"foo": 1}),
        ("discriminators", [1]),
        ("discriminators", {}),
        ("discriminators", {"architecture": "patchgan", "config": {}, "names": "B"}),
        ("provenance", None),
        ("licence", 5),
        ("preprocessing", "64"),
    ],
)
def test_every_field_of_a_configuration_is_of_its_type(model: Path, key: str, value: object) -> None:
    rewrite(model, **{key: value})
    with pytest.raises(ModelError, match=r"config\.json: .* is .*, expected ") as caught:
        read_config(model)
    one_line(caught, f"{model / 'config.json'}: {key} is ")


def test_a_configuration_of_endless_depth_is_refused(model: Path) -> None:
    (model / "config.json").write_text("[" * 200_000)
    write_sums(model)
    with pytest.raises(ModelError, match="cannot be read as JSON") as caught:
        read_config(model)
    one_line(caught, str(model))


@pytest.mark.parametrize("width", [-1, 2.5, [4]])
def test_options_that_build_nothing_are_the_models_fault(model: Path, width: object) -> None:
    rewrite(model, config={**SMALL, "width": width})
    with pytest.raises(ModelError, match="cyclegan cannot be built from ") as caught:
        build_generator(model, read_config(model), "A2B")
    one_line(caught, f"{model}/A2B: ")
    rewrite(model, discriminators={"architecture": "patchgan", "config": {"width": width}, "names": ["B"]})
    with pytest.raises(ModelError, match="patchgan cannot be built from ") as caught:
        build_discriminators(model, read_config(model))
    one_line(caught, f"{model}/discriminators (B): ")
    with pytest.raises(ConfigError, match="cyclegan cannot be built from "):
        create("cyclegan", width=-1)


@pytest.mark.parametrize("direction", ["../escaped", "day to night", "", "discriminators"])
def test_a_direction_that_cannot_name_a_file_is_not_saved(tmp_path: Path, direction: str) -> None:
    with pytest.raises(ModelError, match="such as A2B"):
        save_model(tmp_path / "in" / "model", ModelConfig("cyclegan", SMALL, [direction]), {direction: {}})
    with pytest.raises(ModelError, match="such as A2B"):
        save_model(tmp_path / "in" / "model", ModelConfig("cyclegan", SMALL, ["A2B"]), {"B2A": {}})
    assert not list(tmp_path.iterdir())
