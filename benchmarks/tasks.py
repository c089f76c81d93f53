"""The papers' claims on small tasks: ``python -m benchmarks.tasks WORK --data fruit=DIR --data emoji=DIR``.

Every model is trained with the same pictures, size, steps and widths under several seeds, and measured on the test
pictures. The folders of data are those that ``attn-i2i task`` makes. WORK keeps what is finished, so that the same
command goes on after a stop. ``--features`` is a network for the KID, such as `benchmarks.features` writes.
``--output`` names the page that is written: means and standard deviations over the seeds, and a verdict on each claim.
A model whose masks stay closed gives its input back, which can have a better KID than a model that draws. So the input
has a row of its own, and a verdict says where the claim's model is no better than it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks import trained
from benchmarks.machine import describe
from benchmarks.trained import Training

PATCH = {"discriminator": "patchgan", "discriminator.width": 32, "discriminator.layers": 3, "discriminator_rate": 2}
LIGHT = {"objective.cycle": 1, "objective.identity": 0}
"""A light cycle term opens masks within some hundred steps; the released one keeps them closed for thousands."""
SIGMOID = {"objective.cycle": 1, "warmup_epochs": 1, "generator.norm": "instance"}
UGATIT = {"generator.light": True, "discriminator.width": 32, "discriminator.global_layers": 5,
          "discriminator.local_layers": 3, "discriminator_rate": 2}  # fmt: skip
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "cyclegan": ("cyclegan", PATCH),
    "cyclegan, light cycle": ("cyclegan", PATCH | LIGHT),
    "attentiongan1": ("attentiongan1", PATCH | SIGMOID),
    "attentiongan2": ("attentiongan2", PATCH | LIGHT | {"generator.masks": 4, "generator.attention_kernel": 3}),
    "aggan": ("aggan", {"objective.cycle": 1, "discriminator.width": 32, "warmup_epochs": 3}),
    "ugatit light": ("ugatit", UGATIT),
    "ugatit light without CAM": (
        "ugatit", UGATIT | {"generator.cam": False, "discriminator.cam": False, "objective.cam": 0}
    ),
    "ugatit light, IN for AdaLIN": ("ugatit", UGATIT | {"generator.norm": "instance"}),
}  # fmt: skip
MEASURES = {"background_psnr": "background, dB", "kid": "KID x 1000", "foreground_l1": "foreground L1",
            "mask_ap": "mask AP", "seconds": "s a picture"}  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """That the first model is better than the second by a measure; ``lower`` where smaller is better."""

    text: str
    first: str
    second: str
    measure: str
    lower: bool = False


CLAIMS = (
    Claim("Attention keeps the background (II)", "attentiongan2", "cyclegan", "background_psnr"),
    Claim("It is the masks and not the light cycle", "attentiongan2", "cyclegan, light cycle", "background_psnr"),
    Claim("Attention keeps the background (I)", "attentiongan1", "cyclegan", "background_psnr"),
    Claim("Attention keeps the background (AGGAN)", "aggan", "cyclegan", "background_psnr"),
    Claim("The KID falls against CycleGAN (II)", "attentiongan2", "cyclegan", "kid", lower=True),
    Claim("II is better than I", "attentiongan2", "attentiongan1", "kid", lower=True),
    Claim("CAM earns its place", "ugatit light", "ugatit light without CAM", "kid", lower=True),
    Claim("AdaLIN earns its place", "ugatit light", "ugatit light, IN for AdaLIN", "kid", lower=True),
    Claim("A change of shape favours U-GAT-IT", "ugatit light", "cyclegan", "kid", lower=True),
)
INPUT = "the input, untranslated"
QUALITY = ("kid", "foreground_l1")
"""What the input has a value of that a translation must beat; its background is perfect by doing nothing."""
Numbers = Mapping[tuple[str, str], Sequence[float]]  # (model, measure) to a value a seed
CERTAIN = 2.0  # standard errors that a difference must have: about 95 % for many seeds, less for three


def verdict(claim: Claim, numbers: Numbers) -> tuple[str, float, float] | None:
    """What the seeds say, the difference of the means in the claim's favour, and its standard error.

    >>> claim = Claim("", "a", "b", "kid", lower=True)
    >>> verdict(claim, {("a", "kid"): [1.0, 1.2, 0.8], ("b", "kid"): [3.0, 3.2, 2.8]})[0]
    'holds'
    """
    first, second = (numbers.get((name, claim.measure), ()) for name in (claim.first, claim.second))
    if len(first) < 2 or len(second) < 2:
        return None
    gain = (mean(first) - mean(second)) * (-1 if claim.lower else 1)
    error = sqrt(stdev(first) ** 2 / len(first) + stdev(second) ** 2 / len(second))
    words = "holds" if gain > CERTAIN * error else "does not hold" if gain < -CERTAIN * error else "undecided"
    if words == "holds" and (given := numbers.get((INPUT, claim.measure))) and not mean(first) < given[0]:
        words = "holds, but doing nothing is better"
    return words, gain, error


def folder_of(work: Path, model: str, seed: int) -> Path:
    """Where the training of a model under a seed, and what was measured of it, are kept."""
    return work / f"{model.replace(', ', '-').replace(' ', '-')}-{seed}"


def measured(work: Path, data: Path, model: str, seed: int, options: argparse.Namespace) -> dict[str, float]:
    """One training and its test, from WORK where it was finished."""
    recipe, chosen = MODELS[model]
    folder = folder_of(work, model, seed)
    if (values := trained.finished(folder)) is not None:
        return values
    engine = {"load_size": options.side, "cache": True, "seed": seed, "save_every": 250}
    return trained.measured(folder, Training(recipe, chosen, data, engine), list(MEASURES), options)


def page(tasks: Mapping[str, Numbers], options: argparse.Namespace) -> Iterator[str]:
    """The lines of the page: a table of models and one of claims for each task."""
    for task, numbers in tasks.items():
        yield f"## {task}\n"
        used = [name for name in MEASURES if any(measure == name for _, measure in numbers)]
        yield "| model | " + " | ".join(MEASURES[name] for name in used) + " |"
        yield "|---|" + "--:|" * len(used)
        for model in (INPUT, *options.models):
            cells = [spread(numbers.get((model, name), ())) for name in used]
            yield f"| {model} | " + " | ".join(cells) + " |"
        yield "\n| claim | difference | verdict |\n|---|--:|---|"
        for claim in CLAIMS:
            answer = verdict(claim, numbers)
            if answer is not None:
                words, gain, error = answer
                what = f"{gain:+.3g} ± {error:.2g} {MEASURES[claim.measure]}"
                yield f"| {claim.text}: {claim.first} against {claim.second} | {what} | {words} |"
        yield ""


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation over the seeds.

    >>> spread([1.0, 2.0, 3.0])
    '2 ± 1'
    """
    if not values:
        return "-"
    return f"{mean(values):.4g}" + (f" ± {stdev(values):.2g}" if len(values) > 1 else "")


def main() -> None:
    """Train, measure and write what is there after each model."""
    parser = trained.arguments(__doc__, steps=1000)
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    folders = dict(each.split("=", 1) for each in options.data)
    tasks: dict[str, dict[tuple[str, str], list[float]]] = {task: {} for task in folders}
    for task, data in folders.items():
        values = trained.evaluated(Path(data, "testA"), Path(data), QUALITY, options)
        tasks[task] |= {(INPUT, name): [value] for name, value in values.items()}
    for seed in range(options.seeds):  # a seed of all models first, so that every stop leaves a whole table
        for task, data in folders.items():
            for model in options.models:
                for name, value in measured(options.work / task, Path(data), model, seed, options).items():
                    tasks[task].setdefault((model, name), []).append(value)
                text = "\n".join([f"{describe(options.device)}\n", *page(tasks, options)])
                if options.output is not None:
                    trained.write(text, options.output)
    print(text)


if __name__ == "__main__":
    main()
