"""What is asked of an exported file before a runtime opens it: runtimes read more than the file that they are given."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..files import open_regular
from ..models.checksums import GRAPH_WEIGHTS, digest_of
from ..types import ModelError, UnreadableFileError

WEIGHTS_KEY = "attn_i2i_weights"  # of an OpenVINO model: the SHA-256 of the file beside it
HEAD = 512  # bytes: the line that says XML, and the first element, are within some 80
IR = re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml[^<>]*\?>)?\s*<net\s")
"""How OpenVINO's models begin. Its readers of other formats would look for more files, and print what they think."""
NOISE = (
    r"Exception from \S+:\d+:",
    r"Check '.*?' failed at \S+:\d+:",
    r"\[ONNXRuntimeError\] : \d+ : \w+ :",
    r"\S*onnxruntime\S*\.(cc|h):\d+ .*?\)",
)
"""What runtimes put around the reason: their source files and conditions."""


def check_openvino(path: Path) -> None:
    """Raise UnreadableFileError for what does not begin as OpenVINO's XML or has no weights beside it.

    An XML that declares a document type is refused too: entities are how an XML reads other files.
    """
    with open_regular(path) as stream:
        if not IR.match(stream.read(HEAD)):
            raise UnreadableFileError(f"{path} cannot be read as an OpenVINO model: it does not begin as one does.")
    weights = path.with_suffix(GRAPH_WEIGHTS)
    if not weights.is_file():
        raise UnreadableFileError(
            f"{weights} is missing, which holds the weights of {path.name}: keep both files together, by one name."
        )


def check_weights(path: Path, expected: str | None) -> None:
    """Raise ModelError where the weights beside an OpenVINO model are not those that it was written with."""
    weights = path.with_suffix(GRAPH_WEIGHTS)
    if expected is not None and digest_of(weights) != expected:
        raise ModelError(
            f"{weights} does not hold the weights of {path.name}: it was changed, or belongs to another direction or"
            " model. Export the model again (attn-i2i export)."
        )


def check_onnx(path: Path) -> None:
    """Raise UnreadableFileError for an ONNX file whose weights lie elsewhere, which no export of this library does.

    Such a file can name any other, and OpenVINO takes addresses in memory from it.
    """
    with open_regular(path) as stream:
        if path.stat().st_size == 0:
            raise UnreadableFileError(f"{path} cannot be read as ONNX: it is empty.")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content.find(b"location") < 0:  # the word that every such entry has, and graphs hardly ever
                return
    import onnx

    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf has a class of its own
        raise UnreadableFileError(f"{path} cannot be read as ONNX: {reason_given(error)}.") from error
    if any(tensor.external_data or tensor.data_location for tensor in _tensors(model)):
        raise UnreadableFileError(
            f"{path} cannot be read as ONNX here: its weights lie in other files, and attn-i2i export writes one file."
        )


def _tensors(message: Any) -> Iterator[Any]:
    """Every tensor inside a protobuf message, those of nested graphs and functions too."""
    if message.DESCRIPTOR.name == "TensorProto":
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                yield from _tensors(part)


def reason_given(error: BaseException) -> str:
    """What a runtime says is wrong, in one line of at most 200 characters, without its own source files."""
    text = " ".join(str(error).split())
    for noise in NOISE:
        text = re.sub(noise, "", text)
    return " ".join(text.split())[:200].rstrip(".: ") or type(error).__name__
