"""A plugin whose author forgot the mark."""

from __future__ import annotations


def register_components(zoo: object) -> None:
    raise AssertionError("called although it is not marked")
