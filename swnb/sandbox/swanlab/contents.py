"""What a run holds beside numbers: media (H8) and the console (H9)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from swnb.sandbox.swanlab import errors
from swnb.sandbox.swanlab.asked import Asked, reply, route
from swnb.sandbox.swanlab.links import Links
from swnb.sandbox.swanlab.runs import Line, Media, Run
from swnb.sandbox.swanlab.shapes import iso
from swnb.sandbox.swanlab.state import State

LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")
MOST_LINES = 500_000


class Contents:
    def __init__(self, state: State, links: Links) -> None:
        self.state, self.links = state, links

    def routes(self) -> list[Route]:
        metrics = "/house/metrics"
        return [
            route(self.state, "POST", metrics + "/media", one_step, new=True),
            route(self.state, "POST", metrics + "/f_media", all_steps, new=True),
            route(self.state, "GET", metrics + "/log", log_page, new=True),
            route(self.state, "POST", metrics + "/log/export", self.export, new=True),
        ]

    def export(self, asked: Asked) -> Response:
        """`rows` lines of the console from number `start` (counted from 0) on."""
        run, fields = _run(asked, asked.fields), asked.fields
        start = int(fields.get("start") or 0)
        rows = min(int(fields.get("rows") or MOST_LINES), MOST_LINES)

        def make() -> bytes:
            lines = run.lines(self.state.now)[start : start + rows]
            return "".join(f"{iso(line.stamp / 1000)} {line.level} {line.message}\n" for line in lines).encode()

        return reply({"cosKey": self.links.offer(f"exports/log/{run.cuid}-{start}-{rows}.log", make)})


def log_page(asked: Asked) -> Response:
    """Shard number `epoch`, from 0, of `size` lines, of which those of the level and above are given."""
    level = asked.query("level", "INFO")
    if level not in LEVELS:
        raise errors.bad(f"no level {level}")
    run = _run(asked, dict(asked.request.query_params))
    size, shard = asked.number("size", 1000), asked.number("epoch", 0)
    wanted = LEVELS[LEVELS.index(level) :]
    lines = [line for line in run.lines(asked.state.now) if line.level in wanted]
    page = lines[shard * size : (shard + 1) * size]
    return reply({"logs": [_line(line) for line in page], "count": len(page)})


def _line(line: Line) -> dict[str, Any]:
    # The console's own time has the form of a record's.
    return {
        "epoch": line.epoch,
        "level": line.level,
        "message": line.message,
        "tag": "",
        "timestamp": iso(line.stamp / 1000),
    }


def one_step(asked: Asked) -> Response:
    """H8: the files of all columns at one step; without `step`, at the last."""
    refs = asked.items("columns")
    held = {str(ref.get("key")): _run(asked, ref).media(str(ref.get("key"))) for ref in refs}
    steps = sorted({media.step for files in held.values() for media in files})
    step = asked.fields.get("step")
    step = step if step is not None or not steps else steps[-1]
    metrics = [{"key": key, **_files(media)} for key, files in held.items() for media in files if media.step == step]
    return reply({"steps": steps, "step": step, "metrics": metrics or None})


def all_steps(asked: Asked) -> Response:
    found = []
    for ref in asked.items("columns"):
        key = str(ref.get("key"))
        files = _run(asked, ref).media(key)
        found.append({"key": key, "metrics": [{"index": media.step, **_files(media)} for media in files]})
    return reply(found)


def _files(media: Media) -> dict[str, Any]:
    return {"data": media.data, "more": media.more}


def _run(asked: Asked, ref: dict[str, Any]) -> Run:
    return asked.state.experiment(asked.user, ref.get("rootExpId") or ref.get("experimentId"))[1]
