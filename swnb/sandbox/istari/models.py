"""Models and artifacts: what jobs take in and put out (paper 2.7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from swnb.sandbox.istari.content import Store
from swnb.sandbox.istari.files import Resource
from swnb.sandbox.istari.jobs import Job
from swnb.sandbox.istari.words import Record


@dataclass(eq=False)
class Artifact(Resource):
    model_id: str = ""
    job: Job | None = None

    def there(self, now: float) -> bool:
        """An artifact is there once its job is completed."""
        return self.job is None or self in self.job.products(now)

    def record(self, store: Store) -> Record:
        return self.base(store, []) | {"model_id": self.model_id, "control_tags": []}


@dataclass(eq=False)
class Model(Resource):
    artifacts: list[Artifact] = field(default_factory=list)

    def present(self, now: float) -> list[Artifact]:
        """Oldest first."""
        return [artifact for artifact in self.artifacts if artifact.there(now)]

    def record(self, now: float, store: Store, jobs: list[Any]) -> Record:
        inside = [artifact.record(store) for artifact in self.present(now)]
        return self.base(store, []) | {"artifacts": inside, "jobs": jobs, "control_tags": []}

    def item(self, now: float, store: Store, jobs: list[Job]) -> Record:
        """As a list shows it: ids in place of what is inside."""
        return {
            "id": self.id,
            "created": self.archive[0]["created"],
            "file": self.file.record(self.kind, self.id, store, []),
            "archive_status": self.archive[-1]["name"],
            "created_by_id": self.by.id,
            "comment_ids": [comment.id for comment in self.comments],
            "artifact_ids": [artifact.id for artifact in self.present(now)],
            "job_ids": [job.id for job in jobs],
        }
