"""Published checkpoints in every wrapping become the same model, and what is none is named in one line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from attn_i2i.builtin.cyclegan.converters import GENERATOR
from attn_i2i.convert import Converter, convert, find_networks, read_checkpoint
from attn_i2i.models.config import read_config
from attn_i2i.models.directory import build_discriminators, build_generator
from attn_i2i.registry import Registry
from attn_i2i.types import AttnI2IError, ConversionError
from tests.helpers.checkpoints import save_legacy, save_old_tar
from tests.helpers.tf_bundle import write_bundle

CASES = Path(__file__).parent / "cases"
CYCLEGAN = CASES / "cyclegan" / "latest_net_G_A.pth"
DISCRIMINATOR = CASES / "cyclegan" / "latest_net_D_A.pth"
SCHEME2 = CASES / "attentiongan_scheme2" / "latest_net_G_A.pth"
UGATIT = CASES / "ugatit_light" / "selfie2anime_params_latest.pt"
TF = CASES / "ugatit_tf_light" / "UGATIT.model-1000.index"


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def weights(folder: Path, direction: str = "A2B") -> str:
    return digest(folder)[f"{direction}.safetensors"]


@pytest.fixture(scope="module")
def cyclegan() -> dict[str, Tensor]:
    return read_checkpoint(CYCLEGAN)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("plain") / "model"
    convert(CYCLEGAN, out)
    return weights(out)


def with_old_statistics(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As PyTorch before 0.4 saved instance norms: running statistics without parameters."""
    channels = len(state["model.1.bias"])
    return {**state, "model.2.running_mean": torch.randn(channels), "model.2.running_var": torch.rand(channels)}


def prefixed(prefix: str) -> Callable[[Mapping[str, Tensor]], dict[str, Tensor]]:
    return lambda state: {f"{prefix}{key}": tensor for key, tensor in state.items()}


WRAPPINGS: dict[str, Callable[[Mapping[str, Tensor]], Any]] = {
    "plain": dict,
    "parallel": prefixed("module."),
    "compiled": prefixed("_orig_mod."),
    "compiled and parallel": prefixed("module._orig_mod."),
    "old statistics": with_old_statistics,
    "state_dict": lambda state: {"epoch": 7, "state_dict": dict(state)},
    "with its optimizer": lambda state: {
        "netG_A": dict(state),
        "optimizer_G": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]},
    },
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_wrapping_changes_nothing(wrapping: str, cyclegan: dict[str, Tensor], expected: str, tmp_path: Path) -> None:
    torch.save(WRAPPINGS[wrapping](cyclegan), tmp_path / "latest_net_G_A.pth")
    convert(tmp_path / "latest_net_G_A.pth", tmp_path / "model")
    assert weights(tmp_path / "model") == expected


@pytest.mark.parametrize("save", [save_legacy, save_old_tar, lambda path, state: save_file(state, path)])
def test_a_container_changes_nothing(
    save: Callable[[Path, Any], object], cyclegan: dict[str, Tensor], expected: str, tmp_path: Path
) -> None:
    save(tmp_path / "net_G_A", cyclegan)
    convert(tmp_path / "net_G_A", tmp_path / "model")
    assert weights(tmp_path / "model") == expected


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        convert(CYCLEGAN, tmp_path / name / "model")
    assert digest(tmp_path / "first" / "model") == digest(tmp_path / "second" / "model")


def test_a_released_pair_becomes_one_model_of_two_directions(
    cyclegan: dict[str, Tensor], expected: str, tmp_path: Path
) -> None:
    folder = tmp_path / "horse2zebra_pretrained"
    folder.mkdir()
    torch.save(cyclegan, folder / "latest_net_G_A.pth")
    torch.save({key: tensor + 1 for key, tensor in cyclegan.items()}, folder / "latest_net_G_B.pth")
    torch.save(torch.load(DISCRIMINATOR), folder / "latest_net_D_A.pth")
    convert(folder, tmp_path / "model")
    config = read_config(tmp_path / "model")
    assert config.directions == ["A2B", "B2A"]
    assert weights(tmp_path / "model") == expected != weights(tmp_path / "model", "B2A")
    assert list(build_discriminators(tmp_path / "model", config)) == ["B"], "netD_A looks at what netG_A makes"


def test_one_file_of_six_networks_keeps_generators_and_discriminators(tmp_path: Path) -> None:
    state = torch.load(UGATIT)
    state |= {"genB2A": state["genA2B"], "disGB": state["disGA"], "disLB": state["disLA"]}
    torch.save(state, tmp_path / "params.pt")
    convert(tmp_path / "params.pt", tmp_path / "model")
    config = read_config(tmp_path / "model")
    assert config.directions == ["A2B", "B2A"]
    assert config.config == {"width": 8, "blocks": 4, "light": True}
    assert sorted(build_discriminators(tmp_path / "model", config)) == ["A", "B"]


