"""From a request to what is trained: the recipe with its first weights, and its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..hub.redact import visible
from ..interfaces import Layout, Recipe, channels_of
from ..models.config import read_config
from ..plugins import zoo
from ..plugins.parts import APART, CHANNELS
from ..recipes import RecipeFactory, make_recipe
from ..recipes.factory import RECIPE_MEMBERS
from ..types import AttnI2IError, ConfigError, UnknownNameError, UnreadableFileError
from . import checkpoint
from .average import averaged
from .data.check import check
from .data.folders import TrainingImages, domain_folders, two_domains, two_folders
from .data.shards import Shards, find_shards
from .data.survey import survey
from .data.table import attribute_table
from .export import Origin, layout_of, options_from, start_from
from .notices import in_words
from .options import TrainOptions
from .precision import settled
from .randomness import seed_everything
from .rehearsal import rehearse
from .request import Request
from .sizes import built_for_crops
from .start import locate


@dataclass(frozen=True)
class PreparedTraining:
    """A training that could begin: what is trained, on what, how, what is told of it, and what is worth saying."""

    recipe: Recipe
    origin: Origin
    pictures: TrainingImages | Shards
    options: TrainOptions
    arguments: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def parts(self) -> tuple[Recipe, Origin, TrainingImages | Shards, TrainOptions]:
        """What a ``TrainingRun`` takes."""
        return self.recipe, self.origin, self.pictures, self.options


def prepare(request: Request, options: TrainOptions) -> PreparedTraining:
    """The recipe with seeded weights, or those of the model that the request starts from, and its pictures.

    Options that follow from the data or from that model are filled in, if the recipe has them and they were not given.
    They are the seed, the image size, the numbers of channels and domains, and the shape of the networks. A run with a
    checkpoint needs that model no more.
    """
    assert request.recipe is not None
    if request.before is not None and request.recipe not in zoo().recipes:
        raise UnknownNameError(
            f"{request.run} was trained by the recipe {request.recipe!r}, which no plugin supplies here: install the"
            " plugin that does, or allow it (attn-i2i plugins lists those that there are)."
        )
    factory = zoo().recipes[request.recipe].load()  # now: an import inside a device context would be moved too
    requested = request.recipe_options or {}
    with torch.device("meta"):  # shapes only: what the recipe is, before any weights are drawn
        sketch = _built(factory, request.recipe, requested)
    layout_of(sketch, request.recipe)
    pictures = find_pictures(sketch, request)
    if options.cache and isinstance(pictures, Shards):
        raise ConfigError("Shards are streamed, not kept in memory: give cache=False.")
    model = _model_to_start_from(request)
    inherited = {} if model is None else options_from(model, sketch.options)
    asked = inherited | (factory.whole_names(requested) if isinstance(factory, RecipeFactory) else dict(requested))
    seen = survey(pictures, _settled(sketch, asked), options.range, None if model is None else _range(model))
    pictures, options = replace(pictures, reading=seen.reading), replace(options, range=seen.range)
    domains, channels = len(pictures.domains or []), seen.reading.channels
    follows = _following(options, domains, channels)
    resolved = {name: value for name, value in follows.items() if name in sketch.options} | asked
    by_crop = "image_size" in resolved and "image_size" not in asked
    with torch.device("meta"), built_for_crops(follows=by_crop):
        rehearse(_built(factory, request.recipe, resolved), options.crop, domains, channels, options.batch_size)
    seed_everything(options.seed)
    built = _built(factory, request.recipe, resolved)
    notes = () if model is None else start_from(model, built, request.recipe, pictures.domains)
    origin = Origin(request.recipe, built.options, 0, request.started_from)
    options = settled(averaged(options, built), built, domains)
    told = (*pictures.notes, *seen.notes, *notes)
    return PreparedTraining(built, origin, pictures, options, request.arguments(resolved), told)


def _model_to_start_from(request: Request) -> Path | None:
    """The folder of the model whose weights come first; None where the run has a checkpoint, which has its own."""
    begun = request.before is not None and request.run is not None and checkpoint.steps_done(Path(request.run)) > 0
    return None if request.start is None or begun else locate(request.start)


def _following(options: TrainOptions, domains: int, channels: int) -> dict[str, Any]:
    """What a recipe's options are where nobody said: they follow from the data and from how is trained."""
    size = {"image_size": options.crop_size} if isinstance(options.crop_size, int) else {}
    return {"seed": options.seed, "domains": domains, "channels": channels} | size


