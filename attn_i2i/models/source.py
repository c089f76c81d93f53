"""Where the weights of a model can be had: one source of a card, its files, and what they must hash to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from ..types import ModelError

KINDS = ("hub", "zenodo", "http", "dropbox", "index", "drive")
"""In order of trust: what states a hash of each file comes before a bare address, a counter for people comes last."""

_ADDRESSES = {
    "hub": (r"[\w.-]+/[\w.-]+", "owner/name"),
    "zenodo": (r"\d+", "the number of a record"),
    "http": (r"https?://[^\s/@?]+/\S+", "an address that starts with https:// or http://"),
    "dropbox": (r"https://www\.dropbox\.com/\S+", "an address of www.dropbox.com"),
    "index": (r"[A-Za-z0-9][\w.-]*==[\w.]+", "NAME==VERSION"),
    "drive": (r"[\w-]{10,}", "the id of a file or folder"),
}
_HUB_PAGES = {"model": "", "space": "spaces/", "dataset": "datasets/"}


@dataclass(frozen=True)
class Source:
    """One place that holds the authors' files.

    ``address`` depends on ``kind``: owner/name on the Hub, a Zenodo record's number, a web address, an index's
    NAME==VERSION, or an id on Google Drive. ``files`` are fetched from there, ``members`` (names or patterns) are taken
    out of the archive among them. ``sha256`` maps names of files and members to 64 digits, or to the first eight or
    more if no more is published. ``evidence`` says who states them. ``size`` is exact and checked, ``about`` is what
    people say; both in bytes. ``state`` is "manual" for a place that only a person can use, "dead" for one that answers
    no more. ``mirror`` marks a copy that is not the authors' own. ``variables`` maps directions to the beginning of
    their names in a TensorFlow bundle, whose other parts need not be fetched. ``networks`` says the direction or domain
    of each network by its name, and ``layout`` is for ``convert``, where no key tells it.
    """

    kind: Literal["hub", "zenodo", "http", "dropbox", "index", "drive"]
    address: str
    files: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    revision: str | None = None
    repo_type: Literal["model", "space", "dataset"] = "model"
    size: int | None = None
    about: int | None = None
    sha256: Mapping[str, str] = field(default_factory=dict)
    evidence: str = ""
    state: Literal["unchecked", "manual", "dead"] = "unchecked"
    mirror: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    layout: str | None = None
    note: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The files to fetch; for a bare address its last part."""
        return self.files or (urlsplit(self.address).path.rpartition("/")[2],)

    @property
    def takes(self) -> tuple[str, ...]:
        """What lies on the disk once everything is unpacked, as ``convert`` takes it."""
        inner = [name for name in self.members or self.names if ".data-" not in name]
        return tuple(name.rpartition("/")[2] for name in inner)

    @property
    def pinned(self) -> bool:
        """Whether it is known beforehand, byte for byte, what will come."""
        if self.kind == "hub" and re.fullmatch(r"[0-9a-f]{40}", self.revision or ""):
            return True
        return all(len(self.sha256.get(name, "")) == 64 for name in self.names)

    @property
    def open_way(self) -> bool:
        """Whether the bytes come over plain http, where anybody on the way can change them."""
        return self.kind == "http" and self.address.startswith("http:")

    @property
    def label(self) -> str:
        """The kind of place, for people."""
        if self.kind == "hub":
            return "Hub" if self.repo_type == "model" else f"Hub {self.repo_type}"
        names = {"zenodo": "Zenodo", "http": "web", "dropbox": "Dropbox", "index": "package index"}
        return names.get(self.kind, "Google Drive")

    @property
    def page(self) -> str:
        """The address for a browser."""
        if self.kind == "hub":
            place = f"https://huggingface.co/{_HUB_PAGES[self.repo_type]}{self.address}"
            whole = re.fullmatch(r"[0-9a-f]{40}", self.revision or "")
            return f"{place}/blob/{self.revision if whole else 'main'}/{self.names[0]}"
        if self.kind == "index":
            return f"https://pypi.org/project/{self.address.replace('==', '/')}/#files"
        if self.kind == "drive":
            folder = not self.files
            return f"https://drive.google.com/{'open?id=' if folder else 'file/d/'}{self.address}"
        return f"https://zenodo.org/records/{self.address}" if self.kind == "zenodo" else self.address


def check_source(source: Source, where: str) -> None:
    """Raise ModelError, in one line that starts with ``where``, for what one field of a source alone cannot tell."""
    pattern, expected = _ADDRESSES[source.kind]
    if not re.fullmatch(pattern, source.address):
        raise ModelError(f"{where}: address is {source.address!r}, expected {expected}.")
    if not _is_address(source):
        raise ModelError(f"{where}: address is {source.address!r}, whose host or port is none.")
    if source.kind in ("hub", "zenodo", "index") and not source.files:
        raise ModelError(f"{where}: files is missing: which files of {source.address}?")
    if not all(source.names):
        raise ModelError(f"{where}: files is missing: the address {source.address!r} ends in no file's name.")
    if source.revision is not None and not re.fullmatch(r"[0-9a-f]{7,40}", source.revision):
        raise ModelError(f"{where}: revision is {source.revision!r}, expected a commit of 7 to 40 digits.")
    for name in (*source.names, *source.members):
        if name.startswith("/") or ".." in name.split("/"):
            raise ModelError(f"{where}: {name!r} leads elsewhere: expected a name inside the source.")
    _check_digests(source, where)


def _is_address(source: Source) -> bool:
    """Whether a web address has a host, and a port if it names one; other places have no address."""
    try:
        parts = urlsplit(source.address)
        return source.kind not in ("http", "dropbox") or bool(parts.hostname and parts.port != 0)
    except ValueError:
        return False


def _check_digests(source: Source, where: str) -> None:
    for name, digest in source.sha256.items():
        if not re.fullmatch(r"[0-9a-f]{8,64}", digest):
            raise ModelError(f"{where}: the sha256 of {name} is {digest!r}, expected 64 hexadecimal digits.")
        if name not in (*source.names, *source.members):
            raise ModelError(f"{where}: sha256 names {name!r}, which is none of its files and members.")
    if source.sha256 and not source.evidence:
        raise ModelError(f"{where}: evidence is missing: who states its sha256?")
