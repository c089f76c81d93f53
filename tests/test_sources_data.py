"""Data sets by name, models onto the Hub in one command, and which sources answer."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from attn_i2i import hookimpl
from attn_i2i.files import TargetExistsError
from attn_i2i.hub.mirror import write_weights
from attn_i2i.hub.publish import Published
from attn_i2i.hub.sources import FetchError
from attn_i2i.hub.sources.data import fetch_data
from attn_i2i.hub.sources.live import ask_all
from attn_i2i.models.cards import get_card
from attn_i2i.models.dataset import DataSet, datasets, get_dataset, read_dataset
from attn_i2i.models.places import installed_folder, shipped_models
from attn_i2i.plugins import PluginWarning, manager, zoo
from attn_i2i.registry import Zoo
from attn_i2i.testing import check_plugin
from attn_i2i.types import ModelError, UnknownNameError

from .helpers.archives import tarred, zipped
from .helpers.commands import Run, picture
from .helpers.fakehub import FakeHub
from .helpers.fakesources import CAPTIVE, FakeSources
from .helpers.hub_worker import Worker
from .helpers.sources import CHECKPOINT, card, digest, litter, source


@pytest.fixture
def photo(tmp_path: Path) -> bytes:
    return picture(tmp_path / "photo.png").read_bytes()


def data_set(places: FakeSources, body: bytes, **options: object) -> DataSet:
    one = source("http", places.put("/set.zip", body), sums={"set.zip": body})
    return DataSet("set", "A set", sources=(one,), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_data_set_becomes_the_folders_that_training_reads(
    places: FakeSources, photo: bytes, tmp_path: Path, pack: object
) -> None:
    files = {f"set/{folder}/{n}.png": photo for folder in ("trainA", "trainB", "testA", "testB") for n in range(2)}
    body = pack({**files, "set/readme.txt": b"x", "__MACOSX/set/trainA/._0.png": b"x", "set/valA/9.png": photo})  # type: ignore[operator]
    counts = fetch_data(data_set(places, body), tmp_path / "deep" / "data")
    assert counts == {"trainA": 2, "trainB": 2, "testA": 2, "testB": 2}
    written = sorted(str(p.relative_to(tmp_path / "deep" / "data")) for p in (tmp_path / "deep").rglob("*.*"))
    assert written == sorted(name.removeprefix("set/") for name in files)
    assert litter() == []
    with pytest.raises(TargetExistsError, match="exists already"):
        fetch_data(data_set(places, body), tmp_path / "deep" / "data")
    fetch_data(data_set(places, body), tmp_path / "deep" / "data", force=True)


def test_only_a_data_set_is_replaced(places: FakeSources, photo: bytes, tmp_path: Path) -> None:
    one = data_set(places, zipped({"trainA/1.png": photo}), folders={"trainA": "trainA"})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(TargetExistsError, match=r"holds thesis.txt too, so force=True does not replace it"):
        fetch_data(one, tmp_path / "mine", force=True)
    with pytest.raises(TargetExistsError, match="is a file"):
        fetch_data(one, tmp_path / "mine" / "thesis.txt", force=True)
    assert places.requests == []


def test_a_plugin_brings_a_data_set(places: FakeSources, photo: bytes, tmp_path: Path) -> None:
    body = zipped({"cats/1.png": photo, "dogs/1.png": photo})
    path = tmp_path / "cats2dogs.toml"
    path.write_text(
        f'''summary = "Cats and dogs"
folders = {{ cats = "trainA", dogs = "trainB" }}
[[sources]]
kind = "http"
address = "{places.put("/cats2dogs.zip", body)}"
sha256 = {{ "cats2dogs.zip" = "{digest(body)}" }}
evidence = "a test"'''
    )

    def register_components(zoo: Zoo) -> None:
        zoo.datasets.add("cats2dogs", path)
        zoo.datasets.add("wrong-name", path)

    plugin = SimpleNamespace(register_components=hookimpl(register_components))
    manager().register(plugin, "pets")
    try:
        problems = {part.name: part.problem for part in check_plugin(manager(), "pets")}
        assert problems["cats2dogs"] is None
        assert "names itself 'cats2dogs'" in str(problems["wrong-name"])
        with pytest.warns(PluginWarning, match="The data set 'wrong-name' of plugin 'pets' is left out"):
            assert "cats2dogs" in datasets()
        with pytest.warns(PluginWarning):
            fetch_data(get_dataset("cats2dogs"), tmp_path / "pets")
        assert (tmp_path / "pets" / "trainB" / "1.png").read_bytes() == photo
    finally:
        manager().unregister(name="pets")
    with pytest.raises(UnknownNameError):
        get_dataset("cats2dogs")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"trainA/1.png": b"x"}, "no pictures for trainB"),
        ({"a/trainA/1.png": b"x", "b/trainA/1.png": b"y"}, "two pictures of one name"),
        ({"readme": b"x"}, "no pictures for trainA"),
        ({"trainA/1.png": bytes(2**22), "trainB/1.png": b"x"}, "it is no archive of weights or pictures"),
    ],
)
def test_an_archive_without_the_pictures_leaves_nothing(
    places: FakeSources, tmp_path: Path, files: dict[str, bytes], told: str
) -> None:
    one = data_set(places, zipped(files), folders={"trainA": "trainA", "trainB": "trainB"})
    with pytest.raises(FetchError, match=told):
        fetch_data(one, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_what_a_program_cannot_have_says_how_a_person_can(run: Run, tmp_path: Path) -> None:
    code, _, err = run("data", "fetch", "rafd", "faces")
    assert code == 1
    assert "train/surprised" in err
    code, _, err = run("data", "fetch", "horse2zebra", "data")
    assert code == 1
    assert "--sha256 DIGITS" in err
    assert "cyclegan/datasets/horse2zebra.zip" in err
    assert run("data", "fetch", "horse2zebra", "data", "--sha256", "12")[0] == 2
    assert "selfies and anime faces" in run("data", "fetch", "selfie2anime", "data", "--dry-run")[1]
    assert "left out (plain http and no hash known" in run("data", "fetch", "maps", "data", "--dry-run")[1]
    assert not (tmp_path / "data").exists()
    with pytest.raises(UnknownNameError, match="Did you mean 'horse2zebra'"):
        get_dataset("horse2zebr")


def test_every_data_set_is_listed(run: Run) -> None:
    lines = run("data", "list")[1].splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(datasets())
    assert {"horse2zebra", "maps", "selfie2anime", "celeba", "rafd", "ar-face"} <= set(datasets())
    assert get_dataset("selfie2anime").sources[0].pinned


def test_a_wrong_description_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    for text, told in (
        ('summary = "x"', "it needs sources, or ask"),
        ("sumary = 1", "needs sources"),
        ("=", "cannot be read"),
    ):
        path.write_text(text)
        with pytest.raises(ModelError, match=told):
            read_dataset(path)


def test_live_tells_which_sources_answer_and_when_they_last_did(places: FakeSources, run: Run) -> None:
    good = source("http", places.put("/net.pth", CHECKPOINT), sums={"net.pth": CHECKPOINT})
    page = source("dropbox", places.put("/page.pth", CAPTIVE.encode()))
    gone = source("zenodo", "404", files=("x.zip",))
    dead = source("http", f"{places.url}/dead.zip", state="dead")
    one = card(good, page, gone, dead)
    told = [str(answer) for answer in ask_all(one.sources)]
    assert told[0] == "web: answers"
    assert "Dropbox: never answered here (instead of the file came the page of a captive portal" in told[1]
    assert "Zenodo: never answered here" in told[2]
    assert "(404)" in told[2]
    assert told[3] == "web: never answered here (dead)"
    assert places.count("/dead") == 0
    places.files["/net.pth"].status = 503
    assert "web: last answered 20" in str(ask_all([good])[0])
    zoo().cards.add(one.name, one)
    (row,) = json.loads(run("list", one.name, "--live", "--json")[1])
    assert "out of order (503)" in row["sources"]


def test_live_asks_nobody_where_fetching_is_forbidden(places: FakeSources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_I2I_FETCH", "never")
    assert "never answered here" in str(ask_all([source("http", places.put("/a.pth", b"x"))])[0])
    assert places.requests == []


CARD = """# A comment that stays.
summary = "A model"
architecture = "cyclegan"
task = "a2b"
directions = { A2B = "a2b" }

