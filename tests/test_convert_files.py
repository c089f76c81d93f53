"""What lies in and beside the files of a checkpoint: averages, precisions, shards, states of a training."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from attn_i2i.convert import convert
from attn_i2i.models.config import read_config
from attn_i2i.types import AttnI2IError, ConversionError
from tests.helpers.layouts import assert_answers, pair, picture
from tests.helpers.published import patch, resnet, spread


@pytest.mark.parametrize(
    "names",
    [
        ("generator", "generator_ema"), ("gen_AB", "ema_gen_AB"), ("G", "G_avg"), ("G", "G_smooth"), ("G", "ema"),
        ("net", "ema_weights"), ("ema.online_model", "ema.ema_model"), ("g", "g_running"),
    ],
)  # fmt: skip
def test_averaged_weights_are_taken_and_said_and_raw_ones_on_request(names: tuple[str, str], tmp_path: Path) -> None:
    raw, averaged = pair()
    state = dict(zip(names, (raw.state_dict(), averaged.state_dict()), strict=True))
    torch.save({**state, "step": 5}, tmp_path / "checkpoint.pt")
    for weights, network in ((None, averaged), ("ema", averaged), ("raw", raw)):
        done = convert(tmp_path / "checkpoint.pt", tmp_path / f"{weights}", weights=weights)  # type: ignore[arg-type]
        assert_answers(tmp_path / f"{weights}", "A2B", network, picture())
        assert done.config.provenance["weights"] == {"A2B": weights or "ema"}
    assert "weights of A2B: raw" in done.summary()


def test_averaged_weights_are_not_had_where_there_are_none(tmp_path: Path) -> None:
    torch.save(spread(resnet()).state_dict(), tmp_path / "netG_A2B.pth")
    with pytest.raises(ConversionError, match="there are only raw weights"):
        convert(tmp_path / "netG_A2B.pth", tmp_path / "none", weights="ema")
    assert "weights" not in convert(tmp_path / "netG_A2B.pth", tmp_path / "model").config.provenance
    both = {"G_avg": spread(resnet()).state_dict(), "D": spread(patch()).state_dict()}
    torch.save(both, tmp_path / "both.pt")
    with pytest.raises(ConversionError, match="there are only averaged weights"):
        convert(tmp_path / "both.pt", tmp_path / "none", weights="raw")
    assert "weights" not in convert(tmp_path / "both.pt", tmp_path / "ema").config.provenance


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_widened(dtype: torch.dtype, tmp_path: Path) -> None:
    network = spread(resnet()).to(dtype)
    torch.save(network.state_dict(), tmp_path / "netG_A2B.pth")
    convert(tmp_path / "netG_A2B.pth", tmp_path / "model")
    assert_answers(tmp_path / "model", "A2B", network, picture())


def test_what_only_a_training_needs_is_left_out_by_name(tmp_path: Path) -> None:
    network = spread(resnet())
    torch.save(network.state_dict(), tmp_path / "latest_net_G.pth")
    torch.save({f"mlp_{i}.{j}.weight": torch.ones(2, 2) for i in (0, 1) for j in (0, 2)}, tmp_path / "latest_net_F.pth")
    torch.save({"conv.weight": torch.ones(2, 2, 3, 3)}, tmp_path / "latest_net_D.pth")
    torch.save({"state": {0: {"exp_avg": torch.ones(3)}}}, tmp_path / "optimizer.pth")
    files = [*(tmp_path / f"latest_net_{letter}.pth" for letter in "GFD"), tmp_path / "optimizer.pth"]
    done = convert(files, tmp_path / "model")
    left_out = read_config(tmp_path / "model").provenance["left_out"]
    assert left_out == {
        "latest_net_F.pth": "the projection heads of a contrastive loss",
        "latest_net_D.pth": "a discriminator of an unknown layout",
        "optimizer.pth": "the state of a training",
    }
    assert "left out: latest_net_F.pth" in done.summary()


def test_anything_else_beside_a_network_is_left_out_only_on_request(tmp_path: Path) -> None:
    parts = {"netG_A": spread(resnet()).state_dict(), "segmenter": {"conv.weight": torch.ones(2, 2)}}
    torch.save(parts, tmp_path / "both.pth")
    with pytest.raises(ConversionError, match=r"no layout covers 1 of its tensors .*leave_out=\['segmenter'\]"):
        convert(tmp_path / "both.pth", tmp_path / "model")
    done = convert(tmp_path / "both.pth", tmp_path / "model", leave_out=["segmenter"])
    assert done.config.provenance["left_out"] == {"both.pth:segmenter": "as asked for"}
    with pytest.raises(ConversionError, match="leave_out names 'segmentor', and nothing in the files"):
        convert(tmp_path / "both.pth", tmp_path / "other", leave_out=["segmentor", "segmenter"])


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda raw, ema: {
            **{f"online_model.{k}": t for k, t in raw.items()},
            **{f"ema_model.{k}": t for k, t in ema.items()},
            "initted": torch.tensor(True),
            "step": torch.tensor(3),
        },
        lambda raw, ema: {"model": raw, "ema_shadow": ema},
        lambda raw, ema: {"params": raw, "params_ema": ema},
        lambda raw, ema: {"n_averaged": torch.tensor(9), **{f"module.{k}": t for k, t in ema.items()}},
    ],
    ids=["ema_pytorch", "shadow", "basicsr", "swa"],
)
def test_averages_of_other_packages_are_taken(wrapped: Callable[..., object], tmp_path: Path) -> None:
    raw, ema = (spread(resnet(blocks=1, width=2), seed) for seed in (1, 2))
    torch.save(wrapped(raw.state_dict(), ema.state_dict()), tmp_path / "G.pth")
    convert(tmp_path / "G.pth", tmp_path / "out")
    assert_answers(tmp_path / "out", "A2B", ema, picture())


def sharded(folder: Path, state: Mapping[str, Tensor]) -> Path:
    """Two shards and their index, as the Hub's libraries write them."""
    folder.mkdir()
    names = {key: f"model-0000{1 + place % 2}-of-00002.safetensors" for place, key in enumerate(state)}
    for file in set(names.values()):
        save_file({key: state[key] for key, name in names.items() if name == file}, folder / file)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": names}))
    return index


