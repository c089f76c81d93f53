"""What a bug report needs: versions, devices, where models lie, plugins, the way to the Hub."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .devices import GPUS, is_available
from .hub.errors import HubError
from .hub.reach import address, unreachable
from .hub.redact import redacted
from .models.places import model_store, models_in, shipped_models
from .models.trust import StoreError, check_private
from .plugins import manager
from .plugins.listing import describe
from .tuning.machine import this_machine
from .tuning.store import SWITCH, Remembered, file_of, read, wanted
from .tuning.timing import choice_in_words
from .tuning.tuner import Found
from .types import AttnI2IError

PACKAGES = (
    "attn-i2i", "torch", "numpy", "pillow", "safetensors", "huggingface-hub", "pluggy", "timm", "torchvision",
    "accelerate",
)  # fmt: skip


def diagnose() -> dict[str, dict[str, str]]:
    """Facts by topic, none of them secret; a topic that cannot be told has the problem as its only fact."""
    topics: dict[str, Callable[[], dict[str, str]]] = {
        "versions": _versions,
        "devices": _devices,
        "tuning": _tuning,
        "models": _models,
        "plugins": _plugins,
        "hub": _hub,
    }
    return {topic: _told(facts) for topic, facts in topics.items()}


def _told(facts: Callable[[], dict[str, str]]) -> dict[str, str]:
    try:
        return facts()
    except (AttnI2IError, OSError, RuntimeError) as error:  # what the doctor is asked about must not silence it
        return {"problem": str(error).partition("\n")[0]}


def _versions() -> dict[str, str]:
    facts = {"python": platform.python_version(), "system": platform.platform()}
    for name in PACKAGES:
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            facts[name] = "not installed"
    return facts


def _devices() -> dict[str, str]:
    import torch

    facts = {"cpu": f"{os.cpu_count()} cores, {torch.get_num_threads()} threads"}
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        facts[f"cuda:{index}"] = f"{about.name}, {about.total_memory / 2**30:.0f} GiB"
    facts |= {kind: "available" for kind in GPUS if kind != "cuda" and is_available(kind)}
    return facts


def _tuning() -> dict[str, str]:
    """What was measured for this processor and this version of torch, and what follows from it."""
    machine = this_machine()
    facts = {
        "processor": f"{machine.processor}: {', '.join(machine.flags)}",
        "measured": "yes" if wanted() else f"no: {SWITCH}=off",
        "remembered in": str(file_of(machine)),
    }
    remembered = read(machine) if wanted() else Remembered()
    for work, seconds in sorted(remembered.works.items()):
        others = (f"{way} {seconds['direct'] / value:.2f}x" for way, value in seconds.items() if way != "direct")
        facts[work] = f"{', '.join(others)} as fast as direct: takes {choice_in_words(seconds)}"
    for network, measured in sorted(remembered.precisions.items()):
        facts[network] = f"{Found(**measured)}: dtype=auto takes {measured['dtype']}"
    return facts


def _models() -> dict[str, str]:
    zoo = model_store()
    facts = {"package": f"{shipped_models()}: {', '.join(models_in(shipped_models())) or 'cards only'}"}
    facts["model store"] = f"{zoo}: {', '.join(models_in(zoo)) or 'empty'}"
    standing = next(path for path in (zoo, *zoo.parents) if path.exists())
    facts["free space"] = f"{shutil.disk_usage(standing).free / 2**30:.1f} GiB"
    facts["writable"] = "yes" if os.access(standing, os.W_OK) else f"no: {standing}"
    try:
        check_private(zoo)
        facts["only yours"] = "yes"
    except StoreError as error:
        facts["only yours"] = f"no: {error}"
    fetched = sum(path.stat().st_size for path in Path(zoo, ".hub").rglob("*") if path.is_file())
    facts["fetched from the Hub"] = f"{fetched / 2**20:.0f} MiB"
    return facts


def _plugins() -> dict[str, str]:
    return {
        plugin.name: f"skipped: {plugin.problem}" if plugin.problem else f"{sum(map(len, plugin.adds.values()))} parts"
        for plugin in describe(manager())
    }


def _hub() -> dict[str, str]:
    from huggingface_hub import constants, get_token

    answer = "not asked: HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else _reachable(constants.ENDPOINT)
    return {"endpoint": redacted(constants.ENDPOINT), "reachable": answer, "logged in": "yes" if get_token() else "no"}


def _reachable(endpoint: str) -> str:
    try:
        host, port = address(endpoint)
    except HubError as error:
        return f"no: {error}"
    why = unreachable(host, port)
    return f"no: {host}:{port}: {why}" if why else "yes"