[weights]
sha256 = { "A2B.safetensors" = "OLD", "config.json" = "OLD" }

[[figures]]
measure = "FID"
value = "1"
source = "[weights]"
""".replace("OLD", "0" * 64)


def test_a_cards_weights_are_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "a-model.toml"
    path.write_text(CARD)
    sums = {"A2B.safetensors": "1" * 64, "config.json": "2" * 64}
    read = write_weights(path, Published("me/a-model", "a" * 40, sums))
    assert read.weights is not None
    assert (read.weights.repo, dict(read.weights.sha256)) == ("me/a-model", sums)
    assert read.figures[0].source == "[weights]"
    first = path.read_text()
    assert first.startswith("# A comment that stays.")
    write_weights(path, Published("me/a-model", "a" * 40, sums))
    assert path.read_text() == first
    with pytest.raises(ModelError, match=r"sha256 of A2B.safetensors is missing"):
        write_weights(path, Published("me/a-model", "a" * 40, {"config.json": "2" * 64}))
    assert path.read_text() == first


def test_every_card_is_mirrored_or_left_out_with_a_reason(tmp_path: Path) -> None:
    """What ships goes up and its card says where; of the others nobody may hand the weights on, or nobody has them."""
    folder = tmp_path / "cards"
    folder.mkdir()
    for path in shipped_models().glob("*.toml"):
        (folder / path.name).write_bytes(path.read_bytes())
    with FakeHub() as hub:
        worker = Worker(hub.url, tmp_path / "home", HF_TOKEN=hub.token)
        try:
            for name in sorted(path.stem for path in folder.glob("*.toml")):
                done = worker("tests.helpers.sources:mirrored", name, str(folder))
                assert not done.error, f"{name}: {done.message}"
                one = get_card(name)
                if installed_folder(name):
                    assert f"published as me/{name} at {hub.repos[f'me/{name}'].branches['main']}" in done.value
                    assert f"me/{name}" in (folder / f"{name}.toml").read_text()
                else:
                    assert done.value.startswith("left out: ")
                    assert (f"me/{name}" in hub.repos) is False
                    assert ("nobody says under what licence" in done.value) == (one.licence == "unstated")
        finally:
            worker.close()
