"""The demo world: a few projects, jobs in every status, and what they wrote, all from one seed."""

from __future__ import annotations

import math
import random
import uuid
from dataclasses import dataclass
from itertools import count
from typing import Any

from swnb.sandbox.clock import Clock
from swnb.sandbox.curves import big_table, results_table, train_table
from swnb.sandbox.world import Job, Project, Run, Table, Task, Timeline, World

JOBS = 40

# One cycle of fates: most jobs of a real project ended well.
FATES = (
    *("running", "succeeded", "succeeded", "failed", "succeeded", "queued", "succeeded"),
    *("cancelled", "succeeded", "succeeded", "paused", "succeeded", "failed", "running"),
    *("succeeded", "succeeded", "created", "succeeded", "stopping", "unknown"),
)

PROJECTS = (
    ("mnist", "handwritten digits", ("train-cnn", "train-mlp", "evaluate-cnn", "sweep-lr"), False),
    ("kites", "detecting kites on beach photographs", ("detect-small", "detect-large", "augment"), False),
    ("speech", "commands of one word", ("transcribe", "train-conformer", "evaluate-noise"), True),
)

ERRORS = (
    "RuntimeError: CUDA out of memory. Tried to allocate 2.50 GiB",
    "ValueError: Expected input batch_size (64) to match target batch_size (48)",
    "FileNotFoundError: [Errno 2] No such file or directory: '/data/train/shard-0017.tar'",
)


@dataclass
class Teller:
    """Carries what every job of a story needs: the dice, the numbers given so far, the present second."""

    dice: random.Random
    now: float
    rows: int
    job_ids: count[int]
    task_ids: count[int]
    run_ids: count[int]

    def uuid(self) -> str:
        return uuid.UUID(int=self.dice.getrandbits(128), version=4).hex


