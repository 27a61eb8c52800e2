"""What comes of a rule that fires: a notice, and as asked a callback, a message to a webhook, the end of the job."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from swnb.call import Call, Reply
from swnb.client.actions import actions_allowed
from swnb.client.closer import Detail
from swnb.client.rules import Rule
from swnb.client.source import Source
from swnb.errors import ActionsOff, BadInput, ServerError, SwnbError, clean
from swnb.fetch.tasks import in_thread
from swnb.frames.tables import dotted
from swnb.model import JobInfo, Status
from swnb.secret import Secret

_log: Final = logging.getLogger("swnb")
_BUILT_IN: Final = frozenset(
    {"status", "raw_status", "name", "id", "project", "owner", "error", "elapsed", "progress", "step"}
)


@dataclass(frozen=True, slots=True)
class Notice:
    """A rule fired for a job (its URI)."""

    time: datetime
    job: str
    name: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule may ask of a job. ``stalled``: seconds in which nothing moved, None where that cannot be told."""

    info: JobInfo
    progress: float | None = None
    detail: Detail | None = None
    stalled: float | None = None

    def value(self, name: str) -> Any:
        if name in _BUILT_IN:
            return self._built_in(name)
        values = self.detail.values if self.detail is not None else {}
        settings = dotted(self.info.config)
        if name in values:
            return values[name]
        return settings.get(name.removeprefix("config."))

    def _built_in(self, name: str) -> Any:
        info = self.info
        if name == "elapsed":
            return None if info.elapsed is None else info.elapsed.total_seconds()
        if name == "progress":
            return self.progress
        if name == "step":
            steps = self.detail.steps.values() if self.detail is not None else ()
            return max((step for step in steps if isinstance(step, (int, float))), default=None)
        found = getattr(info, name)
        return found.value if isinstance(found, Status) else found

    def said(self, rule: Rule) -> str:
        """The values that the rule looked at, in words."""
        known = {name: value for name in rule.names if (value := self.value(name)) is not None}
        if rule.stalls and self.stalled is not None:
            known["stalled"] = f"{self.stalled:.0f} s"
        shown = ", ".join(f"{name} = {_short(value)}" for name, value in known.items())
        return f"{rule.text} ({shown})" if shown else rule.text


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else clean(value, 60)


@dataclass(slots=True)
class Rules:
    """Rules of one watch. Each fires once a job, and not for jobs that had ended when they were first seen."""

    rules: Sequence[Rule]
    fired: set[tuple[str, str]] = field(default_factory=set)

    @property
    def looks_at_values(self) -> bool:
        """Whether any looks at more than how a job stands."""
        return any(name not in _BUILT_IN or name in ("progress", "step") for rule in self.rules for name in rule.names)

    @property
    def stalls(self) -> bool:
        return any(rule.stalls for rule in self.rules)

    def firing(self, uri: str, facts: Facts) -> list[Rule]:
        """Those that fire now; they do not fire again."""
        now = [rule for rule in self.rules if (rule.text, uri) not in self.fired and rule.fires(facts)]
        self.fired |= {(rule.text, uri) for rule in now}
        return now


def check_stops(rules: Sequence[Rule], act: bool) -> None:
    """ActionsOff where a rule would stop jobs and nobody allowed that."""
    if any(rule.stop for rule in rules) and not (act or actions_allowed()):
        rule = next(rule for rule in rules if rule.stop)
        raise ActionsOff(
            f"the rule {rule.text!r} would stop jobs", todo="Say swnb.allow_actions() first, or leave out then stop"
        )


def check_webhook(address: str | None) -> Secret | None:
    """The address of a webhook, which is itself a secret; BadInput where it is none."""
    if address is None:
        return None
    try:
        parts = urlsplit(address)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fine = False
    if not fine:
        raise BadInput("a webhook is an http or https address")
    return Secret(address)


@dataclass(frozen=True, slots=True)
class Bell:
    """What is done about a notice, beside keeping it (``add``)."""

    add: Callable[[Notice], None]
    callback: Callable[[Notice], object] | None = None
    webhook: Secret | None = None
    act: bool = False

    async def ring(self, rule: Rule, notice: Notice, info: JobInfo, source: Callable[[], Source]) -> None:
        """First the job is stopped, where the rule says so: the notice tells what came of it."""
        if rule.stop and not info.status.final:
            notice = replace(notice, text=f"{notice.text}; {await stop(source(), info, self.act)}")
        self.add(notice)
        if self.callback is not None:
            await call(self.callback, notice)
        if self.webhook is not None:
            try:
                await send(self.webhook, notice)
            except SwnbError as error:
                self.add(replace(notice, text=str(error)))


async def call(callback: Callable[..., object], *args: Any) -> None:
    """Call something of the user's on a worker thread. What it raises does not harm the watch: it goes to the log."""
    try:
        await in_thread(callback, *args)
    except Exception:
        _log.warning("a callback of a watch failed", exc_info=True)


async def send(webhook: Secret, notice: Notice) -> None:
    """POST the notice as JSON, once. ServerError where it is not taken; no error holds the address, whose path often is
    a secret."""
    from swnb.fetch.transport import Transport  # noqa: PLC0415 - httpx is not loaded before it is needed

    host = urlsplit(webhook.reveal()).hostname or ""
    transport = Transport(f"http://{host}", label=host, in_flight=1)
    try:
        await transport.send(_message(webhook, notice))
    except SwnbError as error:
        status = getattr(error, "status", None)
        problem = ServerError(f"the webhook did not take the notice{f' ({status})' if status else ''}", where=host)
    else:
        return
    finally:
        await transport.aclose()
    raise problem


def _message(webhook: Secret, notice: Notice) -> Call[None]:
    body: Mapping[str, str] = {
        "time": notice.time.isoformat(timespec="seconds"),
        "job": notice.job,
        "name": notice.name,
        "rule": notice.rule,
        "text": f"{notice.name}: {notice.text}",
    }
    return Call("POST", webhook.reveal(), _taken, json=body, reads=False, signed=False)


def _taken(reply: Reply) -> None:
    if not 200 <= reply.status < 300:
        raise ServerError("refused", status=reply.status)


async def stop(source: Source, info: JobInfo, act: bool) -> str:
    """Stop the job, if that is still allowed; what came of it, in words."""
    if not (act or actions_allowed()):
        return "not stopped: actions are off"
    if "stop" not in source.backend.actions:
        return f"not stopped: {source.entry.platform} cannot stop a job"
    try:
        said = await source.run(source.backend.act(info.project, info.id, "stop"))
    except SwnbError as error:
        return f"not stopped: {error.what}"
    return f"stop was asked for ({clean(said, 80)})" if said else "stop was asked for"
