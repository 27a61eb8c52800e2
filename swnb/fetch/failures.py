"""A request that got no answer: what went wrong, as a sentence. The one place where errors of the HTTP stack are read.

A :class:`Failure` holds texts only. The error it stands for is dropped, because its traceback runs through frames
in which headers, and with them tokens, are locals.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from swnb.errors import SwnbError, Timeout, Unreachable

_SLOW: Final = "If the server is only slow, set SWNB_TIMEOUT to more seconds"
_UP: Final = "Check that the server is up and that the address is right"
_ODD_CERTIFICATE: Final = (
    "If your organisation has a certificate authority of its own, name its file in SWNB_CA_BUNDLE; "
    "the check is never switched off"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer. ``passing`` says that trying again soon may help."""

    what: str
    todo: str = _UP
    passing: bool = False
    timeout: bool = False

    def error(self, server: str) -> SwnbError:
        return (Timeout if self.timeout else Unreachable)(self.what, where=server, todo=self.todo)


def expired(host: str, path: str, seconds: float, because: str = "") -> Failure:
    """The time for a request and its repeats is over; ``because`` is what the last attempt met."""
    last = f" (last: {because})" if because else ""
    return Failure(f"no answer to {path} from {host} within {seconds:g} s{last}", _SLOW, timeout=True)


def classify(error: BaseException, host: str, path: str) -> Failure:  # noqa: PLR0911  a table
    """Read an error of the HTTP stack by the causes it carries; ``host`` is host:port as a user knows it."""
    causes = list(_causes(error))
    if ours := next((cause for cause in causes if isinstance(cause, SwnbError)), None):
        return Failure(ours.what, ours.todo)
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        reason = next((str(cause.verify_message) for cause in causes if hasattr(cause, "verify_message")), "")
        return Failure(f"the certificate of {host} is not trusted{reason and ': ' + reason}", _ODD_CERTIFICATE)
    if any(isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError) for cause in causes):
        return Failure(f"no TLS connection with {host} is possible", "Check whether its address begins with http://")
    if names & {"ProxyError", "ClientProxyConnectionError", "ClientHttpProxyError"}:
        todo = "Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY; a server beside you belongs into NO_PROXY"
        return Failure(f"the proxy on the way to {host} does not let us through", todo)
    if any(isinstance(cause, socket.gaierror) for cause in causes) or "ClientConnectorDNSError" in names:
        return Failure(f"no address is known for {host}", "Check the name, and whether a VPN is needed")
    if any(isinstance(cause, (TimeoutError, asyncio.TimeoutError)) for cause in causes):
        return Failure(f"{host} does not go on with the answer to {path}", _SLOW, timeout=True)
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Failure(f"nothing answers at {host}: the connection was refused", passing=True)
    if "DecodingError" in names:
        return Failure(f"the answer to {path} cannot be unpacked")
    if names & {"InvalidURL", "UnsupportedProtocol"}:
        return Failure(f"{host} is no address that can be asked")
    if names & {"OSError", "EOFError", "RemoteProtocolError", "NetworkError", "ClientError", "TransportError"}:
        return Failure(f"the connection to {host} was cut{_detail(causes)}", passing=True)
    return Failure(f"the request to {host} could not be made ({type(error).__name__})", "Please report this as a fault")


def cut_short(path: str) -> Failure:
    """An answer that ended before its end."""
    return Failure(f"the answer to {path} was cut short", passing=True)


def _detail(causes: list[BaseException]) -> str:
    """What an OS error says of itself (network unreachable, connection reset …), without numbers and addresses."""
    for cause in causes:
        if isinstance(cause, OSError) and isinstance(cause.strerror, str) and re.fullmatch(r"[\w ,]+", cause.strerror):
            return f" ({cause.strerror})"
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
