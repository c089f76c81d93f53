"""What a served page does, without a browser: pictures, queue, settings, archive, and what it does not tell."""

from __future__ import annotations

import io
import json
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from attn_i2i.hub.sources.progress import shown_progress
from attn_i2i.images import read_image, write_picture
from attn_i2i.images.ranges import Range
from attn_i2i.models.checksums import read_sums, write_sums
from attn_i2i.serve import serve
from attn_i2i.serve.bundle import bundle
from attn_i2i.serve.desk import Desk
from attn_i2i.serve.limits import BusyError, Limits
from attn_i2i.serve.session import NoSessionError, Session, Sessions, Wish
from attn_i2i.serve.shelf import Shelf
from attn_i2i.serve.views import draw, part_names
from attn_i2i.translate.compositing import recompose
from attn_i2i.translate.options import Options
from attn_i2i.types import AttnI2IError, ConfigError, ModelError, UnknownNameError, UnreadableFileError

from .helpers.serving import SmallShelf, png, settled
from .helpers.translators import Brighten, Negative, noise, translator


@pytest.fixture
def desk() -> Desk:
    return Desk(SmallShelf(), Limits(waiting=2))


def visit(desk: Desk, picture: np.ndarray, *models: str) -> Session:
    """A page that has its picture translated by each of ``models``."""
    session = desk.sessions.new()
    desk.take_picture(session, png(picture), "a.png")
    for number, model in enumerate(models):
        desk.translate(session, number, Wish(model))
    return session


HALF = np.zeros((12, 16), np.float32)
HALF[3:9] = 1.0
CALLS = [
    (Brighten(), {}, None),
    (Brighten(), {"strength": 0.3, "threshold": 0.9}, None),
    (Brighten(), {"keep_background": True, "strength": 0.5}, HALF),
    (Negative(), {"keep_background": True}, HALF),
]


@pytest.mark.parametrize(("network", "options", "mask"), CALLS)
@pytest.mark.parametrize("deep", [False, True])
def test_a_result_composed_again_is_that_of_a_new_call(
    network: object, options: dict, mask: object, deep: bool
) -> None:
    translate = translator(network)  # type: ignore[arg-type]
    picture = noise().astype(np.uint16) * 257 if deep else noise()
    fresh = translate(picture, mask=mask, **options)
    limit = None if mask is None else torch.from_numpy(HALF)[None]
    again = recompose(translate(picture), limit, Options(**options))
    for name in ("image", "mask", "limit", "kept", "foreground"):
        one, other = getattr(fresh, name), getattr(again, name)
        assert (one is None and other is None) or torch.equal(one, other), name
    assert (again.picture().numbers() == fresh.picture().numbers()).all()


def test_settings_and_masks_act_without_the_network(desk: Desk) -> None:
    session = visit(desk, noise(), "brighten")
    assert settled(desk, session)[0]["state"] == "done"
    calls = len(desk.shelf.brighten.batches)  # type: ignore[attr-defined]
    whole = desk.composed(session, 0, Options())
    session.set_mask(png((HALF * 255).astype(np.uint8)), 10**6)
    part = desk.composed(session, 0, Options(0.5, keep_background=True))
    assert torch.equal(part.image[:, :3], part.source[:, :3])
    assert not torch.equal(part.image[:, 3:9, :8], part.source[:, 3:9, :8])
    assert all(draw(part, name).size == (16, 12) for name in part_names(part))
    session.set_mask(png(np.zeros((12, 16), np.uint8)), 10**6)
    assert torch.equal(desk.composed(session, 0, Options()).image, whole.image)
    assert len(desk.shelf.brighten.batches) == calls  # type: ignore[attr-defined]


def test_a_model_sees_the_range_that_it_was_trained_on(desk: Desk, tmp_path: Path) -> None:
    model = desk.shelf.networks["negative"]  # type: ignore[attr-defined]
    model.range, model.generator.channels = Range(100, 300), 1
    numbers = np.linspace(100, 300, 192).astype(np.uint16).reshape(12, 16)
    session = visit(desk, numbers, "negative")
    assert settled(desk, session)[0]["state"] == "done"
    path = desk.composed(session, 0, Options()).save(tmp_path / "out.png")
    assert np.array_equal(np.asarray(Image.open(path)), 400 - numbers)


def test_a_network_without_masks_beside_one_with_them_stays_whole(desk: Desk) -> None:
    session = visit(desk, noise(), "brighten", "negative")
    first, second = settled(desk, session)
    assert (first["masks"], second["masks"]) == (True, False)
    kept, whole = (desk.composed(session, number, Options(keep_background=True)) for number in (0, 1))
    assert torch.equal(kept.image[..., 8:], kept.source[..., 8:])
    assert torch.allclose(whole.image, 1 - whole.source)
    about = json.loads(
        zipfile.ZipFile(io.BytesIO(bundle(desk, session, Options(keep_background=True)))).read("settings.json")
    )
    assert [model["composited"] for model in about["models"].values()] == [True, False]


