"""``convert``: published checkpoint files in, a model directory out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from ..files import sha256
from ..models.build import builder, load_strictly
from ..models.cards import find_card
from ..models.config import CONFIG, DiscriminatorConfig, ModelConfig, is_plain
from ..models.directory import save_model
from ..plugins import zoo
from ..types import ConfigError, ConversionError, ModelError, StateDict
from .detect import TRAINING_STATE, RecognisedNetwork, find_networks
from .reader.read import checkpoint_files, read_checkpoint
from .verify import Check, Networks, compare

FLOAT64_BOUND, FLOAT32_BOUND = 1e-6, 1e-4


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
        if config.discriminators:
            lines.append(f"discriminators kept: {', '.join(config.discriminators.names)}")
        if self.checks:
            worst = max(check.error for check in self.checks)
            lines.append(f"verified: {len(self.checks)} stored outputs met, largest error {worst:.1e} in float64")
        return "\n".join([*lines, f"translate with: attn-i2i translate PICTURE -o OUT -m {self.directory}"])


@dataclass(frozen=True)
class _Part:
    """One converted network and the files it stood in."""

    found: RecognisedNetwork
    config: dict[str, Any]
    state: StateDict

    @property
    def architecture(self) -> str:
        return self.found.converter.load().architecture


def convert(
    sources: Sequence[str | Path] | str | Path,
    out: str | Path,
    *,
    verify: str | Path | None = None,
    licence: str | None = None,
    direction: str | None = None,
    domains: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
    card: str | None = None,
    force: bool = False,
) -> Conversion:
    """Convert published checkpoints (files, a TensorFlow prefix, folders) to the model directory ``out``.

    ``verify`` is a safetensors file of stored inputs and outputs: the model must meet them, and the error goes into
    its card. ``direction`` renames a single direction, ``domains`` names a multi-domain model's labels, ``options``
    add to the inferred configuration what shapes cannot tell; ``card`` is a zoo name whose card gives the licence and
    the labels that were not given. Nothing in the files is executed. Raises
    ConversionError or UnreadableFileError with one line; then ``out`` is as it was.
    """
    out = Path(out)
    _check_target(out, force)
    _check_direction(direction)
    known = find_card(card) if card else None
    if known is not None:
        licence = licence or known.licence
        domains = domains or known.domains
    files = [file for source in _listed(sources) for file in checkpoint_files(Path(source))]
    parts = [part for file in files for part in _parts_of(file)]
    generators = _generators(parts, files, direction)
    discriminators = _by_slot(parts, "discriminator")
    config = _model_config(generators, discriminators, files, licence, domains, options or {})
    if known is not None and known.architecture != config.architecture:
        raise ConversionError(f"{card} is a model of {known.architecture}, but this is {config.architecture}.")
    states = {slot: _floats(part.state) for slot, part in generators.items()}
    discriminator_states = {slot: _floats(part.state) for slot, part in discriminators.items()}
    networks = _build(config, states, discriminator_states)
    checks: tuple[Check, ...] = ()
    if verify is not None:
        checks, record = _verified(networks, Path(verify))
        config = replace(config, provenance={**config.provenance, "verified": record})
    save_model(out, config, states, discriminator_states, force=force)
    return Conversion(out, config, checks)


def _listed(sources: Sequence[str | Path] | str | Path) -> Sequence[str | Path]:
    return [sources] if isinstance(sources, str | Path) else sources


def _check_target(out: Path, force: bool) -> None:
    """Refuse early, and never replace a folder that is no model."""
    if out.is_dir() and any(out.iterdir()):
        if not force:
            raise ConversionError(f"{out} exists already: choose another folder or overwrite it with --force.")
        if not (out / CONFIG).is_file():
            raise ConversionError(f"{out} is not a model folder, so --force does not replace it: choose another.")


def _check_direction(direction: str | None) -> None:
    if direction is not None and not is_plain(direction):
        raise ConversionError(
            f"direction={direction!r} cannot name a file: expected a plain name such as A2B (letters, digits, '_', '-';"
            " no digit first)."
        )


def _parts_of(file: Path) -> list[_Part]:
    tensors = read_checkpoint(file, keep=lambda name: not TRAINING_STATE.fullmatch(name))
    return [_Part(found, *found.converted()) for found in find_networks(tensors, file.name, zoo().converters)]


def _generators(parts: Sequence[_Part], files: Sequence[Path], direction: str | None) -> dict[str, _Part]:
    """The generators by direction, of which there must be one at least; ``direction`` renames a single one."""
    generators = _by_slot(parts, "generator")
    if not generators:
        raise ConversionError(
            f"Only discriminators were found in {', '.join(f.name for f in files)}: give the generator's file as well."
        )
    if direction is None:
        return generators
    if len(generators) > 1:
        found = ", ".join(generators)
        raise ConversionError(f"direction={direction!r} names one direction, but {found} were found.")
    return {direction: next(iter(generators.values()))}


def _by_slot(parts: Sequence[_Part], role: Literal["generator", "discriminator"]) -> dict[str, _Part]:
    """Networks of one role by slot, of one architecture and configuration; equal copies count once."""
    chosen: dict[str, _Part] = {}
    for part in parts:
        converter = part.found.converter.load()
        if converter.role != role:
            continue
        other = chosen.setdefault(part.found.slot, part)
        if other is not part and not _equal(other.state, part.state):
            raise ConversionError(
                f"{other.found.where} and {part.found.where} both hold a {role} for {part.found.slot}, with different"
                " weights: give the files of one model only."
            )
    kinds = {(part.architecture, str(sorted(part.config.items()))): part.found.where for part in chosen.values()}
    if len(kinds) > 1:
        described = "; ".join(f"{where}: {name}" for (name, _), where in kinds.items())
        raise ConversionError(f"The {role}s do not belong together ({described}): give the files of one model only.")
    return dict(sorted(chosen.items()))


def _equal(first: StateDict, second: StateDict) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def _model_config(
    generators: Mapping[str, _Part],
    discriminator_parts: Mapping[str, _Part],
    files: Sequence[Path],
    licence: str | None,
    domains: Sequence[str] | None,
    options: Mapping[str, Any],
) -> ModelConfig:
    part = next(iter(generators.values()))
    count = part.config.get("domains", 0)
    if domains is not None and not (all(map(str.strip, domains)) and len(set(domains)) == len(domains)):
        raise ConversionError(f"The domain names {', '.join(map(repr, domains))} hold an empty or a repeated one.")
    if domains is not None and len(domains) != count:
        raise ConversionError(f"{len(domains)} domain names were given, but this model has {count} domains.")
    discriminator = next(iter(discriminator_parts.values()), None)
    discriminators = None
    if discriminator is not None:
        discriminators = DiscriminatorConfig(
            discriminator.architecture, discriminator.config, list(discriminator_parts)
        )
    return ModelConfig(
        architecture=part.architecture,
        config={**part.config, **options},
        directions=list(generators),
        domains=list(domains) if domains is not None else None,
        discriminators=discriminators,
        licence=licence,
        provenance={
            "converter": part.found.converter.name,
            "source_files": {file.name: sha256(file) for file in files},
            "verified": None,
        },
    )


def _floats(state: StateDict) -> StateDict:
    """Weights as float32, counters as they are."""
    return {key: t.float() if t.is_floating_point() else t for key, t in state.items()}


def _build(
    config: ModelConfig, generators: Mapping[str, StateDict], discriminators: Mapping[str, StateDict]
) -> Networks:
    """The modules, strictly loaded: what does not fit is found before anything is written."""
    try:
        made = builder("generators", config.architecture, config.config)
        built = {direction: load_strictly(made, state, direction) for direction, state in generators.items()}
        kept = {}
        if discriminator := config.discriminators:
            made = builder("discriminators", discriminator.architecture, discriminator.config)
            kept = {name: load_strictly(made, state, f"discriminator {name}") for name, state in discriminators.items()}
    except ModelError as error:
        raise ConversionError(f"This looks like {config.architecture}, but is not whole: {error}") from error
    except ConfigError as error:
        raise ConversionError(f"This looks like {config.architecture}, but {error}") from error
    return Networks(built, kept)


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
