"""Where models lie on this machine: shipped with the package, or put into the model store."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from ..files.swapping import mend
from ..types import ConfigError
from .trust import StoreError, check_private

CONFIG = "config.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


def model_store() -> Path:
    """The folder of converted models and remembered licences: ``ATTN_I2I_HOME``, else this system's cache folder.

    Raises StoreError for a user without a home folder, as in some containers.
    """
    try:
        return _model_store()
    except RuntimeError as error:
        raise StoreError(
            "This user has no home folder, or none that is known: set ATTN_I2I_HOME to a folder of yours."
        ) from error


def _model_store() -> Path:
    if chosen := os.environ.get("ATTN_I2I_HOME"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "attn_i2i"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "attn_i2i"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "attn_i2i"


def shipped_models() -> Path:
    """The folder of cards and small models that comes with the package, in a wheel or in a checkout."""
    inside = Path(__file__).parents[1] / "_zoo"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "zoo"


def check_name(name: str) -> str:
    """``name``, where it can be a folder of the model store; else ConfigError."""
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise ConfigError(
            f"{name!r} cannot name a model: expected letters, digits, '.', '_', '-', and a letter or digit first."
        )
    return name


def models_in(folder: Path) -> list[str]:
    """Names of the model folders inside ``folder``, sorted."""
    entries = folder.iterdir() if folder.is_dir() else ()
    return sorted(entry.name for entry in entries if _NAME.fullmatch(entry.name) and (entry / CONFIG).is_file())


def installed_folder(name: str) -> Path | None:
    """The model folder of ``name`` in the package or the model store."""
    if not _NAME.fullmatch(name):
        return None
    places = (shipped_models() / name, model_store() / name)
    mend(places[-1])
    return next((place for place in places if (place / CONFIG).is_file()), None)


def target_for(name: str) -> Path:
    """Where a model converted under a zoo name goes; the model store is made at first use.

    Raises StoreError where it cannot be made, or others may write to it.
    """
    folder = model_store() / check_name(name)
    try:
        folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The model store {folder.parent} cannot be made ({error.strerror}): set ATTN_I2I_HOME to a folder of"
            " yours."
        ) from error
    check_private(folder.parent, folder)
    return folder
