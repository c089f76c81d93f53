"""What an exported file says of itself, where there can be one, and what a page of it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import onnx
import pytest
import torch
from packaging.version import Version

from attn_i2i.export.facts import Facts
from attn_i2i.export.network import NEEDED
from attn_i2i.export.page.runtime import ORT, VERSION, WebRuntime, web_runtime
from attn_i2i.models.config import ModelConfig

FACTS = Facts("A2B", ModelConfig("toy", {}, ["A2B"], licence="MIT"), ("image", "attention", "heatmap"))
exportable = pytest.mark.skipif(
    Version(torch.__version__) < NEEDED, reason=f"exporting needs PyTorch {NEEDED}, as test_export_torch.py says"
)


def facts(path: Path) -> dict[str, object]:
    """What the library wrote into an ONNX file."""
    return json.loads({p.key: p.value for p in onnx.load(path).metadata_props}["attn_i2i"])


def real_web_runtime(cache: Path) -> WebRuntime:
    """onnxruntime-web: what ATTN_I2I_ORT names, else from the npm registry into ``cache``.

    Skips where the registry does not give it; any other error is a failure. `.ci/run` fetches it first, and fails by
    itself. A process of its own fetches it here, since tests reach loopback only.
    """
    if os.environ.get(ORT):
        return web_runtime()
    if (cache / f"onnxruntime-web-{VERSION}").is_dir():
        return web_runtime(cache / f"onnxruntime-web-{VERSION}")
    child = {name: value for name, value in os.environ.items() if name != "ATTN_I2I_FETCH"}
    command = [sys.executable, "-c", "from attn_i2i.export.page import web_runtime; web_runtime()"]
    done = subprocess.run(command, env={**child, "ATTN_I2I_HOME": str(cache)}, capture_output=True, text=True)
    if done.returncode:
        error = done.stderr.strip().splitlines()[-1]
        assert "FetchError: " in error, done.stderr
        pytest.skip(f"no onnxruntime-web is here: {error}")
    return web_runtime(cache / f"onnxruntime-web-{VERSION}")


STAND_IN = b"""/*! ONNX Runtime Web v0.0.1 */
// Answers with the negative as its image, a mask that is open on the left half, and a heatmap of two columns.
const env = { wasm: {} };
class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
const InferenceSession = {
  create: async (bytes) => {
    if (bytes[0] === 33) throw new Error("no such operator");
    return { outputNames: ["image", "attention", "heatmap"], run };
  },
};
const run = async ({ source, domain }) => {
  const [, , height, width] = source.dims, size = height * width;
  if (width > 600) throw new Error("std::bad_alloc");
  const sign = domain && domain.data[1] ? 1 : -1;
  const mask = Float32Array.from({ length: size }, (_, j) => Number(j % width < width / 2));
  return {
    image: new Tensor("float32", source.data.map((value) => sign * value), source.dims),
    attention: new Tensor("float32", mask, [1, 1, height, width]),
    heatmap: new Tensor("float32", Float32Array.of(-3, 5), [1, 1, 1, 2]),
  };
};
export { env, InferenceSession, Tensor };
"""
"""What stands for onnxruntime-web where a test is about the page."""


@contextmanager
def page_of(folder: Path) -> Iterator[str]:
    """The address of a plain web server of ``folder``: what any static host is."""
    handler = partial(type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None}), directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
