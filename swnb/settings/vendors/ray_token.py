"""The token file of Ray: one line, for whatever cluster is meant (openYuanRong and Ray paper 2.2).

No address stands beside it, so it is taken for the cluster that the environment names, or for Ray's default on this
machine, and for no other.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from swnb.errors import BadInput
from swnb.settings.entries import Credential, Entry, Found, token_of
from swnb.settings.environment import address_of

SOURCE: Final = "ray token file"

_LARGEST: Final = 100_000


def found() -> list[Found]:
    """The cluster that the token is for; none where there is no file."""
    server, _ = _read()
    return [server] if server else []


def problems() -> list[str]:
    return [problem for problem in (_read()[1],) if problem]


def _path() -> Path:
    return Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or "~/.ray/auth_token").expanduser()


def _read() -> tuple[Found | None, str]:
    path = _path()
    host = os.environ.get("RAY_API_SERVER_ADDRESS") or os.environ.get("RAY_ADDRESS") or ""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None, ""
        token = token_of(path.read_text(encoding="utf-8", errors="replace"))
        address = address_of("ray", host)
    except OSError as error:
        return None, f"{path} is not used: it cannot be read ({type(error).__name__})"
    except BadInput as error:
        return None, f"{path} is not used: {error.what}"
    if token is None:
        return None, ""
    entry = Entry(f"ray+{address}", "ray", address, SOURCE)
    return Found(entry, Credential(token, source=str(path))), ""
