"""``attn-i2i train``: folders of pictures become a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Option of the recipe, such as width=32.")
]
LoadSize = Annotated[int | None, typer.Option(min=1, help="Size resized to before the crop [default: 286/256 of it].")]
ChannelsLast = Annotated[bool | None, typer.Option("--channels-last/--no-channels-last", help="[default: on cuda].")]
Checkpointing = Annotated[
    bool, typer.Option("--checkpointing", help="Recompute residual blocks: less memory, more time.")
]


def train(
    recipe: Annotated[str, typer.Argument(help="Recipe, such as attentiongan2; `attn-i2i plugins` names them.")],
    data: Annotated[Path, typer.Option(help="Folder with trainA and trainB, or with one folder a domain.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="RUN", help="Folder of this run.")],
    set_: Assignments = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps [default: the recipe's whole schedule].")] = None,
    epoch_size: Annotated[int | None, typer.Option(min=1, help="Pictures of an epoch [default: all].")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures of a domain that one process sees at once.")] = 1,
    accumulation: Annotated[int, typer.Option(min=1, help="Batches whose gradients make one step.")] = 1,
    crop_size: Annotated[int, typer.Option(min=1, help="Size of the squares the networks see.")] = 256,
    load_size: LoadSize = None,
    flip: Annotated[bool, typer.Option("--flip/--no-flip", help="Mirror every second picture.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, order and augmentation.")] = 0,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that read pictures.")] = None,
    cache: Annotated[bool, typer.Option("--cache", help="Keep the resized pictures in memory.")] = False,
    device: Annotated[str | None, typer.Option(help="cpu or cuda [default: cuda if there is one].")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32 or bf16 [default: bf16 on cuda].")] = None,
    channels_last: ChannelsLast = None,
    compile: Annotated[bool, typer.Option("--compile", help="Compile the networks.")] = False,  # noqa: A002
    checkpointing: Checkpointing = False,
    ema: Annotated[float, typer.Option(help="Decay of averaged generator weights; 0 keeps none.")] = 0.0,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 1000,
    keep: Annotated[int, typer.Option(min=1, help="Checkpoints to keep.")] = 2,
    sample_every: Annotated[int, typer.Option(min=0, help="Steps between pictures; 0 draws none.")] = 500,
    log_every: Annotated[int, typer.Option(min=1, help="Steps between rows of losses.csv.")] = 10,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write TensorBoard events too.")] = False,
    attributes: Annotated[Path | None, typer.Option(help="Table of attributes, as CelebA's.")] = None,
    select: Annotated[str, typer.Option(help="Attributes to train on, with commas.")] = "",
    start: Annotated[Path | None, typer.Option("--from", help="Model folder to start from.")] = None,
    data_check: Annotated[bool, typer.Option("--data-check", help="Check every picture first.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue this run's last checkpoint.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be trained, and stop.")] = False,
) -> None:
    """Train a recipe on folders of pictures; the model is RUN/model, and a killed run continues with --resume."""
    given = dict(locals())
    from .. import train as training
    from ..train.options import parse_assignments

    recipe_options = parse_assignments(given.pop("set_") or [])
    attributes_selected = [name.strip() for name in given.pop("select").split(",") if name.strip()]
    given |= {"run": given.pop("output"), "recipe_options": recipe_options, "select": attributes_selected}
    if given.pop("dry_run"):
        print("\n".join(training.plan(**given).lines()))
    else:
        training.train(**given)
