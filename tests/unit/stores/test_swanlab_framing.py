"""Containers survive everything but what was lost: whatever is cut or damaged, all records before it are read."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swnb.stores.swanlab import framing, jsonlines, protobuf
from swnb.stores.swanlab.contents import Contents
from swnb.stores.swanlab.framing import BLOCK, HEADER, Frames, version_of

from .swanlab_writing import START, column, finish, first_lines, framed, log, point, scalar, start

# Around the size of a block, so that records are split, end at its last byte, or leave less than a header of room.
lengths = st.one_of(st.integers(0, 200), st.integers(BLOCK - 40, BLOCK + 10), st.integers(2 * BLOCK, 2 * BLOCK + 50))
records = st.lists(st.builds(lambda size, fill: bytes([fill]) * size, lengths, st.integers(0, 255)), max_size=8)


def read(content: bytes, start: int = HEADER) -> tuple[list[bytes], Frames]:
    frames = Frames(io.BytesIO(content), len(content), start)
    return list(frames), frames


@given(records)
@example([b"x" * (BLOCK - HEADER - 14), b"y" * 10])  # exactly a fragment's header of room: FIRST without data
@example([b"x" * (BLOCK - HEADER - 7 - 6), b"y"])  # six bytes of padding
def test_what_was_framed_is_read_again(written: list[bytes]) -> None:
    found, frames = read(framed(written))
    assert found == written
    assert frames.whole
    assert frames.end <= len(framed(written))


@given(records, st.data())
def test_any_truncation_leaves_a_prefix(written: list[bytes], data: st.DataObject) -> None:
    content = framed(written)
    cut = data.draw(st.integers(0, len(content)))
    found, frames = read(content[:cut])
    assert found == written[: len(found)]
    whole = [len(framed(written[:n])) for n in range(len(written) + 1)]
    assert len(found) == max((n for n, size in enumerate(whole) if size <= cut), default=0)
    # Padding and the header of the file are no records, so a cut in them loses none.
    assert frames.whole or frames.end < cut or cut < HEADER


@given(records, st.data())
def test_any_flipped_bit_leaves_a_prefix(written: list[bytes], data: st.DataObject) -> None:
    content = bytearray(framed(written))
    at = data.draw(st.integers(HEADER, max(len(content) - 1, HEADER)))
    if at < len(content):
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    found, frames = read(bytes(content))
    assert found == written[: len(found)]
    assert at >= len(content) or not frames.whole


@given(records.filter(bool), st.data())
def test_reading_goes_on_where_it_ended(written: list[bytes], data: st.DataObject) -> None:
    content = framed(written)
    first, frames = read(content[: data.draw(st.integers(HEADER, len(content)))])
    assert first + read(content, frames.end)[0] == written


@given(records)
def test_the_end_is_found_from_any_block(written: list[bytes]) -> None:
    content = framed(written)
    for block in range(1, len(content) // BLOCK + 1):
        frames = Frames(io.BytesIO(content), len(content), block * BLOCK, seeking=True)
        found = list(frames)
        assert not found or found == written[-len(found) :]


def test_what_is_added_while_it_is_read_does_not_count() -> None:
    content = framed([b"a", b"b"])
    assert list(Frames(io.BytesIO(framed([b"a", b"b", b"c"])), len(content))) == [b"a", b"b"]


def test_a_record_beyond_all_measure_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "RECORD_BYTES", 3 * BLOCK)
    found, frames = read(framed([b"a", b"x" * 4 * BLOCK, b"b"]))
    assert (found, frames.whole) == ([b"a"], False)


def test_fragments_out_of_order_are_damage() -> None:
    last = b"\4" + b"tail"
    stray = struct.pack("<IH", zlib.crc32(last), 4) + last
    found, frames = read(framed([b"a"]) + stray)
    assert (found, frames.whole) == ([b"a"], False)


@pytest.mark.parametrize(
    ("head", "version"),
    [(framed([]), 2), (framed([], 1), 1), (framed([], 3), None), (b"", None), (b":SWL", None), (b"PK\3\4abc", None)],
)
def test_a_version_is_known_by_its_header(head: bytes, version: int | None) -> None:
    assert version_of(head) == version


RUN = [start(), column("loss"), *(point("loss", n, n / 7, START * 10**9 + n) for n in range(40)), log("x"), finish()]
OLD = [*first_lines(), *(scalar("loss", n, n / 7) for n in range(40))]


@given(st.data())
def test_a_damaged_record_of_a_right_checksum_is_counted_not_raised(data: st.DataObject) -> None:
    for reader, whole in ((protobuf.read, RUN), (jsonlines.read, OLD)):
        damaged = [bytearray(each) for each in whole]
        for _ in range(data.draw(st.integers(1, 5))):
            each = damaged[data.draw(st.integers(0, len(whole) - 1))]
            each[data.draw(st.integers(0, len(each) - 1))] = data.draw(st.integers(0, 255))
        found = Contents()
        reader(map(bytes, damaged), found)
        kept = sum(len(points.steps) for points in found.points.values())
        assert kept >= 35
        assert found.odd <= 5
