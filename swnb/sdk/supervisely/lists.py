"""Lists of Supervisely's API, page after page (supervisely paper 1.6)."""

# ruff: noqa: PLR0917 - the signatures are the vendor's
from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from swnb.bridge import Stream, both, both_iter, on_io
from swnb.call import Call, Plan, ask, ask_all, note
from swnb.errors import BadInput, BadReply, NotFound
from swnb.providers.supervisely import requests
from swnb.sdk.supervisely.records import Record, record

if TYPE_CHECKING:
    from swnb.sdk.supervisely.api import Api

R = TypeVar("R", bound=Record)
Filter = Mapping[str, Any]
Told = Callable[[int], Any]
Kind = Callable[[Any], Any]
_MOST_PAGES: Final = 10_000  # that are asked for; of a server that speaks of more none is believed


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page as it came."""

    total: int
    per_page: int
    pages: int
    items: list[Any]
    sent: dict[str, Any]

    @classmethod
    def of(cls, sent: Any) -> Sheet:
        try:
            total, per_page, pages = (int(sent[name]) for name in ("total", "perPage", "pagesCount"))
            return cls(total, per_page, pages, list(sent["entities"]), sent)
        except (KeyError, TypeError, ValueError):
            problem = "a list of the server has no total, perPage, pagesCount or entities"
        raise BadReply(problem, todo="If the address is right, the server speaks another version")


@dataclass(frozen=True)
class Module:
    """A part of the API: ``api.task``, ``api.team`` and so on. It cannot be changed."""

    _api: Api

    @both
    async def get_list_all_pages(
        self,
        method: str,
        data: dict[str, Any],
        progress_cb: Told | None = None,
        convert_json_info_cb: Kind | None = None,
        limit: int | None = None,
        return_first_response: bool = False,
    ) -> Any:
        """All items of a list method, each once, or the first ``limit``. Pages after the first come abreast;
        ``progress_cb`` is given the count of each. With ``return_first_response`` the items and the first answer."""
        first = self._api.prepared(requests.listing(method, data))
        items, sheet = await self._api.run(_whole(first, progress_cb, limit))
        kept = [(convert_json_info_cb or record)(item) for item in items]
        return (kept, record({**sheet.sent, "entities": items})) if return_first_response else kept

    @both_iter
    async def get_list_all_pages_generator(
        self,
        method: str,
        data: dict[str, Any],
        progress_cb: Told | None = None,
        convert_json_info_cb: Kind | None = None,
        limit: int | None = None,
        return_first_response: bool = False,
    ) -> AsyncGenerator[list[Any], None]:
        """A list method's items, one list a page, in bounded memory; ``data`` says ``"pagination_mode": "token"``.
        ``limit`` ends it after the page that exceeds it, which is not cut. ``return_first_response`` has no effect."""
        first = call = requests.listing(method, data)
        given = 0
        while True:
            sheet = Sheet.of(await self._api.ask(call))
            after = sheet.sent.get("after")
            if "after" not in sheet.sent and sheet.pages > 1:
                raise BadInput(f"{method} gives no cursor", todo='Put "pagination_mode": "token" into the data')
            given += len(sheet.items)
            if progress_cb:
                progress_cb(len(sheet.items))
            yield [(convert_json_info_cb or record)(item) for item in sheet.items]
            if limit is not None and given > limit:
                return
            if after is None or not sheet.items:
                break
            call = requests.further(first, after=after)
        if given < sheet.total:
            raise BadReply(f"the server counts {sheet.total:,} items of {first.path} and gives {given:,}")

    async def get_list_idx_page_async(self, method: str, data: dict[str, Any]) -> tuple[int, list[Any]]:
        """How many pages there are, and the items of the page that ``data`` asks for. To be awaited, in any loop."""
        sheet = Sheet.of(await on_io(self._api.ask(requests.rpc(method, data))))
        return sheet.pages, record(sheet.items)

    def get_list_page_generator_async(
        self,
        method: str,
        data: dict[str, Any],
        pages_count: int | None = None,
        semaphore: asyncio.Semaphore | None = None,
    ) -> Stream[list[Any]]:
        """The items of each page (at most ``pages_count`` pages), for ``async for``. ``semaphore`` is not needed: how
        many requests are under way is bounded for each server."""
        return Stream(self._pages(requests.rpc(method, data), pages_count))

    async def _pages(self, call: Call[Any], most: int | None) -> AsyncGenerator[list[Any], None]:
        page, pages = 1, most or 1
        while page <= pages:
            sheet = Sheet.of(await self._api.ask(requests.further(call, page=page)))
            pages = min(sheet.pages, most or sheet.pages)
            yield record(sheet.items)
            page += 1

    async def _found(self, call: Call[Any], kind: type[R]) -> R | None:
        """A thing that the server may not have."""
        sent = await self._api.ask(call)
        return None if sent is None else of_kind(kind, sent, call)

    async def _sent(self, call: Call[Any]) -> Record:
        """An answer that is an object."""
        return of_kind(Record, await self._api.ask(call), call)

    async def _bare(self, call: Call[Any], kind: type[R]) -> list[R]:
        """An answer that is a list of objects without pages (or the only page of one)."""
        sent = await self._api.ask(call)
        items = sent.get("entities") if isinstance(sent, dict) else sent
        if not isinstance(items, list):
            raise BadReply(f"the answer to {call.path} is no list")
        return [of_kind(kind, item, call) for item in items]

    async def _listed(self, call: Call[Any], kind: type[R]) -> list[R]:
        """All objects of a list in pages."""
        items, _ = await self._api.run(_whole(self._api.prepared(call), None, None))
        return [of_kind(kind, item, call) for item in items]

    async def _one(self, call: Call[Any], kind: type[R], what: str) -> R | None:
        """The only object of a list; None where there is none, NotFound where there are several."""
        found = await self._listed(call, kind)
        if len(found) > 1:
            raise NotFound(f"{len(found)} are called {what!r}", todo="Ask by id")
        return found[0] if found else None


def of_kind(kind: type[R], sent: Any, call: Call[Any]) -> R:
    if not isinstance(sent, dict):
        raise BadReply(f"an object is expected in the answer to {call.path}, not {type(sent).__name__}")
    made: R = sent if isinstance(sent, kind) else record(sent, kind)
    return made


def _whole(first: Call[Any], told: Told | None, limit: int | None) -> Plan[tuple[list[Any], Sheet]]:
    """All items of a list in their order, each once, and the first page.

    A list that changes while it is read shifts items from page to page: what comes twice is taken once, and where
    the counts differ it is read once more. BadReply where fewer come than there are even then.
    """
    found: dict[Any, Any] = {}
    sheet, totals = yield from _walk(first, told, limit, found)
    if limit is not None:
        return list(found.values())[:limit], sheet
    if len(totals) > 1 and (len(set(totals)) > 1 or len(found) < totals[-1]):
        note("the list changed while it was read: read twice")
        _, totals = yield from _walk(first, None, None, found)
    if len(found) < totals[-1]:
        raise BadReply(f"the server counts {totals[-1]:,} items of {first.path} and gives {len(found):,}")
    return list(found.values()), sheet


def _walk(
    first: Call[Any], told: Told | None, limit: int | None, found: dict[Any, Any]
) -> Plan[tuple[Sheet, list[int]]]:
    """Add what a list holds to ``found``; the first page, and what each page said that there are."""
    sheet = yield from _page(first, told)
    pages = sheet.pages
    if limit is not None:  # as the vendor counts: on to the page that exceeds the limit
        pages = min(pages, limit // max(sheet.per_page, 1) + 1)
    if pages > _MOST_PAGES:
        raise BadReply(f"the server speaks of {pages:,} pages of {first.path}")
    calls = [requests.further(first, page=page, per_page=sheet.per_page) for page in range(2, pages + 1)]
    sheets = [sheet, *(yield from ask_all([_page(call, told) for call in calls]))]
    for item in (item for each in sheets for item in each.items):
        identity = item.get("id") if isinstance(item, Mapping) else None
        found.setdefault(len(found) if identity is None else ("id", identity), item)
    return sheet, [each.total for each in sheets]


def _page(call: Call[Any], told: Told | None) -> Plan[Sheet]:
    """One page; ``told`` of its count as soon as it is there."""
    sheet = Sheet.of((yield from ask(call)))
    if told:
        told(len(sheet.items))
    return sheet
