"""Servers that environment variables name.

A token of the environment is for the environment's own host, or for its vendor's default host where none is set; no
other server ever gets it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from swnb.errors import BadInput
from swnb.settings.entries import Credential, Entry, Found, token_of
from swnb.uri import canonical

SOURCE: Final = "environment"


@dataclass(frozen=True, slots=True)
class _Rule:
    """The variables of one vendor, the first that is set counts. ``drop`` is what the vendor's host may end
    in, ``scheme`` what a host without one means to the vendor, ``near`` what it means on this machine.
    ``below``: the variable whose host has the server under this path; ``pathless``: the variable whose path does not
    count."""

    platform: str
    hosts: tuple[str, ...]
    token: str = ""
    default: str = ""
    drop: str = ""
    scheme: str = ""
    near: str = ""
    below: tuple[str, str] = ("", "")
    pathless: str = ""


# starwhale paper 2.1, swanlab 1.1, supervisely 1.3 (its API_TOKEN is too common a name to go to a default host),
# yuanrong-ray 1 and 2.1 (RAY_ADDRESS may hold an address that is not HTTP), istari 9
_RULES: Final = (
    _Rule("starwhale", ("SW_INSTANCE_URI",), "SW_TOKEN"),
    _Rule("swanlab", ("SWANLAB_API_HOST",), "SWANLAB_API_KEY", "https://api.swanlab.cn", drop="/api", scheme="https"),
    _Rule("supervisely", ("SERVER_ADDRESS",), "API_TOKEN", scheme="https", near="http"),
    _Rule("ray", ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"), "RAY_AUTH_TOKEN", "http://127.0.0.1:8265"),
    _Rule("yuanrong", ("ray_adapter_DASHBOARD_ADDRESS",)),
    _Rule(
        "istari",
        ("ISTARI_DIGITAL_API_URL", "ISTARI_REGISTRY_URL"),
        "ISTARI_REGISTRY_AUTH_TOKEN",
        below=("ISTARI_DIGITAL_API_URL", "/registry"),
        pathless="ISTARI_REGISTRY_URL",
    ),
)


def found() -> list[Found]:
    """The servers of the environment, called by their bare addresses."""
    return [server for server in map(_read, _RULES) if isinstance(server, Found)]


def problems() -> list[str]:
    """Variables that are set and cannot be used."""
    return [text for text in map(_read, _RULES) if isinstance(text, str)]


def address_of(platform: str, host: str = "") -> str:
    """The address that a vendor's own word for a host means (with or without scheme and ``/api``); without one, the
    vendor's default. BadInput where that is no address."""
    return _address(next(rule for rule in _RULES if rule.platform == platform), host)


def _read(rule: _Rule) -> Found | str | None:
    """The server of one vendor's variables, what is wrong with them, or None where they are not set."""
    variable = next((name for name in rule.hosts if os.environ.get(name)), "")
    try:
        token = token_of(os.environ.get(rule.token)) if rule.token else None
        if not variable and (token is None or not rule.default):
            return None
        under = rule.below[1] if variable == rule.below[0] else ""
        address = _address(rule, os.environ.get(variable, "")) + under
        if variable == rule.pathless:  # the vendor's client takes no path of it (istari 6)
            parts = urlsplit(address)
            address = f"{parts.scheme}://{parts.netloc}"
    except BadInput as error:
        return f"{variable or rule.token} in the environment is not used: {error.what}"
    entry = Entry(f"{rule.platform}+{address}", rule.platform, address, SOURCE)
    return Found(entry, Credential(token, source=f"the environment ({rule.token})") if token else None)


def _address(rule: _Rule, host: str) -> str:
    host = (host.strip() or rule.default).rstrip("/").removesuffix(rule.drop)
    scheme = rule.near if rule.near and _is_here(host) else rule.scheme
    return canonical(f"{scheme}://{host}" if scheme and "://" not in host else host)


def _is_here(host: str) -> bool:
    """Whether a bare ``host[:port][/path]`` is this machine."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
