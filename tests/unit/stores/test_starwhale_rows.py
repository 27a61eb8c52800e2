"""Rows of a table on disk, rule by rule (starwhale paper 6.4, 6.5)."""

from __future__ import annotations

import json
import threading
from array import array
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swnb.call import noting
from swnb.errors import BadInput, NotFound
from swnb.model import ABSENT, Record, RowQuery
from swnb.stores import folder
from swnb.stores.starwhale import tables

from .writing import JOB, Folder, done, line


@pytest.fixture
def made(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "root")


def numbered(first: int, last: int, start: int = 1) -> list[dict[str, Any]]:
    return [line((start + n, {"id": n, "v": n / 2})) for n in range(first, last)]


def test_columns_of_numbers_are_arrays_and_gaps_are_absent(made: Folder) -> None:
    made.table([line((1, {"id": 1, "v": 0.5, "t": "a"})), line((2, {"id": 2, "v": 1.5}))])
    (batch,) = made.store.scan(None, JOB, "results", RowQuery())
    assert batch.columns == {"id": array("q", [1, 2]), "v": array("d", [0.5, 1.5]), "t": ["a", ABSENT]}


def test_a_column_of_ints_and_floats_keeps_both(made: Folder) -> None:
    made.table([line((1, {"id": 1, "v": 1})), line((2, {"id": 2, "v": 1.5}))])
    assert [(type(row["v"]), row["v"]) for row in made.rows()] == [(int, 1), (float, 1.5)]


def test_a_row_is_its_revisions_laid_over_each_other_by_number(made: Folder) -> None:
    made.table([line((10, {"id": 1, "a": 10, "b": 10}), (9, {"id": 1, "a": 9, "c": 9}))])
    assert made.rows() == [{"id": 1, "a": 10, "b": 10, "c": 9}]


def test_none_overwrites_and_is_shown_on_request(made: Folder) -> None:
    made.table([line((1, {"id": 1, "a": 1}), (2, {"a": None}))])
    assert made.rows() == [{"id": 1}]
    assert made.rows(RowQuery(keep_none=True)) == [{"id": 1, "a": None}]


def test_a_deleted_row_is_gone_and_starts_afresh_when_it_comes_back(made: Folder) -> None:
    gone = line((1, {"id": 1, "a": 1}), (2, {"id": 1, "-": True}))
    back = line((1, {"id": 2, "a": 1}), (2, {"id": 2, "-": True}), (3, {"id": 2, "b": 2}))
    never = line((1, {"id": 3, "-": True}))
    made.table([gone, back, never])
    assert made.rows() == [{"id": 2, "b": 2}]


@pytest.mark.parametrize(
    ("tombstone", "left"),
    [
        ({"start": 2, "end": 4}, [1, 4, 5]),
        ({"start": 2, "end": 4, "end_inclusive": True}, [1, 5]),
        ({"end": 3}, [3, 4, 5]),
        ({"start": 3}, [1, 2]),
        ({}, []),
        ({"start": 2, "revision": "4"}, [1, 4, 5]),
    ],
)
def test_a_tombstone_hides_the_revisions_up_to_its_own(
    made: Folder, tombstone: dict[str, Any], left: list[int]
) -> None:
    made.table(
        [line((n + 1, {"id": n})) for n in range(1, 6)],
        tombstones=[{"revision": "99", "start": None, "end": None, "end_inclusive": False, **tombstone}],
    )
    assert [row["id"] for row in made.rows()] == left


def test_revisions_of_tombstones_compare_as_numbers(made: Folder) -> None:
    """The SDK compares them as texts, where "9" is above "100"."""
    stones = [{"revision": number, "end_inclusive": False} for number in ("9", "100")]
    made.table([line((50, {"id": 1})), line((101, {"id": 2}))], tombstones=stones)
    assert [row["id"] for row in made.rows()] == [2]


def test_a_prefix_tombstone_looks_at_the_prefix_alone(made: Folder) -> None:
    stone = {"revision": "9", "key_prefix": "ab", "start": "zz", "end_inclusive": False}
    made.table([line((1, {"id": key})) for key in ("aa", "ab", "abc", "b")], tombstones=[stone])
    assert [row["id"] for row in made.rows()] == ["aa", "b"]


def test_blocks_are_given_in_key_order_and_overlapping_ones_are_merged(made: Folder) -> None:
    late = [line((5, {"id": n, "w": n})) for n in (8, 12)]
    made.table(numbered(20, 22), numbered(0, 10), late)
    rows = made.rows()
    assert [row["id"] for row in rows] == [*range(10), 12, 20, 21]
    assert rows[8] == {"id": 8, "v": 4.0, "w": 8}


def test_a_block_that_the_manifest_does_not_list_is_ignored(made: Folder) -> None:
    place = made.table(numbered(0, 3), numbered(5, 8))
    manifest = json.loads((place / "manifest.json").read_text())
    del manifest["blocks"][1]
    (place / "manifest.json").write_text(json.dumps(manifest))
    assert [row["id"] for row in made.rows()] == [0, 1, 2]


