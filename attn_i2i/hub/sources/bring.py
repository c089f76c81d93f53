"""The files of one source onto this machine, verified by whatever is known of them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...files import sha256
from ...models.source import Source
from .bundle import ByteRange, PartialBundle, sift
from .download import PAUSES, Remote, chunks_of, download, require_room
from .errors import FetchError, FirstUseWarning, TransientFetchError
from .hub_files import HubFile, describe, fetch_hub_file, moved_on
from .kinds import locate
from .ledger import hold_to_first_use
from .progress import Listener
from .unpack import MOST_GROWTH, members_of, opened
from .web import ask


@dataclass(frozen=True)
class Brought:
    """Files as they came, and what is to be recorded of them. ``parts`` are files of one direction each."""

    files: tuple[Path, ...]
    record: Mapping[str, Any]
    parts: Mapping[str, Path] = field(default_factory=dict)


def bring(source: Source, folder: Path, report: Listener, directions: Collection[str]) -> Brought:
    """Fetch the files of ``source`` into ``folder``; a file that came whole before is not fetched again."""
    if source.kind == "hub" and source.variables:
        return _bundle_by_ranges(source, folder, report, directions)
    if source.kind == "hub":
        return _hub_files(source, folder, report)
    files = []
    for remote in locate(source):
        path = download(remote, folder, report)
        trust = _trust(source, remote.name, path, _stated_by(source, remote))
        files.append(path)
    record = _record(source, {path.name: sha256(path) for path in files}, trust)
    if source.variables:
        return _bundle_in_archive(source, files[0], folder, report, record, directions)
    return Brought(tuple(files), record)


def _stated_by(source: Source, remote: Remote) -> str | None:
    """Who says what the whole file must hash to."""
    if len(source.sha256.get(remote.name, "")) == 64:
        return f"SHA-256: {source.evidence}"
    if remote.md5:
        return f"MD5, stated by {source.label}"
    return f"SHA-256, stated by the {source.label}" if len(remote.sha256 or "") == 64 else None


def _trust(source: Source, name: str, path: Path, stated: str | None) -> str:
    """Why a file is trusted. Where nobody states a hash, it is what later ones must be, and that is said."""
    try:
        first = hold_to_first_use(source, name, sha256(path))
    except FetchError:
        path.unlink()  # the next try asks again, and may get what it was
        raise
    if stated:
        return stated
    if first:
        warnings.warn(
            f"Nobody states a whole SHA-256 of {name} ({source.label}): it is trusted at this first use, and noted",
            FirstUseWarning,
            stacklevel=2,
        )
    return "first use"


def _record(source: Source, files: Mapping[str, str], trust: str, **more: Any) -> dict[str, Any]:
    """What config.json says of the origin; no dates, so that the same files give the same bytes."""
    return {"kind": source.kind, "address": source.address, "files": dict(files), "trust": trust, **more}


def _hub_files(source: Source, folder: Path, report: Listener) -> Brought:
    files, commit, trust = [], "", ""
    for name in source.names:
        path, described = fetch_hub_file(source, name, folder, report)
        commit = described.commit
        trust = _trust(source, name, path, _hub_word(source))
        files.append(path)
    _tell_moved(source, commit)
    sums = {path.name: sha256(path) for path in files}
    return Brought(tuple(files), _record(source, sums, trust, revision=commit, repo_type=source.repo_type))


def _hub_word(source: Source) -> str | None:
    return "a commit on the card, and the Hub's hash" if source.pinned else None


def _tell_moved(source: Source, commit: str) -> None:
    if text := moved_on(source, commit):
        warnings.warn(text, FirstUseWarning, stacklevel=3)


def _bundle_by_ranges(source: Source, folder: Path, report: Listener, directions: Collection[str]) -> Brought:
    """Only the wanted variables of a bundle that lies unpacked on the Hub."""
    index_name, data_name = _bundle_names(source.names)
    index, described = fetch_hub_file(source, index_name, folder, report)
    data = describe(source, data_name)
    if data.remote.size is None:
        raise FetchError(f"the Hub does not say how large {data_name} is")
    _tell_moved(source, described.commit)
    trust = _trust(source, index_name, index, _hub_word(source))
    bundles = {
        direction: PartialBundle(folder / f"{direction}.safetensors", index, data.remote.size, [prefix])
        for direction, prefix in source.variables.items()
        if direction in directions
    }
    total = sum(bundle.size for bundle in bundles.values())
    require_room(folder, total, source.address)
    done = 0
    for bundle in bundles.values():
        runs = bundle.missing()
        done += bundle.size - sum(v.size for run in runs for v in run.variables)
        for run in runs:
            for came in _ask_run(bundle, run, data):
                done += came
                report(done, total)
    parts = {direction: bundle.path for direction, bundle in bundles.items()}
    record = _record(source, {index.name: sha256(index)}, trust, revision=described.commit, repo_type=source.repo_type)
    return Brought(tuple(parts.values()), record, parts)


def _ask_run(bundle: PartialBundle, run: ByteRange, data: HubFile) -> Iterator[int]:
    """One range, gone on with where it breaks off until no new try brings any bytes."""
    pauses, farthest = iter(PAUSES), run.start
    while True:
        start = bundle.reached(run)
        headers = {**data.remote.headers, "Range": f"bytes={start}-{run.end - 1}"}
        try:
            with ask(data.remote.url, hosts=data.remote.hosts, headers=headers) as answer:
                if answer.status != 206:
                    raise FetchError("the Hub answered with the whole file where a part was asked for")
                yield from bundle.fill(run, chunks_of(answer))
            return
        except TransientFetchError:
            if bundle.reached(run) > farthest:
                pauses, farthest = iter(PAUSES), bundle.reached(run)
            pause = next(pauses, None)
            if pause is None:
                raise
            time.sleep(pause)


def _bundle_in_archive(
    source: Source, path: Path, folder: Path, report: Listener, record: dict[str, Any], directions: Collection[str]
) -> Brought:
    """The wanted variables out of a packed bundle, which is read through once."""
    with opened(path) as archive:
        names = members_of(archive, source.members, path.name)
        index_name, data_name = _bundle_names(names)
        index = folder / "bundle.index"
        index.write_bytes(b"".join(archive.chunks(index_name)))
        size = archive.sizes()[data_name]
        room = size if archive.exact else max(size, MOST_GROWTH * path.stat().st_size)
        bundles = {
            direction: PartialBundle(folder / f"{direction}.safetensors", index, room, [prefix])
            for direction, prefix in source.variables.items()
            if direction in directions
        }
        require_room(folder, sum(bundle.size for bundle in bundles.values()), source.address)
        done = 0
        if any(bundle.missing() for bundle in bundles.values()):
            for came in sift(list(bundles.values()), archive.chunks(data_name)):
                done += came
                report(done, size)
    parts = {direction: bundle.path for direction, bundle in bundles.items()}
    return Brought(tuple(parts.values()), record, parts)


def _bundle_names(names: Collection[str]) -> tuple[str, str]:
    index = [name for name in names if name.endswith(".index")]
    data = [name for name in names if ".data-" in name]
    if len(index) != 1 or len(data) != 1:
        raise FetchError(f"a TensorFlow bundle is one .index and one .data file, not {', '.join(names)}")
    return index[0], data[0]
