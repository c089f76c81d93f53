"""How many pictures a training needs: ``python -m benchmarks.little WORK --data fruit=DIR --data nuclei=DIR``.

AttentionGAN II is trained on 10, 30, 100 and 300 pictures a domain, with and without augmentation of what its
discriminators see, and measured on all test pictures. The folders of data are those that ``attn-i2i task`` makes. WORK
keeps what is finished, so that the same command goes on after a stop. ``--share 1/2`` and ``--share 2/2`` divide the
trainings between two processes; the command without it writes the page. ``--features`` is a network for the KID.
``--output`` is the page, beside which the curves are drawn.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from attn_i2i.images import SUFFIXES
from benchmarks import trained
from benchmarks.little_curves import curves
from benchmarks.machine import describe
from benchmarks.tasks import MODELS
from benchmarks.trained import Training

RECIPE, COMMON = MODELS["attentiongan2"]
WAYS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "augmented": {"augment": "color,translation,cutout"},
    "adaptive": {"augment": "adaptive"},
    "augmented, R1": {"augment": "color,translation,cutout", "r1": 1.0},
}
# What else a task needs: the space between nuclei is dark wherever one looks, so that the mask's area has a price.
OWN: Mapping[str, Mapping[str, Any]] = {"nuclei": {"objective.mask-area": 0.3}}
MEASURES = {"kid": "KID x 1000", "foreground_psnr": "PSNR inside, dB", "background_psnr": "background PSNR, dB",
            "mask_ap": "mask AP"}  # fmt: skip
TRUE = ("nuclei",)  # tasks whose test pictures have a true translation of the same name
HEADLINE = {"nuclei": "foreground_psnr"}  # the measure that is drawn, where it is not the KID
LOWER = ("kid",)
NEAR = 0.1  # a tenth of the way from the fewest pictures to the best: what counts as good enough
Numbers = dict[tuple[str, int], Mapping[str, float]]  # (way, pictures a domain) to measures


class Case(NamedTuple):
    """One training."""

    task: str
    way: str
    count: int


def spread(paths: Sequence[Path], count: int) -> list[Path]:
    """``count`` of the paths, evenly spread; all where there are no more.

    >>> [str(path) for path in spread([Path(name) for name in "abcdef"], 3)]
    ['a', 'c', 'e']
    """
    count = min(count, len(paths))
    return [paths[index * len(paths) // count] for index in range(count)]


def fewer(data: Path, folder: Path, count: int) -> Path:
    """A folder with ``count`` training pictures of each domain, and all else of ``data``, as links."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("valA", "valB", "testA", "testB", "masks"):
        if (data / name).exists() and not (folder / name).is_symlink():
            (folder / name).symlink_to((data / name).absolute())
    for side in ("trainA", "trainB"):
        (folder / side).mkdir(exist_ok=True)
        pictures = sorted(path for path in (data / side).iterdir() if path.suffix.lower() in SUFFIXES)
        for path in spread(pictures, count):
            if not (link := folder / side / path.name).is_symlink():
                link.symlink_to(path.absolute())
    return folder


def measured(case: Case, data: Path, options: argparse.Namespace) -> Mapping[str, float]:
    """One training and its test, from WORK where it was finished."""
    folder = options.work / case.task / f"{case.way.replace(', ', '-')}-{case.count}"
    if (values := trained.finished(folder)) is not None:
        return values
    subset = fewer(data, options.work / case.task / f"data-{case.count}", case.count)
    chosen = {**COMMON, **OWN.get(case.task, {}), **WAYS[case.way]}
    chosen |= {"epochs": 5, "decay_epochs": 5}  # the rate falls over the second half of ten epochs
    engine = {"load_size": "native", "seed": 0, "save_every": 500}
    names = [name for name in MEASURES if name != "foreground_psnr" or case.task in TRUE]
    return trained.measured(folder, Training(RECIPE, chosen, subset, engine), names, options)


def enough(numbers: Numbers, way: str, name: str) -> int | None:
    """The fewest pictures from which a way is near the best that it reaches with any number."""
    points = sorted(
        (count, values[name]) for (each, count), values in numbers.items() if each == way and name in values
    )
    if len(points) < 2:
        return None
    sign = -1 if name in LOWER else 1
    best, worst = max(sign * value for _, value in points), min(sign * value for _, value in points)
    return next(count for count, value in points if best - sign * value <= NEAR * (best - worst))


