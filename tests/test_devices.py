"""Where a network runs and in what precision; what costs time instead of saving it."""

from __future__ import annotations

import platform
import warnings
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from attn_i2i.devices import (
    GPUS,
    PrecisionWarning,
    by_way_of_cpu,
    is_available,
    pick_device,
    pick_dtype,
    synchronise,
    widest,
)
from attn_i2i.images.read import read_image
from attn_i2i.models.build import create
from attn_i2i.train import TrainOptions
from attn_i2i.train.engine import make_accelerator
from attn_i2i.train.randomness import random_states, restore_random, untouched
from attn_i2i.translate.memory import free_bytes
from attn_i2i.translate.tiles.statistics import Merged, Reduced
from attn_i2i.translate.translator import Translator
from attn_i2i.types import ConfigError, ModelError, Translation

from .helpers.fake_cuda import fake_cuda, without_float64
from .helpers.translators import Brighten, Negative, noise, translator


@pytest.mark.filterwarnings("ignore:bfloat16 is slower")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", torch.float64, "half"])
def test_precision_changes_neither_shape_nor_range(dtype: Any) -> None:
    for height, width in ((12, 16), (7, 5)):
        exact = translator(Brighten())(noise(height, width))
        result = translator(Brighten(), dtype=dtype)(noise(height, width))
        for name in ("image", "foreground", "background", "mask", "contents", "heatmap"):
            value = getattr(result, name)
            assert value.dtype == torch.float32
            assert value.shape == getattr(exact, name).shape
            assert 0 <= value.min() <= value.max() <= 1
        assert torch.allclose(result.image, exact.image, atol=0.02)


def test_numbers_that_are_none_are_an_error_with_advice() -> None:
    class Overflow(Negative):
        def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
            return Translation(image * 1e5)

    with pytest.raises(ModelError, match="float16: use bfloat16"):
        translator(Overflow(), dtype="float16")(noise())


@pytest.mark.parametrize(("options", "says"), [({"device": "warp"}, "'warp'"), ({"dtype": "int8"}, "float32")])
def test_devices_and_precisions_are_checked(options: dict[str, Any], says: str) -> None:
    config: Any = SimpleNamespace(architecture="test", domains=None)
    with pytest.raises(ConfigError, match=says):
        Translator({"A2B": Negative()}, config, **options)


@pytest.mark.parametrize("kind", ["mps", "xpu"])
def test_a_gpu_that_is_not_here_is_said_without_torchs_list_of_its_parts(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise NotImplementedError(
            f"Could not run 'aten::empty' with '{kind}'. 'aten::empty' is only for CPU, " + 99 * "x"
        )

    found(monkeypatch)
    monkeypatch.setattr(torch, "empty", refused)
    with pytest.raises(ConfigError, match=f"'{kind}:0' cannot be used here: PyTorch finds none here.$"):
        pick_device(f"{kind}:0")


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("cyclegan", {}),
        ("attentiongan1", {}),
        ("attentiongan2", {}),
        ("aggan", {}),
        ("ugatit", {"image_size": 16}),
        ("stargan", {"domains": 1}),
    ],
)
def test_a_translation_comes_back_from_a_gpu(
    architecture: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    config: Any = SimpleNamespace(architecture=architecture, domains=["old"] if "domains" in options else None)
    picture, domain = read_image(noise(20, 24)), {"domain": ["old"]} if config.domains else {}
    monkeypatch.setattr("attn_i2i.translate.translator.pick_device", lambda _: torch.device("cuda"))
    with fake_cuda(monkeypatch), without_float64(monkeypatch):
        with torch.device("cuda"):
            network = create(architecture, width=4, blocks=1, **options)
        monkeypatch.setattr(network, "to", lambda *_: network)  # it is there already
        monkeypatch.setattr(Tensor, "__bool__", lambda _: True)  # whether numbers are finite
        translate = Translator({"A2B": network}, config, device="cuda")
        for result in (translate(picture, strength=0.5, size="fit", max_side=side, **domain) for side in (None, 16)):
            parts = [result.image, result.mask, result.contents, result.heatmap]
            assert {part.device.type for part in parts if part is not None} == {"cpu"}


def found(monkeypatch: pytest.MonkeyPatch, *kinds: str) -> None:
    """Torch seems to find GPUs of these kinds."""
    for home, kind in ((torch.cuda, "cuda"), (torch.backends.mps, "mps"), (torch.xpu, "xpu")):
        monkeypatch.setattr(home, "is_available", lambda kind=kind: kind in kinds)


@pytest.mark.parametrize(
    ("kinds", "best"),
    [((), "cpu"), (("xpu",), "xpu"), (("xpu", "mps"), "mps"), (("mps", "cuda"), "cuda")],
)
def test_the_best_device_is_picked(kinds: tuple[str, ...], best: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, *kinds)
    assert pick_device(None).type == best
    assert {kind for kind in GPUS if is_available(kind)} == set(kinds)


def test_apples_gpus_have_no_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    mps = torch.device("mps")
    assert widest(mps) == torch.float32
    assert widest(torch.device("cuda")) == widest(torch.device("cpu")) == torch.float64
    monkeypatch.setattr(torch.xpu, "get_device_properties", lambda _: SimpleNamespace(has_fp64=False))
    assert widest(torch.device("xpu")) == torch.float32
    with pytest.raises(ConfigError, match="mps has no float64: use float32, or device='cpu'"):
        pick_dtype("float64", mps)
    assert pick_dtype("float16", mps) == torch.float16


def test_free_memory_is_asked_of_the_device_that_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("recommended_max_memory", 10), ("current_allocated_memory", 4)):
        monkeypatch.setattr(torch.mps, name, lambda value=value: value)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 9)  # what torch keeps for further tensors too
    for name, value in (("mem_get_info", (7, 9)), ("memory_reserved", 3), ("memory_allocated", 2)):
        monkeypatch.setattr(torch.xpu, name, lambda _, value=value: value)
    assert [free_bytes(torch.device(kind)) for kind in ("mps", "xpu", "meta")] == [6, 8, None]