def test_blocks_outside_the_range_are_not_opened(made: Folder) -> None:
    place = made.table(numbered(0, 10), numbered(10, 20), numbered(20, 30))
    (place / "data.0000001.zip").write_bytes(b"broken")
    (place / "data.0000003.zip").unlink()
    assert [row["id"] for row in made.rows(RowQuery(10, 20))] == list(range(10, 20))


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        (RowQuery(start=2), [2, 3, 4]),
        (RowQuery(end=2), [0, 1]),
        (RowQuery(end=2, end_inclusive=True), [0, 1, 2]),
        (RowQuery(start=3, end=1), []),
        (RowQuery(start=0.5, end=2.5), [1, 2]),
        (RowQuery(limit=2), [0, 1]),
        (RowQuery(limit=0), []),
        (RowQuery(start=1, limit=9), [1, 2, 3, 4]),
    ],
)
def test_ranges_and_limits(made: Folder, query: RowQuery, keys: list[int]) -> None:
    made.table(numbered(0, 2), numbered(2, 5))
    assert [row["id"] for row in made.rows(query)] == keys


def test_the_key_comes_along_with_the_columns_asked_for(made: Folder) -> None:
    made.table([line((1, {"id": 1, "a": 1, "b": 2})), line((2, {"id": 2, "b": 3}))])
    assert made.rows(RowQuery(columns=("a",))) == [{"id": 1, "a": 1}, {"id": 2}]


def test_a_column_that_no_row_ever_had_is_refused(made: Folder) -> None:
    made.table([line((1, {"id": 1, "a": 1, "b": 2}))])
    with pytest.raises(BadInput, match=r"has no column .nowhere.\. It has a, b, id"):
        made.rows(RowQuery(columns=("a", "nowhere")))


@pytest.mark.parametrize("bound", [RowQuery(start="a"), RowQuery(end="a")])
def test_a_text_bound_on_number_keys_is_refused(made: Folder, bound: RowQuery) -> None:
    made.table(numbered(0, 2))
    with pytest.raises(BadInput, match="numbers"):
        made.rows(bound)


def test_an_unknown_table_is_not_found_and_the_known_ones_are_named(made: Folder) -> None:
    made.table(numbered(0, 2))
    with pytest.raises(NotFound, match="results"):
        made.rows(table="result")


def test_a_table_that_nothing_was_written_to_yet_is_empty(made: Folder) -> None:
    (made.table() / "manifest.json").unlink()
    assert made.rows() == []


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("text", ['a "quote"', '}}}\\n{"key": "id", "records": {"1": ', "é中🐋", "\\", ', "data": '])
def test_texts_that_look_like_the_format_are_texts(made: Folder, text: str, separators: tuple[str, str]) -> None:
    rows = [{"id": n, "data": text, text: "x"} for n in range(3)]
    made.table([line((n, row)) for n, row in enumerate(rows, 1)], separators=separators)
    assert made.rows() == rows


def test_an_old_block_is_plain_json(made: Folder) -> None:
    place = made.table(numbered(0, 2))
    (place / "data.0000001.zip").unlink()
    (place / "data.0000001.json").write_text("\n".join(json.dumps(each) for each in numbered(0, 2)))
    assert [row["id"] for row in made.rows()] == [0, 1]


NESTED = [
    ({"type": "FLOAT16"}, "2e66", 0.0999755859375),
    ({"type": "INT8"}, "80", -128),
    ({"type": "INT64"}, "a", 10),
    ({"type": "FLOAT32"}, "3dcccccd", 0.10000000149011612),
    ({"type": "BYTES"}, "AP8Q", b"\x00\xff\x10"),
    ({"type": "LIST", "elementType": {"type": "INT8"}}, ["01", None], [1, None]),
    ({"type": "TUPLE", "elementType": {"type": "UNKNOWN"}}, [], ()),
    (
        {"type": "LIST", "elementType": {"type": "INT8"}, "attributes": [{"index": 1, "type": "STRING"}]},
        ["01", "a", "02"],
        [1, "a", 2],
    ),
    (
        {"type": "MAP", "keyType": {"type": "STRING"}, "valueType": {"type": "INT8"}},
        {"old": "01"},
        {"old": 1},
    ),
    (
        {
            "type": "MAP",
            "keyType": {"type": "STRING"},
            "valueType": {"type": "INT8"},
            "sparseKeyValuePairSchema": {"1": {"keyType": {"type": "INT8"}, "valueType": {"type": "BOOL"}}},
        },
        [["a", "01"], ["02", "1"]],
        {"a": 1, 2: True},
    ),
    (
        {"type": "OBJECT", "pythonType": "os.system", "attributes": [{"name": "x", "type": "INT8"}]},
        {"x": "01"},
        Record("os.system", {"x": 1}),
    ),
]


@pytest.mark.parametrize(("schema", "encoded", "value"), NESTED)
def test_values_of_every_type(made: Folder, schema: dict[str, Any], encoded: Any, value: Any) -> None:
    entry = line((1, {"id": 1}))
    entry["records"]["1"]["schema"]["v"] = schema
    entry["records"]["1"]["data"]["v"] = encoded
    made.table([entry])
    ((got),) = (row["v"] for row in made.rows())
    assert (type(got), got) == (type(value), value)


