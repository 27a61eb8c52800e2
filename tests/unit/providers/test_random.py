"""Random tables decode to the same cells in both encodings; random damage raises nothing but errors of ours."""

from __future__ import annotations

import base64
import contextlib
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swnb.call import Reply
from swnb.errors import SwnbError
from swnb.model import Batch, RowQuery
from swnb.providers.starwhale import Starwhale
from swnb.providers.starwhale.records import event_info
from swnb.providers.starwhale.replies import data, list_of, page_of
from swnb.providers.starwhale.table import DatastoreTable, look

from .plans import first_call, play, reply
from .recorded import canonical_rows, recorded

# -- an encoder of our own, written from the paper: (type, text)


def encoded(value: Any) -> tuple[str, Any]:
    if value is None:
        return "UNKNOWN", None
    if isinstance(value, bool):
        return "BOOL", "1" if value else "0"
    if isinstance(value, int):
        return "INT64", f"{value & (2**64 - 1):016x}"
    if isinstance(value, float):
        return "FLOAT64", struct.pack(">d", value).hex()
    return ("BYTES", base64.b64encode(value).decode()) if isinstance(value, bytes) else ("STRING", value)


def typed_cell(value: Any) -> dict[str, Any]:
    if isinstance(value, (list, tuple)):
        kind = "LIST" if isinstance(value, list) else "TUPLE"
        return {"type": kind, "value": [typed_cell(item) for item in value]}
    if isinstance(value, dict):
        return {"type": "MAP", "value": [{"key": typed_cell(k), "value": typed_cell(v)} for k, v in value.items()]}
    kind, text = encoded(value)
    return {"type": kind, "value": text}


def answer(rows: list[dict[str, Any]], encode: Callable[[Any], Any]) -> Reply:
    kinds: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            kinds.setdefault(name, set()).update({typed_cell(value)["type"]} - {"UNKNOWN"})
    hints = {name: {"typeHints": sorted(types)} for name, types in kinds.items()}
    records = [{name: encode(value) for name, value in row.items()} for row in rows]
    last = {"lastKey": encoded(rows[-1]["id"])[1]} if rows else {}
    return reply({"columnHints": hints, "records": records} | last)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
INTS = st.integers(-(2**63), 2**63 - 1)
COLUMNS = {"i": INTS, "f": st.floats(allow_nan=True), "s": TEXT, "b": st.booleans(), "y": st.binary(max_size=4)}
CELLS = {name: st.none() | kind for name, kind in COLUMNS.items()}
SCALAR = st.one_of(st.none(), *COLUMNS.values())
NESTED = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def tables(keys: st.SearchStrategy[Any], cells: dict[str, Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.fixed_dictionaries({"id": keys}, optional=cells)
    return st.lists(row, min_size=1, max_size=6, unique_by=lambda each: each["id"])


@given(st.one_of(tables(INTS, CELLS), tables(TEXT, CELLS)))
def test_plain_columns_are_the_same_cells_typed_and_untyped(rows: list[dict[str, Any]]) -> None:
    untyped = answer(rows, lambda value: encoded(value)[1])
    table = DatastoreTable.of("t", look("t").decode(untyped), RowQuery(keep_none=True))
    assert table.types is not None
    page = table.first().decode(untyped)
    assert not page.torn
    assert canonical_rows(page.batch.records()) == canonical_rows(rows)
    typed = table.anew().first().decode(answer(rows, typed_cell))
    assert canonical_rows(typed.batch.records()) == canonical_rows(rows)
    assert (page.first, page.last) == (typed.first, typed.last) == (rows[0]["id"], rows[-1]["id"])


@given(tables(INTS | TEXT, {"x": NESTED, "y": NESTED}))
def test_mixed_and_nested_columns_are_the_same_cells_typed(rows: list[dict[str, Any]]) -> None:
    sent = answer(rows, typed_cell)
    table = DatastoreTable.of("t", look("t").decode(sent), RowQuery(keep_none=True)).anew()
    assert canonical_rows(table.first().decode(sent).batch.records()) == canonical_rows(rows)


# -- damage

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just("9" * 5000),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "type", "value", "data"]), inner)
    ),
    max_leaves=3,
)
HOST = Starwhale("http://h")
UNTYPED = DatastoreTable.of("t", look("t").decode(recorded()[116].reply), RowQuery())


