"""One run over the subjects of an evaluation: outputs are made, measured and kept, and one failure loses no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..interfaces import Measure
from ..types import AttnI2IError
from .data import Data
from .features import feature_store
from .measuring import Measured, MeasuringJob, measure
from .notes import about_subject
from .outputs import Outputs, make_outputs
from .results import Workshop
from .subjects import BASELINE, Subject
from .values import Means

EvaluationProgress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are (0 where that is not known)."""
# What the inputs themselves are measured by: how near they are to the truth and to the target domain already.
BASELINE_NEEDS = {"output", "truth", "area", "perceptual", "output_features", "target_features"}


@dataclass(frozen=True)
class Row:
    """One subject of an evaluation: its numbers, each picture's, why others are missing, and where its pictures lie."""

    label: str
    measured: Measured
    outputs: Outputs
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evaluator:
    """Makes the rows of subjects: what they are measured on, by which measures, and where their outputs go."""

    data: Data
    measures: Mapping[str, Measure]
    means: Means
    workshop: Workshop
    cycle: bool
    progress: EvaluationProgress

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
        step = StepCounter(self.progress, f"Translating: {subject.label}", len(self.data.inputs))
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
        step = StepCounter(self.progress, f"Measuring: {subject.label}", 0)
        return measure(MeasuringJob(subject, self.data, outputs, self.means, feature_store() / "cache", step), measures)


class StepCounter:
    """Counts steps of one thing that is done."""

    def __init__(self, progress: EvaluationProgress, what: str, total: int) -> None:
        self.progress, self.what, self.total, self.done = progress, what, total, 0
        progress(what, 0, total)

    def __call__(self) -> None:
        self.done += 1
        self.progress(self.what, self.done, self.total)
