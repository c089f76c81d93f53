"""What is measured: models by name or folder, folders of pictures made elsewhere, and the inputs themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import refuse_repeated
from ..export.opening import exported_files
from ..files import sha256
from ..files.swapping import mend
from ..interfaces import TWO_WAYS
from ..models.config import CONFIG
from ..models.mistaken import no_model_folder, run_around
from ..translate.loading import load
from ..types import ConfigError, UnreadableFileError
from .data import Data, Pictures, pictures_in
from .features.weights import digest_of

if TYPE_CHECKING:
    from ..translate.translator import Translator

BASELINE = "input"
"""The name of the row that measures the inputs as if they were outputs: what a model must be better than."""
# How other programs mark the outputs that they write beside the inputs: pytorch-CycleGAN-and-pix2pix, UNIT's heirs.
ENDINGS = ("", "_fake_B", "_fake_A", "_fake", "_translated", "-translated")


@dataclass(frozen=True)
class Subject:
    """One row of the table: its label, and a translator, or the pictures of another program by the inputs' stems."""

    label: str
    origin: str
    translator: Translator | None = None
    pictures: Pictures | None = None
    options: dict[str, Any] = field(default_factory=dict)
    identity: str = ""

    @property
    def direction(self) -> str | None:
        """The direction that is measured; None for pictures."""
        return None if self.translator is None else self.options.get("direction") or self.translator.direction


def open_subjects(
    models: Sequence[str | Path | Translator],
    *,
    direction: str | None = None,
    domain: str | None = None,
    device: str | None = None,
) -> list[Subject]:
    """What ``models`` are: Translators, names as for ``load``, or folders, whose pictures ``with_pictures`` finds.

    Raises ConfigError for none, and as ``load`` does.
    """
    if not models:
        raise ConfigError("No model was given: give names, model folders, or folders of pictures.")
    refuse_repeated("The list of models", map(_place_of, models), models)
    labels = _labels(models)
    subjects = []
    for label, model in zip(labels, models, strict=True):
        if isinstance(model, str | Path) and _holds_no_model(Path(model)):
            if run_around(Path(model)):
                raise no_model_folder(Path(model))
            if _trained(Path(model)) is None:
                subjects.append(Subject(label, str(model)))
                continue
            model = Path(model) / "model"
        subjects.append(_model(label, model, direction, domain, device))
    return subjects


def with_pictures(subjects: Sequence[Subject], data: Data) -> list[Subject]:
    """The subjects, with the outputs of other programs by the inputs' stems.

    Raises UnreadableFileError for a folder that lacks some.
    """
    return [_with_pictures(subject, data) if subject.translator is None else subject for subject in subjects]


def _with_pictures(subject: Subject, data: Data) -> Subject:
    pictures = _outputs(Path(subject.origin), data)
    return replace(subject, pictures=pictures, identity=_content(pictures))


def sides_of(
    subjects: Sequence[Subject], source: str | Path | None, target: str | Path | None
) -> tuple[str | Path | None, str | Path | None]:
    """The sides of inputs and of the target domain: where none is given, those of the models' direction.

    Raises ConfigError where models of both directions leave it open.
    """
    ways = {subject.direction: subject.label for subject in subjects if subject.direction in TWO_WAYS}
    if source is not None or target is not None or "B2A" not in ways:
        return source, target
    if len(ways) > 1:
        told = " and ".join(f"{label} translates {way}" for way, label in ways.items())
        raise ConfigError(f"{told}: name the side of the inputs (source), or measure them apart.")
    return "B", "A"


def _place_of(model: str | Path | Translator) -> Hashable:
    """What is equal for two names of one model: its folder, which a run's folder stands for too."""
    if not isinstance(model, str | Path):
        return id(model)
    path = Path(model)
    if path.is_dir():
        return (_trained(path) or path).resolve()
    return str(model)


def _model(label: str, model: Any, direction: str | None, domain: str | None, device: str | None) -> Subject:
    translator = load(model, device=device) if isinstance(model, str | Path) else model
    if direction is not None and translator.card is not None:
        direction = translator.card.direction(direction)
    options: dict[str, Any] = {}
    options |= {} if direction is None else {"direction": direction}
    options |= {} if domain is None or not translator.domains else {"domain": domain}
    chosen = direction or translator.direction
    total = hashlib.sha256(f"{translator.config.to_json()} {chosen} {domain}".encode())
    total.update(digest_of(translator.generators[chosen].state_dict()).encode())
    if isinstance(model, str | Path) and exported_files(Path(model)):  # their weights are in no state
        folder = Path(model) if Path(model).is_dir() else Path(model).parent
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            total.update(sha256(path).encode())
    return Subject(label, str(model), translator, options=options, identity=total.hexdigest())


def _holds_no_model(path: Path) -> bool:
    """Whether a path is a folder of something else than a model, stored or exported."""
    return path.is_dir() and not (path / CONFIG).is_file() and not exported_files(path)


def _trained(folder: Path) -> Path | None:
    mend(folder / "model")
    return folder / "model" if (folder / "model" / CONFIG).is_file() else None


def _labels(models: Sequence[Any]) -> list[str]:
    """Short names, no two alike."""
    whole = [str(model) if isinstance(model, str | Path) else f"model {i}" for i, model in enumerate(models, 1)]
    short = [Path(name).name or name for name in whole]
    names = [short[i] if short.count(short[i]) == 1 else whole[i].strip("/") for i in range(len(whole))]
    names = [f"{name} (model)" if name == BASELINE else name for name in names]
    return [f"{name} ({names[:i].count(name) + 1})" if name in names[:i] else name for i, name in enumerate(names)]


def _outputs(folder: Path, data: Data) -> dict[str, Path]:
    """The output of each input in a folder that another program has filled."""
    pictures, _ = pictures_in(folder)
    for ending in ENDINGS:
        outputs = {stem: pictures[stem + ending] for stem in data.inputs if stem + ending in pictures}
        if len(outputs) == len(data.inputs):
            return outputs
        if outputs:
            missing = next(path for stem, path in data.inputs.items() if stem not in outputs)
            raise UnreadableFileError(
                f"{folder} lacks outputs for {len(data.inputs) - len(outputs)} of {len(data.inputs)} inputs, such"
                f" as {missing.name}: add them, or measure fewer inputs."
            )
    what = "no pictures" if not pictures else f"no picture named as an input, such as {next(iter(data.inputs))}.png"
    raise UnreadableFileError(
        f"{folder} is no model folder (it has no {CONFIG}) and holds {what}: name a model, or a folder of"
        " its outputs for these inputs."
    )


def _content(pictures: Pictures) -> str:
    total = hashlib.sha256()
    for stem, path in pictures.items():
        total.update(f"{stem}\n".encode("utf-8", "surrogateescape"))
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
