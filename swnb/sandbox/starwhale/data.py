"""The data half: datastore, files, logs (paper 3.6, 4)."""

from __future__ import annotations

import asyncio
import hmac
import re
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from swnb.sandbox.faults import Faults
from swnb.sandbox.starwhale import errors, query, scan
from swnb.sandbox.starwhale.people import check
from swnb.sandbox.starwhale.reply import json_body, json_value, packed, reply
from swnb.sandbox.starwhale.state import State
from swnb.sandbox.starwhale.values import BadValue, Cell, read_written
from swnb.sandbox.world import Run, Task

LOOK = 0.1
"""Seconds between two looks for new lines of a live log."""

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class Data:
    def __init__(self, state: State, faults: Faults) -> None:
        self.state, self.faults = state, faults

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/datastore/listTables", self.list_tables, methods=["POST"]),
            Route("/datastore/scanTable", self.scan_table, methods=["POST"]),
            Route("/datastore/queryTable", self.query_table, methods=["POST"]),
            Route("/datastore/updateTable", self.update_table, methods=["POST"]),
            Route("/filestorage/sign-links", self.sign_links, methods=["POST"]),
            Route("/filestorage/file", self.file, methods=["GET"]),
            Route("/log/offline/{task}", self.log_files, methods=["GET"]),
            Route("/log/offline/{task}/{file}", self.log_file, methods=["GET"]),
            WebSocketRoute("/log/online/{task}", self.live_log),
        ]

    # Datastore

    async def list_tables(self, request: Request) -> Response:
        user = self.state.people.caller(request)
        body = await json_body(request)
        prefixes = [*(body.get("prefixes") or []), *([body["prefix"]] if body.get("prefix") else [])]
        self.state.allow_tables(user, prefixes)
        return reply(request, {"tables": self.state.store.names(prefixes)})

    async def scan_table(self, request: Request) -> Response:
        began = time.perf_counter()
        user = self.state.people.caller(request)
        body = await json_body(request)
        self.state.allow_tables(user, _table_names(body))
        asked = scan.read(self.state.store, body)
        response = packed(request, asked.answer())
        if self.faults.costs and asked.limit:
            await self.faults.costs.spend_page(began, asked.style.typed, asked.behind)
        return response

    async def query_table(self, request: Request) -> Response:
        user = self.state.people.caller(request)
        body = await json_body(request)
        self.state.allow_tables(user, [body.get("tableName") or ""])
        return packed(request, query.answer(self.state.store, body))

    async def update_table(self, request: Request) -> Response:
        user = self.state.people.caller(request)
        body = await json_body(request)
        self.state.allow_tables(user, [body["tableName"]], write=True)
        schema = body["tableSchemaDesc"]
        types = {column["name"]: column for column in schema.get("columnSchemaList") or ()}
        types.setdefault("-", {"type": "BOOL"})
        try:
            rows = [_record(record, types) for record in body.get("records") or ()]
        except (BadValue, KeyError) as bad:
            raise errors.invalid(errors.DATASTORE, f"invalid record: {bad}") from None
        table = self.state.store.table(body["tableName"], schema["keyColumn"])
        table.declare(column["name"] for column in schema.get("columnSchemaList") or ())
        return reply(request, str(table.update(rows)))

    # Files

    async def sign_links(self, request: Request) -> Response:
        check(self.state.people.caller(request), None)
        uris = await json_value(request)
        until = round((self.state.now + int(request.query_params["expTimeMillis"]) / 1000) * 1000)
        base = str(request.base_url).rstrip("/")
        return reply(request, {uri: f"{base}/obj-store/{uri}/{until}?sign={self._sign(uri, until)}" for uri in uris})

    def _sign(self, uri: str, until: int) -> str:
        return hmac.new(b"sandbox", f"{uri}/{until}".encode(), "sha256").hexdigest()

    async def signed_file(self, request: Request) -> Response:
        """A range is honoured with status 200; an open range ends in a 500."""
        uri, until = request.path_params["uri"], int(request.path_params["until"])
        if request.query_params.get("sign") != self._sign(uri, until) or until < self.state.now * 1000:
            raise errors.invalid("Object Store", "invalid sign")
        if uri not in self.state.blobs:
            raise errors.Refused(404, "NOT FOUND: 001", uri)
        wanted = request.headers.get("range")
        if wanted is None:
            return _bytes(self.state.blobs[uri])
        found = _RANGE.fullmatch(wanted)
        if found is None:
            raise errors.internal(f"invalid range {wanted}")
        return _bytes(self.state.blobs[uri][int(found[1]) : int(found[2]) + 1])

    async def file(self, request: Request) -> Response:
        check(self.state.people.caller(request), None)
        uri = request.query_params.get("uri", "")
        if uri not in self.state.blobs:
            raise errors.internal("ERROR occurs while dealing with STORAGE\npull file failed", "SYSTEM ERROR: STORAGE")
        offset, size = int(request.query_params["offset"]), int(request.query_params["size"])
        return _bytes(self.state.blobs[uri][offset : offset + size])

    # Logs

    def _task(self, request: Request) -> Task:
        check(self.state.people.caller(request), None)
        task = self.state.task(request.path_params["task"])
        if task is None:
            cause = 'Cannot invoke "ai.starwhale.mlops.domain.task.po.TaskEntity.getOutputPath()"'
            raise errors.internal(f'{cause} because "taskById" is null')
        return task

    async def log_files(self, request: Request) -> Response:
        return reply(request, [_log_name(run) for run in self._stored(self._task(request))])

    async def log_file(self, request: Request) -> Response:
        task = self._task(request)
        for run in self._stored(task):
            if _log_name(run) == request.path_params["file"]:
                text = "STDOUT: " + "".join(f"{line}\n" for line in run.text(self.state.now))
                return Response(text, media_type="text/plain", headers={"content-type": "text/plain;charset=UTF-8"})
        text = f"ERROR occurs while dealing with DB\nread log path from db failed {task.id}"
        raise errors.internal(text, "SYSTEM ERROR: DB")

    def _stored(self, task: Task) -> list[Run]:
        return [run for run in task.started_runs(self.state.now) if run.timeline.ended(self.state.now) is not None]

    def _current(self, task: Task) -> Run | None:
        now = self.state.now
        running = [run for run in task.started_runs(now) if run.timeline.status(now) in {"running", "stopping"}]
        return running[-1] if running else None

    async def live_log(self, socket: WebSocket) -> None:
        """Lines as they come: the first frame holds all so far, the end of the run closes it."""
        task = self.state.task(socket.path_params["task"])
        run = self._current(task) if task else None
        if run is None:
            await socket.close()
            return
        await socket.accept()
        gone = asyncio.create_task(_closed(socket))
        sent = 0
        while not gone.done():
            ended = run.timeline.ended(self.state.now) is not None
            lines = run.text(self.state.now)
            if len(lines) > sent:
                await socket.send_text("\n".join(lines[sent:]))
                sent = len(lines)
            if ended:
                gone.cancel()
                await socket.close()
                return
            await asyncio.wait([gone], timeout=LOOK)


async def _closed(socket: WebSocket) -> None:
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        return


def _record(record: dict[str, Any], types: dict[str, dict[str, Any]]) -> dict[str, Cell]:
    return {entry["key"]: read_written(types[entry["key"]], entry["value"]) for entry in record["values"]}


def _table_names(body: dict[str, Any]) -> list[str]:
    tables = body.get("tables")
    return (
        [str(table.get("tableName")) for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []
    )


def _bytes(data: bytes) -> Response:
    return Response(data, media_type="application/octet-stream")


def _log_name(run: Run) -> str:
    return f"starwhale-run-{run.id}-{run.timeline.steps[0][0] * 1000:.0f}"
