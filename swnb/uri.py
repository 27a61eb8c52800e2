"""Text <-> Ref: the addresses of servers, projects, jobs and tables (docs/uris.md).

    uri    := server ["/project/" project] ["/job/" job] ["/table/" name]
    server := NAME | PLATFORM "+" http(s)://host[:port][/prefix] | PLATFORM "+file://" folder

Also read, because people paste them: short Starwhale forms (``job/co6vo5``, ``cloud://lab/job/3``), plain
``http(s)://`` addresses and web pages of the platforms. Three rules keep it unambiguous:

* A part is percent-decoded once; formatting encodes whatever would end a part, so ``parse(str(ref)) == ref``.
* In ``http(s)://`` the first ``/project/``, ``/job/`` or ``/table/`` ends the server. A folder may well contain such
  words, so there the last ``/project/`` ends it; where there is none, the last ``/job/``, then the last ``/table/``.
* What may hold a secret (``user:password@``, a query) is never repeated in an error.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal
from urllib.parse import quote, unquote

from swnb.errors import BadURI

Kind = Literal["server", "project", "job", "table"]

#: the words that a server cannot be called, since they begin the other parts
RESERVED: Final = frozenset({"local", "project", "job", "evaluation", "table"})

_PART_WORDS: Final = ("project", "job", "table")
_EXAMPLE: Final = "Right is, for example, lab/project/mnist/job/23 or starwhale+http://host:8082/project/1/job/23"
_LONGEST: Final = 100_000
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
_SCHEME: Final = re.compile(r"(?:([A-Za-z][A-Za-z0-9_-]*)\+)?(https?|file|cloud)://", re.IGNORECASE)
_FOREIGN: Final = re.compile(r"[^/]*://")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HTTP: Final = re.compile(r"([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?")
_PARTS: Final = re.compile(r"(?:/project/([^/]+))?(?:/(?:job|evaluation)/([^/]+))?(?:/table/(.+?))?/?")
_SERVER_END: Final = re.compile(r"/(?:(project|job|evaluation|table)|projects|apps|@[^/]*)(?=/|$)")
_JOB_ID: Final = re.compile(r"\d+|(?=.*\d)[a-z2-7]{5,40}")
#: how the platforms' web pages name a project and a job: platform, path, how their groups make the two
_PAGES: Final = (
    ("starwhale", re.compile(r"/projects/(?P<project>[^/]+)(?:/(?:jobs|evaluations)(?:/(?P<job>[^/]+).*)?)?/?")),
    ("swanlab", re.compile(r"/@(?P<owner>[^/]+)/(?P<project>[^/]+)(?:/runs/(?P<job>[^/]+).*|/.*)?")),
    ("supervisely", re.compile(r"/apps/sessions/(?P<job>[^/]+).*")),
)
#: an address of the API of a registry that was named to be Istari's; elsewhere it may be anybody's
_ISTARI_API: Final = re.compile(r"(.*?)/api/v2(?:/(?P<kind>jobs|models|systems)/(?P<id>[^/]+)/?|(?P<tail>/.*)?)")
_RAY_PAGE: Final = re.compile(r"#/jobs/(?P<job>[^/?#]+).*")
_PORTS: Final = {"http": "80", "https": "443"}
#: hosts whose platform everybody knows, and the web host whose API lives elsewhere
_PLATFORM_OF: Final = {
    "https://api.swanlab.cn": "swanlab",
    "https://app.supervisely.com": "supervisely",
    "https://app.supervise.ly": "supervisely",
}
_PLAIN: Final = re.compile(r"[A-Za-z0-9_~:@-]+")
_API_OF: Final = {"https://swanlab.cn": "https://api.swanlab.cn"}


@dataclass(frozen=True, slots=True)
class Ref:
    """What a URI names. ``server`` is a saved name, ``PLATFORM+address``, or a plain address of unknown platform."""

    server: str
    project: str | None = None
    job: str | None = None
    table: str | None = None

    @property
    def platform(self) -> str | None:
        """The platform's word, None for a saved name or a plain address."""
        match = _SCHEME.match(self.server)
        return match[1] if match else None

    @property
    def address(self) -> str | None:
        """``http(s)://…`` or ``file://…`` without the platform, None for a saved name."""
        return self.server.partition("+")[2] if self.platform else self.server if self._addressed else None

    @property
    def _addressed(self) -> bool:
        return _SCHEME.match(self.server) is not None

    @property
    def is_file(self) -> bool:
        """Whether the server is a local folder (unknown, so False, for a saved name)."""
        return (self.address or "").startswith("file:")

    @property
    def kind(self) -> Kind:
        """What the Ref names: its last part."""
        if self.table is not None:
            return "table"
        return "job" if self.job is not None else "project" if self.project is not None else "server"

    def with_(self, **parts: str | None) -> Ref:
        """The same with some parts replaced: ``ref.with_(job="23", table=None)``."""
        changes: dict[str, Any] = dict(parts)
        return replace(self, **changes)

    def __str__(self) -> str:
        server = self.server
        if self.project is None and self.is_file:  # these words would end the folder too early
            server = "/".join(_escaped_word(part) for part in server.split("/"))
        named = (("project", self.project), ("job", self.job))
        text = server + "".join(f"/{word}/{_encoded(part)}" for word, part in named if part is not None)
        return text if self.table is None else f"{text}/table/{_encoded_table(self.table)}"


