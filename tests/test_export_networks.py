"""Every network becomes a graph that answers as it does, at every size it takes, or none at all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

import attn_i2i
from attn_i2i import Translation
from attn_i2i.cli.export import _size
from attn_i2i.export import ExportOptions, compare, export_network
from attn_i2i.export.assumed import doubtful_cases
from attn_i2i.export.compare import psnr
from attn_i2i.export.facts import Facts
from attn_i2i.export.graph import Example, names_of, traced
from attn_i2i.export.int8 import calibration_pictures, check_psnr, quantize_onnx
from attn_i2i.export.network import Program
from attn_i2i.files import TargetExistsError
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
        ("attentiongan1", {"width": 4, "blocks": 1, "mask_floor": 0.5}),
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


class Depends(nn.Module):
    """A network that does something else where ``changed`` says so of a picture."""

    def __init__(self, changed: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.changed = changed

    def forward(self, image: Tensor) -> Translation:
        return Translation(image * 2 if self.changed(image) else image)


@pytest.mark.parametrize(
    "changed",
    [
        lambda image: image.shape[-1] > 100,
        lambda image: image.shape[-2] > image.shape[-1],
        lambda image: image.shape[-1] * image.shape[-2] > 10_000,
        lambda image: len(image) > 6,
    ],
)
def test_a_graph_that_is_right_for_some_sizes_only_is_not_kept(changed: Callable[[Tensor], object]) -> None:
    """ONNX has no words for what PyTorch assumed, so the program is run without checking it here too."""
    network = Depends(changed)
    program = traced(network, None)
    graph = Program(program.module(check_guards=False), ("image",))
    cases = doubtful_cases(program, network, None)
    with pytest.raises(ModelError, match=r"differs from the network|its graph fails at"):
        compare(network, graph, None, "graph", cases)


def test_what_a_program_refuses_is_no_wrong_answer() -> None:
    network = Depends(lambda image: image.shape[-1] > 100)
    program = traced(network, None)
    checked = Program(program.module(), ("image",))
    trials = compare(network, checked, None, "program", doubtful_cases(program, network, None))["trials"]
    assert {name for name, error in trials.items() if error is None} == {"1x32x128"}
    facts = Facts("A2B", ModelConfig("toy", {}, ["A2B"]), ("image",), compared={"trials": trials})
    assert _size(facts) == "any size, any batch but for some, such as 1x32x128 (batch, height, width), which it refuses"


def test_steps_that_change_for_large_pictures_only_are_refused() -> None:
    network = Depends(lambda image: image.shape[-1] * image.shape[-2] > 10**6)
    with pytest.raises(ConfigError, match=r"may change at 1x1000x1024 \(Guard failed.* size=256"):
        doubtful_cases(traced(network, None), network, None)


class Says(nn.Module):
    """Answers with what it was given to say, in a mode of its own."""

    def __init__(self, attention: object, channels: int = 3) -> None:
        super().__init__()
        self.attention, self.channels, self.norm = attention, channels, nn.BatchNorm2d(3)

    def forward(self, image: Tensor) -> Translation:
        return Translation(self.norm(image), self.attention)  # type: ignore[arg-type]


@pytest.mark.parametrize(("own", "graph"), [(float("nan"), float("nan")), (float("inf"), 0.0), (0.0, float("nan"))])
def test_numbers_that_are_not_finite_are_no_agreement(own: float, graph: float) -> None:
    network, other = (Says(torch.full((1, 1), value)).eval() for value in (own, graph))
    with pytest.raises(ModelError, match=r"not finite|differs from the network by nan"):
        compare(network, other, None, "graph")


class Rounds(nn.Module):
    """Loses the last digits of its picture, and is ``off`` by so much where a side is below ``side``."""

    def __init__(self, off: float = 0.0, side: int = 32, level: float = 1e3) -> None:
        super().__init__()
        self.off, self.side, self.level = off, side, level

    def forward(self, image: Tensor) -> Translation:
        return Translation(image + self.level - self.level + self.off * (min(image.shape[2:]) < self.side))


@pytest.mark.parametrize(("side", "level"), [(1000, 1e3), (32, 0.0)])
def test_more_than_rounding_is_refused(side: int, level: float) -> None:
    """Float32 takes the network 3e-5 from its float64 answer: 2e-4 is rounding in a small picture, and there alone."""
    assert compare(Rounds(), Rounds(2e-4), None, "graph")["largest_error"] == pytest.approx(2e-4, rel=0.01)
    with pytest.raises(ModelError, match="differs from the network by 2"):
        compare(Rounds(level=level), Rounds(2e-4, side, level), None, "graph")


def test_a_network_that_draws_random_numbers_is_told_so() -> None:
    network = nn.Sequential(nn.Dropout(0.5))
    network.forward = lambda image: Translation(F.dropout(image))  # type: ignore[method-assign]
    with pytest.raises(ModelError, match="does it draw random numbers"):
        compare(network, network, None, "graph")


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Says(0.5), "returned float as its attention: expected a tensor"),
        (Says(None, channels=1), r"fails for a picture \(1, 1, 64, 64\): RuntimeError: .* 1 "),
        (Depends(lambda image: image.double() @ image), r"fails for .*: RuntimeError: expected .*"),
        (nn.Identity(), "returned Tensor: expected a Translation"),
    ],
)
def test_a_network_that_breaks_its_contract_is_told_in_one_line(network: nn.Module, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        names_of(network, (64, 64))
    assert "\n" not in str(caught.value)


def test_weights_of_another_precision_are_told_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"weights are torch.float64, and pictures float32: network.float\(\)"):
        names_of(Fixed().double(), (16, 16))


def test_an_export_leaves_the_network_and_files_as_they_are(tmp_path: Path) -> None:
    network = Says(None)
    mean = network.norm.running_mean.clone()  # type: ignore[union-attr]
    arguments = network, ModelConfig("toy", {}, ["A2B"]), "A2B", tmp_path, ExportOptions("torch-export")
    export_network(*arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["A2B.pt2"]
    assert (network.training, network.norm.training) == (True, True)
    assert torch.equal(network.norm.running_mean, mean)  # type: ignore[arg-type]
    with pytest.raises(TargetExistsError):
        export_network(*arguments)


def test_what_onnx_has_no_words_for_is_told_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    network = nn.Module()
    network.forward = lambda image: Translation(torch.special.bessel_j0(image))  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match=r"cannot be written as ONNX \(.*bessel_j0.*torch-export' may") as caught:
        export_network(network, ModelConfig("toy", {}, ["A2B"]), "A2B", tmp_path, ExportOptions())
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_cannot_be_compared_is_told() -> None:
    with pytest.raises(ModelError, match=r"A picture of 8x9 .* cannot be compared"):
        psnr(Shift(), Fixed(), [Example(torch.rand(1, 3, 8, 9))])


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
    with pytest.raises(UnreadableFileError, match="nowhere is no folder: give one of pictures"):
        export_network(Shift(), ModelConfig("toy", {}, ["A2B"]), "A2B", tmp_path, options)
