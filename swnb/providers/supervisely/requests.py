"""Each request of Supervisely's public API as a Call, and what its answers mean (supervisely paper 1, 4 and 5).

All are ``POST /public/api/v3/{method}`` with a JSON body, but one: the log is a GET with a query. Answers are the
wire's own values. What changes something is never repeated (``reads=False``). A body that JSON cannot carry (NaN,
infinity, other objects) is a BadInput before anything is sent; the caller's values are copied, never changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from swnb.call import Call, Part, Reply, refused
from swnb.errors import BadInput, BadReply, SwnbError, Unsupported

API: Final = "/public/api/v3/"
_AGENTS: Final = "/agents."
Body = Mapping[str, Any] | Sequence[Any]
Filters = Sequence[Mapping[str, Any]]
# Exact texts are not known (paper 1.7), so an unknown method is told from an unknown id by what the words speak of.
_OF_METHODS: Final = re.compile(r"(?i)\b(method|route|endpoint|cannot (get|post)|not implemented)\b")
_OF_THINGS: Final = re.compile(
    r"(?i)(task|model|workspace|project|agent|team|file|archive|checkpoint)s?\s*(id|with|not|\d)"
)
_NO_TOKEN: Final = re.compile(
    r"(?i)(token|api[ _-]?key).*(missing|required|invalid|expected|not (found|given|provided))"
)

# What an answer means


def answer(reply: Reply) -> Any:
    """The JSON of a reply of any status below 400 (an empty one is an empty object)."""
    if reply.status >= 400:
        raise refusal(reply)
    return content(reply)


def none_if_missing(reply: Reply) -> Any:
    """``answer``, but None where the server has no such thing."""
    if reply.status == 404 and not _lacks_method(reply, _said(reply)):
        return None
    return answer(reply)


def answer_of_legacy(reply: Reply) -> Any:
    """``answer`` of a method that a server may have dropped: where its words name no thing, the method is missing."""
    said = _said(reply)
    if reply.status in (400, 404) and not _OF_THINGS.search(said):
        raise _unsupported(reply, said)
    return answer(reply)


def content(reply: Reply) -> Any:
    """A body as JSON, agents without their tokens (which the platform gives in clear text)."""
    found = _json(reply) if reply.body.strip() else {}
    return _without_tokens(found) if _AGENTS in reply.path else found


def _json(reply: Reply) -> Any:
    """Bare NaN and infinities, which the platform may write, are read too."""
    try:
        return reply.json()
    except BadReply as error:
        odd = error
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        pass
    raise odd


def _without_tokens(agents: Any) -> Any:
    """Agents, or a list of them, with stars for each token."""
    if isinstance(agents, list):
        return [_without_tokens(agent) for agent in agents]
    if not isinstance(agents, dict):
        return agents
    hidden = {name: "****" if name == "token" and value else value for name, value in agents.items()}
    return {**hidden, "entities": _without_tokens(hidden["entities"])} if "entities" in hidden else hidden


def refusal(reply: Reply) -> SwnbError:
    """The error of a reply of status 400 or more."""
    said = _said(reply)
    if _lacks_method(reply, said):
        return _unsupported(reply, said)
    if reply.status == 400 and _NO_TOKEN.search(said):
        return refused(replace(reply, status=401), said)
    return refused(reply, said)


def _said(reply: Reply) -> str:
    """The server's own words: ``{"error": …, "details": {"message": …} or a list of such}``; "" where it is no JSON."""
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, Mapping):
        return ""
    details = found.get("details")
    each = details if isinstance(details, list) else [details]
    messages = [one["message"] for one in each if isinstance(one, Mapping) and isinstance(one.get("message"), str)]
    title = found.get("error")
    return "; ".join(messages) or (title if isinstance(title, str) else "")


def _lacks_method(reply: Reply, said: str) -> bool:
    """Whether the server does not know the method (or cannot do it): 501, a page instead of JSON, or it says so."""
    if reply.status in (404, 405):
        method = reply.path.rpartition("/")[2]
        return not reply.body.lstrip().startswith(b"{") or method in said or _OF_METHODS.search(said) is not None
    return reply.status == 501


def _unsupported(reply: Reply, said: str) -> Unsupported:
    method = reply.path.rpartition("/")[2]
    return Unsupported(f"this server does not offer {method}{said and f' ({said})'}", where=reply.server)


# How it is asked


def rpc(method: str, body: Body, *, reads: bool = True, decode: Callable[[Reply], Any] = answer) -> Call[Any]:
    return Call("POST", API + method, decode, json=plain(body, method), reads=reads)


def change(method: str, body: Body, *, decode: Callable[[Reply], Any] = answer) -> Call[Any]:
    return rpc(method, body, reads=False, decode=decode)


