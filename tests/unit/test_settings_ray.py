"""Ray's token file: for the cluster that the environment names, or Ray's own on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from swnb import settings

TOKEN = "ray-token-4711-0815"


@pytest.fixture
def token_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "auth_token"
    path.write_text(f"{TOKEN}\n")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(path))
    return path


def token_for(address: str) -> str | None:
    known = settings.credential(settings.find(f"ray+{address}"))
    return known.token.reveal() if known and known.token else None


def test_the_token_is_for_rays_default_address_where_none_is_named(token_file: Path) -> None:
    assert token_for("http://127.0.0.1:8265") == TOKEN
    assert token_for("http://other.example:8265") is None


def test_the_token_is_for_the_cluster_of_the_environment(token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "http://cluster.example:8265")
    assert token_for("http://cluster.example:8265") == TOKEN
    assert token_for("http://127.0.0.1:8265") is None


def test_a_token_of_the_environment_comes_first(token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of-the-environment")
    assert token_for("http://127.0.0.1:8265") == "of-the-environment"


def test_an_address_that_is_no_http_is_said_and_gets_no_token(
    token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "ray://cluster:10001")
    assert any("auth_token is not used" in problem for problem in settings.problems())
    assert not any(TOKEN in problem for problem in settings.problems())


def test_no_file_and_an_empty_file_are_nothing(token_file: Path) -> None:
    token_file.write_text("\n")
    assert token_for("http://127.0.0.1:8265") is None
    token_file.unlink()
    assert settings.problems() == []
