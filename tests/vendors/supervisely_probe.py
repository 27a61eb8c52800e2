"""What the official Supervisely SDK reads from a server and does on it, as one canonical JSON document on stdout.

``main`` takes the `Api` objects to ask, so that the very same lines are also run with swnb's surface.

Run by the SDK's own python, in a process of its own, with HOME at an empty folder:  supervisely_probe.py FACTS.json
where the facts name the server's address, a token and what is there (`test_supervisely_sandbox.py` writes them).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("NO_PROXY", "127.0.0.1")

Facts = dict[str, Any]
MISSING = 404404


def failure(call: Callable[[], Any]) -> str:
    """The name of the error that a call ends in."""
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "no error"


def picked(info: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(info, name) for name in names}


def lists(api: Any, facts: Facts) -> dict[str, Any]:
    counts: list[int] = []
    workspace = facts["workspace"]
    body = {"workspaceId": workspace, "filter": [], "per_page": 5}
    by_status = [{"field": "status", "operator": "in", "value": ["finished", "error"]}]
    tokens = {**body, "pagination_mode": "token"}
    newest = {**body, "sort": "startedAt", "sort_order": "desc"}
    ask = api.task.get_list_all_pages
    return {
        "all": api.task.get_list(workspace),
        "ended": [task["id"] for task in api.task.get_list(workspace, filters=by_status)],
        "none": api.task.get_list(workspace, filters=[{"field": "id", "operator": "=", "value": -1}]),
        "pages": [task["id"] for task in ask("tasks.list", dict(body), progress_cb=counts.append)],
        "counts": counts,
        "newest": [task["id"] for task in ask("tasks.list", newest)],
        "limited": [task["id"] for task in ask("tasks.list", dict(body), limit=7)],
        "first": sorted(ask("tasks.list", dict(body), return_first_response=True)[1]),
        "generated": [[task["id"] for task in page] for page in pages_of(api, tokens)],
        "page mode": failure(lambda: list(pages_of(api, dict(body)))),
        "unknown workspace": failure(lambda: api.task.get_list(MISSING)),
    }


def pages_of(api: Any, body: dict[str, Any]) -> Any:
    return api.task.get_list_all_pages_generator("tasks.list", body)


def reads(api: Any, facts: Facts) -> dict[str, Any]:
    task = api.task
    started = facts["started"]
    logs = task.get_logs(facts["finished"])
    return {
        "info": {
            name: task.get_info_by_id(facts[name]) for name in ("finished", "failed", "started", "queued", "clone")
        },
        "unknown": task.get_info_by_id(MISSING),
        "status": {name: str(task.get_status(facts[name])) for name in ("finished", "failed", "started", "queued")},
        "status of nothing": failure(lambda: task.get_status(MISSING)),
        "context": task.get_context(started),
        "context of nothing": failure(lambda: task.get_context(MISSING)),
        "running": [task.is_running(started), task.is_running(facts["finished"])],
        "ready": [task.is_ready(started), task.is_ready(facts["finished"])],
        "logs": logs,
        "two logs": task.get_logs(facts["finished"], since_time=logs[10]["timestamp"], limit=2),
    }


def waits(api: Any, facts: Facts) -> dict[str, Any]:
    status = api.task.Status

    def wait(name: str, target: Any) -> Any:
        return api.task.wait(facts[name], target, 2, 0.01)

    return {
        "finished": wait("finished", status.FINISHED),
        "stopped instead": wait("stopped", status.FINISHED),
        "target": wait("queued", status.QUEUED),
        "failed": failure(lambda: wait("failed", status.FINISHED)),
        "too long": failure(lambda: wait("started", status.FINISHED)),
        "raised": failure(lambda: api.task.raise_for_status(status.ERROR)),
        "not raised": failure(lambda: api.task.raise_for_status(status.FINISHED)),
    }


def around(api: Any, facts: Facts) -> dict[str, Any]:
    """Teams, workspaces, projects, agents, apps and the files of experiments."""
    team = facts["team"]
    module_id = api.app.get_ecosystem_module_id(facts["slug"])
    module = api.app.get_ecosystem_module_info(module_id)
    sessions = api.app.get_sessions(team, module_id, statuses=[api.task.Status.FINISHED])
    return {
        "teams": [picked(each, "id", "name", "role") for each in api.team.get_list()],
        "team": picked(api.team.get_info_by_id(team), "id", "name"),
        "no team": api.team.get_info_by_id(MISSING),
        "workspaces": [picked(each, "id", "name", "team_id") for each in api.workspace.get_list(team)],
        "workspace": picked(api.workspace.get_info_by_name(team, "mnist"), "id", "name"),
        "projects": [picked(each, "id", "name", "type") for each in api.project.get_list(facts["workspace"])],
        "team projects": [each.id for each in api.project.get_list(team_id=team)],
        "project": picked(api.project.get_info_by_id(facts["project"]), "id", "name", "workspace_id"),
        "agents": [picked(each, "id", "name", "status") for each in api.agent.get_list(team)],
        "agent": api.agent.get_info_by_id(facts["agent"]).name,
        "available": [each.id for each in api.agent.get_list_available(team)],
        "module": picked(module, "id", "slug", "name"),
        "arguments": module.get_arguments(images_project=facts["project"]),
        "wrong target": failure(lambda: module.get_arguments(team=team)),
        "apps": [picked(each, "id", "module_id", "name") for each in api.app.get_list(team)],
        "sessions": sorted(each.task_id for each in sessions),
    }


def fields(api: Any, facts: Facts) -> dict[str, Any]:
    """`set_field` in its three ways, and the two that set several."""
    task, mine = api.task, facts["fields"]
    found = {}
    for way, how in {"replace": {}, "shallow": {"append": True}, "deep": {"append": True, "recursive": True}}.items():
        task.set_field(mine, "data.x", {"a": {"p": 1}, "b": {"q": 1, "r": 2}})
        task.set_field(mine, "data.x", {"b": {"s": 3}}, **how)
        found[way] = task.get_field(mine, "data.x")
    task.set_fields(mine, [{"field": "state.a", "payload": 1}, {"field": "data.rows[0].y", "payload": [1]}])
    task.set_field(mine, "data.rows[0].y", [2, 3], append=True)
    task.set_fields_from_dict(mine, {"state.b": "x", "state.c": None})
    found["several"] = task.get_fields(mine, ["state.a", "state.b", "state.c", "data.rows[0].y"])
    found["missing"] = failure(lambda: task.get_field(mine, "state.nothing"))
    found["no payload"] = failure(lambda: task.set_fields(mine, [{"field": "state.a"}]))
    return found


def outputs(api: Any, facts: Facts) -> dict[str, Any]:
    """What the task says after each kind of output."""
    task, mine, file_id = api.task, facts["outputs"], facts["file"]
    calls: dict[str, Callable[[], Any]] = {
        "report": lambda: task.set_output_report(mine, file_id, "report.json"),
        "archive": lambda: task.set_output_archive(mine, file_id, "a.tar"),
        "archive by url": lambda: task.set_output_archive(mine, file_id, "a.tar", file_url="http://127.0.0.1/a.tar"),
        "file": lambda: task.set_output_file_download(mine, file_id, "a.txt"),
        "directory": lambda: task.set_output_directory(mine, file_id, "/made/up/"),
        "error": lambda: task.set_output_error(mine, "It broke", "in the middle", show_logs=False),
        "text": lambda: task.set_output_text(mine, "All well", "at the end"),
        "project": lambda: task.set_output_project(mine, facts["project"], "mine"),
        "experiment": lambda: task.set_output_experiment(mine, {"task_id": mine, "evaluation_metrics": {"f1": 0.5}}),
    }
    found = {}
    for kind, call in calls.items():
        call()
        found[kind] = task.get_info_by_id(mine)["meta"]["output"]
    found["unknown project"] = failure(lambda: task.set_output_project(mine, MISSING))
    return found


def control(api: Any, facts: Facts) -> dict[str, Any]:
    task, mine = api.task, facts["started"]
    agent, place = facts["agent"], facts["workspace"]
    by_app = task.start(agent, app_id=facts["app"], workspace_id=place, task_name="by app", params={"state": {"k": 1}})
    by_module = task.start(agent, module_id=facts["module"], workspace_id=place, description="d", app_version="dev")
    session = api.app.start(agent, module_id=facts["module"], workspace_id=place, task_name="session", params={"k": 2})
    echo = task.send_request(mine, "get_session_info", {"k": 1}, context={"u": 1}, timeout=5)
    task.submit_logs([{"message": "by hand", "level": "warn", "timestamp": facts["now"], "task_id": mine}])
    task.update_meta(mine, {"note": "x"}, agent_storage_folder="/srv/agent", relative_app_dir="app_data/x")
    task.update_status(facts["queued"], task.Status.STARTED)
    return {
        "by app": by_app,
        "by module": by_module,
        "session": session.task_id,
        "new": {str(each["id"]): task.get_info_by_id(each["id"]) for each in (by_app, by_module)},
        "neither": failure(lambda: task.start(agent, workspace_id=place)),
        "unknown agent": failure(lambda: task.start(MISSING, module_id=facts["module"], workspace_id=place)),
        "echo": echo,
        "silent": task.send_request(mine, "deploy", {}, skip_response=True),
        "no dict": failure(lambda: task.send_request(mine, "deploy", [1])),
        "last log": [line for line in task.get_logs(mine) if line["message"] == "by hand"],
        "meta": task.get_info_by_id(mine)["meta"],
        "told status": str(task.get_status(facts["queued"])),
        "stop": str(task.stop(facts["to stop"])),
        "after stop": str(task.get_status(facts["to stop"])),
        "stop ended": failure(lambda: task.stop(facts["finished"])),
        "stop clone": failure(lambda: task.stop(facts["clone"])),
    }


def uploads(api: Any, facts: Facts) -> dict[str, Any]:
    """``api`` speaks as the task ``facts["started"]``; the second time the server knows one of the files."""
    counts: list[int] = []
    folder = Path(facts["folder"])
    for name, text in {"a.txt": "alpha\r\n\r\n", "b.txt": "beta\n", "c.txt": "gamma"}.items():
        (folder / name).write_bytes(text.encode())
    a, b, c = (str(folder / name) for name in ("a.txt", "b.txt", "c.txt"))
    api.task.upload_files(facts["started"], [a, b], ["a.txt", "dir/b.txt"], counts.append)
    api.task.upload_files(facts["started"], [a, c], ["again.txt", "c.txt"], counts.append)
    return {
        "counts": counts,
        "uneven": failure(lambda: api.task.upload_files(facts["started"], [a], ["a.txt", "b.txt"])),
    }


def main(api: Any, app_api: Any, facts: Facts) -> dict[str, Any]:
    """``app_api`` sends the header x-task-id of ``facts["started"]``. Reads come first: the rest changes the world."""
    parts = {"lists": lists, "reads": reads, "waits": waits, "around": around}
    found = {name: part(api, facts) for name, part in parts.items()}
    changes = {"fields": fields, "outputs": outputs, "control": control}
    found |= {name: part(api, facts) for name, part in changes.items()}
    return {**found, "uploads": uploads(app_api, facts)}


def beside(api: Any, facts: Facts) -> dict[str, Any]:
    """What only the official SDK offers: signing in by password, experiments out of team files, the async list."""
    from supervisely.api.api import UserSession
    from supervisely.nn.experiments import get_experiment_infos

    session = UserSession(facts["url"]).log_in(*facts["user"])
    wrong = failure(lambda: UserSession(facts["url"]).log_in(facts["user"][0], "wrong"))
    infos = get_experiment_infos(api, facts["team"], "TIMM")
    return {
        "session": {"token": session.api_token == facts["token"], "workspace": session.workspace_id},
        "wrong password": wrong,
        "experiments": [picked(info, "task_id", "framework_name", "evaluation_metrics") for info in infos],
        "abreast": asyncio.run(collected(api, {"workspaceId": facts["workspace"], "filter": [], "per_page": 5})),
    }


async def collected(api: Any, body: dict[str, Any]) -> list[int]:
    pages = api.task.get_list_page_generator_async("tasks.list", body)
    return [task["id"] async for page in pages for task in page]


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text())
    with contextlib.redirect_stdout(sys.stderr):
        from supervisely.api.api import Api

        def connect() -> Any:
            return Api(given["url"], given["token"], retry_count=2, retry_sleep_sec=0)

        plain = connect()
        more = beside(plain, given)
        os.environ["SUPERVISELY_TASK_ID"] = str(given["started"])
        document = {**main(plain, connect(), given), "beside": more}
    json.dump(document, sys.stdout, ensure_ascii=False, sort_keys=True)
