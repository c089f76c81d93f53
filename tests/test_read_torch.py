"""Every way PyTorch has saved tensors reads back the same tensors."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attn_i2i.convert.reader.read import read_checkpoint
from attn_i2i.types import UnreadableFileError
from tests.helpers.checkpoints import (
    save_each,
    save_legacy,
    save_old_tar,
    save_zip,
    training_state,
    vanishing_module,
    weights,
)

SAVERS = [save_zip, save_legacy]


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("save", SAVERS)
def test_a_state_dict_keeps_names_types_and_order(save: Callable[..., Path], tmp_path: Path) -> None:
    expected = weights()
    assert_same(read_checkpoint(save(tmp_path / "any name", expected)), expected)


@pytest.mark.parametrize("save", SAVERS)
def test_a_training_state_flattens_and_drops_what_is_no_tensor(save: Callable[..., Path], tmp_path: Path) -> None:
    state = training_state()
    expected = {f"genA2B.{name}": tensor for name, tensor in state["genA2B"].items()}  # type: ignore[attr-defined]
    expected |= {"optimizer.state.0.exp_avg": torch.ones(2), "mean": torch.arange(6.0).reshape(2, 3)}
    assert_same(read_checkpoint(save(tmp_path / "params.pt", state)), expected)


def test_an_old_tar_is_read_through_its_storage_views(tmp_path: Path) -> None:
    expected = {"module.a.weight": torch.randn(3, 4), "module.a.bias": torch.randn(4)}
    assert_same(read_checkpoint(save_old_tar(tmp_path / "old.pth", expected)), expected)


@pytest.mark.parametrize("save", SAVERS)
def test_a_whole_module_of_a_class_that_is_gone_gives_its_state_dict(save: Callable[..., Path], tmp_path: Path) -> None:
    with vanishing_module() as network:
        model = nn.DataParallel(network())
        path = save(tmp_path / "model.pth", {"epoch": 3, "net": model})
    expected = {f"net.{name}": tensor for name, tensor in model.state_dict().items()}
    assert_same(read_checkpoint(path), expected)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_pickles_of_any_protocol_are_read(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "plain"
    big = np.arange(4, dtype=">f4").reshape(2, 2)
    value = {"t": weights()["view"], "big": big, "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "s": np.int64(3)}
    path.write_bytes(pickle.dumps(value, protocol))
    expected = {
        "t": value["t"],
        "big": torch.from_numpy(big.astype("f4")),
        "f": torch.arange(6.0).double().reshape(2, 3),
    }
    assert_same(read_checkpoint(path), expected)


@pytest.mark.parametrize("protocol", [1, 3, 4, 5])
def test_legacy_files_of_other_protocols_are_read(protocol: int, tmp_path: Path) -> None:
    expected = weights()
    assert_same(read_checkpoint(save_legacy(tmp_path / "w.pth", expected, protocol)), expected)


def test_tensors_that_share_storage_still_do(tmp_path: Path) -> None:
    found = read_checkpoint(save_zip(tmp_path / "w.pth", weights()))
    found["view"].zero_()
    assert found["view"].untyped_storage().data_ptr() == found["sibling"].untyped_storage().data_ptr()


def test_a_bare_tensor_and_parameters_have_names(tmp_path: Path) -> None:
    assert list(read_checkpoint(save_zip(tmp_path / "a", torch.ones(2)))) == ["tensor"]
    assert list(read_checkpoint(save_zip(tmp_path / "b", [nn.Parameter(torch.ones(2))]))) == ["0"]


def test_nan_and_infinity_are_weights_too(tmp_path: Path) -> None:
    found = read_checkpoint(save_zip(tmp_path / "a", {"x": torch.tensor([float("nan"), float("-inf")])}))
    assert found["x"].isnan().tolist() == [True, False]


def test_modest_deflation_is_undone(tmp_path: Path) -> None:
    expected = weights()
    packed = tmp_path / "packed.pth"
    with zipfile.ZipFile(save_zip(tmp_path / "w.pth", expected)) as source, zipfile.ZipFile(packed, "w", 8) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert_same(read_checkpoint(packed), expected)


def test_a_file_saved_without_checksums_is_read(tmp_path: Path) -> None:
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        path = save_zip(tmp_path / "w.pth", {"x": torch.ones(3)})
    finally:
        torch.serialization.set_crc32_options(before)
    assert read_checkpoint(path)["x"].tolist() == [1, 1, 1]


def test_keep_leaves_the_rest_in_the_file(tmp_path: Path) -> None:
    for path in save_each(tmp_path).values():
        name = next(iter(read_checkpoint(path)))
        assert list(read_checkpoint(path, keep=lambda key, name=name: key == name)) == [name]


def test_an_object_that_contains_itself_is_entered_once(tmp_path: Path) -> None:
    loop: dict[str, object] = {"x": torch.ones(1)}
    loop["self"] = [loop]
    assert list(read_checkpoint(save_zip(tmp_path / "a", loop))) == ["x"]


@pytest.mark.parametrize(
    ("tensor", "kind"),
    [
        (torch.eye(2).to_sparse(), "sparse"),
        (torch.empty(2, device="meta"), "without data"),
    ],
)
def test_tensors_without_plain_bytes_are_refused_by_name(tensor: Tensor, kind: str, tmp_path: Path) -> None:
    path = save_zip(tmp_path / "a", {"net": {"odd": tensor}})
    with pytest.raises(UnreadableFileError, match=rf"{kind}.*'net\.odd'"):
        read_checkpoint(path)


def test_a_flipped_bit_in_a_weight_is_noticed(tmp_path: Path) -> None:
    value = torch.randn(500)
    path = save_zip(tmp_path / "a", {"x": value})
    content = bytearray(path.read_bytes())
    content[content.index(value.numpy().tobytes()) + 100] ^= 4
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match="checksum"):
        read_checkpoint(path)


def test_a_torchscript_archive_says_how_to_get_its_weights(tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("s/data.pkl", "s/constants.pkl", "s/code/__torch__.py"):
            archive.writestr(name, b"x")
    with pytest.raises(UnreadableFileError, match=r"TorchScript.*state_dict\(\)"):
        read_checkpoint(path)


def test_a_file_without_a_tensor_says_so(tmp_path: Path) -> None:
    stream = io.BytesIO()
    torch.save({"epoch": 3}, stream)
    path = tmp_path / "a"
    path.write_bytes(stream.getvalue())
    with pytest.raises(UnreadableFileError, match="no tensor"):
        read_checkpoint(path)
