"""The folder of a page: its own files, onnxruntime-web's, and what the graphs are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...types import ConfigError
from ..facts import Facts
from .runtime import WebRuntime

OWN = ("index.html", "page.css", "compose.js", "page.js", "worker.js")
# Ending in .js, because some servers send .mjs as a kind that browsers do not run.
SCRIPT, BINARY = "onnxruntime-web.js", "onnxruntime-web.wasm"
NOTICE = """{script} and {binary} are onnxruntime-web {version} (https://github.com/microsoft/onnxruntime), unchanged.

MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def check_shown(facts: Facts) -> None:
    """Raise ConfigError for a network that a page of 8-bit pictures cannot serve."""
    if facts.channels[0] not in (1, 3) or facts.channels[1] not in (1, 3):
        raise ConfigError(
            f"A page shows grey and colour pictures, and this network takes {facts.channels[0]} channels and gives"
            f" {facts.channels[1]}: format='onnx' exports it for other programs."
        )
    if facts.channels[0] < facts.channels[1] and "attention" in facts.outputs:
        raise ConfigError("A page cannot put a grey input behind a colour output: format='onnx' exports this network.")
    stored = facts.config.preprocessing.get("range", "dtype")
    if stored != "dtype":
        raise ConfigError(
            f"A browser reads pictures of 8 bits, and this network takes stored numbers of the range {stored}:"
            " format='onnx' exports it for other programs."
        )
    if facts.margin:
        raise ConfigError("The image of this network is smaller than its input, which a page cannot lay over it.")


def write_page(folder: Path, facts: Sequence[Facts], title: str, runtime: WebRuntime) -> None:
    """Put a page beside the graphs of ``folder``, one ``<direction>.onnx`` for each of ``facts``."""
    room = files(__package__)
    for name in OWN:
        (folder / name).write_bytes((room / name).read_bytes())
    (folder / SCRIPT).write_bytes(runtime.script)
    (folder / BINARY).write_bytes(runtime.binary)
    notice = NOTICE.format(script=SCRIPT, binary=BINARY, version=runtime.version)
    (folder / "onnxruntime-web.txt").write_text(notice, encoding="utf-8")
    told = {
        "title": title,
        "licence": facts[0].config.licence or "unstated",
        "runtime": runtime.version,
        "directions": [_direction(each) for each in facts],
    }
    (folder / "model.json").write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _direction(facts: Facts) -> dict[str, Any]:
    names = list(facts.config.domains or ()) if facts.domains else []
    return {
        "direction": facts.direction,
        "file": f"{facts.direction}.onnx",
        "task": facts.task,
        "channels": facts.channels[0],
        "domains": names or [f"label {number + 1}" for number in range(facts.domains)],
        "image_size": facts.image_size,
        "outputs": facts.outputs,
        "precision": facts.precision,
    }