def plain(value: Any, what: str) -> Any:
    """A copy of ``value`` as JSON has it; BadInput where JSON has no word for it."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        problem = str(error)
    raise BadInput(f"{what} cannot be sent as JSON: {problem}", todo="NaN, infinities and other objects have no place")


# Lists: the reply is {total, perPage, pagesCount, entities[, after]}


def listing(method: str, body: Mapping[str, Any]) -> Call[Any]:
    """The first page of a list, by id where the body names no order."""
    order = {} if "sort" in body else {"sort": "id", "sort_order": "asc"}
    return rpc(method, {**body, **order})


def further(first: Call[Any], **where: Any) -> Call[Any]:
    """Another page of the list: ``page`` and ``per_page``, or ``after``."""
    return replace(first, json={**first.json, **where})


def tasks_list(workspace: int, filters: Filters = ()) -> Call[Any]:
    return listing("tasks.list", {"workspaceId": workspace, "filter": list(filters)})


def teams_list(filters: Filters = ()) -> Call[Any]:
    return listing("teams.list", {"filter": list(filters)})


def workspaces_list(team: int, filters: Filters = ()) -> Call[Any]:
    return listing("workspaces.list", {"teamId": team, "filter": list(filters)})


def projects_list(
    workspace: int | None = None, team: int | None = None, filters: Filters = (), fields: Sequence[str] = ()
) -> Call[Any]:
    """The vendor names the team ``groupId`` here (paper 5.2)."""
    parent = {"groupId": team} if workspace is None else {"workspaceId": workspace}
    return listing("projects.list", {"filter": list(filters), "fields": list(fields), **parent})


def agents_list(team: int, filters: Filters = (), gpu: bool = False) -> Call[Any]:
    extra = {"extraFields": ["gpuInfo"]} if gpu else {}
    return listing("agents.list", {"teamId": team, "filter": list(filters), **extra})


def apps_list(team: int, filters: Filters = (), **options: Any) -> Call[Any]:
    """``options``: what the body has beside the defaults, by the wire's names."""
    defaults: dict[str, Any] = {
        "context": [],
        "repositoryKey": None,
        "integratedInto": [],
        "sessionTags": [],
        "onlyRunning": False,
        "showDisabled": False,
        "withShared": True,
        "forceAllSessions": True,
    }
    return listing("apps.list", {"teamId": team, "filter": list(filters), **defaults, **options})


def apps_tasks_list(
    team: int, app: int, statuses: Sequence[str] | None = None, disabled: bool = False, shared: bool = False
) -> Call[Any]:
    """The sessions of an app, the one started last first."""
    chosen = {"filter": [{"field": "status", "operator": "in", "value": list(statuses)}]} if statuses else {}
    order = {"sort": "startedAt", "sort_order": "desc"}
    body = {"teamId": team, "appId": app, "showDisabled": disabled, "withShared": shared, **order, **chosen}
    return listing("apps.tasks.list", body)


def ecosystem_list(slug: str) -> Call[Any]:
    return listing("ecosystem.list", {"filter": [{"field": "slug", "operator": "=", "value": slug}]})


# One thing; those of the vendor's ``info`` helpers are None where there is no such thing


def info(method: str, **body: Any) -> Call[Any]:
    return rpc(method, body, decode=none_if_missing)


def task_info(task: int) -> Call[Any]:
    return info("tasks.info", id=task)


def team_info(team: int) -> Call[Any]:
    return info("teams.info", id=team)


def workspace_info(workspace: int) -> Call[Any]:
    return info("workspaces.info", id=workspace)


def project_info(project: int, extra: Sequence[str] = ()) -> Call[Any]:
    return info("projects.info", id=project, **({"extraFields": list(extra)} if extra else {}))


def agent_info(agent: int) -> Call[Any]:
    return info("agents.info", id=agent)


def app_info(app: int) -> Call[Any]:
    return info("apps.info", id=app)


def ecosystem_info(module: int | None, slug: str | None = None, version: str | None = None) -> Call[Any]:
    which: dict[str, Any] = {"slug": slug} if module is None else {"id": module}
    return rpc("ecosystem.info", which | ({} if version is None else {"version": version}))


def task_context(task: int) -> Call[Any]:
    return rpc("GetTaskContext", {"id": task})


def file_info(file: int) -> Call[Any]:
    return rpc("file-storage.info", {"id": file})


def agents_available(team: int, **options: Any) -> Call[Any]:
    """A bare list, or a paged one (paper 5.4: the sources differ)."""
    return rpc("agents.available", {"teamId": team, **options})


def log(task: int, since: str | None = None, limit: int | None = None) -> Call[Any]:
    """The records of a task's log, a list; a server that is older than April 2026 may not have it."""
    query = {"id": str(task)} | ({"sinceTime": since} if since else {}) | ({"limit": str(limit)} if limit else {})
    return Call("GET", API + "tasks.log.download", answer, query=query)


# What a running app is told and asked


