"""The two HTTP servers of openYuanRong: the same calls, other edges (paper 1.1 to 1.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from swnb.sandbox.rayjobs import go, ray_door, yuanrong_auth, yuanrong_submit
from swnb.sandbox.rayjobs.yuanrong_records import status

if TYPE_CHECKING:
    from swnb.sandbox.rayjobs.jobs import Job
    from swnb.sandbox.rayjobs.yuanrong import Yuanrong

JSON = {"Content-Type": "application/json; charset=utf-8"}
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS"}

_MALFORMED = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_REDIRECTED = re.compile(r"(GET|POST) /api/jobs/|(GET|POST|DELETE) /api/jobs/[^/]+/|POST /api/jobs/[^/]+/stop/")


def say(value: Any, code: int = 200) -> Response:
    return Response(go.encode(value), code, JSON)


class Frontend:
    """Slash: 404. Every path behind the token gate, but a few."""

    not_found: ClassVar = TEXT
    dashboard = False

    def __init__(self, yuanrong: Yuanrong) -> None:
        self.yuanrong = yuanrong

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        request = Request(scope, receive)
        if _MALFORMED.search(scope.get("raw_path", b"")):
            answer = Response("400 Bad Request", 400, TEXT)
        else:
            answer = await self.answer(request, await request.body())
        await answer(scope, receive, send)

    async def answer(self, request: Request, body: bytes) -> Response:
        if self.yuanrong.auth:
            try:
                yuanrong_auth.check(request, iam=self.yuanrong.iam)
            except yuanrong_auth.Denied as denied:
                return _denied(request, denied)
        if (request.method, request.url.path) == ("GET", "/healthz"):
            return Response()
        if (request.method, request.url.path) == ("GET", "/serverless/v1/capabilities"):
            return say({"dataSystem": {"dataSystemDeployed": True, "bypassDataSystem": False}})
        return self.jobs(request, body) or self.nothing()

    def nothing(self) -> Response:
        return Response("404 page not found", 404, self.not_found)

    def jobs(self, request: Request, body: bytes) -> Response | None:
        """What `/api/jobs` and what is below it answer; None where nothing is."""
        match request.method, *request.scope["path"].split("/")[1:]:
            case "GET", "api", "jobs":
                return self.list()
            case "POST", "api", "jobs":
                return self.submit(request, body)
            case "GET", "api", "jobs", sid if sid:
                return self.get(sid)
            case "DELETE", "api", "jobs", sid if sid:
                return self.delete(sid)
            case "POST", "api", "jobs", sid, "stop" if sid:
                return self.stop(sid)
        return None

    def list(self) -> Response:
        bodies = [self.yuanrong.info(job) for job in self.yuanrong.jobs()]
        return Response(b"[" + b",".join(bodies) + b"]", 200, JSON)

    def get(self, sid: str) -> Response:
        job = self.yuanrong.find(sid)
        if job is None:
            return say(f"not found app, submissionId: {sid}, err: failed to get appjobInfo, submissionID: {sid}", 404)
        return Response(self.yuanrong.info(job), 200, JSON)

    def submit(self, request: Request, body: bytes) -> Response:
        if self.yuanrong.runner.allowed and ray_door.is_browser(request.headers):
            return say("a web page must not start a process", 403)  # the sandbox's own rule: the real one has none
        kind, query = request.headers.get("content-type", ""), request.url.query
        try:
            fields = yuanrong_submit.read(kind, query, body, newer=not self.dashboard)
        except yuanrong_submit.Refused as refused:
            return say(str(refused), 400)
        return self.create(fields)

    def create(self, fields: dict[str, Any]) -> Response:
        sid = fields["submission_id"]
        if self.yuanrong.find(sid) is not None:
            more = ", code: 3000" if self.dashboard else ""
            return say(f"submit job has already exist, submissionId: {sid}{more}", 400)
        try:
            return say({"submission_id": self.yuanrong.create(fields)})
        except RuntimeError as failed:
            return say(f"create app failed, submissionId:[{sid}], err: {failed}", 500)

    def _there(self, sid: str) -> Job | None:
        """A job without a status is not there for stop and delete."""
        job = self.yuanrong.find(sid)
        return job if job is not None and status(self.yuanrong.record(job)) else None

    def stop(self, sid: str) -> Response:
        job = self._there(sid)
        if job is None:
            return say(f"the app does not exist, submissionId:[{sid}]", 404)
        return say(self.yuanrong.stop(job))

    def delete(self, sid: str) -> Response:
        job = self._there(sid)
        if job is None:
            return say(f"the app does not exist, submissionId:[{sid}]", 404)
        try:
            return say(self.yuanrong.delete(job))
        except RuntimeError as failed:
            return say(str(failed), 500)


class Dashboard(Frontend):
    """Slash: redirect. No token, so it is blind before a frontend that wants one; shows instances and logs, too."""

    not_found: ClassVar = {"Content-Type": "text/plain"}
    dashboard = True

    async def answer(self, request: Request, body: bytes) -> Response:
        if (answer := _redirect(request)) is not None:
            return answer
        if request.method == "OPTIONS":
            answer = Response()
        else:
            answer = self.jobs(request, body) or self.yuanrong.board.answer(request) or self.nothing()
        answer.headers.update(CORS)
        return answer

    def list(self) -> Response:
        return self._blind("Get", "list") or super().list()

    def get(self, sid: str) -> Response:
        return self._asked("Get", f"getappinfo/{sid}", super().get)

    def stop(self, sid: str) -> Response:
        return self._asked("Post", f"posix/kill/{sid}", super().stop)

    def delete(self, sid: str) -> Response:
        return self._asked("Delete", f"delete/{sid}", super().delete)

    def create(self, fields: dict[str, Any]) -> Response:
        sid = fields["submission_id"]
        if self.yuanrong.down and fields["named"]:
            return say(
                f"failed GetAppInfo, submissionId: {sid}, code: 3000, err: {self._refused('Get', f'getappinfo/{sid}')}",
                500,
            )
        return self._blind("Post", "posix/instance/create") or super().create(fields)

    def _blind(self, verb: str, what: str) -> Response | None:
        """The answer without a frontend, or with one that wants a token."""
        if self.yuanrong.down:
            return say(self._refused(verb, what), 400)
        return say("") if self.yuanrong.auth else None

    def _refused(self, verb: str, what: str) -> str:
        url = self.yuanrong.frontend_url
        why = f"dial tcp {url.removeprefix('http://')}: connect: connection refused"
        return f'request to fronted failed, err: {verb} "{url}/app/v1/{what}": {why}'

    def _asked(self, verb: str, what: str, handler: Any) -> Response:
        """The id goes into the frontend's address as it is."""
        url = f"{self.yuanrong.frontend_url}/app/v1/{what}"
        wrong = _wrong_url(url)
        if wrong is not None:
            return say(f"request to fronted failed, err: parse {_quoted(url)}: {wrong}", 400)
        answer: Response = self._blind(verb, what) or handler(unquote(re.split("[?#]", what)[0].rpartition("/")[2]))
        return answer


