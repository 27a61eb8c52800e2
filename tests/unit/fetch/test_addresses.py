from __future__ import annotations

import pytest

from swnb.fetch.addresses import near


@pytest.mark.parametrize("url", ["http://127.0.0.1:8082", "http://localhost", "https://[::1]:9/x", "http://127.9.9.9/"])
def test_this_machine_is_near(url: str) -> None:
    assert near(url)


@pytest.mark.parametrize("url", ["https://starwhale.example", "http://10.0.0.1:8082", "http://localhost.example/"])
def test_another_machine_is_not(url: str) -> None:
    assert not near(url)
