"""The metric store: summaries, lines, statistics, exports, keys, media, logs (paper 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from swnb.sandbox.swanlab import errors
from swnb.sandbox.swanlab.asked import Asked, objects, reply, route
from swnb.sandbox.swanlab.exports import Kept, csv
from swnb.sandbox.swanlab.links import Links
from swnb.sandbox.swanlab.points import NO_POINTS, Points, number, sampled, statistics, summary
from swnb.sandbox.swanlab.runs import Run
from swnb.sandbox.swanlab.state import State

MOST = 1500
Ref = dict[str, Any]


class House:
    def __init__(self, state: State, links: Links) -> None:
        self.state, self.links = state, links
        self._kept = Kept()
        self._summaries: dict[tuple[str, str], tuple[int, Any]] = {}

    def routes(self) -> list[Route]:
        metrics = "/house/metrics"
        return [
            route(self.state, "GET", "/experiment/{run}/column/csv", self.column_csv),
            route(self.state, "POST", metrics + "/scalar/export", self.export, new=True),
            route(self.state, "POST", "/files/presigned/get", self.presigned, new=True),
            route(self.state, "POST", "/resources/presigned/get", self.presigned_media, new=True),
            route(self.state, "POST", metrics + "/summaries", self.summaries),
            route(self.state, "GET", metrics + "/summaries/{pro}/{run}", self.resume),
            route(self.state, "POST", metrics + "/scalar", self.lines, new=True),
            route(self.state, "POST", metrics + "/scalar/value", self.statistics, new=True),
            route(self.state, "POST", metrics + "/{what}/keys", self.keys, new=True),
            route(self.state, "POST", metrics + "/{what}/availability", self.availability, new=True),
        ]

    def _run(self, asked: Asked, ref: Ref) -> Run:
        """The run that holds the metrics: of a clone that is the root."""
        return asked.state.experiment(asked.user, ref.get("rootExpId") or ref.get("experimentId"))[1]

    def _points(self, asked: Asked, ref: Ref) -> Points | None:
        return self._run(asked, ref).points(str(ref.get("key")), self.state.now)

    # Summaries

    def summaries(self, asked: Asked) -> Response:
        """H1, with an array as body or, on newer servers, an object that may name keys."""
        if isinstance(asked.body, list):
            refs, keys = objects(asked.body, "body"), None
        elif self.state.generation == "old":
            raise errors.bad("the body is no array")
        else:
            refs, keys = asked.items("experiments"), asked.fields.get("keys")
        return reply({str(ref.get("experimentId")): self._summary(self._run(asked, ref), keys) for ref in refs})

    def _summary(self, run: Run, keys: list[str] | None) -> dict[str, Any] | None:
        """A run without scalars has null on newer servers."""
        found = {}
        for key in run.scalars(self.state.now):
            if keys is None or key in keys:
                entry = self._summarized(run, key)
                if entry is not None:
                    found[key] = entry
        return found if found or self.state.generation == "old" else None

    def _summarized(self, run: Run, key: str) -> Any:
        """Kept while no point is added."""
        count = run.count(key, self.state.now)
        known = self._summaries.get((run.cuid, key))
        if known is None or known[0] != count:
            points = run.points(key, self.state.now)
            known = count, summary(points) if points else None
            self._summaries[run.cuid, key] = known
        return known[1]

    def resume(self, asked: Asked) -> Response:
        """H2: the last step of every key."""
        run = asked.state.experiment(asked.user, asked.path("run"))[1]
        now = self.state.now
        scalars = [(key, run.points(key, now)) for key in run.scalars(now)]
        media = [(column.key, run.media(column.key)) for column in run.columns(now)]
        lines = run.lines(now)
        found = {
            "scalar": [{"key": key, "step": points.steps[-1]} for key, points in scalars if points],
            "media": [{"key": key, "step": files[-1].step} for key, files in media if files],
            "log": [{"key": "LOG", "step": lines[-1].epoch}] if lines else [],
        }
        return reply({name: steps or None for name, steps in found.items()})

    # Lines

    def lines(self, asked: Asked) -> Response:
        """H3: at most `num` points a series, and never more than 1500."""
        most = min(int(asked.fields.get("num") or MOST), MOST)
        return reply([self._line(asked, ref, most) for ref in asked.items("columns")])

    def _line(self, asked: Asked, ref: Ref, most: int) -> dict[str, Any]:
        points, at = self._placed(asked, ref)
        metrics = [
            {"index": at[place], "data": number(points.values[place]), "timestamp": points.stamps[place]}
            for place in sampled(points, at, most)
        ]
        return {"key": ref.get("key"), "experimentId": ref.get("experimentId"), "metrics": metrics}

    def statistics(self, asked: Asked) -> Response:
        """H4."""
        found = [(ref, statistics(*self._placed(asked, ref))) for ref in asked.items("columns")]
        return reply([{"key": ref.get("key"), **each} for ref, each in found if each])

    def _placed(self, asked: Asked, ref: Ref) -> tuple[Points, Sequence[float]]:
        """The points in the range asked for, and the place of each on the x axis."""
        points = self._points(asked, ref) or NO_POINTS
        kind, key = asked.fields.get("xType", "step"), asked.fields.get("xKey")
        at: Sequence[float]
        if key:
            points, at = _along(points, self._points(asked, {**ref, "key": key}))
        elif kind in {"time", "timestamp"}:
            at = points.stamps
        elif kind == "relative_time":
            at = [stamp - points.stamps[0] for stamp in points.stamps]
        else:
            at = points.steps
        low, high = (asked.fields.get("range") or [0, 0])[:2]
        return (points, at) if low == high == 0 else _between(points, at, low, high)

    # Files

    def column_csv(self, asked: Asked) -> Response:
        """M18: the CSV of one key."""
        _, run = asked.state.experiment(asked.user, asked.path("run"))
        key = asked.query("key")
        if key not in run.scalars(self.state.now):
            raise errors.missing("Column")
        path = self._offer("exports/column/", [(run, run.name, key)])
        return reply({"url": self.links.signed(asked.request, path, relative=self.state.relative_links)})

    def export(self, asked: Asked) -> Response:
        """H5: one CSV of several keys, under the names that the caller gives the runs."""
        columns = [(self._run(asked, ref), ref) for ref in asked.items("columns")]
        if not columns:
            raise errors.bad("no columns")
        named = [(run, str(ref.get("experimentName") or run.name), str(ref.get("key"))) for run, ref in columns]
        return reply({"cosKey": self._offer("exports/csv/", named)})

    def _offer(self, folder: str, columns: list[tuple[Run, str, str]]) -> str:
        """The path of a CSV that is written, with the points there are by then, when it is fetched."""
        seed = msgspec.json.encode([(run.cuid, name, key) for run, name, key in columns])
        path = f"{folder}{hashlib.sha256(seed).hexdigest()[:32]}.csv"

        def make(now: float) -> bytes:
            return csv([(name, key, run.points(key, now) or NO_POINTS) for run, name, key in columns])

        def file() -> bytes:
            now = self.state.now
            counts = tuple(run.count(key, now) for run, _, key in columns)
            return self._kept.get((path, counts), lambda: make(now))

        return self.links.offer(path, file)

    def presigned(self, asked: Asked) -> Response:
        """M19."""
        return self._signed(asked, "")

    def presigned_media(self, asked: Asked) -> Response:
        """M20: files of a run, which is the end of `prefix`."""
        prefix = str(asked.fields.get("prefix"))
        asked.state.experiment(asked.user, prefix.rpartition("/")[2])
        return self._signed(asked, prefix + "/")

    def _signed(self, asked: Asked, prefix: str) -> Response:
        paths = asked.fields.get("paths")
        if not isinstance(paths, list):
            raise errors.bad("paths is no list")
        return reply({"urls": [self.links.signed(asked.request, f"{prefix}{path}") for path in paths]})

    # Keys

    def keys(self, asked: Asked) -> Response:
        """H6, in pages of `limit`; the cursor is the last key of the page before."""
        names = sorted({key for ref in asked.items("experiments") for key in self._names(asked, ref)})
        limit, cursor = int(asked.fields.get("limit") or 2000), str(asked.fields.get("cursor") or "")
        rest = [name for name in names if name > cursor]
        more = len(rest) > limit
        return reply({"keys": rest[:limit], "hasMore": more, "nextCursor": rest[limit - 1] if more else ""})

    def availability(self, asked: Asked) -> Response:
        """H7: which of the runs have each key."""
        held = [(ref.get("experimentId"), self._names(asked, ref)) for ref in asked.items("experiments")]
        wanted = asked.fields.get("keys") or []
        return reply({key: [cuid for cuid, names in held if key in names] for key in wanted})

    def _names(self, asked: Asked, ref: Ref) -> list[str]:
        what = asked.path("what")
        run = self._run(asked, ref)
        scalars = run.scalars(self.state.now)
        if what == "scalar":
            return scalars
        return [column.key for column in run.columns(self.state.now) if column.key not in scalars]


def _along(points: Points, axis: Points | None) -> tuple[Points, list[float]]:
    """The points at whose step the axis has a value, and those values."""
    places = dict(zip(axis.steps, axis.values, strict=True)) if axis else {}
    rows = [row for row in zip(*points, strict=True) if row[0] in places]
    return _points(rows), [places[row[0]] for row in rows]


def _between(points: Points, at: Sequence[float], low: float, high: float) -> tuple[Points, list[float]]:
    rows = [(row, x) for row, x in zip(zip(*points, strict=True), at, strict=True) if low <= x <= high]
    return _points([row for row, _ in rows]), [x for _, x in rows]


def _points(rows: list[tuple[int, float, int]]) -> Points:
    return Points([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