def parse(
    text: str,
    *,
    known: Mapping[str, str] = _NOTHING,
    names: Collection[str] = (),
    expect: Kind | None = None,
    current: str = "local",
) -> Ref:
    """The Ref that ``text`` names; BadURI where it names none.

    ``known`` gives the saved name of an address, ``names`` all saved names, ``current`` the server that is meant
    where none is named. ``expect`` says what the text must name: a bare word is then read as that, and a project
    (which some platforms imply) may be left out where a project is expected.
    """
    line = _checked(text)
    scheme = _SCHEME.match(line)
    if scheme is None:
        if _FOREIGN.match(line):
            raise _bad(line, "its scheme is none of http, https, file and cloud")
        return _expected(_named(line, names, expect, current), expect, line)
    platform, kind, rest = (scheme[1] or "").lower(), scheme[2].lower(), line[scheme.end() :]
    if kind == "cloud":
        return _expected(_named(rest, names, None, current), expect, line)
    if kind == "file":
        return _expected(_folder(platform, rest, known, line), expect, line)
    return _expected(_http(platform, kind, rest, known, line), expect, line)


def is_name(text: str) -> bool:
    """Whether a server may be called so (see also ``RESERVED``)."""
    return _NAME.fullmatch(text) is not None


def canonical(address: str) -> str:
    """One spelling for each ``http(s)://`` or ``file://`` address: case, default port, last slash, encoding."""
    line = _checked(address)
    scheme = _SCHEME.match(line)
    if scheme is None or scheme[1] or scheme[2].lower() == "cloud":
        raise _bad(line, "it is no http://, https:// or file:// address")
    rest = line[scheme.end() :]
    if scheme[2].lower() == "file":
        return _folder_address(rest, line)
    netloc, path, query, fragment = _http_parts(rest)
    if query or fragment:
        raise _bad(line, "the address of a server has no query and no fragment")
    return _joined(_origin(scheme[2].lower(), netloc, line), path, line)


def folder(address: str) -> Path:
    """The folder of a ``file://`` address."""
    path = unquote(address.removeprefix("file://"))
    return Path(path[1:] if re.match(r"/[A-Za-z]:", path) else path)  # file:///C:/store


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise BadURI(f"an address is text, not {type(text).__name__}", todo=_EXAMPLE)
    line = text.strip(" \t\r\n")
    if not line:
        raise BadURI("an empty text is no address", todo=_EXAMPLE)
    if len(line) > _LONGEST:
        raise _bad(line[:100], f"it is {len(line)} characters long")
    if control := _CONTROL.search(line):
        raise _bad(line, f"a control character stands at position {control.start()}")
    return line