@pytest.mark.parametrize("name", ["UGATIT.model-1000", "UGATIT.model-1000.index", ""])
def test_a_tensorflow_bundle_is_found_by_prefix_index_or_folder(name: str, tmp_path: Path) -> None:
    convert(TF.parent / name if name else TF.parent, tmp_path / "model")
    assert read_config(tmp_path / "model").config["release"] == "tensorflow"


def test_slots_averages_and_single_numbers_of_a_bundle_are_left_out(tmp_path: Path) -> None:
    tensors = {key: tensor.numpy() for key, tensor in read_checkpoint(TF).items()}
    endings = ("Adam", "Adam_1", "ExponentialMovingAverage")
    slots = {f"{key}/{end}": value + 1 for key, value in tensors.items() for end in endings}
    numbers = {key: torch.zeros(()).numpy() for key in ("beta1_power", "beta2_power", "Variable", "best/score")}
    write_bundle(tmp_path / "UGATIT.model-1", dict(sorted({**tensors, **slots, **numbers}.items())))
    convert(tmp_path / "UGATIT.model-1", tmp_path / "with")
    convert(TF, tmp_path / "without")
    assert weights(tmp_path / "with") == weights(tmp_path / "without")


def test_verification_is_recorded_in_config_and_card(tmp_path: Path) -> None:
    stored = load_file(SCHEME2.parent / "io.safetensors")
    sample = {name: stored[name] for name in ("x",)}
    convert(SCHEME2, tmp_path / "first")
    generator = build_generator(tmp_path / "first", read_config(tmp_path / "first"), "A2B")
    save_file({**sample, "image": generator.double()(sample["x"].double()).image}, tmp_path / "io.safetensors")
    done = convert(SCHEME2, tmp_path / "model", verify=tmp_path / "io.safetensors", licence="CC-BY-NC-SA-4.0")
    record = json.loads((tmp_path / "model" / "config.json").read_text())["provenance"]["verified"]
    assert record["outputs"] == ["image"]
    assert record["float64_error"] == done.checks[0].error <= 1e-6 < record["float32_error"] * 1e3
    assert "Verified against `io.safetensors`" in (tmp_path / "model" / "README.md").read_text()


