"""Ray's State API and what else the dashboard tells of its one node (paper 2.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from swnb.sandbox.rayjobs import ray_tasks
from swnb.sandbox.rayjobs.ray_door import reply, text, trouble
from swnb.sandbox.rayjobs.ray_shapes import NODE

if TYPE_CHECKING:
    from swnb.sandbox.rayjobs.ray import Ray

Row = dict[str, Any]
MOST = 10_000
BRIEF = ("job_id", "submission_id", "entrypoint", "type", "status", "message", "error_type", "driver_info")
"""What a row of `/api/v0/jobs` has without `detail=1`."""


class BadQuery(Exception):
    """A filter or a limit that the server refuses."""


def routes(ray: Ray) -> list[BaseRoute]:
    state = State(ray)
    handlers: dict[str, Callable[[Request], Response]] = {
        "/api/v0/tasks/summarize": state.summary,
        "/api/v0/tasks": state.tasks,
        "/api/v0/actors": state.actors,
        "/api/v0/jobs": state.jobs,
        "/api/v0/nodes": state.nodes,
        "/api/v0/logs": state.log_names,
        "/api/v0/logs/file": state.log_file,
        "/api/v0/cluster_metadata": state.cluster,
        "/api/cluster_status": state.usage,
        "/api/component_activities": state.activities,
        "/nodes": state.node_summary,
    }
    return [Route(path, _guarded(handler), methods=["GET"]) for path, handler in handlers.items()]


def _guarded(handler: Callable[[Request], Response]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            return handler(request)
        except BadQuery as bad:
            return reply({"result": False, "msg": str(bad), "data": {"result": None}}, 400)

    return answer


class State:
    def __init__(self, ray: Ray) -> None:
        self.ray = ray

    def tasks(self, request: Request) -> Response:
        """Filtered where they are kept, so `total` counts those that fit."""
        rows = self._tasks(request)
        return listed(request, rows, len(rows))

    def _tasks(self, request: Request) -> list[Row]:
        keep, detail = filters(request), request.query_params.get("detail") in {"1", "true", "True"}
        jobs = self.ray.shelf if "job_id" not in dict(keep) else self._of_core(dict(keep)["job_id"])
        now = self.ray.shelf.now
        rows: list[Row] = []
        for job in jobs:
            found = [row for row in self.ray.tasks(job) if fits(row, request)]
            rows += [ray_tasks.detailed(row, job, now) for row in found] if detail else found
        return rows

    def _of_core(self, core: str) -> list[Any]:
        job = self.ray.find(core)
        return [job] if job is not None else []

    def summary(self, request: Request) -> Response:
        rows = self._tasks(request)
        if request.query_params.get("summary_by", "func_name") != "func_name":
            raise BadQuery("the sandbox sums tasks up by func_name alone")
        return listed(request, ray_tasks.summary(rows), len(rows))

    def actors(self, request: Request) -> Response:
        rows = [row for job in self.ray.shelf for row in self.ray.actors(job)]
        return listed(request, [row for row in rows if fits(row, request)], len(rows))

    def jobs(self, request: Request) -> Response:
        rows: list[Row] = msgspec.json.decode(self.ray.list_body())
        kept = [row for row in rows if fits(row, request)]
        if not request.query_params.get("detail"):
            kept = [{name: row[name] for name in BRIEF} for row in kept]
        return listed(request, kept, len(rows))

    def nodes(self, request: Request) -> Response:
        node = {
            "node_id": NODE,
            "node_ip": "127.0.0.1",
            "is_head_node": True,
            "state": "ALIVE",
            "state_message": None,
            "node_name": "127.0.0.1",
        }
        if request.query_params.get("detail"):
            node |= {
                "resources_total": {"CPU": 2.0, "memory": 24e9},
                "labels": {},
                "start_time_ms": 1,
                "end_time_ms": 0,
            }
        return listed(request, [node], 1)

    def log_names(self, request: Request) -> Response:
        self._node(request)
        pattern = request.query_params.get("glob", "*")
        names = [f"job-driver-{job.id}.log" for job in self.ray.shelf if not job.driver]
        found = {"internal": [name for name in names if fnmatch(name, pattern)]}
        return reply({"result": True, "msg": "", "data": {"result": found}})

    def log_file(self, request: Request) -> Response:
        """The last lines of a driver's log; without the node's id the real server fails."""
        self._node(request)
        name = request.query_params.get("filename", "").removeprefix("job-driver-").removesuffix(".log")
        job = self.ray.shelf.get(name or request.query_params.get("submission_id", ""))
        if job is None or job.driver:
            raise trouble()
        lines, last = self.ray.lines(job), int(request.query_params.get("lines", "1000"))
        return text("".join(f"{line}\n" for line in (lines if last < 0 else lines[max(len(lines) - last, 0) :])))

    def _node(self, request: Request) -> None:
        if request.query_params.get("node_id") != NODE:
            raise trouble()

    def cluster(self, request: Request) -> Response:
        return told({"rayVersion": self.ray.version["ray_version"], "pythonVersion": "3.11.7", "rayInitCluster": False})

    def usage(self, request: Request) -> Response:
        busy = sum(1 for job in self.ray.shelf if self.ray.word(job) == "RUNNING")
        report = {"usage": {"CPU": [float(min(busy, 2)), 2.0]}, "resourceDemand": []}
        return told({"clusterStatus": {"loadMetricsReport": report}}, "Got cluster status.")

    def activities(self, request: Request) -> Response:
        busy = sum(1 for job in self.ray.shelf if self.ray.word(job) == "RUNNING")
        now = self.ray.shelf.now
        word = "ACTIVE" if busy else "INACTIVE"
        driver = {"is_active": word, "reason": f"Number of active drivers: {busy}" if busy else None}
        return reply({"driver": driver | {"timestamp": now, "last_activity_at": now}})

    def node_summary(self, request: Request) -> Response:
        node = {"now": self.ray.shelf.now, "hostname": "host-1", "ip": "127.0.0.1", "cpu": 12.5, "cpus": [2, 2]}
        return told({"summary": [node | {"mem": [24e9, 20e9, 16.7, 4e9]}]}, "Node summary fetched.")


def told(data: Row, message: str = "") -> Response:
    return reply({"result": True, "msg": message, "data": data})


def listed(request: Request, rows: Any, total: int) -> Response:
    """The envelope; `limit` cuts lists."""
    asked = request.query_params.get("limit", "100")
    limit = int(asked) if asked.isdecimal() else 100
    if limit > MOST:
        raise BadQuery(
            f"Given limit {limit} exceeds the supported limit {MOST}. Use a lower limit, or set the "
            "`RAY_MAX_LIMIT_FROM_API_SERVER` environment variable to a larger value."
        )
    shown = rows[:limit] if isinstance(rows, list) else rows
    counts = {"total": total, "num_after_truncation": total}
    counts["num_filtered"] = len(rows) if isinstance(rows, list) else total
    return told({"result": {**counts, "result": shown, "partial_failure_warning": "", "warnings": None}})


def filters(request: Request) -> list[tuple[str, str]]:
    """Key and value of each filter that asks for equality."""
    return [(key, value) for key, predicate, value in _triples(request) if predicate == "="]


def fits(row: Row, request: Request) -> bool:
    return all((str(row.get(key)) == value) == (predicate == "=") for key, predicate, value in _triples(request))


def _triples(request: Request) -> Iterable[tuple[str, str, str]]:
    keys, predicates, values = (
        request.query_params.getlist(f"filter_{part}") for part in ("keys", "predicates", "values")
    )
    if not len(keys) == len(predicates) == len(values) or not {*predicates} <= {"=", "!="}:
        raise BadQuery("filters are triples of key, predicate (= or !=) and value")
    return zip(keys, predicates, values, strict=True)
