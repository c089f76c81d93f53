"""What was given in place of a model, or of one of its files: what it is, and the next step."""

from __future__ import annotations

import os
import re
from pathlib import Path
from shlex import quote

from ..files.swapping import mend
from ..registry import suggestion
from ..types import AttnI2IError, ModelError, UnknownNameError
from .places import CONFIG, models_in

# Endings of foreign files, which are converted first.
CHECKPOINTS = (".pth", ".pt", ".ckpt", ".index", ".bin", ".pkl", ".h5")
EXPORTED = (".onnx", ".xml", ".pt2")  # what attn-i2i export writes
# What a file may be instead of what its name says, and the next step for one of a model folder.
EMPTY = "empty"
POINTER = "a Git LFS pointer, not the file itself"
PAGE = "a web page, not the file itself"
TEXT = "a text, not the file itself"
ARCHIVE = "a zip archive"
CHECKPOINT = "a PyTorch checkpoint under another name"
COMPRESSED = "compressed"
NEXT_STEPS = {
    EMPTY: "the download or the copy broke off; get it again",
    POINTER: "run git lfs pull in {folder}, or download the file from the repository's page",
    PAGE: "download it again, by the address of the file",
    TEXT: "get the file again, by its address and with leave to read it",
    CHECKPOINT: "convert it (attn-i2i convert {path} -o DIR)",
    COMPRESSED: "unpack it first",
    ARCHIVE: "unpack it first",
}
RUN = "run.json"  # what a training run is known by
DEEPEST = 3  # RUN/checkpoints/step-00000001/shared.pt
# Endings of files that are no text, but for the oldest pickles.
BINARY = (*CHECKPOINTS, *EXPORTED, ".safetensors", ".npz", ".npy", ".zip", ".tar", ".gz", ".tgz", ".whl")
ARCHIVES = (".zip", ".npz", ".whl")
OLD_PICKLE = re.compile(rb"\((dp|lp)|c[A-Za-z_][\w.]*\n[A-Za-z_]")
EXCERPT = 60  # characters of a text that say whose answer it is
HEAD_BYTES = 512  # a web page, a pointer and every archive tell themselves in their first line
LENGTH_BYTES = 8  # a safetensors file begins with the length of its header
MOST_NAMED = 3  # files by name in a message of one line


def no_model_folder(folder: Path) -> ModelError:
    """The error for a folder without config.json: a run, checkpoints, a folder of models, or something else."""
    if run := run_around(folder):
        return ModelError(f"{folder} is a part of the training run {run}; what a run makes is {run / 'model'}.")
    if (folder / RUN).is_file():
        mend(folder / "model")
        if (folder / "model" / CONFIG).is_file():
            return ModelError(
                f"{folder} is the folder of a training run (it has no {CONFIG}); its model is {folder / 'model'}."
            )
        return ModelError(
            f"{folder} is the folder of a training run that has written no model yet (it has no {CONFIG}): continue"
            " the training, and name the folder model inside it."
        )
    if names := models_in(folder):
        listed = ", ".join(str(folder / name) for name in names[:MOST_NAMED])
        return ModelError(f"{folder} is a folder of models, not one (it has no {CONFIG}): name one of them ({listed}).")
    graphs = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in EXPORTED)
    if graphs:
        return ModelError(
            f"{folder} holds exported graphs such as {graphs[0]}, and no {CONFIG}: name the model that they were"
            " exported from here."
        )
    checkpoints = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in CHECKPOINTS)
    if checkpoints:
        return ModelError(
            f"{folder} holds checkpoints such as {checkpoints[0]}, but no {CONFIG}: convert them first"
            f" (attn-i2i convert {quote(str(folder))} -o DIR), then name DIR."
        )
    return ModelError(
        f"{folder} is no model folder, because it has no {CONFIG}: name a model folder, or a model that attn-i2i list"
        " shows."
    )


def no_model_file(path: Path) -> ModelError:
    """The error for a file, or for nothing, where a model folder was expected."""
    if not path.exists():
        return ModelError(f"{path} does not exist: name a model folder.")
    if path.name == CONFIG or (path.parent / CONFIG).is_file():
        way = f", with direction={path.stem!r}" if path.suffix == ".safetensors" else ""
        return ModelError(f"{path} is a file of the model folder {path.parent}: name the folder{way}.")
    if run := run_around(path):
        return ModelError(f"{path} is a part of the training run {run}; what a run makes is {run / 'model'}.")
    if mistaken := mistaken_for(path):
        return ModelError(mistaken)
    if path.suffix.lower() == ".safetensors":
        return ModelError(
            f"{path} holds weights, but there is no {CONFIG} beside it that says of which network: name a model folder,"
            f" or convert it first (attn-i2i convert {quote(str(path))} -o DIR)."
        )
    if path.suffix.lower() in EXPORTED:
        return ModelError(
            f"{path} is a graph for other runtimes, which load, translate and evaluate take: name the model that it was"
            " exported from here."
        )
    if path.suffix.lower() == ".bin" and (graph := path.with_suffix(".xml")).is_file():
        return ModelError(f"{path} holds the weights of {graph}: name that file.")
    return ModelError(f"{path} is a file, not a model: convert it first (attn-i2i convert {quote(str(path))} -o DIR).")


