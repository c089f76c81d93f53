"""The zoo's commands, and the way of a model from its authors' file to the Hub and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from attn_i2i.cards import list_models
from attn_i2i.model import ModelConfig, create, save_model

from .fakehub import FakeHub
from .test_docs import run_cli
from .test_imports import ROOT

CASE = ROOT / "tests" / "cases" / "attentiongan_scheme2"
NAME = "attentiongan2-horse2zebra"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def output(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    assert run_cli(arguments, monkeypatch) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_list_filters_and_aligns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = output(["list", "cyclegan-*"], monkeypatch, capsys).splitlines()
    assert lines[0].split() == ["name", "architecture", "licence", "weights"]
    assert len(lines) == 19
    assert len({line.index("cyclegan ") for line in lines[1:]}) == 1
    found = json.loads(output(["list", "--json", "--task", "horse2zebra", "--remote"], monkeypatch, capsys))
    assert {row["name"] for row in found} == {"aggan-horse2zebra", NAME, "cyclegan-horse2zebra"}
    assert {row["weights"] for row in found} == {"official file", "official file (gone)"}
    assert output(["list", "--installed", "stargan*"], monkeypatch, capsys).splitlines()[1:] == []


@pytest.mark.parametrize("name", list_models())
def test_every_card_can_be_shown(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = output(["show", name], monkeypatch, capsys)
    assert f"--as {name}" in text
    assert "Licence:" in text
    assert json.loads(output(["show", name, "--json"], monkeypatch, capsys))["name"] == name


def test_a_model_without_a_card_is_shown_too(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {"width": 4, "blocks": 1}
    home.mkdir()
    save_model(
        home / "mine", ModelConfig("cyclegan", config, ["A2B"]), {"A2B": create("cyclegan", **config).state_dict()}
    )
    assert "local zoo" in output(["show", "mine"], monkeypatch, capsys)
    assert "mine" in output(["list", "--installed"], monkeypatch, capsys)


def test_doctor_tells_no_secret(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    text = output(["doctor"], monkeypatch, capsys)
    facts = json.loads(output(["doctor", "--json"], monkeypatch, capsys))
    assert list(facts) == ["versions", "devices", "models", "plugins", "hub"]
    assert facts["hub"]["logged in"] == "yes"
    assert facts["hub"]["reachable"].startswith("no: 127.0.0.1:9")
    assert "hf_verysecret" not in text + json.dumps(facts)


def command(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``attn-i2i`` in a process of its own, with everything it keeps in ``home``."""
    own = {"ATTN_I2I_HOME": str(home / "zoo"), "HF_HOME": str(home / "hf"), "ATTN_I2I_PLUGINS": ""}
    run = [sys.executable, "-m", "attn_i2i.cli", *arguments]
    return subprocess.run(run, cwd=ROOT, env=os.environ | own | environment, capture_output=True, text=True)


def test_from_the_authors_file_to_the_hub_and_back(tmp_path: Path) -> None:
    """Convert under the zoo name, load offline, publish, load in a fresh home; then one byte of it changes."""
    first, second = tmp_path / "first", tmp_path / "second"
    source = str(CASE / "latest_net_G_A.pth")
    picture, out = str(tmp_path / "photo.png"), str(tmp_path / "out")
    from PIL import Image

    Image.effect_noise((64, 64), 40).convert("RGB").save(picture)
    translate = ["translate", picture, "--force", "-o", out, "-m"]

    done = command(first, "convert", source, "--as", NAME)
    assert done.returncode == 0, done.stderr
    refused = command(first, *translate, NAME, HF_HUB_OFFLINE="1")
    assert refused.returncode == 1
    assert "CC-BY-NC-SA-4.0" in refused.stderr
    done = command(first, *translate, NAME, "--accept-license", HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    local = (tmp_path / "out" / "photo.png").read_bytes()

    with FakeHub() as hub:
        done = command(first, "publish", str(first / "zoo" / NAME), "me/copy", HF_ENDPOINT=hub.url, HF_TOKEN=hub.token)
        assert done.returncode == 0, done.stderr
        done = command(second, *translate, "hf-hub:me/copy", "--accept-license", HF_ENDPOINT=hub.url)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "out" / "photo.png").read_bytes() == local

        (commit,) = hub.repos["me/copy"].commits.values()
        (stored,) = second.glob("zoo/.hub/me--copy/*/A2B.safetensors")
        stored.write_bytes(stored.read_bytes()[:-1] + b"?")
        refused = command(second, *translate, f"hf-hub:me/copy@{stored.parent.name}", HF_HUB_OFFLINE="1")
        assert refused.returncode == 1
        assert "A2B.safetensors has the SHA-256" in refused.stderr
        assert "Traceback" not in refused.stderr
        done = command(second, *translate, "hf-hub:me/copy", HF_ENDPOINT=hub.url)
        assert done.returncode == 0, done.stderr
        assert stored.read_bytes() == commit["A2B.safetensors"], "fetched anew"


def test_a_file_of_another_family_is_not_put_under_a_name(tmp_path: Path) -> None:
    refused = command(tmp_path, "convert", str(CASE / "latest_net_G_A.pth"), "--as", "cyclegan-horse2zebra")
    assert refused.returncode == 1
    assert "is a model of cyclegan, but this is attentiongan2" in refused.stderr
    assert not list(tmp_path.glob("zoo/*"))
