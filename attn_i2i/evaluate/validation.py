"""A training that is measured on validation pictures whenever it is saved, keeps its best model, and ends in time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shutil import copytree
from statistics import mean
from typing import Any

from ..arguments import typed
from ..files import atomic_dir, atomic_path
from ..interfaces import TWO_WAYS
from ..models.config import read_config
from ..plugins import zoo
from ..train import train
from ..train.record import read_record
from ..train.rundir import BEST, MODEL, VALIDATION
from ..train.watch import Word
from ..types import ConfigError, ModelError, UnreadableFileError
from .data import find_data
from .evaluation import evaluate
from .features.weights import INCEPTION, lies_here
from .measuring import NO_PICTURE

SIDES = ("valA", "valB")
GIVEN_MASKS, FEATURES = {"area", "true_mask"}, {"output_features", "target_features", "output_maps"}


@dataclass(frozen=True)
class ValidationSettings:
    """How a run is validated: by which registered ``measure``, on valA and valB of the folder ``data``.

    The run ends when ``patience`` checkpoints in turn brought nothing better. ``features`` is a network as for
    ``evaluate``; ``limit`` takes that many pictures a side, evenly spread.
    """

    measure: str
    data: str
    patience: int = 10
    features: str | None = None
    limit: int | None = None

    def check(self) -> None:
        """Raise AttnI2IError for what could not be measured, before anything is trained."""
        part = zoo().measures.load(self.measure)
        if part.better is None or part.over not in ("pictures", "set"):
            raise ConfigError(
                f"validate={self.measure!r} was given: expected a measure of pictures, of which more or less is better."
            )
        if self.patience < 1:
            raise ConfigError(f"patience={self.patience} was given: expected a whole number from 1 on.")
        missing = [side for side in SIDES if not (Path(self.data) / side).is_dir()]
        if missing:
            raise ConfigError(
                f"{self.data} holds no {' and no '.join(missing)}: put validation pictures there, or say where they are"
                " (validate_data=FOLDER). Test pictures are for the end."
            )
        found = [find_data(self.data, source=_side(self.data, w[0]), target=_side(self.data, w[-1])) for w in TWO_WAYS]
        lacking = []
        if GIVEN_MASKS & set(part.needs) and any(data.masks is None for data in found):
            lacking.append(f"masks ({self.data}/masks/valA and valB)")
        if "truth" in part.needs and any(data.truth is None for data in found):
            lacking.append("true pictures of the same names in both folders")
        if FEATURES & set(part.needs) and self.features is None and not lies_here(INCEPTION):
            lacking.append("a feature network (validate_features=NETWORK)")
        if lacking:
            raise ConfigError(f"validate={self.measure!r} needs {' and '.join(lacking)}.")


@dataclass
class Validation:
    """Measures the models of a run and remembers, in RUN/validation.json; the best one is RUN/best."""

    run: Path
    settings: ValidationSettings
    device: str | None = None
    values: dict[int, dict[str, float]] = field(default_factory=dict)

    def __call__(self, step: int, model: Path) -> Word:
        """Measure the model of ``step``, unless that was done; the mean over its directions counts.

        A model of no value, such as one whose masks are open everywhere, is passed over: the next may have one.
        """
        if step not in self.values:
            values = self._measured(model)
            if self._is_best(values):
                with atomic_dir(self.run / BEST, force=True) as temporary:
                    copytree(model, temporary, dirs_exist_ok=True)
            self.values[step] = values
            self._write()
        return Word(self._text(step), self._since_best(step) >= self.settings.patience)

    def _measured(self, model: Path) -> dict[str, float]:
        s, values = self.settings, {}
        for way in read_config(model).directions:
            if way not in TWO_WAYS:
                raise ConfigError(f"validate={s.measure!r} measures models of two domains, and {model} goes {way}.")
            source, target = _side(s.data, way[0]), _side(s.data, way[-1])
            evaluation = evaluate([model], s.data, direction=way, source=source, target=target, measures=[s.measure],
                                  features=s.features, limit=s.limit, baseline=False, device=self.device)  # fmt: skip
            label = evaluation.rows[0].label
            value = evaluation.value(label, s.measure)
            if value is None:
                why = evaluation.rows[0].measured.missing.get(s.measure, NO_PICTURE)
                if why == NO_PICTURE:
                    return {}
                raise ConfigError(f"validate={s.measure!r}: {way} cannot be measured: {why}.")
            values[way] = value
        return values

    def _is_best(self, values: Mapping[str, float]) -> bool:
        others = [_mean(each) for each in self.values.values() if each]
        return bool(values) and (not others or self._better(_mean(values), others))

    def _better(self, value: float, others: list[float]) -> bool:
        higher = zoo().measures.load(self.settings.measure).better == "higher"
        return value > max(others) if higher else value < min(others)

    def _best(self, until: int) -> int | None:
        """The step of the best model up to one; of equal ones the first. None where none has a value."""
        best = None
        for step in sorted(step for step, values in self.values.items() if values and step <= until):
            if best is None or self._better(_mean(self.values[step]), [_mean(self.values[best])]):
                best = step
        return best

    def _since_best(self, step: int) -> int:
        """How many models came after the best one; 0 before any has a value, so that none ends the run."""
        best = self._best(step)
        return 0 if best is None else sum(best < each <= step for each in self.values)

    def _text(self, step: int) -> str:
        s, best = self.settings, self._best(step)
        parts = ", ".join(f"{way} {value:.4g}" for way, value in self.values[step].items())
        value = f"{_mean(self.values[step]):.4g} ({parts})" if parts else f"has no value, because {NO_PICTURE}"
        told = f"validated at step {step}: {s.measure} {value}"
        if best is None:
            return told
        if best == step:
            return f"{told}, the best so far: {self.run / BEST}"
        since = self._since_best(step)
        ends = f"; it did not get better {since} times, so the training ends" if since >= s.patience else ""
        return f"{told}; the best is {_mean(self.values[best]):.4g} at step {best}, {self.run / BEST}{ends}"

    def _write(self) -> None:
        raw = {"settings": asdict(self.settings), "values": {str(step): value for step, value in self.values.items()}}
        with atomic_path(self.run / VALIDATION, force=True) as temporary:
            temporary.write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")


@typed
def train_validated(
    recipe: str | None,
    data: str | Path | None,
    run: str | Path,
    *,
    measure: str | None = None,
    patience: int | None = None,
    validate_data: str | Path | None = None,
    features: str | None = None,
    limit: int | None = None,
    **arguments: Any,
) -> Path:
    """``train``, measured at every checkpoint by a registered ``measure``; returns the best model, RUN/best.

    It ends when ``patience`` checkpoints in turn (10) brought nothing better. The pictures are in valA and valB of
    ``validate_data``, by default of ``data``; both directions count alike. ``features`` is the network of measures that
    need one, ``limit`` the pictures of a side. ``arguments`` are those of ``train``. A run that is resumed keeps its
    settings, of which ``patience`` alone may change. Raises as ``train`` and ``evaluate`` do, and ModelError where no
    checkpoint could be measured.
    """
    given = {"measure": measure, "patience": patience, "features": features, "limit": limit}
    given["data"] = None if validate_data is None else str(Path(validate_data).absolute())
    chosen = {name: value for name, value in given.items() if value is not None}
    watch = prepared(Path(run), data, chosen, arguments.get("device"))
    train(recipe, data, run, watch=watch, **arguments)
    best = Path(run) / BEST
    if not best.is_dir():
        raise ModelError(
            f"{run} has no best model, because no checkpoint has a value of {watch.settings.measure}: {NO_PICTURE}."
            f" The last model is {Path(run) / MODEL}."
        )
    return best


def prepared(run: Path, data: str | Path | None, given: Mapping[str, Any], device: str | None = None) -> Validation:
    """What watches a run by the settings that are ``given`` or its own. Raises ConfigError where it could not."""
    settings, values = _settled(run, data, given)
    settings.check()
    return Validation(run, settings, device, values)


def _settled(
    run: Path, data: str | Path | None, given: Mapping[str, Any]
) -> tuple[ValidationSettings, dict[int, dict[str, float]]]:
    """The settings of a run, of which those ``given`` must be its own, and what was measured of it already."""
    if (run / VALIDATION).is_file():
        try:
            raw = json.loads((run / VALIDATION).read_text(encoding="utf-8"))
            before = ValidationSettings(**raw["settings"])
            values = {int(step): dict(each) for step, each in raw["values"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnreadableFileError(f"{run / VALIDATION} cannot be read ({error}): choose another folder.") from error
        differing = [f"{n}={getattr(before, n)!r} (now {v!r})" for n, v in given.items() if getattr(before, n) != v]
        if differing := [text for text in differing if not text.startswith("patience=")]:
            raise ConfigError(f"{run} was validated with {', '.join(differing)}: a resumed run goes on as it began.")
        return ValidationSettings(**{**asdict(before), **given}), values
    if "measure" not in given:
        raise ConfigError("No measure was given to validate by: give its name (measure=NAME), such as kid.")
    if data is None and "data" not in given and (record := read_record(run)) is not None and record.arguments:
        data = record.arguments["data"]
    if data is None and "data" not in given:
        raise ConfigError(f"{run} holds no training to continue: give a recipe and its pictures (data=FOLDER).")
    return ValidationSettings(**{"data": str(Path(data or "").absolute()), **given}), {}


def _side(data: str, letter: str) -> Path:
    return Path(data) / f"val{letter}"


def _mean(values: Mapping[str, float]) -> float:
    return mean(values.values())