def run_around(path: Path) -> Path | None:
    """The folder of the training run whose record ``path`` is, or one of its checkpoints; None outside of runs."""
    if not path.exists():
        return None
    for folder in path.absolute().parents[:DEEPEST]:
        if (folder / RUN).is_file() and path.absolute().relative_to(folder).parts[0] in (RUN, "checkpoints"):
            return folder
    return None


def no_such_path(name: str) -> UnknownNameError | None:
    """The error for a name that was meant as a path, an address or a Hub repository; None for a plain name."""
    if not name.strip():
        return UnknownNameError("The name of the model is empty: give a zoo name, a model folder or hf-hub:owner/repo.")
    host, _, rest = name.removeprefix("https://").removeprefix("http://").partition("/")
    if host in ("huggingface.co", "hf.co", "www.huggingface.co"):
        repo = "/".join(rest.split("/")[:2])
        return UnknownNameError(f"{name} is an address: the model's name is hf-hub:{repo}.")
    if name.startswith("hf-hub:"):
        return UnknownNameError(f"{name} is a repository of the Hub, not a card: attn-i2i load {name} fetches it.")
    if re.match(r"[a-z]{2,}://", name, re.IGNORECASE):
        return UnknownNameError(
            f"{name} is an address, not a model's name: get the file or the repository, convert it (attn-i2i convert"
            " FILE -o DIR), and name DIR."
        )
    separators = {"/", os.sep} - {""}
    if not (name.startswith((".", "~")) or any(separator in name for separator in separators)):
        return None
    if os.path.lexists(name) and not Path(name).is_dir():
        what = "is a link to nothing" if Path(name).is_symlink() else "is neither a folder nor a regular file"
        return UnknownNameError(f"{name} {what}: name a model folder.")
    hint = _near(Path(name))
    parts = name.partition("@")[0].split("/")
    if len(parts) == 2 and all(parts) and name[0].isalnum() and not Path(parts[0]).is_dir():
        return UnknownNameError(
            f"There is no folder {name} here; a repository of the Hub is named with hf-hub: before it (hf-hub:{name})."
        )
    return UnknownNameError(
        f"There is no folder {name} (looked for in {Path.cwd()}).{hint} See attn-i2i list for names."
    )


def kind_of(path: Path) -> str | None:
    """What a file is that is well known, but not what its name says; None for anything else."""
    head, suffix = _head(path), path.suffix.lower()
    if head is None:
        return None
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return EMPTY
    if head.startswith(b"version https://git-lfs"):
        return POINTER
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return PAGE
    if head.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04")):
        if suffix in ARCHIVES:
            return ARCHIVE if head.startswith(b"PK") else CHECKPOINT
        return None if suffix in CHECKPOINTS + EXPORTED else CHECKPOINT
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")):
        return COMPRESSED
    return TEXT if suffix in BINARY and _is_text(head, suffix) else None


def _head(path: Path) -> bytes | None:
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return None


def _is_text(head: bytes, suffix: str) -> bool:
    """Whether a file that should hold numbers begins as a text does."""
    if suffix == ".safetensors":  # the length of its header: as a length, text would be a hundred petabytes
        head = head[:LENGTH_BYTES]
    if (suffix == ".xml" and b"<net" in head) or OLD_PICKLE.match(head):
        return False
    try:
        text = head[: HEAD_BYTES - 4 if len(head) == HEAD_BYTES else None].decode("utf-8")  # a letter may be cut
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\t\r\n" for char in text)


def fact_of(path: Path) -> str | None:
    """One sentence on such a file, wherever it stands; None for anything else."""
    kind = kind_of(path)
    return f"{path.name} is {kind}{_excerpt(path, kind)}." if kind else None


def mistaken_for(path: Path) -> str | None:
    """As ``fact_of``, with the next step for a file of a model folder that somebody named."""
    kind = kind_of(path)
    step = kind and NEXT_STEPS[kind].format(path=quote(str(path)), folder=path.parent)
    return f"{path} is {kind}{_excerpt(path, kind)}: {step}." if kind else None


def _excerpt(path: Path, kind: str) -> str:
    """How a text begins, which often is what a server has answered in place of the file."""
    if kind != TEXT:
        return ""
    text = " ".join((_head(path) or b"").decode("utf-8", "replace").split())
    return f" ({text[:EXCERPT]!a})"


def refuse_mistaken(path: Path) -> None:
    """Raise ModelError where a file is something well known that it should not be."""
    if mistaken := mistaken_for(path):
        raise ModelError(mistaken)


def _near(path: Path) -> str:
    """A suggestion from what lies beside a path that does not exist, or the part of it that does not."""
    path = path.expanduser()
    while not path.parent.exists() and path != path.parent:
        path = path.parent
    try:
        beside = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    return suggestion(path.name, beside)


def raise_mistaken(path: Path, cause: BaseException) -> None:
    """As ``refuse_mistaken``, because of an error in reading the file."""
    if mistaken := mistaken_for(path):
        error: AttnI2IError = ModelError(mistaken)
        raise error from cause
