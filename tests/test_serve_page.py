"""The served page in a browser: one Chromium for all, which reaches nothing but the page's own server."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from attn_i2i.models.places import shipped_models
from attn_i2i.serve.limits import Limits
from attn_i2i.translate.demo import Sample

from .helpers.browser import until, window_of
from .helpers.serving import SmallShelf, png, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIDE = 32


@pytest.fixture(scope="module")
def shelf() -> SmallShelf:
    return SmallShelf()


@pytest.fixture(scope="module")
def address(shelf: SmallShelf) -> Iterator[str]:
    with served(shelf, Limits(upload_bytes=60_000)) as url:
        yield f"{url}/"


def upload(window: Page, content: bytes, name: str = "flat.png") -> None:
    until(window, "models.length > 0")
    window.locator("#file").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})


def shown(window: Page, value: int) -> None:
    """Upload a flat grey picture and wait until the page has it."""
    upload(window, png(np.full((SIDE, SIDE, 3), value, np.uint8)))
    until(window, "state?.picture && document.getElementById('about').textContent.includes('flat.png')")


def translated(window: Page, value: int, *models: str) -> None:
    """Upload a flat grey picture and translate it by each model."""
    shown(window, value)
    for number, model in enumerate(models):
        window.locator(".name").nth(number).fill(model)
    window.locator("#go").click()
    until(window, f"state.slots.filter(slot => slot.state === 'done').length === {len(models)}")
    until(window, "drawn === wanted && !drawing")


def middle(window: Page, which: str, x: float = 0.5, y: float = 0.5) -> int:
    """The red of a pixel of a shown picture, at this share of its width and height."""
    until(window, "drawn === wanted && !drawing")
    return window.evaluate(
        """([id, x, y]) => {
            const image = document.querySelectorAll("#wipe img")[id === "left" ? 0 : 1];
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            return context.getImageData(x * canvas.width, y * canvas.height, 1, 1).data[0];
        }""",
        [which, x, y],
    )


def test_upload_two_models_settings_brush_wipe_and_download(
    browser: Browser, address: str, shelf: SmallShelf, tmp_path: Path
) -> None:
    with window_of(browser, address) as window:
        translated(window, 40, "negative", "brighten")
        calls = len(shelf.brighten.batches)
        assert (middle(window, "left"), middle(window, "right", 0.9)) == (215, 40)
        assert window.locator(".parts button").count() == 1 + 9
        window.locator(".parts button", has_text="mask 1").click()
        assert middle(window, "right", 0.1) == 191
        window.locator("#right").select_option("1/output")

        window.locator("#strength").fill("0.5")
        until(window, "drawn === wanted && !drawing")
        assert abs(middle(window, "left") - 127) <= 1
        window.locator("#keep").check()
        assert "This network has no mask" in window.locator(".state").first.inner_text()
        window.locator("#wipe-at").fill("25")
        assert window.evaluate("document.getElementById('wipe').style.getPropertyValue('--at')") == "25%"

        paint(window)
        assert abs(middle(window, "left", 0.5, 0.25) - 127) <= 1
        assert middle(window, "left", 0.5, 0.9) == 40
        assert len(shelf.brighten.batches) == calls

        with window.expect_download() as download:
            window.locator("#download").click()
        assert download.value.suggested_filename == "flat-translated.zip"
        download.value.save_as(tmp_path / "all.zip")
        assert window.evaluate("document.documentElement.scrollWidth") <= 1280
    assert_holds_all(zipfile.ZipFile(tmp_path / "all.zip"))


def paint(window: Page) -> None:
    """A stroke of the brush across the upper half of the picture."""
    window.locator("#paint").click()
    window.locator("#size").fill("60")
    window.locator("#canvas").scroll_into_view_if_needed()
    box = window.locator("#canvas").bounding_box()
    assert box is not None
    window.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25)
    window.mouse.down()
    window.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25, steps=4)
    window.mouse.up()
    until(window, "state.mask")


def assert_holds_all(archive: zipfile.ZipFile) -> None:
    """The parts of both models, the painted mask, and the settings that the page was left at."""
    assert {name.split("/")[0] for name in archive.namelist()} == {
        *("1-negative", "2-brighten", "painted-mask.png", "settings.json"),
    }
    with Image.open(io.BytesIO(archive.read("1-negative/output-flat.png"))) as output:
        assert abs(output.getpixel((SIDE // 2, SIDE // 4))[0] - 127) <= 1
    assert json.loads(archive.read("settings.json"))["settings"] == {
        "strength": 0.5,
        "threshold": None,
        "keep_background": True,
        "size": "fit",
        "tile": "auto",
        "max_side": None,
        "color": False,
        "painted_mask": True,
    }


def test_two_people_at_once_see_their_own(browser: Browser, address: str) -> None:
    with window_of(browser, address) as first, window_of(browser, address) as second:
        for window, value in ((first, 10), (second, 250)):
            upload(window, png(np.full((SIDE, SIDE, 3), value, np.uint8)))
            until(window, "state?.picture")
            window.locator(".name").first.fill("negative")
        for window in (first, second):
            window.locator("#go").click()
        for window, value in ((first, 245), (second, 5)):
            until(window, "state.slots[0].state === 'done'")
            assert middle(window, "right") == value
        first.locator("#strength").fill("0")
        assert (middle(first, "right"), middle(second, "right")) == (10, 5)


def test_a_forgotten_page_sends_its_picture_again(browser: Browser, address: str) -> None:
    with window_of(browser, address, expected="a status of 410") as window:
        translated(window, 40, "negative")
        window.evaluate("token = 'forgotten'")
        window.locator("#go").click()
        until(window, "!document.getElementById('message').hidden")
        assert "They were sent again" in window.locator("#message").inner_text()
        window.locator("#go").click()
        until(window, "state.slots[0].state === 'done'")
        assert middle(window, "right") == 215


def test_requests_that_are_refused_at_once_share_one_new_session(browser: Browser, address: str) -> None:
    with window_of(browser, address, expected="a status of 410") as window:
        shown(window, 40)
        opened: list[str] = []
        window.on("request", lambda request: opened.append(request.url) if "session" in request.url else None)
        window.evaluate("token = 'forgotten'")
        window.evaluate("Promise.allSettled([1, 2, 3].map(() => ask('/api/state')))")
        assert opened == [f"{address}api/session"]


def test_an_answer_that_was_overtaken_is_not_shown(browser: Browser, address: str) -> None:
    with window_of(browser, address) as window:
        translated(window, 40, "negative")
        late = "{ ...state, number: state.number - 1, slots: [{ ...state.slots[1] }, state.slots[1]] }"
        window.evaluate(f"update(Promise.resolve(new Response(JSON.stringify({late})))).then(showState)")
        assert window.evaluate("state.slots[0].state") == "done"
        assert middle(window, "right") == 215


def test_drawing_takes_back_no_message_but_its_own(browser: Browser, address: str) -> None:
    with window_of(browser, address) as window:
        translated(window, 40, "negative")
        window.evaluate("say('told by another')")
        window.locator("#strength").fill("0")
        assert middle(window, "right") == 40
        assert window.locator("#message").inner_text() == "told by another"


def test_a_phone_takes_samples_pastes_and_camera(browser: Browser, address: str) -> None:
    with window_of(browser, address, width=390, dark=True) as window:
        window.locator("#samples button").first.click()
        until(window, "state?.picture")
        name = window.evaluate("state.picture.name")
        assert name in window.locator("#about").inner_text()
        window.locator("#camera").click()
        until(window, "document.getElementById('video').videoWidth > 0")
        window.locator("#take").click()
        until(window, "state.picture.name === 'camera.png'")
        window.evaluate(
            """() => new Promise(done => document.createElement("canvas").toBlob(blob => {
                const data = new DataTransfer();
                data.items.add(new File([blob], "pasted.png", { type: "image/png" }));
                document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
                done();
            }))"""
        )
        until(window, "state.picture.name === 'pasted.png'")
        window.locator("#go").click()
        until(window, "state.slots[0].state === 'done'")
        until(window, "drawn === wanted && !drawing")
        assert window.evaluate("document.documentElement.scrollWidth") <= 390
        small = window.evaluate(
            "[...document.querySelectorAll('main button')].filter(b => b.offsetParent && b.offsetHeight < 40).length"
        )
        assert small == 0


def test_a_sample_brings_its_model_until_another_is_chosen(
    browser: Browser, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    apple, heart = (shipped_models() / "samples" / f"{name}.png" for name in ("apple-1", "heart"))
    rows = [Sample(apple, "negative", "B2A"), Sample(heart, "brighten", "A2B")]
    monkeypatch.setattr("attn_i2i.serve.app.samples", lambda: rows)
    with window_of(browser, address) as window:
        slot = window.locator(".slot").first
        model, direction = slot.locator(".name"), slot.locator("select")
        until(window, "document.querySelector('#samples button')")
        assert (model.input_value(), direction.input_value()) == ("negative", "B2A")
        window.get_by_title("heart.png").click()
        assert model.input_value() == "brighten"
        model.fill("mine")
        window.get_by_title("apple-1.png").click()
        until(window, "state?.picture?.name === 'apple-1.png'")
        assert model.input_value() == "mine"


@pytest.mark.parametrize("kind", ["large", "damaged"])
def test_what_goes_wrong_is_a_message(browser: Browser, address: str, kind: str) -> None:
    content = {"large": bytes(60_001), "damaged": b"\x89PNG\r\n\x1a\n" + bytes(50)}[kind]
    words = {"large": "this page takes", "damaged": "is no picture, or a damaged one"}[kind]
    with window_of(browser, address, expected="a status of 400") as window:
        upload(window, content, "odd.png")
        until(window, "!document.getElementById('message').hidden")
        text = window.locator("#message").inner_text()
        assert words in text
        assert "odd.png" in text
        assert "/" not in text.replace("'", "")
