"""Ways to damage a checkpoint: at random, and where it hurts behind checksums that would hide the damage."""

from __future__ import annotations

import io
import json
import random
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from attn_i2i.convert.reader.tensorflow import _records  # the table's records, to be damaged and written anew
from tests.helpers.attacks import attacks, text
from tests.helpers.tf_bundle import write_table

Mutation = Callable[[bytes, random.Random, Path], bytes]

EXTREMES = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
OPCODES = (
    b"(.0123FIJKLMNPQRSTUVX]abcdeghijlopqrstu}\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8bBC"
    b"\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98"
)


def flip(content: bytes, dice: random.Random, canary: Path) -> bytes:
    """One to sixteen bits."""
    out = bytearray(content)
    for _ in range(dice.choice([1, 1, 2, 4, 16])):
        out[dice.randrange(len(out))] ^= 1 << dice.randrange(8)
    return bytes(out)


def truncate(content: bytes, dice: random.Random, canary: Path) -> bytes:
    """The end, or the start, is missing."""
    place = dice.randrange(len(content))
    return content[:place] if dice.random() < 0.8 else content[place:]


def splice(content: bytes, dice: random.Random, canary: Path) -> bytes:
    """A piece is repeated elsewhere, moved over another, or cut out."""
    start, end = sorted(dice.randrange(len(content) + 1) for _ in range(2))
    place, piece = dice.randrange(len(content)), content[start:end]
    kind = dice.randrange(3)
    if kind == 0:
        return content[:place] + piece + content[place:]
    return content[:place] + piece + content[place + len(piece) :] if kind == 1 else content[:start] + content[end:]


def length(content: bytes, dice: random.Random, canary: Path) -> bytes:
    """A number of one to eight bytes becomes an extreme one."""
    size = dice.choice([1, 2, 4, 8])
    place = dice.randrange(max(1, len(content) - size))
    value = dice.choice(EXTREMES) % (1 << 8 * size)
    return content[:place] + value.to_bytes(size, dice.choice(["little", "big"])) + content[place + size :]


def opcodes(content: bytes, dice: random.Random, canary: Path) -> bytes:
    """Pickle instructions, or a whole attack, are inserted; some replace what stood there."""
    place = dice.randrange(len(content) + 1)
    piece = bytes(dice.choice(OPCODES) for _ in range(dice.randint(1, 6)))
    if dice.random() < 0.4:
        attack = dice.choice(list(attacks(canary).values()))
        piece = re.sub(rb"^\x80.", b"", attack.removesuffix(b"."))
    return content[:place] + piece + content[place + dice.choice([0, 0, len(piece)]) :]


def hijack(content: bytes, dice: random.Random, canary: Path) -> bytes:
    """A class that the file names becomes one that runs commands."""
    command = f"touch {canary}"
    names = list(re.finditer(rb"c([a-z_]+[\w.]*)\n(\w+)\n", content))
    if not names:
        return opcodes(content, dice, canary)
    found = dice.choice(names)
    call = b"cposix\nsystem\n" + (text(command) + b"\x85R" if dice.random() < 0.7 else b"")
    return content[: found.start()] + call + content[found.end() :]


def numbers(content: bytes, dice: random.Random, canary: Path) -> bytes:
    """A small number pushed by the pickle (a shape, stride, offset) becomes another."""
    places = [match.start() for match in re.finditer(rb"[KMJ]", content)]
    if not places:
        return length(content, dice, canary)
    place = dice.choice(places)
    width = {b"K": 2, b"M": 3, b"J": 5}[content[place : place + 1]]
    value = dice.choice([*EXTREMES, dice.randrange(100)])
    new = b"\x8a\x09" + value.to_bytes(9, "little") if dice.random() < 0.5 else b"J" + struct.pack("<I", value % 2**32)
    return content[:place] + new + content[place + width :]


PLAIN: Sequence[Mutation] = (flip, truncate, splice, length)
PICKLE: Sequence[Mutation] = (flip, splice, length, opcodes, opcodes, hijack, numbers, numbers)


def within_zip(content: bytes, dice: random.Random, canary: Path) -> bytes:
    """Entries are damaged, packed, doubled or left out, and the archive written anew with right checksums."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w") as target:
        names = source.namelist()
        odd = dice.choice(names)
        for name in names:
            entry = source.read(name)
            if name.endswith("data.pkl") and dice.random() < 0.8:
                entry = dice.choice(PICKLE)(entry, dice, canary)
            elif name == odd:
                choice = dice.randrange(4)
                if choice == 0:
                    continue
                entry = [b"", bytes(2**20), dice.choice(PLAIN)(entry or b"x", dice, canary)][choice - 1]
            target.writestr(name, entry, dice.choice([0, 0, 0, 8]))
    return stream.getvalue()


def zip_header(content: bytes, dice: random.Random, canary: Path) -> bytes:
    """A field of a local header, of the directory or of the archive's end becomes extreme."""
    mark = dice.choice([b"PK\1\2", b"PK\3\4", b"PK\5\6"])
    found = dice.choice([match.start() for match in re.finditer(re.escape(mark), content)])
    place, size = found + 4 + dice.randrange(40), dice.choice([1, 2, 4])
    value = dice.choice([*EXTREMES, dice.randrange(70_000)]) % (1 << 8 * size)
    return content[:place] + value.to_bytes(size, "little") + content[place + size :]


def table(content: bytes, dice: random.Random, canary: Path) -> bytes:
    """Records of a TensorFlow index are damaged, doubled or left out, and the table written with right checksums."""
    records = list(_records(content))
    for _ in range(dice.choice([1, 1, 3])):
        place = dice.randrange(len(records))
        key, value = records[place]
        choice = dice.randrange(4)
        if choice == 0:
            del records[place]
        elif choice == 1:
            records.insert(place, (dice.choice(PLAIN)(key or b"x", dice, canary), value))
        else:
            records[place] = (key, dice.choice(PLAIN)(value or b"x", dice, canary))
        records = records or [(b"", b"")]
    if dice.random() < 0.7:
        records = sorted(dict(records).items())
    return write_table(records, compress=dice.random() < 0.5)


def header(content: bytes, dice: random.Random, canary: Path) -> bytes:
    """A field of a safetensors header changes, and the header is written with its right length."""
    (size,) = struct.unpack("<Q", content[:8])
    fields = json.loads(content[8 : 8 + size])
    name = dice.choice(list(fields))
    field = dice.choice(["dtype", "shape", "data_offsets"])
    value: object = dice.choice([None, "F64", "X", [], [-1], [dice.choice(EXTREMES)] * 2, [0, 4], {"a": 1}, 1.5])
    fields[name] = value if dice.random() < 0.2 else {**fields[name], field: value}
    new = json.dumps(fields).encode()
    return struct.pack("<Q", len(new)) + new + content[8 + size :]


MUTATIONS: dict[str, Sequence[Mutation]] = {
    "zip": (*PLAIN, zip_header, zip_header, within_zip, within_zip, within_zip, within_zip),
    "legacy": PICKLE,
    "tar": (*PLAIN, length, opcodes, hijack, numbers),
    "pickle": PICKLE,
    "tensorflow": (*PLAIN, table, table, table),
    "snappy": (*PLAIN, table, table, table),
    "safetensors": (*PLAIN, header, header, header),
}
