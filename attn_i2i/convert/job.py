"""``convert``: published checkpoint files in, a model folder out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ..arguments import typed
from ..files import check_target, sha256
from ..models.build import builder, load_strictly
from ..models.cards import find_card
from ..models.config import CONFIG, DiscriminatorConfig, ModelConfig
from ..models.directory import save_model
from ..types import ConfigError, ConversionError, ModelError, StateDict
from .directions import Chosen
from .gather import ConvertedNetwork, Gathered, gather
from .options import shared_options
from .own import refuse_own
from .reader.paths import shown_name
from .reader.read import checkpoint_files, read_checkpoint
from .verify import Check, Networks, compare
from .versions import WeightsVersion, check_weights

FLOAT64_BOUND, FLOAT32_BOUND = 1e-6, 1e-4  # of stored outputs by their precision, as docs/converting.md promises
WEIGHTS = {"ema": 'averaged (weights="raw" takes the others)', "raw": 'raw (weights="ema" takes the averaged)'}


@dataclass(frozen=True)
class Conversion:
    """What ``convert`` made: the configuration as written, and each verified output with its error in float64."""

    directory: Path
    config: ModelConfig
    checks: tuple[Check, ...] = ()

    def summary(self) -> str:
        """What was recognised, where it lies, how well it was verified, and how to go on."""
        config = self.config
        options = ", ".join(f"{name}={value}" for name, value in sorted(config.config.items()))
        lines = [f"{config.architecture} ({options}), {', '.join(config.directions)}: written to {self.directory}"]
        lines += [
            f"{direction}: {', '.join(f'{k}={v}' for k, v in own.items())}" for direction, own in config.own.items()
        ]
        if config.discriminators:
            lines.append(f"discriminators kept: {', '.join(config.discriminators.names)}")
        notes = config.provenance
        lines += [f"assumed: {text}" for text in notes.get("assumed", ())]
        lines += [f"weights of {slot}: {WEIGHTS[version]}" for slot, version in notes.get("weights", {}).items()]
        lines += [f"left out: {name} ({reason})" for name, reason in notes.get("left_out", {}).items()]
        if self.checks:
            worst = max(check.error for check in self.checks)
            lines.append(f"verified: {len(self.checks)} stored outputs met, largest error {worst:.1e} in float64")
        return "\n".join([*lines, f"translate with: attn-i2i translate PICTURE -o OUT -m {self.directory}"])


@typed
def convert(
    sources: Sequence[str | Path] | str | Path,
    out: str | Path,
    *,
    verify: str | Path | None = None,
    licence: str | None = None,
    direction: Chosen = None,
    domains: Sequence[str] | None = None,
    as_layout: str | None = None,
    weights: WeightsVersion | None = None,
    leave_out: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    card: str | None = None,
    force: bool = False,
) -> Conversion:
    """Convert published checkpoints (files, a TensorFlow prefix, folders) to the model folder ``out``.

    ``verify`` is a safetensors file of stored inputs and outputs: the model must meet them, and the error goes into its
    card. ``direction`` names the directions: one name for a single generator, several in the order of the files, or a
    mapping from networks such as ``{"G_b": "B2A", "D_A": "B"}``. ``domains`` names a multi-domain model's labels.
    ``as_layout`` reads the files in a layout that no key tells. ``weights`` takes averaged ("ema") or "raw" weights if
    a file has both. ``leave_out`` names networks or tensors to go without. ``options`` add to the inferred
    configuration what shapes cannot tell. ``card`` is a zoo name; its card gives the licence and the labels that were
    not given. Nothing in the files is executed. Raises ConversionError or UnreadableFileError with one line, and leaves
    ``out`` as it was.
    """
    out = Path(out)
    check_weights(weights)
    _check_target(out, force)
    described = find_card(card) if card else None
    if described is not None:
        licence = licence or described.licence
        domains = domains or described.domains
    for source in _listed(sources):
        refuse_own(Path(source))
    files = [file for source in _listed(sources) for file in checkpoint_files(Path(source))]
    networks = gather(files, direction, as_layout, weights, leave_out)
    config = _model_config(networks, files, licence, domains, options or {})
    if described is not None and described.architecture != config.architecture:
        raise ConversionError(
            f"{card} is a model of {described.architecture}, but this is {config.architecture}: name"
            " another card, or none."
        )
    states = {slot: _floats(part.state) for slot, part in networks.generators.items()}
    discriminator_states = {slot: _floats(part.state) for slot, part in networks.discriminators.items()}
    built = _build(config, states, discriminator_states, shapes_only=verify is None)
    checks: tuple[Check, ...] = ()
    if verify is not None:
        checks, record = _verified(built, Path(verify))
        config = replace(config, provenance={**config.provenance, "verified": record})
    save_model(out, config, states, discriminator_states, force=force)
    return Conversion(out, config, checks)


def _listed(sources: Sequence[str | Path] | str | Path) -> Sequence[str | Path]:
    return [sources] if isinstance(sources, str | Path) else sources


def _check_target(out: Path, force: bool) -> None:
    """Refuse early, and never replace a folder that is no model."""
    if out.is_dir() and any(out.iterdir()):
        if not force:
            raise ConversionError(f"{out} exists already: choose another folder or overwrite it with force=True.")
        if not (out / CONFIG).is_file():
            raise ConversionError(f"{out} is not a model folder, so force=True does not replace it: choose another.")
    check_target(Path.cwd() / out, force=force, folder=True)


def _model_config(
    networks: Gathered,
    files: Sequence[Path],
    licence: str | None,
    domains: Sequence[str] | None,
    options: Mapping[str, Any],
) -> ModelConfig:
    part = next(iter(networks.generators.values()))
    count = part.config.get("domains", 0)
    if domains is not None and not (all(map(str.strip, domains)) and len(set(domains)) == len(domains)):
        raise ConversionError(
            f"The domain names {', '.join(map(repr, domains))} hold an empty or a repeated one: give"
            " each domain a name of its own."
        )
    if domains is not None and len(domains) != count:
        raise ConversionError(
            f"{len(domains)} domain names were given, but this model has {count} domains: give one name each."
        )
    common, own = shared_options({name: part.config for name, part in networks.generators.items()})
    return ModelConfig(
        architecture=part.architecture,
        config={**common, **options},
        own=own,
        directions=list(networks.generators),
        domains=list(domains) if domains is not None else None,
        discriminators=_discriminators(networks.discriminators),
        licence=licence,
        provenance={
            "converter": part.network.converter.name,
            "source_files": {shown_name(file): sha256(file) for file in files},
            "verified": None,
            **_notes(networks),
        },
    )


def _discriminators(parts: Mapping[str, ConvertedNetwork]) -> DiscriminatorConfig | None:
    if not parts:
        return None
    common, own = shared_options({name: part.config for name, part in parts.items()})
    return DiscriminatorConfig(next(iter(parts.values())).architecture, common, list(parts), own)


def _notes(networks: Gathered) -> dict[str, Any]:
    """What was assumed, chosen and left out; nothing where there is nothing to tell."""
    notes = {"assumed": networks.assumed, "weights": networks.weights, "left_out": networks.left_out}
    return {name: note for name, note in notes.items() if note}


def _floats(state: StateDict) -> StateDict:
    """Weights as float32, counters as they are."""
    return {key: t.float() if t.is_floating_point() else t for key, t in state.items()}


def _build(
    config: ModelConfig,
    generators: Mapping[str, StateDict],
    discriminators: Mapping[str, StateDict],
    *,
    shapes_only: bool,
) -> Networks:
    """The modules, strictly loaded: what does not fit is found before anything is written.

    Where nothing will run, ``shapes_only`` spares a large model's weights a second place in memory.
    """
    load = partial(load_strictly, shapes_only=shapes_only)
    try:
        built = {
            direction: load(builder("generators", config.architecture, config.options(direction)), state, direction)
            for direction, state in generators.items()
        }
        discriminator_networks = {}
        if described := config.discriminators:
            discriminator_networks = {
                name: load(
                    builder("discriminators", described.architecture, described.options(name)),
                    state,
                    f"discriminator {name}",
                )
                for name, state in discriminators.items()
            }
    except ModelError as error:
        raise ConversionError(f"This looks like {config.architecture}, but is not whole: {error}") from error
    except ConfigError as error:
        raise ConversionError(f"This looks like {config.architecture}, but {error}") from error
    return Networks(built, discriminator_networks)


def _verified(networks: Networks, path: Path) -> tuple[tuple[Check, ...], dict[str, Any]]:
    """Compare in both precisions; the stored precision decides the bound."""
    stored = read_checkpoint(path)
    expected = [t for n, t in stored.items() if t.dtype == torch.float64]
    bound = FLOAT64_BOUND if expected else FLOAT32_BOUND
    single = compare(networks, stored, torch.float32)
    double = compare(networks, stored, torch.float64)
    networks.to(torch.float32)
    if not double:
        raise ConversionError(f"{path.name} holds no expected outputs: see docs/converting.md for the names.")
    worst = max(double, key=lambda check: check.error)
    if not worst.error <= bound:
        what = "is not what this model gives" if worst.error == float("inf") else f"differs by {worst.error:.1e}"
        raise ConversionError(f"{path.name}: {worst.name} {what} (allowed: {bound:.0e}): nothing was written.")
    record = {
        "file": path.name,
        "sha256": sha256(path),
        "outputs": [check.name for check in double],
        "float64_error": worst.error,
        "float32_error": max(check.error for check in single),
    }
    return tuple(double), record
