"""What the names of files and dictionary entries tell of a network: only whole words count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# The words that code bases use.
GENERATOR_WORDS = frozenset({"g", "gen", "gens", "generator", "generators"})
DISCRIMINATOR_WORDS = frozenset({"d", "dis", "disc", "discs", "discriminator", "discriminators", "critic", "critics"})
AVERAGE_WORDS = frozenset({"ema", "avg", "average", "averaged", "swa", "shadow", "smooth", "smoothed", "running"})
RAW_WORDS = frozenset({"raw", "online"})
VERSION_WORDS = AVERAGE_WORDS | RAW_WORDS | {"model", "state", "dict", "params", "weights"}
"""Words that tell versions of one network apart, or say only that there is one."""
DOMAIN_LETTERS = {"a": "A", "b": "B", "x": "A", "y": "B"}
"""The papers call the domains X and Y, the code bases A and B."""
NOWHERE = frozenset({"A2A", "B2B"})  # what no generator of two domains does

_CAMEL = re.compile(
    r"[ABXY](?:2|to|To)[ABXY](?![a-z])"  # genA2B, XtoY
    r"|[GD](?=[ABXY](?:2|to|To)[ABXY])|[GD](?=(?:AB|BA|XY|YX|[ABXY])(?![A-Za-z]))"  # netGA2B, disGA, GAB
    r"|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+"
)
_DIRECTION = re.compile(r"(?i)([abxy])(2|to)([abxy])")
_TASK = re.compile(r"([A-Za-z]{2,})2([A-Za-z]{2,})")
_SHORT = re.compile(r"(net)([gd])|(gen|disc|dis|critic)([a-z])")


class Clue(NamedTuple):
    """What one network's name tells.

    ``direction`` stands in the name outright (A2B, B2A). ``letter`` is the single letter behind a word for the network
    (netG_A, disc_b), and ``net`` says whether that word began with net. ``task`` are the domains of a name such as
    horse2zebra. ``domain`` is a name under a dictionary of generators or discriminators. ``average`` marks averaged
    weights. ``is_f`` marks F, the papers' name of the way back. ``conflict`` are words of one name that cannot both
    hold (A2B and B2A): such a name tells no direction and no letter.
    """

    direction: str | None = None
    letter: str | None = None
    net: bool = False
    task: tuple[str, str] | None = None
    domain: str | None = None
    average: bool = False
    is_f: bool = False
    conflict: tuple[str, ...] = ()


def words(name: str) -> list[str]:
    """The words of a name in small letters: at punctuation, at changes from small to capital letters, at digits.

    >>> words("latest_netG_A2B.v3")
    ['latest', 'net', 'g', 'a2b', 'v', '3']
    >>> words("day2autumn_gen_ba")
    ['day2autumn', 'gen', 'ba']
    """
    parts: list[str] = []
    for token in re.findall(r"[A-Za-z0-9]+", re.sub(r"GANs?(?![a-z])", "gan ", name)):
        whole = _DIRECTION.fullmatch(token) or _TASK.fullmatch(token)
        parts += [token.lower()] if whole else [part.lower() for part in _CAMEL.findall(token)]
    split: list[str] = []
    for part in parts:
        match = _SHORT.fullmatch(part)
        known = part in GENERATOR_WORDS | DISCRIMINATOR_WORDS
        split += [group for group in match.groups() if group] if match and not known else [part]
    return split


def read_clue(path: Sequence[str], role: str) -> Clue:
    """What ``path`` tells of a network: the name of its file, then the dictionary entries that lead to it.

    Entries tell more than the file; the file is asked where they tell nothing. The entry nearest to the network says
    which version it is: ema.online_model is not an average.
    """
    file, *entries = path
    inner = [word for entry in entries for word in words(entry)]
    outer = words(file)
    clue, beside = _clue(inner, role), _clue(outer, role)
    if not (clue.direction or clue.letter or clue.is_f or clue.conflict):
        clue = beside
    elif clue.letter == beside.letter:
        clue = clue._replace(net=clue.net or beside.net)
    names = (*reversed(entries), file)
    task = next((t for part in names if (t := task_of(part))), None)
    if role == "generator" and not clue.direction and (both := next(filter(None, map(_both_ways, names)), ())):
        clue = clue._replace(conflict=both)
    domain = entries[-1] if len(entries) > 1 and _is_collection(entries[-2], role) else None
    version = next((word for word in reversed([*outer, *inner]) if word in AVERAGE_WORDS | RAW_WORDS), "")
    return clue._replace(task=task, domain=domain, average=version in AVERAGE_WORDS)


def task_of(name: str) -> tuple[str, str] | None:
    """The domains that a name such as horse2zebra or day_to_night tells, in small letters; None where not just two."""
    tasks = _tasks(name)
    return tasks.pop() if len(tasks) == 1 else None


def _tasks(name: str) -> set[tuple[str, str]]:
    parts = words(name)
    tasks = {(m[1].lower(), m[2].lower()) for part in parts if (m := _TASK.fullmatch(part))}
    for i in range(1, len(parts) - 1):
        if parts[i] == "to" and min(len(parts[i - 1]), len(parts[i + 1])) > 1:
            tasks.add((parts[i - 1], parts[i + 1]))
    return tasks


def _both_ways(name: str) -> tuple[str, ...]:
    """The two tasks of a name that tells one and the way back of it, as horse2zebra_zebra2horse does."""
    tasks = _tasks(name)
    return tuple(sorted(f"{a}2{b}" for a, b in tasks if (b, a) in tasks))


def without_average(name: str) -> tuple[str, ...]:
    """The words of a name but those that mark averaged weights: equal for both versions of one network."""
    return tuple(word for word in words(name) if word not in AVERAGE_WORDS)


def without_version(entry: str) -> tuple[str, ...]:
    """As ``without_average``, for a dictionary's entry, which may be called model, online or raw beside its average."""
    return tuple(word for word in words(entry) if word not in VERSION_WORDS)


