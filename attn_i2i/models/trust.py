"""Whether others than this user may write to the model store: what they plant there would be loaded."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ..types import AttnI2IError

WORLD, GROUP = stat.S_IWOTH, stat.S_IWGRP


class StoreError(AttnI2IError):
    """A model store that this process must not use, or cannot."""


def check_private(store: Path, *paths: Path) -> None:
    """Raise StoreError where others may write to the model store, or to anything on the way to ``paths`` inside it.

    ``paths`` may be files or folders, which are looked through. Only this user and root count as trusted, and a group
    that is this user's alone. Systems without such permissions are not checked.
    """
    if not hasattr(os, "geteuid") or not store.exists():
        return
    for place in _places(store.resolve(), [path.resolve() for path in paths]):
        if who := _who_else(place.stat()):
            raise StoreError(
                f"{who} may write to {place}, so what lies in the model store {store} cannot be trusted. Check what is"
                f" in it, then run: chown -R {os.geteuid()} {store} && chmod -R go-w {store}; or set ATTN_I2I_HOME to a"
                " folder of your own."
            )


def refuse_links(*paths: Path) -> None:
    """Raise StoreError for a path that is a link: what is written there would go elsewhere."""
    for path in paths:
        if path.is_symlink():
            raise StoreError(f"{path} is a link, where this library makes a file or folder of its own: remove it.")


def _places(store: Path, paths: list[Path]) -> Iterator[Path]:
    """The store, what lies on the way to ``paths`` as far as it exists, and what lies in them."""
    yield store
    for path in paths:
        inside = (
            [part for part in path.relative_to(store).parents if part != Path()] if path.is_relative_to(store) else []
        )
        yield from (store / part for part in reversed(inside) if (store / part).exists())
        if path.exists():
            yield path
            yield from (entry for entry in path.iterdir() if entry.exists()) if path.is_dir() else ()


def _who_else(status: os.stat_result) -> str:
    """Who else may write to a file or folder; an empty text for nobody."""
    user = os.geteuid()
    if status.st_uid not in (0, user):
        return f"The user {status.st_uid}, who owns it,"
    if status.st_mode & WORLD:
        return "Everybody"
    if status.st_mode & GROUP and status.st_gid != 0 and not _is_private(status.st_gid, user):
        return f"The group {status.st_gid}"
    return ""


def _is_private(group: int, user: int) -> bool:
    """Whether a group is this user's alone, as many systems give one to each: it has the user's name and no others."""
    import grp
    import pwd

    try:
        entry, name = grp.getgrgid(group), pwd.getpwuid(user).pw_name
    except KeyError:
        return group == user
    return entry.gr_name == name and set(entry.gr_mem) <= {name}
