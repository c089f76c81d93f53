"""Plugins: found, loaded in isolation, listed and scaffolded."""

from ._manager import PluginManager as PluginManager
from ._manager import PluginWarning as PluginWarning
from ._manager import allowed_plugins as allowed_plugins
from ._manager import manager as manager
from ._manager import using as using
from ._manager import zoo as zoo
