"""Files of weights by name: where they lie on this machine, or where they are fetched from."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ...files import sha256
from ...models.mistaken import refuse_mistaken
from ...models.places import model_store
from ...types import ModelError, UnreadableFileError


class KnownFile(NamedTuple):
    """A published file: its name here, where it is fetched from, and how its SHA-256 begins."""

    name: str
    url: str
    digest: str


INCEPTION = KnownFile(
    "weights-inception-2015-12-05-6726825d.pth",
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    "6726825d",
)
BACKBONES = {
    "alex": KnownFile(
        "alexnet-owt-7be5be79.pth", "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth", "7be5be79"
    ),
    "vgg": KnownFile("vgg16-397923af.pth", "https://download.pytorch.org/models/vgg16-397923af.pth", "397923af"),
}


def feature_store() -> Path:
    """The folder of fetched weights and cached features, inside the model store."""
    return model_store() / "features"


def lies_here(file: KnownFile) -> Path | None:
    """Where ``file`` lies on this machine: in the feature store, or among what torch.hub has fetched."""
    places = (feature_store(), Path(torch.hub.get_dir(), "checkpoints"))
    return next((place / file.name for place in places if (place / file.name).is_file()), None)


def fetched(file: KnownFile) -> Path:
    """``file`` on this machine, fetched where it is not here yet, its SHA-256 checked. Raises ModelError."""
    path = lies_here(file)
    if path is None:
        path = feature_store() / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(file.url, str(path), hash_prefix=file.digest, progress=False)
        except (OSError, RuntimeError) as error:
            raise ModelError(
                f"{file.name} could not be fetched from {file.url} ({error}): put it into {path.parent} yourself, or"
                " give its path."
            ) from error
    if not sha256(path).startswith(file.digest):
        raise ModelError(f"{path} is damaged: its SHA-256 does not begin with {file.digest}; remove it.")
    return path


def lpips_heads(backbone: str) -> Path:
    """The weights by channel that the lpips package ships, without importing it. Raises ModelError."""
    if (path := lpips_heads_here(backbone)) is not None:
        return path
    raise ModelError(
        "LPIPS needs the weights by channel that the lpips package ships: pip install lpips, or put its"
        f" weights/v0.1/{backbone}.pth at {feature_store() / f'lpips-{backbone}.pth'}."
    )


def lpips_heads_here(backbone: str) -> Path | None:
    """Where those weights lie on this machine."""
    package = importlib.util.find_spec("lpips")
    for place in (package.submodule_search_locations or ()) if package else ():
        if (path := Path(place, "weights", "v0.1", f"{backbone}.pth")).is_file():
            return path
    path = feature_store() / f"lpips-{backbone}.pth"
    return path if path.is_file() else None


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors or PyTorch file, read without executing anything.

    Raises UnreadableFileError, and ModelError for a pointer, a web page or a text in the place of weights.
    """
    refuse_mistaken(path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damage shows in any form, and pickles that are refused advise to trust them
        raise UnreadableFileError(
            f"{path} cannot be read as weights: expected tensors by name, as torch.save or safetensors write them."
        ) from error
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise UnreadableFileError(f"{path} holds no tensors by name: expected a state dict, as torch.save writes it.")
    return state


def digest_of(state: Mapping[str, Tensor]) -> str:
    """A SHA-256 of the names, shapes and values of tensors, for weights that come in no file."""
    total = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()
