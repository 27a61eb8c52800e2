"""Parts of addresses, and how a server's certificate is checked."""

from __future__ import annotations

import os
import ssl
from typing import TypeAlias
from urllib.parse import urlsplit

from swnb.errors import BadInput

Origin: TypeAlias = "tuple[str, str | None, int | None]"


def host(url: str) -> str:
    """host:port, without what may stand before an @."""
    return urlsplit(url).netloc.rpartition("@")[2]


def shown(path: str) -> str:
    """A path as errors show it: a query may hold a signature."""
    return urlsplit(path).path or "/"


def origin(url: str) -> Origin:
    """What must be equal for two addresses to be one server."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def near(url: str) -> bool:
    """Whether a server is on this machine, where packing and unpacking an answer costs more than sending it whole."""
    name = urlsplit(url).hostname or ""
    return name in ("localhost", "::1") or name.startswith("127.")


def tls(ca: str | None = None) -> ssl.SSLContext:
    """Verification, always on, by the authorities in the file ``ca``, else SWNB_CA_BUNDLE, SSL_CERT_FILE or
    SSL_CERT_DIR, else certifi's list."""
    file = ca or os.environ.get("SWNB_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    folder = None if file else os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        import certifi  # noqa: PLC0415  for https only

        file = certifi.where()
    try:
        return ssl.create_default_context(cafile=file, capath=folder)
    except (OSError, ssl.SSLError):
        pass
    raise BadInput(
        f"the certificate authorities in {file or folder} cannot be read",
        todo="SWNB_CA_BUNDLE or SSL_CERT_FILE has to name a file in PEM form",
    )
