"""What ``swcli``, Starwhale's command line, keeps in its configuration file (starwhale paper 2.1)."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from swnb.errors import BadInput, clean
from swnb.settings.entries import Credential, Entry, Found, token_of
from swnb.uri import RESERVED, canonical, is_name

STARWHALE: Final = "starwhale config"

_LARGEST: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class StarwhaleConfig:
    """What ``swcli`` keeps: its instances, which is the current one, and where the Standalone store lies."""

    servers: tuple[Found, ...] = ()
    current: str = "local"
    root: str | None = None
    local_project: str | None = None
    problems: tuple[str, ...] = ()


def found() -> list[Found]:
    """The instances, the current one last."""
    config = starwhale()
    return sorted(config.servers, key=lambda each: each.entry.name == config.current)


def problems() -> tuple[str, ...]:
    return starwhale().problems


def _path() -> Path:
    return Path(os.environ.get("SW_CLI_CONFIG") or "~/.config/starwhale/config.yaml").expanduser()


def store_root(config: StarwhaleConfig) -> Path:
    """``$SW_LOCAL_STORAGE``, else ``storage.root``, else ``~/.starwhale`` (starwhale paper 2.1)."""
    return Path(os.environ.get("SW_LOCAL_STORAGE") or config.root or "~/.starwhale").expanduser().absolute()


_read_before: dict[Path, tuple[tuple[int, int], StarwhaleConfig]] = {}


def starwhale() -> StarwhaleConfig:
    """The configuration of ``swcli``; read again when the file has changed."""
    path = _path()
    try:
        info = path.stat()
    except OSError:
        return StarwhaleConfig()
    mark = (info.st_mtime_ns, info.st_size)
    before = _read_before.get(path)
    if before is None or before[0] != mark:
        regular = stat.S_ISREG(info.st_mode) and info.st_size <= _LARGEST
        config = _read_starwhale(path) if regular else _unreadable(path, "it is no file of a sensible size")
        before = _read_before[path] = (mark, config)
    return before[1]


def _unreadable(path: Path, why: str) -> StarwhaleConfig:
    return StarwhaleConfig(problems=(f"{path} is not used: {why}",))


def _read_starwhale(path: Path) -> StarwhaleConfig:
    import yaml  # noqa: PLC0415 - import swnb stays light

    try:
        data = yaml.safe_load(path.read_bytes())
    except yaml.MarkedYAMLError as error:  # its text shows the line, which may hold a token
        mark = error.problem_mark
        return _unreadable(path, f"no YAML at line {mark.line + 1}" if mark else "no YAML")
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        return _unreadable(path, f"it cannot be read ({type(error).__name__})")
    if data is None:
        return StarwhaleConfig()
    return _starwhale_of(data, str(path)) if isinstance(data, dict) else _unreadable(path, "it is no mapping")


def _starwhale_of(data: Mapping[Any, Any], path: str) -> StarwhaleConfig:
    problems = (
        [] if data.get("version") == "2.0" else [f"{path} is of another version than 2.0: read as far as it goes"]
    )
    servers: list[Found] = []
    local_project = None
    for alias, fields in _mapping(data.get("instances")).items():
        uri = _mapping(fields).get("uri")
        if uri == "local" or alias == "local":
            local_project = _text(_mapping(fields).get("current_project"))
            continue
        try:
            servers.append(_instance(_text(alias) or "", _text(uri) or "", _mapping(fields), path))
        except BadInput as error:
            problems.append(f"{path}: the instance {clean(alias, 40)!r} is not used: {error.what}")
    return StarwhaleConfig(
        servers=tuple(servers),
        current=_text(data.get("current_instance")) or "local",
        root=_text(_mapping(data.get("storage")).get("root")),
        local_project=local_project,
        problems=tuple(problems),
    )


def _instance(alias: str, uri: str, fields: Mapping[Any, Any], path: str) -> Found:
    if not is_name(alias) or alias in RESERVED:
        raise BadInput("its name cannot stand in an address")
    token = token_of(_text(fields.get("sw_token")))
    user = _text(fields.get("user_name"))
    entry = Entry(alias, "starwhale", canonical(uri), STARWHALE, _text(fields.get("current_project")))
    return Found(entry, Credential(token, user, source=path) if token else None)


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    """Text or a whole number (a project may be written ``1``) as text; None for an empty one and for all else."""
    number = isinstance(value, int) and not isinstance(value, bool)
    return (str(value) or None) if number or isinstance(value, str) else None
