"""``train``: everything the command line does, from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..interfaces import Recipe
from ..plugins import zoo
from ..recipes import make_recipe
from ..types import ConfigError, UnreadableFileError
from .checkpoint import steps_done
from .data.check import check
from .data.folders import TrainingImages, attribute_table, domain_folders, two_domains
from .data.shards import Shards, find_shards
from .estimate import Plan, memory_estimate
from .export import Origin, layout_of, options_from, start_from
from .loop import Run, seed_everything, steps_per_epoch, whole_length
from .options import TrainOptions
from .rundir import MODEL, check_claim, claim, sweep

Location = str | os.PathLike[str]


def train(
    recipe: str,
    data: Location,
    run: Location,
    *,
    recipe_options: Mapping[str, Any] | None = None,
    start: Location | None = None,
    attributes: Location | None = None,
    select: Sequence[str] = (),
    data_check: bool = False,
    resume: bool = False,
    **options: Any,
) -> Path:
    """Train a registered recipe on folders of pictures; returns the model directory, ``run``/model.

    ``recipe_options`` are the recipe's own (``preset``, ``width``...), ``options`` those of ``TrainOptions``. ``start``
    is a model directory to begin from, ``attributes`` with ``select`` a table of attributes for a multi-domain recipe.
    ``resume`` continues what an interrupted call left in ``run``, or begins where it left nothing.
    Raises UnknownNameError, ConfigError, UnreadableFileError, DivergedError, DiskFullError.
    """
    chosen = TrainOptions.parse(options)
    built, origin, pictures = build(recipe, recipe_options or {}, chosen, data, start, attributes, select)
    if data_check:
        report(pictures)
    folder = Path(run)
    if int(os.environ.get("RANK", "0")) == 0:
        claim(folder, _binding(origin, pictures, chosen), resume)
        sweep(folder)
    Run(folder, built, origin, pictures, chosen).go()
    return folder / MODEL


def plan(
    recipe: str,
    data: Location,
    run: Location | None = None,
    *,
    recipe_options: Mapping[str, Any] | None = None,
    start: Location | None = None,
    attributes: Location | None = None,
    select: Sequence[str] = (),
    data_check: bool = False,
    resume: bool = False,
    **options: Any,
) -> Plan:
    """What ``train`` with the same arguments would do, on one process; nothing is written.

    ``run`` may be left out where no folder is meant yet; ``train`` would refuse the same folders with the same errors.
    """
    if resume and run is None:
        raise ConfigError("resume=True was given without run: say which folder would be resumed.")
    chosen = TrainOptions.parse(options)
    built, origin, pictures = build(recipe, recipe_options or {}, chosen, data, start, attributes, select)
    if data_check:
        report(pictures)
    if run is not None:
        check_claim(Path(run), _binding(origin, pictures, chosen), resume)
    counts = {name: len(files) for name, files in pictures.files.items()}
    per_epoch = steps_per_epoch(pictures, chosen, processes=1)
    return Plan(
        recipe,
        origin.options,
        chosen,
        counts,
        {name: sum(p.numel() for p in net.parameters()) for name, net in built.networks.items()},
        per_epoch,
        chosen.steps or whole_length(built, per_epoch),
        memory_estimate(built, chosen, len(pictures.domains or [])),
        0 if run is None else steps_done(Path(run)),
    )


def _binding(origin: Origin, pictures: TrainingImages | Shards, options: TrainOptions) -> dict[str, Any]:
    """What makes a run this one and no other."""
    return {
        "recipe": origin.recipe,
        "recipe_options": dict(origin.options),
        "data": pictures.fingerprint(),
        "options": options.binding(),
    }


def build(
    recipe: str,
    given: Mapping[str, Any],
    options: TrainOptions,
    data: Location,
    start: Location | None,
    attributes: Location | None,
    select: Sequence[str],
) -> tuple[Recipe, Origin, TrainingImages | Shards]:
    """The recipe with seeded weights, or those of the model ``start``; its pictures; what to tell about it later.

    Options that follow from the data or from ``start`` are filled in where the recipe has them and none were given:
    seed, image size, number of domains, the shape of the networks.
    """
    factory = zoo().recipes[recipe].load()  # imported now: an import inside a device context would be moved too
    with torch.device("meta"):  # shapes only: what the recipe is, before any weights are drawn
        sketch = make_recipe(factory, **given)
    known = sketch.options
    pictures = find_pictures(sketch, data, attributes, select)
    if options.cache and isinstance(pictures, Shards):
        raise ConfigError("Shards are streamed, not kept in memory: leave --cache out.")
    follows = {"seed": options.seed, "image_size": options.crop_size, "domains": len(pictures.domains or [])}
    inherited = {} if start is None else options_from(Path(start), known)
    resolved = {name: value for name, value in {**follows, **inherited}.items() if name in known} | dict(given)
    seed_everything(options.seed)
    built = make_recipe(factory, **resolved)
    layout_of(built, recipe)
    if start is not None:
        start_from(Path(start), built, recipe)
    return built, Origin(recipe, built.options, 0, None if start is None else Path(start).name), pictures


def find_pictures(
    recipe: Recipe, data: Location, attributes: Location | None, select: Sequence[str]
) -> TrainingImages | Shards:
    """The folders that a recipe of two domains or of many trains on, as its layout says."""
    if select and attributes is None:
        raise ConfigError("Attributes are selected (--select) from a table: give it (--attributes), or leave both out.")
    if not recipe.layout.multidomain:
        if attributes is not None:
            raise ConfigError(
                "A table of attributes (--attributes) is for multi-domain recipes such as stargan: this one trains on"
                " two domains."
            )
        return find_shards(Path(data)) or two_domains(data)
    return domain_folders(data) if attributes is None else attribute_table(data, attributes, select)


def report(pictures: TrainingImages | Shards) -> None:
    """Check every picture and print what is wrong; raises UnreadableFileError where one cannot be read."""
    if isinstance(pictures, Shards):
        raise ConfigError("Shards are not checked (--data-check): check the pictures before they are packed.")
    from rich.console import Console

    findings = check(pictures)
    console = Console(stderr=True)
    for line in findings.lines():
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if findings.corrupt:
        raise UnreadableFileError(
            f"{len(findings.corrupt)} of {findings.checked} pictures cannot be read, first {findings.corrupt[0]} Remove"
            " them and train again."
        )
