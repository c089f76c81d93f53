"""What a training is asked for, checked, and filled in from the run that it goes on with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..types import ConfigError
from .options import TrainOptions
from .record import Record, options_of, read_record

Location = str | os.PathLike[str]
PATHS = ("data", "run", "start", "attributes")


@dataclass(frozen=True)
class Request:
    """The arguments of ``train`` but its options; ``before`` is what the run that it goes on with was started with.

    ``recipe`` and ``data`` are None only as long as that run has not told them.
    """

    recipe: str | None
    data: Location | None
    run: Location | None
    recipe_options: Mapping[str, Any] | None
    start: Location | None
    attributes: Location | None
    select: Sequence[str]
    resume: bool
    before: Record | None = None

    @property
    def started_from(self) -> str | None:
        """The name of the model that the training begins from."""
        return None if self.start is None else Path(self.start).name

    def arguments(self, resolved: Mapping[str, Any]) -> dict[str, Any]:
        """What ``run.json`` keeps, to go on with this training; ``resolved`` are the options that build the recipe."""
        paths = {"data": self.data, "attributes": self.attributes, "start": self.start}
        return {
            **{name: None if path is None else _lasting(path) for name, path in paths.items()},
            "select": list(self.select),
            "recipe_options": dict(resolved),
        }


def completed(request: Request, options: Mapping[str, Any]) -> tuple[Request, TrainOptions]:
    """The request and the engine's options; where it resumes a run, what was left out is that run's own.

    Raises ConfigError for an argument of another type, for one that nothing tells, and for an unknown option.
    """
    _check_types(request)
    folder = None if request.run is None else Path(request.run)
    before = read_record(folder) if request.resume and folder is not None and folder.is_dir() else None
    if before is not None:
        recorded = options_of(before)
        if options.get("precision") == "auto" and recorded.get("precision") is not None:
            options = {**options, "precision": recorded["precision"]}  # what was measured when the run began
        return _continued(request, before), TrainOptions.parse({**recorded, **options})
    if request.recipe is None or request.data is None:
        where = "This" if folder is None else str(folder)
        raise ConfigError(
            f"{where} holds no training to continue: give a recipe and its pictures (data=FOLDER) to begin one."
        )
    return request, TrainOptions.parse(options)


def _continued(request: Request, before: Record) -> Request:
    if request.recipe not in (None, before.recipe):
        raise ConfigError(
            f"{request.run} was trained with the recipe {before.recipe} (now {request.recipe}): a resumed run goes on"
            " as it began; choose another folder for another run."
        )
    stored = before.arguments
    if stored is None:
        if request.data is None:
            raise ConfigError(
                f"{request.run} was started from Python with values that no file keeps: call train() as then, with"
                " resume=True."
            )
        return replace(request, recipe=before.recipe, before=before)
    if request.start is not None and request.started_from != Path(stored["start"] or "").name:
        raise ConfigError(
            f"{request.run} began from {stored['start'] or 'fresh weights'} (now {request.start}): a resumed run goes"
            f" on as it began; leave out start={request.start}."
        )
    return Request(
        before.recipe,
        stored["data"] if request.data is None else request.data,
        request.run,
        updated(stored["recipe_options"], request.recipe_options or {}),
        request.start or stored["start"],
        request.attributes or stored["attributes"],
        request.select or stored["select"],
        request.resume,
        before,
    )


def updated(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The stored options of a recipe with those given; one may be by its whole name, the other by a short one."""
    replaced = {whole for name in given for whole in _whole(name)}
    return {name: value for name, value in stored.items() if not replaced & _whole(name)} | dict(given)


def _whole(name: str) -> set[str]:
    """The whole names that an option may have (docs/plugins.md): ``width`` is a generator's, ``cycle`` a weight."""
    if "." in name:
        return {name}
    return {name, f"generator.{name}", f"objective.{name}", name.replace("discriminator_", "discriminator.", 1)}


def _lasting(location: Location) -> str:
    """A path that holds from every folder; what names no file, such as a model of the zoo, as it is."""
    return str(Path(location).absolute()) if os.path.lexists(location) else os.fspath(location)


def _check_types(request: Request) -> None:
    _check("recipe", request.recipe, str | None, "a name")
    for name in PATHS:
        _check(name, getattr(request, name), str | os.PathLike | None, "a path")
    _check("resume", request.resume, bool, "True or False")
    wanted = "options by name, such as {'width': 32}"
    _check("recipe_options", request.recipe_options, Mapping | None, wanted)
    for name in request.recipe_options or ():
        _check("recipe_options", name, str, wanted)
    columns: object = request.select
    if (
        isinstance(columns, str)
        or not isinstance(columns, Sequence)
        or not all(isinstance(column, str) for column in columns)
    ):
        raise ConfigError(f"select={columns!r} was given: expected a list of attributes, such as ['Male'].")


def _check(name: str, value: object, kind: Any, expected: str) -> None:
    if not isinstance(value, kind):
        raise ConfigError(f"{name}={value!r} was given: expected {expected}.")
