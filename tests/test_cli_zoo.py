"""The zoo's commands, and the way of a model from its authors' file to the Hub and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from attn_i2i.models.build import create
from attn_i2i.models.cards import get_card, list_models
from attn_i2i.models.config import ModelConfig, read_config
from attn_i2i.models.directory import save_model

from .helpers.commands import Run, run_cli
from .helpers.fakehub import FakeHub
from .helpers.hub_worker import Worker
from .helpers.source import ROOT

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
    assert len(lines) == 33
    assert len({line.index("cyclegan ") for line in lines[1:]}) == 1
    found = json.loads(output(["list", "--json", "--task", "horse2zebra", "--remote"], monkeypatch, capsys))
    where = {row["name"]: row["weights"] for row in found}
    assert len(where) == 7
    some = {"aggan-horse2zebra": "Google Drive", NAME: "nowhere (dead)", "cyclegan-horse2zebra": "Hub space"}
    assert some.items() <= where.items()
    assert output(["list", "--installed", "stargan*"], monkeypatch, capsys).splitlines()[1:] == []


def test_a_pattern_that_no_model_meets_is_said_to_be_one(run: Run) -> None:
    assert run("list", "hors*")[1:] == ("", "note: no model meets this; `attn-i2i list` alone shows all of them\n")
    assert json.loads(run("list", "hors*", "--json")[1]) == []


def test_a_revision_of_a_model_that_ships_is_refused(run: Run) -> None:
    code, _, err = run("load", "attentiongan2-flat2clay", "--revision", "v1")
    assert (code, "comes from no repository of the Hub: leave it out" in err) == (2, True)


@pytest.mark.parametrize("name", list_models())
def test_every_card_can_be_shown(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = output(["show", name], monkeypatch, capsys)
    card = get_card(name)
    assert f"--as {name}" in text if card.sources else "package" in text
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
    assert "model store" in output(["show", "mine"], monkeypatch, capsys)
    assert "mine" in output(["list", "--installed"], monkeypatch, capsys)


def test_a_folder_is_shown_too(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = create("cyclegan", width=4, blocks=1).state_dict()
    config = ModelConfig("cyclegan", {"width": 4, "blocks": 1}, ["A2B"], licence="MIT")
    (tmp_path / "run").mkdir()
    save_model(tmp_path / "run" / "model", config, {"A2B": weights})
    text = output(["show", str(tmp_path / "run" / "model")], monkeypatch, capsys)
    assert "cyclegan" in text
    assert f"folder {tmp_path / 'run' / 'model'}" in text
    assert (
        json.loads(output(["show", str(tmp_path / "run" / "model"), "--json"], monkeypatch, capsys))["licence"] == "MIT"
    )
    for name, says in (
        (tmp_path / "run", "name one of them"),
        ("./nowhere", "There is no folder"),
        ("hf-hub:a/b", "load hf-hub:a/b"),
    ):
        assert run_cli(["show", str(name)], monkeypatch) in (1, 2)
        assert says in capsys.readouterr().err


def test_doctor_tells_no_secret(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    text = output(["doctor"], monkeypatch, capsys)
    facts = json.loads(output(["doctor", "--json"], monkeypatch, capsys))
    assert list(facts) == ["versions", "devices", "tuning", "models", "plugins", "hub"]
    assert facts["hub"]["logged in"] == "yes"
    assert facts["hub"]["reachable"].startswith("no: 127.0.0.1:9")
    assert "hf_verysecret" not in text + json.dumps(facts)


def test_from_the_authors_file_to_the_hub_and_back(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Convert under the zoo name, load offline, publish, load in a fresh home; then one byte of it changes."""
    Image.effect_noise((64, 64), 40).convert("RGB").save(tmp_path / "photo.png")
    translate = ["translate", str(tmp_path / "photo.png"), "-o", str(tmp_path / "out"), "-m", NAME]
    output(["convert", str(CASE / "latest_net_G_A.pth"), "--as", NAME], monkeypatch, capsys)
    assert run_cli(translate, monkeypatch) == 1
    assert "CC-BY-NC-SA-4.0" in capsys.readouterr().err
    output([*translate, "--accept-license"], monkeypatch, capsys)
    output([*translate, "--force"], monkeypatch, capsys)

    with FakeHub() as hub:
        worker = Worker(hub.url, tmp_path / "elsewhere", HF_TOKEN=hub.token)
        try:
            done = worker("attn_i2i.hub:publish", str(home / NAME), "me/copy")
            assert not done.error, done.message
            assert worker.find("hf-hub:me/copy").error == "LicenceError"
            found = worker("attn_i2i:load", "hf-hub:me/copy", device="cpu", accept_license=True)
            assert not found.error, found.message

            (stored,) = worker.zoo.glob(".hub/me--copy/*/A2B.safetensors")
            whole = (home / NAME / "A2B.safetensors").read_bytes()
            assert stored.read_bytes() == whole
            stored.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
            hub.fault("me/copy", 503, times=3, methods="HEAD")
            refused = worker("attn_i2i:load", f"hf-hub:me/copy@{stored.parent.name}", device="cpu")
            assert refused.error == "ChecksumError"
            assert "A2B.safetensors has the SHA-256" in refused.message
            assert not worker("attn_i2i:load", "hf-hub:me/copy", device="cpu").error
            assert stored.read_bytes() == whole, "fetched anew"
        finally:
            worker.close()


def test_the_names_of_domains_may_have_spaces_between_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(ROOT / "tests" / "cases" / "attentiongan_multidomain" / "200000-G.ckpt")
    arguments = ["convert", source, "-o", str(tmp_path / "model"), "--domains"]
    output([*arguments, "Black_Hair, Blond_Hair ,Brown_Hair, Male, Young"], monkeypatch, capsys)
    assert read_config(tmp_path / "model").domains == ["Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"]
    assert run_cli([*arguments, "", "--force"], monkeypatch) != 0
    assert "an empty or a repeated one" in capsys.readouterr().err


def test_one_bad_model_leaves_the_list_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "bad").mkdir(parents=True)
    (home / "bad" / "config.json").write_text(
        '{"format": 1, "architecture": "cyclegan", "config": {}, "directions": ["A2B"], "licence": 5}'
    )
    assert "cyclegan-horse2zebra" in output(["list"], monkeypatch, capsys)


def test_a_file_of_another_family_is_not_put_under_a_name(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["convert", str(CASE / "latest_net_G_A.pth"), "--as", "cyclegan-horse2zebra"], monkeypatch) == 1
    assert "is a model of cyclegan, but this is attentiongan2" in capsys.readouterr().err
    assert not list(home.glob("*"))
