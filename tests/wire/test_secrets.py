"""One token through everything: it stands in no repr, error, traceback, log, frame, cache or notebook."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from boxes import made, uri
from nbclient import NotebookClient

import swnb
from swnb.client.source import source_of
from swnb.errors import SwnbError
from swnb.fetch.events import listening
from swnb.sandbox import Box
from swnb.sdk.starwhale import Job, job
from swnb.settings import credential, servers, to_ref

TOKEN = "tok-Zm9yYmlkZGVuLXRva2VuLXRoYXQtbXVzdC1ub3QtYmUtc2Vlbg"
PASSWORD = "pw-c2VjcmV0LXBhc3N3b3JkLXRoYXQtbXVzdC1ub3QtYmUtc2Vlbg"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """All that any logger says, at DEBUG."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
    loggers = [logging.getLogger(name) for name in (None, "swnb", "httpx", "httpcore", "aiohttp", "asyncio")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.DEBUG)
    loggers[0].addHandler(handler)
    yield text
    loggers[0].removeHandler(handler)
    for each, level in zip(loggers, levels, strict=True):
        each.setLevel(level)


@pytest.fixture
def wrong(own: Box) -> Iterator[str]:
    """The sandbox, saved with a token that it does not accept."""
    swnb.connect("wrong", own.uri("starwhale"), token=TOKEN)
    yield "wrong"
    swnb.forget("wrong")


def shown(error: BaseException) -> str:
    """An error as people meet it: its texts and its tracebacks with all locals, along the whole chain."""
    parts = []
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        parts += [str(each), repr(each), repr(each.args), repr(vars(each))]
        parts += traceback.TracebackException.from_exception(each, capture_locals=True).format()
        waiting += [each.__context__, each.__cause__]
    return "".join(parts)


def absent(*texts: object) -> None:
    for text in map(str, texts):
        assert TOKEN not in text
        assert TOKEN[4:] not in text
        assert PASSWORD not in text


FAILING: list[Callable[[str], Any]] = [
    swnb.projects,
    lambda name: swnb.jobs(f"{name}/project/1"),
    lambda name: swnb.summary(f"{name}/project/mnist"),
    lambda name: swnb.rows(f"{name}/project/1/job/1", "train"),
    lambda name: list(swnb.scan(f"{name}/project/1/job/1", "train")),
    lambda name: swnb.logs(f"{name}/project/1/job/1"),
    lambda name: swnb.open(f"{name}/project/1/job/1").stop(yes=True),
    lambda name: asyncio.run(swnb.jobs.aio(name)),
    lambda name: Job.list(f"{name}/project/1"),
    lambda name: job(f"{name}/project/1/job/1").summary,
]


