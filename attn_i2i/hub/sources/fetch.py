"""``fetch_model``: from a card to a model in the model store, by way of its authors' files."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256 as sha256_of
from pathlib import Path

from ...arguments import typed
from ...files import DiskFullError, WriteError
from ...models.card import Card
from ...models.places import installed_folder, model_store, target_for
from ...models.source import Source
from ...models.trust import StoreError, check_private, refuse_links
from ...types import AttnI2IError
from ..errors import HubError
from ..interrupted import going_on
from ..licences import require_licence
from .bring import Brought, bring
from .download import Remote, check_download
from .errors import FetchError
from .ledger import note_answer, note_failure
from .policy import require_consent, usable
from .progress import shown_progress
from .settle import settle
from .unpack import unpack


@typed
def fetch_model(
    card: Card,
    *,
    accept_license: bool = False,
    fetch: bool | None = None,
    digest: str | None = None,
) -> Path:
    """The model of ``card`` in the model store: fetched, verified, unpacked, converted, with its provenance.

    Sources are tried in order of trust; ``digest`` is the SHA-256 of the file where the user knows it. ``fetch`` says
    yes or no; None fetches what is pinned by a hash and small. Raises LicenceError for a restricted licence. FetchError
    tells what each source answered, the address for a browser, and the command that converts a file fetched by hand.
    """
    check_private(model_store(), *(model_store() / name for name in (".sources", ".parts")))
    require_licence(card.name, card.licence, accept_license, card.licence_note)
    sources = usable(card, digest)
    if not sources:
        raise FetchError(f"{card.name}: {_why_none(card)}. {by_hand(card)}")
    problems = []
    for source in _allowed(card, sources, fetch):
        try:
            folder = _from_source(card, source)
        except HubError as error:  # of this room, or of the Hub's own client
            note_failure(source, str(error))
            problems.append(f"{source.label}: {str(error).rstrip('.')}")
        else:
            note_answer(source)
            return folder
    raise FetchError(f"{card.name} could not be fetched. {'; '.join(problems)}. {by_hand(card)}")


def _allowed(card: Card, sources: list[Source], fetch: bool | None) -> list[Source]:
    """The sources that may be used now, of which there must be one."""
    allowed: list[Source] = []
    refusals: list[FetchError] = []
    for source in sources:
        try:
            require_consent(card, source, fetch)
            allowed.append(source)
        except FetchError as error:
            refusals.append(error)
    if not allowed:
        raise FetchError(f"{refusals[0]}. {by_hand(card)}") from refusals[0]
    return allowed


def by_hand(card: Card) -> str:
    """What a person can do with a browser: the authors' place first, where it lives."""
    living = [source for source in (card.official, *card.sources) if source and source.state != "dead"]
    source = next(iter(living), card.official)
    if source is None:
        return "Nobody offers its file"
    deep = ", ".join(name for name in source.members if "/" in name)
    unpack = f", unpack it{f' (what counts is {deep})' if deep else ''}" if source.members else ""
    return f"By hand: get the file at {source.page}{unpack}, then: {card.convert_line(source)}"


def _why_none(card: Card) -> str:
    states = {source.state for source in card.sources}
    if states == {"dead"}:
        return "links to its file are broken; a copy that somebody published is loaded by its name, hf-hub:owner/repo"
    if any(source.open_way and source.state == "unchecked" for source in card.sources):
        return (
            "its file comes over plain http only, where anybody on the way can change it, and nobody states its"
            f" SHA-256: if you know it, run attn-i2i fetch {card.name} --sha256 DIGITS"
        )
    return "its file can only be had by hand"


def _from_source(card: Card, source: Source) -> Path:
    with workplace(card.name, source) as folder, shown_progress(card.name) as report:
        if (there := installed_folder(card.name)) is not None:
            return there  # another process was faster
        brought = bring(source, folder, report, card.directions)
        with _emptied(folder / "work") as work:
            settle(card, source, _unpacked(source, brought, work), work)
        return target_for(card.name)


def _unpacked(source: Source, brought: Brought, work: Path) -> Brought:
    if not source.members or brought.parts:
        return brought
    (archive,) = brought.files
    files = unpack(archive, source.members, work)
    for path, member in zip(files, source.members, strict=True):
        check_download(path, Remote(member, source.address, sha256=source.sha256.get(member)))
    return replace(brought, files=tuple(files))


@contextmanager
def workplace(name: str, source: Source) -> Iterator[Path]:
    """The folder of what has come so far, for one process at a time; it stays where something went wrong."""
    from huggingface_hub.utils import WeakFileLock

    key = sha256_of(f"{source.kind} {source.address} {name}".encode()).hexdigest()[:12]
    folder = model_store() / ".parts" / f"{name}-{key}"
    lock = folder.with_name(f".{folder.name}.lock")  # beside it, since the folder goes while others wait
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AttnI2IError(
            f"{folder} cannot be made ({error.strerror}): set ATTN_I2I_HOME to a folder of yours."
        ) from error
    refuse_links(folder, lock)
    if lock.is_dir():
        raise StoreError(f"{lock} is a folder, where this library makes a file of its own: remove it.")
    with going_on(), _told_of_the_disk(folder), WeakFileLock(lock):
        folder.mkdir(exist_ok=True)  # a process that was faster has removed it
        _cleared(folder)
        yield folder
        shutil.rmtree(folder, ignore_errors=True)


def _cleared(folder: Path) -> None:
    """Remove what no download makes: links, and folders beside those of the Hub's client and of the conversion."""
    for path in folder.iterdir():
        if path.is_symlink():
            path.unlink()
        elif path.is_dir() and path.name not in ("hub", "work"):
            shutil.rmtree(path)


@contextmanager
def _told_of_the_disk(folder: Path) -> Iterator[None]:
    """Say in one line what the system refuses while files are written."""
    try:
        yield
    except AttnI2IError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"the disk of {folder} is full: make room, or set ATTN_I2I_HOME to a folder on another disk. What has"
                " come so far is kept, and gone on with."
            ) from error
        raise WriteError(
            f"{error.filename or folder} cannot be written ({error.strerror or error}): set ATTN_I2I_HOME to a folder"
            " of yours."
        ) from error


@contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
