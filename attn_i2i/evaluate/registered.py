"""The registered measures; one that cannot be had costs only itself."""

from __future__ import annotations

from ..interfaces import Measure
from ..plugins import zoo
from ..plugins._manager import usable
from ..registry import Entry
from ..types import ConfigError


def registered_measures() -> dict[str, Measure]:
    """Every measure by name; one that does not import, or is none, is left out with a PluginWarning."""
    return usable(zoo().measures, read_measure)


def read_measure(entry: Entry[Measure]) -> Measure:
    """The measure of an entry; raises ConfigError for a part of another kind, or as ``Entry.load`` does."""
    part: object = entry.load()
    if not isinstance(part, Measure):
        raise ConfigError(
            f"{entry.name!r} of the plugin {entry.plugin!r} is of type {type(part).__name__}, expected"
            " an attn_i2i.interfaces.Measure."
        )
    return part
