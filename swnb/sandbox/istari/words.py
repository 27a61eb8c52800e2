"""The words all records share: ids, times, and who there is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property, lru_cache
from typing import Any

Record = dict[str, Any]

STATUSES = (
    *("Created", "Pending", "Claimed", "Validating", "Running", "Uploading"),
    *("Completed", "Failed", "Canceled", "Unknown"),
)
TERMINAL = frozenset({"Completed", "Failed", "Canceled"})
RELATIONS = (
    *("viewer", "editor", "owner", "administrator", "executor"),
    *("upstreamremoteowner", "upstreamremoteeditowner"),
)


def identity(kind: int, number: int, part: int = 0) -> str:
    """A UUID4 text that is always the same."""
    return f"{kind:04x}{part:04x}-0000-4000-8000-{number:012x}"


def beside(number: str, part: int) -> str:
    """The id of something that belongs to the thing with that id."""
    return f"{number[:24]}{int(number[24:], 16) ^ part << 32:012x}"


@lru_cache(4096)
def iso(seconds: float) -> str:
    """UTC with microseconds."""
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S.%f}Z"


@dataclass(frozen=True)
class User:
    number: int
    name: str
    created: float
    admin: bool = False
    agent: bool = False

    @cached_property
    def id(self) -> str:
        return identity(0xA, self.number)

    @property
    def email(self) -> str:
        return f"{self.name}@example.test"

    @cached_property
    def token(self) -> str:
        """A personal access token."""
        return hashlib.sha256(f"istari {self.id}".encode()).hexdigest()

    def record(self) -> Record:
        return {
            "id": self.id,
            "created": iso(self.created),
            "provider_name": "made-up",
            "provider_user_id": f"provider-{self.number}",
            "user_type": "agent" if self.agent else "human",
            "personal_access_tokens": [],
            "provider_user_state": "USER_STATE_ACTIVE",
            "user_name": self.name,
            "display_name": self.name.title(),
            "first_name": self.name.title(),
            "last_name": None,
            "email": self.email,
            "tenant_id": TENANT,
            "principal_id": None,
        }


TENANT = identity(0xAA, 1)


def tenant(created: float) -> Record:
    return {
        "id": TENANT,
        "created": iso(created),
        "provider_tenant_id": "tenant-1",
        "provider_name": "made-up",
        "state": "active",
        "primary_domain": "example.test",
        "object_store_id": None,
        "name": "vision-lab",
        "label": "Vision Lab",
    }
