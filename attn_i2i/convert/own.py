"""What this library wrote itself: models, parts of runs, and networks under its own names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import torch

from ..models.build import builder
from ..models.config import CONFIG, read_config
from ..models.mistaken import RUN, no_model_folder, run_around
from ..plugins import zoo
from ..registry import INTERRUPTIONS
from ..types import AttnI2IError, ConversionError, StateDict

SAMPLE = 400  # names that are looked at: enough for any one network
MOST_PARTS = 32  # parts of a name that are looked at: names of this library have 6, and a few dictionaries around them
OWN_SHARE, PRESENT_SHARE = 0.9, 0.5  # of a file's names and of a network's: options add some names and take some away
NORM = re.compile(r"(.*\.)?(norm\w*\..*|rho|gamma|beta|running_\w+|num_batches_tracked)")  # as options choose norms


def refuse_own(source: Path) -> None:
    """Raise ConversionError for a model folder, a training run, or a part of either: they are converted."""
    if (source / RUN).is_file() and ((source / "model" / CONFIG).is_file() or (source / "checkpoints").is_dir()):
        raise ConversionError(str(no_model_folder(source)))
    if run := run_around(source):
        raise ConversionError(f"{source} is a part of the training run {run}; what a run makes is {run / 'model'}.")
    folder = source if source.is_dir() else source.parent
    if not (source.is_dir() or source.suffix == ".safetensors") or not _is_model(folder):
        return
    what = "a model folder already" if folder == source else f"a file of the model folder {folder}"
    raise ConversionError(f"{source} is {what}: there is nothing to convert, so load {folder} as it is.")


def _is_model(folder: Path) -> bool:
    """Whether a folder is a model of this library; others call a file of their own config.json, too."""
    try:
        return (folder / CONFIG).is_file() and bool(read_config(folder).directions)
    except AttnI2IError:
        return False


def own_names(state: StateDict) -> str:
    """What to do with tensors under the names of a registered network; empty where they have others.

    No shape tells all of a network's options, so that such a file is not converted: its norms or its padding would be
    a guess.
    """
    names = [name for name in islice(state, SAMPLE) if not NORM.fullmatch(name)]
    best, fitting = 0.0, ("", "")
    for role, architecture, vocabulary in _networks():
        seen = [own for own in (_own(name, vocabulary) for name in names) if own]
        present = len(set(seen)) / len(vocabulary)
        if names and len(seen) >= OWN_SHARE * len(names) and present >= PRESENT_SHARE and present > best:
            best, fitting = present, (role, architecture)
    role, architecture = fitting
    if not role:
        return ""
    if role == "discriminator":  # several architectures share these names
        return (
            "these are the names that a discriminator of this library has itself: it is stored with its generators, by"
            " attn_i2i.models.save_model(discriminators=)."
        )
    return (
        f"these are the names that {architecture} has in this library, but its options are not in the file. With those"
        " that create() was given, write a model folder: attn_i2i.models.save_model(FOLDER,"
        f" attn_i2i.models.ModelConfig({architecture!r}, OPTIONS, ['A2B']), {{'A2B': STATE_DICT}})."
    )


def _networks() -> Iterator[tuple[str, str, set[str]]]:
    """Each registered network that can be built without options: role, name, and the names of its tensors."""
    for role, registry in (("generator", zoo().generators), ("discriminator", zoo().discriminators)):
        for entry in registry:
            try:
                build = builder("generators" if role == "generator" else "discriminators", entry.name, {})
                with torch.device("meta"):
                    vocabulary = _plain(build().state_dict())
            except INTERRUPTIONS:
                raise
            except BaseException:  # a stranger's factory may raise anything, and it is no matter here
                continue
            if vocabulary:
                yield role, entry.name, vocabulary


def _plain(names: Iterable[str]) -> set[str]:
    """Names without those of norms, every number as 0: a file may have more blocks or masks."""
    return {re.sub(r"\d+", "0", name) for name in names if not NORM.fullmatch(name)}


def _own(name: str, vocabulary: set[str]) -> str:
    """The end of a name that the network has; dictionaries and modules may stand around the network."""
    parts = re.sub(r"\d+", "0", name).split(".")[-MOST_PARTS:]
    return next((end for start in range(len(parts)) if (end := ".".join(parts[start:])) in vocabulary), "")
