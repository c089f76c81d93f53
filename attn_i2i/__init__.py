"""Attention-guided unpaired image-to-image translation: pictures that change in one place and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .hookspecs import hookimpl as hookimpl
from .types import AttnI2IError as AttnI2IError
from .types import Translation as Translation
from .types import Verdict as Verdict

if TYPE_CHECKING:
    from .cards import list_models as list_models
    from .model import create as create
    from .translator import Translator as Translator
    from .translator import load as load

__version__ = "0.1.0"
__all__ = [
    "AttnI2IError",
    "Translation",
    "Translator",
    "Verdict",
    "create",
    "hookimpl",
    "list_models",
    "load",
]

_LATE = {"create": "model", "list_models": "cards", "load": "translator", "Translator": "translator"}


def __getattr__(name: str) -> Any:
    """Import what needs torch at first use: ``import attn_i2i`` itself stays cheap."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LATE[name]}", __name__), name)
