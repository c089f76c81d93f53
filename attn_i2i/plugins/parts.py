"""Registered networks: found by name, told which options they have, and built from checked ones."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, get_type_hints

from ..interfaces import RGB
from ..registry import Registry, suggestion
from ..types import AttnI2IError, ConfigError
from ._manager import zoo

if TYPE_CHECKING:
    from torch import nn

PLAIN: Mapping[Any, type[Any]] = {"int": int, "float": float, "bool": bool, "str": str}
HEAD = "head"  # the option that names a part itself: a registered head
CHANNELS = "channels"  # of the images; a factory takes them under this name, or as those of in- and output
APART = ("in_channels", "out_channels")  # options that together are the option channels


@dataclass(frozen=True)
class Part:
    """A factory of networks and the options that its signature has.

    ``name`` is the registered one, or empty for a factory that nobody registered. A factory with an option ``head``
    is given a registered head: ``head="softmax"``, whose own options are ``head.masks`` and so on.
    """

    name: str
    factory: Callable[..., Any]

    def __str__(self) -> str:
        where = f"{self.factory.__module__}:{getattr(self.factory, '__qualname__', type(self.factory).__name__)}"
        return self.name or where

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The options by name, without what collects any others."""
        collecting = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        return {name: p for name, p in inspect.signature(self.factory).parameters.items() if p.kind not in collecting}

    @cached_property
    def open_ended(self) -> bool:
        """Whether the factory takes any option."""
        return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(self.factory).parameters.values())

    @cached_property
    def annotations(self) -> Mapping[str, Any]:
        """The types of the options as far as they can be told."""
        source = self.factory.__init__ if isinstance(self.factory, type) else self.factory  # type: ignore[misc]
        try:
            return get_type_hints(source)
        except (AttributeError, NameError, TypeError):  # names that only a type checker imports
            return {name: PLAIN[p.annotation] for name, p in self.parameters.items() if p.annotation in PLAIN}

    @cached_property
    def image_channels(self) -> tuple[str, ...]:
        """The options that say how many channels images have: those of their names whose default is RGB's.

        A stranger's ``channels`` with another default may be a width, or all that its network takes.
        """
        own = [name for name in (CHANNELS, *APART) if name in self.parameters and self.parameters[name].default == RGB]
        return (CHANNELS,) if CHANNELS in own else tuple(own)

    def shares(self, option: str) -> bool:
        """Whether ``option``, which follows from the data and is told to all networks, is one of this part's."""
        return bool(self.image_channels) if option == CHANNELS else self.has(option, named=True)

    def has(self, option: str, *, named: bool = False) -> bool:
        """Whether there is such an option; ``named`` leaves out those that an open-ended factory merely lets pass.

        ``channels`` stand for ``in_channels`` and ``out_channels``, and these for it.
        """
        name, dot, _ = option.partition(".")
        if self.image_channels and (option == CHANNELS or (option in APART and self.image_channels == (CHANNELS,))):
            return True
        in_signature = name in self.parameters and (not dot or name == HEAD)
        return in_signature or (self.open_ended and not named and not dot)

    def defaults(self) -> dict[str, Any]:
        """The options that have a default which JSON has too."""
        return {
            name: list(p.default) if isinstance(p.default, tuple) else p.default
            for name, p in self.parameters.items()
            if p.default is not p.empty and _is_plain(p.default)
        }

    def with_channels(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """``config`` with the channels of images under the names that the factory has for them.

        Raises ConfigError for numbers below 1, and for two where there can be one.
        """
        names = [name for name in (CHANNELS, *APART) if name in config]
        own = list(self.image_channels)
        for name in names:
            if name in own and (type(config[name]) is not int or config[name] < 1):
                raise ConfigError(f"{self}: {name}={config[name]!r} was given, expected a number from 1 on.")
        if not own or set(names) <= set(own):
            return dict(config)
        told = " and ".join(f"{name}={config[name]!r}" for name in names)
        if len({config[name] for name in names}) > 1:
            why = (
                "it makes images of as many channels as it takes, because a background mask shows the source or a"
                " cycle returns to it"
                if own == [CHANNELS]
                else "channels stand for both"
            )
            raise ConfigError(f"{self}: {told} were given, but {why}: give channels alone.")
        rest = {name: value for name, value in config.items() if name not in names}
        return self.with_channels(rest | dict.fromkeys(own, config[names[0]]))

    def build(self, config: Mapping[str, Any]) -> nn.Module:
        """The network of ``config``. Raises ConfigError for options that it does not have or cannot be built from."""
        for option in config:
            if not self.has(option):
                options = self.parameters
                raise ConfigError(
                    f"{self} has no option {option!r}.{suggestion(option, options)}"
                    f" Options: {', '.join(options) or 'none'}."
                )
        config = self.with_channels(config)
        try:
            module: nn.Module = self.factory(**_with_head(config))
        except AttnI2IError:
            raise
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0].rstrip(".")
            raise ConfigError(f"{self} cannot be built from {dict(config)}: {reason}.") from error
        return module


def find_part(registry: Registry[Callable[..., nn.Module]], wanted: Any) -> Part:
    """The part registered as ``wanted``, or that factory itself, under its name where it is registered.

    It is imported now: an import inside a device context would be moved to the device too. Raises UnknownNameError,
    and ConfigError for what is neither.
    """
    if isinstance(wanted, str):
        return Part(wanted, registry.load(wanted))
    is_network = hasattr(wanted, "state_dict") and not isinstance(wanted, type)
    if is_network or not callable(wanted):
        raise ConfigError(
            f"{wanted!r:.80} was given as {registry.kind}: expected a registered name, or a class or function that"
            " builds one."
        )
    return Part(next((entry.name for entry in registry if entry.target is wanted), ""), wanted)


def _is_plain(value: object) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _with_head(config: Mapping[str, Any]) -> dict[str, Any]:
    """``config`` with the head that it names in place of the name."""
    options = {name.partition(".")[2]: value for name, value in config.items() if name.startswith(f"{HEAD}.")}
    rest = {name: value for name, value in config.items() if not name.startswith(f"{HEAD}.")}
    name = rest.get(HEAD)
    if isinstance(name, str):
        head = Part(name, zoo().heads.load(name))
        for option in options:
            if not head.has(option):
                raise ConfigError(
                    f"The head {name!r} has no option {option!r}.{suggestion(option, head.parameters)}"
                    f" Options: {', '.join(head.parameters)}."
                )
        rest[HEAD] = partial(head.factory, **options)
    elif options:
        raise ConfigError(f"{HEAD}.{next(iter(options))} was given without a head: name one, such as {HEAD}=softmax.")
    return rest
