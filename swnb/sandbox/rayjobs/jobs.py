"""What both dialects hold of a job: the jobs of the world, seen as submissions, and those that were submitted."""

from __future__ import annotations

import hashlib
import io
import math
import os
import shutil
import string
import tempfile
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from swnb.sandbox import world
from swnb.sandbox.rayjobs.processes import Process
from swnb.sandbox.world import Timeline, World

RUNS_FOR = 20.0
"""Seconds that a submitted job takes when it is not really run."""

ENDED = world.FINAL


@dataclass
class Job:
    """One job. `made` is the world's job behind it, `process` what a submitted entrypoint really runs as.

    `runtime_env` is the whole of it as it was submitted. `number` counts the jobs from 1; numbers of processes and
    cores come from it. `driver`: a script that nobody submitted. `place` orders jobs in a way that means nothing.
    """

    id: str
    number: int
    timeline: Timeline
    entrypoint: str
    metadata: dict[str, str] | None = None
    env: dict[str, str] = field(default_factory=dict)
    pip: list[str] = field(default_factory=list)
    working_dir: str = ""
    runtime_env: dict[str, Any] | None = None
    made: world.Job | None = None
    driver: bool = False
    process: Process | None = None
    error: str = ""
    error_type: str = ""
    stopped: bool = False
    place: int = field(init=False)

    def __post_init__(self) -> None:
        self.place = zlib.crc32(self.id.encode("utf-8", "replace"))

    @property
    def created(self) -> float:
        return self.timeline.steps[0][0]

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 4000 + self.number

    def status(self, now: float) -> str:
        """A word of the world: created, queued, running, paused, stopping, succeeded, failed, cancelled, unknown."""
        return self.timeline.status(now)

    def exit_code(self, now: float) -> int | None:
        """That of the entrypoint, once it has ended by itself."""
        word = self.status(now)
        if word not in ENDED or self.stopped:
            return None
        if self.process is not None:
            return self.process.code
        return {"succeeded": 0, "failed": 1}.get(word)

    def steps(self, now: float) -> int:
        """How many of its 400 steps the job has made."""
        if self.made is None or "train" not in self.made.tables:
            return 0
        return self.made.tables["train"].length(now)

    def lines(self, now: float) -> list[str]:
        """What the entrypoint has printed."""
        if self.process is not None:
            return split(self.process.text())
        if self.made is not None:
            return [line for task in self.made.tasks for run in task.started_runs(now) for line in run.text(now)]
        begun = self.timeline.began("running", now)
        spent = 0.0 if begun is None else (self.timeline.ended(now) or now) - begun
        return [f"step {step}" for step in range(int(spent) + (begun is not None))]

    def stop(self, now: float, after: float) -> None:
        """End it: a process is told to, the world's job turns in that many seconds."""
        self.stopped = True
        if self.process is not None:
            self.process.stop()
            return
        steps = [(0.0, "stopping"), (after, "cancelled")] if after else [(0.0, "cancelled")]
        self.timeline.turn(now, *steps)
        for task in self.made.tasks if self.made else ():
            if task.timeline.ended(now) is None:
                task.turn(now, *steps)


class Namer(Protocol):
    """A dialect's way with the world's jobs: the id that its nth job has, and whether nobody submitted it."""

    def __call__(self, made: world.Job, number: int) -> tuple[str, bool]: ...


class Shelf:
    """All jobs of one dialect by id; those of the world are taken over as they come."""

    def __init__(self, made: World, name: Namer) -> None:
        self.world, self.name = made, name
        self._jobs: dict[str, Job] = {}
        self._taken: dict[str, int] = {}
        self._count = 0

    @property
    def now(self) -> float:
        return self.world.now

    def __iter__(self) -> Iterator[Job]:
        self._take()
        return (job for job in self._jobs.values() if job.made is None or not job.made.removed)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def get(self, sid: str) -> Job | None:
        self._take()
        job = self._jobs.get(sid)
        return None if job is None or (job.made is not None and job.made.removed) else job

    def number(self) -> int:
        self._count += 1
        return self._count

    def add(self, job: Job) -> Job:
        self._jobs[job.id] = job
        return job

    def remove(self, job: Job) -> None:
        if job.made is not None:
            job.made.removed = True
        del self._jobs[job.id]

    def clear(self) -> None:
        """Forget all, and the world's jobs for good."""
        self.world.projects.clear()
        self._jobs.clear()
        self._count = 0

    def _take(self) -> None:
        for project in self.world.projects:
            known = self._taken.get(project.name, 0)
            for made in project.jobs[known:]:
                number = self.number()
                sid, driver = self.name(made, number)
                self.add(_submission(made, project.name, sid, number, driver))
            self._taken[project.name] = len(project.jobs)


