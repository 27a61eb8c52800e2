from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import hypothesis
import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb import settings
from swnb.errors import BadInput, BadURI, NotFound, StoreError
from swnb.secret import Secret
from swnb.settings import environment, files, vault, vendors
from swnb.settings.entries import Entry, token_of

tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")

BOX = "starwhale+http://127.0.0.1:8082"
TOKEN = "tok-0123456789-secret"

CONFIG = """\
version: '2.0'
current_instance: s2
instances:
  local: {uri: local, type: standalone, user_name: me, current_project: self}
  first: {uri: 'http://127.0.0.1:18789', type: cloud, sw_token: Bearer tok-of-first, current_project: '1'}
  s2: {uri: 'http://127.0.0.1:18789', type: cloud, sw_token: tok-of-s2, user_name: starwhale, current_project: 2}
  other: {uri: 'https://SW.example.org:443', type: cloud}
storage: {root: ROOT}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of this test's own, in an environment that names no server and has no keyring."""
    for rule in environment._RULES:
        for variable in (*rule.hosts, rule.token):
            monkeypatch.delenv(variable or "unused", raising=False)
    for variable in ("SW_CLI_CONFIG", "SW_LOCAL_STORAGE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SWNB_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.setattr(vault, "_backend", lambda: None)
    return tmp_path / "settings"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.replace("ROOT", str(tmp_path / "store")))
    monkeypatch.setenv("SW_CLI_CONFIG", str(path))
    return path


def token(entry: Entry) -> str | None:
    found = settings.credential(entry)
    return found.token.reveal() if found and found.token else None


class Ring:
    """A keyring in memory."""

    priority = 5

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, key: str) -> str | None:
        return self.held.get((service, key))

    def set_password(self, service: str, key: str, value: str) -> None:
        self.held[service, key] = value

    def delete_password(self, service: str, key: str) -> None:
        del self.held[service, key]


class TestConnect:
    def test_saves_a_server_and_its_token_for_the_next_process(self) -> None:
        entry = settings.connect("lab", BOX + "/", TOKEN)
        assert entry == Entry("lab", "starwhale", "http://127.0.0.1:8082", "saved", kept="file")
        assert settings.servers() == [entry]
        assert settings.find("lab/project/1/job/2") == entry
        assert token(entry) == TOKEN

    @pytest.mark.parametrize("given", [f"Bearer {TOKEN}", f"  bearer  {TOKEN}\n", Secret(TOKEN)])
    def test_takes_a_token_with_and_without_bearer(self, given: str | Secret) -> None:
        assert token(settings.connect("lab", BOX, given)) == TOKEN

    def test_keeps_user_and_password(self) -> None:
        entry = settings.connect("lab", BOX, user="me", password='p"ä\\ss word')
        found = settings.credential(entry)
        assert found is not None
        assert (found.user, found.password, found.token) == ("me", Secret('p"ä\\ss word'), None)

    def test_takes_the_current_project_from_the_uri(self) -> None:
        assert settings.connect("lab", BOX + "/project/mnist").current_project == "mnist"
        assert settings.find("lab").current_project == "mnist"

    @pytest.mark.parametrize("name", ["local", "job", "a b", "a/b", "swanlab+http", "", "ä", "a\n"])
    def test_refuses_a_name_that_cannot_stand_in_an_address(self, name: str) -> None:
        with pytest.raises(BadInput):
            settings.connect(name, BOX)

    @pytest.mark.parametrize("uri", ["http://127.0.0.1:8082", "lab", "local", BOX + "/job/1", "starwhale+http://u:p@h"])
    def test_refuses_what_is_no_address_of_a_server_with_its_platform(self, uri: str) -> None:
        with pytest.raises(BadURI):
            settings.connect("lab", uri)

    def test_a_plain_address_has_the_platform_of_the_entry_that_is_known(self, config: Path) -> None:
        assert settings.connect("mine", "https://sw.example.org").platform == "starwhale"

    @pytest.mark.parametrize(
        "sign_in",
        [
            {"token": ""},
            {"token": "Bearer "},
            {"token": "tok\nX-Evil: 1 0123"},
            {"token": "tök-0123456"},
            {"user": "me"},
            {"password": "hunter2secret"},
            {"user": "me", "password": "hunter2secret\n"},
        ],
    )
    def test_refuses_a_sign_in_that_cannot_be_meant_and_does_not_repeat_it(self, sign_in: dict[str, str]) -> None:
        with pytest.raises(BadInput) as caught:
            settings.connect("lab", BOX, **sign_in)
        assert not any(value in str(caught.value) for value in sign_in.values() if len(value) > 8)
        assert settings.servers() == []

    def test_a_folder_has_no_token(self) -> None:
        with pytest.raises(BadInput):
            settings.connect("runs", "swanlab+file:///home/me/swanlog", TOKEN)
        assert settings.connect("runs", "swanlab+file:///home/me/swanlog").address == "file:///home/me/swanlog"

    def test_again_without_a_token_keeps_that_of_the_same_address(self) -> None:
        settings.connect("lab", BOX + "/project/7", TOKEN)
        entry = settings.connect("lab", BOX)
        assert (token(entry), entry.current_project) == (TOKEN, "7")

    def test_a_name_given_to_another_address_leaves_the_old_token_behind(self, place: Path) -> None:
        settings.connect("lab", BOX, TOKEN)
        assert token(settings.connect("lab", "starwhale+http://evil.example")) is None
        assert TOKEN not in (place / "secrets.toml").read_text()

    def test_an_address_changed_by_hand_has_no_token(self, place: Path) -> None:
        settings.connect("lab", BOX, TOKEN)
        file = place / "servers.toml"
        file.write_text(file.read_text().replace("127.0.0.1:8082", "evil.example"))
        assert token(settings.find("lab")) is None

    def test_two_names_for_one_address_share_no_token(self) -> None:
        settings.connect("a", BOX, "token-of-a")
        settings.connect("b", BOX, "token-of-b")
        bare = settings.connect("c", BOX)
        assert [token(settings.find(name)) for name in ("a", "b", "c")] == ["token-of-a", "token-of-b", None]
        assert bare.kept == ""

    def test_a_bare_address_takes_the_server_saved_last(self) -> None:
        for name in ("a", "b", "a"):
            settings.connect(name, BOX, f"token-of-{name}")
        assert settings.find(BOX).name == "a"
        assert settings.to_ref("http://127.0.0.1:8082/project/1").server == "a"


