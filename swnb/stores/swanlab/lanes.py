"""Many little numbers decoded at a time, without a loop over them in Python.

A lane is 8 bytes, one number's. All lanes together are one long int: a mask and a shift move the same bits of every
number at once.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import TypeVar

N = TypeVar("N", int, float)
_WIDTH = 8


def lanes(rows: bytes, stride: int, at: int, width: int) -> bytes:
    """The ``width`` bytes at ``at`` of each row of ``stride`` bytes, in lanes of their own, zeros behind them."""
    made = bytearray(len(rows) // stride * _WIDTH)
    for byte in range(width):
        made[byte::_WIDTH] = rows[at + byte :: stride]
    return bytes(made)


def varints(made: bytes) -> array[int]:
    """The varints (of 8 bytes at most, so not negative) of these lanes: 7 bits of each byte, the low ones first."""
    packed = int.from_bytes(made, "little")
    for bits, low in ((7, 0x007F007F007F007F), (14, 0x00003FFF00003FFF), (28, 0x000000000FFFFFFF)):
        # Neighbours become one number: the lower of each two stays, the upper moves down to it.
        mask = int.from_bytes(low.to_bytes(_WIDTH, "little") * (len(made) // _WIDTH), "little")
        packed = packed & mask | packed >> bits // 7 & mask << bits
    numbers = array("q")
    numbers.frombytes(packed.to_bytes(len(made), "little"))
    return _native(numbers)


def doubles(made: bytes) -> array[float]:
    """The IEEE doubles of these lanes."""
    numbers = array("d")
    numbers.frombytes(made)
    return _native(numbers)


def joined(rows: Sequence[bytes]) -> bytes:
    """Rows of up to 8 bytes as lanes."""
    return b"".join([row.ljust(_WIDTH, b"\0") for row in rows])


def _native(little: array[N]) -> array[N]:
    if sys.byteorder == "big":
        little.byteswap()
    return little
