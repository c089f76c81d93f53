"""``join``: models of single directions become one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..arguments import refuse_repeated, typed
from ..files.swapping import mend
from ..models.config import DiscriminatorConfig, ModelConfig, is_plain, read_config
from ..models.directory import build_discriminators, build_generator, save_model
from ..types import ConfigError, ConversionError, StateDict
from .names import task_of
from .options import refuse_strangers, shared_options

# the other direction and the other domain
BACK = {"A2B": "B2A", "B2A": "A2B"}
OTHER = {"A": "B", "B": "A"}


@dataclass(frozen=True)
class _JoinedDirection:
    """One direction of one of the models, under its new name, with the discriminators that go with it."""

    folder: Path
    config: ModelConfig
    old: str
    new: str

    @property
    def turned(self) -> bool:
        """Whether its domains A and B change places."""
        return BACK.get(self.old) == self.new


@typed
def join(
    folders: Sequence[str | Path], out: str | Path, *, directions: Sequence[str] | None = None, force: bool = False
) -> ModelConfig:
    """Make one model of several model folders of one architecture, with all their directions.

    Directions keep their names where those differ. ``directions`` names them anew, in the order of the folders. Two
    folders called like horse2zebra and zebra2horse, or converted from files so called, need no names: the first becomes
    A2B. A discriminator follows its direction. Raises ConversionError where directions would share a name, or the
    models do not belong together, and ConfigError for fewer than two.
    """
    paths = [Path(folder) for folder in folders]
    if len(paths) < 2:
        raise ConfigError(
            f"{len(paths)} model{'s' * (len(paths) != 1)} to join, expected two or more: name the folder of each."
        )
    refuse_repeated("The list of models", [path.resolve() for path in paths], paths)
    for path in paths:
        mend(path)
    configs = [read_config(path) for path in paths]
    places = [(path, config, name) for path, config in zip(paths, configs, strict=True) for name in config.directions]
    names = _names(places, directions)
    members = [_JoinedDirection(*place, new) for place, new in zip(places, names, strict=True)]
    kinds = {m.folder.name: (m.config.architecture, m.config.options(m.old)) for m in members}
    refuse_strangers("generators", kinds)
    options, own = shared_options({m.new: m.config.options(m.old) for m in members})
    discriminators, states = _discriminators(members)
    config = ModelConfig(
        configs[0].architecture,
        options,
        sorted(names),
        discriminators=discriminators,
        licence=_licence(configs),
        provenance={"joined": {m.new: {"direction": m.old, **m.config.provenance} for m in members}},
        preprocessing=configs[0].preprocessing,
        own=own,
    )
    generators = {m.new: build_generator(m.folder, m.config, m.old).state_dict() for m in members}
    save_model(Path(out), config, generators, states, force=force)
    return config


def _names(places: Sequence[tuple[Path, ModelConfig, str]], wanted: Sequence[str] | None) -> list[str]:
    """The new names of all directions."""
    old = [name for _, _, name in places]
    names = list(wanted) if wanted else old
    if len(names) != len(old):
        raise ConversionError(f"{len(names)} directions were named, but there are {len(old)}: {', '.join(old)}.")
    if len(set(names)) < len(names) and not wanted and len(places) == 2:
        first, second = (_task(path, config) for path, config, _ in places)
        if first and second and first == second[::-1] and old[0] in BACK:
            names = [old[0], BACK[old[0]]]
    if len(set(names)) < len(names):
        raise ConversionError(
            f"The models have the directions {', '.join(old)}: name them in the order of the folders, as in"
            ' directions=["A2B", "B2A"].'
        )
    if wrong := [name for name in names if not is_plain(name)]:
        raise ConversionError(f"{wrong[0]!r} cannot name a direction: expected letters, digits, '_', '-'.")
    return names


def _task(folder: Path, config: ModelConfig) -> tuple[str, str] | None:
    """The two domains that the folder's name tells, else the name of the file that it was converted from."""
    files = config.provenance.get("source_files") or {}
    told = {task for name in files if (task := task_of(Path(str(name)).stem))}
    return task_of(folder.resolve().name) or (told.pop() if len(told) == 1 else None)


def _discriminators(members: Sequence[_JoinedDirection]) -> tuple[DiscriminatorConfig | None, dict[str, StateDict]]:
    """All discriminators under the domains that they look at in the new model; equal domains are an error."""
    states: dict[str, StateDict] = {}
    options: dict[str, Mapping[str, Any]] = {}
    kinds: dict[str, tuple[str, Mapping[str, Any]]] = {}
    done: set[Path] = set()
    for member in members:
        described = member.config.discriminators
        if described is None or member.folder in done:
            continue
        done.add(member.folder)
        for name, module in build_discriminators(member.folder, member.config).items():
            domain = OTHER.get(name, name) if member.turned else name
            if domain in states:
                raise ConversionError(
                    f"Two of the models have a discriminator of {domain}: name their directions A2B and B2A, or convert"
                    " one of them without its discriminator."
                )
            states[domain], options[domain] = module.state_dict(), described.options(name)
            kinds[f"{member.folder.name} ({name})"] = (described.architecture, described.options(name))
    if not states:
        return None, {}
    refuse_strangers("discriminators", kinds)
    common, own = shared_options(dict(sorted(options.items())))
    return DiscriminatorConfig(next(iter(kinds.values()))[0], common, sorted(states), own), states


def _licence(configs: Sequence[ModelConfig]) -> str | None:
    licences = {config.licence for config in configs}
    return licences.pop() if len(licences) == 1 else " and ".join(sorted(licence or "unstated" for licence in licences))
