"""Exported files answer as their networks do, say what they are, and are used where models are."""

from __future__ import annotations

import json
import logging
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch

import attn_i2i
from attn_i2i.evaluate import evaluate
from attn_i2i.export import RuntimeGenerator, export_model
from attn_i2i.export.opening import place_of
from attn_i2i.export.write import describe_onnx
from attn_i2i.models.checksums import write_sums
from attn_i2i.translate.tiles.kinds import tiling
from attn_i2i.types import AttnI2IError, ConfigError, ModelError, ShapeError, UnknownNameError

from .helpers import processes
from .helpers.commands import Run, picture, write_model
from .helpers.exported import exportable, facts

pytestmark = exportable
MULTIDOMAIN = {"width": 2, "blocks": 0, "domains": 3}
SIZES = [(1, 64, 64), (2, 37, 50), (3, 8, 9), (1, 1, 40)]


@pytest.fixture(scope="module")
def stored(model: Path) -> Path:
    """AttentionGAN II, one way, as ``load`` puts it into the model store for onnxruntime."""
    generator = attn_i2i.load(model, direction="A2B", runtime="onnx").generator
    assert isinstance(generator, RuntimeGenerator)
    return generator.path


@pytest.fixture(scope="module")
def exported(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with that graph for both directions."""
    folder = tmp_path_factory.mktemp("exported")
    said = RuntimeGenerator(stored, "onnx").facts
    for direction in ("A2B", "B2A"):
        (folder / f"{direction}.onnx").write_bytes(stored.read_bytes())
        config = replace(said.config, directions=[direction])
        describe_onnx(folder / f"{direction}.onnx", replace(said, direction=direction, config=config))
    write_sums(folder)
    return folder


@pytest.fixture(scope="module")
def multidomain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A StarGAN as one ONNX file, whose model is beside it."""
    folder = tmp_path_factory.mktemp("multidomain")
    (folder / "model").mkdir()
    write_model(folder / "model", "stargan", ["a", "b", "c"], **MULTIDOMAIN)
    export_model(folder / "model", folder / "m.onnx")
    return folder / "m.onnx"


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
@pytest.mark.parametrize("size", SIZES)
def test_every_size_and_batch_is_answered_as_by_the_network(
    model: Path, exported: Path, size: tuple[int, int, int], runtime: str
) -> None:
    batch, height, width = size
    images = torch.rand(batch, 3, height, width) * 2 - 1
    network = attn_i2i.load(model).generator
    with torch.no_grad():
        expected = network(images)
    answer = RuntimeGenerator(exported / "A2B.onnx", runtime)(images)  # type: ignore[arg-type]
    for part, wanted in zip(answer, expected, strict=True):
        torch.testing.assert_close(part, wanted, rtol=0, atol=1e-4)


def test_a_file_says_what_it_is_and_names_its_inputs_and_outputs(exported: Path) -> None:
    graph = onnx.load(exported / "A2B.onnx").graph
    axes = [axis.dim_param or axis.dim_value for axis in graph.input[0].type.tensor_type.shape.dim]
    assert ([value.name for value in graph.input], axes) == (["source"], ["batch", 3, "height", "width"])
    assert [value.name for value in graph.output] == ["image", "attention", "contents"]
    made_by = {name: node.op_type for node in graph.node for name in node.output}
    normed = {made_by[node.input[0]] for node in graph.node if node.op_type == "InstanceNormalization"}
    assert normed == {"Conv", "ConvTranspose"}  # a reshape between them would cost OpenVINO two other layouts
    said = facts(exported / "A2B.onnx")
    assert said["opset"] == 18
    assert said["config"]["architecture"] == "attentiongan2"  # type: ignore[index]
    assert "[-1, 1]" in said["pictures"]["source"]  # type: ignore[index]
    assert 0 < said["compared"]["largest_error"] < 1e-4  # type: ignore[index]
    assert len(said["compared"]["trials"]) == 3  # type: ignore[index]


def test_exported_files_are_measured_by_their_folder_and_cut_with_a_plain_reason(
    model: Path, exported: Path, tmp_path: Path
) -> None:
    picture(tmp_path / "data/a.png")
    values = {
        label: evaluate([source], tmp_path / "data", measures=["change"]).value(source.name, "change")
        for label, source in (("exported", exported), ("model", model))
    }
    assert values["exported"] == pytest.approx(values["model"], abs=1e-5)
    generator = attn_i2i.load(exported).generator
    assert tiling(generator) == ("approximate", "the network says so")


def test_the_translator_of_a_runtime_gives_the_same_with_masks_and_options(model: Path, exported: Path) -> None:
    image, limit = torch.rand(3, 30, 41), torch.ones(1, 30, 41)
    limit[..., :20] = 0
    options = {"keep_background": True, "mask": limit}
    wanted = attn_i2i.load(model)(image, **options)
    translate = pickle.loads(pickle.dumps(attn_i2i.load(exported)))
    assert translate.directions == ["A2B", "B2A"]
    answer = translate(image, direction="B2A", **options)
    torch.testing.assert_close(answer.image, wanted.image, rtol=0, atol=1e-4)
    torch.testing.assert_close(answer.foreground, wanted.foreground, rtol=0, atol=1e-4)
    assert torch.equal(answer.image[..., :20], image[..., :20])


CLOSED_IN_THE_ORDER_THEY_CAME = """
import gc, signal, sys
from attn_i2i.export import RuntimeGenerator
opened = [RuntimeGenerator(sys.argv[1], "openvino") for _ in range(2)]
while opened:
    del opened[0]
    gc.collect()
signal.signal(signal.SIGTERM, lambda *_: print("handled"))
signal.raise_signal(signal.SIGTERM)
"""


def test_a_signal_is_handled_after_models_were_closed_in_the_order_they_came(exported: Path) -> None:
    """OpenVINO leaves a freed stack for signals where each has a core of its own; the signal then ends the process."""
    done = processes.run("-c", CLOSED_IN_THE_ORDER_THEY_CAME, str(exported / "A2B.onnx"))
    assert (done.returncode, done.stdout) == (0, "handled\n")


def test_labels_reach_a_multidomain_graph(multidomain: Path) -> None:
    images = torch.rand(2, 3, 20, 17)
    wanted = attn_i2i.load(multidomain.parent / "model")(images, domain="b")
    translate = attn_i2i.load(multidomain)
    for answer, each in zip(translate(images, domain="b"), wanted, strict=True):
        torch.testing.assert_close(answer.image, each.image, rtol=0, atol=1e-4)
    with pytest.raises(UnknownNameError, match="'d'"):
        translate(images, domain="d")
    with pytest.raises(ShapeError, match=r"labels of 3 domains, got none"):
        translate.generator(images)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("noise.onnx", b"\0\1\2", "cannot be read as ONNX"),
        ("graph.xml", b"<net/>", "cannot be read as an OpenVINO model"),
        ("p.pt2", b"", "is a program for torch.export.load"),
        ("nowhere.onnx", None, "There is no file"),
    ],
)
def test_what_is_no_export_is_refused_in_one_line(name: str, content: bytes | None, words: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(AttnI2IError, match=words) as caught:
        attn_i2i.load(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert ".." not in str(caught.value)


def test_a_foreign_or_changed_graph_is_refused(exported: Path, tmp_path: Path) -> None:
    foreign = onnx.load(exported / "A2B.onnx")
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    for runtime in ("onnx", "openvino"):
        with pytest.raises(ModelError, match="was not exported by attn-i2i"):
            attn_i2i.load(tmp_path / "foreign.onnx", runtime=runtime)  # type: ignore[arg-type]
    for name in ("A2B.onnx", "SHA256SUMS"):
        (tmp_path / name).write_bytes((exported / name).read_bytes() + (b"\0" if name == "A2B.onnx" else b""))
    with pytest.raises(ModelError, match="was changed or damaged"):
        attn_i2i.load(tmp_path / "A2B.onnx")


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"channels": [4, 3]}, r"takes source \(any, 4, any, any\), and its graph takes source \(any, 3, any, any\)"),
        ({"channels": [-3, 3]}, r"channels \(-3, 3\)"),
        ({"image_size": [32, 32]}, r"takes source \(any, 3, 32, 32\), and"),
        ({"image_size": [0, 32]}, r"image_size \(0, 32\)"),
        ({"domains": 2}, r"domain \(any, 2\), and its graph takes"),
        ({"outputs": ["image"]}, "says that it gives image, and its graph gives something else"),
        ({"outputs": ["image", "contents", "attention"]}, r"outputs \['image', 'contents', 'attention'\]"),
        ({"outputs": ["image", "picture", "contents"]}, r"outputs \['image', 'picture', 'contents'\]"),
        ({"direction": "../x"}, "the direction '../x'"),
        ({"direction": "B2A"}, r"the direction B2A of a model of \['A2B'\]"),
        ({"direction": 1}, "TypeError: 1 is no text"),
        ({"task": ["a"]}, r"TypeError: \['a'\] is no text"),
        ({"margin": -1}, "margin -1"),
        ({"margin": 10**30}, "no whole number up to 1048576"),
        ({"opset": True}, "True is no whole number"),
        ({"precision": "exact"}, "precision 'exact'"),
    ],
)
@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_file_that_does_not_say_what_its_graph_is_is_refused(
    lie: dict[str, object], words: str, runtime: str, exported: Path, tmp_path: Path
) -> None:
    model, told = onnx.load(exported / "A2B.onnx"), facts(exported / "A2B.onnx")
    del model.metadata_props[:]
    model.metadata_props.add(key="attn_i2i", value=json.dumps(told | lie))
    onnx.save(model, tmp_path / "A2B.onnx")
    with pytest.raises(ModelError, match=words) as caught:
        attn_i2i.load(tmp_path / "A2B.onnx", runtime=runtime)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"runtime": "tensorrt"}, "expected torch, onnx, openvino"),
        ({"runtime": "onnx", "dtype": "bfloat16"}, "computes in float32"),
        ({"runtime": "onnx", "compile": True}, "computes in float32"),
        ({"runtime": "openvino", "device": "cuda"}, "OpenVINO is used on the CPU"),
        ({"runtime": "onnx", "device": "cuda"}, "this onnxruntime cannot use it"),
        ({"runtime": "torch"}, "is an exported graph"),
    ],
)
def test_what_a_runtime_cannot_do_is_said(exported: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        attn_i2i.load(exported, **options)  # type: ignore[arg-type]


def test_a_named_model_is_exported_once_into_the_store(
    model: Path, stored: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attn_i2i.export.opening.export_network", None)  # a second export would fail
    picture("in/a.png")
    code, out, err = run("translate", "in", "-o", "out", "-m", model, "--direction", "A2B", "--runtime", "onnx")
    assert (code, err) == (0, "")
    assert "1 picture translated" in out


def test_a_stored_graph_that_was_damaged_is_exported_anew(
    model: Path, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, again = stored.read_bytes(), []
    monkeypatch.setattr(
        "attn_i2i.export.opening.export_network",
        lambda network, config, direction, folder, options: again.append((folder / stored.name).write_bytes(whole)),
    )
    stored.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    attn_i2i.load(model, direction="A2B", runtime="onnx")
    attn_i2i.load(model, direction="A2B", runtime="onnx")
    assert (again, stored.read_bytes()) == ([len(whole)], whole)


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_missing_extra_is_said_in_our_words(exported: Path, runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package = {"onnx": "onnxruntime", "openvino": "openvino"}[runtime]
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ConfigError, match=rf"needs {package}.*pip install 'attn-i2i\[{runtime}\]'"):
        attn_i2i.load(exported, runtime=runtime)  # type: ignore[arg-type]


def test_a_network_that_cannot_be_traced_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch prints the graph as far as it came, and logs what stopped it."""

    def export(*_: object, **__: object) -> None:
        print("\n\ndef forward(self, x):\n    return x", file=sys.stderr)
        logging.getLogger("torch.fx.experimental.symbolic_shapes").warning("no user code")
        print("a warning", file=sys.stderr)
        raise ConfigError("its steps depend on its input.")

    monkeypatch.setattr("attn_i2i.export.export_model", export)
    assert run("export", "m", "-o", "o") == (2, "", "a warning\nerror: its steps depend on its input.\n")


def test_a_missing_extra_is_said_where_there_is_a_gpu_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(ConfigError, match=r"pip install 'attn-i2i\[onnx\]'"):
        place_of(None, "onnx")


def test_the_command_writes_whole_files_and_says_the_error(run: Run, model: Path, tmp_path: Path) -> None:
    write_model(tmp_path, "unet", levels=2, width=2)
    code, out, err = run("export", ".", "-o", "a.onnx", "--direction", "A2B")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("A2B: largest error ")
    assert out.splitlines()[0].endswith("in 3 comparisons; any size, any batch")
    assert run("export", ".", "-o", "a.onnx", "--direction", "A2B")[2].startswith("error: a.onnx exists already")
    assert "choose one, or give a folder" in run("export", ".", "-o", "b.onnx")[2]
    assert run("export", ".", "-o", "b.pt2")[0] == 2
    Path("model").mkdir()
    for name in ("config.json", "A2B.safetensors", "B2A.safetensors"):
        Path(name).replace(Path("model", name))
    code, _, err = run("export", "model", "-o", "model", "--force")
    assert (code, err) == (1, "error: model holds the model itself, and would be replaced: choose another name.\n")
    assert "--int8 and --calibrate FOLDER go together" in run("export", ".", "-o", "b.onnx", "--int8")[2]
    assert not Path("b.onnx").exists()
