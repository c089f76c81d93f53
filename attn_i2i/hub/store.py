"""Models fetched from the Hub, whole and checked, by repository and commit."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from ..files import atomic_path, sha256
from ..models.checksums import ChecksumError, check_file, write_sums
from ..models.config import CONFIG, ModelConfig, parse_config
from ..models.directory import DISCRIMINATORS
from ..models.places import model_store
from ..models.trust import check_private, refuse_links
from .client import COMMIT, Repository
from .errors import HubError, explained
from .interrupted import going_on
from .whole import check_whole, weight_files

_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
CHANGED = "it was changed after it was stored"
Approve = Callable[[ModelConfig], None]


def check_repo(repo: str) -> None:
    """Raise HubError unless ``repo`` is ``owner/name``."""
    if not _REPO.fullmatch(repo):
        raise HubError(f"{repo!r} is not the name of a Hub repository: expected owner/name.")


def fetch(repo: str, revision: str | None, digests: Mapping[str, str] | None, approve: Approve) -> Path:
    """The folder of a Hub model: stored, else fetched; every file is hashed at each call.

    ``digests`` are a card's SHA-256 sums; without them the Hub's own are held against the files. ``approve`` sees the
    configuration before any weights are fetched, and may raise. A stored commit needs no request.
    """
    check_repo(repo)
    store = model_store() / ".hub" / repo.replace("/", "--")
    check_private(model_store(), store)
    source = Repository(repo, revision)
    if not COMMIT.fullmatch(revision or ""):
        if source.from_plugins(CONFIG) is not None:
            return _fill(source, store / f"plugin-{quote(revision or 'main', safe='')}", None, approve)
        source = replace(source, revision=_commit(source, store))
    folder = store / str(source.revision)
    refuse_links(store, folder)
    check_private(model_store(), folder)
    if folder.is_dir():
        try:
            approve(check_whole(folder, digests, CHANGED))
        except ChecksumError as damage:
            _require_replacement(source, damage)
        else:
            return folder
    return _fill(source, folder, digests, approve)


def _commit(source: Repository, store: Path) -> str:
    """The commit of a branch or tag, from the Hub; where it cannot be reached, the one of last time."""
    note = store / "refs" / quote(source.revision or "main", safe="")
    try:
        commit = source.describe(CONFIG).commit
    except HubError:
        remembered = note.read_text(encoding="utf-8") if note.is_file() else ""
        if COMMIT.fullmatch(remembered) and (store / remembered).is_dir():
            return remembered
        raise
    with explained(source.repo, store):
        note.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(note, force=True) as temporary:
            temporary.write_text(commit, encoding="utf-8")
    return commit


def _require_replacement(source: Repository, damage: ChecksumError) -> None:
    """Raise ``damage`` where the damaged file cannot be fetched anew: nothing is moved away before it can."""
    if source.from_plugins(CONFIG) is not None:
        return
    try:
        source.describe(CONFIG)
    except HubError as error:
        raise ChecksumError(
            f"{damage} It cannot be fetched anew now: load it again when the Hub can be reached."
        ) from error


def _fill(source: Repository, folder: Path, digests: Mapping[str, str] | None, approve: Approve) -> Path:
    """Fill ``folder``, one process at a time; a new one appears whole, in an old one each file is replaced at once.

    So a process that reads the old one meanwhile, without the lock, finds every file: the damaged or the mended.
    """
    from huggingface_hub.utils import WeakFileLock

    partial = folder.with_name(f".{folder.name}.partial")
    check_private(model_store(), folder, partial)
    refuse_links(folder.parents[1], folder.parent, folder, partial, partial.with_suffix(".lock"))
    with explained(source.repo, folder.parent):
        partial.parent.mkdir(parents=True, exist_ok=True)
        with going_on(), WeakFileLock(partial.with_suffix(".lock")):
            if folder.is_dir():
                if COMMIT.fullmatch(folder.name):
                    with suppress(ChecksumError):  # another process may have filled or mended it meanwhile
                        approve(check_whole(folder, digests, CHANGED))
                        return folder
                write_sums(folder, _gather(source, folder, digests, approve))
            else:
                partial.mkdir(exist_ok=True)  # files of an interrupted download that are whole are taken over
                write_sums(partial, _gather(source, partial, digests, approve))
                partial.rename(folder)
    return folder


def _gather(source: Repository, folder: Path, digests: Mapping[str, str] | None, approve: Approve) -> dict[str, str]:
    """Bring every file of the model into ``folder``; the SHA-256 of each."""
    sums = {CONFIG: _one(source, folder, CONFIG, digests)}
    config = parse_config(folder)
    approve(config)
    names = [name for name in weight_files(config) if name != DISCRIMINATORS or digests is None or name in digests]
    return sums | {name: _one(source, folder, name, digests) for name in names}


def _one(source: Repository, folder: Path, name: str, digests: Mapping[str, str] | None) -> str:
    """Bring one file into ``folder`` unless it is there and whole; its SHA-256."""
    target = folder / name
    expected = None if digests is None else digests.get(name)
    if digests is not None and expected is None:
        raise ChecksumError(
            f"The card of {source.repo} has no SHA-256 for {name}, so it is not loaded: report it where the"
            " card comes from."
        )
    supplied = source.from_plugins(name)
    if supplied is not None:
        if expected is not None:
            check_file(supplied, expected, "the file that a plugin supplied was not used")
        with atomic_path(target, force=True) as temporary:
            shutil.copyfile(supplied, temporary)
        return sha256(target)
    stated = source.describe(name).digest
    if expected is not None and len(stated) == 64 and stated != expected:
        raise ChecksumError(
            f"{source.repo} holds a {name} with the SHA-256 {stated[:12]}..., its card says {expected[:12]}...: it was"
            " not fetched; report it where the card comes from."
        )
    expected = expected or stated
    if not _is_whole(target, expected):
        source.download(name, folder, expected)
    return expected if len(expected) == 64 else sha256(target)


def _is_whole(path: Path, expected: str) -> bool:
    try:
        check_file(path, expected, "")
    except (FileNotFoundError, ChecksumError):
        return False
    return True
