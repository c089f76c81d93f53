"""``train``: everything the command line does, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..arguments import typed
from ..plugins._manager import way_to_parts
from ..types import ConfigError, UnknownNameError
from . import checkpoint
from .build import PreparedTraining, prepare, report
from .errors import plainly
from .estimate import Plan, memory_estimate
from .lock import locked
from .loop import TrainingRun, steps_per_epoch, whole_length
from .notices import notify
from .processes import check_environment, rank
from .randomness import untouched
from .record import Record, check_options
from .request import Location, Request, completed
from .rundir import MODEL, VALIDATION, check_claim, claim, resumable, sweep
from .suppliers import suppliers_of
from .watch import Watch


@typed
def train(
    recipe: str | None,
    data: Location | None,
    run: Location,
    *,
    recipe_options: Mapping[str, Any] | None = None,
    start: Location | None = None,
    attributes: Location | None = None,
    select: Sequence[str] = (),
    data_check: bool = False,
    resume: bool = False,
    watch: Watch | None = None,
    **options: Any,
) -> Path:
    """Train a registered recipe on folders of pictures; returns the model folder, ``run``/model.

    ``recipe_options`` are the recipe's own (``preset``, ``width``...), ``options`` those of ``TrainOptions``. ``start``
    is what to begin from: a model folder, a run, or a model's name. ``attributes`` with ``select`` is a table of
    attributes for a multi-domain recipe. ``resume`` continues what an interrupted call left in ``run``, or begins if it
    left nothing. Arguments that are left out or None are then as that call had them. ``watch`` looks at each model that
    is saved, and may end the run. The random numbers of the caller go on as if nothing had been drawn.

    Raises UnknownNameError, ConfigError, UnreadableFileError, DivergedError, DiskFullError, OutOfMemoryError.
    """
    with plainly(), untouched():
        request = Request(recipe, data, run, recipe_options, start, attributes, select, resume)
        folder = Path(run)
        if watch is None and (folder / VALIDATION).is_file():
            raise ConfigError(
                f"{folder} is validated while it trains ({VALIDATION}): go on with"
                " attn_i2i.evaluate.train_validated(None, None, RUN, resume=True), or move that file away."
            )
        prepared = _prepared(request, options, data_check)
        if rank():
            TrainingRun(folder, *prepared.parts, watch).go()
            return folder / MODEL
        check_claim(folder, _record(prepared), resume, prepared.options.steps)
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder), resumable(folder):
            claim(folder, _record(prepared), resume, prepared.options.steps)
            sweep(folder)
            TrainingRun(folder, *prepared.parts, watch).go()
        return folder / MODEL


@typed
def resume(run: Location, *, data_check: bool = False, **options: Any) -> Path:
    """Go on with the training in ``run`` as it was started; returns the model folder.

    ``options`` are those of ``TrainOptions`` that a resumed run may change, such as ``steps``. Raises as ``train``
    does, and ConfigError where ``run`` holds no training.
    """
    return train(None, None, run, data_check=data_check, resume=True, **options)


@typed
def plan(
    recipe: str | None,
    data: Location | None,
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
    with plainly(), untouched():
        request = Request(recipe, data, run, recipe_options, start, attributes, select, resume)
        prepared = _prepared(request, options, data_check)
        if run is not None:
            check_claim(Path(run), _record(prepared), resume, prepared.options.steps)
        return _plan(prepared, 0 if run is None else checkpoint.steps_done(Path(run)))


def _prepared(request: Request, options: Mapping[str, Any], data_check: bool) -> PreparedTraining:
    request, chosen = completed(request, options)
    check_environment(chosen)
    try:
        prepared = prepare(request, chosen)
    except UnknownNameError as error:
        raise UnknownNameError(f"{error}{way_to_parts(request.before and request.before.suppliers)}") from error
    except ConfigError:
        if request.before is not None and request.run is not None:  # the cause may be an option that cannot change
            check_options(Path(request.run), request.before, asdict(chosen))
        raise
    if not rank():
        notify(prepared.notes)
    if data_check:
        report(prepared.pictures)
    return prepared


def _record(prepared: PreparedTraining) -> Record:
    """What makes a run this one and no other."""
    return Record(
        prepared.origin.recipe,
        dict(prepared.origin.options),
        prepared.pictures.identity(),
        asdict(prepared.options),
        prepared.arguments,
        suppliers_of(prepared.origin.recipe, prepared.origin.options),
    )


def _plan(prepared: PreparedTraining, done: int) -> Plan:
    built, pictures, options = prepared.recipe, prepared.pictures, prepared.options
    per_epoch = steps_per_epoch(pictures, options, processes=1)
    return Plan(
        prepared.origin.recipe,
        prepared.origin.options,
        options,
        pictures.counts(),
        {name: sum(p.numel() for p in net.parameters()) for name, net in built.networks.items()},
        per_epoch,
        options.steps or whole_length(built, per_epoch),
        memory_estimate(built, options, len(pictures.domains or [])),
        done,
    )
