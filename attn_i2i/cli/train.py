"""``attn-i2i train``: folders of pictures become a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ..plugins import zoo
from ..types import ConfigError
from .wording import spelled

# Arguments that are not passed on as they stand.
VALIDATING = ("validate", "validate_data", "validate_features", "patience")
OWN = ("recipe", "data", "output", "set_", "select", "dry_run")
TrainRecipe = Annotated[
    str | None,
    typer.Argument(metavar="RECIPE", help="Recipe, such as attentiongan2; `attn-i2i plugins` names them."),
]
TrainData = Annotated[Path | None, typer.Option(help="Folder with trainA and trainB, or with one folder a domain.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="RUN", help="Folder of this run.")]
Start = Annotated[
    str | None,
    typer.Option("--from", metavar="MODEL", help="Start from these weights: a model folder, a run, or a model's name."),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on from the last checkpoint of RUN, with the options of RUN; RECIPE may be left out."
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Option of the recipe, such as width=32 or objective.cycle=5; repeatable."
    ),
]
TrainSteps = Annotated[
    int | None, typer.Option(min=1, help="Optimizer steps to train.", show_default="the recipe's whole schedule")
]
EpochSize = Annotated[
    int | None, typer.Option(min=1, help="Pictures of an epoch.", show_default="all of the larger domain")
]
CropSize = Annotated[
    str, typer.Option(metavar="SIZE", help="Size that the networks see, in pixels: a side, or HEIGHTxWIDTH.")
]
LoadSize = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Size that pictures are resized to before the crop; native does not resize them.",
        show_default="286/256 of the crop",
    ),
]
TrainRange = Annotated[
    str | None,
    typer.Option(
        help="Stored values that the networks see as -1 and 1: dtype, LOW,HIGH, percentile:LOW,HIGH or min,max.",
        show_default="8 bits as they are; else percentile:0.1,99.9",
    ),
]
TrainDisplay = Annotated[
    str | None,
    typer.Option(help="What previews show of many channels: 0,1,2 in colours, 4 in grey, or the colour map inferno."),
]
Workers = Annotated[
    int | None,
    typer.Option(min=0, help="Processes that read pictures.", show_default="cores - 1, at most 8; 0 with --cache"),
]
TrainDevice = Annotated[str | None, typer.Option(help="cpu, cuda, mps or xpu.", show_default="a GPU if there is one")]
TrainPrecision = Annotated[
    str | None, typer.Option(help="fp32, bf16, or auto to measure on a CPU.", show_default="bf16 on a GPU that has it")
]
TrainAverage = Annotated[
    float | None,
    typer.Option(
        help="Decay of averaged generator weights, such as 0.999; 0 keeps none.",
        show_default="0.995 with augment or r1, else 0",
    ),
]
ChannelsLast = Annotated[
    bool | None,
    typer.Option(
        "--channels-last/--no-channels-last", help="Keep tensors with their channels last.", show_default="on a GPU"
    ),
]
Checkpointing = Annotated[
    bool, typer.Option("--checkpointing", help="Recompute residual blocks: less memory, more time.")
]
TrainCompile = Annotated[
    bool, typer.Option("--compile", help="Compile the networks: the first step takes long, all others less.")
]


class TrainCommand(TyperCommand):
    """Answers an option that it does not have with the one that is meant, be it the recipe's own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As any command does it."""
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except Exception as error:  # click's, or typer's own copy of it
            option = getattr(error, "option_name", None)
            if type(error).__name__ == "NoSuchOption" and isinstance(option, str):
                from ..train.words import meant

                engine = [name for parameter in self.params for name in parameter.opts]
                hint = spelled(meant(option, engine, _options_of(words)))
                error.message, error.possibilities = f"No such option: {option}.{hint}", None  # type: ignore[attr-defined]
            raise


def _options_of(words: Sequence[str]) -> list[str]:
    """The options of the first recipe that is named; those of many recipes where none is."""
    import torch

    from ..recipes.words import OTHER_CODES

    recipe = next((word for word in words if word in zoo().recipes), None)
    if recipe is None:
        return list(OTHER_CODES.values())
    with torch.device("meta"):
        options = zoo().recipes.load(recipe)().options
    return [*(name.removeprefix("generator.").removeprefix("objective.") for name in options), *options]


