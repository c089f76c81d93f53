"""Training against the recorded losses and probes of the published implementations."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from attn_i2i.convert import checkpoint_files, convert
from attn_i2i.models.config import read_config
from attn_i2i.models.directory import build_discriminators, build_generator
from attn_i2i.plugins import zoo

TOLERANCE = 1e-6
FLOAT32_ROW = "step-0 losses, float32"
FLOAT32_TOLERANCE = 1e-5

Row = tuple[str, float, bool]
Probe = Callable[[nn.ModuleDict, Mapping[str, Tensor]], Tensor]


class Setup(NamedTuple):
    """How one family's cases map to its recipe.

    ``recipe`` and ``options`` choose it, from the case's own options; ``epoch`` tells which epoch a recorded step is
    in; ``probes`` maps an expected tensor to what the trained networks answer.
    """

    recipe: str
    options: Callable[[Mapping[str, Any]], dict[str, Any]]
    probes: Mapping[str, Probe]
    epoch: Callable[[Mapping[str, Any]], int] = lambda recorded: 0


def run_case(folder: Path, device: str = "cpu") -> list[Row]:
    """(name, worst error relative to max(1, |expected|), passed) for losses and probes of one case."""
    case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    tensors = load_file(folder / "io.safetensors", device)
    setup = SETUPS[case["family"]]
    networks = initial_networks(folder).to(device)
    doubled = deepcopy(networks).double()
    losses, probes = _train(setup, case, tensors, doubled, torch.float64, case["steps"])
    rows = [_row("losses", max(_loss_errors(losses, case["losses"])), TOLERANCE), *probes]
    losses, _ = _train(setup, case, tensors, networks, torch.float32, 1)
    return [*rows, _row(FLOAT32_ROW, max(_loss_errors(losses, case["losses"])), FLOAT32_TOLERANCE)]


def initial_networks(folder: Path) -> nn.ModuleDict:
    """Every network of a case by way of a converted model directory, under the key that recipes give it."""
    sources = [path for path in checkpoint_files(folder) if path.name != "io.safetensors"]
    with tempfile.TemporaryDirectory() as work:
        model = Path(work, "model")
        convert(sources, model)
        config = read_config(model)
        generators = {direction: build_generator(model, config, direction) for direction in config.directions}
        discriminators = build_discriminators(model, config)
    named = {"G" if name == "translate" else f"G_{name}": network for name, network in generators.items()}
    named |= {"D" if name == "all" else f"D_{name}": network for name, network in discriminators.items()}
    networks: nn.ModuleDict = nn.ModuleDict(named).train().requires_grad_(True)
    return networks


def _train(
    setup: Setup,
    case: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    networks: nn.ModuleDict,
    dtype: torch.dtype,
    steps: int,
) -> tuple[list[dict[str, float]], list[Row]]:
    recorded_threshold = max(recorded.get("threshold", 0.0) for recorded in case["losses"])
    options = setup.options({"threshold": recorded_threshold, **case["options"]})
    if "betas" in case["options"]:
        options["beta1"], options["beta2"] = case["options"]["betas"]
    recipe = zoo().recipes.load(setup.recipe)(networks, **options)
    optimizers = recipe.optimizers()
    for group in (group for optimizer in optimizers.values() for group in optimizer.param_groups):
        group["eps"] = case["options"].get("adam_epsilon", group["eps"])

    def update(optimizer: str, loss: Tensor) -> None:
        optimizers[optimizer].zero_grad()
        loss.backward()
        optimizers[optimizer].step()

    batches = {BATCH[name]: t.to(dtype) for name, t in tensors.items() if not name.startswith("probe")}
    losses = []
    for step in range(steps):
        recipe.on_epoch(setup.epoch(case["losses"][step]))
        batch = {name: stack[step] for name, stack in batches.items()}
        losses.append({name: float(value) for name, value in recipe.step(batch, update).items()})
    return losses, _probed(setup, tensors, networks, dtype)


def _probed(setup: Setup, tensors: Mapping[str, Tensor], networks: nn.ModuleDict, dtype: torch.dtype) -> list[Row]:
    """How far the trained networks' answers are from those that were recorded."""
    networks.eval()
    probe = {name: tensors[name].to(dtype) for name in ("probe", "probe_labels") if name in tensors}
    rows = []
    expected = {name for name in tensors if name.startswith("probe_")} - {"probe_labels"}
    with torch.no_grad():
        for name in sorted(expected):
            answer = setup.probes[name](networks, probe).double()
            error = float(((answer - tensors[name]).abs() / tensors[name].abs().clamp(min=1)).max())
            rows.append(_row(name, error, TOLERANCE))
    return rows