cells = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["", "x"]), st.booleans())
updates = st.dictionaries(st.sampled_from("abc"), cells, max_size=3)
deletion = st.just({"-": True})
histories = st.dictionaries(
    st.integers(-20, 20),
    st.dictionaries(st.integers(1, 30), st.one_of(updates, updates, deletion), min_size=1, max_size=4),
    max_size=12,
)
stones = st.lists(
    st.fixed_dictionaries(
        {
            "revision": st.integers(1, 30).map(str),
            "start": st.none() | st.integers(-20, 20),
            "end": st.none() | st.integers(-20, 20),
            "end_inclusive": st.booleans(),
        }
    ),
    max_size=2,
)


def covered(stone: dict[str, Any], key: int) -> bool:
    start, end = stone["start"], stone["end"]
    upper = end is None or key < end or (stone["end_inclusive"] and key == end)
    return (start is None or start <= key) and upper


def naive(history: dict[int, dict[int, dict[str, Any]]], tombstones: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The reading rule of paper 6.5, word for word."""
    rows = []
    for key in sorted(history):
        floor = max((int(stone["revision"]) for stone in tombstones if covered(stone, key)), default=0)
        row: dict[str, Any] | None = None
        for number in sorted(history[key]):
            if number > floor:
                update = history[key][number]
                row = None if "-" in update else {**(row or {}), **update}
        if row is not None:
            rows.append({"id": key, **{k: v for k, v in row.items() if v is not None}})
    return rows


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, tombstones=stones, cut=st.lists(st.integers(0, 3), min_size=48, max_size=48))
def test_any_history_reads_by_the_reading_rule(
    tmp_path_factory: pytest.TempPathFactory,
    history: dict[int, dict[int, dict[str, Any]]],
    tombstones: list[dict[str, Any]],
    cut: list[int],
) -> None:
    """However the revisions are spread over blocks, which then overlap."""
    places = iter(cut)
    blocks: dict[int, dict[int, list[tuple[int, dict[str, Any]]]]] = {}
    for key, revisions in history.items():
        for number, update in revisions.items():
            blocks.setdefault(next(places), {}).setdefault(key, []).append((number, {"id": key, **update}))
    made = Folder(tmp_path_factory.mktemp("any") / "root")
    made.table(*([line(*block[key]) for key in sorted(block)] for block in blocks.values()), tombstones=tombstones)
    expected = naive(history, tombstones)
    assert made.rows() == expected
    assert made.rows(RowQuery(-5, 5)) == [row for row in expected if -5 <= row["id"] < 5]


def rewrite(made: Folder, generation: int) -> None:
    """As the SDK does it: new block files, then the manifest, then the old files away."""
    blocks = [[line((generation, {"id": n, "g": generation})) for n in range(i, i + 20)] for i in (0, 20, 40)]
    place = made.table(*blocks, prefix=f"g{generation}")
    for path in place.glob(f"g{generation - 1}.*"):
        path.unlink()


def test_rows_are_of_one_state_of_a_table_that_is_rewritten_meanwhile(made: Folder) -> None:
    rewrite(made, 1)
    batches = made.store.scan(None, JOB, "results", RowQuery())
    first = next(batches)
    rewrite(made, 2)
    rows = [*first.records(), *(row for batch in batches for row in batch.records())]
    assert rows == [{"id": n, "g": 1} for n in range(60)]


def test_without_held_files_the_reading_goes_on_after_the_last_row_and_says_so(
    made: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_HELD", 0)
    rewrite(made, 1)
    with noting() as notes:
        batches = made.store.scan(None, JOB, "results", RowQuery(limit=50))
        first = next(batches)
        rewrite(made, 2)
        rows = [*first.records(), *(row for batch in batches for row in batch.records())]
    assert [row["id"] for row in rows] == list(range(50))
    assert [row["g"] for row in rows] == [1] * 20 + [2] * 30
    assert ["rewritten" in note for note in notes] == [True]


def test_a_reader_beside_a_writer_always_gets_whole_rows(made: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "_WAITS", [0.001] * 100)  # this writer never rests
    rewrite(made, 1)
    stop = threading.Event()

    def write() -> None:
        generation = 2
        while not stop.is_set() and generation < 40:
            rewrite(made, generation)
            generation += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = [made.rows() for _ in range(25)]
    finally:
        stop.set()
        writer.join()
    assert all([row["id"] for row in rows] == list(range(60)) for rows in seen)
    assert all(len({row["g"] for row in rows}) == 1 for rows in seen)


def test_tables_are_listed_in_the_order_of_their_making(made: Folder) -> None:
    prefix = f"project/self/eval/ab/{JOB}/"
    for name in ("z", "a/b", "m"):
        made.table(numbered(0, 1), name=prefix + name)
    assert done(made.store.tables(None, JOB)) == ("z", "a/b", "m")