def train(
    context: typer.Context,
    recipe: TrainRecipe = None,
    data: TrainData = None,
    output: Output = None,
    set_: Assignments = None,
    generator: Annotated[
        str | None, typer.Option(metavar="NAME", help="Registered generator to train.", show_default="the recipe's")
    ] = None,
    discriminator: Annotated[
        str | None, typer.Option(metavar="NAME", help="Registered discriminator.", show_default="the recipe's")
    ] = None,
    steps: TrainSteps = None,
    epoch_size: EpochSize = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures of a domain that one process sees at once.")] = 1,
    accumulation: Annotated[int, typer.Option(min=1, help="Batches whose gradients are averaged for one step.")] = 1,
    crop_size: CropSize = "256",
    load_size: LoadSize = None,
    range: TrainRange = None,  # noqa: A002
    flip: Annotated[bool, typer.Option("--flip/--no-flip", help="Mirror every second picture.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, order and augmentation.")] = 0,
    workers: Workers = None,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Keep the resized pictures in memory.")] = False,
    device: TrainDevice = None,
    precision: TrainPrecision = None,
    channels_last: ChannelsLast = None,
    compile: TrainCompile = False,  # noqa: A002
    checkpointing: Checkpointing = False,
    ema: TrainAverage = None,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 1000,
    keep: Annotated[int, typer.Option(min=1, help="Newest checkpoints to keep.")] = 2,
    sample_every: Annotated[int, typer.Option(min=0, help="Steps between preview pictures; 0 draws none.")] = 500,
    log_every: Annotated[int, typer.Option(min=1, help="Steps between rows of losses.csv.")] = 10,
    display: TrainDisplay = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write TensorBoard events too.")] = False,
    attributes: Annotated[
        Path | None, typer.Option(help="Table of attributes as CelebA's, for recipes of many domains.")
    ] = None,
    select: Annotated[str, typer.Option(help="Attributes of the table to train on, by commas.")] = "",
    start: Start = None,
    validate: Annotated[
        str | None, typer.Option(metavar="MEASURE", help="Measure each checkpoint, such as by kid, and keep the best.")
    ] = None,
    validate_data: Annotated[
        Path | None, typer.Option(help="Folder with valA and valB.", show_default="that of --data")
    ] = None,
    validate_features: Annotated[
        str | None, typer.Option(metavar="NETWORK", help="Feature network of the measure, as for evaluate.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="Checkpoints without a better model that end the run.", show_default="10"),
    ] = None,
    data_check: Annotated[
        bool, typer.Option("--data-check", help="Read every picture first, and do not start if one is damaged.")
    ] = False,
    resume: Resume = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show options, sizes and memory of the training; train nothing.")
    ] = False,
) -> None:
    """Train a recipe on folders of pictures. The model is RUN/model. `train --resume RUN` goes on after a stop."""
    arguments = _written(context, dict(locals()))
    from .. import train as training
    from ..train.notices import worded
    from ..train.options import parse_assignments

    arguments |= _run_and_recipe(recipe, data, output, resume)
    parts = {role: arguments.pop(role) for role in ("generator", "discriminator") if role in arguments}
    if set_ is not None or parts:
        arguments["recipe_options"] = parse_assignments(set_ or [])
        for role, name in parts.items():
            if arguments["recipe_options"].setdefault(role, name) != name:
                raise ConfigError(f"{role} was given twice, by --{role} and by --set: give it once.")
    if select:
        arguments["select"] = [name.strip() for name in select.split(",") if name.strip()]
    validation = {name: arguments.pop(name) for name in VALIDATING if name in arguments}
    with worded(spelled):
        if validation or (resume and _validated(arguments["run"])):
            _train_validated(arguments, validation, dry_run)
        elif not dry_run:
            training.train(**arguments)
        if dry_run:
            print("\n".join(training.plan(**arguments).lines()))


def _validated(run: Path) -> bool:
    from ..train.rundir import VALIDATION

    return (run / VALIDATION).is_file()


def _train_validated(arguments: dict[str, Any], validation: dict[str, Any], dry_run: bool) -> None:
    """Train with early stopping; what evaluates is imported only now, because it takes its time."""
    from ..evaluate import train_validated
    from ..evaluate.validation import prepared

    if "validate" not in validation and not _validated(arguments["run"]):
        raise ConfigError(f"{', '.join(validation)} was given without a measure: give validate=NAME, such as kid.")
    names = {"validate": "measure", "validate_features": "features"}
    chosen = {names.get(name, name): value for name, value in validation.items()}
    if dry_run:
        folder = chosen.pop("validate_data", arguments["data"])
        prepared(arguments["run"], folder, chosen)
    else:
        train_validated(**arguments, **chosen)


def _written(context: typer.Context, values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that stand on the command line: a run that is resumed has the others of its own."""
    sources = {name: context.get_parameter_source(name) for name in values if name not in ("context", *OWN)}
    return {name: values[name] for name, source in sources.items() if source is not None and source.name != "DEFAULT"}


def _run_and_recipe(recipe: str | None, data: Path | None, output: Path | None, resume: bool) -> dict[str, Any]:
    """What is trained, and where; with --resume the run stands alone, or behind -o as it was started."""
    if resume and output is None:
        if recipe is None or data is not None:
            raise typer.BadParameter("say which run: train --resume RUN, or -o RUN.", param_hint="'--resume'")
        return {"recipe": None, "data": None, "run": Path(recipe)}
    if recipe is not None:
        zoo().recipes[recipe]  # said before what else is missing
    needed = {"RECIPE": recipe, "--data": data, "-o": output}
    missing = [name for name, value in needed.items() if value is None]
    if missing and not resume:
        raise typer.BadParameter(f"missing {' and '.join(missing)}.", param_hint="train RECIPE --data DATA -o RUN")
    return {"recipe": recipe, "data": data, "run": output}