def _loss_errors(losses: list[dict[str, float]], recorded: list[dict[str, float]]) -> Iterator[float]:
    for got, expected in zip(losses, recorded, strict=False):
        for name, value in expected.items():
            if name not in CONDITIONS:
                error = abs(got.get(name, math.inf) - value) / max(1.0, abs(value))
                yield math.inf if math.isnan(error) else error


def _row(name: str, error: float, tolerance: float) -> Row:
    return name, error, error <= tolerance


def _image(key: str) -> Probe:
    return lambda networks, given: networks[key](given["probe"]).image


def _logits(key: str, scale: int = 0) -> Probe:
    return lambda networks, given: networks[key](given["probe"])[scale].logits


BATCH = {
    "real_A": "A",
    "real_B": "B",
    "real": "image",
    "label_org": "label",
    "label_trg": "target",
    "gp_alpha": "gp_alpha",
}
CONDITIONS = {"threshold", "discriminator_norm", "attention_trained"}
CYCLE_PROBES = {
    "probe_G_A": _image("G_A2B"),
    "probe_G_B": _image("G_B2A"),
    "probe_D_A": _logits("D_B"),
    "probe_D_B": _logits("D_A"),
}


def _cycle_options(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cycle": given["lambda_A"],
        "identity": given["lambda_A"] * given["lambda_identity"],
        "learning_rate": given["lr"],
        "pool": 0,
    }


SCHEME1_PROBES = {
    "probe_G_A2B": _image("G_A2B"),
    "probe_G_B2A": _image("G_B2A"),
    "probe_D_A": _logits("D_A"),
    "probe_D_B": _logits("D_B"),
}


def _scheme1_options(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cycle": given["lambda_cycle"],
        "pixel": given["lambda_pixel"],
        "mask_variation": given["lambda_reg"],
        "learning_rate": given["lr"],
        "pool": 0,
    }


UGATIT_PROBES: dict[str, Probe] = {
    "probe_genA2B": _image("G_A2B"),
    "probe_genB2A": _image("G_B2A"),
    "probe_cam": lambda networks, given: networks["G_A2B"](given["probe"]).cam_logits,
    "probe_disGA": _logits("D_A", 0),
    "probe_disLB": _logits("D_B", 1),
}


def _ugatit_options(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "adversarial": given["adv_weight"],
        "cycle": given["cycle_weight"],
        "identity": given["identity_weight"],
        "cam": given["cam_weight"],
        "learning_rate": given["lr"],
        "weight_decay": given["weight_decay"],
    }


DOMAIN_PROBES: dict[str, Probe] = {
    "probe_G": lambda networks, given: networks["G"](given["probe"], given["probe_labels"]).image,
    "probe_D_src": _logits("D"),
    "probe_D_cls": lambda networks, given: networks["D"](given["probe"])[0].class_logits,
}


def _domain_options(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "classification": given["lambda_cls"],
        "cycle": given["lambda_rec"],
        "penalty": given["lambda_gp"],
        "learning_rate": given["lr"],
        "n_critic": given["n_critic"],
    }


def _masked_logits(discriminator: str, masks: str) -> Probe:
    return lambda networks, given: (
        networks[discriminator](given["probe"], networks[masks].attention(given["probe"]))[0].logits
    )


AGGAN_PROBES: dict[str, Probe] = {
    "probe_attention_a": lambda networks, given: networks["G_A2B"].attention(given["probe"]),
    "probe_fake_b": _image("G_A2B"),
    "probe_fake_a": _image("G_B2A"),
    "probe_d_A": _masked_logits("D_A", "G_A2B"),
    "probe_d_B": _masked_logits("D_B", "G_B2A"),
}


def _aggan_options(given: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: given[name] for name in ("beta1", "beta2", "threshold") if name in given}
    return {"cycle": given["lambda_a"], "learning_rate": given["lr"], "pool": 0, **named}


SETUPS = {
    "aggan": Setup("aggan", _aggan_options, AGGAN_PROBES, lambda recorded: 0 if recorded["discriminator_norm"] else 30),
    "stargan": Setup("stargan", _domain_options, DOMAIN_PROBES),
    "attentiongan_multidomain": Setup("attentiongan1-multidomain", _domain_options, DOMAIN_PROBES),
    "ugatit": Setup("ugatit", _ugatit_options, UGATIT_PROBES),
    "cyclegan": Setup("cyclegan", _cycle_options, CYCLE_PROBES),
    "attentiongan_scheme2": Setup("attentiongan2", _cycle_options, CYCLE_PROBES),
    "attentiongan_scheme1": Setup(
        "attentiongan1", _scheme1_options, SCHEME1_PROBES, lambda recorded: 0 if recorded["rate"] < 0.1 else 10
    ),
}
