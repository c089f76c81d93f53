"""Every network becomes a graph that answers as it does, at every size it takes, or none at all."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import attn_i2i
from attn_i2i import Translation
from attn_i2i.export import ExportOptions, compare, export_network
from attn_i2i.export.facts import Facts
from attn_i2i.export.graph import Example, names_of, traced
from attn_i2i.export.int8 import calibration_pictures, check_psnr, quantize_onnx
from attn_i2i.export.network import Program
from attn_i2i.models.build import create
from attn_i2i.models.config import ModelConfig
from attn_i2i.types import AttnI2IError, ConfigError, ModelError, ShapeError, UnreadableFileError

from .helpers.commands import picture
from .helpers.exported import exportable, facts

pytestmark = exportable


class Shift(nn.Module):
    """A stranger's generator: it takes any size, asks for the batch by len(), and has a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shift", torch.tensor(0.25))

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(image.reshape(len(image), -1).reshape(image.shape) + self.shift)


class Wrong(Shift):
    """A network that does at one size what it does at no other: its graph cannot be right."""

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(image * (2.0 if torch.compiler.is_exporting() else 1.0))


class Fixed(nn.Module):
    """A network of one size."""

    image_size = 16

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 16)

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(self.linear(image).tanh())


def test_the_stored_range_of_a_model_holds_in_its_export(model: Path, tmp_path: Path) -> None:
    config = ModelConfig("toy", {}, ["A2B"], preprocessing={"range": [0, 4095]})
    export_network(Shift(), config, "A2B", tmp_path, ExportOptions())
    assert facts(tmp_path / "A2B.onnx")["stored_range"] == [0, 4095]
    assert attn_i2i.load(tmp_path / "A2B.onnx").range == (0, 4095)
    Image.fromarray(np.full((8, 8), 4095, np.uint16)).save(tmp_path / "white.png")
    (example,) = calibration_pictures(tmp_path, Facts("A2B", config, ("image",)))
    assert example.source.eq(1).all()
    measured = replace(config, preprocessing={"range": "min,max"})
    with pytest.raises(ConfigError, match="has to be measured over a series first"):
        calibration_pictures(tmp_path, Facts("A2B", measured, ("image",)))


def test_a_graph_that_differs_from_its_network_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"A2B.onnx is not kept: at 1x64x64 .* differs from the network by"):
        export_network(Wrong(), ModelConfig("toy", {}, ["A2B"]), "A2B", tmp_path, ExportOptions())


def test_a_network_of_one_size_keeps_it_and_says_so(tmp_path: Path) -> None:
    export_network(Fixed(), ModelConfig("toy", {}, ["A2B"]), "A2B", tmp_path, ExportOptions())
    translate = attn_i2i.load(tmp_path / "A2B.onnx")
    with pytest.raises(ShapeError, match="takes 16x16 only"):
        translate(torch.rand(3, 20, 20))
    assert translate(torch.rand(3, 20, 20), size="fit").image.shape == (3, 20, 20)


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("cyclegan", {"width": 2, "blocks": 0, "down": "blur", "up": "blur", "edge": 2}),  # blocks are in the others
        ("unet", {"levels": 3, "width": 2, "norm": "instance"}),
        ("ugatit", {"width": 4, "blocks": 1, "light": True}),
        ("attentiongan1", {"width": 4, "blocks": 1}),
        ("aggan", {"width": 4, "blocks": 1}),
    ],
)
def test_every_builtin_family_becomes_a_graph_for_every_size(architecture: str, options: dict[str, object]) -> None:
    """Traced and compared; the way from there to a file is that of all, and compared at every export."""
    network = create(architecture, **options).eval().requires_grad_(False)
    side = getattr(network, "image_size", None)
    size = None if side is None else (side, side)
    program = Program(traced(network, size).module(), names_of(network, size or (64, 64)))
    assert compare(network, program, size, architecture)["largest_error"] < 1e-4


def test_eight_bits_are_kept_only_where_pictures_are_near(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    network = create("unet", levels=2, width=8, norm="none").eval().requires_grad_(False)
    for i in range(3):
        picture(tmp_path / "pictures" / f"{i}.png", (40, 28 + i))
    options = ExportOptions("openvino", int8=True, calibrate=tmp_path / "pictures", least_psnr=30)
    done = export_network(network, ModelConfig("unet", {}, ["A2B"]), "A2B", tmp_path, options)
    assert done.precision == "int8"
    assert done.compared is not None
    assert 30 < done.compared["int8_psnr"] < 80
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert attn_i2i.load(tmp_path / "A2B.xml").generator.facts == done
    with pytest.raises(AttnI2IError, match=r"a.onnx is not kept: in int8 .* is 34\.9 dB, .* least_psnr=34 keeps it"):
        check_psnr(34.9, 35, "a.onnx")


@pytest.mark.parametrize(("openvino", "quantized"), [(False, ["source"]), (True, [])])
def test_what_a_convolution_answers_is_not_rounded(openvino: bool, quantized: list[str], tmp_path: Path) -> None:
    """A norm reads it, and would stretch what 8 bits leave of it; OpenVINO gets what a mean reads in float32 whole."""
    images = [onnx.helper.make_tensor_value_info(name, 1, ["b", 1, "h", "w"]) for name in ("source", "image")]
    weight = onnx.numpy_helper.from_array(np.ones((1, 1, 3, 3), np.float32), "weight")
    steps = [
        onnx.helper.make_node("Conv", ["source", "weight"], ["answer"], "conv", pads=[1] * 4),
        onnx.helper.make_node("ReduceMean", ["answer"], ["mean"], "mean"),
        onnx.helper.make_node("Sub", ["answer", "mean"], ["image"], "sub"),
    ]
    graph = onnx.helper.make_graph(steps, "graph", images[:1], images[1:], [weight])
    opsets = [onnx.helper.make_opsetid("", 18)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10), tmp_path / "plain.onnx")
    pictures = [Example(torch.rand(1, 1, 8, 8))]
    quantize_onnx(tmp_path / "plain.onnx", tmp_path / "int8.onnx", pictures, openvino=openvino)
    nodes = onnx.load(tmp_path / "int8.onnx").graph.node
    assert [node.input[0] for node in nodes if node.op_type == "QuantizeLinear"] == quantized


def test_a_folder_without_pictures_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.export.network.traced", None)
    options = ExportOptions(int8=True, calibrate=tmp_path / "nowhere")
    with pytest.raises(UnreadableFileError, match="nowhere holds no pictures to calibrate by"):
        export_network(Shift(), ModelConfig("toy", {}, ["A2B"]), "A2B", tmp_path, options)
