"""Whatever comes from a caller, a server or a disk: our own error in time, and nothing that was read is lost."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from boxes import TOKEN, asked, made, prefix, uri
from net import Request, Wire, reply, serve

import swnb
from swnb.call import at_once
from swnb.errors import (
    BadInput,
    BadReply,
    BadURI,
    NotFound,
    ServerError,
    StoreError,
    SwnbError,
    Timeout,
    TokenRejected,
    TooBusy,
    Unreachable,
)
from swnb.examples import starwhale_store
from swnb.frames import provenance as provenances
from swnb.providers.starwhale import Starwhale
from swnb.sandbox import Box

HOSTILE = "<script>alert(1)</script>\x1b[31m\x1b]0;owned\x07 \x00\u202e../../etc/passwd\r\nSet-Cookie: a"


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is hopeless is given up after half a second."""
    monkeypatch.setenv("SWNB_TIMEOUT", "0.5")


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """A bound on what must not wait, far above what it takes on a loaded machine."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[str]:
    """A server that answers everything with these bytes, saved as ``odd``."""
    ready, ended = threading.Event(), threading.Event()
    held: dict[str, Any] = {}

    async def answer(request: Request, wire: Wire) -> None:
        await wire.send(reply(status, body))

    async def main() -> None:
        async with serve(answer) as server:
            held["url"], held["stop"], held["loop"] = server.url, asyncio.Event(), asyncio.get_running_loop()
            ready.set()
            await held["stop"].wait()
        ended.set()

    thread = threading.Thread(target=asyncio.run, args=[main()])
    thread.start()
    assert ready.wait(10)
    swnb.connect("odd", f"starwhale+{held['url']}", token=TOKEN)
    try:
        yield "odd"
    finally:
        swnb.forget("odd")
        held["loop"].call_soon_threadsafe(held["stop"].set)
        thread.join(10)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "/",
        "lab/project",
        "lab/project/",
        "lab/project/a/job/",
        "lab/job/1/project/2",
        "ftp://host/job/1",
        "starwhale+http://",
        "starwhale+http://host:99999",
        "starwhale+http://user:pw@host",
        "nobody+http://host:1",
        "http://not.saved.example:1/project/1",
        "a/b/c/d/e/f/g",
        "\x00",
        "lab\nproject",
        "x" * 100_000,
        HOSTILE,
    ],
)
def test_a_malformed_address_is_refused_before_anything_is_asked(text: str) -> None:
    with at_most(5), pytest.raises((BadURI, NotFound)) as caught:
        swnb.jobs(text)
    assert len(str(caught.value)) < 2000
    assert str(caught.value).isprintable()


def test_a_host_that_is_not_known_is_unreachable_in_time() -> None:
    with at_most(15), pytest.raises(Unreachable, match=r"no-such-host\.invalid"):
        swnb.jobs("starwhale+http://no-such-host.invalid:8082")


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: swnb.jobs("box/project/nope"), "no project 'nope'"),
        (lambda: swnb.jobs("box/project/777"), "777"),
        (lambda: swnb.open("box/project/1/job/9999").info(), "9999"),
        (lambda: swnb.summary(["box/project/1/job/9999"]), "9999"),
        (lambda: swnb.rows("box/project/1/job/1", "nope"), "no table 'nope'"),
        (lambda: swnb.tasks("box/project/1/job/../../2"), ""),
        (lambda: swnb.logs("box/project/1/job/nope"), "'nope'"),
    ],
)
def test_what_is_not_there_is_said_by_name(saved: Box, ask: Callable[[], Any], words: str) -> None:
    with at_most(5), pytest.raises((NotFound, BadURI)) as caught:
        ask()
    assert words in str(caught.value)


def test_a_wrong_token_is_refused_within_two_requests(one_box: Box) -> None:
    one_box.faults.clear()
    swnb.connect("wrong", one_box.uri("starwhale"), token=TOKEN)
    before = asked(one_box)
    with at_most(2), pytest.raises(TokenRejected, match=r"^wrong: .*swnb\.connect"):
        swnb.jobs("wrong")
    assert asked(one_box) - before <= 2
    swnb.forget("wrong")


@pytest.mark.parametrize("kind", ["garbage", "truncate"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda job: swnb.projects("box"),
        lambda job: swnb.jobs("box/project/1"),
        lambda job: swnb.open(job).info(),
        lambda job: swnb.summary([job]),
        lambda job: swnb.summary("box/project/1"),
        swnb.tables,
        lambda job: swnb.rows(job, "train"),
        swnb.tasks,
        swnb.events,
        swnb.logs,
    ],
)
@pytest.mark.usefixtures("soon", "saved")
def test_an_answer_of_another_shape_is_named(one_box: Box, kind: Any, ask: Callable[[str], Any]) -> None:
    job = uri(one_box, made(one_box, "succeeded", 3))
    one_box.faults.add(kind)
    with at_most(10), pytest.raises(SwnbError, match=r"^box: ") as caught:
        ask(job)
    assert isinstance(caught.value, (BadReply, Unreachable, Timeout))
    assert "/api/v1/" in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"code":"success","data":null}',
        b'{"code":"success","data":{"list":null}}',
        b'{"code":"success","data":{"list":[null],"total":1}}',
        b'{"code":"success","data":{"list":[{"id":{"a":[]}}],"total":"many"}}',
        b'{"code":"success","data":{"list":[[]],"total":-5,"hasNextPage":true}}',
        b"<html><script>alert(1)</script></html>",
    ],
)
@pytest.mark.usefixtures("soon")
def test_no_body_makes_another_error_than_ours(body: bytes) -> None:
    with answering(body) as name:
        for ask in (
            swnb.projects,
            lambda where: swnb.jobs(f"{where}/project/1"),
            lambda where: swnb.tables(f"{where}/project/1/job/1"),
        ):
            with at_most(15), pytest.raises(SwnbError, match=r"^odd: "):
                ask(name)


def test_hostile_words_of_a_server_are_cleaned_and_cut() -> None:
    import json

    body = json.dumps({"code": "x", "message": HOSTILE + "A" * 10_000_000}).encode()
    with answering(body, 400) as name, at_most(15), pytest.raises(SwnbError) as caught:
        swnb.projects(name)
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()


def test_hostile_values_stay_data_and_are_escaped_where_they_are_shown(own: Box) -> None:
    job = made(own, "succeeded")
    long = "x" * 2_000_000
    rows = [{"id": 1, "a": HOSTILE, "../../x": 1, "<b>": 2}, {"id": 2, "a": long}]
    own.platform("starwhale").store.write(f"{prefix(own, job)}/../../evil<i>", rows)
    names = swnb.tables(uri(own, job))
    (name,) = [each for each in names if "evil" in each]
    frame = swnb.rows(uri(own, job), name)
    assert frame.a.tolist() == [HOSTILE, long]
    shown = provenances.provenance(frame)._repr_html_()
    assert "<i>" not in shown


def test_a_stalled_server_ends_with_a_timeout(own: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWNB_TIMEOUT", "1")
    own.faults.add("stall")
    with at_most(10), pytest.raises(Timeout, match=r"^box: "):
        swnb.jobs("box")


@pytest.mark.parametrize("text", ["0", "-1", "nan", "soon"])
def test_a_timeout_that_is_no_number_is_said(own: Box, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SWNB_TIMEOUT", text)
    with pytest.raises(BadInput, match="SWNB_TIMEOUT"):
        swnb.jobs("box")


def test_a_busy_server_is_waited_for_and_one_that_asks_for_too_long_is_not(own: Box) -> None:
    own.faults.add("status", path="/project$", times=2, status=429, retry_after="0")
    assert len(swnb.projects("box")) == 3
    assert asked(own, "/project$") == 3
    own.faults.add("status", path="/project$", status=429, retry_after="3600")
    with at_most(10), pytest.raises(TooBusy):
        swnb.projects("box")


def test_a_500_is_asked_again_twice_at_most(own: Box) -> None:
    own.faults.add("status", path="/project$", status=500)
    with at_most(10), pytest.raises(ServerError, match="500"):
        swnb.projects("box")
    assert asked(own, "/project$") <= 3


@pytest.mark.parametrize("status", [400, 403, 404, 405, 418])
def test_a_hopeless_answer_is_not_asked_again(own: Box, status: int) -> None:
    own.faults.add("status", path="/project$", status=status)
    with at_most(5), pytest.raises(SwnbError):
        swnb.projects("box")
    assert asked(own, "/project$") == 1


@pytest.mark.parametrize("kind", ["drop", "cut"])
def test_a_connection_that_is_cut_once_does_no_harm(own: Box, kind: Any) -> None:
    job = uri(own, made(own, "succeeded", 3))
    whole = swnb.rows(job, "train")
    own.faults.add(kind, times=2)
    assert swnb.rows(job, "train").equals(whole)


def test_a_connection_that_is_always_cut_is_unreachable_in_time(own: Box) -> None:
    own.faults.add("cut")
    with at_most(20), pytest.raises(Unreachable, match=r"^box: "):
        swnb.projects("box")


def test_an_expired_sign_in_is_refused_in_our_words(own: Box) -> None:
    own.faults.add("expire")
    with at_most(5), pytest.raises(TokenRejected):
        swnb.jobs("box")


def test_rows_read_before_a_failure_are_kept(own: Box) -> None:
    job = made(own, "succeeded", 3)
    rows = [{"id": f"k{n:05d}", "a": n} for n in range(3500)]  # text keys: page after page
    own.platform("starwhale").store.write(f"{prefix(own, job)}/texts", rows)
    own.faults.add("garbage", path="scanTable", skip=3)
    with pytest.raises(BadReply):
        swnb.rows(uri(own, job), "texts")
    frame = swnb.partial()
    assert frame is not None
    assert frame.a.tolist() == list(range(2000))
    assert not swnb.provenance(frame).complete


@pytest.mark.parametrize("address", ["", "/etc/passwd", "file:///etc/passwd", "ftp://host/x"])
def test_a_large_value_is_downloaded_from_no_odd_address(
    own: Box, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    job = next(job for job in own.world.jobs() if "results" in job.tables)
    monkeypatch.setattr(Starwhale, "blobs", at_once(lambda self, links: dict.fromkeys(links, address)))
    with at_most(5), pytest.raises(BadReply, match="large value"):
        swnb.rows(uri(own, job), "types")


def test_a_large_value_that_cannot_be_downloaded_is_said(own: Box) -> None:
    job = next(job for job in own.world.jobs() if "results" in job.tables)
    own.faults.add("status", path="/obj-store/", status=404)
    with at_most(5), pytest.raises(NotFound, match=r"^box: .*large value"):
        swnb.rows(uri(own, job), "types")


@pytest.mark.parametrize("damage", [b"", b"\x00\x01", b"{", b"[]", b"status: [", b"a: &x [*x, *x]"])
def test_a_damaged_store_gives_our_error_or_what_is_whole(
    damage: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    shutil.copytree(starwhale_store(), store)
    monkeypatch.setenv("SW_LOCAL_STORAGE", str(store))
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    job = next(job for job in swnb.jobs("local").index if swnb.tables(job))
    table = swnb.tables(job)[0]
    (store / ".datastore" / "manifest.json").write_bytes(damage)
    with pytest.raises(StoreError, match=r"^local: "):
        swnb.rows(job, table)
    (store / ".datastore" / "manifest.json").write_bytes(before[store / ".datastore" / "manifest.json"])
    manifest = next(path for path in before if path.name == "_manifest.yaml" and job.rpartition("/")[2] in str(path))
    manifest.write_bytes(damage)
    frame = swnb.jobs("local")
    assert job in frame.index
    manifest.write_bytes(before[manifest])
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before  # nothing was written