@pytest.mark.parametrize("ask", FAILING)
def test_a_refused_token_stands_in_no_error_traceback_or_log(
    wrong: str, logged: io.StringIO, ask: Callable[[str], Any]
) -> None:
    with pytest.raises(SwnbError) as caught:
        ask(wrong)
    absent(shown(caught.value), logged.getvalue())


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop"},
        {"kind": "cut"},
        {"kind": "truncate"},
        {"kind": "garbage"},
        {"kind": "stall"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 429, "retry_after": "3600"},
    ],
)
def test_no_fault_brings_the_token_into_an_error_or_a_log(
    wrong: str, own: Box, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    monkeypatch.setenv("SWNB_TIMEOUT", "1")
    own.faults.add(**fault)
    with pytest.raises(SwnbError) as caught:
        swnb.jobs(wrong)
    absent(shown(caught.value), logged.getvalue())


def test_a_token_that_the_server_echoes_is_masked(
    wrong: str, own: Box, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        sent = dict(scope["headers"]).get(b"authorization", b"").decode()
        body = json.dumps({"code": "400", "message": f"odd: {sent}"}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 400, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    monkeypatch.setattr(own.platform("starwhale").app, "middleware_stack", answer)
    with pytest.raises(SwnbError, match=r"odd: .*\*\*\*\*") as caught:
        swnb.projects(wrong)
    absent(shown(caught.value), logged.getvalue())


def test_a_refused_password_stands_nowhere(own: Box, logged: io.StringIO) -> None:
    swnb.connect("people", own.uri("starwhale"), user="starwhale", password=PASSWORD)
    with pytest.raises(SwnbError) as caught:
        swnb.projects("people")
    absent(shown(caught.value), logged.getvalue(), *servers(), swnb.servers().to_string())
    swnb.forget("people")


@pytest.mark.parametrize("wrong_uri", ["nonsense", "starwhale+http://h/project/1/job/2", "http://unknown:1"])
def test_a_connect_that_fails_shows_no_token(wrong_uri: str) -> None:
    with pytest.raises(SwnbError) as caught:
        swnb.connect("x", wrong_uri, token=TOKEN)
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in frames.stack if f"{os.sep}swnb{os.sep}" in frame.filename]
    assert ours
    absent(*(frame.locals for frame in ours), str(caught.value))


def test_no_object_shows_the_token(wrong: str, own: Box) -> None:
    with pytest.raises(SwnbError):
        swnb.projects(wrong)
    source = source_of(to_ref(wrong))
    held = credential(source.entry)
    assert held is not None
    assert held.token is not None
    assert held.token.reveal() == TOKEN  # it is there, and
    transport = source.transport()
    absent(repr(held), repr(source.entry), repr(source), repr(transport), repr(source.backend))
    absent(*(repr(value) for each in (source, transport, source.backend) for value in vars(each).values()))
    handles: list[Any] = [swnb.open(wrong), swnb.open(f"{wrong}/project/1"), swnb.open(f"{wrong}/project/1/job/1")]
    absent(*map(repr, handles), *(each.uri for each in handles), job(f"{wrong}/project/1/job/1"))
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(held)


def test_an_accepted_token_stands_in_no_frame_event_or_log(own: Box, logged: io.StringIO) -> None:
    real = own.token("starwhale")
    heard: list[Any] = []
    here = uri(own, made(own, "succeeded", 3))
    with listening(heard.append):
        results: list[Any] = [swnb.projects("box"), swnb.jobs("box", config=True), swnb.summary("box")]
        results += [swnb.rows(here, "train"), swnb.tasks(here), swnb.events(here)]
    running = swnb.logs(uri(own, made(own, "running")))  # over a WebSocket
    assert heard
    for text in (*map(repr, heard), running, logged.getvalue(), *(json.dumps(each.attrs) for each in results)):
        assert real not in text
    assert real not in str([each.to_csv() for each in results])
    assert real not in repr(swnb.open(here).info()) + repr(swnb.open(here).info().raw)


def test_only_the_file_of_secrets_holds_the_token_and_only_its_owner_reads_it(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(SwnbError):
        swnb.projects(wrong)
    home = Path(os.environ["SWNB_CONFIG_DIR"])
    holding = [path for path in home.parent.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert holding == [home / "secrets.toml"]
    assert holding[0].stat().st_mode & 0o077 == 0
    swnb.forget(wrong)
    assert TOKEN not in (home / "secrets.toml").read_text()
    swnb.connect(wrong, "starwhale+http://127.0.0.1:1")  # for the fixture to forget


def test_a_saved_notebook_that_failed_does_not_hold_the_token(wrong: str, tmp_path: Path) -> None:
    cells = [
        "import swnb",
        "%xmode Verbose",
        f"swnb.jobs({wrong!r})",
        f"swnb.open('{wrong}/project/1/job/1').summary()",
        f"await swnb.rows.aio('{wrong}/project/1/job/1', 'train')",
        "swnb.servers()",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(book, timeout=60, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}).execute()
    file = tmp_path / "book.ipynb"
    nbformat.write(book, file)
    text = file.read_text()
    assert text.count("TokenRejected") >= 3
    absent(text)
