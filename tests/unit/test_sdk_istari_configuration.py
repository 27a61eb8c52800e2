"""Which registry Istari's client asks, by which token, and what it refuses to be told. Nothing is sent here."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

import pytest

import swnb
from swnb.bridge import run
from swnb.client.source import close_all
from swnb.errors import Unsupported
from swnb.sdk.istari import Client, Configuration, ConfigurationError
from swnb.sdk.istari.configuration import address_of

TOKEN = "a-token-that-is-long-and-that-stands-nowhere-4711"
HOST = "https://registry.example"


@pytest.fixture(autouse=True)
def nobodys_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import os

    for name in [name for name in os.environ if name.startswith("ISTARI_")]:
        monkeypatch.delenv(name)
    yield
    run(close_all())


def signed_by(client: Client) -> str | None:
    known = client._source._credential
    return known.token.reveal() if known and known.token else None


@pytest.mark.parametrize(
    ("registry", "gateway", "address"),
    [
        (HOST, None, HOST),
        (f"{HOST}/", None, HOST),
        ("http://h:8080/some/prefix", None, "http://h:8080"),
        (None, "https://gw.example", "https://gw.example/registry"),
        (HOST, "https://gw.example/istari/", "https://gw.example/istari/registry"),
        (None, None, None),
        ("", "", None),
    ],
)
def test_the_gateway_comes_before_the_registry_and_keeps_its_path(
    registry: str | None, gateway: str | None, address: str | None
) -> None:
    assert address_of(registry, gateway) == address


def test_what_is_not_told_is_a_value_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"no registry is named.*ISTARI_REGISTRY_URL") as raised:
        Client()
    assert isinstance(raised.value, ValueError)
    with pytest.raises(ConfigurationError, match=r"no token is known for registry\.example"):
        Client(Configuration(registry_url=HOST))
    monkeypatch.setenv("ISTARI_REGISTRY_URL", "https://other.example")
    monkeypatch.setenv("ISTARI_REGISTRY_AUTH_TOKEN", TOKEN)
    with pytest.raises(ConfigurationError, match=r"no token is known for registry\.example"):
        Client(Configuration(registry_url=HOST))  # the environment's token is for its own host


@pytest.mark.parametrize("name", ["ISTARI_REGISTRY_URL", "ISTARI_DIGITAL_API_URL"])
def test_the_environment_tells_where_and_by_which_token(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, HOST)
    monkeypatch.setenv("ISTARI_REGISTRY_AUTH_TOKEN", TOKEN)
    client = Client()
    assert repr(client) == f"Client({HOST}{'/registry' if 'DIGITAL' in name else ''})"


def test_a_saved_server_signs_in_at_its_own_address() -> None:
    swnb.connect("lab", f"istari+{HOST}", token=TOKEN)
    try:
        assert repr(Client(Configuration(registry_url=HOST))) == f"Client({HOST})"
        with pytest.raises(ConfigurationError):
            Client(Configuration(registry_url="https://elsewhere.example"))
    finally:
        swnb.forget("lab")


def test_the_argument_comes_before_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTARI_REGISTRY_URL", HOST)
    monkeypatch.setenv("ISTARI_REGISTRY_AUTH_TOKEN", "another-one-from-the-environment")
    client = Client(Configuration(registry_auth_token=f"Bearer {TOKEN}\n"))
    assert signed_by(client) == TOKEN


def test_a_token_is_in_no_repr_and_no_frame_of_an_error() -> None:
    config = Configuration(registry_url=HOST, registry_auth_token=TOKEN, identity_service_secret="another-secret")
    shown = [repr(config), str(config), repr(Client(config)), repr(vars(config))]
    for odd in ({"retry_enabled": "maybe"}, {"proxy_url": "http://u:p@h"}, {"registry_url": "nowhere at all"}):
        with pytest.raises((ValueError, Unsupported)) as raised:
            Client(Configuration(**{"registry_url": HOST, "registry_auth_token": TOKEN, **odd}))
        stack = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
        ours = [frame for frame in stack.stack if "/swnb/" in frame.filename]
        assert ours
        shown += [str(frame.locals) for frame in ours]
    with pytest.raises(ValueError, match="characters that no token has"):
        Client(Configuration(registry_url=HOST, registry_auth_token="two\nlines-of-it"))
    assert all(TOKEN not in text and "another-secret" not in text for text in shown)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ISTARI_CLIENT_RETRY_ENABLED", "perhaps"),
        ("ISTARI_CLIENT_HTTP_REQUEST_TIMEOUT_SECS", "ten"),
        ("ISTARI_CLIENT_FILESYSTEM_CACHE_ENABLED", "2"),
    ],
)
def test_a_variable_that_means_nothing_is_told(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=value):
        Client(Configuration(registry_url=HOST, registry_auth_token=TOKEN))


@pytest.mark.parametrize(
    ("name", "field", "text", "value"),
    [
        ("ISTARI_CLIENT_RETRY_ENABLED", "retry_enabled", "No", False),
        ("ISTARI_CLIENT_FILESYSTEM_CACHE_ENABLED", "filesystem_cache_enabled", "y", True),
        ("ISTARI_CLIENT_HTTP_REQUEST_TIMEOUT_SECS", "http_request_timeout_secs", "7", 7),
        ("ISTARI_CLIENT_HTTP_REQUEST_TIMEOUT_SECS", "http_request_timeout_secs", "0", 0),
        ("ISTARI_CLIENT_LOG_LEVEL", "log_level", "DEBUG", "DEBUG"),
        ("ISTARI_CLIENT_FILESYSTEM_CACHE_CLEAN_BEFORE_EXIT", "filesystem_cache_clean_on_exit", "f", False),
    ],
)
def test_settings_are_read_from_the_environment(
    name: str, field: str, text: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    assert getattr(Configuration(), field) == value
    assert getattr(Configuration(**{field: None}), field) is None


@pytest.mark.parametrize(
    "setting",
    [
        {"proxy_url": "http://proxy"},
        {"ca_bundle": "/ca.pem"},
        {"s3_direct_upload_enabled": True},
        {"identity_service_required": True},
    ],
)
def test_what_only_the_vendors_client_does_is_unsupported_and_not_ignored(setting: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match=next(iter(setting))):
        Client(Configuration(registry_url=HOST, registry_auth_token=TOKEN, **setting))


def test_two_clients_with_one_token_share_connections_and_with_another_do_not() -> None:
    def client(token: str) -> Client:
        return Client(Configuration(registry_url=HOST, registry_auth_token=token))

    assert client(TOKEN)._source is client(TOKEN)._source
    assert client(TOKEN)._source is not client(f"{TOKEN}-other")._source
