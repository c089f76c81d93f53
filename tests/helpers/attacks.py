"""Pickles that would run code in the standard unpickler."""

from __future__ import annotations

import struct
from pathlib import Path


def text(value: str) -> bytes:
    """The pickle instruction that pushes a text."""
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def attacks(canary: Path) -> dict[str, bytes]:
    """Pickles that create ``canary`` when anything in them runs."""
    command = f"touch {canary}"
    code = f"open({str(canary)!r}, 'w').close()"
    inner = f"\x80\x02cposix\nsystem\nX{chr(len(command))}\0\0\0{command}\x85R."
    call = text(code) + b"\x85R."
    return {
        "reduce": b"\x80\x02cposix\nsystem\n" + text(command) + b"\x85R.",
        "eval": b"\x80\x02cbuiltins\neval\n" + call,
        "exec": b"\x80\x02cbuiltins\nexec\n" + call,
        "inst": b"(" + text(command) + b"iposix\nsystem\n.",
        "obj": b"(cposix\nsystem\n" + text(command) + b"o.",
        "newobj": b"\x80\x02csubprocess\nPopen\n" + text(f"touch\n{canary}") + b"\x85\x81.",
        "stack global": b"\x80\x04" + text("posix") + text("system") + b"\x93" + text(command) + b"\x85R.",
        "dotted name": b"\x80\x04" + text("pathlib") + text("os.system") + b"\x93" + text(command) + b"\x85R.",
        "getattr": b"cbuiltins\ngetattr\n(cbuiltins\n__import__\n" + text("os") + b"\x85R" + text("system") + b"tR"
        + text(command) + b"\x85R.",
        "setstate": b"\x80\x02cfunctools\npartial\n(cposix\nsystem\ntR(cposix\nsystem\n(" + text(command)
        + b"t}NtbR.",
        "nested": b"\x80\x02ctorch.storage\n_load_from_bytes\n" + text(inner) + b"\x85R.",
        "copyreg": b"\x80\x02ccopyreg\n__newobj__\n(cbuiltins\neval\n" + text(code) + b"tR.",
        "map": b"\x80\x02cbuiltins\nlist\ncbuiltins\nmap\n(cposix\nsystem\n](" + text(command) + b"etR\x85R.",
    }  # fmt: skip
