from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from swnb.errors import BadURI
from swnb.uri import Ref, canonical, folder, parse

BOX = "starwhale+http://127.0.0.1:8082"
KNOWN = {"http://127.0.0.1:8082": "lab", "https://sw.example.org/team": "team", "http://[::1]:8080": "six"}
SERVERS = [
    "lab",
    "local",
    "job.1",
    BOX,
    "swanlab+https://api.swanlab.cn",
    "ray+http://[::1]:8265/prefix",
    "https://server",
    "starwhale+file:///home/me/.starwhale",
    "swanlab+file:///home/project/a/job/b",
    "swanlab+file:///home/table",
    "swanlab+file:///a%20b%25c",
]
part = st.none() | st.text(min_size=1, alphabet=st.characters())


@settings(deadline=None)
@given(server=st.sampled_from(SERVERS), project=part, job=part, table=part)
@example(server=SERVERS[8], project=None, job=None, table="x/project/y")
@example(server=SERVERS[8], project=None, job="1", table="x/job/y")
@example(server=SERVERS[8], project=None, job=None, table="x/job/y")
@example(server=SERVERS[9], project=None, job=None, table="t")
@example(server=BOX, project="..", job=".", table="/a//b/")
@example(server="lab", project="100%", job="%41", table="a?b#c")
def test_formatting_then_parsing_gives_the_same_ref(
    server: str, project: str | None, job: str | None, table: str | None
) -> None:
    ref = Ref(server, project, job, table)
    assert parse(str(ref)) == ref


@settings(deadline=None)
@given(st.text() | st.text(alphabet="ab/:@?#%[]+.-~ 1\\").map(lambda tail: "http://" + tail))
def test_any_text_gives_a_ref_or_a_bad_uri(text: str) -> None:
    try:
        ref = parse(text, known=KNOWN, names=["lab"])
    except BadURI as error:
        assert error.todo
    else:
        assert parse(str(ref), known=KNOWN, names=["lab", "team", "six"]) == ref


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("lab", Ref("lab")),
        ("lab/", Ref("lab")),
        ("lab/project/mnist/job/23", Ref("lab", "mnist", "23")),
        ("lab/project/mnist/job/23/", Ref("lab", "mnist", "23")),
        ("lab/project/kites:mnist", Ref("lab", "kites:mnist")),
        ("lab/job/23", Ref("lab", None, "23")),
        ("lab/project/p/job/j/table/eval/summary", Ref("lab", "p", "j", "eval/summary")),
        ("lab/project/p/table/a/job/b", Ref("lab", "p", None, "a/job/b")),
        ("local/project/self/job/co6vo5", Ref("local", "self", "co6vo5")),
        ("local/project/self/evaluation/co6vo5", Ref("local", "self", "co6vo5")),
        (
            "swanlab+http://127.0.0.1:9001/project/kites:mnist/job/abc12345",
            Ref("swanlab+http://127.0.0.1:9001", "kites:mnist", "abc12345"),
        ),
        ("ray+http://127.0.0.1:8265/job/raysubmit_x", Ref("ray+http://127.0.0.1:8265", None, "raysubmit_x")),
        ("SWANLAB+HTTPS://API.SwanLab.cn:443/", Ref("swanlab+https://api.swanlab.cn")),
        ("  lab/project/p\n", Ref("lab", "p")),
        ("lab/project/数据%20x", Ref("lab", "数据 x")),
    ],
)
def test_the_grammar_is_read(text: str, ref: Ref) -> None:
    assert parse(text) == ref


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("job/co6vo5", Ref("s2", None, "co6vo5")),
        ("project/self/job/co6vo5", Ref("s2", "self", "co6vo5")),
        ("co6vo5", Ref("s2", None, "co6vo5")),
        ("23", Ref("s2", None, "23")),
        ("cloud://s2/project/owner:name/job/0123-ab", Ref("s2", "owner:name", "0123-ab")),
        ("cloud://local/project/self/job/co6vo5", Ref("local", "self", "co6vo5")),
        ("https://server/job/1", Ref("https://server", None, "1")),
        ("http://127.0.0.1:8082/project/1/job/3", Ref("lab", "1", "3")),
        ("http://127.0.0.1:8082/projects/1/jobs/3", Ref("lab", "1", "3")),
        ("http://127.0.0.1:8082/projects/1/evaluations/3/results?tab=1#x", Ref("lab", "1", "3")),
        ("http://h:1/projects/1/jobs", Ref("starwhale+http://h:1", "1")),
    ],
)
def test_the_forms_of_starwhale_are_read(text: str, ref: Ref) -> None:
    assert parse(text, known=KNOWN, names=["lab", "s2"], current="s2") == ref


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        (
            "https://swanlab.cn/@kites/mnist/runs/abc12345/chart",
            Ref("swanlab+https://api.swanlab.cn", "kites:mnist", "abc12345"),
        ),
        ("https://swanlab.cn/@kites/mnist", Ref("swanlab+https://api.swanlab.cn", "kites:mnist")),
        ("https://swanlab.cn/@kites/project/overview", Ref("swanlab+https://api.swanlab.cn", "kites:project")),
        ("http://box:8000/@kites/job/runs/r1", Ref("swanlab+http://box:8000", "kites:job", "r1")),
        (
            "https://app.supervisely.com/apps/sessions/4711",
            Ref("supervisely+https://app.supervisely.com", None, "4711"),
        ),
        ("http://127.0.0.1:8265/#/jobs/raysubmit_x", Ref("ray+http://127.0.0.1:8265", None, "raysubmit_x")),
        ("https://app.supervise.ly/project/12", Ref("supervisely+https://app.supervise.ly", "12")),
    ],
)
def test_web_pages_are_read(text: str, ref: Ref) -> None:
    assert parse(text) == ref