def data_get(task: int, fields: Sequence[str]) -> Call[Any]:
    return rpc("tasks.data.get", {"taskId": task, "fields": list(fields)})


def data_set(task: int, fields: Sequence[Mapping[str, Any]]) -> Call[Any]:
    return change("tasks.data.set", {"taskId": task, "fields": list(fields)})


_MARGIN: Final = 10.0  # seconds beyond those that the server waits for an app


def request_direct(
    task: int,
    command: str,
    state: Mapping[str, Any],
    context: Mapping[str, Any],
    *,
    skip_response: bool = False,
    timeout: int = 60,
    reads: bool = False,
) -> Call[Any]:
    body = {"taskId": task, "command": command, "context": context, "state": state}
    call = rpc("tasks.request.direct", {**body, "skipResponse": skip_response, "timeout": timeout}, reads=reads)
    return replace(call, timeout=timeout + _MARGIN)


def output_set(task: int, **output: Any) -> Call[Any]:
    return change("tasks.output.set", {"taskId": task, "output": output})


def meta_update(task: int, meta: Mapping[str, Any]) -> Call[Any]:
    return change("tasks.meta.update", {**meta, "id": task})


def status_update(task: int, status: str) -> Call[Any]:
    return change("tasks.status.update", {"id": task, "status": status})


def logs_add(logs: Sequence[Mapping[str, Any]]) -> Call[Any]:
    return change("tasks.logs.add", {"logs": list(logs)})


# Starting and stopping


def run_app(body: Mapping[str, Any]) -> Call[Any]:
    """The answer is a list of the started tasks, one a user."""
    return change("tasks.run.app", body)


def stop(task: int) -> Call[Any]:
    """501 where this kind of task cannot be stopped."""
    return change("tasks.stop", {"id": task})


def resume(task: int) -> Call[Any]:
    return change("tasks.resume", {"id": task})


def hashes_list(hashes: Sequence[str]) -> Call[Any]:
    """Those of at most 900 hashes that the server knows, a list."""
    return rpc("images.internal.hashes.list", list(hashes))


def files_add_by_hash(task: int, files: Sequence[Mapping[str, str]]) -> Call[Any]:
    return change("tasks.files.bulk.add-by-hash", {"taskId": task, "files": list(files)})


def files_upload(parts: Sequence[Part]) -> Call[Any]:
    """It names no task: only the header ``x-task-id`` does."""
    return Call("POST", API + "tasks.files.bulk.upload", answer, parts=parts, reads=False)


# What the vendor's SDK had until May 2025; a server may still have it (paper 4.4): else Unsupported


def legacy(method: str, reads: bool = True, **body: Any) -> Call[Any]:
    return rpc(method, body, reads=reads, decode=answer_of_legacy)


def train_metrics(task: int) -> Call[Any]:
    """None where there are none."""
    return info("tasks.train-metrics", taskId=task)


def checkpoints_list(task: int) -> Call[Any]:
    return legacy("tasks.checkpoints.list", id=task)


def checkpoints_clear(task: int) -> Call[Any]:
    return legacy("tasks.checkpoints.clear", reads=False, id=task)


def import_files_list(task: int) -> Call[Any]:
    return legacy("tasks.import.files_list", id=task)


def import_file(task: int, name: str) -> Call[Any]:
    """A download."""
    return legacy("tasks.import.download_file", id=task, filename=name)


def model_info(model: int) -> Call[Any]:
    return legacy("models.info", id=model)


def model_deployed(model: int) -> Call[Any]:
    """The tasks that serve a model, a bare list."""
    return legacy("models.info.deployed", id=model)


def run_dtl(workspace: int, graph: Sequence[Any], agent: int | None) -> Call[Any]:
    body = {"workspaceId": workspace, "config": graph, "advanced": {"agentId": agent}}
    return legacy("tasks.run.dtl", reads=False, **body)


def run_plugin(kind: str, agent: int, plugin: int, config: Mapping[str, Any], **what: Any) -> Call[Any]:
    """``what``: ``projects``, ``models`` and ``name``."""
    body = {"taskType": kind, "agentId": agent, "pluginId": plugin, "version": None, "config": config}
    return legacy("tasks.run.plugin", reads=False, **body, **what)


def run_deploy(agent: int, model: int, restart_policy: str) -> Call[Any]:
    how = {"restartPolicy": restart_policy, "settings": {"gpu_device": 0}, "pluginId": None, "version": None}
    return legacy("tasks.run.deploy", reads=False, agentId=agent, modelId=model, **how)


def run_python(workspace: int) -> Call[Any]:
    """A task that no agent works on."""
    return legacy("tasks.run.python", reads=False, workspaceId=workspace, script="xxx", advanced={"ignoreAgent": True})


def dtl_archive(parts: Sequence[Part]) -> Call[Any]:
    return Call("POST", API + "tasks.upload.dtl_archive", answer_of_legacy, parts=parts, reads=False)
