"""Which domain is wanted: names of labels, or the label vector itself, never one taken for the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ..arguments import refuse_repeated
from ..registry import suggestion
from ..types import ConfigError, UnknownNameError

Domain: TypeAlias = "str | Sequence[str] | Sequence[float] | np.ndarray[Any, Any] | Tensor"


def domain_vector(domain: Domain | None, names: Sequence[str] | None, count: int | None) -> Tensor | None:
    """The (1, count) target label of a multi-domain network, None for any other.

    ``names`` are the model's labels. ``domain`` names the labels to set to 1; all others are 0. It is a list of names,
    or one text with a name, or with several names and commas. Or it is the vector itself: ``count`` numbers from 0 to 1
    in a list, array or tensor, or as text with commas. Brackets tell numbers in a text from names ("[0,0,1]").

    Raises ConfigError or UnknownNameError; a text that could be names and a vector is an error that says how to write
    each.

    >>> domain_vector([0, 0, 1], ["0", "1", "2"], 3)
    tensor([[0., 0., 1.]])
    """
    if count is None:
        if domain is not None:
            raise ConfigError(f"domain={domain!r} was given, but this model translates to one domain: leave it out.")
        return None
    labels = _Labels(tuple(names or ()), count)
    if domain is None:
        raise ConfigError(f"This model translates to several domains: choose with domain=NAME. It knows {labels}.")
    if isinstance(domain, str):
        return labels.of_text(domain)
    numbers, texts = _parts(domain)
    if numbers is not None:
        return labels.of_numbers(numbers, domain)
    if texts:
        return labels.of_names(texts, whole=True)
    raise labels.no_domain(domain)


def domain_of_options(texts: Sequence[str] | None) -> Domain | None:
    """What a repeatable option of the command line says: one text as it is, several as a name each."""
    return texts[0] if texts and len(texts) == 1 else texts or None


def check_one_for_all(domain: object, pictures: int) -> None:
    """Raise ConfigError for as many names as there are pictures: one for each may be meant, or all for each."""
    if (
        isinstance(domain, list | tuple)
        and pictures == len(domain) > 1
        and all(isinstance(label, str) for label in domain)
    ):
        joined = ",".join(domain)
        raise ConfigError(
            f"domain={domain!r} was given for {pictures} pictures: for all of these labels on every picture write"
            f" domain={joined!r}; for one label a picture translate them one by one."
        )


class _Labels:
    """The labels of a model, of which there are ``count``; ``names`` may be missing."""

    def __init__(self, names: tuple[str, ...], count: int) -> None:
        self.names = names
        self.count = count

    def __str__(self) -> str:
        return ", ".join(self.names) or f"{self.count} labels without names: give a vector of 0 and 1"

    def of_numbers(self, numbers: Sequence[float], domain: object) -> Tensor:
        """The vector that is given in numbers."""
        if len(numbers) != self.count or not all(0 <= number <= 1 for number in numbers):
            raise self.no_domain(domain)
        return torch.tensor([numbers], dtype=torch.float32)

    def of_names(self, chosen: Sequence[str], *, whole: bool = False) -> Tensor:
        """1 for each of the names; a ``whole`` one that is no name may hold several with commas."""
        wanted = [part for name in chosen for part in ([name] if name in self.names or not whole else _split(name))]
        for name in wanted:
            if name not in self.names:
                hint = suggestion(name, self.names)
                raise UnknownNameError(f"No domain is named {name!r}.{hint} This model knows {self}.")
        refuse_repeated("domain", wanted)
        return torch.tensor([[float(name in wanted) for name in self.names]])

    def of_text(self, text: str) -> Tensor:
        """What a text means, where it means one thing: a name, several with commas, or a vector."""
        text = text if text in self.names else text.strip()
        if text.startswith("[") and text.endswith("]") and text not in self.names:
            return self.of_numbers(_numbers_in(_split(text[1:-1])) or [], text)
        parts = _split(text)
        numbers = _numbers_in(parts) or []
        several = list(dict.fromkeys(parts))
        by_names = f"the names {', '.join(parts)} (domain={several})"
        readings: dict[str, Tensor] = {}
        if text in self.names:
            readings[f"the name {text!r} (domain={[text]})"] = self.of_names([text])
        if len(parts) > 1 and set(parts) <= set(self.names):
            readings[by_names] = self.of_names(several)
        if len(numbers) == self.count and all(0 <= number <= 1 for number in numbers):
            readings[f'the vector (domain="[{text}]")'] = self.of_numbers(numbers, text)
        if list(readings) == [by_names]:
            refuse_repeated("domain", parts)
        if not readings:
            raise self.no_domain(text) if numbers else self._unknown(parts)
        if len({tuple(reading.flatten().tolist()) for reading in readings.values()}) > 1:
            raise ConfigError(
                f"domain={text!r} could be {' or '.join(readings)}. Write what is meant as it stands in brackets. On"
                " the command line a vector goes into [ ], and several names into an option each."
            )
        return next(iter(readings.values()))

    def no_domain(self, domain: object) -> ConfigError:
        """The error for what is neither names nor a vector of this model."""
        shown = " ".join(repr(domain).split())
        return ConfigError(
            f"The domain {shown[:200]} was given: expected {self.count} numbers from 0 to 1, or names: {self}."
        )

    def _unknown(self, parts: Sequence[str]) -> UnknownNameError | ConfigError:
        try:
            self.of_names(parts)
        except UnknownNameError as error:
            return error
        return self.no_domain(",".join(parts))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _numbers_in(parts: Sequence[str]) -> list[float] | None:
    """The parts as numbers, None where one of them is none."""
    try:
        return [float(part) for part in parts]
    except ValueError:
        return None


def _parts(domain: object) -> tuple[list[float] | None, list[str]]:
    """The numbers of a vector, else None and the texts of a list of names; nothing of either for anything else."""
    if isinstance(domain, Tensor | np.ndarray):
        rows = domain.detach().cpu().tolist() if isinstance(domain, Tensor) else domain.tolist()
        domain = rows[0] if isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], list) else rows
    if isinstance(domain, dict | bytes | str) or not isinstance(domain, Iterable):
        return None, []
    parts: list[Any] = [
        part.item() if isinstance(part, Tensor | np.generic) and part.ndim == 0 else part for part in domain
    ]
    if parts and all(isinstance(part, str) for part in parts):
        return None, parts
    if isinstance(domain, set | frozenset) or not all(isinstance(part, Real) for part in parts):
        return None, []
    return [float(part) for part in parts], []
