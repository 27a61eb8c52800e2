"""What Supervisely's surface sends: exactly what the official SDK was seen to send, case by case.

``tests/data/supervisely-requests.json.gz`` holds 153 calls, what the official SDK sent for each, and made-up answers.
Each call is made here by its own text, on our ``Api``, against a stub that gives those answers.
"""

from __future__ import annotations

import ast
import asyncio
import email
import email.policy
import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from swnb.bridge import run
from swnb.client.source import close_all
from swnb.sdk.supervisely import Api, TaskApi

DATA = Path(__file__).parent.parent / "data" / "supervisely-requests.json.gz"
CASES = json.loads(gzip.decompress(DATA.read_bytes()))["cases"]
TOKEN = "a-made-up-token-that-is-long-enough-4711"
VERSION = "/public/api/v3/instance.version"

#: cases that are not asked of us, and why
LEFT_OUT = {
    "hasattr legacy": "we have the methods that the vendor dropped",
    "nn get_experiment_info_by_task_id": "another part of the SDK",
    "nn.experiments.get_experiment_infos": "another part of the SDK",
    "nn.experiments.by_artifacts_dir": "another part of the SDK",
    "file.list": "another part of the SDK",
    "503 then 200": "retries are the transport's",
    "get_logs 503 forever (GET)": "retries are the transport's",
    "400 agent ping special": "retries are the transport's",
    "instance.version when everything 500": "retries are the transport's",
    "instance.version 404": "retries are the transport's",
    "connection refused": "no request arrives",
    **{
        f"HTTP {status} get_context retry_count=2": "retries are the transport's"
        for status in (429, 499, 500, 502, 503, 504, 509, 598)
    },
}
#: the vendor returns where we raise: ``error`` as a word is an error too, and ftp is no address
RAISED_BY_US = {"task.raise_for_status('error' as str)", "normalize"}
#: the vendor returns something else: None from ``wait``; what was captured of 204 is no answer of the SDK
OTHER_ANSWERS = ("task.wait", "app.wait", "HTTP 201-like")


@dataclass
class Stub:
    """Answers each request with what the case has for it, or in turn; writes down what came."""

    port: int = 0
    answers: list[dict[str, Any]] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            self.seen.append(request)
            same = [each for each in self.answers if comparable(each) == comparable(request)]
            chosen = (same or self.answers or [{"stub_status": 500, "stub_response": {"error": "nothing is left"}}])[0]
            self.answers = [each for each in self.answers if each is not chosen]
            return chosen


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = read(raw, headers.get("content-type", ""))
            given = stub.answer(
                {
                    "method": self.command,
                    "path": url.path,
                    "query": dict(parse_qsl(url.query)),
                    "headers": headers,
                    "body": body,
                }
            )
            response = given["stub_response"]
            data = b"\x00bytes" if response == "<bytes>" else json.dumps(response).encode()
            self.send_response(given["stub_status"])
            if given["stub_status"] != 204:
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if given["stub_status"] != 204:
                self.wfile.write(data)

        do_GET = do_POST

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield stub
    server.shutdown()
    server.server_close()
    thread.join()


def read(raw: bytes, kind: str) -> Any:
    """A body as the capture writes it."""
    if not kind.startswith("multipart/"):
        return json.loads(raw) if raw else None
    form = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw, policy=email.policy.HTTP)
    return {"__multipart__": [of_part(part) for part in form.iter_parts()]}  # type: ignore[attr-defined]


def of_part(part: Any) -> dict[str, Any]:
    named = part["Content-Disposition"].params
    return {
        "name": named["name"],
        "filename": named.get("filename"),
        "content_type": part.get_content_type() if part["Content-Type"] else None,
        "data": part.get_payload(decode=True).decode()[:200],
    }


def comparable(request: dict[str, Any]) -> str:
    """A request as text, without what may differ: the order of sets, the type of a part of which none was said, and the
    preview of a project that has no picture, where the vendor sends the server's bare address."""
    body = request["body"]
    if request["path"].endswith("hashes.list"):
        body = sorted(body)
    if isinstance(body, dict) and body.get("fields") and request["path"].endswith("projects.list"):
        body = {**body, "fields": sorted(body["fields"])}
    if isinstance(body, dict) and "__multipart__" in body:
        body = [{**part, "content_type": kind_of(part)} for part in body["__multipart__"]]
    if isinstance(body, dict) and "preview" in body.get("output", {}).get("project", {}):
        project = {name: value for name, value in body["output"]["project"].items() if name != "preview"}
        body = {**body, "output": {"project": project}}
    return json.dumps([request["method"], request["path"], request["query"], body], sort_keys=True)


