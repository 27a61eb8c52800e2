"""What all tests share."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# No deadline: the machine may be busy with other work, and timings are never asserted in tests.
settings.register_profile("swnb", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("swnb")


@pytest.fixture(autouse=True, scope="session")
def nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests see no settings, stores or sign-ins of whoever runs them."""
    home = tmp_path_factory.mktemp("home")
    os.environ["SWNB_CONFIG_DIR"] = str(home / "swnb")
    os.environ["SW_CLI_CONFIG"] = str(home / "starwhale.yaml")
    os.environ["SW_LOCAL_STORAGE"] = str(home / "starwhale")
    os.environ["SWANLAB_SAVE_DIR"] = str(home / "swanlab")
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(home / "ray_token")
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    theirs = ("SWANLAB_ROOT", "SWANLAB_API_KEY", "SWANLAB_API_HOST", "SERVER_ADDRESS", "API_TOKEN")
    theirs += ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS", "RAY_AUTH_TOKEN", "ISTARI_REGISTRY_AUTH_TOKEN")
    for name in ("SWNB_TIMEOUT", "SW_TOKEN", "SW_INSTANCE_URI", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", *theirs):
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)
