"""openYuanRong's jobs over the world, from the protocol paper, section 1: the dashboard and the frontend."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Iterable, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from swnb.sandbox import world
from swnb.sandbox.faults import Faults
from swnb.sandbox.rayjobs import yuanrong_auth, yuanrong_submit
from swnb.sandbox.rayjobs.jobs import RUNS_FOR, Job, Kept, Runner, Shelf
from swnb.sandbox.rayjobs.yuanrong_board import Board
from swnb.sandbox.rayjobs.yuanrong_http import Dashboard, Frontend
from swnb.sandbox.rayjobs.yuanrong_records import ENDED, Record, app_info, record, status
from swnb.sandbox.world import Timeline, World

SWEPT = 3600.0
FRONTEND = "yuanrong-frontend"

WORDS = {
    "PENDING": "created",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "STOPPED": "cancelled",
}


class Failed(RuntimeError):
    """What the cluster says when it does not do it."""


class Yuanrong:
    """One deployment. Its dials:

    `key` (AppInfo has the field), `auth` (the frontend wants a token, so the dashboard is blind), `iam` (tokens are
    checked for their end, too), `sweep` (ended jobs go an hour after their creation), `shuffle` (another order each
    time), `refuses` and `kill_fails` (the cluster's), `down` (the dashboard reaches no frontend), `stop_seconds` from
    stop to STOPPED.
    """

    def __init__(self, world: World, faults: Faults) -> None:
        self.auth, self.iam, self.sweep, self.shuffle = False, True, False, False
        self.refuses, self.kill_fails, self.down, self.stop_seconds = False, False, False, 1.0
        self._key = False
        self.shelf = Shelf(world, name)
        self.recorded: dict[str, Record] = {}
        self.runner = Runner()
        self.board = Board(self)
        self.app = Dashboard(self)
        self.further: dict[str, Any] = {FRONTEND: Frontend(self)}
        self.addresses: dict[str, str] = {}
        self._kept = Kept()

    @property
    def key(self) -> bool:
        return self._key

    @key.setter
    def key(self, on: bool) -> None:
        self._key, self._kept = on, Kept()

    @property
    def frontend_url(self) -> str:
        """Where the frontend listens."""
        return self.addresses[FRONTEND]

    @property
    def token(self) -> str:
        return yuanrong_auth.make_token(sub="default", exp=-1, role="developer")

    @property
    def user(self) -> tuple[str, str]:
        """Nobody signs in here; the token is all."""
        return "default", self.token

    def allow_run(self) -> None:
        self.runner.allow()

    def end_runs(self) -> None:
        self.runner.close()

    def load(self, records: Mapping[str, Record]) -> None:
        """Put instance records (as a cluster keeps them) in place of the made-up world."""
        self.shelf.clear()
        self._kept = Kept()
        self.recorded = dict(records)
        for sid, held in records.items():
            created = float((held.get("extensions") or {}).get("createTimestamp") or 0)
            word = WORDS.get(status(held), "unknown")
            steps = [(created, "created"), (created, word)] if word != "created" else [(created, "created")]
            self.shelf.add(Job(sid, self.shelf.number(), Timeline(steps), ""))

    # What the frontend knows

    def record(self, job: Job) -> Record:
        known, now = self.recorded.get(job.id), self.shelf.now
        if known is None:
            return record(job, now)
        if not job.stopped:
            return known
        ended = record(job, now)
        more = {**known["extensions"], "updateTimestamp": ended["extensions"].get("updateTimestamp", "")}
        return {**known, "instanceStatus": ended["instanceStatus"], "extensions": more}

    def jobs(self) -> Iterable[Job]:
        """Instances whose id holds `app`, in an order that means nothing."""
        jobs = [job for job in self.shelf if "app" in job.id and not self._swept(job)]
        if self.shuffle:
            random.shuffle(jobs)
            return jobs
        return sorted(jobs, key=attrgetter("place"))

    def _swept(self, job: Job) -> bool:
        if not self.sweep or job.created > self.shelf.now - SWEPT:
            return False
        return status(self.record(job)) in ENDED

    def find(self, sid: str) -> Job | None:
        job = self.shelf.get(sid)
        return None if job is None or "app" not in sid or self._swept(job) else job

    def info(self, job: Job) -> bytes:
        return self._kept.get(job, self.shelf.now, self._render)

    def _render(self, job: Job, now: float) -> bytes:
        return app_info(self.record(job), job.number, self._key)

    # What the cluster does

    def create(self, fields: dict[str, Any]) -> str:
        """The id of the new job, which runs when this comes back; Failed when the cluster refuses."""
        if self.refuses:
            raise Failed("fake: not enough resources")
        job, now = yuanrong_submit.job(fields, self.shelf.number(), self.shelf.now), self.shelf.now
        steps = [(0.0, "running")] if self.runner.allowed else [(0.0, "running"), (RUNS_FOR, "succeeded")]
        job.timeline.turn(now, *steps)
        if self.runner.allowed:
            try:
                self.runner.start(job, lambda: self.shelf.now, self._folder(job.working_dir))
            except (OSError, RuntimeError, zipfile.BadZipFile) as error:
                raise Failed(str(error)) from None
        return self.shelf.add(job).id

    def _folder(self, working_dir: str) -> str:
        """A folder of this machine as it is; a zip behind file:// unpacked (paper 1.4)."""
        parts = urlsplit(working_dir)
        if parts.scheme not in {"", "file"} or self.runner.folder is None:
            raise RuntimeError(f"the sandbox fetches nothing: {working_dir}")
        path = Path(parts.path)
        return self.runner.unpacked(path.read_bytes()) if path.is_file() else str(path)

    def stop(self, job: Job) -> bool:
        """Only from RUNNING; true means that the signal was sent, whether it arrived or not."""
        if status(self.record(job)) != "RUNNING":
            return False
        if not self.kill_fails:
            job.stop(self.shelf.now, self.stop_seconds)
        return True

    def delete(self, job: Job) -> bool:
        """Only what has ended; Failed when the kill call fails."""
        word = status(self.record(job))
        if word not in ENDED:
            return False
        if self.kill_fails:
            raise Failed(f"delete app failed, submissionId:[{job.id}], status:[{word}] err: fake: kill request timeout")
        self.shelf.remove(job)
        self._kept.forget(job)
        return True


def name(made: world.Job, number: int) -> tuple[str, bool]:
    """Half of the ids are chosen by the server; one in thirteen was not made by this API and is listed all the same."""
    if number % 13 == 12:
        return f"my-app-{made.id}", False
    random_id = f"{made.uuid[:8]}-{made.uuid[8:12]}-{made.uuid[12:16]}-{made.uuid[16:20]}-{made.uuid[20:]}"
    return f"app-{random_id}" if number % 2 else f"app-{made.name}-{made.id}", False
