"""Several models on one folder of data: everything that can be measured, with intervals and paired tests."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from ..arguments import typed
from ..images.ranges import RangeLike
from ..interfaces import Measure
from ..plugins import zoo
from ..types import AttnI2IError, ConfigError
from ..version import __version__
from .confidence import Difference, holm, paired_test
from .data import Data, find_data
from .differences import Differing, differences, options_of
from .features import Extractor, Perceptual, feature_store, find_extractor, perceptual
from .features.weights import BACKBONES, INCEPTION, lies_here, lpips_heads_here
from .measuring import Job, Measured, measure
from .notes import about_subject, cost_note, features_note, mask_note, missing_note, unused_outputs
from .outputs import Outputs, make_outputs
from .ranges import range_note, settled_range
from .results import Workshop
from .subjects import BASELINE, Subject, find_subjects
from .values import Means

if TYPE_CHECKING:
    from ..translate.translator import Translator

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are (0 where that is not known)."""
# What the inputs themselves are measured by: how near they are to the truth and to the target domain already.
BASELINE_NEEDS = {"output", "truth", "area", "perceptual", "output_features", "target_features"}


class Comparison(NamedTuple):
    """A measure of two models over the same pictures: their difference, and its p-value corrected by Holm's method."""

    measure: str
    first: str
    second: str
    difference: Difference
    corrected: float


@dataclass(frozen=True)
class Row:
    """One subject of an evaluation: its numbers, each picture's, why others are missing, and where its pictures lie."""

    label: str
    measured: Measured
    outputs: Outputs
    warnings: tuple[str, ...] = ()


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
    progress: Progress = lambda what, done, total: None,
) -> Evaluation:
    """Measure ``models`` on the folder ``data``: what can be measured is, what cannot is said in ``notes``.

    ``models`` are Translators, zoo names, model folders, or folders of pictures named as the inputs are. ``data`` and
    ``source``, ``target``, ``masks``, ``pairs`` and ``limit`` are as for ``find_data``; with ``direction`` "B2A" the
    sides change places. ``features`` is a network as for ``find_extractor``, ``lpips`` a network as for ``perceptual``.
    If none is named, a network that lies on this machine is taken. ``measures`` limits what is measured. ``threshold``
    makes a model's own mask 0 or 1. ``range`` says which stored values of pictures of more than 8 bits are 0 and 1, as
    for ``read_image``. It may be "percentile:0.1,99.9" or "min,max" over the inputs and their target domain. If it is
    not given, the range that the models were trained on counts where it is one, else all that the type holds.
    ``report`` is a folder for the outputs and the numbers of each finished model; after a stop the same call goes on
    from there. ``write_report`` makes the page in it. ``force`` measures anew.

    Raises AttnI2IError with a line that says what is wrong.
    """
    if not 0 <= threshold <= 1:
        raise ConfigError(f"threshold={threshold} was given: expected a number from 0 to 1.")
    if direction == "B2A" and source is None and target is None:
        source, target = "B", "A"
    test_data = find_data(data, source=source, target=target, masks=masks, pairs=pairs, limit=limit)
    chosen = _chosen(measures)
    means, lpips_label, notes = _means(features, lpips, chosen, threshold, device)
    subjects = find_subjects(models, test_data, direction=direction, domain=domain, device=device)
    test_data = replace(test_data, range=settled_range(range, test_data, subjects))
    settings = {"version": __version__, "threshold": threshold, "measures": list(chosen), "cycle": cycle}
    settings |= {"features": None if means.extractor is None else f"{means.extractor.name} {means.extractor.weights}"}
    settings |= {"lpips": lpips_label, "target": test_data.target_name, "pairs": test_data.truth is not None}
    settings |= {"range": None if test_data.range is None else list(test_data.range)}
    with _workshop(report, test_data, settings, force) as workshop:
        run = _Run(test_data, chosen, means, workshop, cycle, progress)
        rows, failed = run.rows(subjects)
        if baseline:
            rows.append(run.baseline())
    tests = _tests([row for row in rows if row.label != BASELINE], chosen)
    label = None if means.extractor is None else means.extractor.label
    every = (
        *test_data.notes,
        *notes,
        *range_note(test_data),
        *features_note(rows[0].measured, label),
        *mask_note([row.measured for row in rows], test_data, threshold),
        *cost_note(subjects, test_data),
        *missing_note({row.label: row.measured for row in rows if row.label != BASELINE}),
        *(f"{name} could not be measured: {why}" for name, why in failed.items()),
        *unused_outputs(subjects, test_data),
    )
    measured = [s for s in subjects if s.translator is not None and s.label not in failed]
    options = {s.label: options_of(s.translator, str(s.direction)) for s in measured if s.translator is not None}
    found = (tuple(rows), tests, tuple(every), label, lpips_label, settings, options, failed)
    return Evaluation(test_data, chosen, *found)