def _settled(sketch: Recipe, options: Mapping[str, Any]) -> int | None:
    """The channels that networks have whatever the pictures are; None where they follow from these.

    ``options`` are what was asked for, and what the model has that the training begins from.
    """
    named = [name for name in options if name.rpartition(".")[2] in (CHANNELS, *APART)]
    shares = [name for name in named if name == CHANNELS or not name.endswith(f".{CHANNELS}")]
    if shares:
        value = options[shares[0]]
        return value if type(value) is int else None  # the recipe says what is wrong with it
    if CHANNELS in sketch.options:
        return None
    keys = list(sketch.layout.generators.values())
    return channels_of(sketch.networks[keys[0]])[0] if keys else None


def _range(model: Path) -> str | None:
    """The range that the model's pictures were seen in, as text; "dtype" where it says none."""
    value = read_config(model).preprocessing.get("range")
    if value is None:
        return None
    return value if isinstance(value, str) else ",".join(map(str, value))


def _built(factory: Any, name: str, options: Mapping[str, Any]) -> Recipe:
    """A recipe; what Python says of values that it cannot be built from, as an error of this library."""
    try:
        recipe = make_recipe(factory, **options)
    except ConfigError as error:
        _refuse_engines(name, options, error)
        raise
    except AttnI2IError:
        raise
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise ConfigError(f"The recipe {name} cannot be built from {dict(options)}: {reason}.") from error
    if wrong := _no_recipe(recipe):
        raise ConfigError(
            f"The recipe {name} is none that can be trained: {wrong}. attn_i2i.interfaces.Recipe says what one needs;"
            " attn_i2i.testing.check_recipe tries it."
        )
    return recipe


def _refuse_engines(recipe: str, options: Mapping[str, Any], error: ConfigError) -> None:
    """Raise ConfigError, which says where it belongs, for an option of the engine among those of a recipe."""
    for option in map(str, options):
        own = option.replace("-", "_")
        if own in TrainOptions.__dataclass_fields__ and f"has no option {option!r}" in str(error):
            raise ConfigError(
                f"{option} is an option of the training, not of the recipe {recipe}: give {own}=VALUE."
            ) from error


def _no_recipe(recipe: Any) -> str:
    """What a registered factory's product lacks of a recipe; empty where it lacks nothing."""
    absent = [member for member in RECIPE_MEMBERS if not hasattr(recipe, member)]
    if len(absent) > 1:
        return f"it builds {type(recipe).__name__}, which has no {', '.join(absent)}"
    if absent:
        return f"it has no {absent[0]}"
    if not isinstance(recipe.layout, Layout):
        return f"its layout is {type(recipe.layout).__name__}, not an attn_i2i.interfaces.Layout"
    keys = [*recipe.layout.generators.values(), *recipe.layout.discriminators.values()]
    unknown = [key for key in keys if key not in recipe.networks]
    if unknown:
        names = ", ".join(recipe.networks) or "none"
        return f"its layout names the network {unknown[0]!r}, and its networks are {names}"
    return ""


def find_pictures(recipe: Recipe, request: Request) -> TrainingImages | Shards:
    """The folders that a recipe of two domains or of many trains on, as its layout says."""
    assert request.data is not None
    data, attributes = Path(request.data), request.attributes
    if request.select and attributes is None:
        raise ConfigError("Attributes are selected from a table: give it (attributes=TABLE), or leave select out.")
    if recipe.layout.multidomain:
        return domain_folders(data) if attributes is None else attribute_table(data, attributes, request.select)
    if attributes is not None:
        raise ConfigError(
            "A table of attributes (attributes=TABLE) is for multi-domain recipes such as stargan: this one trains on"
            " two domains."
        )
    return (None if two_folders(data) else find_shards(data)) or two_domains(data)


def report(pictures: TrainingImages | Shards) -> None:
    """Check every picture and print what is wrong; raises UnreadableFileError where one cannot be read."""
    if isinstance(pictures, Shards):
        raise ConfigError("Shards are not checked (data_check=True): check the pictures before they are packed.")
    from rich.console import Console

    findings = check(pictures)
    console = Console(stderr=True)
    for line in findings.lines():
        console.print(visible(in_words(line)), highlight=False, markup=False, soft_wrap=True)
    if findings.corrupt:
        raise UnreadableFileError(
            f"{len(findings.corrupt)} of {findings.checked} pictures cannot be read, first {findings.corrupt[0]} Remove"
            " them and train again."
        )