@pytest.mark.parametrize(
    "text",
    [
        "https://app.supervisely.com/projects/7/datasets",
        "https://swanlab.cn/@kites",
        "https://app.supervisely.com/apps/x",
    ],
)
def test_a_page_about_no_project_or_job_is_refused_not_widened(text: str) -> None:
    with pytest.raises(BadURI, match="no project and no job"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("HTTP://127.0.0.1:8082/", "lab"),
        ("http://127.0.0.1:8082/project/1", "lab"),
        ("https://SW.example.org:443/team/", "team"),
        ("https://sw.example.org//team/project/1", "team"),
        ("http://[0:0::1]:8080/project/1", "six"),
        ("http://127.0.0.1:8082/?lang=en#top", "lab"),
    ],
)
def test_a_plain_address_of_a_known_server_is_that_server(text: str, name: str) -> None:
    assert parse(text, known=KNOWN).server == name


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("istari+https://h/api/v2", Ref("istari+https://h")),
        ("istari+https://h/registry/api/v2/jobs/a-b", Ref("istari+https://h/registry", None, "a-b")),
        ("istari+https://h/api/v2/models/m/?x=1", Ref("istari+https://h", "m")),
        ("istari+https://h/api/v2/systems/s", Ref("istari+https://h", "system:s")),
        ("istari+https://h/api/v2/project/p/job/j", Ref("istari+https://h", "p", "j")),
        ("istari+https://h/project/p/job/j/table/x/api/v2/y", Ref("istari+https://h", "p", "j", "x/api/v2/y")),
        ("ray+http://h/api/v2", Ref("ray+http://h/api/v2")),
    ],
)
def test_an_address_of_istaris_api_is_the_registrys(text: str, ref: Ref) -> None:
    assert parse(text) == ref
    assert parse(str(ref)) == ref


@pytest.mark.parametrize("text", ["https://127.0.0.1:8082", "http://127.0.0.1:8083", "https://sw.example.org"])
def test_another_scheme_port_or_prefix_is_another_server(text: str) -> None:
    ref = parse(text, known=KNOWN)
    assert (ref.server, ref.platform, ref.address) == (text, None, text)


def test_an_address_with_its_platform_stays_one_and_knows_both() -> None:
    ref = parse(f"{BOX}/project/1", known=KNOWN)
    assert (ref.server, ref.platform, ref.address) == (BOX, "starwhale", "http://127.0.0.1:8082")
    assert (Ref("lab").platform, Ref("lab").address, Ref("lab").is_file) == (None, None, False)


def test_known_addresses_may_carry_their_platform() -> None:
    assert parse("http://h:1/project/2", known={"starwhale+http://H:1/": "lab"}) == Ref("lab", "2")


def test_the_last_project_ends_a_folder() -> None:
    ref = parse("starwhale+file:///home/project/store/project/self/job/co6/table/a/b")
    assert ref == Ref("starwhale+file:///home/project/store", "self", "co6", "a/b")
    assert ref.is_file
    assert ref.address == "file:///home/project/store"


def test_without_a_project_the_last_job_ends_a_folder() -> None:
    assert parse("swanlab+file:///data/job/log/job/x1") == Ref("swanlab+file:///data/job/log", None, "x1")


def test_a_folder_may_be_called_project_when_it_is_written_so() -> None:
    ref = parse("swanlab+file:///home/%70roject/swanlog")
    assert ref == Ref("swanlab+file:///home/project/swanlog")
    with pytest.raises(BadURI, match="%70roject"):
        parse("swanlab+file:///home/project/my/swanlog")


