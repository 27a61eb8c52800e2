"""``OpenApi``: SwanLab's Open API (swanlab paper 9.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from pandas import DataFrame

from swnb.bridge import both, on_io, run
from swnb.call import Plan
from swnb.client.source import Source
from swnb.errors import BadInput
from swnb.fetch.tasks import in_thread
from swnb.providers.swanlab import SwanLab
from swnb.sdk.swanlab.account import account
from swnb.sdk.swanlab.answers import Listener
from swnb.sdk.swanlab.arguments import check_level, key_list, project_name, run_id, workspace
from swnb.sdk.swanlab.frames import frame_of
from swnb.sdk.swanlab.records import ApiResponse, Experiment, Items, Project
from swnb.secret import Secret
from swnb.settings.entries import token_of

S = TypeVar("S")
T = TypeVar("T")


class OpenApi:
    """A server, signed in to: TokenRejected where it does not take the key, NotLoggedIn (a RuntimeError) where none is
    known. ``host`` may be written with and without scheme and ``/api``. ``await OpenApi.aio(…)`` in async code.

    ``log_level`` is taken for the vendor's sake; nothing is logged.
    """

    username: str = ""

    def __init__(self, api_key: str | Secret = "", log_level: str = "info", *, host: str | None = None) -> None:
        api_key = Secret(api_key or "")  # so that no frame below shows it
        run(self._enter(api_key, log_level, host))

    @classmethod
    async def aio(cls, api_key: str | Secret = "", log_level: str = "info", *, host: str | None = None) -> OpenApi:
        """``OpenApi(…)`` without blocking."""
        api_key = Secret(api_key or "")
        api = cls.__new__(cls)
        await on_io(api._enter(api_key, log_level, host))
        return api

    async def _enter(self, key: Secret, log_level: str, host: str | None) -> None:
        check_level(log_level)
        if host is not None and not isinstance(host, str):
            raise TypeError(f"host is text, not {type(host).__name__}")
        token = token_of(key)
        if key and token is None:
            raise BadInput("api_key is blank", todo="Leave it out to use the key that is stored")
        self._source: Source = await in_thread(account, token, host)
        await self._source.sign_in()
        self.username = await self._source.run(self._server.own())

    @property
    def _server(self) -> SwanLab:
        return cast(SwanLab, self._source.backend)

    @both
    async def list_workspaces(self) -> ApiResponse[Items[dict[str, Any]]]:
        """The workspaces of the user: dicts of ``name``, ``username`` and ``role``."""
        return await self._list(self._server.workspaces(), _workspace)

    @both
    async def list_projects(
        self, username: str = "", detail: bool = True, *, user: str | None = None
    ) -> ApiResponse[Items[Project]]:
        """All projects of a workspace, by default of the own one; ``count`` with ``detail`` only."""
        plan = self._server.raw_projects(workspace(username, user), bool(detail))
        return await self._list(plan, lambda sent: Project.of(sent, bool(detail)))

    @both
    async def delete_project(self, project: str, username: str = "", *, user: str | None = None) -> ApiResponse[Any]:
        """Delete a project with all its runs, at once: code 204."""
        plan = self._server.delete_project(workspace(username, user), project_name(project))
        return await self._answer(plan, _nothing)

    @both
    async def list_experiments(
        self, project: str, username: str = "", *, user: str | None = None
    ) -> ApiResponse[Items[Experiment]]:
        """All runs of a project; of the profile they have ``config``."""
        plan = self._server.raw_experiments(workspace(username, user), project_name(project))
        return await self._list(plan, Experiment.of)

    list_project_exps = list_experiments

    @both
    async def get_experiment(
        self,
        project: str,
        exp_id: str = "",
        username: str = "",
        *,
        exp_cuid: str | None = None,
        user: str | None = None,
    ) -> ApiResponse[Experiment]:
        """A run with its whole profile."""
        name, exp = project_name(project), run_id(exp_id, exp_cuid)
        plan = self._server.raw_experiment(workspace(username, user), name, exp)
        return await self._answer(plan, Experiment.of)

    @both
    async def delete_experiment(
        self,
        project: str,
        exp_id: str = "",
        username: str = "",
        *,
        exp_cuid: str | None = None,
        user: str | None = None,
    ) -> ApiResponse[Any]:
        """Delete a run, at once: code 204."""
        name, exp = project_name(project), run_id(exp_id, exp_cuid)
        plan = self._server.delete_experiment(workspace(username, user), name, exp)
        return await self._answer(plan, _nothing)

    @both
    async def get_summary(
        self,
        project: str,
        exp_id: str = "",
        username: str = "",
        *,
        exp_cuid: str | None = None,
        user: str | None = None,
    ) -> ApiResponse[dict[str, Any]]:
        """``{key: {"step", "value", "min": {"step", "value"}, "max": {"step", "value"}}}``; empty where the run has
        no metrics."""
        name, exp = project_name(project), run_id(exp_id, exp_cuid)
        plan = self._server.raw_summary(workspace(username, user), name, exp)
        return await self._answer(plan, lambda found: {key: _summary(each) for key, each in (found or {}).items()})

    get_exp_summary = get_summary

    @both
    async def get_metrics(
        self, exp_id: str = "", keys: str | Sequence[str] | None = None, *, exp_cuid: str | None = None
    ) -> ApiResponse[DataFrame]:
        """The series of these keys in full: index ``step``, columns ``key`` and ``key_timestamp`` (ms) in the order
        asked. Keys that the run does not have are left out; code 404 and an empty frame where it has none of them.

        Every step of every key is there, where the vendor keeps only the steps that all keys have.
        """
        wanted = key_list(keys)
        found = await self._answer(
            self._server.metrics_of(run_id(exp_id, exp_cuid), wanted), lambda series: frame_of(wanted, series)
        )
        if found.errmsg or found.data.empty:
            return ApiResponse(found.code if found.errmsg else 404, found.errmsg or "No data found", frame_of([], []))
        return found

    @both
    async def get_exp_state(
        self,
        project: str,
        exp_id: str = "",
        username: str = "",
        *,
        exp_cuid: str | None = None,
        user: str | None = None,
    ) -> ApiResponse[dict[str, Any]]:
        """``{"state": "RUNNING"}``."""
        name, exp = project_name(project), run_id(exp_id, exp_cuid)
        return await self._answer(self._server.state(workspace(username, user), name, exp), dict)

    async def _answer(self, plan: Plan[S], read: Callable[[S], T]) -> ApiResponse[Any]:
        """What the server answers, as ``read`` has it; where it says no, its own words."""
        found = await self._source.run(Listener().plan(plan))
        if not found.errmsg:
            found.data = read(found.data)
        return found

    async def _list(self, plan: Plan[Sequence[S]], read: Callable[[S], T]) -> ApiResponse[Items[T]]:
        """The same of a list, which is empty where the server says no."""
        found = await self._answer(plan, lambda sent: Items(map(read, sent)))
        return ApiResponse(found.code, found.errmsg, Items() if found.errmsg else found.data)

    def __repr__(self) -> str:
        return f"OpenApi({self._source.entry.address}, username={self.username!r})" if self.username else "OpenApi()"


def _workspace(sent: Any) -> dict[str, Any]:
    return {name: sent.get(name) for name in ("name", "username", "role")}


def _summary(sent: Any) -> dict[str, Any]:
    ends = {end: sent.get(end) or {} for end in ("min", "max")}
    return {
        "step": sent.get("step"),
        "value": sent.get("value"),
        **{end: {"step": found.get("index"), "value": found.get("data")} for end, found in ends.items()},
    }


def _nothing(_: object) -> dict[str, Any]:
    return {}
