"""A data set by name, into the folders that training reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ...arguments import typed
from ...files import TargetExistsError, atomic_dir
from ...models.card import Card
from ...models.dataset import DataSet
from ...models.source import Source
from ..errors import HubError
from .bring import bring
from .download import require_room
from .errors import FetchError
from .fetch import workplace
from .ledger import note_answer, note_failure
from .policy import require_consent, usable
from .progress import shown_progress
from .unpack import Archive, check_growth, opened, write_member

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")  # what the archives of data sets hold
FOLDERS = {name: name for name in ("trainA", "trainB", "testA", "testB")}


@typed
def fetch_data(data: DataSet, target: Path, *, digest: str | None = None, force: bool = False) -> dict[str, int]:
    """Fetch a data set into ``target``: the pictures of each of its folders, and how many they are.

    ``digest`` is the SHA-256 of the archive where the user knows it. The folder appears whole or not at all. Raises
    FetchError with what each source answered and what a person can do, TargetExistsError for a target that is there.
    """
    _check_target(data, target, force)
    stand_in = as_card(data)
    sources = usable(stand_in, digest)
    if not sources:
        raise FetchError(f"{data.name} cannot be fetched by a program. {by_hand(data)}")
    problems = []
    for source in sources:
        require_consent(stand_in, source, True)
        try:
            counts = _from_source(data, source, target, force)
        except HubError as error:
            note_failure(source, str(error))
            problems.append(f"{source.label}: {str(error).rstrip('.')}")
        else:
            note_answer(source)
            return counts
    raise FetchError(f"{data.name} could not be fetched. {'; '.join(problems)}. {by_hand(data)}")


def _check_target(data: DataSet, target: Path, force: bool) -> None:
    """Refuse early, and never replace a folder that holds anything but such a data set."""
    if target.exists() and not target.is_dir():
        raise TargetExistsError(f"{target} is a file: name a folder that is to be written.")
    held = {path.name for path in target.iterdir()} if target.exists() else set()
    if held and not force:
        raise TargetExistsError(f"{target} exists already and is not empty: choose another folder, or give force=True.")
    if other := sorted(held - set((data.folders or FOLDERS).values())):
        raise TargetExistsError(
            f"{target} holds {other[0]} too, so force=True does not replace it: choose another folder."
        )


def as_card(data: DataSet) -> Card:
    """A card with the sources of a data set, for what looks at cards."""
    return Card(data.name, data.summary, "", "", {}, licence=data.licence, sources=data.sources)


def by_hand(data: DataSet) -> str:
    """What a person can do."""
    places = ", ".join(source.page for source in data.sources if source.state != "dead")
    open_way = any(source.open_way and not source.pinned for source in data.sources)
    told = [
        data.ask,
        "It comes over plain http and nobody states its SHA-256: give digest=DIGITS if you know it."
        if open_way
        else "",
        f"By hand: get it at {places} and unpack it." if places else "",
    ]
    return " ".join(text for text in told if text)


def _from_source(data: DataSet, source: Source, target: Path, force: bool) -> dict[str, int]:
    bare = replace(source, members=())
    with workplace(f"data-{data.name}", source) as folder, shown_progress(data.name) as report:
        (archive,) = bring(bare, folder, report, ()).files
        return lay_out(archive, data.folders or FOLDERS, target, force)


def lay_out(path: Path, folders: Mapping[str, str], target: Path, force: bool = False) -> dict[str, int]:
    """Unpack the pictures that lie in ``folders`` of an archive; the number in each. Names lead nowhere else."""
    target.parent.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys(folders.values(), 0)
    with opened(path) as archive, atomic_dir(target, force=force) as work:
        chosen = _pictures(archive, folders)
        sizes = archive.sizes()
        require_room(target.parent, check_growth(path, sizes, chosen), f"unpacking {path.name}")
        for name, (folder, file) in chosen.items():
            (work / folder).mkdir(exist_ok=True)
            write_member(archive, name, work / folder / file, path, sizes[name])
            counts[folder] += 1
        if empty := [folder for folder, count in counts.items() if not count]:
            raise FetchError(f"{path.name} has no pictures for {', '.join(empty)}")
    return counts


def _pictures(archive: Archive, folders: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The folder and file name of each picture, by its name in the archive."""
    chosen: dict[str, tuple[str, str]] = {}
    for name in archive.sizes():
        path = PurePosixPath(name)
        where = path.parent.name
        if path.suffix.lower() in PICTURES and where in folders and not path.name.startswith("."):
            chosen[name] = (folders[where], path.name)
    if len(set(chosen.values())) < len(chosen):
        raise FetchError("the archive holds two pictures of one name in one folder")
    return chosen