def test_a_folder_is_decoded_once() -> None:
    assert folder(parse("swanlab+file:///a b/c%2525").address or "") == Path("/a b/c%25")
    assert folder(canonical("file://localhost/a//b/")) == Path("/a/b")


@pytest.mark.parametrize(
    "text", ["file:///home/me", "swanlab+file://swanlog", "swanlab+file://host/a", "swanlab+file:///a?b"]
)
def test_a_folder_needs_its_platform_and_its_whole_path(text: str) -> None:
    with pytest.raises(BadURI):
        parse(text)


def test_expect_reads_a_bare_word_as_that() -> None:
    assert parse("mnist", expect="project", current="s2") == Ref("s2", "mnist")
    assert parse("local", expect="project") == Ref("local", "local")
    assert parse("owner:mnist", expect="project") == Ref("local", "owner:mnist")
    assert parse("co", expect="job") == Ref("local", None, "co")
    assert parse("co6vo5", expect="server", names=["lab"]) == Ref("co6vo5")


def test_a_word_is_a_server_unless_it_looks_like_an_id_and_is_no_name() -> None:
    assert parse("lab2222", names=["lab2222"]) == Ref("lab2222")
    assert parse("lba", names=["lab"]) == Ref("lba")
    assert parse("co6vo5") == Ref("co6vo5")


def test_expect_refuses_what_names_something_else() -> None:
    with pytest.raises(BadURI, match="names a project, where a job is wanted"):
        parse("lab/project/1", expect="job")
    with pytest.raises(BadURI, match="names a job, where a server is wanted"):
        parse("lab/job/1", expect="server")
    assert parse("ray+http://h:1", expect="project") == Ref("ray+http://h:1")


@pytest.mark.parametrize(
    "text",
    [
        "http://user:hunter2secret@host/project/1",
        "starwhale+http://hunter2secret@host:8082",
        "http://user:hunter2secret@host:99999",
        "http://user:a/hunter2secret@host/job/1",
        "http://user:a?hunter2secret@host/job/1",
        "user:hunter2secret@host/project/1",
        "ftp://user:hunter2secret@host/",
        "starwhale+http://h/project/1/job/2?token=hunter2secret",
        "lab/project/1?Authorization=hunter2secret",
        "lab/project/1/job/2#hunter2secret",
        "lab?hunter2secret",
    ],
)
def test_an_address_with_a_secret_in_it_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(BadURI) as caught:
        parse(text)
    assert "hunter2" not in str(caught.value)


def test_the_query_of_a_web_page_is_dropped() -> None:
    assert "hunter2" not in repr(parse("https://swanlab.cn/@a/b/runs/c?token=hunter2#hunter2"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("/", "name of a server"),
        ("self/co6vo5", "in this order"),
        ("lab/project", "in this order"),
        ("lab/project//job/1", "in this order"),
        ("lab/job/1/project/2", "in this order"),
        ("http://h/project", "in this order"),
        ("localhost:8080/project/1", r"starwhale\+http://"),
        ("ftp://h/project/1", "scheme"),
        ("http://", "host or port"),
        ("http:///project/1", "host or port"),
        ("http://h:port", "host or port"),
        ("http://h:70000", "host or port"),
        ("http://[::g]", "host or port"),
        ("http://[1::2::3]", "IPv6"),
        ("http://a b/", "host or port"),
        ("lab/project/%ff", "UTF-8"),
        ("lab/project/a\x00b", "control character stands at position 13"),
        ("lab\x1b[2J", "control character"),
        ("x" * 1_000_000, "1000000 characters"),
        ("/" * 90_000, "name of a server"),
    ],
)
def test_a_bad_address_is_refused_with_its_reason_and_an_example(text: str, why: str) -> None:
    with pytest.raises(BadURI, match=why) as caught:
        parse(text)
    assert "lab/project/mnist/job/23" in caught.value.todo
    assert len(str(caught.value)) < 600
    assert "\x1b" not in str(caught.value)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(BadURI, match="not int"):
        parse(23)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["lab", "swanlab+http://h", "http://h?x=1", "cloud://lab", "http://h#f"])
def test_only_addresses_have_a_canonical_form(text: str) -> None:
    with pytest.raises(BadURI):
        canonical(text)


def test_parts_can_be_replaced() -> None:
    assert Ref("lab", "1").with_(job="2").with_(project=None, table="t") == Ref("lab", None, "2", "t")


def test_a_ref_knows_its_kind() -> None:
    kinds = [parse(text).kind for text in ("lab", "lab/project/1", "lab/job/2", "lab/job/2/table/t")]
    assert kinds == ["server", "project", "job", "table"]
