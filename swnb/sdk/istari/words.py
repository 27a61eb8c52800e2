"""The words of Istari's client: its enumerations and its own errors."""

from __future__ import annotations

import json
from enum import Enum
from typing import TypeVar

from swnb.errors import BadInput, BadReply

W = TypeVar("W", bound="Word")


class ConfigurationError(BadInput):
    """What a client needs to know is not told."""


class InvalidChecksumError(BadReply):
    """Content that came is not what its token promises."""


def text(name: str, value: object) -> str:
    """What a caller wrote where only text can stand."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is text, not {type(value).__name__}")
    return value


class Word(str, Enum):
    """Text that is one of some; it is written and read as records are."""

    def __str__(self) -> str:
        return str(self.value)

    def to_str(self) -> str:
        return str(self.value)

    def to_dict(self) -> str:
        return str(self.value)

    def to_json(self) -> str:
        return json.dumps(self.value)

    @classmethod
    def from_dict(cls: type[W], obj: str) -> W:
        return cls(obj)

    @classmethod
    def from_json(cls: type[W], json_str: str) -> W:
        return cls(json.loads(json_str))

    @classmethod
    def of(cls, name: str, value: str) -> str:
        """What a caller wrote, as it is sent: a member or its exact text; BadInput for anything else."""
        known = [each.value for each in cls]
        if value not in known:
            raise BadInput(f"{name}={value!r} is none of {', '.join(known)}")
        return str(cls(value).value)

    @classmethod
    def asked(cls, name: str, value: str | None) -> str | None:
        """``of`` for what may be left out."""
        return None if value is None else cls.of(name, value)


class JobStatusName(Word):
    """Where a job stands; a word that is not known is UNKNOWN, which is no end."""

    CREATED = "Created"
    PENDING = "Pending"
    CLAIMED = "Claimed"
    VALIDATING = "Validating"
    RUNNING = "Running"
    UPLOADING = "Uploading"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"
    UNKNOWN = "Unknown"

    @classmethod
    def _missing_(cls, value: object) -> JobStatusName | None:
        return cls.UNKNOWN if isinstance(value, str) else None

    @property
    def final(self) -> bool:
        """Whether nothing comes after it."""
        return self in (JobStatusName.COMPLETED, JobStatusName.FAILED, JobStatusName.CANCELED)


class ArchiveStatusName(Word):
    """Whether something is archived."""

    ACTIVE = "Active"
    ARCHIVED = "Archived"


class ArchiveStatus(Word):
    """What a list shows of archived things."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    ALL = "all"


class FilterBy(Word):
    """Whose things a list shows: one's own, or others'."""

    CREATED_BY_ID = "created_by_id"
    MINUS_CREATED_BY_ID = "-created_by_id"


class PatchOp(Word):
    """What is done with an access relationship."""

    SET = "set"
    DELETE = "delete"


class AccessSubjectType(Word):
    """Who is given access."""

    USER = "user"


class AccessRelation(Word):
    """Which access is given."""

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"
    ADMINISTRATOR = "administrator"
    EXECUTOR = "executor"
    UPSTREAMREMOTEOWNER = "upstreamremoteowner"
    UPSTREAMREMOTEEDITOWNER = "upstreamremoteeditowner"


class AccessResourceType(Word):
    """What access is given to."""

    MODEL = "model"
    ARTIFACT = "artifact"
    RESOURCE = "resource"
    JOB = "job"
    FILE = "file"
    FILEREVISION = "filerevision"
    TOOL = "tool"
    FUNCTION = "function"
    FUNCTIONVERSION = "functionversion"
    TENANT = "tenant"
    SYSTEM = "system"
    FUNCTIONAUTHSECRET = "functionauthsecret"
    AUTHINTEGRATION = "authintegration"


class FunctionStatusName(Word):
    """Whether a function may be used."""

    SUPPORTED = "supported"
    DEPRECATED = "deprecated"


class OS(Word):
    """What an agent runs on."""

    WINDOWS_11 = "Windows 11"
    WINDOWS_10 = "Windows 10"
    WINDOWS_SERVER_2019 = "Windows Server 2019"
    WINDOWS_SERVER_2022 = "Windows Server 2022"
    UBUNTU_24_DOT_04 = "Ubuntu 24.04"
    UBUNTU_22_DOT_04 = "Ubuntu 22.04"
    UBUNTU_20_DOT_04 = "Ubuntu 20.04"
    RHEL_8 = "RHEL 8"
    RHEL_9 = "RHEL 9"
    RHEL_10 = "RHEL 10"
    MACOS_14 = "macOS 14"
    MACOS_15 = "macOS 15"
    MACOS_26 = "macOS 26"
