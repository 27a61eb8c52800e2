"""A damaged or hostile store: swnb's own error that names the file, and the rest stays readable."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swnb.call import noting
from swnb.errors import StoreError
from swnb.model import JobQuery, Record, RowQuery, Status

from .writing import JOB, TABLE, Folder, done, line, revision

OTHER = TABLE.replace("results", "other")
BLOCK = "data.0000001.zip"


@pytest.fixture
def made(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "root")
    made.table([line((1, {"id": 1, "v": 1}))], [line((1, {"id": 5, "v": 5}))])
    made.table([line((1, {"id": 1, "v": "fine"}))], name=OTHER)
    return made


def with_manifest(made: Folder, change: Callable[[dict[str, Any]], None]) -> None:
    file = made.place() / "manifest.json"
    manifest = json.loads(file.read_text())
    change(manifest)
    file.write_text(json.dumps(manifest))


def with_body(made: Folder, body: bytes, members: int = 1) -> None:
    with zipfile.ZipFile(made.place() / BLOCK, "w") as archive:
        for n in range(members):
            archive.writestr(f"../../evil{n}", body)


def good_body() -> bytes:
    return json.dumps(line((1, {"id": 1, "v": 1}))).encode() + b"\n"


BODIES = {
    "no json": b"\x00\xff{",
    "cut": good_body()[:-20],
    "wrong shape": b'{"key": "id", "records": [1]}\n',
    "no revision": b'{"key": "id", "records": {}}\n',
    "revision no number": good_body().replace(b'"1": {"schema"', b'"one": {"schema"'),
    "revision too long": good_body().replace(b'"1": {"schema"', b'"' + b"9" * 5000 + b'": {"schema"'),
    "unknown type": good_body().replace(b"INT64", b"INT65"),
    "no hex": good_body().replace(b"0000000000000001", b"000000000000000x"),
    "too wide": good_body().replace(b"0000000000000001", b"0" * 40),
    "no text": good_body().replace(b'"0000000000000001"', b"7"),
    "schema no object": good_body().replace(b'{"type": "INT64"}', b"[]"),
    "no key": json.dumps({"key": "id", "records": {"1": revision({"v": 1})}}).encode(),
    "key is a list": good_body().replace(b'"id": "0000000000000001"', b'"id": ["0000000000000001"]'),
    "key out of the range": good_body().replace(b'"id": "0000000000000001"', b'"id": "0000000000000009"'),
    "deep": b'{"key": "id", "records": ' + b"[" * 100_000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_block_that_is_not_what_it_should_be_is_named(made: Folder, body: bytes) -> None:
    with_body(made, body)
    with pytest.raises(StoreError, match=BLOCK):
        made.rows()
    assert made.rows(table="other") == [{"id": 1, "v": "fine"}]


def test_two_values_of_wrong_width_do_not_make_up_for_each_other(made: Folder) -> None:
    lines = [line((1, {"id": n, "v": n})) for n in (1, 2)]
    body = "\n".join(map(json.dumps, lines)).replace('"v": "0000000000000001"', '"v": "00000000000000012"')
    with_body(made, body.replace('"v": "0000000000000002"', '"v": "000000000000002"').encode())
    with_manifest(made, lambda manifest: manifest["blocks"][0].update(max_key=2))
    with pytest.raises(StoreError, match=BLOCK):
        made.rows()


def test_what_was_read_before_a_damaged_block_is_not_lost(made: Folder) -> None:
    (made.place() / "data.0000002.zip").write_bytes(b"PK\x03\x04 cut")
    batches = made.store.scan(None, JOB, "results", RowQuery())
    assert list(next(batches).records()) == [{"id": 1, "v": 1}]
    with pytest.raises(StoreError, match=r"data\.0000002\.zip"):
        next(batches)


def test_a_truncated_zip_is_named(made: Folder) -> None:
    file = made.place() / BLOCK
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(StoreError, match=BLOCK):
        made.rows()


def test_a_zip_with_a_wrong_checksum_is_named(made: Folder) -> None:
    with_body(made, good_body())
    file = made.place() / BLOCK
    file.write_bytes(file.read_bytes().replace(b'"v": "0000000000000001"', b'"v": "0000000000000002"'))
    with pytest.raises(StoreError, match="CRC"):
        made.rows()


def test_an_empty_zip_is_named(made: Folder) -> None:
    with_body(made, b"", members=0)
    with pytest.raises(StoreError, match="empty"):
        made.rows()


def test_a_member_that_says_it_is_huge_is_not_inflated(made: Folder) -> None:
    with_body(made, good_body())
    file = made.place() / BLOCK
    content = bytearray(file.read_bytes())
    head = content.rindex(b"PK\x01\x02")
    content[head + 24 : head + 28] = struct.pack("<I", (1 << 30) + 1)
    file.write_bytes(content)
    with pytest.raises(StoreError, match=str((1 << 30) + 1)):
        made.rows()


def test_nothing_is_written_when_a_block_is_read(made: Folder) -> None:
    with_body(made, good_body())
    before = sorted(made.root.parent.rglob("*"))
    assert made.rows()
    assert sorted(made.root.parent.rglob("*")) == before


def test_a_listed_block_that_stays_away_is_an_error_after_some_tries(made: Folder) -> None:
    (made.place() / BLOCK).unlink()
    with pytest.raises(StoreError, match=f"{BLOCK} is not there"):
        made.rows()


MANIFESTS: dict[str, Callable[[dict[str, Any]], None]] = {
    "blocks of the wrong type": lambda m: m.update(blocks="none"),
    "a block without its number": lambda m: m["blocks"][0].pop("block_id"),
    "keys of two types": lambda m: m["blocks"][0].update(min_key="a", max_key="b"),
    "a huge number": lambda m: m["blocks"][0].update(block_id=1 << 80),
    "a path as prefix": lambda m: m.update(block_config={"block_name_prefix": "../../../x"}),
    "a hidden file as prefix": lambda m: m.update(block_config={"block_name_prefix": ".."}),
    "a tombstone without number": lambda m: m.update(tombstones=[{"revision": "new"}]),
    "a tombstone of another type": lambda m: m.update(tombstones=[{"revision": "1", "start": "a"}]),
}


@pytest.mark.parametrize("change", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_that_is_not_what_it_should_be_is_an_error(
    made: Folder, change: Callable[[dict[str, Any]], None]
) -> None:
    with_manifest(made, change)
    with pytest.raises(StoreError, match=r"0123abcd/(manifest\.json|data\.\d+\.zip)"):
        made.rows()
    assert made.rows(table="other") == [{"id": 1, "v": "fine"}]


@pytest.mark.parametrize("age", [0, 3600])
def test_a_manifest_that_is_no_json_is_an_error(made: Folder, age: float) -> None:
    file = made.place() / "manifest.json"
    file.write_text(file.read_text()[:-9])
    os.utime(file, (file.stat().st_atime, file.stat().st_mtime - age))
    with pytest.raises(StoreError, match=r"manifest\.json"):
        made.rows()


def test_a_half_written_manifest_is_read_again(made: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    file = made.place() / "manifest.json"
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2])
    monkeypatch.setattr("swnb.stores.folder.time.sleep", lambda _seconds: file.write_text(whole))
    assert len(made.rows()) == 2


@pytest.mark.parametrize("place", ["../../outside", "/etc", "aa/../../x", "", "aa//b", "."])
def test_a_table_cannot_lie_outside_of_the_store(made: Folder, place: str) -> None:
    outside = made.root.parent / "outside"
    outside.mkdir()
    for file in made.place().iterdir():
        (outside / file.name).write_bytes(file.read_bytes())
    made.tables[TABLE] = place
    made.catalog()
    with pytest.raises(StoreError, match=r"\.datastore/manifest\.json"):
        made.rows()


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_does_not_lead_out_of_the_store(made: Folder) -> None:
    outside = made.root.parent / BLOCK
    (made.place() / BLOCK).rename(outside)
    (made.place() / BLOCK).symlink_to(outside)
    with pytest.raises(StoreError, match="leads out of its folder"):
        made.rows()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_in_the_place_of_a_file_does_not_stall(made: Folder) -> None:
    (made.place() / BLOCK).unlink()
    os.mkfifo(made.place() / BLOCK)
    with pytest.raises(StoreError, match="is not there"):
        made.rows()


def blob_cell(uri: str, offset: int = 32, size: int = 4) -> dict[str, Any]:
    """A row whose cell ``v`` is a long text that was stored apart."""
    number = {"type": "INT64"}
    link = {"type": "OBJECT", "pythonType": "x.Link", "name": "link"}
    link["attributes"] = [{"name": "uri", "type": "STRING"}, {"name": "offset", **number}, {"name": "size", **number}]
    schema = {"type": "OBJECT", "pythonType": "x.Text", "attributes": [{"name": "auto_convert_to_str", "type": "BOOL"}]}
    schema["attributes"].append(link)
    entry = line((1, {"id": 1}))
    entry["records"]["1"]["schema"]["v"] = schema
    where = {"uri": uri, "offset": f"{offset:016x}", "size": f"{size:016x}"}
    entry["records"]["1"]["data"]["v"] = {"auto_convert_to_str": "1", "link": where}
    return entry


def with_blob(made: Folder, name: str) -> None:
    place = made.root / ".objectstore" / name[:2]
    place.mkdir(parents=True)
    (place / name).write_bytes(b"h" * 32 + b"text")


def test_a_long_text_comes_back_from_its_blob(made: Folder) -> None:
    with_blob(made, "ab" * 32)
    made.table([blob_cell("ab" * 32)])
    assert made.rows() == [{"id": 1, "v": "text"}]


@pytest.mark.parametrize(
    ("uri", "offset", "size"),
    [
        ("cd" * 32, 32, 4),
        ("ab" * 32, 32, 5),
        ("ab" * 32, 32, 1 << 62),
        ("../../../etc/passwd", 0, 4),
        ("/etc/passwd", 0, 4),
        ("s3://bucket/key", 0, 4),
    ],
)
def test_a_blob_that_is_not_there_leaves_its_record_and_a_note(made: Folder, uri: str, offset: int, size: int) -> None:
    with_blob(made, "ab" * 32)
    made.table([blob_cell(uri, offset, size)])
    with noting() as notes:
        (row,) = made.rows()
    assert isinstance(row["v"], Record)
    assert row["v"]["link"]["uri"] == uri
    assert len(notes) == 1


def test_a_catalog_that_is_no_json_does_not_hide_the_jobs(made: Folder) -> None:
    (made.root / ".datastore" / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match=r"\.datastore/manifest\.json"):
        done(made.store.tables(None, JOB))
    assert [job.id for job in done(made.store.jobs(None, JobQuery())).items] == [JOB]


YAMLS = ["", "- a", "status: [", "status: 3", "a: &x [1]\nstatus: success\nb: *x", "\x00", "status: success\n1: 2"]


@pytest.mark.parametrize("text", YAMLS)
def test_a_damaged_job_keeps_its_line_in_the_list(made: Folder, text: str) -> None:
    damaged = "zz" + "d" * 38
    made.job(damaged, text=text)
    with noting() as notes:
        listed = {job.id: job for job in done(made.store.jobs(None, JobQuery())).items}
    assert listed[JOB].status is Status.SUCCEEDED
    assert listed[damaged].status is Status.UNKNOWN
    assert listed[damaged].error == notes[0]
    with pytest.raises(StoreError, match=damaged):
        done(made.store.job(None, damaged))


def test_a_manifest_of_megabytes_is_no_manifest(made: Folder) -> None:
    made.job("zz" + "d" * 38, text="status: success\nmodel: " + "x" * (1 << 20))
    with pytest.raises(StoreError, match="longer than"):
        done(made.store.job(None, "zz"))
