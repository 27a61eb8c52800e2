"""How errors of the HTTP stack read to people. (That they are met at all: tests/wire/test_transport.py.)"""

from __future__ import annotations

import socket
import ssl

import pytest

from swnb.errors import BadInput, Timeout, Unreachable
from swnb.fetch.addresses import host, origin, shown, tls
from swnb.fetch.failures import classify, expired


def caused(error: BaseException) -> Exception:
    outer = RuntimeError("whatever the stack says, with tok-secret in it")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "says", "passing"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "nothing answers at h:1", True),
        (ConnectionResetError(104, "Connection reset by peer"), "was cut (Connection reset by peer)", True),
        (OSError(101, "Network is unreachable"), "was cut (Network is unreachable)", True),
        (EOFError(), "was cut", True),
        (socket.gaierror(-2, "Name or service not known"), "no address is known for h:1", False),
        (ssl.SSLCertVerificationError(1, "self-signed"), "certificate of h:1 is not trusted", False),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), "no TLS connection with h:1", False),
        (TimeoutError(), "h:1 does not go on", False),
        (ZeroDivisionError(), "could not be made (RuntimeError)", False),
    ],
)
def test_each_cause_has_its_sentence_and_nothing_of_the_stacks_own_text(
    error: BaseException, says: str, passing: bool
) -> None:
    failure = classify(caused(error), "h:1", "/x")
    assert says in failure.what
    assert failure.passing is passing
    assert "tok-secret" not in str(failure.error("lab"))
    assert failure.todo


def test_only_a_lack_of_time_is_a_timeout() -> None:
    assert type(classify(TimeoutError(), "h", "/").error("lab")) is Timeout
    assert type(classify(EOFError(), "h", "/").error("lab")) is Unreachable
    error = expired("h:1", "/x", 30.0, "status 503").error("lab")
    assert type(error) is Timeout
    assert str(error).startswith("lab: no answer to /x from h:1 within 30 s (last: status 503).")


def test_a_circle_of_causes_ends() -> None:
    one, two = EOFError(), EOFError()
    one.__context__, two.__context__ = two, one
    assert classify(one, "h", "/").passing


def test_neither_users_nor_queries_of_addresses_are_shown() -> None:
    assert host("https://me:pw@h.test:1/x?sig=1") == "h.test:1"
    assert shown("https://h.test/a/b?sig=1#f") == "/a/b"
    assert shown("https://h.test") == "/"


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin("http://H.test/a") == origin("http://h.test:80/b")
    assert origin("http://h.test") != origin("https://h.test")
    assert origin("http://h.test:80") != origin("http://h.test:81")


def test_a_folder_of_authorities_counts_where_no_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    for name in ("SWNB_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert tls().get_ca_certs() == []
    monkeypatch.setenv("SSL_CERT_FILE", f"{tmp_path}/none.pem")
    with pytest.raises(BadInput, match=r"none\.pem"):
        tls()
