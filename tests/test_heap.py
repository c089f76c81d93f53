"""A program that owns its process keeps the memory that tensors free; a library changes nothing."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from attn_i2i.tuning import heap

from .helpers import processes

GLIBC = platform.libc_ver()[0] == "glibc"
SCRIPT = """
import resource, torch
from attn_i2i.models.build import create
from attn_i2i.translate import memory
from attn_i2i.tuning import heap

def needed():
    return memory.needed_bytes(create("cyclegan", width=2, blocks=0), torch.Size((1, 3, 64, 64)), torch.float32, None)

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before, first = needed(), faults()
heap.keep_freed_memory()
faults()
print(round(needed() / before, 2), faults() < first / 8, heap.kept_bytes() > 2**25)
"""


@pytest.mark.skipif(not GLIBC, reason="the GNU C library is Linux's")
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"ATTN_I2I_TUNE": "on"}, "1.3 True True"),
        ({"ATTN_I2I_TUNE": "off"}, "1.0 False False"),
        ({"ATTN_I2I_TUNE": "on", "MALLOC_ARENA_MAX": "4"}, "1.0 False False"),
    ],
)
def test_freed_memory_is_kept_and_counted_unless_the_environment_says_otherwise(
    environment: dict[str, str], expected: str
) -> None:
    others = {name: value for name, value in os.environ.items() if not name.startswith(heap.OF_THE_USER)}
    done = processes.run("-c", SCRIPT, cwd=Path.cwd(), env=others | environment)
    assert (done.stdout.strip(), done.returncode) == (expected, 0), done.stderr