def _wrong_url(url: str) -> str | None:
    if re.search(r"[\x00-\x1f\x7f]", url):
        return "net/url: invalid control character in URL"
    bad = re.search(r"%(?![0-9A-Fa-f]{2})", url)
    return f'invalid URL escape "{url[bad.start() : bad.start() + 3]}"' if bad else None


def _quoted(url: str) -> str:
    """As Go quotes a string."""
    named = {"\n": r"\n", "\t": r"\t", "\r": r"\r", '"': r"\"", "\\": "\\\\"}
    return '"' + "".join(named.get(c, c if c >= " " and c != "\x7f" else f"\\x{ord(c):02x}") for c in url) + '"'


def _redirect(request: Request) -> Response | None:
    """A slash too many: GET 301 with a line of HTML, others 307 with nothing."""
    path = request.scope["path"]
    if not _REDIRECTED.fullmatch(f"{request.method} {path}"):
        return None
    query = f"?{request.url.query}" if request.url.query else ""
    where = request.headers.get("x-forwarded-prefix", "") + quote(path[:-1]) + query
    if request.method != "GET":
        return Response(status_code=307, headers={"Location": where})
    html = where.replace("&", "&amp;")
    head = {"Location": where, "Content-Type": "text/html; charset=utf-8"}
    return Response(f'<a href="{html}">Moved Permanently</a>.\n\n', 301, head)


def _denied(request: Request, denied: yuanrong_auth.Denied) -> Response:
    text = f"Authentication failed: {denied}"
    if "text/html" in request.headers.get("accept", ""):
        page = f"<!DOCTYPE html>\n<html>\n<head>\n    <title>Authentication Required</title></head>{html_text(text)}"
        return Response(page, 401, {"Content-Type": "text/html; charset=utf-8"})
    return say({"error": text}, 401)


def html_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
