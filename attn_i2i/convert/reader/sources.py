"""Which files a checkpoint consists of: a file, a TensorFlow prefix or a folder."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from ...arguments import typed
from ...types import UnreadableFileError
from .paths import one_line, shown_name
from .sniff import is_checkpoint

_DATA = re.compile(r"\.data-\d{5}-of-\d{5}$")
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(\.\w+)")
_STATE = re.compile(
    r"(optimizer|scheduler|scaler|random_states|rng_state|training_args|sampler|dl_state_dict)[_\d]*\.\w+"
)
"""Files of a training's state that accelerate and transformers put beside the weights."""
# Endings of checkpoints: other files of a folder are not read.
_WEIGHTS = {".pth", ".pt", ".ckpt", ".pkl", ".bin", ".tar", ".safetensors"}


@typed
def checkpoint_files(source: str | Path) -> list[Path]:
    """The files to read for ``source``, sorted by name.

    A file stands for itself. A TensorFlow bundle stands for its .index; its prefix, its .index, its .data file, the
    ``checkpoint`` file or the folder may be given. In a folder with several bundles the ``checkpoint`` file decides.
    Any other folder stands for the checkpoints inside. Raises UnreadableFileError where nothing, or no single bundle,
    is found.
    """
    source = Path(source)
    try:
        return _files(source)
    except UnreadableFileError:
        raise
    except OSError as error:
        where = source if error.filename is None else Path(error.filename)
        raise UnreadableFileError(f"{one_line(where)} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a zero byte in the name
        raise UnreadableFileError(f"{one_line(source)} cannot be the name of a file: {error}.") from error


def _files(source: Path) -> list[Path]:
    if source.is_dir():
        return _in_folder(source)
    if source.name.endswith(".index.json") and source.is_file():
        return _listed_shards(source)
    index = _index_of(source)
    if source.exists() and not _DATA.search(source.name):
        latest = _latest(source) if source.name == "checkpoint" else None
        return [latest or source]
    if index.is_file():
        return [index]
    if source.exists() or list(source.parent.glob(f"{_escaped(source.name)}.data-*-of-*")):
        raise UnreadableFileError(
            f"{one_line(source)} is TensorFlow data without its {shown_name(index)}; put that file beside it."
        )
    raise UnreadableFileError(
        f"{one_line(source)} does not exist; give a checkpoint file, a TensorFlow prefix or a folder."
    )


def _in_folder(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    indices = [path for path in files if path.suffix == ".index"]
    if indices:
        return [_single(folder, indices)]
    data = next((path for path in files if _DATA.search(path.name)), None)
    if data is not None:
        raise UnreadableFileError(
            f"{one_line(data)} is TensorFlow data without its {shown_name(_index_of(data))}; put it beside it."
        )
    files = [path for path in files if not _STATE.fullmatch(path.name)]
    checkpoints = [path for path in files if path.suffix.lower() in _WEIGHTS or is_checkpoint(path)]
    if not checkpoints:
        names = ", ".join(map(shown_name, files[:5]))
        what = f"holds no checkpoint, only {names}" if names else "holds no files"
        raise UnreadableFileError(f"{one_line(folder)} {what}; give the folder with the weights.")
    return checkpoints


def _listed_shards(index: Path) -> list[Path]:
    """The files that an index of the Hub's libraries names; all of them lie beside it."""
    try:
        names = {str(name) for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UnreadableFileError(f"{one_line(index)} is no index of shards; give the files of weights.") from None
    wrong = sorted(name for name in names if not _SHARD.fullmatch(name) or "/" in name or "\\" in name)
    if wrong or not names:
        raise UnreadableFileError(f"{one_line(index)} names no shards beside it; give the files of weights.")
    if missing := sorted(name for name in names if not (index.parent / name).is_file()):
        raise UnreadableFileError(
            f"{one_line(index)} names {missing[0]}, which is not beside it; put all shards there."
        )
    return [index.parent / name for name in sorted(names)]


def whole_files(files: Sequence[Path]) -> list[tuple[str, list[Path]]]:
    """Files by the name of the checkpoint that they hold: the shards of one come together.

    Raises UnreadableFileError where a shard is missing.
    """
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path in files:
        match = _SHARD.fullmatch(path.name)
        groups.setdefault((path.parent, match[1] + match[4] if match else path.name), []).append(path)
    for (_, name), parts in groups.items():
        match = _SHARD.fullmatch(parts[0].name)
        if match and len({path.name for path in parts}) != int(match[3]):
            raise UnreadableFileError(
                f"{one_line(parts[0])} is one of {int(match[3])} shards of {name}; give all of them, or their folder."
            )
    return [(shown_name(Path(name)), parts) for (_, name), parts in groups.items()]


def _single(folder: Path, indices: list[Path]) -> Path:
    latest = _latest(folder / "checkpoint")
    if latest in indices:
        return latest
    if len(indices) == 1:
        return indices[0]
    names = ", ".join(map(shown_name, indices))
    raise UnreadableFileError(f"{one_line(folder)} holds several TensorFlow checkpoints ({names}); give one of them.")


def _latest(note: Path) -> Path | None:
    """The .index that a ``checkpoint`` file names; folders in it belong to the machine that wrote it."""
    if not note.is_file():
        return None
    with note.open("rb") as stream:
        text = stream.read(65536).decode("utf-8", "replace")
    match = re.search(r'^model_checkpoint_path:\s*"([^"]*)"', text, re.MULTILINE)
    name = re.split(r"[/\\]", match[1])[-1] if match else ""
    index = note.parent / f"{name}.index"
    return index if name and index.is_file() else None


def _index_of(path: Path) -> Path:
    return path.with_name(_DATA.sub("", path.name) + ".index")


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
