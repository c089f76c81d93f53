"""onnxruntime-web, which runs graphs in a browser: fetched once from the npm registry, or a copy of the user's own."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from ...files import atomic_dir
from ...files.temporary import temporary_folder
from ...hub.sources.download import Remote, download
from ...hub.sources.errors import FetchError, redacted
from ...hub.sources.fetch import workplace
from ...hub.sources.policy import setting
from ...hub.sources.progress import shown_progress, size_words
from ...hub.sources.unpack import unpack
from ...models.checksums import ChecksumError, check_beside, write_sums
from ...models.places import target_for
from ...models.source import Source
from ...types import AttnI2IError, ConfigError

VERSION = "1.30.0"
SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
"""Of the tarball, whose SHA-512 was that of the registry's listing."""
SIZE = 33_106_585
REGISTRY = "https://registry.npmjs.org"
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
MEMBERS = [f"package/dist/{name}" for name in FILES]
PLACES = ("", "dist", "package/dist", "node_modules/onnxruntime-web/dist")
"""Where the files lie below a folder: itself, an unpacked package, or what npm install made."""
ORT = "ATTN_I2I_ORT"


@dataclass(frozen=True)
class WebRuntime:
    """What the two files hold that a page needs, and their version."""

    script: bytes
    binary: bytes
    version: str


def web_runtime(own: str | Path | None = None, *, fetch: bool | None = None) -> WebRuntime:
    """onnxruntime-web on this machine: ``own``, else what ATTN_I2I_ORT names, else the model store's.

    ``own`` is a folder that holds the package or its files, or the npm tarball. The store's is fetched at first use and
    held against the SHA-256 that stands here. Raises ConfigError for a folder without the files, FetchError where they
    cannot be fetched, with what a person can do.
    """
    chosen = own or os.environ.get(ORT)
    if chosen is None or chosen == "":
        return _opened(_stored(fetch))
    path = Path(chosen).expanduser()
    if not path.is_file():
        return _opened(path)
    with temporary_folder() as work:
        try:
            unpack(path, MEMBERS, work)
        except FetchError as error:
            raise ConfigError(f"{path} is not the npm package of onnxruntime-web: {error}.") from error
        return _opened(work)


def _opened(folder: Path) -> WebRuntime:
    inside = next(
        (folder / place for place in PLACES if all((folder / place / name).is_file() for name in FILES)), None
    )
    if inside is None:
        raise ConfigError(
            f"{folder} does not hold onnxruntime-web: expected {' and '.join(FILES)} in it, or in its folder dist."
        )
    script, binary = ((inside / name).read_bytes() for name in FILES)
    version = re.search(rb"ONNX Runtime Web v([\w.-]+)", script[:2000])
    if version is None or not binary.startswith(b"\0asm"):
        raise ConfigError(f"{inside} holds {' and '.join(FILES)}, but they are not those of onnxruntime-web.")
    return WebRuntime(script, binary, version[1].decode())


def _stored(fetch: bool | None) -> Path:
    """The model store's copy, fetched where it is not there or was damaged."""
    target = target_for(f"onnxruntime-web-{VERSION}")
    try:
        for name in FILES:
            check_beside(target / name)
        if all((target / name).is_file() for name in FILES):
            return target
    except (ChecksumError, FileNotFoundError):
        pass
    url = f"{registry()}/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
    if fetch is False or setting() == "never":
        why = "fetch=False" if fetch is False else "HF_HUB_OFFLINE or ATTN_I2I_FETCH=never"
        raise FetchError(
            f"onnxruntime-web {VERSION} would have to be fetched ({size_words(SIZE)}), and {why} forbids it."
            f" {by_hand(url)}"
        )
    name = url.rpartition("/")[2]
    source = Source("http", url, sha256={name: SHA256}, evidence="this package", size=SIZE)
    try:
        with workplace("onnxruntime-web", source) as folder, shown_progress("onnxruntime-web") as report:
            tarball = download(Remote(name, url, size=SIZE, sha256=SHA256), folder, report)
            _keep(tarball, target)
    except FetchError as error:
        raise FetchError(
            f"onnxruntime-web {VERSION} could not be fetched ({str(error).rstrip('.')}). {by_hand(url)}"
        ) from error
    return target


def by_hand(url: str) -> str:
    """What a person without the registry can do."""
    return (
        f"By hand: get {redacted(url)} (or run npm pack onnxruntime-web@{VERSION} where there is npm), and give the"
        f" file, or a folder with its files, by ort=PATH or {ORT}. Another registry: NPM_CONFIG_REGISTRY."
    )


def _keep(tarball: Path, target: Path) -> None:
    with atomic_dir(target, force=True) as work:
        unpack(tarball, MEMBERS, work)
        write_sums(work)


@cache
def registry() -> str:
    """The npm registry that is set here, as npm itself would answer; the public one where nothing is set."""
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if address := os.environ.get(name):
            return _checked(address)
    try:
        done = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return REGISTRY
    answer = done.stdout.strip()
    return _checked(answer) if done.returncode == 0 and answer not in ("", "undefined") else REGISTRY


def _checked(address: str) -> str:
    if urlsplit(address).scheme not in ("http", "https"):
        raise AttnI2IError(f"The npm registry is set to {address!r}: expected an address that starts with https://.")
    return address.rstrip("/")
