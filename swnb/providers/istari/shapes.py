"""What is read of a job's record, under the wire's names (istari paper 2.1 to 2.6), so that it is decoded in one pass.

A part that is of another kind than the paper says is no error: it stands there as it came, and :func:`part` and
:func:`parts` take it for missing. Thus one odd value costs a cell and not the page.
"""

from __future__ import annotations

from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")
P = TypeVar("P", bound="Part")

_Odd: TypeAlias = str | int | float | bool | None
_OddList: TypeAlias = _Odd | dict[str, Any]
_OddPart: TypeAlias = _Odd | list[Any]


class Part(msgspec.Struct, gc=False):
    """An object of a record. (What JSON makes has no circles, so nobody need look for them.)"""


class Entry(Part):
    """JobStatus: an entry of a job's history."""

    id: Any = None
    created: Any = None
    name: Any = None
    message: Any = None
    agent_id: Any = None
    created_by_id: Any = None


class Product(Part):
    revision_id: Any = None


class Revision(Part):
    display_name: Any = None
    description: Any = None
    version_name: Any = None
    external_identifier: Any = None
    products: list[Product | _OddPart] | _OddList = None


class File(Part):
    revisions: list[Revision | _OddPart] | _OddList = None


class Function(Part):
    """FunctionVersion."""

    name: Any = None
    version: Any = None
    module_name: Any = None
    tool_name: Any = None
    tool_display_name: Any = None


class Agent(Part):
    """JobAgentInformation."""

    agent_id: Any = None
    display_name: Any = None


class Archived(Part):
    """ResourceArchiveStatus."""

    name: Any = None


class Job(Part):
    id: Any = msgspec.UNSET
    created: Any = None
    created_by_id: Any = None
    file: File | _OddPart = None
    function: Function | _OddPart = None
    agent_information: Agent | _OddPart = None
    status_history: list[Entry | _OddPart] | _OddList = None
    archive_status_history: list[Archived | _OddPart] | _OddList = None
    comments: Any = None
    agent_id: Any = None
    agent_identifier: Any = None  # the same before 9.0.0
    assigned_agent_id: Any = None
    assigned_agent_pool_id: Any = None
    model_id: Any = None


class Sheet(msgspec.Struct, Generic[T]):
    """A page of any list (paper 2.4)."""

    items: list[T]
    total: Any = None
    pages: Any = None


def part(value: object, shape: type[P]) -> P:
    """The part, an empty one where it is missing."""
    return value if isinstance(value, shape) else shape()


def parts(values: object, shape: type[P]) -> list[P]:
    """Those of a list that are such parts."""
    return [each for each in values if isinstance(each, shape)] if isinstance(values, list) else []


def last(values: object, shape: type[P]) -> P:
    """The last of a list, an empty one where there is none."""
    return part(values[-1], shape) if isinstance(values, list) and values else shape()
