"""From a name to a model folder and its card: the package, the model store, then the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..arguments import typed
from ..files.swapping import mend
from ..models.card import UNSTATED, Card
from ..models.cards import find_card, get_card
from ..models.config import CONFIG, ModelConfig
from ..models.mistaken import no_model_file
from ..models.places import installed_folder, model_store, shipped_models
from ..models.trust import check_private
from ..types import ConfigError
from .licences import require_licence
from .sources import fetch_model
from .sources.policy import usable
from .store import fetch as fetch_from_hub
from .whole import check_folder, check_whole

HUB = "hf-hub:"  # the prefix that timm and others use for a repository on the Hub


class FoundModel(NamedTuple):
    """Where a model is, and the zoo card that its name means; a folder and a Hub repository have none."""

    folder: Path
    card: Card | None = None


@typed
def find_model(
    name: str | Path, *, revision: str | None = None, accept_license: bool = False, fetch: bool | None = None
) -> FoundModel:
    """The folder and card of a model, fetched if need be, its files checked against their SHA-256.

    ``name`` is a model folder, a zoo name, or ``"hf-hub:owner/repo"`` with an optional ``@revision``. A zoo name is
    looked up in the package, in the model store, then on the Hub at the card's commit. A model that is stored makes no
    request. For a branch the Hub is asked for its newest commit; if the Hub cannot be reached, the last known commit is
    taken. A card without weights on the Hub leads to the authors' file, which is fetched and converted. That needs
    ``fetch=True``, unless the file is pinned by a hash and has at most 500 MB. Restricted licences raise LicenceError
    until they were accepted once. A folder's configuration and generators are checked here, against its SHA256SUMS if
    it has one; its discriminators are checked when they are opened.

    Raises UnknownNameError, ModelError for what is no model, HubError, LicenceError, or ChecksumError for a file that
    is not what it should be.
    """
    if str(name).startswith(HUB):
        return FoundModel(_from_hub(*_split(str(name).removeprefix(HUB), revision), accept_license))
    if name and (place := _place(name)) is not None:
        if revision is not None:
            raise ConfigError(f"revision={revision!r} was given, but {name} is a folder: leave it out.")
        check_folder(place)
        return FoundModel(place)
    return _by_name(str(name), revision, accept_license, fetch)


def _place(name: str | Path) -> Path | None:
    """The model folder that a path names; None for a name of the zoo, even where a folder that is no model has it."""
    path = Path(name)
    mend(path)
    if path.is_file():
        raise no_model_file(path)
    if not path.is_dir():
        return None
    if not (path / CONFIG).exists() and (find_card(str(name)) or installed_folder(str(name))):
        return None
    return path


def _by_name(name: str, revision: str | None, accept: bool, fetch: bool | None) -> FoundModel:
    card = find_card(name)
    if installed_folder(name) is None:
        card = card or get_card(name)
        name = card.name
    if revision is None and (folder := installed_folder(name)) is not None:
        return FoundModel(_installed(name, folder, card, accept), card)
    if card is None:
        raise ConfigError(f"revision={revision!r} was given, but {name} is a model of this machine: leave it out.")
    if revision is not None and (card.weights is None or card.weights.repo is None):
        raise ConfigError(
            f"revision={revision!r} was given, but {name} comes from no repository of the Hub: leave it out."
        )
    if card.weights is None or card.weights.repo is None:
        return FoundModel(fetch_model(card, accept_license=accept, fetch=fetch), card)
    pinned = revision in (None, card.weights.revision)
    wanted = card.weights.revision if pinned else revision
    return FoundModel(_from_hub(card.weights.repo, wanted, accept, card, pinned=pinned), card)


def _split(text: str, revision: str | None) -> tuple[str, str | None]:
    """Repository and revision of ``owner/repo[@revision]``."""
    repo, _, written = text.partition("@")
    if written and revision not in (None, written):
        raise ConfigError(f"{HUB}{text} and revision={revision!r} name two revisions: give one.")
    return repo, revision or written or None


def _installed(name: str, folder: Path, card: Card | None, accept: bool) -> Path:
    """A model of the package or the model store, its licence accepted and its files checked."""
    shipped = folder.is_relative_to(shipped_models())
    if not shipped:
        check_private(model_store(), folder)
    digests = card.weights.sha256 if shipped and card and card.weights else None
    hint = "install the package again" if shipped else f"convert it again (attn-i2i convert FILE --as {name} --force)"
    if not shipped and card is not None and (usable(card, None) or card.weights):
        hint = f"remove {folder} and fetch it again (attn-i2i fetch {card.name}), or {hint}"
    config = check_whole(folder, digests, hint)
    licence = card.licence if card and card.licence != UNSTATED else config.licence
    require_licence(name, licence, accept, card.licence_note if card else "")
    return folder


def _from_hub(repo: str, revision: str | None, accept: bool, card: Card | None = None, *, pinned: bool = False) -> Path:
    def approve(config: ModelConfig) -> None:
        require_licence(card.name if card else repo, config.licence, accept, card.licence_note if card else "")

    if card is not None:
        require_licence(card.name, card.licence, accept, card.licence_note)
    digests = card.weights.sha256 if card and card.weights and pinned else None
    return fetch_from_hub(repo, revision, digests, approve)
