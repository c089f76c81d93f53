"""The files of the page that runs graphs in a browser: where its runtime comes from, and what is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attn_i2i.export import Facts, export_model
from attn_i2i.export.page import check_shown, runtime, web_runtime
from attn_i2i.export.page.runtime import FILES, MEMBERS, WebRuntime, registry
from attn_i2i.hub.sources import FetchError
from attn_i2i.models.config import ModelConfig
from attn_i2i.types import AttnI2IError, ConfigError

from .helpers.archives import tarred
from .helpers.commands import Run, write_model
from .helpers.exported import FACTS, STAND_IN, exportable
from .helpers.fakesources import FakeSources

if TYPE_CHECKING:
    from collections.abc import Iterator


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