def test_a_new_picture_drops_what_is_computed_for_the_old_one(desk: Desk) -> None:
    desk.shelf.gate.clear()  # type: ignore[attr-defined]
    session = visit(desk, noise(), "negative")
    black = np.zeros((8, 8, 3), np.uint8)
    desk.take_picture(session, png(black), "black.png")
    desk.translate(session, 0, Wish("negative"))
    desk.shelf.gate.set()  # type: ignore[attr-defined]
    settled(desk, session)
    assert desk.composed(session, 0, Options()).image.eq(1).all()
    assert desk.composed(session, 0, Options()).name == "black.png"


def test_two_pages_never_see_each_other(desk: Desk) -> None:
    desk.shelf.gate.clear()  # type: ignore[attr-defined]
    pictures = [np.full((8, 8, 3), value, np.uint8) for value in (10, 200)]
    sessions = [visit(desk, picture, "negative") for picture in pictures]
    assert desk.ahead(sessions[1].slots[0]) == 1
    desk.shelf.gate.set()  # type: ignore[attr-defined]
    for session, picture in zip(sessions, pictures, strict=True):
        settled(desk, session)
        assert (np.asarray(desk.composed(session, 0, Options()).pil()) == 255 - picture).all()
    assert sessions[0].token != sessions[1].token


def test_the_queue_is_bounded_and_a_page_takes_one_place_a_slot(desk: Desk) -> None:
    desk.shelf.gate.clear()  # type: ignore[attr-defined]
    first = visit(desk, noise(), "negative")
    for _ in range(5):
        desk.translate(first, 0, Wish("brighten"))
    second = visit(desk, noise(), "negative")
    with pytest.raises(BusyError, match="2 translations wait already"):
        visit(desk, noise(), "negative")
    desk.shelf.gate.set()  # type: ignore[attr-defined]
    assert settled(desk, first)[0]["model"] == "brighten"
    assert settled(desk, second)[0]["state"] == "done"


def test_pages_are_forgotten_when_there_are_too_many_or_they_keep_too_much() -> None:
    sessions = Sessions(Limits(sessions=2, kept_bytes=3000))
    tokens = [sessions.new().token for _ in range(3)]
    with pytest.raises(NoSessionError, match="idle for too long"):
        sessions.get(tokens[0])
    desk = Desk(SmallShelf(), Limits(kept_bytes=3000))
    old = visit(desk, noise())
    new = visit(desk, noise())  # each keeps 12 * 16 * 3 floats, 2304 bytes
    assert desk.sessions.get(new.token) is new
    with pytest.raises(NoSessionError):
        desk.sessions.get(old.token)
    idle = Sessions(Limits(idle_seconds=1e-6))
    token = idle.new().token
    time.sleep(0.001)
    idle.new()
    with pytest.raises(NoSessionError):
        idle.get(token)