def test_a_gpu_that_does_not_tell_its_free_memory_is_used_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: object) -> None:
        raise RuntimeError("The device (Intel(R) Graphics) doesn't support querying the available free memory.")

    monkeypatch.setattr(torch.xpu, "mem_get_info", refused)
    assert free_bytes(torch.device("xpu")) is None


def test_only_devices_without_an_operation_are_helped_by_the_cpu() -> None:
    def missing(values: Tensor, factor: int) -> Tensor:
        raise NotImplementedError(f"{values.device} cannot multiply by {factor}")

    with pytest.raises(NotImplementedError, match="cpu cannot multiply by 3"):
        by_way_of_cpu(missing, torch.device("cpu"), torch.ones(2), 3)


def test_a_device_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    for kind in GPUS:
        monkeypatch.setattr(getattr(torch, kind), "synchronize", lambda kind=kind: waited.append(kind))
    for kind in ("cpu", *GPUS):
        synchronise(torch.device(kind))
    assert waited == list(GPUS)


@pytest.mark.parametrize("kind", ["mps", "xpu"])
def test_random_numbers_of_every_gpu_are_kept(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, kind)
    numbers = [torch.tensor([1])]
    monkeypatch.setattr(getattr(torch, kind), "get_rng_state", lambda: numbers[-1])
    monkeypatch.setattr(getattr(torch, kind), "set_rng_state", numbers.append)
    with untouched():
        numbers.append(torch.tensor([2]))
    assert [int(state) for state in numbers] == [1, 2, 1]
    before = random_states()
    restore_random({name: state for name, state in before.items() if name not in ("mps", "xpu")})  # an older checkpoint


def test_a_training_on_a_gpu_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in GPUS:
        with pytest.raises(ConfigError, match=f"device='{kind}' was given, but torch finds no GPU of this kind here"):
            make_accelerator(TrainOptions(device=kind))
    with pytest.raises(ConfigError, match="expected one of cpu, cuda, mps, xpu"):
        TrainOptions(device="tpu")
    found(monkeypatch, "xpu")
    monkeypatch.setattr("accelerate.Accelerator", lambda cpu: SimpleNamespace(device=torch.device("cpu")))
    with pytest.raises(ConfigError, match="device='xpu' was given, but accelerate takes cpu here"):
        make_accelerator(TrainOptions(device="xpu"))


def test_statistics_of_strips_need_no_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.devices.has_float64", lambda _: False)
    strips = torch.rand(1, 4, 32, 8).split(8, 2)
    merged, reduced = Merged(4), Reduced("mean", (2, 3), keep=False, dtype=torch.float32)
    for strip in strips:
        merged.add(strip)
        reduced.add(strip)
    assert merged.mean.dtype == torch.float32
    whole = torch.cat(strips, 2)
    torch.testing.assert_close(merged.result(), torch.stack(torch.var_mean(whole, (2, 3), correction=0)[::-1]))
    torch.testing.assert_close(reduced.result(), whole.mean((2, 3)))


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set what kind of processor this seems to be, with or without instructions for bfloat16."""

    def be(machine: str, bfloat16: bool) -> None:
        monkeypatch.setattr(platform, "machine", lambda: machine)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bfloat16)

    return be


def test_bfloat16_without_instructions_for_it_is_warned_of_once(processor: Any) -> None:
    processor("x86_64", bfloat16=False)
    with pytest.warns(PrecisionWarning, match="bfloat16 is slower than float32 on this processor"):
        translate = translator(Negative(), dtype="bfloat16")
    translate(torch.rand(3, 8, 8))
    with pytest.warns(PrecisionWarning, match="bfloat16 is slower"):
        make_accelerator(TrainOptions(device="cpu", precision="bf16"))


def test_nothing_is_said_where_bfloat16_is_not_slower(processor: Any) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", PrecisionWarning)
        processor("x86_64", bfloat16=False)
        translator(Negative())
        make_accelerator(TrainOptions(device="cpu"))
        for machine, supported in (("x86_64", True), ("aarch64", False)):
            processor(machine, bfloat16=supported)
            translator(Negative(), dtype="bfloat16")
            make_accelerator(TrainOptions(device="cpu", precision="bf16"))
    assert not [one for one in said if issubclass(one.category, PrecisionWarning)]
