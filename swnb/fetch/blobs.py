"""Large texts and bytes that a platform stored apart from its table, put back into their cells.

The addresses to download from come from the server and may lie on any host: they are asked without credentials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from swnb.call import Call, Plan, Reply, refused
from swnb.errors import BadReply, SwnbError
from swnb.fetch.run import Sender, run
from swnb.fetch.tasks import abreast
from swnb.model import Batch, Record

_ABREAST = 8


class Keeper(Protocol):
    """What a provider says of such values."""

    def blob_of(self, value: Any) -> Blob | None: ...
    def blobs(self, links: Sequence[str]) -> Plan[Mapping[str, str]]: ...


class Blob(Protocol):
    """Bytes ``[offset, offset + size)`` of what lies behind ``uri``."""

    @property
    def uri(self) -> str: ...
    @property
    def offset(self) -> int: ...
    @property
    def size(self) -> int: ...
    def value(self, data: bytes) -> str | bytes: ...


async def filled(batch: Batch, keeper: Keeper, transport: Sender) -> Batch:
    """The batch with such values fetched."""
    found = {
        (name, at): blob
        for name, cells in batch.columns.items()
        if isinstance(cells, list) and Record in {*map(type, cells)}
        for at, cell in enumerate(cells)
        if isinstance(cell, Record) and (blob := keeper.blob_of(cell)) is not None
    }
    if not found:
        return batch
    links = list(dict.fromkeys(blob.uri for blob in found.values()))
    addresses = await run(keeper.blobs(links), transport)
    calls = [_download(_address(addresses, blob), blob) for blob in found.values()]
    values = await abreast(transport.send, calls, _ABREAST)
    columns: dict[str, Any] = {**batch.columns}
    for name in {name for name, _ in found}:
        columns[name] = list(batch.columns[name])
    for (name, at), value in zip(found, values, strict=True):
        columns[name][at] = value
    return Batch(batch.n, columns)


def _address(addresses: Mapping[str, str], blob: Blob) -> str:
    address = addresses.get(blob.uri, "")
    if address.startswith(("http://", "https://")):
        return address
    raise BadReply("the server does not say where a large value, which it keeps apart, can be downloaded")


def _download(address: str, blob: Blob) -> Call[str | bytes]:
    def decode(reply: Reply) -> str | bytes:
        if reply.status not in (200, 206):
            raise _failed(reply)
        data = reply.body
        if len(data) != blob.size:  # the store ignored the range and sent the whole
            data = data[blob.offset : blob.offset + blob.size]
        if len(data) != blob.size:
            raise reply.odd(f"{blob.size} bytes were promised, {len(data)} came")
        return blob.value(data)

    wanted = {"Range": f"bytes={blob.offset}-{blob.offset + blob.size - 1}"} if blob.size else {}
    return Call("GET", address, decode, headers=wanted, signed=False)


def _failed(reply: Reply) -> SwnbError:
    return refused(reply, "a large value that was stored apart cannot be downloaded")
