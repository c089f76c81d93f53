"""The Castagnoli checksum that TensorFlow keeps for every block and tensor.

A checksum is linear, so long data is cut into lanes that numpy advances side by side, two bytes a step. The lanes are
then joined in pairs: the left one is shifted over the length of the right one (zlib's crc32_combine).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Words = NDArray[np.uint32]

POLYNOMIAL = 0x82F63B78  # Castagnoli's, with its bits reversed
_LANE = 1024  # bytes of a lane; less data is not worth lanes
_LANES = 4096  # at most: a choice, which bounds what numpy holds at once to 4 MiB of data


def unmasked(value: int) -> int:
    """The checksum that TensorFlow stores masked: rotated, a constant added."""
    rotated = (value - 0xA282EAD8) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def crc32c(data: bytes | memoryview) -> int:
    """The checksum, byte by byte: for data of a few kilobytes, where nothing but Python is at hand."""
    table, value = _byte_table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def crc32c_array(data: NDArray[np.uint8]) -> int:
    """The checksum of many bytes with numpy; the same number as ``crc32c``."""
    import numpy as np

    if data.size < _LANE:
        return crc32c(data.tobytes())
    value = 0xFFFFFFFF
    chunk = _LANE * _LANES
    first = (data.size - _LANE) % chunk + _LANE
    for start, end in [(0, first), *((at, at + chunk) for at in range(first, data.size, chunk))]:
        lanes = 1 << (-(-(end - start) // _LANE) - 1).bit_length()
        padded = np.zeros(lanes * _LANE, np.uint8)
        padded[-(end - start) :] = data[start:end]  # zeros in front do not change a checksum that starts from zero
        padded[start - end : start - end + 4 or None] ^= np.frombuffer(value.to_bytes(4, "little"), np.uint8)
        value = _joined(_lane_checksums(padded.reshape(lanes, _LANE)))
    return value ^ 0xFFFFFFFF


def _lane_checksums(lanes: NDArray[np.uint8]) -> Words:
    import numpy as np

    table = _pair_table()
    steps = np.ascontiguousarray(lanes.view("<u2").T)
    values = np.zeros(lanes.shape[0], np.uint32)
    for step in steps:
        values = table[(values ^ step) & 0xFFFF] ^ values >> 16
    return values


def _joined(values: Words) -> int:
    doublings = 0
    while values.size > 1:
        values = _times(_shift(doublings), values[0::2]) ^ values[1::2]
        doublings += 1
    return int(values[0])


def _times(matrix: Words, values: Words) -> Words:
    """Apply a 32x32 matrix over GF(2), held as 32 columns, to each value."""
    import numpy as np

    result = np.zeros_like(values)
    for bit in range(32):
        result ^= matrix[bit] * (values >> bit & 1)
    return result


@cache
def _shift(doublings: int) -> Words:
    """What 1024 * 2**doublings zero bytes do to a checksum."""
    import numpy as np

    if doublings:
        return _times(_shift(doublings - 1), _shift(doublings - 1))
    values = np.left_shift(np.uint32(1), np.arange(32, dtype=np.uint32))
    table = np.array(_byte_table(), np.uint32)
    for _ in range(_LANE):
        values = table[values & 0xFF] ^ values >> 8
    return values


@cache
def _byte_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


@cache
def _pair_table() -> Words:
    """The checksum after two bytes, by the 16 bits they meet."""
    import numpy as np

    table = np.array(_byte_table(), np.uint32)
    once = table[np.arange(65536) & 0xFF] ^ np.arange(65536, dtype=np.uint32) >> 8
    return table[once & 0xFF] ^ once >> 8
