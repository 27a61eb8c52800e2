"""The verbs of a Ray cluster's dashboard (paper 2; measured on 2.60)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from swnb.call import Plan, Reply, SignedIn, ask, ask_all, note
from swnb.errors import NotFound, ServerError, SwnbError, Unsupported
from swnb.model import JobInfo, ProjectInfo, Status, TaskInfo
from swnb.providers.base import LogPart
from swnb.providers.rayjobs.jobs import Jobs, part
from swnb.providers.rayjobs.records import check_project, project_info
from swnb.providers.rayjobs.replies import ray_reason, ray_refusal, submit_refusal
from swnb.providers.rayjobs.submit import ray_body
from swnb.providers.rayjobs.tasks import ray_counts, ray_tasks
from swnb.providers.rayjobs.wire import text
from swnb.providers.reading import mapping
from swnb.secret import Secret
from swnb.settings import Credential

_TITLE: Final = "driver"


class Ray(Jobs):
    """A ``providers.base.Provider``."""

    platform = "ray"
    list_path = "/api/jobs/"  # the slash is wanted here, and nowhere else

    def sign_in(self, credential: Credential) -> Plan[SignedIn]:
        if not credential.token:
            return SignedIn()
        return SignedIn({"authorization": Secret(f"Bearer {credential.token.reveal()}")})
        yield  # a plan that asks nothing

    def refusal(self, reply: Reply) -> SwnbError:
        return ray_refusal(reply)

    def job_path(self, job: str) -> str:
        return f"/api/jobs/{part(job)}"

    def missing(self, job: str, where: str) -> NotFound:
        return NotFound(
            f"there is no job {job!r}", where=where, todo="A Ray cluster forgets its jobs when it is restarted"
        )

    def page(self, job: str) -> str | None:
        return f"{self.address}/#/jobs/{quote(job, safe='')}"

    def version(self) -> Plan[Mapping[str, Any]]:
        return (yield from ask(self.call("GET", "/api/version", dict, mapping)))

    def project(self, project: str | None) -> Plan[ProjectInfo]:
        check_project(project)
        yield from self.version()
        return project_info()

    # -- tasks

    def tasks(self, project: str | None, job: str) -> Plan[Sequence[TaskInfo]]:
        info = yield from self.job(project, job)
        if info.own["job_id"] is None:
            note(f"job {info.id} has no Ray tasks: its command has not called ray.init")
            return []
        return (yield from self._tasks(info))

    def _tasks(self, info: JobInfo) -> Plan[list[TaskInfo]]:
        query = {"filter_keys": "job_id", "filter_predicates": "=", "filter_values": info.own["job_id"]}
        return (yield from ask(self.call("GET", "/api/v0/tasks/summarize", dict, ray_tasks, query=query)))

    def task_counts(self, infos: Sequence[JobInfo]) -> Plan[list[Mapping[str, int]]]:
        return (yield from ask_all([self._counts(info) for info in infos]))

    def _counts(self, info: JobInfo) -> Plan[Mapping[str, int]]:
        if info.own["job_id"] is None:
            return {}
        try:
            return ray_counts((yield from self._tasks(info)))
        except (NotFound, ServerError) as error:
            note(f"the tasks of job {info.id} are not counted: {error.what}")
            return {}

    # -- logs

    def logs(self, project: str | None, job: str) -> Plan[Sequence[LogPart]]:
        """What runs on has a stream, which begins with the first line; ``more`` is the same by asking."""
        info = yield from self.job(project, job)
        if info.own["submission_id"] is None:
            raise Unsupported(f"Ray keeps no log of job {info.id}, which was not submitted but called ray.init itself")
        if info.status.final:
            return [LogPart(_TITLE, (yield from self.log_text(info.id)))]
        live = f"{self.job_path(info.id)}/logs/tail"
        return [LogPart(_TITLE, live=live, signed=True, torn=True, more=lambda: self._after(info.id, 0))]

    def log_text(self, job: str) -> Plan[str]:
        """The whole log; empty while the job is pending."""
        path = f"{self.job_path(job)}/logs"
        return (yield from ask(self.call("GET", path, dict, lambda body, _: text(body.get("logs")) or "")))

    def _after(self, job: str, seen: int) -> Plan[LogPart]:
        """What came after the first ``seen`` characters. The state is asked before, so that no last line is lost."""
        try:
            info = yield from self.job(None, job)
            log = yield from self.log_text(job)
        except NotFound:  # deleted meanwhile
            return LogPart(_TITLE)
        more = None if info.status.final else lambda: self._after(job, len(log))
        return LogPart(_TITLE, log[seen:], more=more)

    # -- what changes jobs

    def stop(self, job: str) -> Plan[bool]:
        """Whether Ray says that it stopped the job."""
        path = f"{self.job_path(job)}/stop"
        return (yield from ask(self.call("POST", path, dict, lambda body, _: body.get("stopped") is True)))

    def remove(self, job: str) -> Plan[bool]:
        """Whether it is gone; ServerError where it has not ended."""
        path = self.job_path(job)
        return (yield from ask(self.call("DELETE", path, dict, lambda body, _: body.get("deleted") is True)))

    def stop_words(self, info: JobInfo, done: bool) -> str:
        if not done:
            return f"job {info.id} was not stopped: it had ended before ({info.raw_status})"
        if info.status is Status.QUEUED:
            return (
                f"Ray says that job {info.id} is stopped, but it is pending, and Ray stops no pending job: it stays so "
                "until it starts, or fails when the time for starting is over"
            )
        return f"job {info.id} is asked to stop"

    def submit(self, project: str | None, spec: Mapping[str, Any]) -> Plan[str]:
        check_project(project)
        refusal = submit_refusal(ray_refusal, ray_reason)
        return (yield from ask(self.call("POST", self.list_path, dict, _id, json=ray_body(spec), refusal=refusal)))


def _id(body: Any, reply: Reply) -> str:
    found = text(body.get("submission_id")) or text(body.get("job_id"))
    if found is None:
        raise reply.odd("the new job's id is missing")
    return found
