"""An Istari registry made of a few dicts, for tests of the provider: no sockets, every Call is kept."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from swnb.call import Call, Plan, Reply
from swnb.errors import SwnbError
from swnb.providers.base import ScanPage, TableScan
from swnb.providers.istari import Istari

T = TypeVar("T")
API = "/api/v2"
STORE = "https://store.test:9000/bucket/"
Body = dict[str, Any]


def uid(n: int) -> str:
    return str(UUID(int=n))


MODEL, USER = uid(0xB1), uid(0xA1)


def at(minute: int) -> str:
    return (datetime(2026, 3, 1, 10) + timedelta(minutes=minute)).isoformat(timespec="microseconds") + "Z"


def entry(word: str | None, minute: int, message: str | None = None) -> Body:
    made = {"created_by_id": USER, "agent_id": None, "message": message}
    return {"id": uid(0xE000 + minute), "created": at(minute), "job_id": uid(1), "name": word, **made}


def history(*words: str) -> list[Body]:
    """One entry a minute."""
    return [entry(word, minute) for minute, word in enumerate(words)]


def job(n: int = 1, words: Sequence[str] = ("Created", "Completed"), minute: int = 0, **more: Any) -> Body:
    """Made ``minute`` minutes after ten."""
    function = {"id": uid(0xF1), "name": "@istari:extract", "version": "1.2.0", "module_name": "@istari:demo"}
    return {
        "id": uid(n),
        "created": at(minute),
        "file": {"id": uid(0x1008), "revisions": [{"id": uid(0x1009), "display_name": f"job {n:02}", "products": []}]},
        "comments": [],
        "archive_status_history": [{"name": "Active"}],
        "created_by_id": USER,
        "function": {**function, "tool_name": "demo", "tool_display_name": "Demo"},
        "agent_information": {"agent_id": uid(0xC1), "display_name": "agent-1"},
        "model_id": MODEL,
        "status_history": history(*words),
        "auth_deliveries": [{"ciphertext": "hush"}],
        **more,
    }


def made(record: Body, *revisions: str) -> Body:
    """The same job with these products."""
    record["file"]["revisions"][-1]["products"] = [{"revision_id": each} for each in revisions]
    return record


def ok(body: Any, path: str = "/api/v2/x") -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(200, {"content-type": "application/json"}, raw, "lab", path)


def refusal(status: int, detail: Any = "Not Found", path: str = "/api/v2/x") -> Reply:
    return Reply(status, {}, json.dumps({"detail": detail}).encode(), "lab", path)


def hashed(data: bytes, salt: str) -> str:
    return hashlib.sha384(data + salt.encode()).hexdigest()


@dataclass
class Registry:
    """Jobs and files of one model. ``rules`` go before all else: a reply, or a function of the call, by path."""

    jobs: list[Body] = field(default_factory=list)
    counts: bool = True
    most: int = 100
    rules: dict[str, Any] = field(default_factory=dict)
    revisions: dict[str, Body] = field(default_factory=dict)
    store: dict[str, bytes] = field(default_factory=dict)
    stale: int = 0  # links that are refused before one is taken
    calls: list[Call[Any]] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    host: Istari = field(default_factory=lambda: Istari("http://h:1/"))

    def file(self, name: str, data: bytes | str, n: int | None = None, **more: Any) -> str:
        """Store a file; the id of its revision."""
        content = data.encode() if isinstance(data, str) else data
        id_ = uid(0x5000 + len(self.revisions) if n is None else n)
        sha = hashed(content, f"salt-{id_}")
        self.store[sha] = content
        token = {"id": uid(9), "sha": sha, "salt": f"salt-{id_}"}
        extension = name.rpartition(".")[2]
        self.revisions[id_] = {
            "id": id_,
            "name": name,
            "extension": extension,
            "size": len(content),
            "content_token": token,
            **more,
        }
        return id_

    def sha(self, revision: str) -> str:
        return str(self.revisions[revision]["content_token"]["sha"])

    def __call__(self, call: Call[Any]) -> Reply:
        self.calls.append(call)
        rule = self.rules.get(call.path.removeprefix(API))
        if rule is not None:
            found: Reply = rule(call) if callable(rule) else rule
            return found
        if call.path.startswith(STORE):
            return self._content(call)
        what, _, rest = call.path.removeprefix(API + "/").partition("/")
        known = getattr(self, f"_{what}", None)
        return known(rest, call) if known else refusal(404)

    def _content(self, call: Call[Any]) -> Reply:
        assert not call.signed
        if self.stale:
            self.stale -= 1
            return Reply(403, {}, b"<Error><Code>AccessDenied</Code><Signature>sig</Signature></Error>", "lab", "/b")
        return Reply(200, {}, self.store[call.path.removeprefix(STORE).partition("?")[0]], "lab", "/bucket")

    def _tokens(self, rest: str, call: Call[Any]) -> Reply:
        return ok({"url": f"{STORE}{rest.partition('/')[0]}?sig=abc", "expires": None})

    def _jobs(self, rest: str, call: Call[Any]) -> Reply:
        if rest:
            found = [each for each in self.jobs if each["id"] == rest.partition("/")[0].partition(":")[0]]
            return ok(found[0]) if found else refusal(404, "Job not found")
        query = call.query
        kept = [each for each in self.jobs if query.get("model_id") in (None, each["model_id"])]
        if "status_name" in query:
            kept = [each for each in kept if each["status_history"][-1]["name"] == query["status_name"]]
        return self._page(sorted(kept, key=lambda each: str(each["created"]), reverse=True), call)

    def _models(self, rest: str, call: Call[Any]) -> Reply:
        revision = {"name": "wing.step", "display_name": "wing", "description": "a wing"}
        model = {"id": MODEL, "created": at(0), "created_by_id": USER, "file": {"revisions": [revision]}}
        if not rest:
            return self._page([{**model, "job_ids": [each["id"] for each in self.jobs]}], call)
        id_, _, what = rest.partition("/")
        if id_ != MODEL:
            return refusal(404, "Model not found")
        artifacts = [{"id": uid(3), "file": {"revisions": [each]}} for each in self.revisions.values()]
        return self._page(artifacts, call) if what == "artifacts" else ok({**model, "jobs": self.jobs, "artifacts": []})

    def _revisions(self, rest: str, call: Call[Any]) -> Reply:
        return ok(self.revisions[rest]) if rest in self.revisions else refusal(404, "Revision not found")

    def _systems(self, rest: str, call: Call[Any]) -> Reply:
        system = {"id": uid(0xD1), "created": at(0), "created_by_id": USER, "name": "plane", "description": "all of it"}
        lists = {"": [system], f"{uid(0xD1)}/configurations": [{"id": uid(0xD2)}]}
        tracked = [{"id": uid(each), "resource_id": MODEL} for each in (0xD4, 0xD5)]
        lists[f"configurations/{uid(0xD2)}/tracked-files"] = [*tracked, {"id": uid(0xD6), "resource_id": None}]
        if rest == uid(0xD1):
            return ok(system)
        return self._page(lists[rest], call) if rest in lists else refusal(404, "System not found")

    def _page(self, items: Sequence[Any], call: Call[Any]) -> Reply:
        number, size = int(call.query["page"]), min(int(call.query["size"]), self.most)
        counted = {"total": len(items), "pages": math.ceil(len(items) / size)} if self.counts else {}
        shown = items[(number - 1) * size : number * size]
        return ok({"items": list(shown), "page": number, "size": size, "total": None, "pages": None, **counted})

    @property
    def asked(self) -> list[str]:
        """Method, path below the API, and query of each request."""
        return [
            " ".join(
                filter(
                    None,
                    (call.method, call.path.removeprefix(API), "&".join(f"{k}={v}" for k, v in call.query.items())),
                )
            )
            for call in self.calls
        ]

    def run(self, plan: Plan[T]) -> T:
        """The answer of a plan, the plans that it yields included; errors are thrown in where they happen."""
        step: Callable[[], Any] = partial(next, plan)
        while True:
            try:
                asked = step()
            except StopIteration as end:
                result: T = end.value
                return result
            self.rounds.append(1 if isinstance(asked, Call) else len(asked))
            try:
                given = self._one(asked) if isinstance(asked, Call) else [self._one(each) for each in asked]
            except SwnbError as error:
                step = partial(plan.throw, error)
            else:
                step = partial(plan.send, given)

    def _one(self, item: Call[Any] | Plan[Any]) -> Any:
        return item.decode(self(item)) if isinstance(item, Call) else self.run(item)

    def rows(self, scan: TableScan) -> list[dict[str, Any]]:
        """Walk a table as ``fetch.ranges`` does."""
        assert not scan.int_keys
        before: ScanPage | None = None
        found: list[dict[str, Any]] = []
        call: Call[ScanPage] | None = scan.first()
        while call is not None:
            page = call.decode(self(call))
            if page.torn:
                scan = scan.anew()
                call = scan.first() if before is None else scan.after(before)
                continue
            before, call = page, scan.after(page)
            found += page.batch.records()
        return found
