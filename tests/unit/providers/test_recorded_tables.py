"""Recorded answers of the datastore: each encoding of a table gives the rows that the SDK read, or written ones."""

from __future__ import annotations

import math
from typing import Any

import pytest

from swnb.call import Reply
from swnb.model import RowQuery
from swnb.providers.starwhale import Starwhale
from swnb.providers.starwhale.table import DatastoreTable, look
from swnb.providers.starwhale.values import SCALARS, blob_of

from .plans import first_call
from .recorded import UUID, canonical_rows, recorded, sdk, sdk_rows

Rows = list[dict[str, Any]]
WHOLE = DatastoreTable.of("project/1/eval/56/x/t", {"id": frozenset({"STRING"})}, RowQuery()).anew()


def typed_rows(reply: Reply) -> Rows:
    return list(WHOLE.page(reply).batch.records())


def untyped_rows(reply: Reply, columns: tuple[str, ...]) -> Rows:
    """The rows of an untyped answer as they are asked for: by the types that its own hints tell."""
    types = look("t").decode(reply)
    page = DatastoreTable.of("t", types, RowQuery(columns=columns))
    assert page.types is not None
    return list(page.first().decode(reply).batch.records())


def scalars(reply: Reply) -> tuple[str, ...]:
    return tuple(name for name, kinds in look("t").decode(reply).items() if len(kinds) < 2 and kinds <= SCALARS)


# -- names of tables

JOB6 = ("big", "label/1", "str/keys", "types")
TABLES = {96: JOB6, 97: JOB6, 98: JOB6, 100: JOB6, 99: (), 102: (), 105: ()}


@pytest.mark.parametrize("number", TABLES)
def test_tables_are_those_of_this_job_only(number: int) -> None:
    names = first_call(Starwhale("http://h").tables("1", UUID[6])).decode(recorded()[number].reply)
    assert names == TABLES[number]
    assert not names or list(names) == sdk()["job 6"]["tables"]


# -- whole tables in all their encodings

BLOBS_OF_12 = ("long_text", "long_bytes")


def as_the_sdk(rows: Rows) -> Rows:
    """Long texts and bytes are fetched by the SDK while it reads; ours wait behind their links."""
    body = recorded()[201].reply.body
    read = []
    for row in rows:
        blobs = {name: blob for name, value in row.items() if (blob := blob_of(value))}
        read.append(row | {k: b.value(body[b.offset : b.offset + b.size]) for k, b in blobs.items()})
    return read


def sdk_table(name: str, nones: dict[int, tuple[str, ...]] | None = None) -> Rows:
    """What the SDK read of a table of job 6, with the None cells that it leaves out (row: columns)."""
    rows = [dict(row) for row in sdk()["job 6"]["rows"][name]]
    for at, columns in (nones or {}).items():
        rows[at] |= dict.fromkeys(columns)
    return rows


NONES = {
    "types": {0: ("v_none",), 1: ("v_none",), 10: ("nest/none",)},
    "str/keys": {1: ("i",), 19: ("i",)},
    "label/1": {},
}
TYPED = {
    **dict.fromkeys((106, 108, 197), ("types", False)),
    107: ("types", True),
    **dict.fromkeys((113, 115, 127), ("str/keys", False)),
    114: ("str/keys", True),
    **dict.fromkeys((120, 122, 167), ("label/1", False)),
    121: ("label/1", True),
}


@pytest.mark.parametrize("number", TYPED)
def test_a_typed_page_gives_the_cells_that_the_sdk_read(number: int) -> None:
    name, keep_none = TYPED[number]
    rows = as_the_sdk(typed_rows(recorded()[number].reply))
    assert canonical_rows(rows) == sdk_rows(sdk_table(name, NONES[name] if keep_none else None))


UNTYPED = {
    109: ("types", False),
    112: ("types", True),
    116: ("str/keys", False),
    119: ("str/keys", True),
    123: ("label/1", False),
    126: ("label/1", True),
}


@pytest.mark.parametrize("number", UNTYPED)
def test_an_untyped_page_gives_the_same_cells_in_its_scalar_columns(number: int) -> None:
    name, keep_none = UNTYPED[number]
    answer = recorded()[number].reply
    columns = scalars(answer)
    expected = sdk_table(name, NONES[name] if keep_none else None)
    kept = [{k: v for k, v in row.items() if k in columns} for row in expected]
    assert canonical_rows(untyped_rows(answer, columns)) == sdk_rows(kept)