class TestForget:
    def test_removes_server_and_token(self, place: Path) -> None:
        settings.connect("lab", BOX, TOKEN)
        settings.connect("b", BOX, "token-of-b")
        settings.forget("lab")
        assert [entry.name for entry in settings.servers()] == ["b"]
        assert TOKEN not in (place / "secrets.toml").read_text()
        assert token(settings.find("b")) == "token-of-b"

    def test_says_what_it_cannot_forget(self, config: Path) -> None:
        with pytest.raises(NotFound, match="starwhale config, which swnb does not change"):
            settings.forget("s2")
        with pytest.raises(NotFound, match="no server is saved as 'nope'"):
            settings.forget("nope")


class TestFind:
    def test_an_unknown_name_is_told_the_known_ones(self) -> None:
        settings.connect("lab", BOX)
        with pytest.raises(NotFound, match="Known are: lab"):
            settings.find("lba")

    def test_a_plain_unknown_address_needs_a_platform(self) -> None:
        with pytest.raises(BadURI, match=r"starwhale\+https://server"):
            settings.find("https://server/job/1")
        entry = settings.find("https://server/job/1", platform="starwhale")
        assert (entry.name, entry.platform, entry.address) == (
            "starwhale+https://server",
            "starwhale",
            "https://server",
        )

    def test_a_bare_id_is_a_job_of_the_current_server_unless_a_server_is_called_so(self) -> None:
        assert str(settings.to_ref("co6vo5")) == "local/job/co6vo5"
        settings.connect("co6vo5", BOX)
        assert str(settings.to_ref("co6vo5")) == "co6vo5"

    def test_an_address_nobody_saved_is_a_server_without_a_sign_in(self) -> None:
        entry = settings.find("ray+http://h:8265")
        assert (entry.name, entry.source, settings.credential(entry)) == ("ray+http://h:8265", "address", None)


