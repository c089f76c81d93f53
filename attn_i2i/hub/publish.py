"""A model folder onto the Hub: checked, described, in one commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import replace
from hashlib import file_digest, sha256
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from ..arguments import typed
from ..files import read_small
from ..files.swapping import mend
from ..models.card import UNSTATED, Card
from ..models.cards import find_card
from ..models.config import CONFIG, ModelConfig, read_config
from ..models.directory import build_discriminators, build_generator
from ..models.mistaken import RUN, run_around
from ..models.readme import model_card
from ..types import ModelError, UnreadableFileError
from .errors import HubError, LicenceError, explained
from .store import check_repo
from .uploads import Uploads, add_left_out, add_samples, weights_of, without_paths
from .whole import check_whole, weight_files


class Published(NamedTuple):
    """Where a model is now: repository, commit, and the SHA-256 of every file that loading reads.

    ``changed`` is False where the repository held the very same files before, so that no commit was made.
    """

    repo: str
    commit: str
    sha256: dict[str, str]
    changed: bool = True

    def card_lines(self) -> str:
        """The [weights] of a zoo card for this commit, as TOML."""
        sums = (f'"{name}" = "{digest}"' for name, digest in sorted(self.sha256.items()))
        head = ("[weights]", f'repo = "{self.repo}"', f'revision = "{self.commit}"', "", "[weights.sha256]")
        return "\n".join((*head, *sums))


@typed
def publish(
    directory: str | Path,
    repo: str,
    *,
    licence: str | None = None,
    private: bool = False,
    confirm: Callable[[str], bool] | None = None,
    card: str | None = None,
) -> Published:
    """Put a model folder into the Hub repository ``repo`` (owner/name), which is made where it does not exist.

    One commit takes up the configuration, the weights, a model card, and the pictures of the directory's ``samples``
    folder. The pictures are written anew without their metadata. Other files of the directory stay here, and so does
    what a link leads to. Absolute paths in the configuration are cut to their last name. ``licence`` sets what the
    configuration does not say. ``confirm`` sees the list of all this before anything is sent, and may say no.
    ``card`` is the zoo name of the model, for its model card; a folder of the model store has its name from there.

    Raises LicenceError for a model without a licence, and ModelError for a model that is not whole or does not load
    strictly. HubError says that the Hub refused, that ``repo`` is no such name, or that ``confirm`` said no.
    """
    check_repo(repo)
    directory = Path(directory)
    config = _checked(directory, licence)
    uploads = Uploads()
    try:
        gather(directory, repo, config, uploads, find_card(card) if card else _card_of(directory, config))
        listing = "\n".join((f"to {repo}{' (private)' if private else ''}:", *uploads.lines()))
        if confirm is not None and not confirm(listing):
            raise HubError(f"Nothing was sent to {repo}.")
        sums = {name: _digest(content) for name, content in uploads.contents.items() if name in _loaded(config)}
        commit, changed = _sent(repo, private, uploads, f"{config.architecture}, {', '.join(config.directions)}")
    finally:
        uploads.close()
    return Published(repo, commit, sums, changed)


def gather(directory: Path, repo: str, config: ModelConfig, uploads: Uploads, card: Card | None = None) -> None:
    """Note all that goes up; the files of the weights are open, so that nobody can exchange them any more."""
    config = replace(config, provenance=without_paths(config.provenance))
    uploads.contents[CONFIG] = config.to_json().encode()
    for name in weight_files(config):
        uploads.contents[name] = weights_of(directory, name)
    add_samples(directory, uploads)
    samples = [name for name in uploads.contents if name.startswith("samples/")]
    fresh = model_card(repo, config, card, samples)
    uploads.contents["README.md"] = _readme(directory, fresh, _own_words(directory, card), uploads).encode()
    add_left_out(directory, uploads)


def _sent(repo: str, private: bool, uploads: Uploads, message: str) -> tuple[str, bool]:
    """Make the one commit; its name, and whether it is a new one: the Hub takes no commit that changes nothing."""
    from huggingface_hub import CommitOperationAdd, HfApi

    with explained(repo):
        api = HfApi(library_name="attn-i2i")
        api.create_repo(repo, private=private, exist_ok=True)
        before = api.repo_info(repo).sha
        operations = [CommitOperationAdd(name, _again(content)) for name, content in uploads.contents.items()]
        commit = str(api.create_commit(repo, operations, commit_message=message).oid)
        return commit, commit != before


def _again(content: bytes | BufferedReader) -> bytes | str:
    """What the client may open by itself, for equal files twice at once: the open file, where the system names it."""
    if isinstance(content, bytes):
        return content
    opened = f"/proc/self/fd/{content.fileno()}"
    return opened if os.path.exists(opened) else str(content.name)  # noqa: PTH110


def _loaded(config: ModelConfig) -> list[str]:
    return [CONFIG, *weight_files(config)]


def _digest(content: bytes | BufferedReader) -> str:
    if isinstance(content, bytes):
        return sha256(content).hexdigest()
    digest = file_digest(content, "sha256").hexdigest()
    content.seek(0)
    return digest


def _checked(directory: Path, licence: str | None) -> ModelConfig:
    """The configuration with its licence, once every file is whole and every network loads strictly."""
    mend(directory)
    if not directory.exists() or (directory / RUN).exists() or run_around(directory):
        read_config(directory)  # raises what says so; a damaged configuration is the checksums' to name
    config = check_whole(directory, None, "convert or save the model again")
    if licence and config.licence not in (None, UNSTATED, licence):
        raise LicenceError(f"{directory} is under {config.licence}: it cannot be published under {licence}.")
    config = replace(config, licence=licence or config.licence)
    if config.licence in (None, "", UNSTATED):
        raise LicenceError(
            f"{directory} states no licence of its weights: ask their authors, then publish with licence=NAME."
        )
    for direction in config.directions:
        network = build_generator(directory, config, direction)
        if not all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values()):
            raise ModelError(
                f"{directory}/{direction} holds numbers that are not finite, so it is not published: take"
                " an earlier checkpoint."
            )
    build_discriminators(directory, config)
    return config


def _own_words(directory: Path, card: Card | None) -> set[str]:
    """What a README.md of the folder says where nobody has edited it: as it was saved, or fetched by its card."""
    config = read_config(directory)
    return {_body(model_card(directory.name, config, each)) for each in (None, card)}


def _readme(directory: Path, fresh: str, own: Collection[str], uploads: Uploads) -> str:
    """The ``fresh`` model card; a README.md that is not one of ``own`` keeps its text and gets the metadata."""
    path = directory / "README.md"
    if not os.path.lexists(path):
        return fresh
    try:
        written = read_small(path, links=False).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not UTF-8: save it as UTF-8, or remove it for a fresh one.") from error
    except UnreadableFileError as error:
        uploads.left_out["README.md of the folder"] = f"{error}; a fresh one is written"
        return fresh
    if not written or _body(written) in own:
        return fresh
    return fresh[: len(fresh) - len(_body(fresh))] + _body(written)


def _body(text: str) -> str:
    """What follows the front matter."""
    return text.split("\n---\n", 1)[1] if text.startswith("---\n") and "\n---\n" in text else text


def _card_of(directory: Path, config: ModelConfig) -> Card | None:
    """The zoo card of a model that lies under its zoo name."""
    card = find_card(directory.resolve().name)
    return card if card and card.architecture == config.architecture else None