@dataclass(frozen=True)
class _Run:
    data: Data
    measures: Mapping[str, Measure]
    means: Means
    workshop: Workshop
    cycle: bool
    progress: Progress

    def rows(self, subjects: Sequence[Subject]) -> tuple[list[Row], dict[str, str]]:
        """The rows of all subjects, and why others have none; raises where not one could be measured."""
        rows: list[Row] = []
        failed: dict[str, str] = {}
        first: Exception | None = None
        for subject in subjects:
            try:
                rows.append(self.row(subject))
            except Exception as error:  # whatever it is, the numbers of other models are not to be lost
                kind = "" if isinstance(error, AttnI2IError) else f"{type(error).__name__}: "
                failed[subject.label] = kind + " ".join(str(error).split())
                first = first or error
        if first is not None and not rows:
            raise first
        return rows, failed

    def row(self, subject: Subject) -> Row:
        """The numbers of a subject, from an earlier run where it was finished and nothing has changed."""
        folder = self.workshop.folder(subject)
        step = _Steps(self.progress, f"Translating: {subject.label}", len(self.data.inputs))
        wants_cycle = self.cycle and any("cycled" in part.needs for part in self.measures.values())
        outputs = make_outputs(subject, self.data.inputs, folder, step, cycle=wants_cycle)
        measured = self.workshop.finished(subject)
        if measured is None:
            measured = self._measured(subject, outputs, self.measures)
            self.workshop.finish(subject, measured)
        warnings = about_subject(subject, self.data, measured, outputs)
        return Row(subject.label, measured, outputs, tuple(warnings))

    def baseline(self) -> Row:
        """The inputs in the place of outputs."""
        outputs = Outputs(self.data.inputs)
        part = {n: m for n, m in self.measures.items() if set(m.needs) <= BASELINE_NEEDS and m.over != "model"}
        subject = Subject(BASELINE, "the inputs", pictures=outputs.pictures)
        return Row(BASELINE, self._measured(subject, outputs, part), outputs)

    def _measured(self, subject: Subject, outputs: Outputs, measures: Mapping[str, Measure]) -> Measured:
        step = _Steps(self.progress, f"Measuring: {subject.label}", 0)
        return measure(Job(subject, self.data, outputs, self.means, feature_store() / "cache", step), measures)


class _Steps:
    """Counts steps of one thing that is done."""

    def __init__(self, progress: Progress, what: str, total: int) -> None:
        self.progress, self.what, self.total, self.done = progress, what, total, 0
        progress(what, 0, total)

    def __call__(self) -> None:
        self.done += 1
        self.progress(self.what, self.done, self.total)


def _chosen(names: Sequence[str] | None) -> dict[str, Measure]:
    """The measures by name, in the order they are listed; those of videos have no place here."""
    every = zoo().measures
    for name in names or ():
        if every.load(name).over == "video":
            raise ConfigError(f"{name} is of clips: use measure_clip.")
    parts = {entry.name: entry.load() for entry in every if names is None or entry.name in names}
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
    with tempfile.TemporaryDirectory(prefix="attn_i2i-evaluate-") as folder:
        yield Workshop.at(Path(folder), _data_digest(data), settings, force=False)


def _data_digest(data: Data) -> str:
    total = hashlib.sha256()
    for name in ("inputs", "target", "truth", "masks", "truth_masks"):
        for stem, path in (getattr(data, name) or {}).items():
            total.update(f"{name} {stem}\n".encode("utf-8", "surrogateescape"))
            with path.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def _tests(rows: Sequence[Row], measures: Mapping[str, Measure]) -> tuple[Comparison, ...]:
    """Each model against the first, by every measure of pictures that has a better side."""
    found: list[tuple[str, str, str, Difference]] = []
    for row in rows[1:]:
        for name, part in measures.items():
            first, second = (each.measured.pictures.get(name, {}) for each in (rows[0], row))
            stems = [stem for stem in first if stem in second]
            if part.better is None or len(stems) < 2:
                continue
            ours, theirs = (
                torch.tensor([each[stem] for stem in stems], dtype=torch.float64) for each in (second, first)
            )
            found.append((name, row.label, rows[0].label, paired_test(ours, theirs)))
    corrected = holm([difference.p for *_, difference in found])
    return tuple(Comparison(*each, p) for each, p in zip(found, corrected, strict=True))
