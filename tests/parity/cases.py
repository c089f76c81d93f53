"""Runs reference cases: ``python -m tests.parity DIR ...`` prints one line a case.

A case is a folder with ``case.json``, checkpoints in a published format and ``io.safetensors`` with inputs and what
the published implementation answered in float64. Exit code 1 when a case fails, 2 when a folder cannot be read.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from attn_i2i.convert import Networks, checkpoint_files, convert
from attn_i2i.convert.verify import INPUTS, NetworkAnswers, relative_error
from attn_i2i.models.config import ModelConfig, read_config
from attn_i2i.models.directory import build_discriminators, build_generator
from attn_i2i.plugins import manager
from attn_i2i.types import AttnI2IError, ConversionError

from . import hosts, hosts_training
from .training import FLOAT32_ROW, FLOAT32_TOLERANCE, run_case

PLUGINS = Path(__file__).parents[2] / "plugins"
VARIANTS: dict[str, dict[str, Any]] = {
    "_own_statistics": {"as_layout": "own-statistics"},
    "_raw": {"weights": "raw"},
    "_ema": {"weights": "ema"},
    "": {},
}
"""How to convert, by the ending of an expected output's name."""
FLOAT64_BOUND = 1e-6
FLOAT32_BOUNDS = {"pytorch": 2e-5, "tensorflow": 2e-4, "photo2cartoon": 1e-4}
"""The last has norms over a single channel at the cases' width: plain torch operations are off by 3e-5 there."""


class UnreadableCaseError(Exception):
    """A folder that is no case."""


@dataclass(frozen=True)
class Outcome:
    """One case: what was compared, the worst error in each precision, whether both keep their bounds."""

    name: str
    compared: str
    float64: float
    float32: float
    passed: bool

    def line(self) -> str:
        verdict = "pass" if self.passed else "FAIL"
        return f"{verdict}  {self.name:28} float64 {self.float64:.1e}  float32 {self.float32:.1e}  {self.compared}"


def read_case(folder: Path) -> dict[str, Any]:
    """The case's description; raises UnreadableCaseError where the folder has none or lacks its tensors."""
    try:
        case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableCaseError(f"{folder}: no readable case.json ({error})") from error
    if not (folder / "io.safetensors").is_file() or not isinstance(case, dict):
        raise UnreadableCaseError(f"{folder}: a case needs io.safetensors beside case.json")
    return case


def checkpoints(folder: Path, case: Mapping[str, Any]) -> list[Path]:
    """Every checkpoint of a case, as its description or the files' endings name them."""
    named = [folder / name for name in case.get("files", ()) if Path(name).suffix != ".json"]
    if "directions" in case and named:
        return named
    files = [p for p in sorted(folder.iterdir()) if p.suffix in (".pth", ".pt", ".ckpt", ".index")]
    if not files:
        raise UnreadableCaseError(f"{folder}: no checkpoint (.pth, .pt, .ckpt, .index)")
    if any(path.suffix == ".index" for path in files):
        return checkpoint_files(folder)  # of several bundles the ``checkpoint`` file tells the one that is meant
    return files


def load_networks(folder: Path, case: Mapping[str, Any], variant: str) -> Networks:
    """The case's networks by way of a converted model directory."""
    published = case.get("options", {})
    options = {"smoothing": False} if published.get("smoothing") is False else {}
    options |= {"heads": published["n_heads"]} if "n_heads" in published else {}  # told by no tensor
    with tempfile.TemporaryDirectory() as work:
        model = Path(work, "model")
        convert(checkpoints(folder, case), model, options=options, **VARIANTS[variant])
        config = read_config(model)
        _check_names(case, config)
        generators = {direction: build_generator(model, config, direction) for direction in config.directions}
        return Networks(generators, build_discriminators(model, config))


def _check_names(case: Mapping[str, Any], config: ModelConfig) -> None:
    """Hold directions and discriminators to those that the case tells; which is which the numbers tell."""
    told = set(case.get("directions", {}).values())
    if told and set(config.directions) != told:
        raise ConversionError(f"the directions are {config.directions}, not {sorted(told)}")
    kept = set(config.discriminators.names) if config.discriminators else set()
    if "judges" in case and kept != set(case["judges"].values()):
        raise ConversionError(f"the discriminators are of {sorted(kept)}, not {sorted(set(case['judges'].values()))}")


