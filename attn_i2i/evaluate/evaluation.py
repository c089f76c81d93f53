"""Several models on one folder of data: everything that can be measured, with intervals and paired tests."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import refuse_repeated, typed
from ..files.temporary import temporary_folder
from ..images.ranges import RangeLike
from ..interfaces import Measure
from ..plugins import zoo
from ..types import ConfigError, UnreadableFileError
from ..version import __version__
from .comparison import Comparison, compare
from .data import Data, find_data
from .differences import Differing, differences, options_of
from .features import Extractor, Perceptual, find_extractor, perceptual
from .features.weights import BACKBONES, INCEPTION, lies_here, lpips_heads_here
from .notes import cost_note, features_note, lpips_note, mask_note, missing_note, sides_note, unused_outputs
from .ranges import range_note, seen_in, settled_range
from .registered import read_measure, registered_measures
from .results import Workshop
from .run import EvaluationProgress, Evaluator, Row
from .subjects import BASELINE, Subject, open_subjects, sides_of, with_pictures
from .values import Means

if TYPE_CHECKING:
    from ..translate.translator import Translator


@dataclass(frozen=True)
class Evaluation:
    """Numbers of several subjects on one folder. ``notes`` say once what was assumed and what could not be measured.

    ``options`` are those that each model was made with, by its label; ``failed`` says of the models that could not be
    measured, why.
    """

    data: Data
    measures: Mapping[str, Measure]
    rows: tuple[Row, ...]
    tests: tuple[Comparison, ...]
    notes: tuple[str, ...]
    features: str | None = None
    lpips: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def differences(self) -> tuple[Differing, ...]:
        """The options in which the models differ."""
        return differences(self.options)

    def value(self, label: str, name: str) -> float | None:
        """A subject's value of a measure; None where there is none."""
        row = next(row for row in self.rows if row.label == label)
        value = row.measured.values.get(name)
        return None if value is None else value.value


@typed
def evaluate(
    models: Sequence[str | Path | Translator],
    data: str | Path,
    *,
    report: str | Path | None = None,
    direction: str | None = None,
    domain: str | None = None,
    source: str | Path | None = None,
    target: str | Path | None = None,
    masks: str | Path | None = None,
    pairs: bool | None = None,
    features: str | None = None,
    lpips: str | None = None,
    measures: Sequence[str] | None = None,
    threshold: float = 0.5,
    limit: int | None = None,
    cycle: bool = True,
    baseline: bool = True,
    device: str | None = None,
    range: RangeLike = None,  # noqa: A002
    force: bool = False,
    progress: EvaluationProgress = lambda what, done, total: None,
) -> Evaluation:
    """Measure ``models`` on the folder ``data``: what can be measured is, what cannot is said in ``notes``.

    ``models`` are Translators, zoo names, model folders, or folders of pictures named as the inputs are. ``data`` and
    ``source``, ``target``, ``masks``, ``pairs`` and ``limit`` are as for ``find_data``; for models that translate B2A
    the sides change places. ``features`` is a network as for ``find_extractor``, ``lpips`` one as for ``perceptual``.
    If none is named, a network that lies on this machine is taken. ``measures`` limits what is measured. ``threshold``
    makes a model's own mask 0 or 1. ``range`` says which stored values of pictures of more than 8 bits are 0 and 1, as
    for ``read_image``. It may be "percentile:0.1,99.9" or "min,max" over the inputs and their target domain. If it is
    not given, the range that the models were trained on counts where it is one, else all that the type holds. Models
    see pictures in the range that they were trained on, and in this one where they have none.
    ``report`` is a folder for the outputs and the numbers of each finished model; after a stop the same call goes on
    from there. ``write_report`` makes the page in it. ``force`` measures anew.

    Raises AttnI2IError with a line that says what is wrong.
    """
    if not 0 <= threshold <= 1:
        raise ConfigError(f"threshold={threshold} was given: expected a number from 0 to 1.")
    if not Path(data).is_dir():
        raise UnreadableFileError(f"{data} is no folder: give one that holds testA and testB, or pictures.")
    opened = open_subjects(models, direction=direction, domain=domain, device=device)
    source, target = sides_of(opened, source, target)
    test_data = find_data(data, source=source, target=target, masks=masks, pairs=pairs, limit=limit)
    chosen = _chosen(measures)
    means, lpips_label, notes = _means(features, lpips, chosen, threshold, device)
    subjects = with_pictures(opened, test_data)
    _try(means.extractor, test_data)
    test_data = replace(test_data, range=settled_range(range, test_data, subjects))
    subjects = seen_in(subjects, test_data)
    settings = _settings(test_data, chosen, means, lpips_label, cycle)
    with _workshop(report, test_data, settings, force) as workshop:
        run = Evaluator(test_data, chosen, means, workshop, cycle, progress)
        rows, failed = run.rows(subjects)
        if baseline:
            rows.append(run.baseline())
    return Evaluation(
        test_data,
        chosen,
        tuple(rows),
        compare([row for row in rows if row.label != BASELINE], chosen),
        notes=(*test_data.notes, *notes, *_notes(rows, failed, subjects, test_data, means, lpips_label)),
        features=None if means.extractor is None else means.extractor.label,
        lpips=lpips_label,
        settings=settings,
        options=_options(subjects, failed),
        failed=failed,
    )


