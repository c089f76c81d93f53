"""Cards are read strictly, and those of the package are true to the code they name."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import torch
import typer.main

from attn_i2i import list_models
from attn_i2i.cli.main import app
from attn_i2i.hub.whole import check_whole
from attn_i2i.models.build import create
from attn_i2i.models.card import UNSTATED, Card, Weights, is_restricted, read_card
from attn_i2i.models.cards import cards, find_card, get_card
from attn_i2i.models.places import check_name, installed_folder, model_store, models_in, shipped_models
from attn_i2i.plugins import zoo
from attn_i2i.types import ConfigError, ModelError, UnknownNameError

GOOD = """
summary = "A model"
architecture = "cyclegan"
task = "a2b"
directions = { A2B = "a2b" }
[[sources]]
kind = "http"
address = "https://example.org/a.zip"
members = ["a.pth"]
"""
WEIGHTS = f"""
[weights]
repo = "owner/name"
revision = "{"a" * 40}"
[weights.sha256]
"config.json" = "{"0" * 64}"
"A2B.safetensors" = "{"1" * 64}"
"""


def card(tmp_path: Path, text: str) -> Card:
    path = tmp_path / "a-model.toml"
    path.write_text(text, encoding="utf-8")
    return read_card(path)


def test_a_card_is_named_by_its_file(tmp_path: Path) -> None:
    found = card(tmp_path, GOOD + WEIGHTS)
    assert found.name == "a-model"
    assert found.licence == UNSTATED
    assert found.convert_command == "attn-i2i convert a.pth --as a-model"
    assert isinstance(found.weights, Weights)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("summary =", "sumary =", "'sumary'.* Did you mean 'summary'"),
        ("address =", "link =", "sources: no key is named 'link'"),
        ('task = "a2b"', "", "task is missing"),
        ('task = "a2b"', "task = 3", "task is 3"),
        ('directions = { A2B = "a2b" }', "directions = {}", "directions is {}"),
        ('members = ["a.pth"]', 'members = "a.pth"', "members is 'a.pth'"),
        ('members = ["a.pth"]', 'members = ["a.pth"]\nstate = "gone"', "state is 'gone'"),
        ('members = ["a.pth"]', 'members = ["a.pth"]\nsize = "4 GB"', "size is '4 GB'"),
        ('members = ["a.pth"]', "members = []\nmirror = 1", "mirror is 1"),
        ('members = ["a.pth"]', 'members = ["../a.pth"]', "leads elsewhere"),
        ('members = ["a.pth"]', 'sha256 = { "a.zip" = "abc" }\nevidence = "x"', "sha256 of a.zip is 'abc'"),
        ('members = ["a.pth"]', f'sha256 = {{ "a.zip" = "{"0" * 64}" }}', "evidence is missing"),
        ('members = ["a.pth"]', f'sha256 = {{ "b" = "{"0" * 64}" }}\nevidence = "x"', "none of its files"),
        ('members = ["a.pth"]', 'revision = "main"', "revision is 'main'"),
        ("[[sources]]", 'name = "another"\n[[sources]]', "another"),
        ('address = "https://example.org/a.zip"\n', "", "address is missing"),
        ("https://example.org/a.zip", "ftp://example.org/a.zip", "expected an address that starts with https"),
        ("https://example.org/a.zip", "https://me:secret@example.org/a.zip", "expected an address that starts with"),
        ("https://example.org/a.zip", "https://[::1/a.zip", "whose host or port is none"),
        ("https://example.org/a.zip", "https://example.org:99999/a.zip", "whose host or port is none"),
        ('kind = "http"', 'kind = "torrent"', "kind is 'torrent'"),
        ('kind = "http"', 'kind = "hub"', "expected owner/name"),
        ('kind = "http"\naddress = "https://example.org/a.zip"', 'kind = "zenodo"\naddress = "12"', "files is missing"),
        ("a" * 40, "main", "'main', expected a commit"),
        ("0" * 64, "0" * 63, "sha256 of config.json"),
        ('"A2B.safetensors" =', '"other" =', "sha256 of A2B.safetensors is missing"),
        ('repo = "owner/name"', "", "give repo and revision both"),
        ("summary", "summary = ", "cannot be read as a card"),
    ],
)
def test_a_wrong_card_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD + WEIGHTS
    with pytest.raises(ModelError, match=message) as caught:
        card(tmp_path, (GOOD + WEIGHTS).replace(old, new, 1))
    assert "\n" not in str(caught.value)


def test_a_card_says_how_to_get_its_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="needs sources or weights"):
        card(tmp_path, GOOD.partition("[[sources]]")[0])


@pytest.mark.parametrize("name", sorted(cards()))
def test_each_card_fits_the_code(name: str) -> None:
    one = cards()[name]
    assert one.architecture in zoo().generators
    small = {"width": 4} if "width" in one.config else {}
    with torch.device("meta"):  # of the network only its options and shapes matter here
        network = create(one.architecture, **{**one.config, **small})
    count = getattr(network, "domains", 0) or 0
    assert len(one.domains or ()) == count
    assert set(one.directions) <= ({"translate"} if count else {"A2B", "B2A"})
    assert one.paper.startswith("https://arxiv.org/abs/")
    assert one.licence
    assert one.data
    assert one.code.startswith("https://") or not one.sources
    check_name(name)


@pytest.mark.parametrize("name", sorted(cards()))
def test_nothing_is_claimed_that_cannot_be_had(name: str) -> None:
    """Either weights with a hash for every file, or the official file and a command that parses."""
    one = cards()[name]
    assert one.weights or one.sources
    for source in one.sources:
        program, command, *arguments = shlex.split(one.convert_line(source))
        parsed = typer.main.get_command(app).commands[command].make_context(program, arguments).params  # type: ignore[attr-defined]
        assert parsed["name"] == name
        assert [str(path) for path in parsed["sources"]] == list(source.takes)
    assert all(figure.source for figure in one.figures)
    assert all(source.note for source in one.sources if source.state != "unchecked")


def test_what_ships_is_whole() -> None:
    """Each model folder in the package has a card whose sums it meets."""
    for name in models_in(shipped_models()):
        card = get_card(name)
        assert card.weights is not None
        check_whole(shipped_models() / name, card.weights.sha256, "it ships damaged")


def test_names_and_aliases_are_unique() -> None:
    names = [name for one in cards().values() for name in (one.name, *one.aliases)]
    assert len(names) == len(set(names))


def test_the_published_models_have_cards() -> None:
    expected = {
        "ugatit-selfie2anime", "ugatit-selfie2anime-50", "attentiongan2-horse2zebra", "attentiongan2-apple2orange",
        "attentiongan1-celeba-128", "attentiongan1-rafd-256", "aggan-horse2zebra", "aggan-apple2orange",
        "cyclegan-horse2zebra", "stargan-celeba-128", "stargan-celeba-256", "stargan-rafd-256",
    }  # fmt: skip
    assert expected <= set(list_models())
    assert len(list_models("cyclegan-*")) == 32
    assert get_card("attentiongan2-maps").name == "attentiongan2-photo2map"
    assert get_card("aggan-horse2zebra").directions == {"A2B": "zebra2horse", "B2A": "horse2zebra"}
    assert get_card("attentiongan2-horse2zebra").directions["B2A"] == "zebra2horse"


def test_models_are_filtered() -> None:
    assert list_models("ugatit-*", task="selfie2anime") == ["ugatit-selfie2anime", "ugatit-selfie2anime-50"]
    restricted = list_models(licence="cc-by-nc*")
    assert restricted
    assert {get_card(name).architecture.partition("-")[0] for name in restricted} == {"attentiongan1", "attentiongan2"}
    assert list_models(architecture="stargan", installed=True) == []
    assert len(list_models(architecture="stargan", installed=False)) == 3
    assert list_models("nothing-*") == []


def test_an_unknown_name_gets_a_suggestion() -> None:
    assert find_card("ugatit-selfi2anime") is None
    with pytest.raises(UnknownNameError, match="Did you mean 'ugatit-selfie2anime'"):
        get_card("ugatit-selfi2anime")


@pytest.mark.parametrize(
    ("licence", "restricted"),
    [
        ("CC-BY-NC-SA-4.0", True),
        ("cc-by-nc-4.0", True),
        ("MIT", False),
        ("unstated", False),
        (None, False),
        ("ncsa", False),
    ],
)
def test_restricted_licences_are_told(licence: str | None, restricted: bool) -> None:
    assert is_restricted(licence) is restricted


@pytest.mark.parametrize("name", ["", ".hidden", "../up", "a/b", "a" * 97, "end.", "a b", "ü"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a model"):
        check_name(name)
    assert installed_folder(name) is None


def test_the_local_zoo_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path))
    (tmp_path / "mine").mkdir()
    (tmp_path / "not-a-model").mkdir()
    (tmp_path / "mine" / "config.json").write_text("{}")
    assert models_in(model_store()) == ["mine"]
    assert installed_folder("mine") == tmp_path / "mine"
    monkeypatch.delenv("ATTN_I2I_HOME")
    assert re.search("attn_i2i$", str(model_store()))


def test_cards_of_a_checkout_are_beside_the_package() -> None:
    assert (shipped_models() / "ugatit-selfie2anime.toml").is_file()
