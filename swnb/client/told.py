"""Plain ``http(s)://`` addresses that no saved server has: the server is asked what it speaks, once a process."""

from __future__ import annotations

from collections.abc import Sequence

from swnb.errors import BadURI
from swnb.fetch.run import run
from swnb.providers.base import recognise
from swnb.settings import find
from swnb.uri import Ref

_platforms: dict[str, str] = {}


async def told(refs: Sequence[Ref]) -> list[Ref]:
    """The same refs, each with a platform. BadURI where the server does not say what it is; Unreachable and the like
    where it does not answer."""
    return [await _told(ref) for ref in refs]


async def _told(ref: Ref) -> Ref:
    address = ref.address
    if address is None or ref.platform is not None:
        return ref
    if address not in _platforms:
        platform = await _asked(address)
        if platform is None:
            _say(ref)
        else:
            _platforms[address] = platform
    return ref.with_(server=f"{_platforms[address]}+{address}")


async def _asked(address: str) -> str | None:
    from swnb.fetch.transport import Transport  # noqa: PLC0415 - httpx is not loaded before it is needed

    transport = Transport(address)
    try:
        return await run(recognise(), transport)
    finally:
        await transport.aclose()


def _say(ref: Ref) -> None:
    try:
        find(ref)
    except BadURI as error:
        error.what += ", and what the server says of itself is neither Ray nor openYuanRong"
        raise
