"""Names that say two things at once: none of their readings is taken, and the user is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .detect import RecognisedNetwork
from .names import DOMAIN_LETTERS, Clue, read_clue

# the other domain, and the direction that makes pictures of a domain
OTHER = {"A": "B", "B": "A"}
MAKES = {"B": "A2B", "A": "B2A"}


def made_by_letter(clue: Clue, makes: Mapping[str, str]) -> str | None:
    """The domain that a network makes or looks at by its letter, where its layout uses letters so (G_A makes A).

    Names with net are those of pytorch-CycleGAN-and-pix2pix, where netG_A starts from A.
    """
    if clue.letter is None or (clue.net and clue.letter in DOMAIN_LETTERS):
        return None
    return makes.get(clue.letter)


def by_letter(clue: Clue, makes: Mapping[str, str]) -> str | None:
    """The direction of a generator whose name has a letter; None where code bases disagree on it."""
    if domain := made_by_letter(clue, makes):
        return MAKES[domain]
    if clue.letter in makes:
        return None  # netG_A in a layout that calls it G_A: of two code bases, which disagree
    if clue.letter in DOMAIN_LETTERS and clue.net:  # netG_A starts from A
        return MAKES[OTHER[DOMAIN_LETTERS[clue.letter]]]
    return None


def conflicts(networks: Sequence[RecognisedNetwork], clues: Sequence[Clue]) -> dict[int, str]:
    """What contradicts itself, by the places of networks: in one name, or between a file and its only entry."""
    told = {i: why for i, clue in enumerate(clues) if (why := _within(networks[i], clue))}
    for role in ("generator", "discriminator"):
        files: dict[str, list[int]] = {}
        for i, network in enumerate(networks):
            if network.role == role:
                files.setdefault(network.path[0], []).append(i)
        for file, inside in files.items():
            outer = read_clue((file,), role)
            between = {i: why for i in inside if (why := _between(networks[i], clues[i], outer))}
            if len(between) == len(inside):  # a file of both directions may be called by one of them
                told = between | told
    return told


def _within(network: RecognisedNetwork, clue: Clue) -> str | None:
    if clue.conflict and not clue.domain:
        return f"its name says {' and '.join(clue.conflict)}"
    read = by_letter(clue, network.makes) if network.role == "generator" else None
    if clue.direction and read not in (None, clue.direction):
        return f"its name says {clue.direction}, and by the letter {str(clue.letter).upper()} {read}"
    if network.role == "discriminator" and clue.direction and clue.letter in DOMAIN_LETTERS:
        domain = DOMAIN_LETTERS[clue.letter]
        return f"its name says {clue.direction} and {domain}" if MAKES[domain] != clue.direction else None
    return None


def _between(network: RecognisedNetwork, clue: Clue, outer: Clue) -> str | None:
    """What a file's name says against its entry's."""
    if len(network.path) == 1 or clue.domain:
        return None
    if network.role == "generator":
        inner, beside = (name.direction or by_letter(name, network.makes) for name in (clue, outer))
    else:
        inner, beside = (DOMAIN_LETTERS.get(name.letter or "") for name in (clue, outer))
    if inner and beside and inner != beside:
        return f"{'.'.join(network.path[1:])} says {inner}, and its file {network.path[0]} says {beside}"
    if not inner and clue.task and outer.task == clue.task[::-1]:
        return f"its name says {'2'.join(clue.task)}, and its file {network.path[0]} says {'2'.join(outer.task)}"
    return None
