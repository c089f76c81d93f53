"""The models of a page: which may be asked for by name, how they come here, and the few that stay loaded."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..hub import find_model
from ..hub.locate import HUB
from ..hub.sources.policy import amount, usable
from ..models.cards import describe_model, find_card, known_models
from ..models.checksums import SUMS, read_sums
from ..models.places import installed_folder
from ..registry import suggestion
from ..translate.loading import load
from ..translate.translator import Translator
from ..types import ConfigError, ModelError, UnknownNameError
from .session import Wish

LOADED = 4
"""Networks that stay in memory: two pages that compare two models each; of the full U-GAT-IT, 4.5 GB."""
_HUB_NAME = re.compile(re.escape(HUB) + r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w/-][\w./-]*)?", re.ASCII)
HERE = ("package", "model store", "here")


class Loaded(NamedTuple):
    """A model in memory, and the SHA-256 of the files that it was read from."""

    translator: Translator
    sums: dict[str, str]


class Shelf:
    """Models by the names that a page shows. No path is one: folders come from whoever starts the page.

    ``offered`` are zoo names, Hub names and model folders, all that a page offers; None offers the whole zoo. Only
    with ``open_hand`` may users of the page have other models fetched and accept restricted licences.
    """

    def __init__(
        self, offered: Sequence[str] | None = None, *, device: str | None = None, open_hand: bool = True
    ) -> None:
        self.device, self.open_hand = device, open_hand
        self._offered = None if offered is None else {_label(name): name for name in offered}
        if offered is not None and len(self._offered or ()) < len(offered):
            raise ConfigError(f"Two of {', '.join(offered)} have one name: a page cannot tell them apart.")
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()

    @property
    def offers_all(self) -> bool:
        """Whether any name may be asked for."""
        return self._offered is None

    def rows(self) -> list[dict[str, Any]]:
        """What a page shows of each model that it offers, those of this machine first."""
        rows = list(self._rows())
        return sorted(rows, key=lambda row: (not row["here"], row["name"]))

    def _rows(self) -> Iterator[dict[str, Any]]:
        names = list(known_models()) if self._offered is None else list(self._offered)
        for name in names:
            real = name if self._offered is None else self._offered[name]
            if real.startswith(HUB):
                yield {"name": name, "summary": "", "directions": {}, "domains": [], "where": "Hub", "here": False}
                continue
            card, where = describe_model(real)
            where = "here" if where.startswith("folder ") else where
            if where.startswith("nowhere"):
                if self._offered is None:
                    continue
                raise ModelError(f"{name} cannot be offered: nobody has its weights (attn-i2i show {name}).")
            sources = usable(card)
            row: dict[str, Any] = {"name": name, "summary": card.summary, "directions": dict(card.directions)}
            row |= {"where": where, "domains": list(card.domains or ()), "licence": card.licence, "here": where in HERE}
            yield row | {"bytes": amount(sources[0]) if sources and where not in HERE else None}

    def resolve(self, name: str) -> str:
        """What ``find_model`` takes for the ``name`` that a page sent; UnknownNameError for what is not offered."""
        if self._offered is not None:
            if name not in self._offered:
                raise UnknownNameError(f"No model is named {name!r} here.{suggestion(name, self._offered)}")
            return self._offered[name]
        if _HUB_NAME.fullmatch(name):
            return name
        models = known_models()
        if name in models:
            return name
        if (card := find_card(name)) is not None:
            return card.name
        raise UnknownNameError(f"No model is named {name!r}.{suggestion(name, models)}")

    def bring(self, wish: Wish) -> None:
        """Have the model's files on this machine; raises as ``find_model`` does."""
        name = self.resolve(wish.model)
        if name in self._loaded:
            return
        if not self.open_hand and self._offered is None and installed_folder(name) is None:
            raise ConfigError(f"{wish.model} is not on this machine, and this page fetches nothing for its users.")
        find_model(name, accept_license=self._accepts(wish), fetch=wish.fetch)

    def load(self, wish: Wish) -> Translator:
        """The model, loaded; the one used longest ago is let go where there are too many."""
        name = self.resolve(wish.model)
        self._loaded[name] = loaded = self._loaded.pop(name, None) or self._opened(name, self._accepts(wish))
        while len(self._loaded) > LOADED:
            self._loaded.popitem(last=False)
        return loaded.translator

    def _opened(self, name: str, accept_license: bool) -> Loaded:
        folder, card = find_model(name, accept_license=accept_license, fetch=False)
        # A branch of the Hub may move on: the folder is what was found, whatever its name leads to by now.
        source = folder if card is None else name
        translator = load(source, device=self.device, accept_license=accept_license, fetch=False)
        return Loaded(translator, read_sums(folder, "get the model again") if (folder / SUMS).is_file() else {})

    def provenance(self, wish: Wish, translator: Translator) -> dict[str, Any]:
        """What says exactly which network made a picture: configuration, licence, origin, hashes of its files."""
        config, card = translator.config, translator.card
        return {
            "name": wish.model,
            "architecture": config.architecture,
            "config": config.options(wish.direction or translator.direction),
            "direction": wish.direction or translator.direction,
            "domain": list(wish.domain),
            "licence": card.licence if card else config.licence,
            "provenance": config.provenance,
            "paper": card.paper if card else "",
            "sha256": self._loaded[self.resolve(wish.model)].sums,
            "device": str(translator.device),
            "torch": torch.__version__,
        }

    def _accepts(self, wish: Wish) -> bool:
        return wish.accept_license and self.open_hand


def _label(name: str) -> str:
    """The name that a page shows of what was offered: of a folder its last part."""
    return Path(name).resolve().name if Path(name).is_dir() else name