def a_few(same: Reply) -> Callable[[Any], Reply]:
    """The same answer to everything, but not for ever: damage may make a list without an end out of it."""
    asked = iter(range(20))

    def answer(call: Any) -> Reply:
        return reply(status=503, body=b"enough") if next(asked, None) is None else same

    return answer


READERS: list[tuple[str, int, Callable[[Reply], Any]]] = [
    ("server", 18, first_call(HOST.projects()).decode),
    ("server", 24, first_call(HOST.project("demo")).decode),
    ("server", 34, HOST.job_page("3", 1, 100).decode),
    ("server", 57, first_call(HOST.job("1", "6")).decode),
    ("server", 74, lambda answer: play(HOST.tasks("1", "8"), a_few(answer)).result),
    ("server", 72, list_of(lambda item, answer: item)),
    ("server", 77, list_of(event_info)),
    ("server", 74, lambda answer: play(HOST.logs("1", "8"), a_few(answer)).result),
    ("server", 96, first_call(HOST.tables("1", "5" * 32)).decode),
    ("server", 106, look("t").decode),
    ("server", 107, UNTYPED.anew().page),
    ("server", 116, UNTYPED.first().decode),
    ("server", 119, replace(UNTYPED, keep_none=True).first().decode),
    ("server", 198, lambda answer: play(HOST.blobs(["x"]), a_few(answer)).result),
    ("server", 27, data),
    ("server", 139, data),
    ("server-odd", 3, page_of(lambda item, answer: item, lambda number: HOST.job_page("2", number, 6), 1)),
    ("server", 178, lambda answer: play(HOST.summary("2", ["32"]), a_few(answer)).result),
    ("server", 177, lambda answer: play(HOST.summary("1", None), a_few(answer)).result),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


def damaged(value: Any, path: tuple[Any, ...], junk: Any, drop: bool) -> Any:
    if not path:
        return junk
    copy = value.copy()
    if drop and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = damaged(copy[path[0]], path[1:], junk, drop)
    return copy


def read(reader: Callable[[Reply], Any], answer: Reply) -> None:
    """Either it is read, to the last cell, or refused in our own words."""
    with contextlib.suppress(SwnbError):
        found = reader(answer)
        batch = getattr(found, "batch", None)
        if isinstance(batch, Batch):
            assert len(list(batch.records())) == batch.n


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(st.data())
def test_a_damaged_answer_is_read_or_refused_in_our_own_words(source: st.DataObject) -> None:
    kind, number, reader = source.draw(st.sampled_from(READERS))
    entry = recorded(kind)[number]
    where = source.draw(st.sampled_from(places(entry.body)))
    content = damaged(entry.body, where, source.draw(JUNK), source.draw(st.booleans()))
    read(reader, replace(entry.reply, body=json.dumps(content).encode()))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(READERS), st.integers(0, 5000), st.binary(max_size=3))
def test_a_cut_or_scratched_answer_is_read_or_refused(reader: Any, at: int, scratch: bytes) -> None:
    kind, number, decode = reader
    body = recorded(kind)[number].reply.body
    at %= len(body)
    for broken in (body[:at], body[:at] + scratch + body[at + len(scratch) :]):
        read(decode, replace(recorded(kind)[number].reply, body=broken))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(READERS), JUNK, st.sampled_from([200, 400, 401, 403, 404, 418, 429, 500, 503]))
def test_any_json_of_any_status_is_read_or_refused(reader: Any, content: Any, status: int) -> None:
    for body in (content, {"code": "success", "data": content}, {"code": content, "message": content}):
        read(reader[2], reply(status=status, body=body))


def test_depth_beyond_reason_is_refused() -> None:
    deep = b"[" * 50_000 + b"]" * 50_000
    cell = b'{"type":"LIST","value":[' * 2_000 + b"]}" * 2_000
    record = (
        b'{"code":"success","data":{"columnHints":{},"records":[{"id":{"type":"INT64","value":"1"},"x":'
        + cell
        + b"}]}}"
    )
    for _, _, reader in READERS:
        for body in (deep, b'{"code":"success","data":' + deep + b"}", record):
            read(reader, reply(body=body))
