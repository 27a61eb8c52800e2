"""How a client is set up: arguments before the environment (istari paper 6)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from swnb import settings
from swnb.client.source import Source, source_of, source_with
from swnb.errors import BadInput, Unsupported
from swnb.sdk.istari.cache import Cache
from swnb.sdk.istari.words import ConfigurationError
from swnb.secret import Secret
from swnb.settings.entries import Credential, token_of
from swnb.uri import canonical

_YES: Final = frozenset({"true", "t", "1", "yes", "y"})
_NO: Final = frozenset({"false", "f", "0", "no", "n"})
_GATEWAY: Final = "/registry"  # where the registry lies behind the gateway
_URLS: Final = ("ISTARI_REGISTRY_URL", "ISTARI_DIGITAL_API_URL")
_KINDS: Final[dict[str, type]] = {"bool": bool, "int": int}
_TOKEN: Final = "ISTARI_REGISTRY_AUTH_TOKEN"  # noqa: S105  the variable's name
#: what the vendor's client does otherwise, and what to do instead
_ELSEWHERE: Final = {
    "proxy_url": "Set HTTPS_PROXY",
    "ca_bundle": "Name the file in SWNB_CA_BUNDLE",
    "identity_service_required": "Give a token as registry_auth_token",
    "s3_direct_upload_enabled": "Leave it out: uploads go by the registry's own links",
}

# A variable that is not what it should be is kept as its text and told of by ``source``: an error in here would show
# the frame in which the token is still plain.


def _text(name: str) -> Callable[[], str | None]:
    return lambda: os.environ.get(name) or None


def _number(name: str, default: int | None = None) -> Callable[[], Any]:
    def read() -> Any:
        text = os.environ.get(name, "").strip()
        return int(text) if text.isascii() and text.isdecimal() else text or default

    return read


def _flag(name: str, default: bool) -> Callable[[], Any]:
    def read() -> Any:
        text = os.environ.get(name, "").strip().lower()
        return (text in _YES if text in _YES | _NO else text) if text else default

    return read


@dataclass
class Configuration:
    """Which registry, and how it is asked. Each field is taken from its variable of the environment where it is not
    given; making one sends nothing.

    ``registry_url`` counts by scheme and host only; ``digital_api_url``, the gateway, comes before it and keeps its
    path. Without ``registry_auth_token`` the sign-in is what ``swnb.connect`` saved for that address, or
    ISTARI_REGISTRY_AUTH_TOKEN where the environment's own address is the same.

    Reads are asked again by swnb's own rules, which bound the time; not at all with ``retry_enabled=False``; the other
    ``retry_`` fields have no effect, nor have ``multipart_``, ``log_``, ``trust_env``, ``tags`` and
    ``identity_api_version``. ``http_request_timeout_secs`` bounds each request; None is SWNB_TIMEOUT's 30 s.
    ``filesystem_cache_max_bytes`` is ours: content above it is removed, the least recently used first.
    """

    registry_url: str | None = field(default_factory=_text("ISTARI_REGISTRY_URL"))
    digital_api_url: str | None = field(default_factory=_text("ISTARI_DIGITAL_API_URL"))
    registry_auth_token: str | Secret | None = None
    http_request_timeout_secs: int | None = field(default_factory=_number("ISTARI_CLIENT_HTTP_REQUEST_TIMEOUT_SECS"))
    retry_enabled: bool | None = field(default_factory=_flag("ISTARI_CLIENT_RETRY_ENABLED", True))
    retry_max_attempts: int | None = field(default_factory=_number("ISTARI_CLIENT_RETRY_MAX_ATTEMPTS"))
    retry_min_interval_millis: int | None = field(default_factory=_number("ISTARI_CLIENT_RETRY_MIN_INTERVAL_MILLIS"))
    retry_max_interval_millis: int | None = field(default_factory=_number("ISTARI_CLIENT_RETRY_MAX_INTERVAL_MILLIS"))
    filesystem_cache_enabled: bool | None = field(default_factory=_flag("ISTARI_CLIENT_FILESYSTEM_CACHE_ENABLED", True))
    filesystem_cache_root: Path | str | None = field(default_factory=_text("ISTARI_CLIENT_FILESYSTEM_CACHE_ROOT"))
    filesystem_cache_clean_on_exit: bool | None = field(
        default_factory=_flag("ISTARI_CLIENT_FILESYSTEM_CACHE_CLEAN_BEFORE_EXIT", True)
    )
    retry_jitter_enabled: bool | None = field(default_factory=_flag("ISTARI_CLIENT_RETRY_JITTER_ENABLED", True))
    multipart_chunksize: int | None = field(default_factory=_number("ISTARI_CLIENT_MULTIPART_CHUNKSIZE", 128 * 2**20))
    multipart_threshold: int | None = field(default_factory=_number("ISTARI_CLIENT_MULTIPART_THRESHOLD", 2 * 2**30))
    s3_direct_upload_enabled: bool | None = field(default_factory=_flag("ISTARI_CLIENT_S3_DIRECT_UPLOAD", False))
    s3_bucket_name: str | None = field(default_factory=_text("ISTARI_CLIENT_S3_BUCKET_NAME"))
    log_level: str | None = field(default_factory=lambda: os.environ.get("ISTARI_CLIENT_LOG_LEVEL") or "INFO")
    log_to_file: bool | None = field(default_factory=_flag("ISTARI_CLIENT_LOG_TO_FILE", False))
    log_file_path: str | None = field(default_factory=_text("ISTARI_CLIENT_LOG_FILE_PATH"))
    identity_service_enabled: bool | None = field(
        default_factory=_flag("ISTARI_DIGITAL_IDENTITY_SERVICE_ENABLED", False)
    )
    identity_service_secret: str | Secret | None = field(
        default_factory=_text("ISTARI_CLIENT_IDENTITY_SERVICE_SECRET"), repr=False
    )
    identity_service_secret_file: str | Path | None = field(
        default_factory=_text("ISTARI_CLIENT_IDENTITY_SERVICE_SECRET_FILE"), repr=False
    )
    tags: list[str] | None = None
    proxy_url: str | None = field(default_factory=_text("ISTARI_CLIENT_PROXY_URL"), repr=False)
    ca_bundle: str | None = field(default_factory=_text("ISTARI_CLIENT_CA_BUNDLE"))
    trust_env: bool | None = field(default_factory=_flag("ISTARI_CLIENT_TRUST_ENV", True))
    identity_url: str | None = field(default_factory=_text("ISTARI_IDENTITY_URL"))
    identity_api_version: str = field(default_factory=lambda: os.environ.get("ISTARI_IDENTITY_API_VERSION") or "auto")
    identity_service_required: bool = field(default_factory=_flag("ISTARI_DIGITAL_IDENTITY_SERVICE_REQUIRED", False))
    filesystem_cache_max_bytes: int = 2**30

    def __post_init__(self) -> None:
        if isinstance(self.registry_auth_token, str):
            self.registry_auth_token = Secret(self.registry_auth_token)
        if isinstance(self.identity_service_secret, str):
            self.identity_service_secret = Secret(self.identity_service_secret)

    def cache(self) -> Cache | None:
        """Where content is kept; None where it is not."""
        if not self.filesystem_cache_enabled:
            return None
        root = None if self.filesystem_cache_root is None else Path(self.filesystem_cache_root)
        return Cache(root, self.filesystem_cache_max_bytes, bool(self.filesystem_cache_clean_on_exit))

    def source(self) -> Source:
        """Who is asked, and by which sign-in. Sends nothing; may read the keyring."""
        self._check()
        address = address_of(self.registry_url, self.digital_api_url)
        if address is None:
            raise ConfigurationError(
                "no registry is named", todo=f"Give registry_url or digital_api_url, or set {' or '.join(_URLS)}"
            )
        ref = settings.to_ref(f"istari+{address}")
        entry = settings.find(ref, platform="istari")
        if token := token_of(self.registry_auth_token):
            return source_with(entry, Credential(token, source="the argument registry_auth_token"))
        if settings.credential(entry) is not None:
            return source_of(ref, "istari")
        if address == address_of(*map(os.environ.get, _URLS)) and (known := token_of(os.environ.get(_TOKEN))):
            return source_with(entry, Credential(known, source=f"the environment ({_TOKEN})"))
        raise ConfigurationError(
            f"no token is known for {urlsplit(address).netloc}",
            todo=f"Give registry_auth_token, set {_TOKEN} beside the address, or save one with swnb.connect",
        )

    def _check(self) -> None:
        for each in fields(self):
            value, kind = getattr(self, each.name), str(each.type).partition(" ")[0]
            if kind in _KINDS and value is not None and not isinstance(value, _KINDS[kind]):
                raise ConfigurationError(f"{each.name} is {value!r}, which is no {kind}")
        for name in ("filesystem_cache_max_bytes", "http_request_timeout_secs"):
            if (getattr(self, name) or 0) < 0:
                raise ConfigurationError(f"{name} is {getattr(self, name)}, which is below 0")
        if self.filesystem_cache_max_bytes is None:
            raise ConfigurationError("filesystem_cache_max_bytes is None", todo="Give a number of bytes")
        if not isinstance(self.filesystem_cache_root, (str, Path, type(None))):
            raise ConfigurationError(f"filesystem_cache_root is {self.filesystem_cache_root!r}, which is no folder")
        for name, instead in _ELSEWHERE.items():
            if getattr(self, name):
                raise Unsupported(f"{name} is not for this client", todo=instead)


def address_of(registry: str | None, gateway: str | None) -> str | None:
    """The address that a registry's or a gateway's stands for; None where none is told."""
    for url in (registry, gateway):
        if url is not None and not isinstance(url, str):
            raise TypeError(f"an address is text, not {type(url).__name__}")
    if gateway:
        return canonical(gateway.rstrip("/") + _GATEWAY)
    if not registry:
        return None
    address = canonical(registry)
    parts = urlsplit(address)
    if not parts.netloc:
        raise BadInput(f"{registry!r} is no address of a registry")
    return f"{parts.scheme}://{parts.netloc}"
