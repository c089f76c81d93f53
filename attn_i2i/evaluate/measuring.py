"""Runs the measures that can be run for one subject, and says of the others why they cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..images.read import read_image
from ..interfaces import Measure, channels_of, only_size
from ..types import AttnI2IError, ConfigError, ShapeError
from .confidence import mean_interval
from .data import Data, batches, picture_size
from .features import cached_features
from .measures.cost import generator_inputs
from .needs import NEEDS
from .outputs import Outputs
from .subjects import Subject
from .values import Means, MeasuringBatch

BATCH = 8
"""Pictures of one size that are measured at once."""
NO_PICTURE = "no picture has what it needs"
"""Why a measure has no value that the next model may have: a mask without a background, equal pictures."""


class Value(NamedTuple):
    """One number, its 95 % interval where there is one, and the pictures that it is of (real ones too, for sets)."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    reals: int | None = None


@dataclass
class Measured:
    """What one subject got: values by measure, each picture's, and by measure why there is none."""

    values: dict[str, Value] = field(default_factory=dict)
    pictures: dict[str, dict[str, float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class MeasuringJob:
    """One subject with all that its measures may need."""

    subject: Subject
    data: Data
    outputs: Outputs
    means: Means
    store: Path
    advance: Callable[[], None] = lambda: None


def offered(job: MeasuringJob) -> dict[str, bool]:
    """For each need, whether there is something to give."""
    data, outputs = job.data, job.outputs
    masks, own = data.masks is not None, outputs.attention is not None
    features = job.means.extractor is not None
    model = job.subject.translator is not None
    answers = {"output": True, "source": True, "threshold": True, "truth": data.truth is not None}
    answers |= {"mask": masks or own, "area": masks, "true_mask": masks, "attention": own}
    answers |= {"cycled": outputs.cycled is not None, "perceptual": job.means.perceptual is not None}
    answers |= dict.fromkeys(("output_maps", "source_maps", "output_features", "source_features"), features)
    answers |= {"target_features": features and data.target is not None}
    return {**dict.fromkeys(NEEDS, False), **answers, "generator": model, "inputs": model}


def measure(job: MeasuringJob, measures: Mapping[str, Measure]) -> Measured:
    """Everything that ``measures`` can tell of one subject."""
    measured, have = Measured(), offered(job)
    possible: dict[str, Measure] = {}
    for name, part in measures.items():
        lacking = dict.fromkeys(NEEDS.get(need, need) for need in part.needs if not have.get(need, False))
        if lacking:
            measured.missing[name] = f"needs {' and '.join(lacking)}"
        else:
            possible[name] = part
    _over_pictures(job, {n: m for n, m in possible.items() if m.over == "pictures"}, measured)
    _over_sets(job, {n: m for n, m in possible.items() if m.over == "set"}, measured)
    _over_models(job, {n: m for n, m in possible.items() if m.over == "model"}, measured)
    return measured


def _over_pictures(job: MeasuringJob, measures: Mapping[str, Measure], measured: Measured) -> None:
    problems: dict[str, str] = {}
    hard = _binarizes(job, measures)
    faint = 0
    for stems in _batches(job):
        batch = MeasuringBatch(job.data, job.outputs, job.means, stems)
        if hard:
            faint += int((batch.attention.flatten(1).amax(1) < job.means.threshold).sum())
        for name, part in measures.items():
            if not _has_masks(job.data, part, stems):
                continue
            try:
                values = _run(part, [_copied(batch.need(need)) for need in part.needs], len(stems))
            except _UnfitError as error:
                problems.setdefault(name, str(error))
                continue
            rows = measured.pictures.setdefault(name, {})
            rows.update({stem: value for stem, value in zip(stems, values, strict=True) if _finite(value)})
        for _ in stems:
            job.advance()
    for name in measures:
        _summarise(name, problems.get(name), len(job.data.inputs), measured)
    if faint:
        measured.notes.append(
            f"its mask stays below {job.means.threshold:g} in {faint} of {len(job.data.inputs)} pictures, which then"
            " have no foreground at all: choose a lower threshold on validation data."
        )


def _binarizes(job: MeasuringJob, measures: Mapping[str, Measure]) -> bool:
    """Whether the model's own mask is made 0 or 1 for some measure."""
    needs = {need for part in measures.values() for need in part.needs}
    own = job.outputs.attention is not None
    return own and ({"attention", "threshold"} <= needs or ("mask" in needs and job.data.masks is None))


class _UnfitError(Exception):
    """A measure that does not take these pictures."""


def _run(part: Measure, arguments: list[object], count: int) -> list[float]:
    """One value a picture; what the measure itself refuses or breaks at becomes _UnfitError."""
    if any(argument is None for argument in arguments):
        raise _UnfitError("the feature network has no maps")
    try:
        values = part.function(*arguments)
    except Exception as error:  # a measure may be a stranger's: it costs its own number alone
        text = str(error) if isinstance(error, AttnI2IError) else f"{type(error).__name__}: {error}"
        raise _UnfitError(" ".join(text.split())) from error
    if not isinstance(values, Tensor) or values.shape != (count,):
        shape = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise _UnfitError(f"it gave {shape}: expected ({count},)")
    return [float(value) for value in values]


def _copied(value: object) -> object:
    """What a measure may change without spoiling the others."""
    return value.clone() if isinstance(value, Tensor) else value


def _summarise(name: str, problem: str | None, total: int, measured: Measured) -> None:
    rows = measured.pictures.get(name, {})
    if not rows:
        measured.missing[name] = problem or NO_PICTURE
        measured.pictures.pop(name, None)
        return
    values = torch.tensor(list(rows.values()), dtype=torch.float64)
    low, high = mean_interval(values) if len(rows) > 1 else (None, None)
    measured.values[name] = Value(float(values.mean()), low, high, len(rows))
    if len(rows) < total:
        why = f": {problem}" if problem else ""
        measured.notes.append(f"{name} is of {len(rows)} of {total} pictures{why}.")


def _finite(value: float) -> bool:
    return value == value and abs(value) != float("inf")


def _has_masks(data: Data, part: Measure, stems: list[str]) -> bool:
    asks = {"area", "true_mask", "mask"} & set(part.needs)
    return not asks or data.masks is None or all(stem in data.masks for stem in stems)


def _batches(job: MeasuringJob) -> Iterator[list[str]]:
    """Stems in batches of one size, those with masks apart from those without."""
    masks, keys = job.data.masks or {}, {}
    for stem, path in job.data.inputs.items():
        keys[stem] = (picture_size(path), stem in masks)
    return batches(list(job.data.inputs), keys, BATCH)


def _over_sets(job: MeasuringJob, measures: Mapping[str, Measure], measured: Measured) -> None:
    if not measures or job.means.extractor is None:
        return
    sets = {"output_features": job.outputs.pictures, "source_features": job.data.inputs}
    sets |= {} if job.data.target is None else {"target_features": job.data.target}
    features: dict[str, Tensor] = {}
    for name, part in measures.items():
        try:
            for need in part.needs:
                if need not in features:
                    features[need] = cached_features(
                        map(job.data.rgb, sets[need].values()), job.means.extractor, job.store, job.advance
                    )
            arguments = [features[need].clone() for need in part.needs]
            measured.values[name] = _of_sets(part, arguments)
        except (ConfigError, ShapeError) as error:
            measured.missing[name] = str(error)
        except Exception as error:  # as above
            measured.missing[name] = " ".join(f"{type(error).__name__}: {error}".split())


def _of_sets(part: Measure, arguments: list[Tensor]) -> Value:
    value = float(part.function(*arguments))
    if not _finite(value):
        raise ConfigError(f"it gave {value}")
    low = high = None
    if part.interval is not None:
        low, high = part.interval(*arguments)
    elif part.each is not None:
        low, high = mean_interval(part.each(*arguments))
    if low is None or high is None or not (_finite(low) and _finite(high)):
        low = high = None
    return Value(value, low, high, len(arguments[0]), len(arguments[-1]))


def _over_models(job: MeasuringJob, measures: Mapping[str, Measure], measured: Measured) -> None:
    translator = job.subject.translator
    if translator is None or not measures:
        return
    generator = translator.generators[job.subject.direction or translator.direction]
    size = only_size(generator) or read_image(next(iter(job.data.inputs.values()))).size
    # What it costs depends on no value.
    shape = (1, channels_of(generator)[0], *size)
    picture = torch.full(shape, 0.5, device=translator.device, dtype=translator.dtype)
    values = {"generator": generator, "inputs": generator_inputs(generator, picture * 2 - 1)}
    for name, part in measures.items():
        try:
            value = float(part.function(*(values[need] for need in part.needs)))
            if not _finite(value):
                raise ConfigError(f"it gave {value}")
            measured.values[name] = Value(value, n=1)
        except Exception as error:  # as above
            measured.missing[name] = " ".join(f"{type(error).__name__}: {error}".split())