def _expected(ref: Ref, expect: Kind | None, line: str) -> Ref:
    if expect is None or ref.kind == expect or (expect == "project" and ref.kind == "server"):
        return ref
    raise _bad(line, f"it names a {ref.kind}, where a {expect} is wanted")


def _named(line: str, names: Collection[str], expect: Kind | None, current: str) -> Ref:
    """A text without a scheme."""
    head, slash, tail = line.partition("/")
    if not slash and expect == "project":
        return Ref(current, project=line)
    if not slash and expect == "job":
        return Ref(current, job=line)
    if slash and head in RESERVED - {"local"}:
        return _with_parts(current, "/" + line, line)
    if not _NAME.fullmatch(head):
        hint = "; before a host goes its scheme, as in starwhale+http://" if re.search(r":\d+$|^\[", head) else ""
        raise _bad(line, f"it does not begin with the name of a server (letters, digits and _.-){hint}")
    if slash:
        return _with_parts(head, "/" + tail, line)
    if expect is None and names and head != "local" and head not in names and _JOB_ID.fullmatch(head):
        return Ref(current, job=head)
    return Ref(head)


def _with_parts(server: str, tail: str, line: str) -> Ref:
    """``server`` with the parts that ``tail`` (``/project/…/job/…/table/…``) names."""
    if "?" in tail or "#" in tail:
        raise _bad(line, "a query or fragment has no place in it (in a name, ? is written %3F and # is %23)")
    match = _PARTS.fullmatch(tail)
    if match is None:
        hint = ""
        if Ref(server).is_file:
            hint = "; folders called project, job or table are written %70roject, %6Aob and %74able"
        raise _bad(line, f"after the server come /project/ID, /job/ID and /table/NAME, in this order{hint}")
    return Ref(server, *(None if part is None else _decoded(part, line) for part in match.groups()))


def _folder(platform: str, rest: str, known: Mapping[str, str], line: str) -> Ref:
    cut = next((at for word in _PART_WORDS if (at := rest.rfind(f"/{word}/")) >= 0), -1)
    path, tail = (rest[:cut], rest[cut:]) if cut >= 0 else (rest, "")
    return _with_parts(_server(platform, _folder_address(path, line), known, line), tail, line)


def _folder_address(path: str, line: str) -> str:
    path = path.removeprefix("localhost")
    if not path.startswith("/"):
        raise _bad(line, "a folder is given by its whole path, as in starwhale+file:///home/me/.starwhale")
    if "?" in path or "#" in path:
        raise _bad(line, "in the name of a folder, ? is written %3F and # is %23")
    return "file:///" + _tidy(path, line)


def _http(platform: str, scheme: str, rest: str, known: Mapping[str, str], line: str) -> Ref:
    netloc, path, query, fragment = _http_parts(rest)
    origin = _origin(scheme, netloc, line)
    if page := _RAY_PAGE.fullmatch(fragment):
        return Ref(_server(platform, _joined(origin, path, line), known, line, "ray"), job=_decoded(page["job"], line))
    end, api = _SERVER_END.search(path), _ISTARI_API.fullmatch(path) if platform == "istari" else None
    if api is not None and (end is None or api.end(1) < end.start()):
        address, kind = _joined(origin, api[1], line), api["kind"]
        if kind is None:
            return _http(platform, scheme, f"{netloc}{api[1]}{api['tail'] or ''}{query}{fragment}", known, line)
        server, id_ = _server(platform, address, known, line), _decoded(api["id"], line)
        return Ref(server, job=id_) if kind == "jobs" else Ref(server, f"system:{id_}" if kind == "systems" else id_)
    if end is None:  # what a browser adds to the front page of a server says nothing to us
        return Ref(_server(platform, _joined(origin, path, line), known, line))
    address, tail = _joined(origin, path[: end.start()], line), path[end.start() :]
    if end[1] is None:
        return _page(platform, address, tail, known, line)
    return _with_parts(_server(platform, address, known, line), tail + query + fragment, line)


