"""Which way each generator translates, and which domain each discriminator looks at, from all their names together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ..models.config import is_plain
from ..types import ConversionError
from .conflicts import MAKES, OTHER, by_letter, conflicts, made_by_letter
from .detect import RecognisedNetwork
from .names import DOMAIN_LETTERS, read_clue, without_average, without_version
from .options import ChoiceError

Chosen: TypeAlias = "str | Sequence[str] | Mapping[str, str] | None"
Slots: TypeAlias = "dict[int, str]"
NOTHING_TELLS = "nothing in the name tells"


def assign_slots(networks: Sequence[RecognisedNetwork], chosen: Chosen = None) -> tuple[list[str], list[str]]:
    """The slot of each network, in their order, and what was assumed because no name tells it.

    ``chosen`` is what the user said: the only direction, all directions in the order of the files, or a slot for each
    network's name. Names that could be read in two ways are never guessed: ConversionError says what to write.
    """
    _check(chosen)
    return _Assignment(networks, chosen).slots()


class _Assignment:
    def __init__(self, networks: Sequence[RecognisedNetwork], chosen: Chosen) -> None:
        self.networks = networks
        self.chosen = dict(chosen) if isinstance(chosen, Mapping) else {}
        self.ordered = [chosen] if isinstance(chosen, str) else [] if isinstance(chosen, Mapping) else chosen or []
        self.clues = [read_clue(network.path, network.role) for network in networks]
        self.conflicts = conflicts(networks, self.clues)
        self.assumed: list[str] = []
        self.used: set[str] = set()

    def slots(self) -> tuple[list[str], list[str]]:
        generators = self._of("generator")
        found = self._preset(generators)
        groups = self._groups([i for i in generators if i not in found])
        found |= self._spread(groups, self._directions(groups, bool(found)))
        found |= self._renamed(generators, found)
        discriminators = self._of("discriminator")
        found |= self._preset(discriminators)
        found |= {i: self._domain(i, found) for i in discriminators if i not in found}
        if unused := [name for name in self.chosen if name not in self.used]:
            listed = ", ".join(self._name(i) for i in range(len(self.networks)))
            raise ConversionError(f"No network is called {unused[0]!r}: there are {listed}.")
        return [found[i] for i in range(len(self.networks))], self.assumed

    def _of(self, role: str) -> list[int]:
        return [i for i, network in enumerate(self.networks) if network.role == role]

    def _preset(self, indices: Sequence[int]) -> Slots:
        """What the user said of a network by its name, and what the layout itself tells."""
        found: Slots = {}
        for i in indices:
            names = [name for name in self._names(i) if name in self.chosen]
            if names:
                self.used.update(names)
                found[i] = self.chosen[names[0]]
            elif (slot := self.networks[i].slot) is not None:
                found[i] = slot
        return found

    def _names(self, i: int) -> tuple[str, ...]:
        """What the user may call a network: its entry, alone or with those above it, or its file."""
        file, *entries = self.networks[i].path
        own = (*(".".join(entries[start:]) for start in range(len(entries))), self.networks[i].where)
        return (*own, self.networks[i].where.partition(":")[0], file) if not entries else own

    def _name(self, i: int) -> str:
        return self._names(i)[0] if len(self.networks[i].path) > 1 else self.networks[i].path[0]

    def _groups(self, indices: Sequence[int]) -> list[list[int]]:
        """Versions of one network together: averaged and raw, or one that a file reaches by two paths."""
        groups: dict[object, list[int]] = {}
        for i in indices:
            network = self.networks[i]
            path = [without_average(network.path[0]), *map(without_version, network.path[1:])]
            equal = next((g[0] for g in groups.values() if self._copies(g[0], i)), None)
            key = tuple(path) if equal is None else next(k for k, g in groups.items() if g[0] == equal)
            groups.setdefault(key, []).append(i)
        return self._with_bare_average(list(groups.values()))

    def _with_bare_average(self, groups: list[list[int]]) -> list[list[int]]:
        """One network and an entry of the same file that says no more than that it is the average: two versions."""
        if len(groups) != 2 or self.networks[groups[0][0]].path[0] != self.networks[groups[1][0]].path[0]:
            return groups
        bare = [all(self.clues[i].average and not any(map(without_version, self._inner(i))) for i in g) for g in groups]
        return [[*groups[0], *groups[1]]] if sum(bare) == 1 else groups

    def _inner(self, i: int) -> Sequence[str]:
        return self.networks[i].path[1:]

    def _copies(self, first: int, second: int) -> bool:
        one, other = self.networks[first], self.networks[second]
        same_place = one.path[0] == other.path[0] and one.path[-1] == other.path[-1]
        return same_place and one.equals(other)

    def _spread(self, groups: list[list[int]], directions: list[str]) -> Slots:
        return {i: direction for group, direction in zip(groups, directions, strict=True) for i in group}

    def _directions(self, groups: list[list[int]], beside_others: bool) -> list[str]:
        if self.ordered and len(self.ordered) == len(groups) and not beside_others:
            ordered, self.ordered = list(self.ordered), []
            return ordered
        told = [self._told(group[0]) for group in groups]
        if len(groups) == 1 and told == [None] and not beside_others:
            told = [self._alone(groups[0][0])]
        elif len(groups) == 2 and told == [None, None]:
            told = self._together(*(group[0] for group in groups))
        if None in told:
            raise ConversionError(self._question([group[0] for group in groups], told))
        return [direction for direction in told if direction is not None]

    def _told(self, i: int) -> str | None:
        """The direction that a name tells without the others."""
        if i in self.conflicts:
            return None
        return self.clues[i].direction or by_letter(self.clues[i], self.networks[i].makes)

    def _made(self, i: int) -> str | None:
        return made_by_letter(self.clues[i], self.networks[i].makes)

    def _alone(self, i: int) -> str | None:
        """A single generator's: A2B unless its name says something that can be read in two ways."""
        clue = self.clues[i]
        if clue.letter in DOMAIN_LETTERS or clue.is_f or i in self.conflicts:
            return None
        if clue.task:
            self.assumed.append(f"A is {clue.task[0]} and B is {clue.task[1]}, after the name {self._name(i)}")
        else:
            self.assumed.append(f"{self._name(i)} translates A to B: nothing tells its direction")
        return "A2B"

    def _together(self, first: int, second: int) -> list[str | None]:
        one, other = self.clues[first], self.clues[second]
        if {first, second} & self.conflicts.keys():
            return [None, None]
        if one.letter is None is other.letter and one.is_f != other.is_f:  # the papers' G and F
            return ["B2A", "A2B"] if one.is_f else ["A2B", "B2A"]
        if one.task and other.task and one.task == other.task[::-1]:
            self.assumed.append(f"A is {one.task[0]} and B is {one.task[1]}, after the first file's name")
            return ["A2B", "B2A"]
        if one.domain and other.domain and self.networks[first].converter.load().by_domain:
            a, b = self._domains(first, second)
            return ["A2B" if name == b else "B2A" for name in (one.domain, other.domain)] if a else [None, None]
        return [None, None]

    def _domains(self, first: int, second: int) -> tuple[str, str]:
        """The domains of two generators that are called by what they make, A first."""
        names = (str(self.clues[first].domain), str(self.clues[second].domain))
        task = self.clues[first].task
        if task and {name.lower() for name in names} == set(task):
            a, b = names if names[0].lower() == task[0] else names[::-1]
            self.assumed.append(f"A is {a} and B is {b}, after the file's name")
        else:
            a, b = names
            self.assumed.append(f"A is {a} and B is {b}, in the order of the file")
        return a, b

    def _renamed(self, generators: Sequence[int], found: Slots) -> Slots:
        """Directions under the names that the user gave them."""
        present = sorted({found[i] for i in generators})
        names = {old: new for old, new in self.chosen.items() if old in present and old not in self.used}
        self.used.update(names)
        if self.ordered:
            if len(self.ordered) != len(present):
                what = ", ".join(map(repr, self.ordered))
                verb = "names one direction" if len(self.ordered) == 1 else "name directions"
                raise ConversionError(f"direction={what} {verb}, but {', '.join(present)} were found.")
            names = dict(zip(present, self.ordered, strict=True))
        return {i: names[found[i]] for i in generators if found[i] in names}

    def _domain(self, i: int, found: Slots) -> str:
        """The domain a discriminator looks at, which its name tells only together with the generators' names."""
        clue, directions = self.clues[i], {found[g] for g in self._of("generator")}
        if i not in self.conflicts and (domain := self._read_domain(i, found)):
            return domain
        if not directions:
            return DOMAIN_LETTERS.get(clue.letter or "", "B")  # no model comes of it
        why = self.conflicts.get(i, "netD_A beside netG_A looks at B, beside netG_A2B at A")
        if i not in self.conflicts and clue.direction and not clue.letter:
            why = f"its name says {clue.direction}, and the generators are {' and '.join(sorted(directions))}"
        raise ConversionError(
            f"Which domain {self.networks[i].where} looks at is unclear: {why}."
            f' Say it: direction={{"{self._name(i)}": "A"}}, or "B".'
        )

    def _read_domain(self, i: int, found: Slots) -> str | None:
        clue, generators = self.clues[i], self._of("generator")
        if domain := self._made(i):
            return domain
        if clue.letter in DOMAIN_LETTERS:
            own = DOMAIN_LETTERS[clue.letter]
            conventions = {self._convention(g, found[g]) for g in generators} - {""}
            return None if len(conventions) != 1 else OTHER[own] if conventions == {"source"} else own
        if clue.domain:
            slots = [found[g] for g in generators if self.clues[g].domain == clue.domain]
            return next((domain for domain, direction in MAKES.items() if direction in slots[:1]), None)
        directions = {found[g] for g in generators}
        if clue.letter or len(directions) != 1 or (clue.direction and directions != {clue.direction}):
            return None
        return "A" if directions == {"B2A"} else "B"

    def _convention(self, i: int, slot: str) -> str:
        """Whether letters in the names of this code base stand for the domain a generator starts from, or its own."""
        clue = self.clues[i]
        if i not in self.conflicts and (clue.direction or self._made(i)):
            return "domain"
        if i in self.conflicts or clue.letter not in DOMAIN_LETTERS or not clue.net:
            return ""
        return "domain" if slot == MAKES[DOMAIN_LETTERS[clue.letter]] else "source"

    def _question(self, indices: list[int], told: list[str | None]) -> str:
        names = [self._name(i) for i in indices]
        unclear = [name for name, direction in zip(names, told, strict=True) if direction is None]
        why = self._why(indices[told.index(None)])
        if len(names) == 1:
            return f'Which way {names[0]} translates is unclear ({why}): say direction="A2B" or direction="B2A".'
        free = iter([direction for direction in ("A2B", "B2A") if direction not in told])
        ways = {name: direction or next(free, None) for name, direction in zip(names, told, strict=True)}
        example = ", ".join(f'"{name}": "{way}"' for name, way in ways.items() if way)
        verb = "translates" if len(unclear) == 1 else "translate"
        asked = f"Which way {' and '.join(unclear)} {verb} is unclear ({why})"
        say = f"say it, as in direction={{{example}}}."
        if why != NOTHING_TELLS and len(names) <= len(MAKES):
            return f"{asked}: {say}"
        file, *entries = self.networks[next(i for i in reversed(indices) if self._name(i) in unclear)].path
        other = f"leave_out={['.'.join(entries) or file]!r}"
        return f"{asked}: go without one that is another version of the same network ({other}), or {say}"

    def _why(self, i: int) -> str:
        """Why a generator's name does not tell its direction."""
        clue = self.clues[i]
        if i in self.conflicts:
            return self.conflicts[i]
        if clue.letter in DOMAIN_LETTERS:
            letter = str(clue.letter).upper()
            return f"some code calls a generator {letter} that starts from {letter}, some one that makes {letter}"
        if clue.is_f:
            return "in the CycleGAN paper F translates B to A, elsewhere it may be anything"
        return NOTHING_TELLS


def _check(chosen: Chosen) -> None:
    names = (
        [chosen] if isinstance(chosen, str) else list(chosen.values() if isinstance(chosen, Mapping) else chosen or [])
    )
    for name in names:
        if not is_plain(name):
            raise ChoiceError(
                f"direction={name!r} cannot name a file: expected a plain name such as A2B (letters, digits, '_', '-';"
                " no digit first)."
            )
    if len(set(names)) < len(names) and not isinstance(chosen, Mapping):
        raise ChoiceError(f"direction={', '.join(names)} names one direction twice.")
