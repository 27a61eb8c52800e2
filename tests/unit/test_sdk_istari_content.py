"""Istari's content: verified at each reading, by links of its own, whole or not at all, never outside its folder."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import stat
import tracemalloc
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import Call, Reply
from swnb.errors import Forbidden, SwnbError
from swnb.sdk.istari import InvalidChecksumError, TemporaryURL, Token
from swnb.sdk.istari.cache import Cache
from swnb.sdk.istari.content import Content, Stats, place_for, safe_name, saved, whole

DATA = b'{"alpha": 1, "beta": "two"}'
# The paper's own vector (4.1).
SHA = "bdbc47b6ac8efc4d7dc3bc00d18954cd7aef9b271d89e14915beda54d7d5bc01e3c276e30edb0dfc2eda941dd22fc894"


def token_of(data: bytes, salt: str = "salt-c-27") -> Token:
    return Token(id="1", created=None, sha=hashlib.sha384(data + salt.encode()).hexdigest(), salt=salt)


class Registry:
    """Stands in for a Client: gives links that work ``expired`` times not, and content in small pieces."""

    def __init__(self, *contents: bytes, expired: int = 0) -> None:
        self.contents = {token_of(data).sha: data for data in contents}
        self.expired = expired
        self.asked: list[str] = []

    async def ask(self, call: Call[Any], kind: type[TemporaryURL]) -> TemporaryURL:
        assert call.signed
        sha = call.path.split("/")[-2]
        self.asked.append("link")
        return kind.read({"url": f"https://user:pw@store.example/{sha}?signature=s3cret", "expires": None}, "link")

    async def stream(self, call: Call[bytes]) -> AsyncGenerator[bytes, None]:
        assert not call.signed
        assert not call.headers
        self.asked.append("content")
        if self.expired:
            self.expired -= 1
            call.decode(Reply(403, {}, b"<Error>Request has expired</Error>"))
        data = self.contents[call.path.partition("?")[0].rpartition("/")[2]]
        for at in range(0, len(data), 2**16):
            yield data[at : at + 2**16]


def content(registry: Registry, root: Path | None, limit: int = 2**20) -> Content:
    return Content(registry, None if root is None else Cache(root, limit, clean=False))


def read(held: Content, data: bytes, stats: Stats | None = None) -> bytes:
    return asyncio.run(held.use(token_of(data), stats or Stats(), whole))


def files(root: Path) -> list[Path]:
    return sorted(file for file in root.rglob("*") if file.is_file())


def test_the_sha_is_that_of_the_content_and_the_salt_after_it() -> None:
    assert token_of(DATA).sha == SHA


def test_content_is_fetched_once_and_then_read_from_the_cache(tmp_path: Path) -> None:
    registry, stats = Registry(DATA), Stats()
    held = content(registry, tmp_path)
    assert [read(held, DATA, stats) for _ in range(5)] == [DATA] * 5
    assert stats.to_dict() == {"hits": 4, "misses": 1, "puts": 1}
    assert registry.asked == ["link", "content"]


def test_the_place_in_the_cache_is_the_vendors_and_nobody_elses_to_read(tmp_path: Path) -> None:
    read(content(Registry(DATA), tmp_path / "root"), DATA)
    key = hashlib.sha384((SHA + "salt-c-27").encode()).hexdigest()
    assert files(tmp_path) == [tmp_path / "root" / key[:4] / key[:64]]
    (file,) = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_corrupt_entry_is_a_miss_and_is_fetched_again(tmp_path: Path) -> None:
    registry, stats = Registry(DATA), Stats()
    held = content(registry, tmp_path)
    read(held, DATA, stats)
    files(tmp_path)[0].write_bytes(b"something else")
    assert read(held, DATA, stats) == DATA
    assert stats.to_dict() == {"hits": 0, "misses": 2, "puts": 2}
    assert files(tmp_path)[0].read_bytes() == DATA


def test_without_a_cache_each_reading_is_two_requests_and_nothing_is_left() -> None:
    registry, stats = Registry(DATA), Stats()
    held = content(registry, None)
    assert read(held, DATA, stats) == read(held, DATA, stats) == DATA
    assert registry.asked == ["link", "content"] * 2
    assert stats.to_dict() == {"hits": 0, "misses": 0, "puts": 0}


def test_content_that_is_not_what_was_promised_is_an_error_and_is_kept_nowhere(tmp_path: Path) -> None:
    registry, stats = Registry(DATA), Stats()
    registry.contents[SHA] = b"tampered"
    with pytest.raises(InvalidChecksumError, match=r"what store\.example gave is not the content") as raised:
        read(content(registry, tmp_path), DATA, stats)
    assert isinstance(raised.value, ValueError)
    assert "s3cret" not in str(raised.value)
    assert "pw" not in str(raised.value)
    assert files(tmp_path) == []
    assert stats.to_dict() == {"hits": 0, "misses": 1, "puts": 0}


def test_an_expired_link_is_asked_for_once_more(tmp_path: Path) -> None:
    registry = Registry(DATA, expired=1)
    assert read(content(registry, tmp_path), DATA) == DATA
    assert registry.asked == ["link", "content"] * 2
    always = Registry(DATA, expired=9)
    with pytest.raises(Forbidden):
        read(content(always, tmp_path / "other"), DATA)
    assert always.asked == ["link", "content"] * 2
    assert files(tmp_path / "other") == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "//x/y", "http://", "", None])
def test_a_link_is_http_or_none(url: str | None) -> None:
    class Odd(Registry):
        async def ask(self, call: Call[Any], kind: type[TemporaryURL]) -> TemporaryURL:
            return TemporaryURL.read({"url": url or "x"}, "link")

    with pytest.raises(SwnbError, match="no address that content can be got from"):
        read(content(Odd(DATA), None), DATA)


def test_the_least_recently_used_content_goes_where_there_is_too_much(tmp_path: Path) -> None:
    contents = [bytes([65 + at]) * 400 for at in range(4)]
    registry = Registry(*contents)
    held = content(registry, tmp_path, limit=1000)
    read(held, contents[0])
    read(held, contents[1])
    for at, data in ((1, contents[0]), (2, contents[1])):
        place = held._cache.place(token_of(data)) if held._cache else Path()
        os.utime(place, (at, at))
    read(held, contents[0])  # which makes it the one used last
    read(held, contents[2])
    kept = [data for data in contents if held._cache and held._cache.place(token_of(data)).exists()]
    assert kept == [contents[0], contents[2]]
    assert sum(file.stat().st_size for file in files(tmp_path)) <= 1000


def test_what_is_larger_than_all_that_may_be_kept_is_read_and_not_kept(tmp_path: Path) -> None:
    data, stats = b"x" * 5_000_000, Stats()
    held = content(Registry(data), tmp_path, limit=1000)
    assert read(held, data, stats) == data
    assert stats.to_dict() == {"hits": 0, "misses": 1, "puts": 0}
    assert files(tmp_path) == []


def test_cleanup_removes_one_content(tmp_path: Path) -> None:
    other = b"other"
    registry, stats = Registry(DATA, other), Stats()
    held = content(registry, tmp_path)
    read(held, DATA, stats)
    read(held, other)
    for _ in range(2):
        asyncio.run(held.forget(token_of(DATA)))
    assert len(files(tmp_path)) == 1
    read(held, DATA, stats)
    assert stats.to_dict() == {"hits": 0, "misses": 2, "puts": 2}


def test_a_cache_that_nobody_uses_any_more_leaves_what_it_did_not_put(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("stays")
    file = tmp_path / "part"
    file.write_bytes(DATA)
    cache = Cache(tmp_path / "root", 1000, clean=True)
    own = Cache(None, 1000, clean=True)
    folder = own.folder()
    assert cache.put(token_of(DATA), file)
    assert (folder.is_dir(), len(files(tmp_path))) == (True, 2)
    del cache, own
    gc.collect()
    assert not folder.exists()
    assert files(tmp_path) == [tmp_path / "mine.txt"]


def test_a_copy_is_written_whole_over_what_is_there(tmp_path: Path) -> None:
    held = content(Registry(DATA), None)
    target = tmp_path / "copy.json"
    target.write_bytes(b"old and longer than what comes" * 9)
    found = asyncio.run(held.use(token_of(DATA), Stats(), lambda file: saved(file, place_for(target, "name.json"))))
    assert (found, target.read_bytes()) == (target, DATA)
    assert files(tmp_path) == [target]
    for nowhere in (tmp_path / "no" / "folder", f"{tmp_path}/no/"):
        with pytest.raises(ValueError, match=f"there is no folder {tmp_path}/no"):
            place_for(nowhere, "name.json")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\evil.exe", "evil.exe"),
        ("/etc/passwd", "passwd"),
        ("C:\\x\\y.json", "y.json"),
        ("C:y.json", "y.json"),
        ("a/b/", "b"),
        ("..", "content"),
        ("", "content"),
        (None, "content"),
        ("a\x00b\n.json", "a_b_.json"),
        ("täble 1.json", "täble 1.json"),
        ("x" * 500 + ".json", "x" * 100 + ".json"),
    ],
)
def test_a_name_from_a_server_leads_nowhere_else(name: str | None, safe: str, tmp_path: Path) -> None:
    assert safe_name(name) == safe
    held = content(Registry(DATA), None)
    found = asyncio.run(held.use(token_of(DATA), Stats(), lambda file: saved(file, place_for(tmp_path, name))))
    assert found == tmp_path / safe
    assert files(tmp_path) == [found]


@given(st.text(st.characters(), max_size=300))
def test_every_name_is_one_part_of_a_path_that_can_be_written(name: str) -> None:
    safe = safe_name(name)
    assert Path("folder", safe).parts == ("folder", safe)
    assert 0 < len(os.fsencode(safe)) <= 255
    assert safe not in (".", "..")


def test_a_download_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    begun = asyncio.Event()

    class Slow(Registry):
        async def stream(self, call: Call[bytes]) -> AsyncGenerator[bytes, None]:
            yield b"some"
            begun.set()
            await asyncio.Event().wait()

    async def cancelled() -> None:
        task = asyncio.create_task(content(Slow(DATA), tmp_path).use(token_of(DATA), Stats(), whole))
        await begun.wait()
        assert len(files(tmp_path)) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert files(tmp_path) == []


def test_a_large_content_is_never_whole_in_memory(tmp_path: Path) -> None:
    piece, times = b"x" * 2**16, 2**9
    sha = hashlib.sha384()
    for _ in range(times):
        sha.update(piece)
    sha.update(b"salt")
    token = Token(id="1", created=None, sha=sha.hexdigest(), salt="salt")

    class Large(Registry):
        async def stream(self, call: Call[bytes]) -> AsyncGenerator[bytes, None]:
            for _ in range(times):
                yield piece

    held = content(Large(), tmp_path / "cache", limit=2**30)
    tracemalloc.start()
    for _ in range(2):  # from the server, then from the cache
        asyncio.run(held.use(token, Stats(), lambda file: saved(file, tmp_path / "copy")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "copy").stat().st_size == times * len(piece) == 32 * 2**20
    assert peak < 8 * 2**20
