"""Feature networks by name and by path, and their memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import timm
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from torch import Tensor, nn

from attn_i2i.evaluate import Extractor, cached_features, evaluate, find_extractor, perceptual
from attn_i2i.evaluate.features.weights import BACKBONES, INCEPTION, KnownFile, digest_of, feature_store, fetched
from attn_i2i.files import sha256
from attn_i2i.types import ConfigError, ModelError, ShapeError, UnreadableFileError

from .helpers.squares import write_squares

# TorchScript is deprecated, and still what clean-fid publishes.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")
IMAGES = torch.rand(2, 3, 24, 20, generator=torch.Generator().manual_seed(0)).mul(255).round().div(255)


def scripted(path: Path, network: nn.Module) -> str:
    torch.jit.trace(network, torch.rand(1, 3, 24, 20)).save(str(path))
    return str(path)


def test_torchscript_gives_features_or_maps_and_the_files_hash(tmp_path: Path) -> None:
    flat = find_extractor(scripted(tmp_path / "flat.pt", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())))
    assert flat.weights == sha256(tmp_path / "flat.pt")
    assert flat.label == f"flat.pt {flat.weights[:8]}"
    torch.testing.assert_close(flat.features(IMAGES), IMAGES.mean((2, 3)) * 2 - 1)
    assert flat.maps(IMAGES) is None
    pooled = find_extractor(scripted(tmp_path / "maps.pt", nn.AvgPool2d(4)) + "?range=0..255")
    maps = pooled.maps(IMAGES)
    assert maps is not None
    torch.testing.assert_close(maps, nn.functional.avg_pool2d(IMAGES * 255, 4))
    torch.testing.assert_close(pooled.features(IMAGES), maps.mean((2, 3)))


def write_onnx(path: Path, weight: np.ndarray, *, batch: str | int = "b") -> None:
    """A convolution of 8x8 pixels, with its weights in a file beside it."""
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 2, 8, 8])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    beside = {"save_as_external_data": True, "location": f"{path.name}.data", "size_threshold": 0}
    Path(path.parent, f"{path.name}.data").unlink(missing_ok=True)  # onnx appends
    onnx.save(model, path, **beside)


@pytest.mark.parametrize("batch", ["b", 1])
def test_onnx_is_fed_as_its_address_says(batch: str | int, tmp_path: Path) -> None:
    weight = np.arange(6, dtype=np.float32).reshape(2, 3, 1, 1)
    write_onnx(tmp_path / "n.onnx", weight, batch=batch)
    extractor = find_extractor(f"{tmp_path / 'n.onnx'}?size=8&range=0..1")
    resized = nn.functional.interpolate(IMAGES, (8, 8), mode="bicubic", antialias=True)
    expected = nn.functional.conv2d(resized, torch.from_numpy(weight)).mean((2, 3))
    torch.testing.assert_close(extractor.features(IMAGES), expected)
    assert "?size=8" in extractor.name


def test_weights_beside_an_onnx_file_belong_to_it(tmp_path: Path) -> None:
    """Features in the cache are not those of other weights in a file of the same name."""
    digests = set()
    for value in (1.0, 2.0):
        write_onnx(tmp_path / "n.onnx", np.full((2, 3, 1, 1), value, np.float32))
        digests.add(find_extractor(f"{tmp_path / 'n.onnx'}?size=8").weights)
    assert len(digests) == 2


def test_a_network_that_breaks_is_told_in_a_line(tmp_path: Path) -> None:
    fixed = scripted(tmp_path / "fixed.pt", nn.Sequential(nn.Flatten(), nn.Linear(3 * 24 * 20, 4)))
    with pytest.raises(ShapeError, match=r"fixed\.pt failed on a batch of 1 of 9x8: .*\?size=PIXELS") as error:
        find_extractor(fixed).features(IMAGES[:1, :, :8, :9])
    assert "\n" not in str(error.value)
    squares = write_squares(tmp_path / "squares", "A", "B")
    blind = scripted(
        tmp_path / "blind.pt", nn.Sequential(nn.Flatten(), nn.LogSoftmax(0), nn.Threshold(1, float("nan")))
    )
    with pytest.raises(ConfigError, match="are no numbers"):
        evaluate([squares / "testB"], squares, features=blind, measures=["fid"])


@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "vit_tiny_patch16_224"])
def test_any_timm_model_gives_the_features_before_its_classifier(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = timm.create_model(name).eval()
    save_file(model.state_dict(), tmp_path / "w.safetensors")
    extractor = find_extractor(f"timm:{name}@{tmp_path / 'w.safetensors'}")
    config = model.pretrained_cfg
    side, mean, std = config["input_size"][-1], *(torch.tensor(config[key])[:, None, None] for key in ("mean", "std"))
    ready = (nn.functional.interpolate(IMAGES, (side, side), mode="bicubic", antialias=True) - mean) / std
    with torch.no_grad():
        expected = model.forward_head(model.forward_features(ready), pre_logits=True)
    torch.testing.assert_close(extractor.features(IMAGES), expected)
    assert extractor.weights == sha256(tmp_path / "w.safetensors")
    maps = extractor.maps(IMAGES)
    assert maps is not None
    assert maps.shape[:2] == (2, model.num_features)
    assert maps.shape[2:] in {(7, 7), (196, 1)}


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("nowhere", UnreadableFileError, "no file nowhere: give inception, FILE.pth"),
        ("text.txt", ConfigError, "no network that is read here"),
        ("text.pt", UnreadableFileError, "cannot be read as TorchScript"),
        ("text.onnx", UnreadableFileError, "cannot be read as ONNX"),
        ("text.pth", UnreadableFileError, "cannot be read as weights"),
        ("text.onnx?size=x", ConfigError, "expected size=PIXELS and range="),
        ("timm:no_such", ConfigError, "no backbone named 'no_such'"),
        ("timm:resnet18@nowhere", UnreadableFileError, "no file nowhere"),
    ],
)
def test_what_is_no_network_is_said(
    spec: str, error: type[Exception], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for suffix in ("txt", "pt", "onnx", "pth"):
        Path(f"text.{suffix}").write_bytes(b"\0\1\2\3")
    with pytest.raises(error, match=words):
        find_extractor(spec)


def test_a_network_of_another_shape_is_named(tmp_path: Path) -> None:
    path = scripted(tmp_path / "sum.pt", nn.Flatten(0))
    with pytest.raises(ShapeError, match=r"sum.pt gave \(2880,\): expected features"):
        find_extractor(path).features(IMAGES)


def test_what_cannot_be_fetched_says_where_to_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(ModelError, match=r"6726825d\.pth could not be fetched .*no network.*: put it into .*features"):
        find_extractor("inception")
    with pytest.raises(ModelError, match=BACKBONES["alex"].name):
        perceptual("alex")
    with pytest.raises(ConfigError, match="expected alex or vgg"):
        perceptual("squeeze")


def test_a_file_is_fetched_once_and_checked(tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(b"weights")
    known = KnownFile("fetched-once.bin", source.as_uri(), sha256(source)[:8])
    path = fetched(known)
    assert path == feature_store() / known.name
    source.unlink()
    assert fetched(known) == path
    path.write_bytes(b"damaged")
    with pytest.raises(ModelError, match="is damaged"):
        fetched(known)
    assert INCEPTION.name.endswith(f"{INCEPTION.digest}.pth")


def test_features_are_computed_once_a_picture(tmp_path: Path) -> None:
    seen: list[int] = []

    def network(images: Tensor) -> tuple[None, Tensor]:
        seen.append(len(images))
        return None, images.mean((2, 3))

    images = [*IMAGES, torch.rand(3, 8, 8)]
    first = cached_features(images, Extractor("mean", "0" * 64, network), tmp_path)
    assert seen == [2, 1]
    torch.testing.assert_close(
        first, torch.stack([image.mul(255).round().div(255).mean((1, 2)) for image in images]), atol=2e-3, rtol=0
    )
    steps: list[int] = []
    again = cached_features(
        [images[2], images[0]], Extractor("mean", "0" * 64, network), tmp_path, lambda: steps.append(1)
    )
    assert seen == [2, 1]
    assert len(steps) == 2
    assert torch.equal(again, first[[2, 0]])
    cached_features(images, Extractor("mean", "1" * 64, network), tmp_path)
    assert seen == [2, 1, 2, 1]
    next(tmp_path.rglob("*.safetensors")).write_bytes(b"damaged")
    cached_features(images, Extractor("mean", "0" * 64, network), tmp_path)
    cached_features(images, Extractor("mean", "1" * 64, network), tmp_path)
    assert len(seen) == 5


def test_the_digest_of_weights_is_of_names_types_and_values_in_any_order() -> None:
    state = {"a": torch.zeros(2), "b": torch.ones(1)}
    assert digest_of(state) == digest_of(dict(reversed(state.items())))
    others = [{**state, "b": torch.zeros(1)}, {**state, "a": torch.zeros(2, 1)}, {"a": state["a"], "c": state["b"]}]
    assert digest_of(state) not in {digest_of(other) for other in [*others, {**state, "a": torch.zeros(2).int()}]}
