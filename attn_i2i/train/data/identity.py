"""Which pictures a run is trained on, so that resuming it on others, or on domains in another order, is noticed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# Pictures of a domain whose contents are looked at: enough to tell two domains of equal names apart.
SAMPLES = 5
# A shard is as large as it likes: its beginning tells it from others.
BEGINNING = 2**20


def identity(
    root: Path, groups: Mapping[str, Sequence[str]], labels: bytes | None, domains: Sequence[str] | None
) -> dict[str, Any]:
    """Plain values: domains in their order, the number of files of each group, digests of names, labels and samples."""
    names = hashlib.sha256()
    for group, files in groups.items():
        names.update(b"\0".join([b"", os.fsencode(group), *(_name(file, root) for file in files)]))
    return {
        "domains": list(groups if domains is None else domains),
        "pictures": {group: len(files) for group, files in groups.items()},
        "names": names.hexdigest(),
        "labels": None if labels is None else hashlib.sha256(labels).hexdigest(),
        "samples": {group: [_digest(file) for file in spread(files)] for group, files in groups.items()},
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two identities, in words.

    A picture that was replaced is no difference, as a corrupt one may be; most of a domain's samples are.
    """
    if before.get("domains") != now["domains"]:
        yield f"the domains {_listed(before)} (now {_listed(now)})"
    elif before.get("names") != now["names"]:
        yield f"other pictures (their names differ: {_counts(before)}, now {_counts(now)})"
    elif before.get("labels") != now["labels"]:
        yield "other pictures (their labels differ)"
    else:
        yield from _other_contents(before.get("samples", {}), now["samples"])


def _other_contents(before: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> Iterator[str]:
    for group, samples in now.items():
        old = before.get(group, [])
        changed = sum(before_digest != other for before_digest, other in zip(old, samples, strict=False))
        elsewhere = {digest for name, others in before.items() if name != group for digest in others} - set(old)
        if len(elsewhere & set(samples)) * 2 > len(samples):
            yield f"other pictures (those in {group} were in another domain)"
        elif changed > max(1, len(samples) // 2):
            yield f"other pictures (those in {group} have other contents)"


def _listed(identity: Mapping[str, Any]) -> str:
    domains = identity.get("domains")
    return ", ".join(map(str, domains)) if isinstance(domains, list) else "none"


def _counts(identity: Mapping[str, Any]) -> str:
    pictures = identity.get("pictures")
    return ", ".join(f"{count} in {name}" for name, count in pictures.items()) if isinstance(pictures, dict) else "none"


def _name(file: str, root: Path) -> bytes:
    return os.fsencode(os.path.relpath(file, root).replace(os.sep, "/"))


def spread(files: Sequence[str], number: int = SAMPLES) -> list[str]:
    """Up to ``number`` of the files, at even distances."""
    count = min(number, len(files))
    return [files[len(files) * index // count] for index in range(count)]


def _digest(file: str) -> str:
    with Path(file).open("rb") as stream:
        return hashlib.sha256(stream.read(BEGINNING)).hexdigest()
