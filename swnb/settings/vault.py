"""Secrets at rest: in the system's keyring where a usable one is there, else in a file of their owner's alone.

A secret is kept under its server's name AND address: a name that is given to another server never brings the old
server's token along.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from swnb.secret import Secret
from swnb.settings import files
from swnb.settings.entries import Credential, Entry

T = TypeVar("T")

_SERVICE: Final = "swnb"
_TABLE: Final = "secrets"
#: a keyring that wants to ask its user something is left alone after this many seconds
_KEYRING_SECONDS: Final = 3.0
#: what ``keyring`` counts as recommended; below are backends that fail, forget, ask on the terminal or store plainly
_USABLE_PRIORITY: Final = 1


def get(entry: Entry) -> Credential | None:
    """What was saved for this name at this address."""
    key = _key(entry)
    if entry.kept == "keyring":
        text = _with_keyring(lambda ring: ring.get_password(_SERVICE, key))
        return _credential(_read_json(text), "the keyring") if text else None
    if entry.kept == "file":
        section = _read_file().get(key)
        return _credential(section, str(_path())) if section else None
    return None


def put(entry: Entry, credential: Credential) -> Entry:
    """Save a sign-in; the entry then says where it is kept. The caller holds the lock of the settings."""
    in_ring = _put_in_keyring(_key(entry), credential)
    _store(_key(entry), None if in_ring else credential)
    return replace(entry, kept="keyring" if in_ring else "file")


def remove(entry: Entry) -> None:
    """Forget the sign-in of this name at this address. The caller holds the lock of the settings."""
    key = _key(entry)
    if entry.kept == "keyring":
        _with_keyring(lambda ring: ring.delete_password(_SERVICE, key))
    _store(key, None)


def _store(key: str, credential: Credential | None) -> None:
    sections: dict[str, dict[str, str | Secret]] = {name: _hidden(each) for name, each in _read_file().items()}
    if credential is None and key not in sections:
        return
    sections.pop(key, None)
    if credential is not None:
        sections[key] = _fields(credential)
    files.write(_path(), _TABLE, sections)


def _hidden(section: dict[str, str]) -> dict[str, str | Secret]:
    # Frames of a write that fails may be shown, so what others saved is hidden in them as well.
    return {name: Secret(value) for name, value in section.items()}


def _read_file() -> files.Sections:
    return files.read(_path(), _TABLE)


def _path() -> Path:
    return files.config_dir() / "secrets.toml"


def _read_json(text: str) -> dict[str, str]:
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return {k: v for k, v in data.items() if isinstance(v, str)} if isinstance(data, dict) else {}


def _key(entry: Entry) -> str:
    return f"{entry.name} {entry.bare}"


def _fields(credential: Credential) -> dict[str, str | Secret]:
    fields = {"token": credential.token, "user": credential.user, "password": credential.password}
    return {name: value for name, value in fields.items() if value}


def _put_in_keyring(key: str, credential: Credential) -> bool:
    fields = {k: v.reveal() if isinstance(v, Secret) else v for k, v in _fields(credential).items()}
    text = json.dumps(fields)
    return bool(_with_keyring(lambda ring: ring.set_password(_SERVICE, key, text) or True))


def _credential(fields: dict[str, str], source: str) -> Credential:
    token, password = fields.get("token"), fields.get("password")
    return Credential(
        Secret(token) if token else None, fields.get("user"), Secret(password) if password else None, source
    )


def _with_keyring(use: Callable[[Any], T]) -> T | None:
    """``use(backend)``, or None where no keyring is usable, where it fails and where it does not answer in time."""
    backend = _backend()
    if backend is None:
        return None
    results: list[T] = []

    def attempt() -> None:
        with contextlib.suppress(Exception):  # backends raise what their system's library raises
            results.append(use(backend))

    worker = threading.Thread(target=attempt, name="swnb-keyring", daemon=True)
    worker.start()
    worker.join(_KEYRING_SECONDS)
    return results[0] if results else None


def _backend() -> Any:
    try:
        import keyring  # noqa: PLC0415 - optional, and slow to import

        ring = keyring.get_keyring()
        candidates = list(getattr(ring, "backends", None) or [ring])  # the chainer stands for several
        return next((each for each in candidates if each.priority >= _USABLE_PRIORITY), None)
    except Exception:  # a broken keyring installation counts as none
        return None
