"""Pages of lists, and the walk through all of them (istari paper 2.4 and 7.4)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing
from typing import Any, ClassVar, Final, Generic, TypeAlias, TypeVar

from swnb.bridge import both_iter
from swnb.errors import BadInput
from swnb.sdk.istari.catalogue import (
    Agent,
    FunctionVersion,
    System,
    SystemConfiguration,
    Tenant,
    Tool,
    TrackedFile,
)
from swnb.sdk.istari.job import Artifact, Job, ModelListItem
from swnb.sdk.istari.record import Record

T = TypeVar("T")
#: the page with a number and a size
Further: TypeAlias = "Callable[[int, int], Coroutine[Any, Any, Page[Any]]]"
_SIZE: Final = 10  # where a server does not say how large its pages are
_WIDEST: Final = 16  # pages asked for at a time
_SPARE: Final = 1000  # items that a list may give twice before it is taken for one that never ends


class Page(Record, Generic[T]):
    """Some items of a list. ``total`` and ``pages`` are None where they were not asked for. Going through a page goes
    through this and all further pages: each item once, also where the list changes meanwhile."""

    _needs: ClassVar[tuple[str, ...]] = ("items",)
    #: a ``Further``, where the page came from a server
    _further: Any = None

    items: list[T]
    total: int | None
    page: int | None
    size: int | None
    pages: int | None

    def goes_on(self, further: Further) -> None:
        """How the pages after this one are got."""
        self._further = further

    @both_iter
    async def iter_pages(self) -> AsyncGenerator[Page[T], None]:
        """This page and those after it. It ends where the server says, at a short page where it does not say, and
        where a server gives the same again and again."""
        async with aclosing(self._pages()) as pages:
            async for page in pages:
                yield page

    @both_iter
    async def iter_items(self) -> AsyncGenerator[T, None]:
        """The items of this page and of those after it."""
        seen: set[Any] = set()
        async with aclosing(self._pages()) as pages:
            async for page in pages:
                for item in page.items:
                    id_ = getattr(item, "id", None)
                    if id_ is None or id_ not in seen:
                        seen.add(id_)
                        yield item

    def __iter__(self) -> Iterator[T]:
        return iter(self.iter_items())

    def __aiter__(self) -> AsyncIterator[T]:
        return aiter(self.iter_items())

    async def _pages(self) -> AsyncGenerator[Page[T], None]:
        page, number = self, self.page or 1
        size = self.size or _SIZE
        seen: set[Any] = set()
        given = 0
        yield page
        async with aclosing(_Ahead(self._further, size)) as ahead:
            while not page._is_last(number, size):
                given += len(page.items)
                seen |= {getattr(item, "id", None) for item in page.items}
                if given > 2 * len(seen) + _SPARE:
                    return
                number += 1
                page = await ahead.page(number, page._last(size) or number)
                if page.items:
                    yield page

    def _is_last(self, number: int, size: int) -> bool:
        if not self.items:
            return True
        last = self._last(size)
        return len(self.items) < size if last is None else number >= last

    def _last(self, size: int) -> int | None:
        """The number of the last page, as far as the server tells."""
        if self.pages is not None or self.total is None:
            return self.pages
        return math.ceil(self.total / size)


class _Ahead:
    """Pages asked for before they are wanted: none at first, since many look at one page only, then twice as many with
    each page that is wanted."""

    def __init__(self, further: Further | None, size: int) -> None:
        self._further, self._size = further, size
        self._wide = 1
        self._asked: dict[int, asyncio.Task[Page[Any]]] = {}

    async def page(self, number: int, last: int) -> Page[Any]:
        """A page; after it none behind ``last`` is asked for."""
        if self._further is None:
            raise BadInput("this page has no client", todo="Get it from a Client to go on to the next")
        for each in range(number, max(min(number + self._wide, last + 1), number + 1)):
            if each not in self._asked:
                self._asked[each] = asyncio.ensure_future(self._further(each, self._size))
        self._wide = min(2 * self._wide, _WIDEST)
        return await self._asked.pop(number)

    async def aclose(self) -> None:
        """Give up what nobody wants any more."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)


class PageJob(Page[Job]):
    """A page of jobs."""

    items: list[Job]


class PageModelListItem(Page[ModelListItem]):
    items: list[ModelListItem]


class PageArtifact(Page[Artifact]):
    items: list[Artifact]


class PageSystem(Page[System]):
    items: list[System]


class PageSystemConfiguration(Page[SystemConfiguration]):
    items: list[SystemConfiguration]


class PageTrackedFile(Page[TrackedFile]):
    items: list[TrackedFile]


class PageAgent(Page[Agent]):
    items: list[Agent]


class PageFunctionVersion(Page[FunctionVersion]):
    items: list[FunctionVersion]


class PageTool(Page[Tool]):
    items: list[Tool]


class PageTenant(Page[Tenant]):
    items: list[Tenant]
