"""Damaged model folders and cards: ``python -m tests.tools.fuzz_models --count 3000 --seed 0``.

Each case changes bytes of one file of a model folder, or of a card. Held in every case: a changed file of a folder
with SHA256SUMS is refused; without the sums it loads or is refused; a card is read or refused; every refusal is one
of the library's own errors, in one line.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from attn_i2i import load
from attn_i2i.models.card import read_card
from attn_i2i.models.checksums import SUMS
from attn_i2i.models.places import shipped_models
from attn_i2i.types import AttnI2IError

MODEL = "cyclegan-flat2clay"
FILES = ("config.json", "A2B.safetensors", SUMS)
WORDS = [b"null", b"-1", b"1e999", b"[[[[", b'"\\u0000"', b"\xff\xfe", b"../", b"{}", b"99999999999", b"\n", b"true"]


def mutated(data: bytes, rng: random.Random, head: int = 4096) -> bytes:
    """The bytes with one to four changes, most of them near the beginning, where structure is."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(min(len(changed), head) if rng.random() < 0.8 else len(changed)) if changed else 0
        kind = rng.randrange(4)
        if kind == 0 and changed:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del changed[at : at + rng.choice([1, 10, 1000, len(changed)])]
        elif kind == 2:
            changed[at:at] = rng.choice(WORDS)
        else:
            changed[at : at + 4] = rng.choice(WORDS)
    return bytes(changed)


def outcome(action: Callable[..., object], *arguments: object) -> str:
    """ "read", or the error's name; any error that is not the library's own is raised."""
    try:
        action(*arguments)
    except AttnI2IError as error:
        if "\n" in str(error):
            raise AssertionError("more than one line") from error
        return type(error).__name__
    return "read"


def opened(folder: Path) -> None:
    """Load a model and build its network."""
    _ = load(folder, device="cpu").generator


def one_case(rng: random.Random, source: Path, work: Path) -> str:
    """Change one file and read it."""
    if rng.random() < 0.4:
        card = rng.choice(sorted(shipped_models().glob("*.toml")))
        (work / card.name).write_bytes(mutated(card.read_bytes(), rng))
        return "card: " + outcome(read_card, work / card.name)
    folder, name, with_sums = work / "model", rng.choice(FILES), rng.random() < 0.5
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    before = (folder / name).read_bytes()
    after = mutated(before, rng)
    (folder / name).write_bytes(after)
    if not with_sums:
        (folder / SUMS).unlink()
    told = outcome(opened, folder)
    if with_sums and name != SUMS and after != before:
        assert told != "read", f"{name} was changed and used"
    return f"{'with' if with_sums else 'without'} sums: {told}"


def main() -> None:
    """Run the cases and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng, outcomes, start = random.Random(asked.seed), Counter[str](), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(asked.count):
            try:
                outcomes[one_case(rng, shipped_models() / MODEL, Path(folder))] += 1
            except BaseException:
                sys.stderr.write(f"case {number} of seed {asked.seed}\n")
                raise
    told = ", ".join(f"{name} {count}" for name, count in outcomes.most_common())
    sys.stdout.write(f"{asked.count} cases, {time.monotonic() - start:.0f} s: {told}\n")


if __name__ == "__main__":
    main()