def test_the_scalar_columns_are_the_ones_of_one_type() -> None:
    expected = {
        "id",
        "v_str",
        "v_bool",
        "v_float",
        "v_bytes",
        "v_int",
        "v_i8",
        "v_i16",
        "v_i32",
        "v_i64",
        "v_f32",
        "v_f64",
    }
    expected |= {"v_nbool", "v_none", "nest/a", "nest/b/c", "nest/none", "a/b:c-d_e", "with space", "upper"}
    assert set(scalars(recorded()[109].reply)) == expected


# -- pages and ranges of the table big: v = 3 n and w = sin(n / 50), n counted from the first key, -20


def big(*keys: int) -> Rows:
    return [{"id": key, "v": 3 * (key + 20), "w": math.sin((key + 20) / 50)} for key in keys]


BIG: dict[int, Rows] = {
    128: big(*range(-20, -15)),
    129: big(*range(-15, -10)),
    130: big(3, 4, 5),
    131: big(3, 4, 5, 6),
    132: big(-20, -19, -18),
    133: big(-20, -19, -18),
    134: big(2477, 2478, 2479),
    135: [],
    136: big(2478, 2479),
    137: [],
    138: big(2478, 2479),
    140: big(2478, 2479),
    141: big(2048, 2049),
    142: [],
    143: [],
    144: big(979),  # of these only the last record was kept
    145: big(979),
    146: big(-20),
    147: big(979),
}


@pytest.mark.parametrize("number", BIG)
def test_a_range_holds_its_rows_and_no_others(number: int) -> None:
    reply = recorded()[number].reply
    table = DatastoreTable.of("t", look("t").decode(reply), RowQuery()).anew()
    page = table.page(reply)
    rows = list(page.batch.records())
    assert [(row["id"], row["v"]) for row in rows] == [(row["id"], row["v"]) for row in BIG[number]]
    assert [row["w"] for row in rows] == pytest.approx([row["w"] for row in BIG[number]], abs=1e-15)
    assert (page.first, page.last) == ((rows[0]["id"], rows[-1]["id"]) if rows else (None, None))
    assert table.columns == ("id", "v", "w")


# -- other questions to scanTable and queryTable

KEYS = [dict(row) for row in sdk()["job 6"]["rows"]["str/keys"]]
FLOATS = (1.5, -0.0, math.inf, -math.inf, math.nan)
INTS = (1, -1, 2**63 - 1, -(2**63))
BEST = {24: 0.8129, 30: 0.884, 14: 0.9508, 36: 0.9833}
OTHER: dict[int, Rows] = {
    149: KEYS[4:7],
    150: KEYS[2:4],  # k02, where it starts, was deleted
    151: KEYS[:3],
    152: [{"v_int": i, "f": f} for i, f in zip(INTS, FLOATS, strict=False)] + [{"f": math.nan}] + [{}] * 14,
    154: [{}] * 15 + [{"a/b:c-d_e": 2}] + [{}] * 3,
    155: [{"id": 0, "v_int": 1}, {"id": 1, "v_int": -1}, {"id": 2, "v_int": 2**63 - 1}],
    156: [{"p/id": "a", "p/x": 1}],
    **{number: [] for number in (157, 163, 180, 187, 193, 205)},
    164: [{"id": "a", "x": 1}, {"s/id": "k00", "s/extra": "added", "s/i": 1000}, {"s/id": "k01"}],
    175: [{"id": f"k{n:02}", "i": n} for n in range(20)],  # the table as it was at its first revision
    182: [
        {"id": "b9b5f9aac09940389a3428db9e962cf2", "sys/id": 36, "accuracy": 0.9833},
        {"id": "8d4508beb37b43a1b0ad2f259bb95a06", "sys/id": 14, "accuracy": 0.9508},
        {"id": "511602d2eac04b8d86338da8606e2646", "sys/id": 30, "accuracy": 0.884},
    ],
    183: [{"sys/id": number, "accuracy": value} for number, value in BEST.items()],
    184: [{"sys/id": number, "accuracy": value} for number, value in BEST.items()],
    185: [{"sys/id": 32, "accuracy": 0.2613}, {"sys/id": 18, "accuracy": 0.398}],
    186: [{"sys/id": 35, "accuracy": 0.4449}, {"sys/id": 36, "accuracy": 0.9833}],
}


