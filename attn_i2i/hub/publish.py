"""A model directory onto the Hub: checked, described, in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from ..files import sha256 as sha256_of_file
from ..models.card import UNSTATED, Card
from ..models.cards import find_card
from ..models.config import CONFIG, ModelConfig, read_config
from ..models.directory import build_discriminators, build_generator
from ..models.readme import model_card
from ..types import ModelError
from .errors import LicenceError, explained
from .store import check_repo
from .whole import check_whole, weight_files

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
MOST_SAMPLES = 12


class Published(NamedTuple):
    """Where a model is now: repository, commit, and the SHA-256 of every file that loading reads."""

    repo: str
    commit: str
    sha256: dict[str, str]

    def card_lines(self) -> str:
        """The [weights] of a zoo card for this commit, as TOML."""
        sums = (f'"{name}" = "{digest}"' for name, digest in sorted(self.sha256.items()))
        head = ("[weights]", f'repo = "{self.repo}"', f'revision = "{self.commit}"', "", "[weights.sha256]")
        return "\n".join((*head, *sums))


def publish(directory: str | Path, repo: str, *, licence: str | None = None, private: bool = False) -> Published:
    """Put a model directory into the Hub repository ``repo`` (owner/name), which is made where it does not exist.

    Goes up in one commit: the configuration, the weights, a model card, and pictures from the directory's
    ``samples`` folder; nothing else that may lie there. ``licence`` sets what the configuration does not say. Raises
    LicenceError for a model without a licence, ModelError for one that is not whole or does not load strictly,
    HubError where the Hub refuses, or ``repo`` is no such name.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    check_repo(repo)
    directory = Path(directory)
    config = _checked(directory, licence)
    text = config.to_json().encode()
    samples = _samples(directory)
    readme = _readme(directory, repo, config, samples).encode()
    weights = weight_files(config)
    contents: dict[str, Any] = {CONFIG: text, "README.md": readme}
    contents |= {name: directory / name for name in (*weights, *samples)}
    with explained(repo, directory):
        api = HfApi(library_name="attn-i2i")
        api.create_repo(repo, private=private, exist_ok=True)
        done = api.create_commit(
            repo,
            [CommitOperationAdd(name, content) for name, content in contents.items()],
            commit_message=f"{config.architecture}, {', '.join(config.directions)}",
        )
    sums = {CONFIG: sha256(text).hexdigest()} | {name: sha256_of_file(directory / name) for name in weights}
    return Published(repo, done.oid, sums)


def _checked(directory: Path, licence: str | None) -> ModelConfig:
    """The configuration with its licence, once every file is whole and every network loads strictly."""
    config = check_whole(directory, None, "convert or save the model again")
    if licence and config.licence not in (None, UNSTATED, licence):
        raise LicenceError(f"{directory} is under {config.licence}: it cannot be published under {licence}.")
    config = replace(config, licence=licence or config.licence)
    if config.licence in (None, "", UNSTATED):
        raise LicenceError(
            f"{directory} states no licence of its weights: ask their authors, then publish with --licence NAME."
        )
    for direction in config.directions:
        network = build_generator(directory, config, direction)
        if not all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values()):
            raise ModelError(f"{directory}/{direction} holds numbers that are not finite: it is not published.")
    build_discriminators(directory, config)
    return config


def _samples(directory: Path) -> list[str]:
    """Paths of the pictures to show, as they are named in the repository."""
    found = (path for path in sorted(directory.glob("samples/*")) if path.suffix.lower() in PICTURES)
    return [f"samples/{path.name}" for path in found if path.is_file()][:MOST_SAMPLES]


def _readme(directory: Path, repo: str, config: ModelConfig, samples: Sequence[str]) -> str:
    """A fresh model card; a README.md that was edited keeps its text and gets the metadata."""
    card = _card_of(directory, config)
    fresh = model_card(repo, config, card, samples)
    path = directory / "README.md"
    written = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not written or _body(written) == _body(model_card(directory.name, read_config(directory))):
        return fresh
    return fresh[: len(fresh) - len(_body(fresh))] + _body(written)


def _body(text: str) -> str:
    """What follows the front matter."""
    return text.split("\n---\n", 1)[1] if text.startswith("---\n") and "\n---\n" in text else text


def _card_of(directory: Path, config: ModelConfig) -> Card | None:
    """The zoo card of a model that lies under its zoo name."""
    card = find_card(directory.resolve().name)
    return card if card and card.architecture == config.architecture else None
