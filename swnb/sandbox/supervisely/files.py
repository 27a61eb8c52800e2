"""Team files: what the experiments have left there (paper 5.7)."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from swnb.sandbox.supervisely.people import Record, Team, User, iso

FIRST_FILE = 15_000
MIME = {"json": "application/json", "yaml": "text/yaml", "tar": "application/x-tar"}


@dataclass(frozen=True)
class TeamFile:
    id: int
    team: Team
    user: User
    path: str
    body: bytes
    at: float

    def record(self, server: str) -> Record:
        extension = self.path.rpartition(".")[2]
        stored = f"/h5un6l2bnaz1vj8a9qgms4-public/teams_storage/{self.team.id}/{self.id}.{extension}"
        made = iso(self.at)
        return {
            "id": self.id,
            "teamId": self.team.id,
            "userId": self.user.id,
            "name": self.path.rpartition("/")[2],
            "path": self.path,
            "hash": sha(self.body),
            "storagePath": stored,
            "meta": {"mime": MIME.get(extension, "text/plain"), "ext": extension, "size": len(self.body)},
            "createdAt": made,
            "updatedAt": made,
            "fullStorageUrl": f"{server}{stored}",
            "isDir": False,
        }


def sha(body: bytes) -> str:
    """The hash clients send: SHA-256 in base64."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def of_experiment(info: Record, first: int, team: Team, user: User, at: float) -> list[TeamFile]:
    """The files of a training, numbered from `first`."""
    small = {"epochs": 20, "device": info["device"]}
    bodies: dict[str, Any] = {
        "experiment_info.json": info,
        "hyperparameters.yaml": small,  # YAML holds JSON
        "model_meta.json": {"classes": [], "tags": [], "projectType": "images"},
    }
    return [
        TeamFile(first + place, team, user, info["artifacts_dir"] + name, msgspec.json.encode(body), at)
        for place, (name, body) in enumerate(bodies.items())
    ]


def listed(files: list[TeamFile], path: str, recursive: bool, server: str) -> list[Record]:
    """What lies below the path: all files, or the files and folders right in it."""
    folder = path.rstrip("/") + "/"
    inside = [file for file in files if file.path.startswith(folder) or (recursive and file.path == path)]
    if recursive:
        return [file.record(server) for file in inside]
    here = [file.record(server) for file in inside if "/" not in file.path[len(folder) :]]
    names = {file.path[len(folder) :].partition("/")[0] for file in inside if "/" in file.path[len(folder) :]}
    return [{"name": name, "path": f"{folder}{name}/", "isDir": True} for name in sorted(names)] + here
