"""Attention-guided unpaired image-to-image translation: pictures that change in one place and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .hookspecs import hookimpl as hookimpl
from .types import AttnI2IError as AttnI2IError
from .types import Translation as Translation
from .types import Verdict as Verdict

if TYPE_CHECKING:
    from .models.build import create as create
    from .models.cards import list_models as list_models
    from .translate.loading import load as load
    from .translate.translator import Translator as Translator

from .version import __version__ as __version__

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

_LATE = {"create": "models", "list_models": "models", "load": "translate", "Translator": "translate"}


def __getattr__(name: str) -> Any:
    """Import what needs torch at first use: ``import attn_i2i`` itself stays cheap."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LATE[name]}", __name__), name)
