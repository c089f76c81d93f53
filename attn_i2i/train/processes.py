"""What the environment says of this process: its place among others, and settings of ``accelerate``."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..types import ConfigError
from .options import TrainOptions

# Set by torchrun and accelerate launch; by the starters of MPI, which accelerate asks in this order.
RANKS = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
OFF = frozenset({"", "0", "no", "none", "false", "off"})
# What accelerate would do inside its ``prepare``, which this engine does not use.
NEVER = {
    "ACCELERATE_USE_DEEPSPEED": "DeepSpeed",
    "ACCELERATE_USE_FSDP": "FSDP",
    "ACCELERATE_USE_MEGATRON_LM": "Megatron-LM",
    "ACCELERATE_USE_PARALLELISM_CONFIG": "parallelism other than of data",
    "ACCELERATE_USE_SAGEMAKER": "SageMaker's own way of several processes",
    "ACCELERATE_GRADIENT_CLIPPING": "clipping of gradients",
}


def rank() -> int:
    """The place of this process among those of the run, 0 where it is alone."""
    return next((_whole(name) for name in RANKS if name in os.environ), 0)


def alone() -> bool:
    """Whether this process is the only one of its run."""
    return next((_whole(name) for name in SIZES if name in os.environ), 1) <= 1


def check_environment(options: TrainOptions) -> None:
    """Raise ConfigError where the environment is not whole, or asks for what would not be done."""
    _check_places()
    _check_accelerate(os.environ, options)


def _check_places() -> None:
    wanted = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
    missing = [name for name in wanted if not os.environ.get(name)]
    started = any(name in os.environ for name in SIZES[1:])  # by MPI
    if os.environ.get("LOCAL_RANK", "-1") != "-1" and not started:  # accelerate takes it for one of several
        _whole("LOCAL_RANK")
        if missing:
            raise ConfigError(_incomplete(f"LOCAL_RANK={os.environ['LOCAL_RANK']}", " and ".join(missing)))
    size = next((_whole(name) for name in SIZES if name in os.environ), 1)
    if "WORLD_SIZE" not in os.environ and "RANK" in os.environ and rank() > 0:
        raise ConfigError(_incomplete(f"RANK={os.environ['RANK']}", "WORLD_SIZE"))
    if size <= 1 or not {"RANK", "WORLD_SIZE"} & os.environ.keys():
        return
    if missing:
        raise ConfigError(_incomplete(f"WORLD_SIZE={size}", " and ".join(missing)))
    if rank() >= size:
        raise ConfigError(f"RANK={rank()} is set, but WORLD_SIZE={size}: expected a rank below it.")


def _incomplete(what: str, missing: str) -> str:
    return (
        f"{what} is set in the environment, but not {missing}. Start several processes by torchrun or accelerate"
        " launch, which set all of them, or unset it to train in one process."
    )


def _whole(name: str) -> int:
    text = os.environ[name]
    if not text.isascii() or not text.isdigit():
        raise ConfigError(f"{name}={text!r} is set in the environment: expected a whole number from 0 on, or unset it.")
    return int(text)


def _check_accelerate(environment: Mapping[str, str], options: TrainOptions) -> None:
    """Refuse the settings of accelerate that this engine would leave unheeded; its devices are heeded."""
    for name, what in NEVER.items():
        if environment.get(name, "").lower() not in OFF:
            raise ConfigError(f"{name}={environment[name]} is set, but a training here has no {what}: unset it.")
    _check_precision(environment.get("ACCELERATE_MIXED_PRECISION", ""), options)
    steps = environment.get("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "")
    if steps.lower() not in (*OFF, "1", "auto", str(options.accumulation)):
        raise ConfigError(
            f"ACCELERATE_GRADIENT_ACCUMULATION_STEPS={steps} is set, but accumulation={options.accumulation}: give"
            f" accumulation={steps}, or unset it."
        )
    backend = environment.get("ACCELERATE_DYNAMO_BACKEND", "")
    if backend.lower() not in OFF and not (backend.lower() == "inductor" and options.compile):
        raise ConfigError(
            f"ACCELERATE_DYNAMO_BACKEND={backend} is set: networks are compiled by compile=True, with inductor; unset"
            " it."
        )
    if environment.get("ACCELERATE_USE_CPU", "").lower() not in OFF and options.device not in (None, "cpu"):
        raise ConfigError(
            f"ACCELERATE_USE_CPU is set, but device={options.device!r} was given: unset it, or leave device out."
        )


def _check_precision(wanted: str, options: TrainOptions) -> None:
    """``no`` is what accelerate launch sets where nobody chose, so it is no wish for fp32."""
    if wanted.lower() in OFF or wanted.lower() == options.precision:
        return
    advice = 'give precision="bf16", or unset it' if wanted.lower() == "bf16" else "unset it, and give precision"
    raise ConfigError(
        f"ACCELERATE_MIXED_PRECISION={wanted} is set, but precision={options.precision or 'left to the device'}:"
        f' {advice} ("fp32" or "bf16").'
    )
