"""Settings of the environment are heeded or refused, and what starts several processes must be whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from attn_i2i.train import TrainOptions
from attn_i2i.train.processes import check_environment, rank
from attn_i2i.types import ConfigError

from .helpers.commands import Run

ACCELERATE = "ACCELERATE_"


@pytest.mark.parametrize(
    ("name", "value", "options"),
    [
        ("MIXED_PRECISION", "fp16", {}),
        ("MIXED_PRECISION", "bf16", {}),
        ("MIXED_PRECISION", "fp8", {"precision": "bf16"}),
        ("MIXED_PRECISION", "bf16", {"precision": "fp32"}),
        ("GRADIENT_ACCUMULATION_STEPS", "4", {}),
        ("GRADIENT_ACCUMULATION_STEPS", "4", {"accumulation": 2}),
        ("GRADIENT_CLIPPING", "1.0", {}),
        ("DYNAMO_BACKEND", "INDUCTOR", {}),
        ("DYNAMO_BACKEND", "cudagraphs", {"compile": True}),
        ("USE_DEEPSPEED", "true", {}),
        ("USE_FSDP", "1", {}),
        ("USE_MEGATRON_LM", "True", {}),
        ("USE_PARALLELISM_CONFIG", "true", {}),
        ("USE_CPU", "true", {"device": "cuda"}),
    ],
)
def test_what_accelerate_is_told_and_the_run_would_not_do_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, options: dict[str, object]
) -> None:
    monkeypatch.setenv(ACCELERATE + name, value)
    with pytest.raises(ConfigError, match=f"{ACCELERATE + name}(={value})? is set.*unset it"):
        check_environment(TrainOptions.parse(options))


def test_what_the_run_does_anyway_and_what_the_launcher_sets_by_itself_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "MIXED_PRECISION": "no",
        "GRADIENT_ACCUMULATION_STEPS": "1",
        "DYNAMO_BACKEND": "NO",
        "USE_DEEPSPEED": "false",
        "USE_CPU": "true",
        "LOG_LEVEL": "info",
    }.items():
        monkeypatch.setenv(ACCELERATE + name, value)
    check_environment(TrainOptions(device="cpu"))
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "4")
    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "inductor")
    check_environment(TrainOptions(precision="bf16", accumulation=4, compile=True))


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"RANK": "1"}, "RANK=1 is set in the environment, but not WORLD_SIZE"),
        ({"RANK": "one"}, "RANK='one' is set"),
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE=2 is set in the environment, but not RANK and LOCAL_RANK and MASTER_ADDR"),
        ({"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}, "but not MASTER_ADDR and MASTER_PORT"),
        ({"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost"}, "but not MASTER_PORT"),
        ({"WORLD_SIZE": "-2"}, "WORLD_SIZE='-2' is set"),
        ({"LOCAL_RANK": "1"}, "LOCAL_RANK=1 is set in the environment, but not RANK and WORLD_SIZE and MASTER_ADDR"),
        ({"LOCAL_RANK": "x"}, "LOCAL_RANK='x' is set"),
    ],
)
def test_half_an_environment_of_processes_is_one_line(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], complaint: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code, _, err = run("train", "cyclegan", "--data", data, "-o", "run", "--device", "cpu", "--set", "width=4")
    assert (code, err.count("\n")) == (2, 1)
    assert complaint in err


def test_one_process_may_be_told_that_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "1"}.items():
        monkeypatch.setenv(name, value)
        check_environment(TrainOptions(device="cpu"))
    assert rank() == 0
    monkeypatch.delenv("RANK")
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "3")
    assert rank() == 3
