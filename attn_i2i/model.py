"""A model as a directory: configuration, one weights file a direction, discriminators, a model card."""

from __future__ import annotations

import inspect
import json
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .registry import suggestion
from .types import AttnI2IError, ConfigError, ModelError, StateDict

if TYPE_CHECKING:
    from torch import nn

FORMAT = 1
CONFIG = "config.json"
MOST = 8192
DISCRIMINATORS = "discriminators.safetensors"


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Which discriminators a model keeps: ``names`` are the domains they judge."""

    architecture: str
    config: dict[str, Any]
    names: list[str]


@dataclass(frozen=True)
class ModelConfig:
    """What ``config.json`` says. ``directions`` have one weights file each; ``domains`` name the label's entries."""

    architecture: str
    config: dict[str, Any]
    directions: list[str]
    domains: list[str] | None = None
    discriminators: DiscriminatorConfig | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    licence: str | None = None
    preprocessing: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> str:
        """Canonical JSON: the same model gives the same bytes."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


def create(architecture: str, **config: Any) -> nn.Module:
    """Build a registered generator with fresh weights.

    Raises UnknownNameError for an architecture no plugin registered, ConfigError for an option it does not have.

    >>> generator = create("attentiongan2", width=8, masks=4)
    """
    return builder("generators", architecture, config)()


def create_discriminator(architecture: str, **config: Any) -> nn.Module:
    """Build a registered discriminator with fresh weights; errors as for ``create``."""
    return builder("discriminators", architecture, config)()


def builder(
    kind: Literal["generators", "discriminators"], architecture: str, config: Mapping[str, Any]
) -> Callable[[], nn.Module]:
    """What builds a registered part, imported already: an import inside a device context would be moved too."""
    from .plugins import zoo

    return partial(_build, getattr(zoo(), kind).load(architecture), architecture, config)


def _build(factory: Any, name: str, config: Mapping[str, Any]) -> nn.Module:
    known = inspect.signature(factory).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in known.values())
    for option in config:
        if option not in known and not open_ended:
            raise ConfigError(
                f"{name} has no option {option!r}.{suggestion(option, known)} Options: {', '.join(known) or 'none'}."
            )
    try:
        module: nn.Module = factory(**config)
    except AttnI2IError:
        raise
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise ConfigError(f"{name} cannot be built from {dict(config)}: {reason}.") from error
    return module


def read_config(directory: Path) -> ModelConfig:
    """Read and check ``config.json``; raises ModelError with one line on anything it cannot be."""
    path = directory / CONFIG
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{directory} is not a model directory: it has no {CONFIG}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read as JSON: {error}.") from error
    known = {f.name for f in fields(ModelConfig)}
    if not isinstance(raw, dict) or not {"architecture", "config", "directions"} <= raw.keys():
        raise ModelError(f"{path} is not a model configuration: it needs architecture, config and directions.")
    if raw.get("format") != FORMAT:
        raise ModelError(f"{path} has format {raw.get('format')!r}, this version reads format {FORMAT}.")
    if unknown := sorted(raw.keys() - known):
        raise ModelError(f"{path} has an unknown key {unknown[0]!r}.{suggestion(unknown[0], known)}")
    for key, value in raw.items():
        if key in _FIELDS and not _FIELDS[key][0](value):
            raise ModelError(f"{path}: {key} is {reprlib.repr(value)}, expected {_FIELDS[key][1]}.")
    if (judges := raw.get("discriminators")) is not None:
        raw["discriminators"] = DiscriminatorConfig(**judges)
    return ModelConfig(**raw)


def is_plain(name: object) -> bool:
    """Whether a direction may have this name: it names a file beside the discriminators', in the same directory."""
    return isinstance(name, str) and name.replace("-", "_").isidentifier() and name != "discriminators"


def _are_directions(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_plain, value))


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _are_options(value: object) -> bool:
    """An object whose numbers, alone or in lists, no network would take for ever to be built from."""
    if not isinstance(value, dict):
        return False
    numbers = [one for option in value.values() for one in (option if isinstance(option, list) else [option])]
    return all(abs(number) <= MOST for number in numbers if isinstance(number, int | float))


def _are_judges(value: object) -> bool:
    return value is None or (
        isinstance(value, dict)
        and value.keys() == {f.name for f in fields(DiscriminatorConfig)}
        and isinstance(value["architecture"], str)
        and _are_options(value["config"])
        and _are_texts(value["names"])
    )


_FIELDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "architecture": (lambda value: isinstance(value, str), "a name"),
    "config": (_are_options, f"an object with numbers of at most {MOST}"),
    "directions": (_are_directions, "a list of plain names"),
    "domains": (lambda value: value is None or _are_texts(value), "a list of names, or null"),
    "discriminators": (_are_judges, "an object of architecture (a name), config (an object) and names, or null"),
    "provenance": (_is_object, "an object"),
    "licence": (lambda value: value is None or isinstance(value, str), "text, or null"),
    "preprocessing": (_is_object, "an object"),
}


def build_generator(directory: Path, config: ModelConfig, direction: str) -> nn.Module:
    """The generator of one direction, strictly loaded, in evaluation mode, float32 on the CPU."""
    if direction not in config.directions:
        raise ModelError(f"{directory} has no direction {direction!r}: it has {', '.join(config.directions)}.")
    weights = _read_weights(directory / f"{direction}.safetensors")
    return _load_stored("generators", config, weights, f"{directory}/{direction}")


def build_discriminators(directory: Path, config: ModelConfig) -> dict[str, nn.Module]:
    """The discriminators a model keeps, by the domain they judge; empty where it keeps none."""
    judges = config.discriminators
    if judges is None:
        return {}
    weights = _read_weights(directory / DISCRIMINATORS)
    return {
        name: _load_stored(
            "discriminators",
            judges,
            {k.partition(".")[2]: t for k, t in weights.items() if k.partition(".")[0] == name},
            f"{directory}/discriminators ({name})",
        )
        for name in judges.names
    }


def _load_stored(
    kind: Literal["generators", "discriminators"],
    config: ModelConfig | DiscriminatorConfig,
    weights: StateDict,
    where: str,
) -> nn.Module:
    """A part as its model directory describes it; an option that nothing can be built from is the directory's fault."""
    try:
        return load_strictly(builder(kind, config.architecture, config.config), weights, where)
    except ConfigError as error:
        raise ModelError(f"{where}: {error}") from error


def _read_weights(path: Path) -> StateDict:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except FileNotFoundError:
        raise ModelError(f"{path} is missing: the model directory is incomplete.") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path} is not a whole safetensors file: {error}.") from error


def load_strictly(build: Callable[[], nn.Module], state: StateDict, where: str) -> nn.Module:
    """Build a module, give it exactly ``state``, and set it to evaluation on the CPU.

    The fit is checked on shapes alone first, so that weights that do not fit cost no memory.
    """
    import torch

    with torch.device("meta"):
        check_fit(build(), state, where)
    module = build()
    module.load_state_dict(state)
    return module.eval().requires_grad_(False)


def check_fit(module: nn.Module, state: StateDict, where: str) -> None:
    """Raise ModelError naming the first keys that are missing, left over or of another shape."""
    want = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    have = {key: tuple(value.shape) for key, value in state.items()}
    wrong = [f"missing {key} {want[key]}" for key in want.keys() - have.keys()]
    wrong += [f"unexpected {key} {have[key]}" for key in have.keys() - want.keys()]
    wrong += [f"{key} is {have[key]}, not {want[key]}" for key in want.keys() & have.keys() if want[key] != have[key]]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelError(f"{where}: the weights do not fit: {'; '.join(sorted(wrong)[:3])}{more}.")


def save_model(
    directory: Path,
    config: ModelConfig,
    generators: Mapping[str, StateDict],
    discriminators: Mapping[str, StateDict] | None = None,
    *,
    force: bool = False,
) -> None:
    """Write a model directory whole or not at all; the same model gives the same bytes.

    Raises ModelError for generators that are not those of ``config.directions``, or whose names cannot name files.
    """
    from .checksums import write_sums
    from .files import atomic_dir, save_safetensors
    from .model_card import model_card

    if generators.keys() != set(config.directions) or not all(map(is_plain, generators)):
        raise ModelError(
            f"{directory} cannot be saved: its generators are {list(generators)}, its directions {config.directions};"
            " expected the same plain names, such as A2B."
        )
    with atomic_dir(directory, force=force) as work:
        for direction, state in generators.items():
            save_safetensors(state, work / f"{direction}.safetensors")
        if discriminators:
            flat = {f"{name}.{key}": t for name, state in discriminators.items() for key, t in state.items()}
            save_safetensors(flat, work / DISCRIMINATORS)
        (work / CONFIG).write_text(config.to_json(), encoding="utf-8")
        write_sums(work)
        (work / "README.md").write_text(model_card(directory.name, config), encoding="utf-8")
