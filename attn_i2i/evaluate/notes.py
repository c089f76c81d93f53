"""What a reader of the numbers must be told: few samples, outputs like their inputs, masks that have collapsed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

import torch

from ..images import read_mask
from ..interfaces import only_size
from .data import Data, picture_size, pictures_in
from .measures.kid import SUBSET_SIZE, SUBSETS
from .measures.mask_shape import collapse_signs
from .measuring import Measured
from .outputs import Outputs
from .subjects import Subject

NEARLY = 0.01
"""A mean change below 2.5 of 255 levels is what JPEG at quality 90 does: no translation."""
FEW = 2048
"""The features of Inception: with fewer pictures the FID's covariance is singular, and the FID far too high."""
LOOKED_AT = 32  # masks that are enough to tell a collapse


def about_subject(subject: Subject, data: Data, measured: Measured, outputs: Outputs) -> Iterator[str]:
    """Warnings about one subject's outputs and masks."""
    changes = list(measured.pictures.get("change", {}).values())
    if changes and median(changes) < NEARLY:
        direction = f" Is {subject.direction} the right direction?" if subject.direction else ""
        yield (
            f"{subject.label}: the output is nearly the input (median change {255 * median(changes):.1f} of 255"
            f" levels).{direction}"
        )
    yield from _about_sizes(subject, data)
    if outputs.attention is not None:
        yield from (f"{subject.label}: the mask is {sign}." for sign in _signs(outputs))
    yield from (f"{subject.label}: {note}" for note in measured.notes)


def _about_sizes(subject: Subject, data: Data) -> Iterator[str]:
    """Whether outputs, or the inputs of a network of one size, were resized."""
    sizes = {stem: picture_size(path) for stem, path in data.inputs.items()}
    if subject.pictures is not None:
        theirs = {stem: picture_size(path) for stem, path in subject.pictures.items()}
        other = [size for stem, size in theirs.items() if size != sizes[stem]]
        if other:
            what = f"{other[0][1]}x{other[0][0]}"
            yield f"{subject.label}: {len(other)} outputs, of {what}, were resized to their inputs to be measured."
    elif subject.translator is not None:
        only = only_size(subject.translator.generators[subject.direction or ""])
        if only and any(size != only for size in sizes.values()):
            what = f"{only[1]}x{only[0]}"
            yield f"{subject.label}: inputs were resized to {what}, the one size it takes, and outputs back."


def sides_note(subjects: Sequence[Subject], data: Data) -> Iterator[str]:
    """Which folder the inputs come from, and which way each model was run."""
    folder = next(iter(data.inputs.values())).parent.name
    target = f", those of the target domain from {data.target_name}" if data.target_name else ""
    ways: dict[str, list[str]] = {}
    for subject in subjects:
        if way := _way(subject):
            ways.setdefault(way, []).append(subject.label)
    told = [f"{', '.join(each)} translate{'s' if len(each) == 1 else ''} {way}" for way, each in ways.items()]
    yield f"{'; '.join([f'Inputs are from {folder}{target}', *told])}."


def _way(subject: Subject) -> str:
    """The direction that is measured, what the card says it does, and the domain; nothing where there is no choice."""
    translator, direction = subject.translator, subject.direction
    if translator is None or direction is None:
        return ""
    if translator.domains:
        return f"to {subject.options['domain']}" if "domain" in subject.options else ""
    task = translator.card.directions.get(direction) if translator.card is not None else None
    return f"{direction} ({task})" if task else direction


def features_note(measured: Measured, label: str | None) -> Iterator[str]:
    """Through which network distances look, at how many pictures, and whether those are few."""
    sets = [value for value in measured.values.values() if value.reals is not None]
    if not sets or label is None:
        return
    fakes, reals = sets[0].n, sets[0].reals or 0
    yield f"Distances look through {label} (SHA-256) at {fakes} outputs and {reals} real pictures."
    if "kid" in measured.values and measured.values["kid"].reals is not None:
        size = min(fakes, reals, SUBSET_SIZE)
        whole = size == fakes == reals
        yield f"The KID is of {'all pictures at once' if whole else f'{SUBSETS} subsets of {size} pictures each'}."
    if min(fakes, reals) < FEW:
        yield (
            f"Few pictures ({min(fakes, reals)}; {FEW} are needed): the FID is too high and depends on their number."
            " Compare it at equal numbers only, and trust the KID, which is unbiased."
        )


def lpips_note(measured: Sequence[Measured], label: str | None) -> Iterator[str]:
    """Through which network LPIPS looks."""
    if label is not None and any({"lpips", "cycle_lpips"} & each.values.keys() for each in measured):
        yield f"LPIPS looks through {label} (SHA-256)."


def mask_note(measured: Sequence[Measured], data: Data, threshold: float) -> Iterator[str]:
    """By which masks the background was told, and from where on a model's mask counts."""
    names = {name for each in measured for name in each.values}
    if data.masks is None and "background_psnr" in names:
        yield (
            "No masks are given: the background of each model is where its own mask is below"
            f" {threshold:g}, so that models are not measured on the same pixels."
        )
    elif "mask_iou" in names:
        yield f"A model's mask counts as foreground from {threshold:g} on (threshold)."


def cost_note(subjects: Sequence[Subject], data: Data) -> Iterator[str]:
    """For which picture, where and how the costs were taken."""
    translators = [subject.translator for subject in subjects if subject.translator is not None]
    if translators:
        count = torch.get_num_threads()
        where = f"{translators[0].device} with {count} thread{'s' * (count != 1)}"
        height, width = picture_size(next(iter(data.inputs.values())))
        yield f"Costs are of one picture of {width}x{height} on {where}."


def unused_outputs(subjects: Sequence[Subject], data: Data) -> Iterator[str]:
    """Pictures in folders of outputs that no input is named as."""
    for subject in subjects:
        if subject.pictures:
            stem, path = next(iter(subject.pictures.items()))
            ending, inputs = path.stem[len(stem) :], pictures_in(data.inputs[stem].parent)[0]
            named = {stem + ending for stem in inputs}  # inputs that were not asked for count too
            extra = [other.name for stem, other in pictures_in(path.parent)[0].items() if stem not in named]
            if extra:
                yield f"{subject.label} holds {len(extra)} pictures of no input, such as {extra[0]}: they are left out."


def missing_note(models: Mapping[str, Measured]) -> Iterator[str]:
    """What could not be measured, each reason once."""
    whom: dict[tuple[str, str], list[str]] = {}
    for label, measured in models.items():
        for name, why in measured.missing.items():
            whom.setdefault((name, why), []).append(label)
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (name, why), labels in whom.items():
        grouped.setdefault((why, tuple(labels)), []).append(name)
    for (why, whose), names in grouped.items():
        of = "" if len(whose) == len(models) else f" of {', '.join(whose)}"
        yield f"Not measured{of}: {', '.join(names)} ({why.rstrip('.')})."


def _signs(outputs: Outputs) -> list[str]:
    """Signs of a collapse in masks of the commonest size."""
    assert outputs.attention is not None
    by_size: dict[tuple[int, int], list[torch.Tensor]] = {}
    for path in list(outputs.attention.values())[:LOOKED_AT]:
        size = picture_size(path)
        by_size.setdefault(size, []).append(read_mask(path, size))
    return collapse_signs(torch.stack(max(by_size.values(), key=len)))
