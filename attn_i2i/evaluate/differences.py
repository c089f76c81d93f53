"""What the models of an evaluation were made of, and in what they differ: an ablation's table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..plugins import zoo
from ..plugins.parts import Part
from ..types import AttnI2IError

if TYPE_CHECKING:
    from ..translate.translator import Translator

TOLD = ("recipe", "steps", "started_from")
"""What a trained model's provenance says beside the recipe's options."""


class Differing(NamedTuple):
    """An option by its whole name, and its value in each model that has it, by the models' labels."""

    option: str
    values: Mapping[str, Any]


def options_of(translator: Translator, direction: str) -> dict[str, Any]:
    """What a model's network was built from, defaults filled in, and, where it was trained here, the recipe's options.

    The generator's are called ``generator.norm`` and so on, as recipes call them.
    """
    config = translator.config
    network = _defaults(config.architecture) | config.options(direction)
    trained = config.provenance.get("trained")
    trained = trained if isinstance(trained, dict) else {}
    told = {name: trained[name] for name in TOLD if name in trained}
    options = trained.get("options")
    recipe = (
        {name: value for name, value in options.items() if name not in network} if isinstance(options, dict) else {}
    )
    generator = {f"generator.{name}": value for name, value in network.items()}
    return {"architecture": config.architecture, **told, **recipe, **generator}


def differences(options: Mapping[str, Mapping[str, Any]]) -> tuple[Differing, ...]:
    """The options that two models have with different values, in the order in which models name them."""
    names = dict.fromkeys(name for own in options.values() for name in own)
    return tuple(_differing(options, list(names)))


def _differing(options: Mapping[str, Mapping[str, Any]], names: list[str]) -> Iterator[Differing]:
    for name in names:
        values = {label: own[name] for label, own in options.items() if name in own}
        if len({json.dumps(value, sort_keys=True, default=str) for value in values.values()}) > 1:
            yield Differing(name, values)


def shown(value: Any) -> str:
    """A value as a table shows it: text as it is, else JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _defaults(architecture: str) -> dict[str, Any]:
    """Options that a network's configuration may leave out; none where nobody registers it any more."""
    try:
        return Part(architecture, zoo().generators.load(architecture)).defaults()
    except AttnI2IError:
        return {}