def test_a_failed_verification_writes_nothing(tmp_path: Path) -> None:
    stored = {"x": torch.zeros(1, 3, 32, 32), "image": torch.ones(1, 3, 32, 32, dtype=torch.float64)}
    save_file(stored, tmp_path / "io.safetensors")
    with pytest.raises(ConversionError, match=r"image differs by .*: nothing was written"):
        convert(SCHEME2, tmp_path / "model", verify=tmp_path / "io.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["io.safetensors"]


@pytest.mark.parametrize(
    ("source", "stored", "name"),
    [
        (CYCLEGAN, {"x": torch.zeros(1, 5, 32, 32), "image": torch.zeros(1, 3, 32, 32)}, "image"),
        (
            [CYCLEGAN, DISCRIMINATOR],
            {"x": torch.zeros(1, 3, 32, 32), "local_logits_b": torch.zeros(1, 1, 2, 2)},
            "local_logits_b",
        ),
        (CYCLEGAN, {"x": torch.zeros(0, 3, 32, 32), "image": torch.zeros(0, 3, 32, 32)}, "image"),
    ],
)
def test_stored_values_that_the_model_cannot_answer_are_one_line(
    source: Any, stored: dict[str, Tensor], name: str, tmp_path: Path
) -> None:
    save_file(stored, tmp_path / "io.safetensors")
    with pytest.raises(ConversionError, match=f"{name} is not what this model gives .*nothing was written") as caught:
        convert(source, tmp_path / "model", verify=tmp_path / "io.safetensors")
    assert "\n" not in str(caught.value)


def damaged(change: Callable[[dict[str, Tensor]], None]) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    def apply(state: dict[str, Tensor]) -> dict[str, Tensor]:
        copy = dict(state)
        change(copy)
        return copy

    return apply


WRONG: dict[str, tuple[Callable[[dict[str, Tensor]], Any], str]] = {
    "another network": (lambda state: {"features.0.weight": torch.zeros(64, 3, 3, 3)}, "no known layout"),
    "a missing tensor": (damaged(lambda s: s.pop("model.4.bias")), "missing trunk.down.0.conv.bias"),
    "a wrong shape": (damaged(lambda s: s.update({"model.4.bias": torch.zeros(5)})), r"is \(5,\), not \(16,\)"),
    "a further tensor": (damaged(lambda s: s.update({"model.99.weight": torch.zeros(1)})), "no rule covers"),
    "a stranger beside it": (
        lambda s: {"G_A": dict(s), "eye": {"w": torch.zeros(1)}},
        r"no layout covers 1 of its .* leave_out=\['eye'\]",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_file_that_is_no_model_is_named_in_one_line(what: str, cyclegan: dict[str, Tensor], tmp_path: Path) -> None:
    change, message = WRONG[what]
    torch.save(change(cyclegan), tmp_path / "net_G_A.pth")
    with pytest.raises(AttnI2IError, match=message) as caught:
        convert(tmp_path / "net_G_A.pth", tmp_path / "model")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "model").exists()


def test_two_generators_of_one_direction_are_ambiguous_unless_equal(
    cyclegan: dict[str, Tensor], expected: str, tmp_path: Path
) -> None:
    torch.save(cyclegan, tmp_path / "100_net_G_A.pth")
    torch.save(prefixed("module.")(cyclegan), tmp_path / "latest_net_G_A.pth")
    convert(sorted(tmp_path.glob("*.pth")), tmp_path / "equal")
    assert weights(tmp_path / "equal") == expected
    torch.save({key: tensor + 1 for key, tensor in cyclegan.items()}, tmp_path / "100_net_G_A.pth")
    with pytest.raises(ConversionError, match=r"100_net_G_A\.pth and latest_net_G_A\.pth both hold"):
        convert(sorted(tmp_path.glob("*.pth")), tmp_path / "different")


def test_networks_of_two_families_do_not_mix(tmp_path: Path) -> None:
    torch.save(torch.load(SCHEME2), tmp_path / "latest_net_G_B.pth")
    with pytest.raises(ConversionError, match="do not belong together"):
        convert([CYCLEGAN, tmp_path / "latest_net_G_B.pth"], tmp_path / "model")


def test_a_discriminator_alone_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="give the generator's file as well"):
        convert(DISCRIMINATOR, tmp_path / "model")


def test_an_existing_folder_is_replaced_only_by_force_and_only_if_a_model(tmp_path: Path) -> None:
    convert(CYCLEGAN, tmp_path / "model")
    with pytest.raises(ConversionError, match="force=True"):
        convert(SCHEME2, tmp_path / "model")
    convert(SCHEME2, tmp_path / "model", force=True)
    assert read_config(tmp_path / "model").architecture == "attentiongan2"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.txt").write_text("meow")
    with pytest.raises(ConversionError, match="is not a model folder"):
        convert(CYCLEGAN, tmp_path / "photos", force=True)


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("latest_net_G_A.pth", "A2B"),
        ("latest_net_G_B.pth", "B2A"),
        ("netG_A2B.pth", "A2B"),
        ("netG_B2A.pth", "B2A"),
        ("latest_net_G.pth", "A2B"),
        ("horse2zebra.pth", "A2B"),
        ("10_net_G_BtoA.pth", "B2A"),
    ],
)
def test_the_direction_follows_from_the_published_file_name(name: str, direction: str, tmp_path: Path) -> None:
    torch.save(torch.load(CYCLEGAN), tmp_path / name)
    convert(tmp_path / name, tmp_path / "model")
    assert read_config(tmp_path / "model").directions == [direction]


@pytest.mark.parametrize("direction", ["../../escaped", "day to night", ""])
def test_a_direction_that_cannot_name_a_file_is_refused(direction: str, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="cannot name a file"):
        convert(CYCLEGAN, tmp_path / "model", direction=direction)
    assert not list(tmp_path.iterdir())


def test_an_option_that_the_network_does_not_have_is_named(tmp_path: Path) -> None:
    for options, message in (({"widht": 4}, "Did you mean 'width'"), ({"width": -1}, "cannot be built from")):
        with pytest.raises(ConversionError, match=f"looks like cyclegan, but cyclegan .*{message}"):
            convert(CYCLEGAN, tmp_path / "model", options=options)


def test_domains_are_named_and_counted(tmp_path: Path) -> None:
    source = CASES / "attentiongan_multidomain" / "200000-G.ckpt"
    names = ["Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"]
    convert(source, tmp_path / "model", domains=names)
    assert read_config(tmp_path / "model").domains == names
    with pytest.raises(ConversionError, match="2 domain names were given, but this model has 5"):
        convert(source, tmp_path / "other", domains=names[:2])
    for wrong in ([*names[:4], ""], [*names[:4], "Male"]):
        with pytest.raises(ConversionError, match="an empty or a repeated one"):
            convert(source, tmp_path / "other", domains=wrong)


def test_two_layouts_that_claim_one_network_are_an_error_that_names_both(cyclegan: dict[str, Tensor]) -> None:
    layouts: Registry[Converter] = Registry("converter")
    layouts.add("first", GENERATOR)
    layouts.add("second", GENERATOR)
    with pytest.raises(ConversionError, match=r"'first' .*'second'"):
        find_networks(cyclegan, "net_G_A.pth", layouts)
