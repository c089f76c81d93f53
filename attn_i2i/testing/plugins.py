"""All contract checks over everything that a plugin registers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from ..models.cards import read_entry
from ..models.dataset import read_dataset_entry
from ..plugins import PluginManager, using
from ..registry import INTERRUPTIONS, BrokenPartError, Entry, Registry
from ..types import AttnI2IError, ConfigError, ModelError
from .contract import ContractError
from .converters import check_converter
from .discriminators import check_discriminator
from .generators import check_generator
from .heads import check_head
from .measures import check_measure
from .terms import check_term
from .training import check_recipe


class Checked(NamedTuple):
    """One part of a plugin and what is wrong with it, in one line; None where nothing is."""

    kind: str
    name: str
    problem: str | None


def check_plugin(manager: PluginManager, plugin: str, options: Mapping[str, Any] | None = None) -> Iterator[Checked]:
    """Check each part that the registered plugin of that name supplied, one after the other.

    ``options`` make parts smaller, and so the checks faster: each goes to the factories that have it. Parts that name
    others, as recipes do, find them in this manager's zoo.
    """
    for registry in manager.zoo.registries():
        for entry in registry:
            if entry.plugin == plugin:
                with using(manager.zoo):
                    problem = _problem(registry, entry, options or {})
                yield Checked(registry.kind, entry.name, problem)


def _problem(registry: Registry[Any], entry: Entry[Any], options: Mapping[str, Any]) -> str | None:
    checks: dict[str, Callable[[Any], object]] = {
        "generator": lambda part: check_generator(_shrunk(part, options)),
        "discriminator": lambda part: check_discriminator(_shrunk(part, options)),
        "head": check_head,
        "loss": check_term,
        "recipe": lambda part: check_recipe(_shrunk(part, options)),
        "converter": check_converter,
        "card": lambda _: read_entry(entry),
        "data set": lambda _: read_dataset_entry(entry),
        "measure": check_measure,
    }
    try:
        part = entry.load()
    except AttnI2IError as error:
        if isinstance(error, BrokenPartError) and error.__cause__ is None:
            return str(error)
        cause = error.__cause__ or error
        return f"Importing {entry.target} raised {type(cause).__name__}: {cause}"
    try:
        checks.get(registry.kind, lambda _: None)(part)
    except (ContractError, ModelError) as error:
        return str(error)
    except INTERRUPTIONS:
        raise
    except BaseException as error:
        return f"A check ended in {type(error).__name__}: {error}"
    return None


def _shrunk(factory: Callable[..., Any], options: Mapping[str, Any]) -> Callable[[], Any]:
    """``factory`` with those of the options it has; one that takes any keyword is asked, and refuses by ConfigError."""
    parameters = inspect.signature(factory).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return partial(_without_refused, factory, options)
    return partial(factory, **{name: value for name, value in options.items() if name in parameters})


def _without_refused(factory: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    accepted = dict(options)
    while True:
        try:
            return factory(**accepted)
        except ConfigError as error:
            refused = [name for name in accepted if f"no option {name!r}" in str(error)]  # others may be suggested
            if not refused:
                raise
            del accepted[refused[0]]