def tell(clock: Clock, *, jobs: int | None = None, rows: int | None = None, seed: int = 0) -> World:
    """A world of `jobs` jobs (40); with `rows`, each job that ended well also has a table `big` of that many."""
    dice = random.Random(seed)  # noqa: S311 - made-up data
    teller = Teller(dice, clock.now, rows or 0, count(1), count(1), count(1))
    total = JOBS if jobs is None else jobs
    world = World(clock)
    for number, (name, text, _, public) in enumerate(PROJECTS, 1):
        project = Project(number, name, "starwhale", clock.now - 90 * 86400 + number * 3600, text, public)
        world.projects.append(project)
    for index in range(total):
        which = index % len(PROJECTS)
        names = PROJECTS[which][2]
        fate = FATES[(total - 1 - index) % len(FATES)]
        age = (total - index) * 3 * 3600 / 4
        world.projects[which].jobs.append(_job(teller, names[index // len(PROJECTS) % len(names)], fate, age))
    return world


def _job(teller: Teller, name: str, fate: str, age: float) -> Job:
    dice = teller.dice
    timeline = _timeline(teller, fate, age)
    owner = dice.choice(("starwhale", "starwhale", "guest1"))
    job = Job(next(teller.job_ids), teller.uuid(), name, owner, timeline)
    job.config = {"lr": dice.choice((0.1, 0.03, 0.01, 0.003)), "batch_size": dice.choice((32, 64, 128)), "epochs": 20}
    error = dice.choice(ERRORS) if fate == "failed" else None
    job.tasks = _tasks(teller, job, fate, error)
    if fate in {"cancelled", "stopping"}:
        job.events = [(at, "Job canceled") for at, word in timeline.steps if word == "stopping"]
    if fate not in {"created", "queued"}:
        job.summary = {} if fate == "failed" else _summary(dice, job)
        job.tables = _tables(teller, job, fate)
    return job


def _timeline(teller: Teller, fate: str, age: float) -> Timeline:
    """The whole story of a job in seconds from its creation, that of a young one reaching into the future."""
    dice = teller.dice
    took = 9 + dice.uniform(300, 2400)
    waits = [(0.0, "created"), (2.0, "queued"), (9.0, "running")]
    young = dice.uniform(30, 200)
    stories = {
        "succeeded": (age, [*waits, (took, "succeeded")]),
        "failed": (age, [*waits, (took, "failed")]),
        "cancelled": (age, [*waits, (took, "stopping"), (took + 2, "cancelled")]),
        "paused": (age, [*waits, (took / 3, "paused")]),
        "unknown": (age, [*waits, (took / 3, "unknown")]),
        "stopping": (age, [*waits, (age - 5, "stopping"), (age + 900, "cancelled")]),
        "running": (young, [*waits, (young + dice.choice((90, 600, 4 * 3600)), "succeeded")]),
        "queued": (50.0, [(0.0, "created"), (5.0, "queued"), (650.0, "running"), (1550.0, "succeeded")]),
        "created": (4.0, [(0.0, "created"), (300.0, "queued"), (400.0, "running"), (900.0, "succeeded")]),
    }
    ago, steps = stories[fate]
    return Timeline([(teller.now - ago + after, word) for after, word in steps])


def _tasks(teller: Teller, job: Job, fate: str, error: str | None) -> list[Task]:
    running = next((at for at, word in job.timeline.steps if word == "running"), None)
    first = Task(
        next(teller.task_ids), str(uuid.UUID(teller.uuid())), f"{job.name}:predict", Timeline(list(job.timeline.steps))
    )
    if running is None:
        return [first]
    tries = 4 if fate == "failed" else 1
    end = job.timeline.steps[-1][0]
    length = (end - running) / tries
    for number in range(tries):
        begin = running + number * length
        last = job.timeline.steps[-1][1] if number == tries - 1 else "failed"
        first.runs.append(_run(teller, job, Timeline([(begin, "running"), (begin + length, last)]), error))
    first.error = error
    return [first]


def _run(teller: Teller, job: Job, timeline: Timeline, error: str | None) -> Run:
    (begin, _), (end, _) = timeline.steps
    pace = max((end - begin) / 80, 0.5)
    lines = [(begin, f"start {job.name} on 1 device, batch size {job.config['batch_size']}")]
    for step in range(1, min(int((end - begin) / pace), 4000)):
        loss = 0.12 + 2.2 * math.exp(-step / 22) + teller.dice.gauss(0, 0.02)
        lines.append((begin + step * pace, f"epoch {step // 4} step {step * 5} loss {loss:.4f}"))
    if error:
        lines += [(end, "Traceback (most recent call last):"), (end, f"ERROR {error}")]
    elif timeline.steps[-1][1] == "succeeded":
        lines.append((end, "end"))
    return Run(next(teller.run_ids), timeline, lines, error)


def _summary(dice: random.Random, job: Job) -> dict[str, Any]:
    accuracy = round(dice.uniform(0.6, 0.99), 4)
    return {
        "accuracy": accuracy,
        "loss": round(dice.uniform(0.02, 0.9), 4),
        "f1": round(accuracy - dice.uniform(0, 0.05), 4),
        "samples": dice.choice((1000, 5000, 10000)),
        "report": {"macro avg": {"f1": round(accuracy - 0.02, 4)}, "weighted avg": {"f1": round(accuracy - 0.01, 4)}},
        "kind": "multi_classification" if job.id % 5 == 0 else "regression",
    }


def _tables(teller: Teller, job: Job, fate: str) -> dict[str, Table]:
    running = next(at for at, word in job.timeline.steps if word == "running")
    end = job.timeline.steps[-1][0]
    dice = teller.dice
    took = max(end - running, 1.0) * (1 if fate in {"succeeded", "running"} else 1.7)
    tables = {"train": train_table(dice.randrange(1000), took, job.tasks[0].timeline)}
    if fate == "succeeded":
        tables["results"] = results_table(dice.randrange(1000), dice.choice((120, 500, 2500)))
        if teller.rows:
            tables["big"] = big_table(teller.rows)
    return tables
