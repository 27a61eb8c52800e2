"""``api.app``: apps of the ecosystem and of a team, and their sessions, which are tasks (supervisely paper 5.5)."""

# ruff: noqa: PLR0917 - the signatures are the vendor's
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from swnb.bridge import both
from swnb.errors import BadInput, BadReply, NotFound
from swnb.providers.supervisely import requests
from swnb.sdk.supervisely.lists import Filter, of_kind
from swnb.sdk.supervisely.outputs import Outputs
from swnb.sdk.supervisely.records import AppInfo, ModuleInfo, Record, SessionInfo, id_of
from swnb.sdk.supervisely.talking import Talking
from swnb.sdk.supervisely.task import Starting
from swnb.sdk.supervisely.words import KubernetesSettings, RestartPolicy, Status, number, number_or_none


@dataclass(frozen=True)
class AppApi(Starting, Talking, Outputs):
    """``api.app``. ``get_list`` and ``get_info_by_id`` speak of apps; what waits, stops and asks, of their tasks."""

    @both
    async def get_ecosystem_module_id(self, slug: str) -> int:
        """The module of an app such as ``"supervisely-ecosystem/export-to-supervisely-format"``; NotFound where there
        is none, or several."""
        found = await self._one(requests.ecosystem_list(slug), ModuleInfo, slug)
        if found is None:
            raise NotFound(f"the ecosystem has no app {slug!r}")
        return id_of(found.get("id"))

    @both
    async def get_ecosystem_module_info(
        self, module_id: int | None = None, version: str | None = None, slug: str | None = None
    ) -> ModuleInfo:
        """A module by its id or its slug."""
        if (module_id is None) == (slug is None):
            raise BadInput("a module is named by its id or by its slug", todo="Give one of the two")
        call = requests.ecosystem_info(number_or_none("module_id", module_id), slug, version)
        return of_kind(ModuleInfo, await self._api.ask(call), call)

    @both
    async def start(
        self,
        agent_id: int,
        app_id: int | None = None,
        workspace_id: int | None = None,
        description: str = "",
        params: dict[str, Any] | None = None,
        log_level: str = "info",
        users_id: int | None = None,
        app_version: str | None = None,
        is_branch: bool = False,
        task_name: str = "run-from-python",
        restart_policy: str = "never",
        proxy_keep_url: bool = False,
        module_id: int | None = None,
        redirect_requests: dict[str, int] = {},  # noqa: B006 - the vendor's default; it is copied
        kubernetes_settings: KubernetesSettings | dict[str, Any] | None = None,
        multi_user_session: bool = False,
    ) -> SessionInfo:
        """Start an app on an agent, in its newest version where none is named; ``params`` as ``get_arguments`` gives
        them. Never repeated, so a lost answer starts nothing twice."""
        if app_version is None:
            app_version = await self._newest(module_id)
        given = params or {}
        body = {
            "agentId": number("agent_id", agent_id),
            "workspaceId": number_or_none("workspace_id", workspace_id),
            "description": description,
            "params": given if "state" in given else {"state": given},
            "logLevel": log_level,
            "usersIds": [] if users_id is None else [number("users_id", users_id)],
            "appVersion": app_version,
            "isBranch": is_branch,
            "taskName": task_name,
            "restartPolicy": RestartPolicy(restart_policy).value,
            "proxyKeepUrl": proxy_keep_url,
            **({"redirectRequests": redirect_requests} if redirect_requests else {}),
            **({"singleSessionMode": True} if multi_user_session else {}),
        }
        which, advanced = {"appId": app_id, "moduleId": module_id}, {"limitByWorkspace": False}
        return SessionInfo.of(await self._start(which, body, kubernetes_settings, advanced))

    async def _newest(self, module_id: int | None) -> str:
        if module_id is None:
            raise BadInput("which version of the app is meant is not known", todo="Give module_id or app_version")
        module = await self._sent(requests.ecosystem_info(number("module_id", module_id)))
        try:
            return str(module["meta"]["releases"][0]["version"])
        except (LookupError, TypeError):
            problem = f"module {module_id} names no releases"
        raise BadReply(problem, todo="Give app_version")

    @both
    async def get_list(
        self,
        team_id: int,
        filter: Sequence[Filter] | None = None,  # noqa: A002 - the vendor's name
        context: Sequence[str] | None = None,
        repository_key: str | None = None,
        show_disabled: bool = False,
        integrated_into: Sequence[str] | None = None,
        session_tags: Sequence[str] | None = None,
        only_running: bool = False,
        with_shared: bool = True,
        force_all_sessions: bool = True,
    ) -> list[AppInfo]:
        """The apps of a team; ``tasks`` of each are its sessions."""
        call = requests.apps_list(
            number("team_id", team_id),
            filter or (),
            context=list(context or ()),
            repositoryKey=repository_key,
            integratedInto=list(integrated_into or ()),
            sessionTags=list(session_tags or ()),
            onlyRunning=only_running,
            showDisabled=show_disabled,
            withShared=with_shared,
            forceAllSessions=force_all_sessions,
        )
        return await self._listed(call, AppInfo)

    @both
    async def get_info_by_id(self, id: int) -> AppInfo | None:  # noqa: A002
        """An app by its own id (not a task's), None where there is no such."""
        return await self._found(requests.app_info(number("id", id)), AppInfo)

    @both
    async def get_sessions(
        self,
        team_id: int,
        module_id: int,
        show_disabled: bool = False,
        session_name: str | None = None,
        statuses: Sequence[Status | str] | None = None,
        with_shared: bool = False,
    ) -> list[SessionInfo]:
        """The sessions of a module in a team, those started last first for each of its apps."""
        words = [Status(status).value for status in statuses or ()]
        team = number("team_id", team_id)
        chosen = [{"field": "moduleId", "operator": "=", "value": number("module_id", module_id)}]
        options = {"showDisabled": show_disabled, "withShared": with_shared, "forceAllSessions": False}
        apps = await self._listed(requests.apps_list(team, chosen, **options), AppInfo)
        found: list[SessionInfo] = []
        for app in apps:
            call = requests.apps_tasks_list(team, app.id, words, show_disabled, with_shared)
            found += [SessionInfo.of(task) for task in await self._listed(call, Record)]
        return [each for each in found if session_name is None or each.name == session_name]

    @both
    async def wait(
        self,
        id: int,  # noqa: A002
        target_status: Status | str,
        attempts: int | None = None,
        attempt_delay_sec: float | None = None,
    ) -> bool:
        """``api.task.wait`` for a session's task."""
        return await self._wait(id, target_status, attempts, attempt_delay_sec)

    @both
    async def is_ready_for_api_calls(self, task_id: int) -> bool:
        """Whether a session's app answers within a second."""
        return (await self._state(task_id, "is_running", timeout=1)).get("running") is True
