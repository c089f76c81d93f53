"""Exported files of strangers: nothing beside them is read, and what does not belong together is not used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import attn_i2i
from attn_i2i.export.facts import Facts, facts_of
from attn_i2i.export.write import write_onnx, write_openvino
from attn_i2i.types import AttnI2IError, ConfigError, ModelError, UnreadableFileError

from .helpers.commands import Run
from .helpers.exported import FACTS
from .helpers.translators import Negative, Styled

SIDES = ["batch", 3, "height", "width"]
SAID = replace(FACTS, outputs=("image",))


def graph(facts: Facts = SAID, scale: float = 0.5) -> onnx.ModelProto:
    """A generator that multiplies, written by hand."""
    weight = numpy_helper.from_array(np.full((1, 3, 1, 1), scale, np.float32), "weight")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SIDES) for name in ("source", "image")]
    nodes = [helper.make_node("Mul", ["source", "weight"], ["image"])]
    made = helper.make_graph(nodes, "g", values[:1], values[1:], [weight])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def elsewhere(tensor: TensorProto) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def in_a_constant(model: onnx.ModelProto) -> None:
    weight = model.graph.initializer.pop()
    elsewhere(weight)
    model.graph.node.insert(0, helper.make_node("Constant", [], ["weight"], value=weight))


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
@pytest.mark.parametrize("hide", [lambda model: elsewhere(model.graph.initializer[0]), in_a_constant])
def test_weights_of_an_onnx_file_in_other_files_are_not_read(
    hide: Callable[[onnx.ModelProto], None], runtime: str, tmp_path: Path
) -> None:
    """OpenVINO would also read them from the process's memory, at an address that the file names."""
    model, path = graph(), tmp_path / "A2B.onnx"
    (tmp_path / "weights.bin").write_bytes(model.graph.initializer[0].raw_data)
    hide(model)
    write_onnx(model, path, SAID)
    with pytest.raises(UnreadableFileError, match="its weights lie in other files"):
        attn_i2i.load(path, runtime=runtime)  # type: ignore[arg-type]


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_file_may_speak_of_a_location(runtime: str, tmp_path: Path) -> None:
    path = tmp_path / "A2B.ONNX"
    write_onnx(graph(), path, replace(SAID, task="a location in a street"))
    answer = attn_i2i.load(path, runtime=runtime)(torch.ones(3, 4, 5))  # type: ignore[arg-type]
    torch.testing.assert_close(answer.image, torch.full((3, 4, 5), 0.75))


def declare(folder: Path) -> None:
    xml = (folder / "A2B.xml").read_text()
    declared = xml.replace("<net ", '<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]><net ', 1)
    (folder / "A2B.xml").write_text(declared)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (declare, "does not begin as one does"),
        (lambda folder: (folder / "A2B.xml").write_bytes(bytes(range(256))), "does not begin as one does"),
        (lambda folder: (folder / "A2B.bin").unlink(), r"A2B.bin is missing, which holds the weights of A2B.xml"),
        (lambda folder: (folder / "A2B.bin").write_bytes(b""), r"A2B.bin is empty: the download or the copy broke"),
        (lambda folder: (folder / "B2A.bin").replace(folder / "A2B.bin"), "does not hold the weights of A2B.xml"),
        (lambda folder: (folder / "B2A.xml").replace(folder / "A2B.xml"), "does not hold the weights of A2B.xml"),
    ],
)
def test_an_openvino_model_is_itself_and_its_weights(
    change: Callable[[Path], object], words: str, tmp_path: Path
) -> None:
    for direction, scale in (("A2B", 0.5), ("B2A", 0.25)):
        facts = replace(SAID, direction=direction, config=replace(SAID.config, directions=[direction]))
        write_onnx(graph(facts, scale), tmp_path / "plain", facts)
        write_openvino(tmp_path / "plain", tmp_path / f"{direction}.xml", facts)
    whole = attn_i2i.load(tmp_path / "A2B.xml")(torch.ones(3, 4, 5))
    torch.testing.assert_close(whole.image, torch.full((3, 4, 5), 0.75))
    change(tmp_path)
    with pytest.raises(AttnI2IError, match=words) as caught:
        attn_i2i.load(tmp_path / "A2B.xml")
    assert "\n" not in str(caught.value)


def test_a_graph_that_answers_with_texts_is_one_line(tmp_path: Path) -> None:
    model = graph()
    model.graph.node[0].output[0] = "numbers"
    model.graph.node.append(helper.make_node("Cast", ["numbers"], ["image"], to=TensorProto.STRING))
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.STRING
    write_onnx(model, tmp_path / "A2B.onnx", SAID)
    with pytest.raises(ModelError, match=r"A2B\.onnx failed in onnxruntime: can't convert"):
        attn_i2i.load(tmp_path / "A2B.onnx")(torch.ones(3, 4, 5))


def test_a_graph_is_not_tuned(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_I2I_TUNE", "on")
    path = tmp_path / "A2B.onnx"
    write_onnx(graph(), path, SAID)
    assert run("tune", path)[::2] == (2, f"error: {path} is a graph, which onnx tunes itself: name the model.\n")


def test_a_graph_of_many_styles_says_that_it_has_their_mean_alone(tmp_path: Path) -> None:
    assert facts_of(Styled(), SAID.config, "A2B", ("image",), None).mean_style
    assert not facts_of(Negative(), SAID.config, "A2B", ("image",), None).mean_style
    write_onnx(graph(), tmp_path / "A2B.onnx", replace(SAID, mean_style=True))
    translate = attn_i2i.load(tmp_path / "A2B.onnx")
    assert translate(torch.ones(3, 4, 5)).image.shape == (3, 4, 5)
    with pytest.raises(ConfigError, match="'seed:1' was given, but a graph has the mean style alone: leave it out"):
        translate(torch.ones(3, 4, 5), style="seed:1")
