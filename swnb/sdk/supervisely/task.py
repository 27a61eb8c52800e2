"""``api.task``: every name of TaskApi's page, and those that came later (supervisely paper 4)."""

# ruff: noqa: PLR0917 - the signatures are the vendor's
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from swnb.bridge import both
from swnb.errors import BadInput, BadReply, Unsupported
from swnb.providers.supervisely import requests
from swnb.sdk.supervisely.legacy import Legacy
from swnb.sdk.supervisely.lists import Filter
from swnb.sdk.supervisely.outputs import Outputs
from swnb.sdk.supervisely.records import Record, id_of
from swnb.sdk.supervisely.talking import Talking
from swnb.sdk.supervisely.uploads import Uploads
from swnb.sdk.supervisely.waiting import Waiting
from swnb.sdk.supervisely.words import KubernetesSettings, RestartPolicy, Status, number, number_or_none


class Starting(Waiting):
    """Starting an app on an agent."""

    async def _start(
        self,
        which: Mapping[str, Any],
        body: Mapping[str, Any],
        limits: KubernetesSettings | Mapping[str, Any] | None,
        advanced: Mapping[str, Any],
    ) -> Record:
        """Start the app that ``which`` names by the wire's ``appId`` or ``moduleId``; the first of the tasks that the
        server then names (paper 4.2)."""
        chosen = {name: value for name, value in which.items() if value is not None}
        if len(chosen) != 1:
            raise BadInput("an app is started by its module_id or by its app_id", todo="Give one of the two")
        settings = {"advancedSettings": {**advanced, **KubernetesSettings.of(limits).to_dict()}}
        tasks = await self._bare(requests.run_app({**body, **settings, **chosen}), Record)
        if not tasks:
            raise BadReply("the server names no task that was started")
        return Record({**tasks[0], "id": id_of(tasks[0].get("id", tasks[0].get("taskId")))})


@dataclass(frozen=True)
class TaskApi(Starting, Talking, Outputs, Uploads, Legacy):
    """``api.task``. Each method has its awaitable door: ``await api.task.get_list.aio(5102)``. It cannot be changed."""

    @both
    async def get_list(self, workspace_id: int, filters: Sequence[Filter] | None = None) -> list[Record]:
        """The tasks of a workspace, the oldest first; ``filters`` as ``[{"field": "id", "operator": "=", "value": 1}]``
        hold all together."""
        return await self._listed(requests.tasks_list(number("workspace_id", workspace_id), filters or ()), Record)

    @both
    async def get_info_by_id(self, id: int) -> Record | None:  # noqa: A002 - the page's name
        """A task's record, None where there is no such task."""
        return await self._task(id)

    @both
    async def get_context(self, id: int) -> Record:  # noqa: A002
        """The team and the workspace that a task stands in."""
        return await self._sent(requests.task_context(number("id", id)))

    @both
    async def wait(
        self,
        id: int,  # noqa: A002
        target_status: Status | str,
        wait_attempts: int | None = None,
        wait_attempt_timeout_sec: float | None = None,
    ) -> bool:
        """Ask where a task stands until it is there: True. False where it is finished, deployed or stopped instead.

        TaskFinishedWithError where it failed, WaitingTimeExceeded after ``wait_attempts`` (999) times of asking,
        ``wait_attempt_timeout_sec`` (1) seconds apart.
        """
        return await self._wait(id, target_status, wait_attempts, wait_attempt_timeout_sec)

    @both
    async def start(
        self,
        agent_id: int,
        app_id: int | None = None,
        workspace_id: int | None = None,
        description: str = "application description",
        params: dict[str, Any] | None = None,
        log_level: str = "info",
        users_ids: list[int] | None = None,
        app_version: str = "",
        is_branch: bool = False,
        task_name: str = "pythonSpawned",
        restart_policy: str = "never",
        proxy_keep_url: bool = False,
        module_id: int | None = None,
        redirect_requests: dict[str, int] = {},  # noqa: B006 - the page's default; it is copied
        limit_by_workspace: bool = False,
        kubernetes_settings: KubernetesSettings | dict[str, Any] | None = None,
        multi_user_session: bool = False,
    ) -> Record:
        """Start an app on an agent, by ``module_id`` (or the deprecated ``app_id``: one of them); the started task, of
        several users that of the first. Never repeated, so a lost answer starts nothing twice."""
        body = {
            "agentId": number("agent_id", agent_id),
            "workspaceId": number_or_none("workspace_id", workspace_id),
            "description": description,
            "params": {"state": {}} if params is None else params,
            "logLevel": log_level,
            "usersIds": list(users_ids or ()),
            "appVersion": app_version,
            "isBranch": is_branch,
            "taskName": task_name,
            "restartPolicy": RestartPolicy(restart_policy).value,
            "proxyKeepUrl": proxy_keep_url,
            **({"redirectRequests": redirect_requests} if redirect_requests else {}),
            **({"singleSessionMode": True} if multi_user_session else {}),
        }
        which, advanced = {"appId": app_id, "moduleId": module_id}, {"limitByWorkspace": limit_by_workspace}
        return await self._start(which, body, kubernetes_settings, advanced)

    @staticmethod
    def info_sequence() -> NoReturn:
        """Tasks are plain records and have no fixed fields: Unsupported (a NotImplementedError), as the vendor's."""
        raise Unsupported("tasks have no fixed fields")

    @staticmethod
    def info_tuple_name() -> NoReturn:
        """Unsupported, see ``info_sequence``."""
        raise Unsupported("tasks are no named tuples")