def test_shards_are_one_checkpoint(tmp_path: Path) -> None:
    network = spread(resnet(blocks=1, width=2))
    index = sharded(tmp_path / "in", network.state_dict())
    for source in (index, index.parent):
        out = tmp_path / f"out-{source.name}"
        convert(source, out)
        assert_answers(out, "A2B", network, picture())
    with pytest.raises(AttnI2IError, match=r"is one of 2 shards of model.safetensors; give all of them"):
        convert(index.parent / "model-00001-of-00002.safetensors", tmp_path / "x")
    (index.parent / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(AttnI2IError, match="which is not beside it"):
        convert(index, tmp_path / "x")
    for wrong in ("{", '{"weight_map": {"a": "../x-00001-of-00001.bin"}}', '{"weight_map": {}}'):
        index.write_text(wrong)
        with pytest.raises(AttnI2IError, match=r"shards"):
            convert(index, tmp_path / "x")


def test_a_training_folder_gives_its_weights(tmp_path: Path) -> None:
    """As accelerate writes it."""
    network = spread(resnet(blocks=1, width=2))
    folder = tmp_path / "checkpoint_7"
    folder.mkdir()
    save_file(network.state_dict(), folder / "model.safetensors")
    torch.save({"param_groups": []}, folder / "optimizer.bin")
    torch.save({"last_epoch": 1}, folder / "scheduler.bin")
    (folder / "random_states_0.pkl").write_bytes(pickle.dumps({"step": 1}))
    convert(folder, tmp_path / "out")
    assert_answers(tmp_path / "out", "A2B", network, picture())