def page(tasks: Mapping[str, Numbers], options: argparse.Namespace, command: str) -> Iterator[str]:
    """The lines of the page."""
    yield from (
        "# How many pictures do I need?\n",
        f"It depends on the task. Here are {len(tasks)} with exact masks, at {options.side} pixels. AttentionGAN II was"
        f" trained on {options.counts[0]} to {options.counts[-1]} pictures a domain, for the same {options.steps:,}"
        " steps each. All test pictures are new to every model.\n",
        "`augmented` is `--set augment=color,translation,cutout`: the discriminators see changed pictures, real ones"
        " and fakes alike ([training](training.md#little-data)). Everything else is the same.\n",
    )
    for task, numbers in tasks.items():
        yield from section(task, numbers, options)
    yield from (
        "## What to do\n",
        "- Set validation pictures apart, and let `--validate` say whether `augment` helps on your task.",
        "- Start from a model of a kindred task where there is one (`--from`).",
        "- `--set r1=1` and `--ema 0.995` may be combined with both.\n",
        "## How it was measured\n",
        f"{describe(options.device)}. One training of each kind, so a small difference may be chance.\n",
        f"```console\n$ {command}\n```",
    )


def section(task: str, numbers: Numbers, options: argparse.Namespace) -> Iterator[str]:
    """The table, the curve and the findings of one task."""
    drawn = HEADLINE.get(task, "kid")
    yield f"## {task.capitalize()}\n"
    if options.output is not None:
        yield f"![{MEASURES[drawn]} by the number of training pictures](pictures/{picture(options, task).name})\n"
    used = [name for name in MEASURES if any(name in values for values in numbers.values())]
    yield "| pictures a domain | training | " + " | ".join(MEASURES[name] for name in used) + " |"
    yield "|--:|---|" + "--:|" * len(used)
    for way, count in sorted(numbers, key=lambda key: (key[1], list(WAYS).index(key[0]))):
        cells = [f"{numbers[way, count][name]:.4g}" if name in numbers[way, count] else "-" for name in used]
        yield f"| {count} | {way} | " + " | ".join(cells) + " |"
    yield ""
    for way in WAYS:
        if (count := enough(numbers, way, drawn)) is not None:
            yield f"- {way}: within a tenth of its best {MEASURES[drawn].partition(',')[0]} from {count} pictures on."
    yield ""


def picture(options: argparse.Namespace, task: str) -> Path:
    """Where the curve of a task is drawn."""
    return Path(options.output.parent / "pictures" / f"little-{task}.svg")


def write(tasks: Mapping[str, Numbers], options: argparse.Namespace, command: str) -> None:
    """Write the page and its curves."""
    text = "\n".join(page(tasks, options, command)) + "\n"
    if options.output is None:
        print(text)
        return
    for task, numbers in tasks.items():
        name = HEADLINE.get(task, "kid")
        lines = {w: {c: v[name] for (each, c), v in numbers.items() if each == w and name in v} for w in options.ways}
        trained.write(curves(lines, MEASURES[name]), picture(options, task))
    trained.write(text, options.output)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = trained.arguments(__doc__, steps=2500)
    parser.add_argument("--counts", nargs="*", type=int, default=[10, 30, 100, 300])
    parser.add_argument("--ways", nargs="*", default=["plain", "augmented"], choices=list(WAYS))
    parser.add_argument("--share", default="1/1", metavar="I/N", help="do every N-th training, from the I-th on")
    return parser.parse_args()


def main() -> None:
    """Train and measure this share of all cases; write the page where all of them are done here."""
    options = arguments()
    folders = dict(each.split("=", 1) for each in options.data)
    share, shares = map(int, options.share.split("/"))
    # The largest numbers of pictures come last, so that every stop leaves whole rows.
    cases = [Case(t, way, count) for count in options.counts for t in folders for way in options.ways]
    tasks: dict[str, Numbers] = {task: {} for task in folders}
    for case in cases[share - 1 :: shares]:
        tasks[case.task][case.way, case.count] = measured(case, Path(folders[case.task]), options)
    if shares == 1:
        data = " ".join(f"--data {task}={task.upper()}" for task in folders)
        network = " --features NETWORK" if options.features else ""
        write(tasks, options, f"python -m benchmarks.little WORK {data} --steps {options.steps}{network}")


if __name__ == "__main__":
    main()