@pytest.mark.parametrize("number", OTHER)
def test_a_page_gives_what_was_written_down(number: int) -> None:
    assert canonical_rows(typed_rows(recorded()[number].reply)) == canonical_rows(OTHER[number])


def test_an_untyped_query_is_read_by_its_own_hints() -> None:
    rows = untyped_rows(recorded()[181].reply, ("id", "sys/id", "accuracy", "loss", "sys/job_status"))
    assert rows == [
        {"id": "00c73dca676141ce9cc7994b9527040a", "sys/id": 32, "accuracy": 0.2613, "loss": 0.7191}
        | {"sys/job_status": "SUCCESS"},
        {"id": "094ad4d1f5c24214b103c226f727fb2b", "sys/id": 18, "accuracy": 0.398, "loss": 0.568}
        | {"sys/job_status": "SUCCESS"},
    ]


# -- the summary tables

DEMO = {
    10: (0.4622, 0.8257),
    11: (0.1687, 0.9739),
    12: (0.5438, 0.6525),
    13: (0.2816, 0.1763),
    14: (0.9508, 0.1428),
    15: (0.4227, 0.1224),
    16: (0.4354, 0.228),
    17: (0.137, 0.5029),
    18: (0.398, 0.568),
    19: (0.7378, 0.1838),
    20: (0.5867, 0.2908),
    21: (0.7267, 0.0068),
    22: (0.5629, 0.2289),
    23: (0.7149, 0.2662),
    24: (0.8129, 0.226),
    25: (0.0752, 0.1323),
    26: (0.4082, 0.3504),
    27: (0.1445, 0.2997),
    28: (0.0528, 0.1527),
    29: (0.1386, 0.5919),
    30: (0.884, 0.4531),
    31: (0.0009, 0.2005),
    32: (0.2613, 0.7191),
    33: (0.1334, 0.9041),
    34: (0.1323, 0.5571),
    35: (0.4449, 0.3838),
    36: (0.9833, 0.3448),
}


def test_the_summary_of_a_project_has_the_values_that_the_sdk_read() -> None:
    rows = {row["sys/id"]: row for row in typed_rows(recorded()[177].reply)}
    for number in (2, 6, 7, 8):
        assert canonical_rows([rows[number]]) == sdk_rows([sdk()[f"job {number}"]["summary"]])
    assert {number: row["sys/job_status"] for number, row in rows.items()} == {
        **dict.fromkeys((1, 3, 4, 5, 8), "FAIL"),
        **dict.fromkeys((2, 6, 7), "SUCCESS"),
    }
    for number in (1, 3, 4, 5):  # they wrote nothing of their own
        assert {name for name in rows[number] if not name.startswith("sys/")} == {"id"}


def test_the_summary_of_another_project_has_a_row_a_job() -> None:
    rows = typed_rows(recorded()[178].reply)
    assert {row["sys/id"]: (row["accuracy"], row["loss"]) for row in rows} == DEMO
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)


def test_the_summary_of_one_job_is_one_row() -> None:
    assert canonical_rows(typed_rows(recorded()[179].reply)) == sdk_rows([sdk()["job 6"]["summary"]])


def test_the_summaries_of_two_projects_may_come_merged() -> None:
    rows = typed_rows(recorded()[165].reply)
    assert {row["sys/id"]: (row["accuracy"], row["loss"]) for row in rows} == {n: DEMO[n] for n in (32, 18)}


@pytest.mark.parametrize("number", [170, 172])
def test_the_summary_of_a_public_project_is_open_to_all(number: int) -> None:
    (row,) = typed_rows(recorded()[number].reply)
    assert (row["id"], row["sys/id"], row["sys/name"]) == ("a6d56d019aed4c52b9c76a7cf4cd974e", 9, "ev:quick")
    assert (row["accuracy"], row["loss"]) == (0.999, 0.5482)


UNASKED = dict.fromkeys(
    (110, 111, 117, 118, 124, 125, 192), "rawResult writes values as Java texts; we never ask for it (paper 4.5)"
)
CLAIMED = {*TABLES, *TYPED, *UNTYPED, *BIG, *OTHER, 181, 177, 178, 179, 165, 170, 172}
