"""Where a task stands, waiting for it, stopping it: what ``api.task`` and ``api.app`` share."""

from __future__ import annotations

import asyncio
from typing import Final

from swnb.bridge import both
from swnb.errors import BadInput, BadReply, NotFound
from swnb.providers.supervisely import requests
from swnb.sdk.supervisely import words
from swnb.sdk.supervisely.lists import Module
from swnb.sdk.supervisely.records import Record
from swnb.sdk.supervisely.words import TaskFinishedWithError, WaitingTimeExceeded, number

_ENDS: Final = frozenset({words.Status.FINISHED, words.Status.DEPLOYED, words.Status.STOPPED})


class Waiting(Module):
    """The status of tasks."""

    Status = words.Status
    PluginTaskType = words.PluginTaskType
    RestartPolicy = words.RestartPolicy
    #: how often ``wait`` asks
    MAX_WAIT_ATTEMPTS = 999
    #: seconds between two times
    WAIT_ATTEMPT_TIMEOUT_SEC = 1

    @both
    async def get_status(self, task_id: int) -> words.Status:
        """Where a task stands; NotFound where there is no such task, BadReply for a word that is not known."""
        return await self._status(task_id)

    def raise_for_status(self, status: words.Status | str) -> None:
        """TaskFinishedWithError where the status (or its word) is ``error``."""
        if status == words.Status.ERROR:
            raise TaskFinishedWithError("the task failed", todo="Its log tells more: api.task.get_logs(task_id)")

    @both
    async def stop(self, id: int) -> words.Status:  # noqa: A002 - the page's name
        """Ask a task to stop; the status it then has. Unsupported where this kind of task cannot be stopped."""
        sent = await self._sent(requests.stop(number("id", id)))
        return _status(sent.get("status"), id)

    async def _task(self, task_id: int) -> Record | None:
        return await self._found(requests.task_info(number("task_id", task_id)), Record)

    async def _known(self, task_id: int) -> Record:
        task = await self._task(task_id)
        if task is None:
            raise NotFound(f"there is no task {task_id}")
        return task

    async def _status(self, task_id: int) -> words.Status:
        return _status((await self._known(task_id)).get("status"), task_id)

    async def _wait(self, task_id: int, target: words.Status | str, attempts: int | None, pause: float | None) -> bool:
        target = words.Status(target)
        attempts, pause = attempts or self.MAX_WAIT_ATTEMPTS, pause or self.WAIT_ATTEMPT_TIMEOUT_SEC
        if attempts < 0 or pause < 0:
            raise BadInput("attempts and seconds between them are not negative")
        for left in reversed(range(attempts)):
            status = await self._status(task_id)
            if status is target:
                return True
            self.raise_for_status(status)
            if status in _ENDS:
                return False
            if left:
                await asyncio.sleep(pause)
        raise WaitingTimeExceeded(f"task {task_id} is {status}, and not {target}, after {attempts} times of asking")


def _status(word: object, task_id: int) -> words.Status:
    if word in tuple(words.Status):
        return words.Status(word)
    raise BadReply(f"task {task_id} has a status that is not known: {word!r}")
