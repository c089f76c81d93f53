"""Models of single directions become one model, each discriminator under the domain that it looks at."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attn_i2i.convert import convert, join
from attn_i2i.models.config import read_config
from attn_i2i.models.directory import build_discriminators, build_generator
from attn_i2i.types import AttnI2IError, ConfigError, ConversionError
from tests.helpers.commands import run_cli
from tests.helpers.published import patch, resnet, spread


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    """horse2zebra and zebra2horse, each with the discriminator of what it makes."""
    folders = []
    for seed, name in enumerate(("horse2zebra", "zebra2horse")):
        torch.save(spread(resnet(blocks=1), seed).state_dict(), tmp_path / f"{name}.pth")
        torch.save(spread(patch(), seed).state_dict(), tmp_path / "netD.pth")
        convert([tmp_path / f"{name}.pth", tmp_path / "netD.pth"], tmp_path / name, licence="MIT")
        folders.append(tmp_path / name)
    return folders


def test_a_mirrored_pair_needs_no_names(models: list[Path], tmp_path: Path) -> None:
    config = join(models, tmp_path / "both")
    assert (config.directions, config.licence) == (["A2B", "B2A"], "MIT")
    for folder, direction, domain in zip(models, ("A2B", "B2A"), ("B", "A"), strict=True):
        old, new = read_config(folder), read_config(tmp_path / "both")
        before = build_generator(folder, old, "A2B").state_dict()
        after = build_generator(tmp_path / "both", new, direction).state_dict()
        assert all(torch.equal(before[key], after[key]) for key in before)
        was = build_discriminators(folder, old)["B"].state_dict()
        now = build_discriminators(tmp_path / "both", new)[domain].state_dict()
        assert all(torch.equal(was[key], now[key]) for key in was)


def test_other_names_are_asked_for(models: list[Path], tmp_path: Path) -> None:
    back = (tmp_path / "zebra2horse.pth").rename(tmp_path / "back.pth")
    models[1] = convert([back, tmp_path / "netD.pth"], tmp_path / "back").directory
    with pytest.raises(ConversionError, match=r"the directions A2B, A2B: .* directions=\[\"A2B\", \"B2A\"\]"):
        join(models, tmp_path / "both")
    assert join(models, tmp_path / "both", directions=["B2A", "A2B"]).directions == ["A2B", "B2A"]
    for wrong in (["A2B"], ["A2B", "A2B"], ["A2B", "../x"]):
        with pytest.raises(ConversionError):
            join(models, tmp_path / "wrong", directions=wrong)
    with pytest.raises(ConversionError, match="Two of the models have a discriminator of B"):
        join(models, tmp_path / "wrong", directions=["there", "back"])
    assert not (tmp_path / "wrong").exists()


def test_the_files_they_come_from_tell_as_well(models: list[Path], tmp_path: Path) -> None:
    renamed = [folder.rename(tmp_path / name) for folder, name in zip(models, ("one", "other"), strict=True)]
    assert join(renamed, tmp_path / "both").directions == ["A2B", "B2A"]
    with pytest.raises(ConfigError, match="1 model to join, expected two or more"):
        join(renamed[:1], tmp_path / "copy")
    with pytest.raises(AttnI2IError, match="nowhere does not exist"):
        join([renamed[0], tmp_path / "nowhere"], tmp_path / "x")


def test_models_of_two_kinds_do_not_mix(models: list[Path], tmp_path: Path) -> None:
    torch.save(spread(resnet(blocks=2)).state_dict(), tmp_path / "zebra2horse2.pth")
    convert(tmp_path / "zebra2horse2.pth", tmp_path / "other")
    with pytest.raises(ConversionError, match=r"do not belong together .*blocks=1.*blocks=2"):
        join([models[0], tmp_path / "other"], tmp_path / "both", directions=["A2B", "B2A"])


def test_the_command_joins(models: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["join", *map(str, models), "-o", str(tmp_path / "both")]
    assert run_cli(arguments, monkeypatch) == 0
    assert run_cli(arguments, monkeypatch) == 1
    assert run_cli([*arguments, "--force"], monkeypatch) == 0