def _try(extractor: Extractor | None, data: Data) -> None:
    """Raise what a feature network raises at the first picture, before anything is translated."""
    if extractor is not None:
        features = extractor.features(data.rgb(next(iter(data.inputs.values())))[None])
        if not features.isfinite().all():
            raise ConfigError(
                f"The features of {extractor.name} are no numbers (NaN or infinity): take another network."
            )


def _settings(data: Data, measures: Iterable[str], means: Means, lpips: str | None, cycle: bool) -> dict[str, object]:
    """What numbers depend on, beside the model and the pictures: those of an earlier run count only if it is alike."""
    extractor = means.extractor
    return {
        "version": __version__,
        "threshold": means.threshold,
        "measures": list(measures),
        "cycle": cycle,
        "features": None if extractor is None else f"{extractor.name} {extractor.weights}",
        "lpips": lpips,
        "target": data.target_name,
        "pairs": data.truth is not None,
        "range": list(data.range) if isinstance(data.range, tuple) else data.range,
    }


def _notes(
    rows: Sequence[Row],
    failed: Mapping[str, str],
    subjects: Sequence[Subject],
    data: Data,
    means: Means,
    lpips: str | None,
) -> Iterator[str]:
    """What was assumed, and what could not be measured."""
    yield from sides_note(subjects, data)
    yield from range_note(data)
    yield from features_note(rows[0].measured, None if means.extractor is None else means.extractor.label)
    yield from lpips_note([row.measured for row in rows], lpips)
    yield from mask_note([row.measured for row in rows], data, means.threshold)
    yield from cost_note(subjects, data)
    yield from missing_note({row.label: row.measured for row in rows if row.label != BASELINE})
    yield from (f"{name} could not be measured: {why}" for name, why in failed.items())
    yield from unused_outputs(subjects, data)


def _options(subjects: Sequence[Subject], failed: Container[str]) -> dict[str, Mapping[str, Any]]:
    """What each model that was measured was made with."""
    return {
        subject.label: options_of(subject.translator, str(subject.direction))
        for subject in subjects
        if subject.translator is not None and subject.label not in failed
    }


def _chosen(names: Sequence[str] | None) -> dict[str, Measure]:
    """The measures by name, in the order they are listed; those of videos have no place here."""
    if names is not None and not names:
        raise ConfigError("No measure was asked for: name some, or leave measures out for all.")
    if names is None:
        parts = registered_measures()
    else:
        refuse_repeated("measures", names)
        chosen = [zoo().measures[name] for name in names]
        parts = {entry.name: read_measure(entry) for entry in zoo().measures if entry in chosen}
    for name in names or ():
        if parts[name].over == "video":
            raise ConfigError(f"{name} is of clips: use measure_clip.")
    return {name: part for name, part in parts.items() if part.over != "video"}


def _means(
    features: str | None, lpips: str | None, measures: Mapping[str, Measure], threshold: float, device: str | None
) -> tuple[Means, str | None, list[str]]:
    """The networks that look, the label of LPIPS, and what to say of those that are not at hand."""
    needs, notes, where = {need for part in measures.values() for need in part.needs}, [], device or "cpu"
    extractor: Extractor | None = None
    network: Perceptual | None = None
    label = None
    if features is not None:
        extractor = find_extractor(features, where)
    elif lies_here(INCEPTION):
        extractor = find_extractor("inception", where)
    elif needs & {"output_features", "output_maps"}:
        notes.append('No feature network: features="inception" fetches the usual one (95 MB); timm:NAME is another.')
    if lpips is not None:
        network, label = perceptual(lpips, where)
    elif lies_here(BACKBONES["alex"]) and lpips_heads_here("alex"):
        network, label = perceptual("alex", where)
    elif "perceptual" in needs:
        notes.append('No LPIPS network: lpips="alex" fetches the usual one (244 MB).')
    return Means(extractor, network, threshold), label, notes


@contextmanager
def _workshop(report: str | Path | None, data: Data, settings: Mapping[str, object], force: bool) -> Iterator[Workshop]:
    """Where outputs and numbers are kept: the report's folder, or one that goes when the numbers are told."""
    if report is not None:
        yield Workshop.at(Path(report), _data_digest(data), settings, force=force)
        return
    with temporary_folder() as folder:
        yield Workshop.at(folder, _data_digest(data), settings, force=False)


def _data_digest(data: Data) -> str:
    total = hashlib.sha256()
    for name in ("inputs", "target", "truth", "masks", "truth_masks"):
        for stem, path in (getattr(data, name) or {}).items():
            total.update(f"{name} {stem}\n".encode("utf-8", "surrogateescape"))
            with path.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()
