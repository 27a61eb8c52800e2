"""The verbs of an openYuanRong dashboard or frontend (paper 1). Instances and logs are the dashboard's alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from swnb.call import Plan, Reply, SignedIn, ask, note
from swnb.errors import BadInput, NotFound, ServerError, SwnbError, Timeout, Unsupported
from swnb.model import JobInfo, ProjectInfo, TaskInfo
from swnb.providers.base import LogPart
from swnb.providers.rayjobs import yuanrong_logs
from swnb.providers.rayjobs.jobs import Jobs, part
from swnb.providers.rayjobs.records import check_project, project_info
from swnb.providers.rayjobs.replies import submit_refusal, yuanrong_reason, yuanrong_refusal
from swnb.providers.rayjobs.submit import YUANRONG_ID, yuanrong_body
from swnb.providers.rayjobs.tasks import instance, instance_counts
from swnb.providers.rayjobs.wire import text
from swnb.settings import Credential

#: in a path these lead elsewhere, escaped or not (paper 1.1, "Ids in the path")
_ASTRAY: Final = re.compile(r"[/?#%\x00-\x1f\x7f]")
_INSTANCES: Final = "/api/v1/instances"
_PLACING: Final = 1800.0  # seconds that the server gives itself to place a job


class YuanRong(Jobs):
    """A ``providers.base.Provider``."""

    platform = "yuanrong"
    list_path = "/api/jobs"

    def sign_in(self, credential: Credential) -> Plan[SignedIn]:
        """The token as it is: the server knows no ``Bearer``."""
        return SignedIn({"x-auth": credential.token} if credential.token else {})
        yield  # a plan that asks nothing

    def refusal(self, reply: Reply) -> SwnbError:
        return yuanrong_refusal(reply)

    def job_path(self, job: str) -> str:
        if _ASTRAY.search(job):
            raise NotFound(f"no job is called {job!r}")
        return f"/api/jobs/{part(job)}"

    def missing(self, job: str, where: str) -> NotFound:
        other = "" if job.startswith("app-") else f"; ids begin with app-, so perhaps app-{job} is meant"
        return NotFound(
            f"there is no job {job!r}",
            where=where,
            todo=f"openYuanRong may forget a job soon after it ended{other}",
        )

    def project(self, project: str | None) -> Plan[ProjectInfo]:
        check_project(project)
        return project_info(len(self.submitted((yield from self.listed()))))

    def submitted(self, listed: list[JobInfo]) -> list[JobInfo]:
        """The server lists every instance whose id holds the letters ``app``; a job has a command."""
        jobs = [info for info in listed if info.own["entrypoint"]]
        if others := [info.id for info in listed if not info.own["entrypoint"]]:
            names = ", ".join(others[:5]) + (" …" if len(others) > 5 else "")
            note(f"{len(others)} instances that nobody submitted as jobs are left out: {names}")
        return jobs

    # -- instances

    def tasks(self, project: str | None, job: str) -> Plan[Sequence[TaskInfo]]:
        """The instances that the job started. The server's own filter gives those of other jobs too."""
        info = yield from self.job(project, job)
        call = self.call("GET", _INSTANCES, list, _instances, query={"parent_id": info.id})
        found = [task for task in (yield from ask(call)) if task.own["parent_id"] == info.id]
        if not found:
            note(f"the dashboard knows no instances of job {info.id}; it forgets them from time to time")
        return found

    def task_counts(self, infos: Sequence[JobInfo]) -> Plan[list[Mapping[str, int]]]:
        """All instances at once."""
        try:
            found = yield from ask(self.call("GET", _INSTANCES, dict, _all_instances))
        except (Unsupported, ServerError) as error:
            note(f"instances are not counted: {error.what}")
            return [{} for _ in infos]
        of: dict[str | None, list[TaskInfo]] = {}
        for task in found:
            of.setdefault(task.own["parent_id"], []).append(task)
        return [instance_counts(of.get(info.id, ())) for info in infos]

    # -- logs

    def logs(self, project: str | None, job: str) -> Plan[Sequence[LogPart]]:
        info = yield from self.job(project, job)
        return (yield from yuanrong_logs.parts(info, lambda: self.job(None, info.id)))

    def log_text(self, job: str) -> Plan[str]:
        return "".join(part.text for part in (yield from self.logs(None, job)))

    # -- what changes jobs

    def stop(self, job: str) -> Plan[bool]:
        """Whether the job is being stopped, which only one that runs can be."""
        return (yield from ask(self.call("POST", f"{self._own_path(job)}/stop", bool, _flag)))

    def remove(self, job: str) -> Plan[bool]:
        """Whether it is being deleted, which only one that ended can be."""
        return (yield from ask(self.call("DELETE", self._own_path(job), bool, _flag)))

    def _own_path(self, job: str) -> str:
        """Of an id that a submitted job can have: no other is touched."""
        if not YUANRONG_ID.fullmatch(job):
            raise BadInput(f"{job!r} is no id of a submitted job, so it is not stopped or deleted")
        return self.job_path(job)

    def stop_words(self, info: JobInfo, done: bool) -> str:
        if done:
            return f"job {info.id} is asked to stop"
        return f"job {info.id} was not stopped: only a running job can be, and it is {info.raw_status}"

    def submit(self, project: str | None, spec: Mapping[str, Any]) -> Plan[str]:
        """The server answers when the job has been placed. Where that takes longer than we wait, it is looked for."""
        check_project(project)
        body, refusal = yuanrong_body(spec), submit_refusal(yuanrong_refusal, yuanrong_reason)
        call = self.call("POST", self.list_path, dict, _id, json=body, refusal=refusal, timeout=_PLACING)
        try:
            return (yield from ask(call))
        except Timeout as error:
            late = error
        try:
            info = yield from self.job(None, body["submission_id"])
        except NotFound:
            late.todo = f"It may still come: look for job {body['submission_id']} before it is submitted again"
        else:
            note(f"job {info.id} is taken, and not placed yet")
            return info.id
        raise Timeout(late.what, where=late.where, todo=late.todo)


def _flag(body: Any, _: Reply) -> bool:
    return body is True


def _id(body: Any, reply: Reply) -> str:
    found = text(body.get("submission_id"))
    if found is None:
        raise reply.odd("the new job's id is missing")
    return found


def _all_instances(body: Any, reply: Reply) -> list[TaskInfo]:
    return _instances(body.get("data") or [], reply)


def _instances(body: Any, reply: Reply) -> list[TaskInfo]:
    if not isinstance(body, list) or not all(isinstance(each, Mapping) for each in body):
        raise reply.odd("a list of instances is expected")
    return [instance(each) for each in body]