def kind_of(part: dict[str, Any]) -> str | None:
    return None if part["content_type"] == "application/octet-stream" else part["content_type"]


def captured(case: dict[str, Any]) -> list[dict[str, Any]]:
    """What the official SDK sent, without its probes of TLS and of the server's version."""
    return [each for each in case["requests"] if each.get("path") not in (None, VERSION)]


def experiment() -> Any:
    case = next(each for each in CASES if each["name"] == "task.set_output_experiment")
    return case["requests"][0]["body"]["output"]["experiment"]["data"]


@pytest.fixture
def names(stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the texts of the calls speak of."""
    run(close_all())  # a source keeps the sign-in that was accepted
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SERVER_ADDRESS", f"127.0.0.1:{stub.port}")
    monkeypatch.setenv("API_TOKEN", TOKEN)
    monkeypatch.delenv("SUPERVISELY_TASK_ID", raising=False)
    (tmp_path / "a.txt").write_bytes(b"alpha\n")
    (tmp_path / "b.txt").write_bytes(b"beta\n")
    api = Api(f"127.0.0.1:{stub.port}", TOKEN)

    async def agen() -> list[int]:
        data = {"workspaceId": 5102, "filter": []}
        return [len(page) async for page in api.task.get_list_page_generator_async("tasks.list", data)]

    return {
        "Api": Api,
        "EXPERIMENT_INFO": experiment(),
        "OUT_PATH": str(tmp_path / "out" / "a.png"),
        "PATH_A": str(tmp_path / "a.txt"),
        "PATH_B": str(tmp_path / "b.txt"),
        "T": TaskApi,
        "TOKEN": TOKEN,
        "agen": agen,
        "api": api,
        "asyncio": asyncio,
        "os": __import__("os"),
        "pg": [],
        "pr": [],
    }


def outcome(text: str, names: dict[str, Any]) -> tuple[Any, Exception | None]:
    """What a call gives, or the error that it ends in."""
    try:
        return eval(compile(ast.parse(text.strip(), mode="eval"), "a captured call", "eval"), names), None
    except Exception as error:
        return None, error


ASKED = [case for case in CASES if case["name"] not in LEFT_OUT]


def test_every_case_is_asked_or_left_out_with_a_reason() -> None:
    assert len(CASES) == 153
    assert set(LEFT_OUT) < {case["name"] for case in CASES}


@pytest.mark.parametrize("case", ASKED, ids=[case["name"] for case in ASKED])
def test_the_requests_equal_those_of_the_official_sdk(
    case: dict[str, Any], stub: Stub, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = captured(case)
    stub.answers, stub.seen = list(wanted), []
    if "task_id" in case["name"].lower():
        monkeypatch.setenv("SUPERVISELY_TASK_ID", "88103")
    text = case["call"].partition("  #")[0].replace("127.0.0.1:PORT", f"127.0.0.1:{stub.port}")
    result, error = outcome(text, names)
    assert sorted(map(comparable, stub.seen)) == sorted(map(comparable, wanted))
    for seen, captured_ in zip(stub.seen, wanted, strict=True):
        key = captured_["headers"].get("x-api-key")
        assert seen["headers"].get("x-api-key") == (key and TOKEN)
        assert seen["headers"].get("x-task-id") == captured_["headers"].get("x-task-id")
    raises = "raised" in case["outcome"] or case["name"] in RAISED_BY_US
    assert (error is not None) == raises, error
    returned = case["outcome"].get("returned", "")
    if not raises and not case["name"].startswith(OTHER_ANSWERS) and plain(returned):
        assert repr(result)[: len(returned)] == returned


def plain(returned: str) -> bool:
    """Whether the vendor gave plain values, which are the same here, and not records of its own."""
    return "Info(" not in returned and " object at " not in returned and "***" not in returned


def test_a_wait_tells_whether_it_got_there(stub: Stub, names: dict[str, Any]) -> None:
    expected = {
        "task.wait(88151,FINISHED,5,0.05)": True,
        "task.wait target STARTED": True,
        "task.wait stopped while target finished": False,
        "app.wait": True,
    }
    found = {}
    for case in CASES:
        if case["name"] in expected:
            stub.answers = captured(case)
            found[case["name"]] = outcome(case["call"], names)[0]
    assert found == expected
