"""Plain ``http(s)://`` addresses that no saved server has: the server is asked what it speaks, once a process."""

from __future__ import annotations

from collections.abc import Sequence

from swnb.errors import BadURI, SwnbError, Unreachable
from swnb.fetch.run import run
from swnb.providers.base import recognise
from swnb.settings import find
from swnb.uri import Ref

_platforms: dict[str, str] = {}


class NotTold(BadURI, Unreachable):
    """A plain address whose platform nobody tells, since its server cannot be asked."""


async def told(refs: Sequence[Ref]) -> list[Ref]:
    """The same refs, each with a platform. BadURI where the server does not say what it is, or cannot be asked."""
    return [await _told(ref) for ref in refs]


async def _told(ref: Ref) -> Ref:
    address = ref.address
    if address is None or ref.platform is not None:
        return ref
    if address not in _platforms:
        platform, problem = await _asked(ref, address)
        if platform is None:
            raise problem
        _platforms[address] = platform
    return ref.with_(server=f"{_platforms[address]}+{address}")


async def _asked(ref: Ref, address: str) -> tuple[str | None, BadURI]:
    """The platform, or why it is not known."""
    from swnb.fetch.transport import Transport  # noqa: PLC0415 - httpx is not loaded before it is needed

    transport = Transport(address)
    try:
        platform = await run(recognise(), transport)
        return platform, _unknown(ref, BadURI, "what the server says of itself is neither Ray nor openYuanRong")
    except SwnbError as error:
        problem = error.what
    finally:
        await transport.aclose()
    return None, _unknown(ref, NotTold, problem)


def _unknown(ref: Ref, kind: type[BadURI], problem: str) -> BadURI:
    try:
        find(ref)
    except BadURI as error:
        return kind(f"{error.what} ({problem})", where=error.where, todo=error.todo)
    return kind(f"which platform {ref.server} belongs to is not known ({problem})")
