"""The page that runs graphs in a browser: what it shows, says and saves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import attn_i2i
from attn_i2i.export import Facts, export_model
from attn_i2i.export.page import write_page
from attn_i2i.export.page.runtime import WebRuntime

from .helpers.browser import until, window_of
from .helpers.exported import FACTS, STAND_IN, exportable, page_of, real_web_runtime
from .helpers.serving import png

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

LABELS = replace(FACTS, direction="way", config=replace(FACTS.config, domains=["a", "b"]), domains=2)
GREY = np.full((20, 30, 3), 40, np.uint8)


def make_page(folder: Path, *facts: Facts, graph: bytes = b"graph") -> Path:
    folder.mkdir(exist_ok=True)
    for each in facts:
        (folder / f"{each.direction}.onnx").write_bytes(graph)
    write_page(folder, facts, "Negative", WebRuntime(STAND_IN, b"\0asm", "0.0.1"))
    return folder


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = make_page(
        tmp_path_factory.mktemp("page"), FACTS, replace(FACTS, direction="B2A", image_size=(16, 16)), LABELS
    )
    with page_of(folder) as url:
        yield url


def translate(window: Page, content: bytes = png(GREY), name: str = "grey.png") -> None:
    window.locator("#file").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})
    window.wait_for_selector("#shown:not([hidden])")


def saved(window: Page, folder: Path) -> tuple[str, np.ndarray]:
    """The name and the pixels of what the page downloads."""
    with window.expect_download() as download:
        window.locator("#download").click()
    download.value.save_as(folder / "saved.png")
    return download.value.suggested_filename, np.asarray(Image.open(folder / "saved.png").convert("RGB"))


def show(window: Page, part: str) -> None:
    window.locator("#parts button", has_text=part).first.click()


def test_output_masks_settings_and_downloads(browser: Browser, address: str, tmp_path: Path) -> None:
    with window_of(browser, address) as window:
        translate(window)
        assert window.locator("#about").inner_text() == "grey.png, 30 × 20."
        assert window.locator("#parts button").all_inner_texts() == ["output", "mask", "background mask", "heatmap"]
        name, pixels = saved(window, tmp_path)
        assert (name, pixels.shape) == ("grey-output.png", (20, 30, 3))
        assert np.all(pixels == 215)
        window.locator("#keep").check()
        pixels = saved(window, tmp_path)[1]
        assert (pixels[0, 0, 0], pixels[0, -1, 0]) == (215, 40)
        window.locator("#keep").uncheck()
        window.locator("#strength").fill("0")
        assert np.all(saved(window, tmp_path)[1] == 40)
        show(window, "background mask")
        name, pixels = saved(window, tmp_path)
        assert (name, pixels[0, 0, 0], pixels[0, -1, 0]) == ("grey-background-mask.png", 0, 255)
        assert window.locator("#right").inner_text() == "background mask"
        window.locator("#wipe-at").fill("25")
        assert window.locator("#over").evaluate("node => getComputedStyle(node).clipPath") == "inset(0px 0px 0px 25%)"


def test_a_picture_chosen_before_the_page_is_ready_is_translated(browser: Browser, address: str) -> None:
    with window_of(browser, address) as window:
        window.wait_for_selector("#status:has-text('Ready')")  # it asks for nothing more
        held: list[Route] = []
        window.route("**/model.json", lambda route: held.append(route))
        window.reload()
        window.locator("#file").set_input_files({"name": "grey.png", "mimeType": "image/png", "buffer": png(GREY)})
        until(window, "picture !== null")
        assert window.locator("#shown").is_hidden()
        until(window, lambda: held)
        held[0].continue_()
        window.wait_for_selector("#shown:not([hidden])")


def test_sizes_labels_and_networks_of_one_size(browser: Browser, address: str, tmp_path: Path) -> None:
    with window_of(browser, address) as window:
        translate(window, png(np.full((600, 1200, 3), 40, np.uint8)))
        assert "The network gets 512 × 256" in window.locator("#about").inner_text()
        window.locator("#side").select_option("0")
        window.wait_for_selector("#message:has-text('choose a smaller longest side. (std::bad_alloc)')")
        window.locator("#direction").select_option("1")
        window.wait_for_selector("#about:has-text('The network gets 16 × 16')")
        assert saved(window, tmp_path)[1].shape == (600, 1200, 3)
        assert not window.locator("#side-of").is_visible()
        window.locator("#direction").select_option("2")
        window.locator("#side").select_option("256")
        window.wait_for_selector("#about:has-text('The network gets 256 × 128')")
        assert np.all(saved(window, tmp_path)[1] == 215)
        window.get_by_label("b", exact=True).check()
        until(window, "!busy && result().data[0] === 40")


def test_what_goes_wrong_is_said_in_the_page(browser: Browser, address: str, tmp_path: Path) -> None:
    with window_of(browser, address, width=390, dark=True) as window:
        window.wait_for_selector("#status:has-text('Ready')")
        window.locator("#file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"text"})
        window.wait_for_selector("#message:has-text('a.png is no picture that this browser can read')")
        assert window.evaluate("document.documentElement.scrollWidth <= innerWidth")
    broken = make_page(tmp_path / "broken", FACTS, graph=b"!")
    with page_of(broken) as url, window_of(browser, url) as window:
        window.wait_for_selector("#message:has-text('no such operator')")
    (broken / "A2B.onnx").unlink()
    with page_of(broken) as url, window_of(browser, url, expected="404") as window:
        window.wait_for_selector("#message:has-text('A2B.onnx is not in this page')")
    with window_of(browser, (broken / "index.html").as_uri()) as window:
        window.wait_for_selector("#message:has-text('python3 -m http.server')")


def test_pictures_are_pasted_and_dropped(browser: Browser, address: str) -> None:
    give = """([kind, bytes]) => {
        const data = new DataTransfer();
        if (bytes) data.items.add(new File([Uint8Array.from(bytes)], `${kind}.png`, { type: "image/png" }));
        else data.setData("text/plain", "words");
        const fields = { bubbles: true, cancelable: true };
        document.dispatchEvent(kind === "paste" ? new ClipboardEvent(kind, { clipboardData: data, ...fields })
            : new DragEvent(kind, { dataTransfer: data, ...fields }));
    }"""
    with window_of(browser, address) as window:
        window.wait_for_selector("#status:has-text('Ready')")
        for kind in ("paste", "drop"):
            window.evaluate(give, [kind, None])
            window.wait_for_selector("#message:not([hidden])")
            window.evaluate(give, [kind, list(png(GREY))])
            window.wait_for_selector(f"#about:has-text('{kind}.png')")
            assert window.locator("#message").is_hidden()


@pytest.fixture(scope="module")
def exported_page(
    model: Path, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> tuple[Path, Path]:
    """A model and its page."""
    assert pytestconfig.cache is not None
    real = real_web_runtime(pytestconfig.cache.mkdir("onnxruntime-web"))
    page = tmp_path_factory.mktemp("exported") / "page"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("attn_i2i.export.job.web_runtime", lambda own, *, fetch: real)
        export_model(model, page, format="web", direction="A2B")
    return model, page


@pytest.mark.slow
@exportable
def test_a_model_runs_in_the_browser_as_in_torch(
    exported_page: tuple[Path, Path], browser: Browser, tmp_path: Path
) -> None:
    """The whole way: exported, served, run by onnxruntime-web itself; 8-bit pictures of 40 dB and more."""
    model, page = exported_page
    sample = Path(__file__).parents[1] / "zoo/samples/wolf.png"
    expected = attn_i2i.load(model, direction="A2B")(sample)
    with page_of(page) as url, window_of(browser, url) as window:
        translate(window, sample.read_bytes(), "wolf.png")
        output = saved(window, tmp_path)[1].astype(float)
        show(window, "mask")
        mask = saved(window, tmp_path)[1][..., 0].astype(float)
    assert expected.mask is not None
    for ours, wanted in ((output, np.asarray(expected.pil())), (mask, expected.mask[0].numpy() * 255)):
        assert 10 * np.log10(255**2 / max(((ours - wanted) ** 2).mean(), 1e-9)) > 40
    assert attn_i2i.load(page).directions == ["A2B"]