def _http_parts(rest: str) -> tuple[str, str, str, str]:
    """Network location, path, ``?query``, ``#fragment``."""
    match = _HTTP.fullmatch(rest)
    assert match is not None  # noqa: S101 - it matches every line
    return match[1], match[2], match[3] or "", match[4] or ""


def _page(platform: str, address: str, tail: str, known: Mapping[str, str], line: str) -> Ref:
    """What a web page is about; its query and fragment only say how it looks."""
    for owner_platform, pattern in _PAGES:
        if match := pattern.fullmatch(tail):
            found = {name: _decoded(part, line) for name, part in match.groupdict().items() if part}
            owner, project = found.get("owner"), found.get("project")
            server = _server(platform, address, known, line, owner_platform)
            return Ref(server, f"{owner}:{project}" if owner else project, found.get("job"))
    raise _bad(line, "this page is about no project and no job that we know")


def _server(platform: str, address: str, known: Mapping[str, str], line: str, page_of: str = "") -> str:
    """The saved name of a plain address, or the address with its platform if that is told."""
    name = "" if platform else _names_of(known).get(address, "")
    if name:
        return name
    platform = platform or page_of or _PLATFORM_OF.get(address, "")
    if not platform and address.startswith("file:"):
        raise _bad(line, "whose folder this is must be told, as in starwhale+file:///home/me/.starwhale")
    return f"{platform}+{address}" if platform else address


def _names_of(known: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for address, name in known.items():
        scheme = _SCHEME.match(address)
        found[canonical(address[scheme.end(1) + 1 :] if scheme and scheme[1] else address)] = name
    return found


def _origin(scheme: str, netloc: str, line: str) -> str:
    if "@" in netloc:
        raise _bad(line, "a password has no place in an address: give it to swnb.connect or swnb.signin")
    match = _HOST.fullmatch(netloc)
    if match is None or int(match[2] or 0) > 65_535:
        raise _bad(line, "its host or port cannot be read")
    host = match[1].lower()
    if host.startswith("["):
        try:
            host = f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
        except ValueError:
            raise _bad(line, "its host is no IPv6 address") from None
    port = str(int(match[2])) if match[2] else _PORTS[scheme]
    origin = f"{scheme}://{host}" if port == _PORTS[scheme] else f"{scheme}://{host}:{port}"
    return _API_OF.get(origin, origin)


def _joined(origin: str, path: str, line: str) -> str:
    prefix = _tidy(path, line)
    return f"{origin}/{prefix}" if prefix else origin


def _tidy(path: str, line: str) -> str:
    """A path without empty parts, each part encoded in one way."""
    return "/".join(
        quote(_decoded(part, line), safe=":@+,=~", errors="surrogatepass") for part in path.split("/") if part
    )


def _decoded(part: str, line: str) -> str:
    try:
        return unquote(part, errors="surrogatepass")
    except UnicodeError:
        raise _bad(line, "its percent-encoding is not UTF-8") from None


def _escaped_word(part: str) -> str:
    return f"%{ord(part[0]):02X}{part[1:]}" if part in _PART_WORDS else part


def _encoded(part: str) -> str:
    if _PLAIN.fullmatch(part):  # as nearly all ids are
        return part
    if part in (".", ".."):  # a browser or a shell would take them as steps of a path
        return part.replace(".", "%2E")
    return quote(part, safe=":@", errors="surrogatepass")


def _encoded_table(name: str) -> str:
    """Slashes stay readable, unless reading them back would take them for something else."""
    plain = all(part not in ("", ".", "..", *_PART_WORDS) for part in name.split("/"))
    return "/".join(map(_encoded, name.split("/"))) if plain else _encoded(name).replace("/", "%2F")


def _bad(line: str, why: str) -> BadURI:
    """``line`` is shown without what may be a password or a token in it."""
    shown = "…" + line[line.rfind("@") :] if "@" in line else line
    shown = re.split(r"[?#]", shown, maxsplit=1)[0]
    return BadURI(f"{shown[:100]!r} is no address: {why}", todo=_EXAMPLE)
