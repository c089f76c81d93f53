"""A model as a folder: configuration, one weights file a direction, discriminators, a README."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..arguments import typed
from ..files import TargetExistsError, atomic_dir, save_safetensors
from ..plugins import zoo
from ..plugins._manager import supplier, way_to_parts
from ..plugins.parts import HEAD
from ..registry import Registry
from ..types import ConfigError, ModelError, StateDict, UnknownNameError
from .build import builder, load_strictly
from .checksums import check_beside, write_sums
from .config import CONFIG, DiscriminatorConfig, ModelConfig, is_plain
from .mistaken import raise_mistaken
from .readme import model_card

if TYPE_CHECKING:
    from torch import nn

DISCRIMINATORS = "discriminators.safetensors"
SUPPLIERS = "suppliers"  # in a configuration's provenance: parts of plugins, and the distributions they are of


@typed
def build_generator(directory: str | Path, config: ModelConfig, direction: str) -> nn.Module:
    """The generator of one direction, strictly loaded, in evaluation mode, float32 on the CPU."""
    directory = Path(directory)
    if direction not in config.directions:
        raise UnknownNameError(f"{directory} has no direction {direction!r}: it has {', '.join(config.directions)}.")
    weights = _read_weights(directory / f"{direction}.safetensors")
    suppliers = config.provenance.get(SUPPLIERS)
    return _load_stored("generators", config, direction, weights, f"{directory}/{direction}", suppliers)


@typed
def build_discriminators(directory: str | Path, config: ModelConfig) -> dict[str, nn.Module]:
    """The discriminators a model keeps, by the domain they look at; empty where it keeps none."""
    described = config.discriminators
    if described is None:
        return {}
    directory = Path(directory)
    weights = _read_weights(directory / DISCRIMINATORS)
    return {
        name: _load_stored(
            "discriminators",
            described,
            name,
            {k.partition(".")[2]: t for k, t in weights.items() if k.partition(".")[0] == name},
            f"{directory}/discriminators ({name})",
            config.provenance.get(SUPPLIERS),
        )
        for name in described.names
    }


def _load_stored(
    kind: Literal["generators", "discriminators"],
    config: ModelConfig | DiscriminatorConfig,
    name: str,
    weights: StateDict,
    where: str,
    suppliers: object = None,
) -> nn.Module:
    """A part as its model folder describes it; an option that nothing can be built from is the folder's fault."""
    try:
        return load_strictly(builder(kind, config.architecture, config.options(name)), weights, where)
    except ConfigError as error:
        raise ModelError(f"{where}: {error}") from error
    except UnknownNameError as error:
        raise UnknownNameError(f"{where}: {error}{way_to_parts(suppliers)}") from error


def _suppliers(config: ModelConfig) -> dict[str, str]:
    """By name, the distributions of the plugins that supply the model's parts; the package's own are left out."""
    used: list[tuple[Registry[Any], object]] = [
        (zoo().generators, config.architecture),
        *((zoo().heads, config.options(direction).get(HEAD)) for direction in config.directions),
    ]
    if config.discriminators is not None:
        used.append((zoo().discriminators, config.discriminators.architecture))
    brought = {name: supplier(registry[name]) for registry, name in used if isinstance(name, str) and name in registry}
    return {name: distribution for name, distribution in brought.items() if distribution}


def _read_weights(path: Path) -> StateDict:
    """The tensors of a weights file, held against SHA256SUMS where that stands beside it."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.exists():
        raise ModelError(f"{path} is missing: the model folder is incomplete, so get it again.")
    if not path.is_file():
        raise ModelError(f"{path} is not a file: the model folder is damaged, so get it again.")
    check_beside(path)
    try:
        path.open("rb").close()  # safetensors says of a file that may not be read that there is none
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise_mistaken(path, error)
        raise ModelError(f"{path} is not a whole safetensors file ({error}): get it again.") from error


@typed
def save_model(
    directory: str | Path,
    config: ModelConfig,
    generators: Mapping[str, StateDict],
    discriminators: Mapping[str, StateDict] | None = None,
    *,
    force: bool = False,
    carry: bool = False,
) -> None:
    """Write a model folder whole or not at all; the same model gives the same bytes.

    With ``force`` an older one is replaced; with ``carry`` what somebody else put into it, such as samples, stays. A
    folder that is no model is never replaced.
    An architecture of a plugin is recorded with the distribution that supplies it.

    Raises ModelError for generators that are not those of ``config.directions``, or whose names cannot name files.
    """
    directory = Path(directory)
    if generators.keys() != set(config.directions) or not all(map(is_plain, generators)):
        raise ModelError(
            f"{directory} cannot be saved: its generators are {list(generators)}, its directions {config.directions};"
            " expected the same plain names, such as A2B."
        )
    if force and not carry and directory.is_dir() and any(directory.iterdir()) and not (directory / CONFIG).is_file():
        raise TargetExistsError(
            f"{directory} is not a model folder, so force=True does not replace it: choose another."
        )
    if brought := _suppliers(config):
        config = replace(config, provenance={**config.provenance, SUPPLIERS: brought})
    with atomic_dir(directory, force=force, carry=carry) as work:
        for direction, state in generators.items():
            save_safetensors(state, work / f"{direction}.safetensors")
        if discriminators:
            flat = {f"{name}.{key}": t for name, state in discriminators.items() for key, t in state.items()}
            save_safetensors(flat, work / DISCRIMINATORS)
        (work / CONFIG).write_text(config.to_json(), encoding="utf-8")
        write_sums(work)
        text = model_card(directory.name, config)
        (work / "README.md").write_text(text, encoding="utf-8", errors="backslashreplace")
