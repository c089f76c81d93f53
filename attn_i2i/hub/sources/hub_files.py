"""The authors' files in a Hub repository, space or data set: the Hub's own client asks, and fetches."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ...models.source import Source
from ..client import COMMIT, DIGEST
from ..errors import explained, no_hub
from ..reach import require_hub
from .download import Remote, check_download
from .errors import address_parts
from .progress import Listener

HUB_HOSTS = (".huggingface.co", ".hf.co", "huggingface.co", "hf.co")
"""The Hub's own hosts for contents."""


class HubFile(NamedTuple):
    """What the Hub says of a file: its commit, its hash (64 digits of SHA-256, or 40 of git), where its bytes are."""

    remote: Remote
    commit: str
    digest: str


def describe(source: Source, name: str) -> HubFile:
    """Ask the Hub about one file. The token goes to the Hub itself, never to where the bytes are."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    require_hub(source.address)
    with explained(source.address):
        url = hf_hub_url(source.address, name, repo_type=source.repo_type, revision=_revision(source))
        stated = get_hf_file_metadata(url, timeout=10)
    commit, digest = stated.commit_hash or "", stated.etag or ""
    if not COMMIT.fullmatch(commit) or not DIGEST.fullmatch(digest):
        raise no_hub(source.address)
    if _revision(source) not in (None, commit):
        raise no_hub(source.address)
    hub = urlsplit(constants.ENDPOINT)
    own = address_parts(stated.location).netloc == hub.netloc
    headers = build_hf_headers(library_name="attn-i2i") if own else {}
    expected = source.sha256.get(name) or (digest if len(digest) == 64 else None)
    remote = Remote(
        name, stated.location, (hub.hostname or "", *HUB_HOSTS), stated.size, expected, headers=dict(headers)
    )
    return HubFile(remote, commit, digest)


def fetch_hub_file(source: Source, name: str, folder: Path, report: Listener) -> tuple[Path, HubFile]:
    """Bring one whole file into ``folder``; the client goes on with a download that was interrupted."""
    from huggingface_hub import hf_hub_download

    described = describe(source, name)
    with explained(source.address, folder):
        path = Path(
            hf_hub_download(
                source.address, name, repo_type=source.repo_type, revision=described.commit, local_dir=folder / "hub"
            )
        )
    check_download(path, described.remote)
    report(path.stat().st_size, described.remote.size)
    return path, described


def moved_on(source: Source, commit: str) -> str:
    """A sentence where the repository is not as it was when its card was written; else nothing."""
    if source.revision is None or commit.startswith(source.revision):
        return ""
    return f"{source.address} is at {commit[:12]} now, its card was written for {source.revision}."


def _revision(source: Source) -> str | None:
    """A commit as it is; an abbreviated one cannot be asked for, so the newest is, and the difference told."""
    return source.revision if re.fullmatch(r"[0-9a-f]{40}", source.revision or "") else None
