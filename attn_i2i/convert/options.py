"""Options of the networks of one model: what all share, and what one has for itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..types import ConfigError, ConversionError


class ChoiceError(ConversionError, ConfigError):
    """A word that ``convert`` does not know, whatever the files hold."""


CHANNELS = ("in_channels", "out_channels")
"""Options in which networks of one model may differ: its domains may have different numbers of channels."""


def shared_options(configs: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The options that all share, and by name those that one has for itself."""
    first, *others = configs.values()
    common = {k: v for k, v in first.items() if all(k in other and other[k] == v for other in others)}
    own = {name: {k: v for k, v in config.items() if k not in common} for name, config in configs.items()}
    return common, {name: options for name, options in own.items() if options}


def refuse_strangers(what: str, kinds: Mapping[str, tuple[str, Mapping[str, Any]]]) -> None:
    """Raise ConversionError where networks are not of one architecture with equal options but for channels.

    ``kinds`` holds architecture and options by the place where each stood.
    """
    seen: dict[tuple[str, str], str] = {}
    for where, (architecture, options) in kinds.items():
        alike = str(sorted((name, value) for name, value in options.items() if name not in CHANNELS))
        told = ", ".join(f"{name}={value}" for name, value in sorted(options.items()))
        seen.setdefault((architecture, alike), f"{where}: {architecture} ({told})")
    if len(seen) > 1:
        described = "; ".join(seen.values())
        raise ConversionError(f"The {what} do not belong together ({described}): give the files of one model only.")