def by_variant(stored: Mapping[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    """Expected tensors under the names of plain outputs, by the way of conversion that their ending asks for."""
    found: dict[str, dict[str, torch.Tensor]] = {}
    for name, tensor in stored.items():
        if name not in INPUTS:
            variant = next((ending for ending in VARIANTS if ending and name.endswith(ending)), "")
            found.setdefault(variant, {})[name.removesuffix(variant)] = tensor
    return found


def run_forward(folder: Path, case: dict[str, Any], device: str = "cpu") -> Outcome:
    """Compare every stored output in both precisions."""
    stored = load_file(folder / "io.safetensors")
    errors: dict[torch.dtype, dict[str, float]] = {torch.float64: {}, torch.float32: {}}
    for variant, expected in by_variant(stored).items():
        networks = load_networks(folder, case, variant)
        for network in (*networks.generators.values(), *networks.discriminators.values()):
            network.to(device)
        for dtype, found in errors.items():
            given = {name: tensor.to(device, dtype) for name, tensor in stored.items() if name in INPUTS}
            answers = _compare(networks.to(dtype), given, expected, case)
            found |= {f"{name}{variant}": error for name, error in answers.items()}
    double, single = (max(found.values(), default=float("inf")) for found in errors.values())
    passed = double <= FLOAT64_BOUND and single <= FLOAT32_BOUNDS[_source(case)]
    missing = [name for name, error in errors[torch.float64].items() if error == float("inf")]
    compared = f"not understood: {', '.join(missing)}" if missing else " ".join(sorted(errors[torch.float64]))
    return Outcome(folder.name, compared, double, single, passed)


def _source(case: Mapping[str, Any]) -> str:
    told = case.get("source", "")
    return "photo2cartoon" if "photo2cartoon" in told else "tensorflow" if "TensorFlow" in told else "pytorch"


def _compare(
    networks: Networks,
    given: Mapping[str, torch.Tensor],
    expected: Mapping[str, torch.Tensor],
    case: Mapping[str, Any],
) -> dict[str, float]:
    told = re.search(r"threshold ([0-9.]+\d) here", json.dumps(case))
    asked = NetworkAnswers(networks, given, float(told[1]) if told else 0.5)
    stride = case.get("stride", 1)
    with torch.no_grad():
        return {name: relative_error(sampled(asked.answer(name), stride), tensor) for name, tensor in expected.items()}


def sampled(answer: torch.Tensor | None, stride: int) -> torch.Tensor | None:
    """Every ``stride``-th row and column of what is large, as the small cases in tests/cases store it; on the CPU."""
    answer = None if answer is None else answer.cpu()
    return answer[..., ::stride, ::stride] if answer is not None and answer.dim() > 2 and stride > 1 else answer


def run_training(folder: Path, device: str = "cpu") -> Outcome:
    """Compare every loss of every step and the probes after the last, and the first losses in single precision."""
    rows = run_case(folder, device)
    double = max(error for name, error, _ in rows if name != FLOAT32_ROW)
    single = next(error for name, error, _ in rows if name == FLOAT32_ROW)
    compared = " ".join(name for name, _, _ in rows if name != FLOAT32_ROW)
    return Outcome(folder.name, compared, double, single, all(passed for _, _, passed in rows))


def run_host(folder: Path, case: dict[str, Any], device: str = "cpu") -> Outcome:
    """As ``run_forward`` and ``run_training``, for the networks of plugins/attn-i2i-hosts."""
    training = "losses" in case
    if training:
        errors, single = hosts_training.run_case(folder, device)
    else:
        errors = hosts.forward_errors(folder, case, torch.float64, device)
        single = max(hosts.forward_errors(folder, case, torch.float32, device).values(), default=float("inf"))
    double = max(errors.values(), default=float("inf"))
    source = "tensorflow" if "TensorFlow" in case["source"] else "pytorch"
    missing = [name for name, error in errors.items() if error == float("inf")]
    compared = f"not understood: {', '.join(missing)}" if missing else " ".join(sorted(errors))
    bound = FLOAT32_TOLERANCE if training else FLOAT32_BOUNDS[source]
    return Outcome(folder.name, compared, double, single, double <= FLOAT64_BOUND and single <= bound)


def register_plugins() -> None:
    """Make the distributions under plugins/ known that some cases need, where they are not installed."""
    for name in ("photo2cartoon", "uvcgan2"):
        if not manager().has_plugin(name):
            sys.path.append(str(PLUGINS / f"attn-i2i-{name}" / "src"))
            manager().register(importlib.import_module(f"attn_i2i_{name}"), name)


def run(folder: Path, device: str = "cpu") -> Outcome:
    """Run one case of either kind on ``device``; a case with ``losses`` is a training."""
    case = read_case(folder)
    register_plugins()
    try:
        if case.get("family") in hosts.ANSWERS:
            return run_host(folder, case, device)
        return run_training(folder, device) if "losses" in case else run_forward(folder, case, device)
    except AttnI2IError as error:
        return Outcome(folder.name, f"{type(error).__name__}: {error}", float("inf"), float("inf"), False)


def cases_in(folder: Path) -> list[Path]:
    """The folder itself where it is a case, or holds none; else the cases in it."""
    inner = sorted(path.parent for path in folder.glob("*/case.json"))
    return [folder] if (folder / "case.json").exists() or not inner else inner


def main(arguments: list[str]) -> int:
    """Run the folders named; a folder of cases stands for all of them."""
    if not arguments or set(arguments) & {"-h", "--help"}:
        print(__doc__)
        return 0 if arguments else 2
    worst = 0
    for folder in (case for argument in arguments for case in cases_in(Path(argument))):
        try:
            outcome = run(folder)
        except UnreadableCaseError as error:
            print(error, file=sys.stderr)
            worst = 2
            continue
        print(outcome.line(), flush=True)
        worst = max(worst, int(not outcome.passed))
    return worst
