"""The packages of the extra ``attn-i2i[video]``, imported when they are first needed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..types import ConfigError

INSTALL = "pip install 'attn-i2i[video]'"


def has_video() -> bool:
    """Whether clips can be read and written here."""
    return find_spec("av") is not None


def load_av() -> Any:
    """PyAV, which reads and writes containers; ConfigError where it is not installed."""
    return _load("av", "Videos and animations")


def load_cv2() -> Any:
    """OpenCV, which estimates optical flow; ConfigError where it is not installed."""
    return _load("cv2", "Smoothing along the motion (temporal='flow')")


def _load(name: str, what: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(f"{what} need{'s' * (name == 'cv2')} {name}, which is not installed: {INSTALL}.") from error
