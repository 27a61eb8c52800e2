"""The file that ``swanlab login`` writes, and SwanLab's variables."""

from __future__ import annotations

import netrc
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb import settings
from swnb.secret import Secret
from swnb.settings import environment, vault, vendors
from swnb.settings.vendors import swanlab_login

KEY = "abcdefghij0123456789k"
OTHER = "zyxwvutsrq9876543210z"
HOST = "http://127.0.0.1:18765"
FILE = "machine {host}\n\tlogin {host}\n\tpassword {key}\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home and working folder, and an environment that names no server."""
    for rule in environment._RULES:
        for variable in (*rule.hosts, rule.token):
            monkeypatch.delenv(variable or "unused", raising=False)
    for variable in ("SWANLAB_SAVE_DIR", "SWANLAB_ROOT"):
        monkeypatch.delenv(variable, raising=False)
    for name in ("home", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SWNB_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.setenv("SW_CLI_CONFIG", str(tmp_path / "none.yaml"))
    monkeypatch.setattr(vault, "_backend", lambda: None)
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ".netrc"
    path.write_bytes(text.encode())
    path.chmod(mode)
    return path


def login(folder: Path, host: str = HOST, key: str = KEY) -> Path:
    return write(folder, FILE.format(host=host, key=key))


def key_for(address: str) -> str | None:
    found = settings.credential(settings.find(f"swanlab+{address}"))
    return found.token.reveal() if found and found.token else None


class TestFile:
    def test_the_server_that_swanlab_login_knows_can_be_named_by_its_address(self, home: Path) -> None:
        path = login(home / ".swanlab")
        assert [(e.name, e.platform, e.address, e.source) for e in settings.servers()] == [
            (f"swanlab+{HOST}", "swanlab", HOST, "swanlab login")
        ]
        assert settings.to_ref(f"{HOST}/project/ada:mnist").server == f"swanlab+{HOST}"
        found = settings.credential(settings.servers()[0])
        assert found is not None
        assert (found.token, found.source) == (Secret(KEY), str(path))
        assert settings.problems() == []

    @pytest.mark.parametrize(
        ("host", "address"),
        [
            (HOST, HOST),
            (f"{HOST}/", HOST),
            (f"{HOST}/api", HOST),
            ("https://api.swanlab.cn/api", "https://api.swanlab.cn"),
            ("https://swanlab.cn", "https://api.swanlab.cn"),
            ("api.swanlab.cn", "https://api.swanlab.cn"),
            ("swan.example:8000/api", "https://swan.example:8000"),
        ],
    )
    def test_a_host_is_read_with_and_without_scheme_and_api(self, home: Path, host: str, address: str) -> None:
        login(home / ".swanlab", host)
        assert key_for(address) == KEY

    @pytest.mark.parametrize(
        "text",
        [
            f"machine {HOST}\n\tlogin x\n\tpassword {KEY}\n",
            f"machine {HOST} login x password {KEY}",
            f"\r\nmachine {HOST}\r\n  user x\r\n  account y\r\n  password {KEY}\r\n",
            f"machine\n{HOST}\npassword\n{KEY}",
            f'machine "{HOST}" login "a b" password "{KEY}"\n',
            f"# of mine\nmachine {HOST} # here\n\tlogin #x\n\tpassword {KEY}\n#",
            f"macdef init\ncd password\n\nmachine {HOST} login x password {KEY}\n",
            f"\ufeffmachine {HOST} login x password {KEY}\n",
        ],
    )
    def test_every_layout_that_netrc_allows_is_read(self, home: Path, text: str) -> None:
        write(home / ".swanlab", text)
        assert key_for(HOST) == KEY
        assert settings.problems() == []

    def test_of_several_entries_each_key_is_for_its_own_host_only(self, home: Path) -> None:
        text = FILE.format(host=HOST, key=KEY) + FILE.format(host="https://b.example/api", key=OTHER)
        write(home / ".swanlab", text + f"default login x password {'d' * 21}\n")
        assert (key_for(HOST), key_for("https://b.example"), key_for("https://c.example")) == (KEY, OTHER, None)
        assert key_for("http://b.example") is None
        assert settings.credential(settings.find(f"starwhale+{HOST}")) is None
        assert swanlab_login.login_address() == HOST  # the first, as the vendor takes it
        assert [server.entry.address for server in settings.outside("swanlab")] == [HOST, "https://b.example"]

    @pytest.mark.parametrize("key", ["a\"b'c", "#hash", "$%&/()=?", "a\\\\b", 'quote\\"d'])
    def test_odd_characters_of_a_key_are_read_as_netrc_reads_them(self, home: Path, key: str) -> None:
        path = login(home / ".swanlab", key=key)
        if sys.version_info >= (3, 11):
            assert netrc.netrc(path).hosts[HOST][2] == key_for(HOST)
        assert key_for(HOST) == {"a\\\\b": "a\\b", 'quote\\"d': 'quote"d'}.get(key, key)

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="older Pythons read quotes in another way")
    @given(
        st.dictionaries(
            st.sampled_from(["a.example", HOST, "https://b/api"]),
            st.text("ab#\"\\'0", min_size=1).filter(lambda key: key[0] != '"' and not key.endswith("\\")),
        ),
        st.booleans(),
    )
    def test_what_pythons_netrc_reads_is_read_the_same(self, entries: dict[str, str], quote: bool) -> None:
        if quote:
            entries = {host: '"' + re.sub(r'(["\\])', r"\\\1", key) + '"' for host, key in entries.items()}
        text = "".join(FILE.format(host=host, key=key) for host, key in entries.items())
        with tempfile.TemporaryDirectory() as folder:
            theirs = netrc.netrc(write(Path(folder), text)).hosts
        file = swanlab_login._File(Path("f"))
        ours = [(host, key.reveal()) for host, key in swanlab_login._entries(text, file)]
        assert ours == [(host, found[2]) for host, found in theirs.items()]
        assert file.problems == []

    def test_the_users_folder_is_that_of_the_variables(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        login(home / ".swanlab", "https://home.example")
        login(home / "saved", "https://saved.example")
        login(home / "root", "https://root.example")
        assert swanlab_login.login_address() == "https://home.example"
        monkeypatch.setenv("SWANLAB_SAVE_DIR", "~/saved")
        assert [server.entry.address for server in settings.outside()] == ["https://saved.example"]
        monkeypatch.setenv("SWANLAB_ROOT", str(home / "root"))
        assert swanlab_login.login_address() == "https://root.example"
        monkeypatch.delenv("SWANLAB_SAVE_DIR")
        assert [server.entry.address for server in settings.outside()] == ["https://root.example"]

    def test_the_working_folders_file_comes_first_but_tells_no_given_key_where_to_go(self, home: Path) -> None:
        login(home / ".swanlab")
        login(Path(".swanlab"), key=OTHER)
        assert key_for(HOST) == OTHER
        login(Path(".swanlab"), "https://evil.example")
        assert [server.entry.address for server in settings.outside()] == ["https://evil.example", HOST]
        assert swanlab_login.login_address() == HOST

    def test_at_home_the_two_files_are_one(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        login(home / ".swanlab", "not/an address")
        monkeypatch.chdir(home)
        assert len(settings.problems()) == 1

    def test_a_login_is_seen_at_once(self, home: Path) -> None:
        login(home / ".swanlab")
        login(home / ".swanlab", key=OTHER)
        assert key_for(HOST) == OTHER
        (home / ".swanlab" / ".netrc").unlink()
        assert (key_for(HOST), settings.servers()) == (None, [])

    def test_a_file_is_never_changed(self, home: Path) -> None:
        path = write(home / ".swanlab", FILE.format(host=f"{HOST}/api", key=KEY), mode=0o644)
        before = (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
        settings.servers()
        assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) == before


class TestProblems:
    @pytest.mark.skipif(sys.platform == "win32", reason="no modes")
    def test_a_key_that_others_can_read_is_used_and_told(self, home: Path) -> None:
        path = write(home / ".swanlab", FILE.format(host=HOST, key=KEY), mode=0o640)
        assert key_for(HOST) == KEY
        assert settings.problems() == [f"{path} holds a key and can be read by others: chmod 600 {path}"]

    @pytest.mark.parametrize(
        "text",
        [
            f"machine {HOST}\n\tpassword {KEY}ä\n",
            f"machine {HOST}\n\tpasswort {KEY}\n",
            f"{KEY}\n",
            f"machine http://u:{KEY}@h\n\tpassword {KEY}\n",
            f"machine {HOST}\n\tpassword\n",
            f'machine {HOST}\n\tpassword "{KEY}\\\n',
            f"machine {HOST} password {KEY}\0\n",
        ],
    )
    def test_what_cannot_be_read_is_told_without_a_key(self, home: Path, text: str) -> None:
        path = write(home / ".swanlab", text)
        assert settings.servers() == []
        (problem,) = settings.problems()
        assert str(path) in problem
        assert KEY not in problem

    def test_entries_before_the_damage_count(self, home: Path) -> None:
        write(home / ".swanlab", FILE.format(host=HOST, key=KEY) + f"oops {OTHER}\n")
        assert key_for(HOST) == KEY
        assert "line 4" in settings.problems()[0]

    def test_what_is_no_file_is_a_problem_not_an_error(self, home: Path) -> None:
        (home / ".swanlab" / ".netrc").mkdir(parents=True)
        os.mkfifo(Path("pipe"))
        Path(".swanlab").mkdir()
        Path(".swanlab", ".netrc").symlink_to(Path("pipe").absolute())
        assert settings.servers() == []
        assert len(settings.problems()) == 2

    def test_an_entry_without_a_key_is_none(self, home: Path) -> None:
        write(home / ".swanlab", f"machine {HOST} login x\nmachine {HOST} password ''\n".replace("''", '""'))
        assert (settings.servers(), settings.problems()) == ([], [])

    def test_no_frame_and_no_repr_shows_a_key(self, home: Path) -> None:
        login(home / ".swanlab")
        assert KEY not in repr((vendors.found(), settings.outside(), settings.servers(), swanlab_login._read(_path())))


def _path() -> Path:
    return Path.home() / ".swanlab" / ".netrc"


@pytest.fixture
def key_in_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SWANLAB_API_KEY", OTHER)
    yield


@pytest.mark.usefixtures("key_in_environment")
class TestEnvironment:
    def test_its_key_is_for_the_default_host_whatever_swanlab_login_knows(self, home: Path) -> None:
        login(home / ".swanlab")
        assert (key_for(HOST), key_for("https://api.swanlab.cn")) == (KEY, OTHER)

    @pytest.mark.parametrize("host", [HOST, f" {HOST}/api ", f"{HOST}/api/"])
    def test_its_key_comes_before_that_of_swanlab_login_for_its_own_host(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, host: str
    ) -> None:
        login(home / ".swanlab")
        monkeypatch.setenv("SWANLAB_API_HOST", host)
        assert (key_for(HOST), key_for("https://api.swanlab.cn")) == (OTHER, None)
        assert [entry.source for entry in settings.servers()] == ["environment"]

    def test_a_host_alone_takes_the_key_that_was_stored_for_it(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        login(home / ".swanlab")
        monkeypatch.delenv("SWANLAB_API_KEY")
        monkeypatch.setenv("SWANLAB_API_HOST", "127.0.0.1:18765")
        assert (key_for(HOST), key_for("https://127.0.0.1:18765")) == (KEY, None)
        monkeypatch.setenv("SWANLAB_API_HOST", HOST)
        assert key_for(HOST) == KEY


def test_a_platforms_word_for_a_host_is_one_address() -> None:
    assert environment.address_of("swanlab") == environment.address_of("swanlab", " ") == "https://api.swanlab.cn"
    assert environment.address_of("swanlab", "h:1/api/") == "https://h:1"