def test_a_fetch_says_how_far_it_is_and_a_failure_what_to_do(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def bring(wish: Wish) -> None:
        with shown_progress("model") as report:
            report(3, 12)
        raise AttnI2IError(f"{Path.home()}/store/net.pth is damaged.")

    monkeypatch.setattr(desk.shelf, "bring", bring)
    session = visit(desk, noise(), "negative")
    (slot, _) = settled(desk, session)
    assert (slot["state"], slot["done"], slot["total"]) == ("failed", 3, 12)
    assert slot["message"] == "…/net.pth is damaged."


def test_what_may_be_agreed_to_is_asked() -> None:
    desk = Desk(Shelf(), Limits())
    session = visit(desk, noise(), "cyclegan-horse2zebra", "attentiongan2-horse2zebra")
    first, second = settled(desk, session)
    assert (first["asks"], second["asks"]) == ("fetch", "licence")
    closed = Desk(Shelf(open_hand=False), Limits())
    session = visit(closed, noise(), "cyclegan-horse2zebra")
    slot = settled(closed, session)[0]
    assert slot["asks"] == ""
    assert "this page fetches nothing for its users" in slot["message"]


def test_models_go_by_name_and_no_path_is_one(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)
    for name in ("/etc", str(model), model.name, "..", "", "hf-hub:../x", "hf-hub:a", "attentiongan2-flat2cla"):
        with pytest.raises(UnknownNameError, match="No model is named"):
            Shelf().resolve(name)
    assert Shelf().resolve("hf-hub:acme/model@main") == "hf-hub:acme/model@main"
    offered = Shelf([str(model)])
    assert offered.resolve(model.name) == str(model)
    (row,) = offered.rows()
    assert (row["name"], row["here"], row["where"]) == (model.name, True, "here")
    assert str(model.parent) not in json.dumps(row)
    with pytest.raises(UnknownNameError):
        offered.resolve("attentiongan2-flat2clay")
    with pytest.raises(ConfigError, match="have one name"):
        Shelf([str(model), str(model)])
    with pytest.raises(AttnI2IError):
        Shelf(["no-such-model"]).rows()
    with pytest.raises(ModelError, match=r"nobody has its weights \(attn-i2i show attentiongan2-apple2orange\)"):
        Shelf(["attentiongan2-apple2orange"]).rows()


def test_a_model_folder_is_served_and_its_origin_told(model: Path) -> None:
    desk = Desk(Shelf([str(model)]), Limits())
    session = visit(desk, noise(), model.name)
    assert settled(desk, session)[0]["state"] == "done"
    archive = zipfile.ZipFile(io.BytesIO(bundle(desk, session, Options(0.5))))
    folder = f"1-{model.name}"
    expected = {"output-a", "input", "mask", "overlay", "background", "mask-1", "mask-2", "content-1", "content-2"}
    names = {Path(name).stem for name in archive.namelist() if name.startswith(f"{folder}/")}
    assert names == expected
    about = json.loads(archive.read("settings.json"))
    assert about["settings"]["strength"] == 0.5
    assert about["models"][folder]["architecture"] == "attentiongan2"
    assert about["models"][folder]["config"]["masks"] == 3
    assert str(model.parent) not in archive.read("settings.json").decode()


def test_a_page_tells_of_the_network_that_made_the_picture_not_of_a_later_one(model: Path, tmp_path: Path) -> None:
    model = shutil.copytree(model, tmp_path / "model")
    write_sums(model)
    shelf, wish = Shelf([str(model)]), Wish(model.name)
    sums, translator = read_sums(model, "convert it again"), shelf.load(wish)
    write_sums(model, dict.fromkeys(sums, "0" * 64))
    assert shelf.provenance(wish, shelf.load(wish))["sha256"] == sums
    assert shelf.load(wish) is translator


def test_the_archive_holds_the_output_with_its_depth_and_no_path(desk: Desk, tmp_path: Path) -> None:
    session = desk.sessions.new()
    numbers = noise().astype(np.uint16) * 251
    write_picture(read_image(numbers), tmp_path / "deep.png")
    desk.take_picture(session, (tmp_path / "deep.png").read_bytes(), "deep.png")
    desk.translate(session, 1, Wish("brighten"))
    settled(desk, session)
    session.set_mask(png((HALF * 255).astype(np.uint8)), 10**6)
    archive = zipfile.ZipFile(io.BytesIO(bundle(desk, session, Options(keep_background=True))))
    output = read_image(archive.read("2-brighten/output-deep.png"))
    assert output.dtype == np.uint16
    assert (np.moveaxis(output.numbers(), 0, -1)[:, 8:] == numbers[:, 8:]).all()
    with Image.open(io.BytesIO(archive.read("painted-mask.png"))) as mask:
        assert (np.asarray(mask) == HALF * 255).all()
    text = archive.read("settings.json").decode()
    assert "/home" not in text
    assert "latest_net_G_A.pth" in text
    with pytest.raises(ConfigError, match="no translation to download"):
        bundle(desk, desk.sessions.new(), Options())


def test_uploads_are_read_within_the_limits() -> None:
    desk = Desk(SmallShelf(), Limits(pixels=150))
    session = desk.sessions.new()
    with pytest.raises(UnreadableFileError, match=r"big.png has 16x12 pixels, more than the limit"):
        desk.take_picture(session, png(noise()), "big.png")
    for content in (b"", b"no picture", png(noise(8, 8))[:60]):
        with pytest.raises(UnreadableFileError, match=r"x\.png"):
            desk.take_picture(session, content, "x.png")
    with pytest.raises(ConfigError, match="There is no picture yet"):
        desk.translate(session, 0, Wish("negative"))
    stream = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), (value, 0, 0)) for value in (0, 90)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    desk.take_picture(session, stream.getvalue(), "moving.gif")
    assert desk.state(session)["picture"]["note"] == "It has 2 frames: the first is shown."
    with pytest.raises(UnreadableFileError, match="more than the limit"):
        session.set_mask(png(noise()), 150)


def test_a_device_that_is_not_here_is_told_before_the_page_opens() -> None:
    with pytest.raises(ConfigError, match="'warp' cannot be used here"):
        serve(device="warp", ready=lambda address: pytest.fail(address))
