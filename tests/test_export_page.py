"""The page that runs graphs in a browser: what it shows, says and saves, and where its runtime comes from."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import attn_i2i
from attn_i2i.export import Facts, export_model
from attn_i2i.export.page import check_shown, runtime, web_runtime, write_page
from attn_i2i.export.page.runtime import FILES, MEMBERS, WebRuntime, registry
from attn_i2i.hub.sources import FetchError
from attn_i2i.models.config import ModelConfig
from attn_i2i.types import AttnI2IError, ConfigError

from .helpers.archives import tarred
from .helpers.browser import window_of
from .helpers.commands import Run, write_model
from .helpers.exported import STAND_IN, exportable, page_of, real_web_runtime
from .helpers.fakesources import FakeSources
from .helpers.serving import png

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

PATIENCE = 120_000  # milliseconds, on a machine that does much else
FACTS = Facts("A2B", ModelConfig("toy", {}, ["A2B"], licence="MIT"), ("image", "attention", "heatmap"))
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
    window.wait_for_selector("#shown:not([hidden])", timeout=PATIENCE)


def saved(window: Page, folder: Path) -> tuple[str, np.ndarray]:
    """The name and the pixels of what the page downloads."""
    with window.expect_download() as download:
        window.locator("#download").click()
    download.value.save_as(folder / "saved.png")
    return download.value.suggested_filename, np.asarray(Image.open(folder / "saved.png").convert("RGB"))


def until(window: Page, condition: str) -> None:
    """Wait for what a script says; the page forbids the browser's own way, which evaluates text."""
    end = time.monotonic() + PATIENCE / 1000
    while not window.evaluate(condition):
        assert time.monotonic() < end, condition
        window.wait_for_timeout(20)


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


def test_sizes_labels_and_networks_of_one_size(browser: Browser, address: str, tmp_path: Path) -> None:
    with window_of(browser, address) as window:
        translate(window, png(np.full((600, 1200, 3), 40, np.uint8)))
        assert "The network gets 512 × 256" in window.locator("#about").inner_text()
        window.locator("#side").select_option("0")
        window.wait_for_selector(
            "#message:has-text('choose a smaller longest side. (std::bad_alloc)')", timeout=PATIENCE
        )
        window.locator("#direction").select_option("1")
        window.wait_for_selector("#about:has-text('The network gets 16 × 16')", timeout=PATIENCE)
        assert saved(window, tmp_path)[1].shape == (600, 1200, 3)
        assert not window.locator("#side-of").is_visible()
        window.locator("#direction").select_option("2")
        window.locator("#side").select_option("256")
        window.wait_for_selector("#about:has-text('The network gets 256 × 128')", timeout=PATIENCE)
        assert np.all(saved(window, tmp_path)[1] == 215)
        window.get_by_label("b", exact=True).check()
        until(window, "!busy && result().data[0] === 40")


