"""How the training cases of plugins/attn-i2i-hosts map to its recipes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from attn_i2i.convert import Networks
from attn_i2i.convert.published import from_published
from attn_i2i.interfaces import Recipe
from attn_i2i.plugins import zoo

from . import hosts

Options = Mapping[str, Any]


def _discogan(given: Options) -> dict[str, Any]:
    return {
        "adversarial": given["gan_weight"],
        "features": given["feature_weight"],
        "feature_maps": given["features"],
        "starting_rate": given["starting_rate"],
        "default_rate": given["default_rate"],
        "curriculum": given["gan_curriculum"],
        "update_interval": given["update_interval"],
    }


def _dualgan(given: Options) -> dict[str, Any]:
    return {
        "cycle": 1.0,
        "cycle_of_a": given["lambda_A"],
        "cycle_of_b": given["lambda_B"],
        "distance": given["loss_metric"],
        "gan": given["GAN_type"],
        "penalty": given["gamma"],
        "clip": given["clip_value"],
        "n_critic": given["n_critic"],
        "decay": given["rmsprop_decay"],
        "epsilon": given["rmsprop_epsilon"],
    }


def _codes(given: Options) -> dict[str, Any]:
    return {
        "adversarial": given["gan_w"],
        "identity": given["recon_x_w"],
        "cycle": given["recon_x_cyc_w"],
        "perceptual": given["vgg_w"],
        "step_size": given["step_size"],
        "gamma": given["gamma"],
    }


def _unit(given: Options) -> dict[str, Any]:
    return {**_codes(given), "latent": given["recon_kl_w"], "latent_cycle": given["recon_kl_cyc_w"]}


def _munit(given: Options) -> dict[str, Any]:
    return {**_codes(given), "style": given["recon_s_w"], "content": given["recon_c_w"]}


def _drit(given: Options) -> dict[str, Any]:
    weights = given["weights"]
    return {
        "adversarial": weights["adversarial"],
        "identity": weights["recon"],
        "cycle": weights["cycle"],
        "latent": weights["latent"],
        "kl_attribute": weights["kl_attribute"],
        "kl_content": weights["kl_content"],
        "content_adversarial": weights["content_adversarial"],
        "mode_seeking": 0.0 if given["no_ms"] else weights["mode_seeking"],
        "d_iter": given["d_iter"],
        "content_rate": given["lr_content"] / given["lr"],
        "content_clip": given["content_clip"],
    }


OPTIONS: dict[str, Callable[[Options], dict[str, Any]]] = {
    "discogan": _discogan,
    "dualgan": _dualgan,
    "unit": _unit,
    "munit": _munit,
    "drit": _drit,
}


def options_of(case: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The recipe's options that a case asks for."""
    given = case["options"]
    options = {**OPTIONS[case["family"]](given), "learning_rate": given["lr"]}
    if "betas" in given:
        options |= {"beta1": given["betas"][0], "beta2": given["betas"][1]}
    options |= {name: given[name] for name in ("beta1", "beta2", "weight_decay") if name in given}
    if options.get("perceptual"):
        options["perceptual_weights"] = str(folder / "vgg16.weight")
    return options


def run_case(folder: Path, device: str = "cpu") -> tuple[dict[str, float], float]:
    """Worst errors, relative to max(1, |expected|), of losses and probes in float64; and of the first float32 losses.

    DRIT is trained both ways, as released and with both gradients at the old weights.
    """
    case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    networks = hosts.load(folder)
    double: dict[str, float] = {}
    single = 0.0
    for suffix, more in _variants(case).items():
        for dtype, steps in ((torch.float64, case["steps"]), (torch.float32, 1)):
            losses, trained = _train(folder, case, deepcopy(networks).to(dtype), dtype, steps, more, device)
            worst = max(_loss_errors(losses, case[f"losses{suffix}"]))
            if dtype == torch.float64:
                double |= {f"losses{suffix}": worst, **_probe_errors(folder, case, trained, suffix)}
            else:
                single = max(single, worst)
    return double, single


