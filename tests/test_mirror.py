"""Filling the Hub is one command: every card, from each kind of place, goes up and comes back by its name alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from attn_i2i.files import sha256
from attn_i2i.hub.mirror import Mirrored
from attn_i2i.hub.publish import Published
from attn_i2i.models.card import Card
from attn_i2i.models.cards import cards
from attn_i2i.models.source import Source

from .helpers.commands import Run
from .helpers.fakehub import FakeHub
from .helpers.fakesources import FakeSources
from .helpers.hub_worker import Worker
from .helpers.sources import CASES
from .helpers.stand_ins import served, written

SPACE = cards()["cyclegan-apple2orange"]
RUN = "tests.tools.source_transcripts:run"


@dataclass
class Stage:
    """Servers for all places, a folder of cards, and a process that mirrors."""

    hub: FakeHub
    places: FakeSources
    worker: Worker
    folder: Path

    def put(self, card: Card, *sources: Source, licence: str = "MIT", name: str | None = None) -> str:
        """A card of the folder whose sources are on loopback; its name."""
        path = self.folder / f"{name or card.name}.toml"
        path.write_text(written(card, [served(card, source, self.places, self.hub) for source in sources], licence))
        return path.stem

    def know(self) -> None:
        """Let the process know the cards as they are written now."""
        done = self.worker("tests.helpers.stand_ins:play", self.places.url, str(self.folder))
        assert not done.error, done.message

    def mirror(self, *names: str, to: str = "me") -> str:
        """What the command prints."""
        self.know()
        return self.worker(RUN, ["mirror", *names, "--to", to, "--cards", str(self.folder)]).value

    def load_afresh(self, name: str) -> list[str]:
        """Load a model by its name where nothing is stored; the paths of all requests."""
        self.know()
        self.worker.zoo = self.worker.home / f"fresh-{name}"
        before = len(self.places.requests), len(self.hub.requests)
        done = self.worker("attn_i2i:load", name, device="cpu", accept_license=True)
        assert not done.error, f"{name}: {done.message}"
        assert len(self.places.requests) == before[0], "no other place is asked"
        return [path for _, path in self.hub.requests[before[1] :]]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[FakeHub, FakeSources]]:
    with FakeHub(redirect=True) as hub, FakeSources() as places:
        yield hub, places


@pytest.fixture(scope="module")
def process(servers: tuple[FakeHub, FakeSources], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    hub, _ = servers
    worker = Worker(hub.url, tmp_path_factory.mktemp("mirror") / "home", ATTN_I2I_FETCH="", HF_TOKEN=hub.token)
    yield worker
    worker.close()


@pytest.fixture
def stage(servers: tuple[FakeHub, FakeSources], process: Worker, tmp_path: Path) -> Stage:
    process.zoo = tmp_path / "zoo"
    (tmp_path / "cards").mkdir()
    return Stage(*servers, process, tmp_path / "cards")


def sort(card: Card, source: Source) -> tuple[object, ...]:
    """Cards that are alike in this differ in names and words alone."""
    inside = len(source.members), bool(source.variables), bool(source.networks), source.pinned
    return source.kind, source.repo_type, inside, card.architecture, len(card.directions), bool(card.config.get("norm"))


EVERY = [(card, one) for card in cards().values() for one in card.sources if one.state != "manual"]
DISTINCT = list({sort(*each): each for each in EVERY}.values())
KINDS = sorted({(one.kind, one.repo_type) for _, one in EVERY})


@pytest.mark.parametrize(("kind", "holder"), KINDS, ids=map("-".join, KINDS))
def test_every_kind_of_card_goes_up_and_comes_back(stage: Stage, kind: str, holder: str) -> None:
    """In one command, as if all licences allowed it; of alike cards one, with ATTN_I2I_EVERY_CARD=1 all of them."""
    tried = EVERY if "ATTN_I2I_EVERY_CARD" in os.environ else DISTINCT
    names = [stage.put(card, one) for card, one in tried if (one.kind, one.repo_type) == (kind, holder)]
    before = len(stage.places.requests)
    told = stage.mirror(*names)
    assert "error" not in told, told
    assert not any("Authorization" in request.headers for request in stage.places.requests[before:])
    for name in names:
        commit = stage.hub.repos[f"me/{name}"].branches["main"]
        assert f"{name}: published as me/{name} at {commit}; " in told
        asked = stage.load_afresh(name)
        assert all(path.startswith((f"/me/{name}/resolve/{commit}/", "/elsewhere/")) for path in asked)
    assert not stage.hub.leaked


def test_what_is_published_says_what_its_card_knows(stage: Stage) -> None:
    name = stage.put(SPACE, SPACE.sources[0], name="described")
    stage.mirror(name)
    readme = stage.hub.files(f"me/{name}")["README.md"].decode()
    assert f'load("hf-hub:me/{name}")' in readme
    assert SPACE.summary in readme


def test_what_is_there_already_is_not_published_again(stage: Stage) -> None:
    name = stage.put(SPACE, SPACE.sources[0], name="twice")
    first = stage.mirror(name)
    card = (stage.folder / f"{name}.toml").read_text()
    assert "published as" in first
    again = stage.mirror(name)
    assert f"{name}: is already me/{name} at {stage.hub.repos[f'me/{name}'].branches['main']}" in again
    assert (stage.folder / f"{name}.toml").read_text() == card
    assert stage.hub.count("POST", f"/api/models/me/{name}/commit/") == 1
    assert "published as acme/twice" in stage.mirror(name, to="acme")
    assert f'repo = "acme/{name}"' in (stage.folder / f"{name}.toml").read_text()
    assert all(path.startswith(("/acme/twice/", "/elsewhere/")) for path in stage.load_afresh(name))


def test_one_failure_stops_no_other(stage: Stage) -> None:
    """The last line names all that failed; what broke off is gone on with by the same command."""
    names = [stage.put(SPACE, SPACE.sources[0], name=name) for name in ("first", "second", "third")]
    stage.put(SPACE, SPACE.sources[0], name="forbidden", licence="unstated")
    stage.hub.fault("/me/first/commit/", 500, times=9, methods="POST")
    stage.hub.fault("/me/second/preupload/", 403, times=9, methods="POST")
    told = stage.mirror(*names, "forbidden")
    assert "first: left out: me/first: the Hub is out of order (500)" in told
    assert "second: left out: me/second: the Hub refused access (403)" in told
    assert "third: published as me/third" in told
    assert "forbidden: left out: nobody says under what licence" in told
    assert told.endswith("error: 3 of 4 not mirrored: first, second, forbidden\n# exit code 1\n")
    assert "[weights]" not in (stage.folder / "first.toml").read_text()
    assert "me/forbidden" not in stage.hub.repos
    stage.hub.forget_faults()
    asked = len(stage.places.requests)
    told = stage.mirror(*names)
    assert [line.partition(" me/")[0] for line in told.splitlines()] == [
        "first: published as", "second: published as", "third: is already",
    ]  # fmt: skip
    assert len(stage.places.requests) == asked, "what was fetched once is not fetched again"


def test_a_licence_that_restricts_is_asked_about(stage: Stage) -> None:
    name = stage.put(SPACE, SPACE.sources[0], name="restricted", licence="CC-BY-NC-SA-4.0")
    told = stage.mirror(name)
    assert "restricted is under CC-BY-NC-SA-4.0. " in told
    assert "Accept it with --accept-license" in told
    assert "me/restricted" not in stage.hub.repos
    assert "published as" in stage.mirror(name, "--accept-license")
    assert b"license: cc-by-nc-sa-4.0" in stage.hub.files("me/restricted")["README.md"]
    told = stage.mirror(name)
    assert "is already" in told, "an answer is remembered"


def test_what_only_a_person_can_fetch_goes_up_once_it_is_converted(stage: Stage, tmp_path: Path) -> None:
    card, name = cards()["attentiongan2-horse2zebra"], "by-hand"
    (stage.folder / f"{name}.toml").write_text(written(card, list(card.sources), "MIT"))
    assert f"left out: {name}: links to its file are broken; " in stage.mirror(name)
    files = {"G_A": tmp_path / "latest_net_G_A.pth", "G_B": tmp_path / "latest_net_G_B.pth"}
    for path in files.values():
        path.write_bytes((CASES / "attentiongan_scheme2" / "latest_net_G_A.pth").read_bytes())
    stage.worker(RUN, ["convert", str(files["G_A"]), "--as", name])
    assert f"left out: the file holds A2B, but the card of {name} A2B, B2A" in stage.mirror(name)
    assert f"me/{name}" not in stage.hub.repos
    stage.worker(RUN, ["convert", *map(str, files.values()), "--as", name, "--force"])
    assert f"published as me/{name}" in stage.mirror(name)
    stage.load_afresh(name)


def test_other_files_than_the_cards_do_not_go_up_under_its_name(stage: Stage) -> None:
    card = cards()["cyclegan-style_ukiyoe"]
    name = stage.put(card, card.sources[0], name="other-files")
    assert "published as" in stage.mirror(name)
    other = CASES / "cyclegan" / "latest_net_G_A.pth"
    stage.worker(RUN, ["convert", str(other), "--as", name, "--force"])
    told = stage.mirror(name, to="acme")
    assert f"was made from {other.name} with the SHA-256 {sha256(other)[:12]}..., but the card of {name} tells" in told
    assert f"acme/{name}" not in stage.hub.repos


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"token": None}, "Publishing to me needs a token that may write: log in with hf auth login (or set HF_TOKEN)"),
        ({"token": "wrong"}, "me: the Hub refused access (401): log in with hf auth login"),
        ({"role": "read"}, "The token of tester may only read: make one that may write, then log in"),
        ({"owners": ["acme"]}, "The token of tester may not write for me: it may for tester, acme"),
        ({"offline": "1"}, "Nothing can be published to me: HF_HUB_OFFLINE forbids it"),
    ],
    ids=str,
)
def test_who_may_not_publish_is_told_before_anything_is_fetched(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], told: str
) -> None:
    name = stage.put(SPACE, SPACE.sources[0], name="unwritten")
    stage.know()
    for field in change.keys() & {"role", "owners"}:
        monkeypatch.setattr(stage.hub, field, change[field])
    before = len(stage.hub.requests)
    answer = stage.worker("tests.helpers.stand_ins:as_somebody_else", change, ["mirror", name, "--to", "me"]).value
    assert answer.startswith(f"error: {told}")
    assert answer.endswith("# exit code 1\n")
    assert {path for _, path in stage.hub.requests[before:]} <= {"/api/whoami-v2"}


def test_a_name_or_a_card_that_is_not_there_is_bad_usage(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    for arguments, told in (
        (["cyclegan-hors2zebra"], "Did you mean 'cyclegan-horse2zebra'"),
        (["cyclegan-flat2clay", "--cards", "cards"], "does not exist: give the folder that holds the cards"),
    ):
        code, out, err = run("mirror", "cyclegan-horse2zebra", *arguments, "--to", "me")
        assert (code, out) == (2, "")
        assert told in err
    code, _, err = run("mirror", "cyclegan-flat2clay", "--to", "me/you")
    assert code == 1
    assert "expected owner/name" in err


def test_what_was_not_reached_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(names: list[str], *_: object, **__: object) -> Iterator[tuple[str, Mirrored]]:
        yield names[0], Mirrored(Published("me/x", "a" * 40, {}), "published as me/x")
        raise KeyboardInterrupt

    monkeypatch.setattr("attn_i2i.hub.mirror.mirror_models", stopped)
    code, out, err = run("mirror", "cyclegan-flat2clay", "ugatit-flat2clay", "aggan-flat2clay", "--to", "me")
    assert code == 130
    assert "cyclegan-flat2clay: published as me/x" in out
    assert "stopped before: ugatit-flat2clay, aggan-flat2clay." in err
