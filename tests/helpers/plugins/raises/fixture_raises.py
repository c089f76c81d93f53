"""A plugin that fails while it is imported."""

raise RuntimeError("no licence found\nfor this machine")