def _variants(case: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What more to tell the recipe, by the ending of what is recorded."""
    if case["family"] != "drit":
        return {"": {}}
    return {"": {"preset": "released"}, "_simple": {}}


def recipe_networks(networks: Networks) -> nn.ModuleDict:
    """The networks of a case under the keys that recipes give them."""
    named = {f"G_{name}": network for name, network in networks.generators.items()}
    named |= {f"D_{name}": network for name, network in networks.discriminators.items()}
    found: nn.ModuleDict = nn.ModuleDict(named).train().requires_grad_(True)
    return found


def _train(
    folder: Path,
    case: Mapping[str, Any],
    networks: Networks,
    dtype: torch.dtype,
    steps: int,
    more: Mapping[str, Any],
    device: str,
) -> tuple[list[dict[str, float]], Networks]:
    tensors = {name: t.to(device, dtype) for name, t in load_file(folder / "io.safetensors").items()}
    trained = recipe_networks(networks).to(device)
    recipe = zoo().recipes.load(case["family"])(trained, **options_of(case, folder), **more)
    optimizers = recipe.optimizers()

    def update(optimizer: str, loss: Tensor) -> None:
        optimizers[optimizer].zero_grad()
        loss.backward()
        optimizers[optimizer].step()

    recipe.on_epoch(0)
    losses = []
    for step in range(steps):
        _set_rate(recipe, optimizers, step, case["steps"])
        batch = _batch(networks, tensors, step)
        if (kind := case["losses"][step].get("update")) is not None:
            batch["full"] = torch.tensor(kind == "full")
        losses.append({name: float(value) for name, value in recipe.step(batch, update).items()})
    return losses, networks


def _set_rate(recipe: Recipe, optimizers: Mapping[str, torch.optim.Optimizer], step: int, steps: int) -> None:
    """As the engine does before every step; the recorded steps are a whole epoch."""
    rate = recipe.learning_rate(step, steps)
    for group in (group for optimizer in optimizers.values() for group in optimizer.param_groups):
        group["lr"] = rate * group.get("lr_scale", 1.0)


def _batch(networks: Networks, tensors: Mapping[str, Tensor], step: int) -> dict[str, Tensor]:
    """The images and draws of one step; images as this library has them."""
    batch = {name: t[step] for name, t in tensors.items() if not name.startswith(("probe", "real"))}
    for domain, direction in (("A", "A2B"), ("B", "B2A")):
        batch[domain] = from_published(networks.generators[direction], tensors[f"real_{domain}"][step])
    return batch


def _loss_errors(losses: list[dict[str, float]], recorded: list[dict[str, Any]]) -> list[float]:
    """The error of every recorded loss of the steps that were made; infinite for one that is not logged."""
    errors = []
    for got, expected in zip(losses, recorded, strict=False):
        for name, value in expected.items():
            if name != "update":
                error = abs(got.get(name, math.inf) - float(value)) / max(1.0, abs(value))
                errors.append(math.inf if math.isnan(error) else error)
    return errors


# What a probe asks for, as forward cases call it.
PROBES = {
    r"gen_A": "image_ba",
    r"gen_B": "image_ab",
    r"dis_([AB])": lambda m: f"prob_{m[1].lower()}",
    r"logits_ad": "logits_ad_real_b",
    r"logits_bd": "logits_bd_real_a",
}


def _probe_errors(folder: Path, case: Mapping[str, Any], trained: Networks, suffix: str) -> dict[str, float]:
    """The error of every probe that is stored for this way of training, in float64."""
    stored = load_file(folder / "io.safetensors")
    expected = {name: t for name, t in stored.items() if name.startswith("probe_") and t.dtype == torch.float64}
    simple = {name for name in expected if name.startswith("probe_simple_")}
    for network in (*trained.generators.values(), *trained.discriminators.values()):
        network.eval()
    rows = {}
    for name in simple if suffix else expected.keys() - simple:
        asked = name.removeprefix("probe_simple_" if suffix else "probe_")
        if case["family"] in hosts.TRAINING_MODE:
            asked = asked.removeprefix("batch_") if asked.startswith("batch_") else f"{asked}_eval"
        ending = "_eval" if asked.endswith("_eval") else ""
        asked = _forward_name(asked.removesuffix(ending)) + ending
        device = next(next(iter(trained.generators.values())).parameters()).device
        given = {key: t.to(device, torch.float64) for key, t in _probe_inputs(stored, asked).items()}
        with torch.no_grad():
            answer = hosts.answers(case["family"], trained, given, [asked])[asked]
        rows[name] = _error(answer, expected[name])
    return dict(sorted(rows.items()))


def _forward_name(asked: str) -> str:
    for pattern, replacement in PROBES.items():
        if match := re.fullmatch(pattern, asked):
            return replacement if isinstance(replacement, str) else replacement(match)
    return asked


def _probe_inputs(stored: Mapping[str, Tensor], asked: str) -> dict[str, Tensor]:
    """The inputs of a probe under the names of a forward case's; DRIT's discriminators look at the first batch."""
    both = stored.get("probe")
    given = {f"x_{d}": stored[f"probe_{d}"] if both is None else both for d in "ab"}
    if asked.startswith(("disA", "disB")):
        given = {f"x_{d}": stored[f"real_{d.upper()}"][0, :1] for d in "ab"}
    if "probe_style" in stored:
        given |= {f"style_random_{d}": stored["probe_style"] for d in "ab"}
    if "probe_z" in stored:
        given["z_random"] = stored["probe_z"]
    if asked == "disContent":
        given["content"] = stored["noise_content_a"][0]
    return given


def _error(answer: Tensor | None, expected: Tensor) -> float:
    if answer is None or answer.shape != expected.shape:
        return math.inf
    error = float(((answer.cpu() - expected).abs() / expected.abs().clamp(min=1)).max())
    return math.inf if math.isnan(error) else error