def _submission(made: world.Job, project: str, sid: str, number: int, driver: bool) -> Job:
    """The world's job as somebody would have submitted it: some with metadata, a name and variables, some without."""
    settings = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in made.config.items())
    job = Job(sid, number, made.timeline, f"python {made.name}.py {settings}", made=made, driver=driver)
    job.working_dir = f"file:///data/{project}.zip"
    job.error = next((task.error for task in made.tasks if task.error), "") or ""
    if number % 3:
        job.metadata = {"job_name": f"{made.name}-{made.id}", "project": project, "owner": made.owner}
    if number % 2:
        job.env = {"DATASET": project, "TRACKER_API_KEY": f"sk-{made.uuid[:20]}"}
        job.pip = ["numpy==1.24", "scipy"]
    return job


class Kept:
    """What was rendered of each job, good until its status changes."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, float, bytes]] = {}

    def get(self, job: Job, now: float, render: Callable[[Job, float], bytes]) -> bytes:
        kept = self._kept.get(job.id)
        if kept is None or kept[0] is not job.timeline.steps or now >= kept[1]:
            until = min((at for at, _ in job.timeline.steps if at > now), default=math.inf)
            kept = self._kept[job.id] = (job.timeline.steps, until, render(job, now))
        return kept[2]

    def forget(self, job: Job) -> None:
        self._kept.pop(job.id, None)


def split(text: str) -> list[str]:
    """Lines end with a newline and nothing else: a progress bar stays in its line."""
    return text.removesuffix("\n").split("\n") if text else []


def letters(seed: str, count: int) -> str:
    """That many letters and digits, the same for the same seed."""
    alphabet = string.ascii_letters + string.digits
    number = uuid.uuid5(uuid.NAMESPACE_URL, seed).int
    return "".join(alphabet[number // 62**place % 62] for place in range(count))


class Runner:
    """Starts what is submitted, once that was allowed; otherwise the clock plays it."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._processes: list[Process] = []

    @property
    def allowed(self) -> bool:
        return self.folder is not None

    def allow(self) -> None:
        if os.name != "posix":
            raise ValueError("the sandbox runs jobs on POSIX systems alone")
        self.folder = self.folder or Path(tempfile.mkdtemp(prefix="swnb-sandbox-"))

    def start(self, job: Job, now: Callable[[], float], where: str | None) -> None:
        """Run it from now on; RuntimeError where its working folder is none."""

        def ended(code: int) -> None:
            word = "cancelled" if job.stopped else "succeeded" if code == 0 else "failed"
            job.timeline.turn(now(), (0.0, word))

        log = self._place() / f"{job.number}.log"
        job.process = Process(job.entrypoint, where, job.env, log, ended)
        self._processes.append(job.process)

    def unpacked(self, packed: bytes) -> str:
        """The folder of a zip's contents; no name leaves it."""
        folder = self._place() / hashlib.sha256(packed).hexdigest()[:20]
        if not folder.exists():
            with zipfile.ZipFile(io.BytesIO(packed)) as archive:
                archive.extractall(folder)
        return str(folder)

    def _place(self) -> Path:
        if self.folder is None:
            raise RuntimeError("the sandbox runs nothing: start it with allow_run=True")
        return self.folder

    def close(self) -> None:
        """End all that runs, and forget their output."""
        for process in self._processes:
            process.close()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._processes.clear()
        self.folder = None
