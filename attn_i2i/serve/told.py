"""Errors as a page may show them: one line that tells nothing of the machine."""

from __future__ import annotations

import logging
import os
import re
import secrets
import sys
import tempfile
from pathlib import Path

from ..hub.redact import redacted
from ..models.places import model_store, shipped_models
from ..types import AttnI2IError

LOG = logging.getLogger("attn_i2i.serve")
# An absolute path, of this kind of system or Windows: no address, whose slashes follow a colon, a letter or a slash.
_PATH = re.compile(r"(?<![\w:/.~])(?:~|[A-Za-z]:(?=[\\/]))?[\\/](?:[^\s'\":,;()<>|]*[\\/])*([^\s'\":,;()<>|\\/]*)")
HIDDEN = "…"


def told(error: BaseException) -> str:
    """What a user is told of ``error``: this library's own line without paths and secrets; of others only a number.

    The log has the whole error under that number.
    """
    if isinstance(error, AttnI2IError):
        return without_paths(redacted(" ".join(str(error).split())))
    number = secrets.token_hex(3)
    LOG.error("error %s", number, exc_info=error)
    return (
        f"Something went wrong that this page has no words for: whoever runs it finds it as error {number} in the log."
    )


def without_paths(text: str) -> str:
    """``text`` with each absolute path cut to its last part; folders of this machine go first, as they may hold spaces.

    >>> without_paths("/home/ann/model/config.json cannot be read: see https://example.org/a/b")
    '…/config.json cannot be read: see https://example.org/a/b'
    """
    for root in _roots():
        text = text.replace(root, f"/{HIDDEN}")
    return _PATH.sub(lambda match: f"{HIDDEN}/{match[1]}" if match[1].strip(HIDDEN + ".") else HIDDEN, text)


def _roots() -> list[str]:
    """Folders that errors may name, long ones first."""
    places = [model_store(), shipped_models(), Path.home(), Path.cwd(), tempfile.gettempdir(), sys.prefix]
    names = {name for place in places for name in (str(place), os.path.realpath(str(place)))}
    return sorted((name for name in names if len(name) > 1), key=len, reverse=True)