class TestEnvironment:
    def test_a_token_is_for_the_hosts_own_address_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SW_INSTANCE_URI", "http://127.0.0.1:8082/")
        monkeypatch.setenv("SW_TOKEN", f"Bearer {TOKEN}")
        assert token(settings.find(BOX)) == TOKEN
        assert token(settings.find("starwhale+http://127.0.0.1:8083")) is None
        assert token(settings.find("swanlab+http://127.0.0.1:8082")) is None
        assert [(e.name, e.source) for e in settings.servers()] == [(BOX, "environment")]
        assert settings.to_ref("http://127.0.0.1:8082/project/1").server == BOX

    def test_a_token_without_a_host_is_for_the_vendors_default_or_for_nobody(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SW_TOKEN", TOKEN)
        monkeypatch.setenv("API_TOKEN", TOKEN)
        monkeypatch.setenv("SWANLAB_API_KEY", TOKEN)
        assert [entry.name for entry in settings.servers()] == ["swanlab+https://api.swanlab.cn"]
        assert token(settings.find("https://swanlab.cn/@a/b")) == TOKEN
        monkeypatch.setenv("SWANLAB_API_HOST", "https://self.example/api")
        assert token(settings.find("swanlab+https://api.swanlab.cn")) is None
        assert token(settings.find("swanlab+https://self.example")) == TOKEN

    def test_what_connect_saved_comes_before_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SW_INSTANCE_URI", "http://127.0.0.1:8082")
        monkeypatch.setenv("SW_TOKEN", "token-of-env")
        assert token(settings.connect("lab", BOX)) == "token-of-env"
        assert token(settings.connect("lab", BOX, TOKEN)) == TOKEN
        assert [entry.name for entry in settings.servers()] == ["lab"]

    def test_a_host_that_is_no_http_address_is_a_problem_not_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
        monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
        assert settings.servers() == []
        assert [problem.split()[0] for problem in settings.problems()] == ["RAY_ADDRESS"]

    def test_a_host_without_a_scheme_is_read_as_its_vendor_does(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SERVER_ADDRESS", "sly.example")
        monkeypatch.setenv("SWANLAB_API_HOST", "swan.example:8000/api")
        addresses = {entry.address for entry in settings.servers()}
        assert addresses == {"https://sly.example", "https://swan.example:8000"}
        monkeypatch.setenv("SERVER_ADDRESS", "localhost:8080")  # a token goes over plain HTTP on this machine only
        assert "http://localhost:8080" in {entry.address for entry in settings.servers()}

    def test_istaris_registry_lies_below_its_gateway(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ISTARI_REGISTRY_URL", "https://registry.example/some/prefix")  # whose path does not count
        assert "https://registry.example" in {entry.address for entry in settings.servers()}
        monkeypatch.setenv("ISTARI_DIGITAL_API_URL", "https://gate.example/")
        assert "https://gate.example/registry" in {entry.address for entry in settings.servers()}


class TestStarwhaleConfig:
    def test_aliases_are_servers_the_current_one_first(self, config: Path) -> None:
        found = [(e.name, e.address, e.current_project) for e in settings.servers()]
        assert found == [
            ("s2", "http://127.0.0.1:18789", "2"),
            ("other", "https://sw.example.org", None),
            ("first", "http://127.0.0.1:18789", "1"),
        ]
        assert {entry.source for entry in settings.servers()} == {"starwhale config"}

    def test_each_alias_has_its_own_token_with_or_without_bearer(self, config: Path) -> None:
        tokens = [token(settings.find(name)) for name in ("first", "s2", "other")]
        assert tokens == ["tok-of-first", "tok-of-s2", None]

    def test_an_address_takes_the_current_instance(self, config: Path) -> None:
        assert settings.find("http://127.0.0.1:18789/job/1").name == "s2"
        assert settings.to_ref("co6vo5", expect="job").server == "s2"

    def test_a_saved_name_without_a_token_takes_the_vendors_for_its_own_address(self, config: Path) -> None:
        entry = settings.connect("mine", "starwhale+http://127.0.0.1:18789")
        assert (token(entry), settings.find("mine").current_project) == ("tok-of-s2", "2")
        assert token(settings.connect("else", "starwhale+http://127.0.0.1:1")) is None

    def test_an_alias_whose_name_is_taken_is_listed_by_its_address(self, config: Path) -> None:
        settings.connect("other", BOX)
        names = [entry.name for entry in settings.servers()]
        assert names == ["other", "s2", "starwhale+https://sw.example.org", "first"]

    def test_the_standalone_store_is_local(self, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert settings.store_root() == tmp_path / "store"
        assert "local" not in [entry.name for entry in settings.servers()]
        (tmp_path / "store").mkdir()
        local = next(entry for entry in settings.servers() if entry.name == "local")
        assert (local.platform, local.address, local.current_project) == (
            "starwhale",
            (tmp_path / "store").as_uri(),
            "self",
        )
        monkeypatch.setenv("SW_LOCAL_STORAGE", str(tmp_path / "elsewhere"))
        assert settings.find("local").address == (tmp_path / "elsewhere").as_uri()

    def test_a_missing_file_means_defaults_and_is_not_made(self, tmp_path: Path) -> None:
        assert settings.store_root() == tmp_path / "home" / ".starwhale"
        assert settings.to_ref("co6vo5", expect="job").server == "local"
        assert settings.find("local").current_project == "self"
        assert not (tmp_path / "home").exists()

    def test_a_changed_file_is_read_again(self, config: Path) -> None:
        assert token(settings.find("s2")) == "tok-of-s2"
        config.write_text(config.read_text().replace("tok-of-s2", "tok-anew-s2"))
        os.utime(config, ns=(1, 1))
        assert token(settings.find("s2")) == "tok-anew-s2"

    def test_what_can_be_read_is_read_and_the_rest_told(self, config: Path) -> None:
        content = (
            "version: '1.0'\ncurrent_instance: [1]\nstorage: 3\n"
            "instances:\n  good: {uri: 'http://h:1', current_project: true}\n  'a b': {uri: 'http://h:2'}\n"
            "  bad: {uri: 'http://u:hunter2secret@h'}\n  odd: 3\n  7: {uri: 'http://h:3', sw_token: \"a\\nb\"}\n"
        )
        config.write_text(content)
        assert [(e.name, e.current_project) for e in settings.servers()] == [("good", None)]
        told = "\n".join(settings.problems())
        assert len(settings.problems()) == 5
        assert "version" in told
        assert "hunter2" not in told
        assert config.read_text() == content

    @pytest.mark.parametrize(
        "content",
        [
            "instances: {a: {sw_token: hunter2secret",
            "- hunter2secret\n",
            "!!python/object/apply:os.getcwd []",
            "[" * 9999,
            "\0",
        ],
    )
    def test_a_damaged_file_is_a_problem_not_an_error(self, config: Path, content: str) -> None:
        config.write_text(content)
        assert settings.servers() == []
        assert [str(config) in problem for problem in settings.problems()] == [True]
        assert "hunter2" not in settings.problems()[0]

    def test_an_empty_file_or_one_that_is_none_means_defaults(
        self, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config.write_text("")
        assert vendors.starwhale() == vendors.StarwhaleConfig()
        monkeypatch.setenv("SW_CLI_CONFIG", str(tmp_path))
        assert "no file" in settings.problems()[0]


class TestSecretsAtRest:
    def test_a_token_stands_only_in_the_file_of_secrets_which_is_its_owners(self, place: Path) -> None:
        entry = settings.connect("lab", BOX, TOKEN, user="me", password="hunter2secret")
        shown = repr((entry, settings.servers(), settings.credential(entry))) + (place / "servers.toml").read_text()
        assert TOKEN not in shown
        assert "hunter2" not in shown
        assert TOKEN in (place / "secrets.toml").read_text()

    def test_files_are_their_owners_from_the_moment_they_are_made(self, place: Path) -> None:
        before = os.umask(0)
        try:
            settings.connect("lab", BOX, TOKEN)
        finally:
            os.umask(before)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (place, *place.iterdir())}
        assert modes == {"settings": 0o700, ".lock": 0o600, "servers.toml": 0o600, "secrets.toml": 0o600}

    def test_a_file_open_to_others_is_closed_when_it_is_read(self, place: Path) -> None:
        entry = settings.connect("lab", BOX, TOKEN)
        (place / "secrets.toml").chmod(0o644)
        assert token(entry) == TOKEN
        assert stat.S_IMODE((place / "secrets.toml").stat().st_mode) == 0o600

    def test_a_usable_keyring_takes_the_secret_and_no_file_does(
        self, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ring = Ring()
        monkeypatch.setattr(vault, "_backend", lambda: ring)
        entry = settings.connect("lab", BOX, TOKEN)
        assert (entry.kept, token(settings.find("lab"))) == ("keyring", TOKEN)
        assert not (place / "secrets.toml").exists()
        settings.forget("lab")
        assert ring.held == {}

    def test_a_secret_moves_from_the_file_to_the_keyring(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.connect("lab", BOX, TOKEN)
        monkeypatch.setattr(vault, "_backend", Ring)
        assert settings.connect("lab", BOX, "token-anew").kept == "keyring"
        assert TOKEN not in (place / "secrets.toml").read_text()

    def test_a_keyring_that_fails_or_holds_nonsense_is_no_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ring = Ring()
        monkeypatch.setattr(vault, "_backend", lambda: ring)
        entry = settings.connect("lab", BOX, TOKEN)
        for nonsense in ("{", "[1]", '{"token": 3}'):
            ring.held = dict.fromkeys(ring.held, nonsense)
            assert token(entry) is None
        monkeypatch.setattr(ring, "set_password", lambda *_: 1 / 0)
        assert settings.connect("b", BOX, TOKEN).kept == "file"

    def test_a_keyring_that_waits_for_its_user_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ring, over = Ring(), threading.Event()
        monkeypatch.setattr(ring, "set_password", lambda *_: over.wait(60))
        monkeypatch.setattr(vault, "_backend", lambda: ring)
        monkeypatch.setattr(vault, "_KEYRING_SECONDS", 0.05)
        assert settings.connect("lab", BOX, TOKEN).kept == "file"
        over.set()

    @pytest.mark.parametrize(
        ("priorities", "chosen"), [((5,), 5), ((0,), None), ((-1,), None), ((0.5, 2, 9), 2), ((0.5,), None)]
    )
    def test_backends_that_fail_forget_or_store_plainly_count_as_none(
        self, monkeypatch: pytest.MonkeyPatch, priorities: tuple[float, ...], chosen: float | None
    ) -> None:
        monkeypatch.undo()
        rings = [type("Backend", (Ring,), {"priority": priority})() for priority in priorities]
        chain = type("Chainer", (Ring,), {"backends": rings, "priority": 10})()
        monkeypatch.setattr(keyring, "get_keyring", lambda: chain if len(rings) > 1 else rings[0])
        assert getattr(vault._backend(), "priority", None) == chosen

    def test_a_broken_keyring_package_counts_as_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()
        monkeypatch.setattr(keyring, "get_keyring", lambda: 1 / 0)
        assert vault._backend() is None

    def test_no_frame_of_a_failed_save_holds_a_token(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.connect("first", BOX, "token-of-first")
        monkeypatch.setattr(Path, "replace", _full)
        with pytest.raises(StoreError) as caught:
            settings.connect("lab", BOX, TOKEN, user="me", password="hunter2secret")
        for frame in list(_frames(caught.value))[1:]:  # the first is the caller's own
            assert not any(word in repr(frame) for word in (TOKEN, "token-of-first", "hunter2"))


def _frames(error: BaseException) -> Iterator[dict[str, object]]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_locals
        trace = trace.tb_next


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


class TestFiles:
    @hypothesis.settings(deadline=None)
    @given(
        st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"])),
            st.dictionaries(
                st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
            ),
        )
    )
    def test_what_is_written_is_what_toml_reads(self, sections: dict[str, dict[str, str]]) -> None:
        assert tomllib.loads(files.dump("servers", sections)) == ({"servers": sections} if sections else {})

    def test_a_crash_before_the_rename_leaves_the_old_file(self, place: Path) -> None:
        entry = settings.connect("lab", BOX, TOKEN)
        before = {path.name: path.read_bytes() for path in place.iterdir()}
        code = (
            "import os, pathlib; from swnb import settings; from swnb.settings import vault\n"
            "vault._backend = lambda: None\n"
            "pathlib.Path.replace = lambda *_: os._exit(9)\n"
            f"settings.connect('lab', '{BOX}', 'token-anew')"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
        assert before.items() < {path.name: path.read_bytes() for path in place.iterdir()}.items()
        assert token(entry) == TOKEN
        assert token(settings.connect("lab", BOX, "token-anew")) == "token-anew"
        assert {path.name for path in place.iterdir()} == {".lock", "servers.toml", "secrets.toml"}

    def test_a_full_disk_is_told_and_leaves_no_litter(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Path, "replace", _full)
        with pytest.raises(StoreError, match="No space left"):
            settings.connect("lab", BOX)
        assert [path.name for path in place.iterdir()] == [".lock"]

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b'[servers."a"]\nplatform = hunter2secret', "no TOML at line 2"),
            (b"[servers.a]\n\xff", "no UTF-8 at line 2"),
            (b"[other]\nx = 1", "'other'"),
            (b"servers = 3", "nothing but tables"),
            (b"[servers.a]\nport = 3", r"\[servers.a\] holds something"),
            (b"[servers]\na = 3", r"\[servers.a\] holds something"),
            (b"x = " + b"[" * 5000, "no TOML"),
            (b"[servers.a]\nplatform = 'x'", "address"),
            (b"[servers.a]\nplatform = 'x'\naddress = 'h'", "no address"),
        ],
    )
    def test_a_damaged_file_is_told_by_place_and_never_replaced(self, place: Path, content: bytes, why: str) -> None:
        place.mkdir()
        (place / "servers.toml").write_bytes(content)
        for attempt in (settings.servers, lambda: settings.connect("lab", BOX), lambda: settings.forget("lab")):
            with pytest.raises((StoreError, BadInput), match=why) as caught:
                attempt()
            assert "servers.toml" in str(caught.value)
            assert "hunter2" not in str(caught.value)
        assert (place / "servers.toml").read_bytes() == content

    def test_a_damaged_file_of_secrets_shows_none_of_them_in_any_frame(self, place: Path) -> None:
        entry = settings.connect("lab", BOX, TOKEN)
        with (place / "secrets.toml").open("a") as file:
            file.write("x = [")
        with pytest.raises(StoreError) as caught:
            settings.credential(entry)
        assert not any(TOKEN in repr(frame) for frame in _frames(caught.value))
        assert caught.value.__context__ is None

    @pytest.mark.parametrize("name", ["servers.toml", "secrets.toml", ".lock", ".servers.toml.new"])
    def test_a_link_is_never_followed_to_be_written(self, place: Path, tmp_path: Path, name: str) -> None:
        target = tmp_path / "target"
        target.write_text("# kept\n")
        place.mkdir()
        (place / name).symlink_to(target)
        if name == ".servers.toml.new":
            settings.connect("lab", BOX, TOKEN)
        else:
            with pytest.raises(StoreError):
                settings.connect("lab", BOX, TOKEN)
        assert target.read_text() == "# kept\n"

    def test_a_folder_that_cannot_be_made_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("SWNB_CONFIG_DIR", str(tmp_path / "file" / "x"))
        with pytest.raises(StoreError, match="SWNB_CONFIG_DIR"):
            settings.connect("lab", BOX)

    def test_a_writer_that_holds_the_lock_too_long_is_told(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "_LOCK_SECONDS", 0.05)
        with files.locked(place), pytest.raises(StoreError, match="locked"):
            settings.connect("lab", BOX)
        assert settings.connect("lab", BOX).name == "lab"

    def test_processes_that_connect_at_once_keep_all_entries(self, place: Path) -> None:
        code = (
            "import sys; from swnb import settings; from swnb.settings import vault; vault._backend = lambda: None\n"
            "for i in range(5): settings.connect(f'{sys.argv[1]}{i}', 'starwhale+http://h', f'token-{sys.argv[1]}-{i}')"
        )
        children = [subprocess.Popen([sys.executable, "-c", code, name]) for name in ("a", "b")]
        assert [child.wait(60) for child in children] == [0, 0]
        entries = settings.servers()
        assert {entry.name for entry in entries} == {f"{name}{i}" for name in "ab" for i in range(5)}
        assert {token(entry) for entry in entries} == {f"token-{name}-{i}" for name in "ab" for i in range(5)}


def test_the_default_folder_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SWNB_CONFIG_DIR")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert files.config_dir().name == "swnb"


def test_importing_settings_is_light() -> None:
    code = "import json, sys, swnb.settings; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert not {"yaml", "keyring", "tomllib", "platformdirs", "httpx", "pandas", "msgspec"} & set(loaded)


def test_a_token_is_held_as_a_secret_and_an_empty_one_is_none() -> None:
    assert token_of("Bearer abc") == Secret("abc")
    assert [token_of(each) for each in (None, "", "  ", "bearer ")] == [None] * 4


def test_an_entry_is_addressed_without_its_name() -> None:
    entry = Entry("lab", "starwhale", "http://h", "saved")
    assert replace(entry, name="x").bare == entry.bare == "starwhale+http://h"
