"""What is said to a running app and by it: fields, requests, its log, its metadata (supervisely paper 4.2, 4.3)."""

# ruff: noqa: PLR0917 - the signatures are the vendor's
from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from swnb.bridge import both
from swnb.errors import BadInput, BadReply, NotFound, ServerError
from swnb.providers.supervisely import requests
from swnb.sdk.supervisely.lists import Module
from swnb.sdk.supervisely.records import Record, record
from swnb.sdk.supervisely.words import BadKey, FieldMissing, Status, number, number_or_none


class Talking(Module):
    """The fields and requests of ``api.task``."""

    @both
    async def get_field(self, task_id: int, field: str) -> Any:
        """The value of one field; KeyError (FieldMissing) where the app has none of that name."""
        found = await self._fields(task_id, [field])
        if field not in found:
            raise FieldMissing(f"task {task_id} has no field {field!r}")
        return found[field]

    @both
    async def get_fields(self, task_id: int, fields: Sequence[str]) -> Record:
        """The values of fields, by their names."""
        return await self._fields(task_id, fields)

    async def _fields(self, task_id: int, fields: Sequence[str]) -> Record:
        sent = (await self._sent(requests.data_get(number("task_id", task_id), fields))).get("result")
        if not isinstance(sent, Record):
            raise BadReply(f"the server gives no fields of task {task_id}")
        return sent

    @both
    async def set_field(
        self, task_id: int, field: str, payload: Any, append: bool = False, recursive: bool = False
    ) -> Record:
        """Replace a field, or merge into it: ``append`` its own keys only, ``recursive`` what is below them too."""
        return await self._set(
            task_id, [{"field": field, "payload": payload, "append": append, "recursive": recursive}]
        )

    @both
    async def set_fields(self, task_id: int, fields: Sequence[Mapping[str, Any]]) -> Record:
        """Set several: ``[{"field": …, "payload": …[, "append": …, "recursive": …]}]``."""
        for each in fields:
            missing = [name for name in ("field", "payload") if name not in each]
            if missing:
                raise BadKey(f"a field to be set has no {missing[0]!r}: {each!r}")
        return await self._set(task_id, fields)

    @both
    async def set_fields_from_dict(self, task_id: int, d: Mapping[str, Any]) -> Record:
        """Set several by their names."""
        return await self._set(task_id, [{"field": name, "payload": payload} for name, payload in d.items()])

    async def _set(self, task_id: int, fields: Sequence[Mapping[str, Any]]) -> Record:
        return await self._sent(requests.data_set(number("task_id", task_id), fields))

    @both
    async def send_request(
        self,
        task_id: int,
        method: str,
        data: dict[str, Any],
        context: dict[str, Any] = {},  # noqa: B006 - the page's default; it is copied
        skip_response: bool = False,
        timeout: int = 60,
        outside_request: bool = True,
    ) -> Any:
        """Have an app do something; what it answers. ``timeout``: seconds that the server waits for the app; we wait
        a little longer for the server."""
        if not isinstance(data, dict):
            raise TypeError(f"data is a dict, not {type(data).__name__}")
        said = {**context, "outside_request": outside_request}
        call = requests.request_direct(
            number("task_id", task_id), method, data, said, skip_response=skip_response, timeout=timeout
        )
        return record(await self._api.ask(call))

    @both
    async def is_running(self, task_id: int) -> bool:
        """Whether an app answers."""
        return (await self._state(task_id, "is_running")).get("running") is True

    @both
    async def is_ready(self, task_id: int) -> bool:
        """Whether an app says that it can be used."""
        return (await self._state(task_id, "is_ready")).get("status") == "ready"

    async def _state(self, task_id: int, question: str, timeout: int = 60) -> dict[str, Any]:
        """What an app says of itself; nothing where the server cannot reach it."""
        said = {"outside_request": True}
        call = requests.request_direct(number("task_id", task_id), question, {}, said, timeout=timeout, reads=True)
        try:
            answer = await self._api.ask(call)
        except (NotFound, ServerError):
            return {}
        return answer if isinstance(answer, dict) else {}

    @both
    async def submit_logs(self, logs: Sequence[Mapping[str, Any]]) -> None:
        """Add records to logs; each names its task as ``task_id``."""
        await self._api.ask(requests.logs_add(logs))

    @both
    async def get_logs(
        self, task_id: int, since_time: str | datetime | None = None, limit: int | None = None
    ) -> list[Record]:
        """The records of a task's log, from a time on (a datetime without a zone is UTC)."""
        since = _iso(since_time) if isinstance(since_time, datetime) else since_time
        call = requests.log(number("task_id", task_id), since, number_or_none("limit", limit))
        return await self._bare(call, Record)

    @both
    async def update_meta(
        self,
        id: int,  # noqa: A002 - the page's name
        data: Mapping[str, Any],
        agent_storage_folder: str | None = None,
        relative_app_dir: str | None = None,
    ) -> None:
        """Update a task's metadata; the two folders go together."""
        if (agent_storage_folder is None) != (relative_app_dir is None):
            raise BadInput("agent_storage_folder and relative_app_dir go together", todo="Give both or none")
        folder = {"agentStorageFolder": {"hostDir": agent_storage_folder, "folder": relative_app_dir}}
        await self._api.ask(requests.meta_update(number("id", id), {**data, **(folder if relative_app_dir else {})}))

    @both
    async def update_status(self, task_id: int, status: Status | str) -> None:
        """Say where a task stands; ValueError for a word that is no status."""
        await self._api.ask(requests.status_update(number("task_id", task_id), Status(status).value))


def _iso(time: datetime) -> str:
    zoned = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
    return zoned.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
