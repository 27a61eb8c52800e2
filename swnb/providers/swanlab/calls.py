"""The endpoints of a SwanLab server as Calls (swanlab paper 3 and 4; the letters there name them)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urljoin, urlsplit

from swnb.call import Call, Page, Plan, Reply, ask
from swnb.errors import Forbidden, NotFound
from swnb.model import Series
from swnb.providers.reading import Read, field, mapping, mappings
from swnb.providers.swanlab.records import Run, part
from swnb.providers.swanlab.replies import data, decoded, page_of, refusal
from swnb.providers.swanlab.series import series_of_csv

T = TypeVar("T")

PAGE: Final = 100
LOG_LINES: Final = 1000  # of one shard
_KEYS: Final = 2000


class Calls:
    """``lacks`` remembers which of the newer endpoints this server was found not to have."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._api = "" if self.address.endswith("/api") else "/api"
        self.lacks: set[str] = set()

    def path(self, path: str) -> str:
        """As it counts from the server's address, which may hold the ``/api`` that older SDKs want there."""
        return self._api + path

    def get(self, path: str, read: Read[T], query: Mapping[str, str] | None = None) -> Call[T]:
        return Call("GET", self.path(path), decoded(read), query or {})

    def post(self, path: str, read: Read[T], body: Any) -> Call[T]:
        return Call("POST", self.path(path), decoded(read), json=body)

    def delete(self, path: str) -> Call[None]:
        return Call("DELETE", self.path(path), _nothing, reads=False)

    def pages(self, path: str, read: Read[T], number: int = 1, size: int = PAGE, **query: str) -> Call[Page[T]]:
        def following(number: int) -> Call[Page[T]]:
            return self.pages(path, read, number, size, **query)

        paging = {"page": str(number), "size": str(size)}
        return Call("GET", self.path(path), page_of(read, following, number), paging | query)

    def projects(self, workspace: str, read: Read[T], size: int = PAGE, detail: bool = True) -> Call[Page[T]]:
        return self.pages(f"/project/{part(workspace)}", read, size=size, detail=str(detail))

    def groups(self) -> Call[list[Mapping[str, Any]]]:
        """M2: the workspaces of the user."""
        return self.get("/group/", mappings)

    def teams(self, user: str) -> Call[list[Mapping[str, Any]]]:
        """M3: the same without the own one; newer servers."""
        return self.get(f"/user/{part(user)}/groups", mappings)

    def shows(self, project_path: str, read: Read[T]) -> Call[T]:
        """M12: all runs at once, without profiles."""
        return self.post(f"{project_path}/runs/shows", read, {"filters": [], "groups": [], "sorts": []})

    # -- the metric store

    def summaries(self, experiments: Sequence[Mapping[str, Any]], older: bool) -> Call[Mapping[str, Any]]:
        """H1; the older form is the bare array, without ``createdAt``."""
        if older:
            bare = [{k: v for k, v in each.items() if k != "createdAt"} for each in experiments]
            return self.post("/house/metrics/summaries", mapping, bare)
        return self.post("/house/metrics/summaries", mapping, {"experiments": list(experiments)})

    def keys(self, run: Run, cursor: str) -> Call[Mapping[str, Any]]:
        body = {"experiments": [run.root], "limit": _KEYS, "cursor": cursor}
        return self.post("/house/metrics/scalar/keys", mapping, body)

    def columns(self, run: Run) -> Call[Page[Mapping[str, Any]]]:
        """M17: the keys by the older way."""
        return self.pages(f"/experiment/{part(run.cuid)}/column", mapping)

    def lines(self, run: Run, keys: Sequence[str], points: int) -> Call[list[Mapping[str, Any]]]:
        columns = [run.column(key) for key in keys]
        body = {"projectId": run.project_cuid, "xType": "step", "range": [0, 0], "columns": columns, "num": points}
        return self.post("/house/metrics/scalar", mappings, body)

    def export(self, run: Run, keys: Sequence[str]) -> Call[str]:
        """H5: the place of a CSV that the server writes."""
        columns = [{"experimentName": run.name, **run.column(key)} for key in keys]
        body = {"projectId": run.project_cuid, "columns": columns}
        return self.post("/house/metrics/scalar/export", lambda found, reply: field(found, "cosKey", str, reply), body)

    def link(self, place: str) -> Call[str]:
        """M19: where such a file can be downloaded for some minutes."""

        def read(body: Any, reply: Reply) -> str:
            urls = field(body, "urls", list, reply)
            if len(urls) != 1:
                raise reply.odd(f"{len(urls)} links for one file")
            return self._absolute(urls[0], reply)

        return self.post("/files/presigned/get", read, {"paths": [place]})

    def column_link(self, experiment: str, key: str) -> Call[str]:
        """M18: the same for one key, by the older way."""

        def read(body: Any, reply: Reply) -> str:
            return self._absolute(field(body, "url", str, reply), reply)

        return self.get(f"/experiment/{part(experiment)}/column/csv", read, {"key": key})

    def _absolute(self, link: object, reply: Reply) -> str:
        """Self-hosted servers have given links from ``/`` on, which count from their own host."""
        url = urljoin(f"{self.address}/", link) if isinstance(link, str) and link else ""
        if urlsplit(url).scheme not in ("http", "https"):
            raise reply.odd("a link is no address that can be downloaded")
        return url

    def csv(
        self, url: str, keys: Sequence[str], run: Run, reached: Mapping[str, int] | None = None
    ) -> Call[list[Series] | None]:
        """A link is asked without our sign-in, whatever its host."""

        def decode(reply: Reply) -> list[Series] | None:
            if reply.status in (401, 403):
                raise Forbidden(f"the link to {', '.join(keys)} of job {run.id} is not taken", where=reply.server)
            if reply.status != 200:
                raise refusal(reply)
            return series_of_csv(reply, keys, run.id, run.project, reached)

        return Call("GET", url, decode, signed=False)

    def log(self, run: Run, shard: int) -> Call[tuple[list[Mapping[str, Any]], int | None]]:
        """H9: the lines of one shard, and how many the log has."""
        query = {name: str(value) for name, value in run.experiment.items()}
        query |= {"size": str(LOG_LINES), "epoch": str(shard), "level": "INFO"}

        def read(body: Any, reply: Reply) -> tuple[list[Mapping[str, Any]], int | None]:
            if body is None or mapping(body, reply).get("logs") is None:
                return [], None
            count = body.get("count")
            return mappings(body["logs"], reply), count if isinstance(count, int) else None

        return self.get("/house/metrics/log", read, query)

    def still_there(self, run: Run) -> Plan[None]:
        """After a 404 about a run, the second question that tells a server without an endpoint from one without the
        run: NotFound where the run is gone."""
        try:
            yield from ask(self.get(run.path, mapping))
        except NotFound as error:
            raise NotFound(f"project {run.project} has no job {run.id} any more", where=error.where) from None


def _nothing(reply: Reply) -> None:
    data(reply)
