"""What the dashboard shows besides jobs: instances, resources, logs (paper 1.6)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from swnb.sandbox.rayjobs import go
from swnb.sandbox.rayjobs.yuanrong_records import NODE, Record

if TYPE_CHECKING:
    from swnb.sandbox.rayjobs.jobs import Job
    from swnb.sandbox.rayjobs.yuanrong import Yuanrong

WORDS = {
    -1: "exited",
    0: "new",
    1: "scheduling",
    2: "creating",
    3: "running",
    4: "failed",
    5: "exiting",
    6: "fatal",
} | {
    7: "schedule_failed",
    9: "evicting",
    10: "evicted",
    11: "sub_health",
}
"""Any other code is the empty word."""

WORKERS = 4
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
JSON = {"Content-Type": "application/json; charset=utf-8"}
BYTES = {"Content-Type": "application/octet-stream"}


@dataclass
class Instance:
    """One instance of the cluster: a job's driver, or a child of one. `job` is no job's id (paper 1.6)."""

    id: str
    code: int
    parent: str = ""
    job: str = ""
    created: str = "1755484077"
    pid: str = "4711"
    message: str = ""

    def row(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "status": WORDS.get(self.code, ""),
            "create_time": self.created,
            "job_id": self.job,
            "pid": self.pid,
            "ip": "10.0.0.5:22773",
            "node_id": "node-1",
            "agent_id": "agent-1",
            "parent_id": self.parent,
            "required_cpu": 500,
            "required_mem": 500,
            "required_gpu": 0,
            "required_npu": 0,
            "restarted": 0,
            "exit_detail": self.message,
        }


EMPTY: dict[str, Any] = {name: "" if isinstance(cell, str) else 0 for name, cell in Instance("", 8).row().items()}


@dataclass
class LogFile:
    name: str
    instance: str
    job: str
    lines: list[str]
    node: str = NODE


class Board:
    """`instances` and `logs` may be set, in place of what the jobs make."""

    def __init__(self, yuanrong: Yuanrong) -> None:
        self.yuanrong = yuanrong
        self.instances: list[Instance] | None = None
        self.logs: list[LogFile] | None = None

    def answer(self, request: Request) -> Response | None:
        if request.method != "GET":
            return None
        path = request.scope["path"]
        handlers: dict[str, Callable[[Request], Response]] = {
            "/api/v1/instances": self.all,
            "/api/v1/instances/summary": self.summary,
            "/api/v1/logical-resources/summary": lambda _: done({**USAGE, "proxy_num": 1}),
            "/api/v1/components": lambda _: done(COMPONENTS),
            "/api/cluster_status": self.pending,
            "/api/logs/list": self.log_list,
            "/api/logs": self.log,
            "/api/logs/download": self.download,
        }
        if path in handlers:
            return handlers[path](request)
        parts = path.split("/")
        return self.one(parts[4]) if parts[:4] == ["", "api", "v1", "instances"] and len(parts) == 5 else None

    # Instances

    def _known(self) -> list[Instance]:
        if self.instances is not None:
            return self.instances
        return [instance for job in self.yuanrong.jobs() for instance in self._of(job)]

    def _of(self, job: Job) -> list[Instance]:
        """A job's driver, and its workers once it runs: each ends with its quarter of the steps."""
        held: Record = self.yuanrong.record(job)
        state, more = held["instanceStatus"], held.get("extensions") or {}
        shared = f"job-{job.number // 2:04x}"
        driver = Instance(job.id, state["code"], "", shared, more.get("createTimestamp", ""), more.get("pid", ""))
        driver.message = state["msg"]
        if job.made is None or job.timeline.began("running", self.yuanrong.shelf.now) is None:
            return [driver]
        done = job.steps(self.yuanrong.shelf.now) // 100
        ended = state["code"] not in {3, 5, 11}
        children = []
        for number in range(WORKERS):
            sid = hashlib.sha256(f"{job.id}/{number}".encode()).hexdigest()[:32]
            code = 6 if ended or number < done else 3
            children.append(Instance(sid, code, job.id, shared, driver.created, str(job.pid + 1 + number)))
        return [driver, *children]

    def all(self, request: Request) -> Response:
        """With a parent: all instances of the first child's job_id, drivers and strangers included."""
        parent, known = request.query_params.get("parent_id"), self._known()
        if not parent:
            return done([instance.row() for instance in known])
        first = next((instance for instance in known if instance.parent == parent), None)
        found = [instance for instance in known if first is not None and instance.job == first.job]
        return say([instance.row() for instance in found])

    def one(self, sid: str) -> Response:
        """Unknown: 200 with nothing in it."""
        return say(next((instance.row() for instance in self._known() if instance.id == sid), EMPTY))

    def summary(self, request: Request) -> Response:
        codes = [instance.code for instance in self._known()]
        counts = {"running": codes.count(3), "exited": codes.count(8), "fatal": codes.count(6)}
        return done({"total": len(codes), **counts})

    def pending(self, request: Request) -> Response:
        if request.query_params.get("format") != "1":
            empty = {"data": "Resources:\nDemands:", "msg": "Please check request params.", "result": False}
            return say(empty, 400)
        waiting = sum(1 for instance in self._known() if instance.code in {1, 2})
        demands = f"\n{{'CPU':0.50}}: {waiting}+ pending tasks/actors" if waiting else ""
        data = {"clusterStatus": f"Resources:\nDemands:{demands}"}
        return say({"data": data, "msg": "Got formatted cluster status.", "result": True})

    # Logs

    def _files(self) -> list[LogFile]:
        """One file a driver, named by its instance."""
        if self.logs is not None:
            return self.logs
        now = self.yuanrong.shelf.now
        started = [job for job in self.yuanrong.jobs() if job.timeline.began("running", now) is not None]
        return [LogFile(f"{job.id}.log", job.id, f"job-{job.number // 2:04x}", job.lines(now)) for job in started]

    def log_list(self, request: Request) -> Response:
        """The filter submission_id is compared with the instance's job_id."""
        instance, job = (request.query_params.get(name) for name in ("instance_id", "submission_id"))
        nodes: dict[str, list[str]] = {}
        for file in self._files():
            if instance in {None, "", file.instance} and job in {None, "", file.job}:
                nodes.setdefault(file.node, []).append(file.name)
        return say({"message": "", "data": nodes})

    def _file(self, request: Request) -> LogFile | str:
        name = request.query_params.get("filename")
        found = [file for file in self._files() if not name or file.name == name]
        if len(found) == 1:
            return found[0]
        return f"can not find log file or duplicate log files found, get {len(found)} files"

    def log(self, request: Request) -> Response:
        """Lines start <= n < end; end is 0 unless told."""
        bounds = []
        for name in ("start_line", "end_line"):
            text = request.query_params.get(name) or "0"
            if not text.isdecimal():
                reason = f'query binding failed: strconv.ParseUint: parsing "{text}": invalid syntax'
                return Response(go.encode({"message": reason, "data": None}), 400, TEXT)
            bounds.append(int(text))
        file = self._file(request)
        if isinstance(file, str):
            return say({"message": file, "data": None}, 500)
        text = "".join(f"{line}\n" for line in file.lines[bounds[0] : bounds[1]])
        return Response(text, 200, TEXT) if text else Response()

    def download(self, request: Request) -> Response:
        file = self._file(request)
        if isinstance(file, str):
            return Response(go.encode({"message": file, "data": None}), 500, BYTES)
        return Response("".join(f"{line}\n" for line in file.lines), 200, BYTES)


USAGE = {"cap_cpu": 8000, "cap_mem": 16000, "alloc_cpu": 6000, "alloc_mem": 12000, "alloc_npu": 0}
COMPONENTS = {
    **USAGE,
    "nodes": [{"hostname": "node-1", "status": "healthy", "address": "10.0.0.5", **USAGE}],
    "components": {"node-1": [{"hostname": "agent-1", "status": "alive", "address": "10.0.0.5", **USAGE}]},
}


def say(value: Any, code: int = 200) -> Response:
    return Response(go.encode(value), code, JSON)


def done(data: Any) -> Response:
    """The envelope of `/api/v1`; its keys are sorted."""
    return say({"code": 0, "data": data, "msg": "succeed"})
