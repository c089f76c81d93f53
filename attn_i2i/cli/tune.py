"""``attn-i2i tune``: what is the quickest on this machine, measured before it is needed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..models.trust import StoreError
from ..types import ConfigError

if TYPE_CHECKING:
    from ..tuning import Tuned


def tune(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Zoo name, hf-hub:owner/repo, or a model folder.")],
    direction: Annotated[str | None, typer.Option(help="One direction only, such as A2B.")] = None,
    size: Annotated[
        str, typer.Option(metavar="SIZE", help="Size of the pictures to come: a side, or HEIGHTxWIDTH.")
    ] = "256",
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures of a batch to come.")] = 1,
    picture: Annotated[
        Path | None, typer.Option(help="Picture to decide by whether --dtype auto takes bfloat16.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure what is remembered too.")] = False,
    revision: Annotated[str | None, typer.Option(help="Revision of a model on the Hub.")] = None,
    accept_license: Annotated[bool, typer.Option("--accept-license", help="Accept a restricted licence.")] = False,
) -> None:
    """Find out how a model runs quickest on this CPU.

    Each way to compute its convolutions is timed. The result is remembered for this processor and this PyTorch.
    Without this command the first picture is what measures.
    """
    from ..devices import computes_bfloat16
    from ..export.runtimes import RuntimeGenerator
    from ..images import read_image
    from ..translate.ahead import tune_translator
    from ..translate.loading import load
    from ..tuning.machine import this_machine
    from ..tuning.store import SWITCH, file_of, wanted

    height, times, width = size.partition("x")
    if not (height.isdecimal() and int(height)) or (times and not (width.isdecimal() and int(width))):
        raise typer.BadParameter(f"{size!r} was given: expected a side, or HEIGHTxWIDTH.", param_hint="'--size'")
    pixels = int(height), int(width or height)
    if not wanted():
        raise ConfigError(f"{SWITCH}=off is set, so nothing is measured: unset it.")
    if picture is not None:
        read_image(picture)  # what is wrong with it is said before the work
    translator = load(model, direction=direction, revision=revision, device="cpu", accept_license=accept_license)
    if isinstance(translator.generator, RuntimeGenerator):
        raise ConfigError(f"{model} is a graph, which {translator.generator.runtime} tunes itself: name the model.")
    for name in translator.directions:
        tuned = tune_translator(translator, name, pixels, batch_size, again=again)
        print("\n".join([f"{name}:", *(f"  {line(row)}" for row in tuned or ())]))
        if not tuned:
            print("  nothing large enough to choose for")
        if picture is not None:
            print(f"  {_precision(model, name, picture, revision)}")
        elif again and computes_bfloat16():
            print("  the next picture decides anew whether --dtype auto takes bfloat16")
    with suppress(StoreError):  # a user without a home was told when times were to be kept
        if (place := file_of(this_machine())).exists():
            print(f"remembered in {place}")
            return
    print("nothing is remembered")


def _precision(model: str, direction: str, picture: Path, revision: str | None) -> str:
    """What dtype="auto" takes for a picture in one direction, and why; one domain tells of all."""
    from ..translate.channels import no_choice_of_colours
    from ..translate.loading import load
    from ..tuning.precision import AutoPrecision

    translator = load(model, direction=direction, revision=revision, device="cpu", dtype="auto")
    network = translator.generator
    domains = getattr(network, "domains", None) or 0
    with no_choice_of_colours():
        translator(picture, size="fit", domain=[1, *[0] * (domains - 1)] if domains else None)
    if not isinstance(network, AutoPrecision) or network.found is None:
        return "this processor has no instructions for bfloat16: --dtype auto takes float32"
    return f"{network.found}: --dtype auto takes {network.found.dtype}"


def line(row: Tuned) -> str:
    """What was measured for one piece of work, and what is taken."""
    from ..tuning.timing import choice_in_words

    times = ", ".join(f"{way} {seconds * 1e3:.1f} ms" for way, seconds in row.seconds.items())
    return f"{row.work}, {row.times} times: {times}: takes {choice_in_words(row.seconds)}"
