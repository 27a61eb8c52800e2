"""``swnb.doctor()``: what is installed, which loop, which servers answer, what is wrong and how to mend it."""

from __future__ import annotations

import asyncio
import html
import os
import stat
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies

from swnb import settings
from swnb._version import __version__
from swnb.bridge import both_function, nesting
from swnb.client.source import source_of
from swnb.errors import BadInput, SwnbError, clean
from swnb.fetch.events import Event, Retrying, listening
from swnb.fetch.tasks import in_thread, within
from swnb.settings import Credential, Entry, files, vault
from swnb.uri import Ref

_PACKAGES: Final = ("pandas", "ipykernel", "ipywidgets", "anywidget", "jupyterlab", "httpx", "nest-asyncio2", "keyring")
_MARKS: Final = {True: "ok ", False: "!! "}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``mend`` says what to do where it is not ``ok``."""

    topic: str
    text: str
    ok: bool = True
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings; prints as text and as HTML. ``ok``: nothing has to be mended."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return all(finding.ok for finding in self.findings)

    @property
    def problems(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if not finding.ok)

    def __str__(self) -> str:
        width = max(len(finding.topic) for finding in self.findings) + 2
        lines = [f"{_MARKS[each.ok]}{each.topic:<{width}}{each.text}" + _mend(each) for each in self.findings]
        return "\n".join([*lines, self._verdict()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{_MARKS[each.ok]}</td><th style='text-align:left'>{html.escape(each.topic)}</th>"
            f"<td style='text-align:left'>{html.escape(each.text + _mend(each))}</td></tr>"
            for each in self.findings
        )
        return f"<table>{rows}</table><p>{html.escape(self._verdict())}</p>"

    def _verdict(self) -> str:
        count = len(self.problems)
        return "All is well." if not count else f"{count} {'thing' if count == 1 else 'things'} to mend (!!)."


def _mend(finding: Finding) -> str:
    return f" {finding.mend}" if finding.mend and not finding.ok else ""


def _doctor(*, timeout: float = 5.0) -> Coroutine[Any, Any, Report]:
    """Look at versions, the loop, settings and each server (all abreast, at most ``timeout`` seconds each), and say
    how to mend what is wrong. No token is ever in the report."""
    if not 0 < timeout < float("inf"):
        raise BadInput(f"timeout={timeout!r} is no number of seconds")
    return _examine(timeout, nesting())  # asked here: waiting depends on the thread and loop of the caller


doctor = both_function(_doctor)


async def _examine(timeout: float, waiting: str) -> Report:
    here = [*_versions(), *_loop(waiting), *_network(), *await in_thread(lambda: list(_settings()))]
    try:
        entries = await in_thread(settings.servers)
    except SwnbError as error:
        return Report((*here, _failed("servers", error)))
    found = await asyncio.gather(*(_server(entry, timeout) for entry in entries))
    none = [Finding("servers", 'none is known yet: swnb.connect("name", uri) saves one')] if not entries else []
    return Report((*here, *none, *found))


def _versions() -> Iterator[Finding]:
    yield Finding("python", f"{sys.version.split()[0]} on {sys.platform}")
    yield Finding("swnb", __version__)
    yield Finding("packages", ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _loop(waiting: str) -> Iterator[Finding]:
    yield Finding("waiting", waiting)
    if hasattr(asyncio, "_nest_patched") and not hasattr(asyncio, "_nest_asyncio2"):
        yield Finding(
            "nest_asyncio",
            "the archived nest_asyncio was applied in this process; it can lose queued cells.",
            ok=False,
            mend="Remove nest_asyncio.apply() from the notebook and restart: swnb needs none.",
        )


def _network() -> Iterator[Finding]:
    fast = find_spec("aiohttp") is not None and find_spec("httpx_aiohttp") is not None
    yield Finding("transport", "httpx over aiohttp" if fast else "httpx's own; httpx-aiohttp would be faster")
    proxies = {scheme: _host(url) for scheme, url in getproxies().items() if scheme != "no"}
    if proxies:
        yield Finding("proxies", ", ".join(f"{scheme} by {clean(host)}" for scheme, host in sorted(proxies.items())))


def _host(url: str) -> str:
    """Host and port: a proxy's address may hold a password."""
    try:
        return urlsplit(url if "://" in url else f"//{url}").netloc.rpartition("@")[2] or "(no host)"
    except ValueError:
        return "(no readable address)"


def _settings() -> Iterator[Finding]:
    ring = vault._backend()
    kept = f"the keyring ({type(ring).__module__})" if ring is not None else "a file that only you can read"
    yield Finding("secrets", f"new ones are kept in {kept}")
    yield _folder()
    for text in settings.problems():
        yield Finding("settings", clean(text), ok=False, mend="Mend it there; swnb never changes those files.")


def _folder() -> Finding:
    folder = files.config_dir()
    if not folder.is_dir():
        return Finding("settings", f"{folder} (not there yet; it is made when something is saved)")
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not os.access(folder, os.W_OK):
        return Finding("settings", f"{folder} is not writable.", False, "Name another with SWNB_CONFIG_DIR.")
    if sys.platform != "win32" and mode & 0o022:
        return Finding("settings", f"others may write in {folder} (mode {mode:o}).", False, f"chmod 700 {folder}")
    return Finding("settings", f"{folder} (mode {mode:o})")


async def _server(entry: Entry, timeout: float) -> Finding:
    """Ask one server for its projects."""
    topic = clean(entry.name)
    troubles: list[str] = []
    try:
        with listening(_retries(troubles)):
            task = await within(timeout, _answer(entry))
        if task is not None:
            return Finding(topic, task.result())
    except SwnbError as error:
        return _failed(topic, error)
    except Exception as error:  # a doctor that dies of one patient is of no use to the others
        return Finding(topic, f"failed with {type(error).__name__}.", False, "That is a fault of swnb: report it.")
    why = f" (last: {clean(troubles[-1])})" if troubles else ""
    return Finding(topic, f"no answer within {timeout:g} s{why}.", False, _UNREACHED)


_UNREACHED: Final = "Check that the server is up, and the address and the proxy."


async def _answer(entry: Entry) -> str:
    # Held while the server is asked, so that a token is masked in its answer whoever made it.
    known = await in_thread(_known, entry)
    began = time.monotonic()
    source = source_of(Ref(entry.name))
    listing = await source.run(source.backend.projects())
    count = len(listing.items) if listing.total is None else listing.total
    took = (time.monotonic() - began) * 1000
    return (
        f"{entry.platform} answers: {count} project{'s' if count != 1 else ''}, {took:.0f} ms, {_signed(entry, known)}"
    )


def _known(entry: Entry) -> Credential | None:
    return None if entry.address.startswith("file:") else settings.credential(entry)


def _signed(entry: Entry, known: Credential | None) -> str:
    if entry.address.startswith("file:"):
        return "a folder"
    return f"sign-in from {clean(known.source)}" if known else "no sign-in known"


def _retries(troubles: list[str]) -> Callable[[Event], None]:
    def hear(event: Event) -> None:
        if isinstance(event, Retrying):
            troubles.append(event.why)

    return hear


def _failed(topic: str, error: SwnbError) -> Finding:
    return Finding(topic, f"{error.what.rstrip('.')}.", False, error.todo)


__all__ = ["Finding", "Report", "doctor"]
