"""What a caller may write: TypeError and BadInput (a ValueError) for the rest."""

from __future__ import annotations

from typing import Final

from swnb.errors import BadInput

_LEVELS: Final = ("debug", "info", "warning", "error", "critical")


def check_level(level: object) -> None:
    if not isinstance(level, str):
        raise TypeError(f"log_level is text, not {type(level).__name__}")
    if level.lower() not in _LEVELS:
        raise BadInput(f"log_level={level!r} is none of {', '.join(_LEVELS)}")


def project_name(value: object) -> str:
    return _name("project", value)


def run_id(exp_id: object, exp_cuid: object) -> str:
    value = _of_two("exp_id", exp_id, "exp_cuid", exp_cuid)
    if not value:
        raise TypeError("exp_id (or exp_cuid) is missing: the id of the run")
    return _name("exp_id", value)


def workspace(username: object, user: object) -> str | None:
    """None = the own one."""
    value = _of_two("username", username, "user", user)
    if ":" in value:
        raise BadInput(f"username={value!r} is no workspace")
    return _name("username", value) if value else None


def key_list(keys: object) -> list[str]:
    """One key or several, each once."""
    listed = [keys] if isinstance(keys, str) else keys
    if not isinstance(listed, (list, tuple, set, frozenset, dict)) or not all(isinstance(key, str) for key in listed):
        raise TypeError("keys is the name of a metric or a list of names")
    return list(dict.fromkeys(listed))


def _name(what: str, value: object) -> str:
    """A name that can stand in a path."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is text, not {type(value).__name__}")
    if not value.strip(". "):
        raise BadInput(f"{what} is {value!r}, which names nothing")
    return value


def _of_two(name: str, value: object, alias: str, other: object) -> str:
    """An argument that has two names."""
    for which, each in ((name, value), (alias, other)):
        if each is not None and not isinstance(each, str):
            raise TypeError(f"{which} is text, not {type(each).__name__}")
    if value and other and value != other:
        raise TypeError(f"{name}={value!r} and {alias}={other!r} are the same argument: give one")
    return str(value or other or "")
