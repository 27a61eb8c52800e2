"""What stands on the shelves of a team: ecosystem modules, installed apps, images projects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from swnb.sandbox.supervisely.people import Record, Team, User, Workspace, iso

MODULES: tuple[tuple[str, str, Record, list[str]], ...] = (
    ("train-classifier", "Train Classifier", {"lr": 0.01, "batch_size": 64, "epochs": 20}, ["images_project"]),
    ("train-detector", "Train Detector", {"lr": 0.01, "batch_size": 64, "epochs": 20}, ["images_project"]),
    ("serve-model", "Serve Model", {"device": "cuda:0"}, ["ecosystem", "files_folder"]),
    ("export-archive", "Export Archive", {"withAnnotations": True}, ["images_project", "images_dataset"]),
    ("evaluate-model", "Evaluate Model", {"batch_size": 32}, ["files_folder"]),
)
"""Slug, name, defaults of the start window, targets of the context menu."""

VERSION = "v1.2.0"


@dataclass
class Shelf:
    modules: list[Record] = field(default_factory=list)
    apps: list[Record] = field(default_factory=list)
    projects: list[Record] = field(default_factory=list)

    def app(self, team: Team, slug: str) -> Record:
        """The team's app of that module."""
        return next(app for app in self.apps if app["teamId"] == team.id and app["slug"] == f"acme/{slug}")


def module(number: int, at: float) -> Record:
    slug, name, state, targets = MODULES[number]
    releases = [
        {"version": version, "createdAt": iso(at + day * 86400)} for version, day in ((VERSION, 9), ("v1.1.0", 2))
    ]
    return {
        "id": 601 + number,
        "slug": f"acme/{slug}",
        "name": name,
        "type": "app",
        "config": {"name": name, "modalTemplateState": dict(state), "contextMenu": {"target": list(targets)}},
        "readme": f"# {name}",
        "repositoryModuleUrl": f"https://git.invalid/acme/{slug}",
        "repo": f"acme/{slug}",
        "meta": {"releases": releases},
        "createdAt": iso(at),
        "updatedAt": iso(at + 9 * 86400),
    }


def app(number: int, source: Record, team: Team, user: User) -> Record:
    """A module that a team has installed; its sessions are added when it is asked for."""
    return {
        "id": number,
        "createdBy": user.id,
        "moduleId": source["id"],
        "disabled": False,
        "userLogin": user.login,
        "config": source["config"],
        "name": source["name"],
        "slug": source["slug"],
        "isShared": False,
        "repo": source["repo"],
        "teamId": team.id,
    }


def images_project(number: int, name: str, place: Workspace, user: User, items: int) -> Record:
    at = iso(place.created + 3600)
    facts: dict[str, Any] = {
        "id": number,
        "name": name,
        "title": name,
        "description": f"pictures for {place.name}",
        "size": str(items * 71738),
        "readme": "",
        "workspaceId": place.id,
        "teamId": place.team.id,
        "groupId": place.team.id,
        "imagesCount": items,
        "itemsCount": items,
        "datasetsCount": 2,
        "createdAt": at,
        "updatedAt": at,
        "type": "images",
        "referenceImageUrl": None,
        "version": {"id": number + 5, "version": 1},
        "createdBy": user.id,
        "embeddingsEnabled": False,
        "embeddingsUpdatedAt": None,
        "embeddingsInProgress": False,
    }
    return facts | {name: {} for name in ("customData", "backupArchive", "settings", "importSettings")}