def _clue(parts: list[str], role: str) -> Clue:
    own = GENERATOR_WORDS if role == "generator" else DISCRIMINATOR_WORDS
    directions = list(dict.fromkeys(_directions(parts)))  # in the order of the name, as a question shows them
    letters = list(_letters(parts, own))
    for told in (directions, list(dict.fromkeys(letter.upper() for letter, _ in letters))):
        if len(told) > 1 or NOWHERE.intersection(told):
            return Clue(conflict=tuple(told))
    letter, net = max(letters, default=(None, False))
    bare_f = role == "generator" and own.isdisjoint(parts) and _has_f(parts)
    return Clue(next(iter(directions), None), letter, net, is_f=bare_f or (role == "generator" and letter == "f"))


def _directions(parts: list[str]) -> Iterator[str]:
    """Every direction among the words, from a domain to itself too."""
    for i, part in enumerate(parts):
        if match := _DIRECTION.fullmatch(part):
            yield _direction(match[1], match[3])
        elif part in ("ab", "ba", "xy", "yx"):
            yield _direction(*part)
        elif _starts(parts, i):
            yield _direction(part, parts[i + 2])


def _starts(parts: list[str], i: int) -> bool:
    """Whether a direction in three words, such as a to b, starts at word ``i``."""
    return parts[i + 1 : i + 2] in (["to"], ["2"]) and all(
        word in DOMAIN_LETTERS for word in (parts[i], *(parts[i + 2 : i + 3] or [""]))
    )


def _letters(parts: list[str], own: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """The single letters behind a word for the network, and whether that word began with net."""
    for i, part in enumerate(parts[1:], start=1):
        single = len(part) == 1 and part.isalpha() and not _is_format(parts, i)
        if single and parts[i - 1] in own and not _starts(parts, i):
            yield part, i > 1 and parts[i - 2] == "net"


def _has_f(parts: list[str]) -> bool:
    """Whether F stands among the words, other than in the name of a number format such as f16."""
    return any(part == "f" and not _is_format(parts, i) for i, part in enumerate(parts))


def _is_format(parts: list[str], i: int) -> bool:
    return parts[i] == "f" and parts[i + 1 : i + 2] in (["8"], ["16"], ["32"])


def _direction(source: str, target: str) -> str:
    return f"{DOMAIN_LETTERS[source.lower()]}2{DOMAIN_LETTERS[target.lower()]}"


def _is_collection(name: str, role: str) -> bool:
    own = GENERATOR_WORDS if role == "generator" else DISCRIMINATOR_WORDS
    return not own.isdisjoint(words(name))