def test_what_goes_wrong_is_said_in_the_page(browser: Browser, address: str, tmp_path: Path) -> None:
    with window_of(browser, address, width=390, dark=True) as window:
        window.wait_for_selector("#status:has-text('Ready')", timeout=PATIENCE)
        window.locator("#file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"text"})
        window.wait_for_selector("#message:has-text('a.png is no picture that this browser can read')")
        assert window.evaluate("document.documentElement.scrollWidth <= innerWidth")
    broken = make_page(tmp_path / "broken", FACTS, graph=b"!")
    with page_of(broken) as url, window_of(browser, url) as window:
        window.wait_for_selector("#message:has-text('no such operator')", timeout=PATIENCE)
    (broken / "A2B.onnx").unlink()
    with page_of(broken) as url, window_of(browser, url, expected="404") as window:
        window.wait_for_selector("#message:has-text('A2B.onnx is not in this page')", timeout=PATIENCE)
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
        window.wait_for_selector("#status:has-text('Ready')", timeout=PATIENCE)
        for kind in ("paste", "drop"):
            window.evaluate(give, [kind, None])
            window.wait_for_selector("#message:not([hidden])")
            window.evaluate(give, [kind, list(png(GREY))])
            window.wait_for_selector(f"#about:has-text('{kind}.png')", timeout=PATIENCE)
            assert window.locator("#message").is_hidden()


@pytest.mark.slow
@exportable
def test_a_model_runs_in_the_browser_as_in_torch(
    browser: Browser, model: Path, tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way: exported, served, run by onnxruntime-web itself; 8-bit pictures of 40 dB and more."""
    assert pytestconfig.cache is not None
    real = real_web_runtime(pytestconfig.cache.mkdir("onnxruntime-web"))
    monkeypatch.setattr("attn_i2i.export.job.web_runtime", lambda own, *, fetch: real)
    sample = Path(__file__).parents[1] / "zoo/samples/wolf.png"
    export_model(model, tmp_path / "page", format="web", direction="A2B")
    expected = attn_i2i.load(model, direction="A2B")(sample)
    with page_of(tmp_path / "page") as url, window_of(browser, url) as window:
        translate(window, sample.read_bytes(), "wolf.png")
        output = saved(window, tmp_path)[1].astype(float)
        show(window, "mask")
        mask = saved(window, tmp_path)[1][..., 0].astype(float)
    assert expected.mask is not None
    for ours, wanted in ((output, np.asarray(expected.pil())), (mask, expected.mask[0].numpy() * 255)):
        assert 10 * np.log10(255**2 / max(((ours - wanted) ** 2).mean(), 1e-9)) > 40
    assert attn_i2i.load(tmp_path / "page").directions == ["A2B"]


def tarball(script: bytes = STAND_IN) -> bytes:
    """An npm package with the two files."""
    return tarred(dict(zip(MEMBERS, (script, b"\0asm" + bytes(100)), strict=True)))


@pytest.fixture
def npm(places: FakeSources, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSources]:
    """A registry on loopback that has the package."""
    content = tarball()
    monkeypatch.setattr(runtime, "SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(runtime, "SIZE", len(content))
    monkeypatch.delenv(runtime.ORT, raising=False)
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"{places.url}/npm/")
    registry.cache_clear()
    places.put(f"/npm/onnxruntime-web/-/onnxruntime-web-{runtime.VERSION}.tgz", content)
    yield places
    registry.cache_clear()


def test_the_runtime_is_fetched_once_and_again_where_it_was_damaged(npm: FakeSources) -> None:
    assert web_runtime() == web_runtime() == WebRuntime(STAND_IN, b"\0asm" + bytes(100), "0.0.1")
    assert len(npm.requests) == 1
    (runtime.target_for(f"onnxruntime-web-{runtime.VERSION}") / FILES[0]).write_bytes(b"damaged")
    assert web_runtime().script == STAND_IN
    assert len(npm.requests) == 2


def test_what_the_registry_does_not_give_is_said_with_what_to_do(
    npm: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "SHA256", "0" * 64)
    with pytest.raises(FetchError, match=r"could not be fetched .*SHA-256.* By hand: get http.*ort=PATH"):
        web_runtime()
    npm.files.clear()
    with pytest.raises(FetchError, match=r"\(404\).*npm pack onnxruntime-web@"):
        web_runtime()
    for forbidden in ({"fetch": False}, {}):
        monkeypatch.setenv("ATTN_I2I_FETCH", "never")
        with pytest.raises(FetchError, match=r"would have to be fetched.*forbids it.*By hand"):
            web_runtime(**forbidden)
    registry.cache_clear()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "npm.example.org")
    with pytest.raises(AttnI2IError, match=r"registry is set to 'npm\.example\.org'"):
        web_runtime()


def test_a_copy_of_ones_own_is_taken_as_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package.tgz").write_bytes(tarball())
    inside = tmp_path / "node_modules/onnxruntime-web/dist"
    inside.mkdir(parents=True)
    for name, content in zip(FILES, (STAND_IN, b"\0asm"), strict=True):
        (inside / name).write_bytes(content)
    assert web_runtime(tmp_path / "package.tgz").version == "0.0.1"
    for place in (tmp_path, inside, inside.parent):
        assert web_runtime(place).binary == b"\0asm"
    monkeypatch.setenv(runtime.ORT, str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"nowhere does not hold onnxruntime-web: expected ort\.wasm"):
        web_runtime()
    (inside / FILES[1]).write_bytes(b"<html>")
    with pytest.raises(ConfigError, match="not those of onnxruntime-web"):
        web_runtime(inside)
    (tmp_path / "package.tgz").write_bytes(b"text")
    with pytest.raises(ConfigError, match="is not the npm package of onnxruntime-web"):
        web_runtime(tmp_path / "package.tgz")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(FACTS, channels=(4, 4)), "takes 4 channels and gives 4"),
        (replace(FACTS, channels=(1, 3)), "cannot put a grey input behind a colour output"),
        (replace(FACTS, margin=4), "smaller than its input"),
        (replace(FACTS, config=replace(FACTS.config, preprocessing={"range": [0, 4095]})), r"range \[0, 4095\]"),
    ],
)
def test_networks_that_a_page_cannot_serve_are_refused(facts: Facts, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_shown(facts)


@exportable
def test_a_network_that_a_page_cannot_serve_is_refused_before_it_is_traced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attn_i2i.export.network.traced", None)
    write_model(tmp_path, "unet", levels=2, width=2, channels=4)
    (tmp_path / "package.tgz").write_bytes(tarball())
    with pytest.raises(ConfigError, match="takes 4 channels and gives 4"):
        export_model(tmp_path, tmp_path / "page", format="web", ort=tmp_path / "package.tgz")
    assert not (tmp_path / "page").exists()


@exportable
def test_the_command_writes_the_page_whole_and_says_how_to_see_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for the graph: the test above exports a page's own."""

    def export_network(network: object, config: ModelConfig, direction: str, folder: Path, *_: object) -> Facts:
        (folder / f"{direction}.onnx").write_bytes(b"graph")
        return replace(FACTS, config=config, direction=direction, compared={"largest_error": 0.0, "trials": {}})

    monkeypatch.setattr("attn_i2i.export.job.export_network", export_network)
    write_model(tmp_path, "unet", levels=2, width=2)
    (tmp_path / "package.tgz").write_bytes(tarball())
    code, out, err = run("export", ".", "-o", "page", "--format", "web", "--direction", "A2B", "--ort", "package.tgz")
    assert (code, err) == (0, "")
    assert "python3 -m http.server --bind 127.0.0.1 --directory page 8000" in out
    assert {path.name for path in Path("page").iterdir()} >= {"index.html", "A2B.onnx", "SHA256SUMS", "model.json"}
    assert "exists already" in run("export", ".", "-o", "page", "--format", "web", "--ort", "package.tgz")[2]
    told = run("export", ".", "-o", "page.onnx", "--format", "web")[2]
    assert "page.onnx was given for --format web: give a folder." in told
    assert "is for --format web" in run("export", ".", "-o", "other", "--ort", "package.tgz")[2]
    assert "nowhere does not hold" in run("export", ".", "-o", "other", "--format", "web", "--ort", "nowhere")[2]
    assert not Path("other").exists()
