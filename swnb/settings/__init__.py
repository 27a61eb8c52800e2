"""Servers and sign-ins: what was saved, what the environment and the vendors' own files tell (docs/sign-in.md).

A sign-in is looked for in this order, and none is ever used for another address than its own:

1. what ``connect`` saved for that name (at that address);
2. the environment, for the environment's own host, or the vendor's default where it names none;
3. the vendor's configuration file, for its own address.

Two names for one address share neither token nor sign-in. A bare address takes the server saved last for it, else the
vendor's entry. Nothing here sends a request or asks a user anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from swnb.errors import BadInput, BadURI, NotFound
from swnb.secret import Secret
from swnb.settings import environment, files, vault, vendors
from swnb.settings.entries import Credential, Entry, Found, token_of
from swnb.uri import RESERVED, Kind, Ref, canonical, is_name, parse

__all__ = [
    "Credential",
    "Entry",
    "connect",
    "credential",
    "find",
    "forget",
    "outside",
    "problems",
    "servers",
    "store_root",
    "to_ref",
]

_FILE = "servers.toml"
_TABLE = "servers"


def connect(
    name: str,
    server_uri: str,
    token: str | Secret | None = None,
    *,
    user: str | None = None,
    password: str | Secret | None = None,
) -> Entry:
    """Save a server under a name, and its sign-in where one is given; without one, that saved before for the same
    name and address stays. ``server_uri`` may name a project, which is then the server's current one."""
    token = None if token is None else Secret(token)  # so that no frame below shows it
    password = None if password is None else Secret(password)
    entry = _entry_of(_checked_name(name), server_uri)
    given = _credential_of(token, user, password)
    if given and entry.address.startswith("file:"):
        raise BadInput("a folder needs no token and no password", where=name)
    with files.locked(files.config_dir()):
        saved = _saved()
        before = saved.pop(name, None)
        same = before is not None and before.bare == entry.bare
        if before and not same:
            vault.remove(before)
        if before and same:
            entry = replace(entry, kept=before.kept, current_project=entry.current_project or before.current_project)
        saved[name] = vault.put(entry, given) if given else entry  # the server saved last stands last
        _save(saved)
        return saved[name]


def forget(name: str) -> None:
    """Remove a saved server and its sign-in; NotFound where none is saved by that name."""
    with files.locked(files.config_dir()):
        saved = _saved()
        entry = saved.pop(name, None)
        if entry is not None:
            _save(saved)
            vault.remove(entry)
            return
    other = next((each for each in servers() if each.name == name), None)
    hint = f"It comes from the {other.source}, which swnb does not change" if other else "swnb.servers() lists them"
    raise NotFound(f"no server is saved as {name!r}", todo=hint)


def servers() -> list[Entry]:
    """All servers that can be named: saved ones (the last first), ``local`` where its store exists, those of the
    vendors' files and of the environment (these by their bare address, as one whose name is taken)."""
    saved = list(reversed(_saved().values()))
    local = [_local()] if store_root().is_dir() else []
    listed = {entry.name: entry for entry in (*saved, *local)}
    found = outside()
    for each in sorted(found, key=lambda each: each.entry.name == each.entry.bare):
        entry = replace(each.entry, name=each.entry.bare) if each.entry.name in listed else each.entry
        if entry.name != entry.bare or all(entry.bare != other.bare for other in listed.values()):
            listed[entry.name] = entry
    return [_with_project(entry, found) for entry in listed.values()]


def outside(platform: str | None = None) -> list[Found]:
    """What the environment and the vendors' own files tell (of one platform), the preferred first."""
    found = (*environment.found(), *reversed(vendors.found()))
    return [each for each in found if platform in (None, each.entry.platform)]


def find(where: Ref | str, *, platform: str | None = None) -> Entry:
    """The server of a Ref or text. ``platform`` is meant by a plain address that tells none."""
    ref = where if isinstance(where, Ref) else to_ref(where)
    if ref.address is None:
        return _by_name(ref.server)
    kind = ref.platform or platform
    if kind is None:
        raise BadURI(
            f"{ref.server} is not saved, and no platform is told",
            todo=f'Write it as starwhale+{ref.server} (or another platform), or swnb.connect("name", …) it once',
        )
    bare = Entry(f"{kind}+{ref.address}", kind, ref.address, "address")
    return next((entry for entry in servers() if entry.bare == bare.bare), bare)


def to_ref(text: str, *, expect: Kind | None = None) -> Ref:
    """``swnb.uri.parse`` with the servers that are known here."""
    known = servers()
    return parse(
        text,
        known={entry.address: entry.name for entry in reversed(known)},
        names=["local", *(entry.name for entry in known)],
        expect=expect,
        current=current_server(),
    )


def credential(entry: Entry) -> Credential | None:
    """The sign-in for a server, by the rules at the head of this module; None where none is known."""
    return next(_credentials(entry), None)


def current_server() -> str:
    """The server that is meant where none is named: the current instance of ``swcli``, by default ``local``."""
    config = vendors.starwhale()
    return config.current if any(each.entry.name == config.current for each in config.servers) else "local"


def store_root() -> Path:
    """The folder of the Starwhale Standalone store of this machine, whether or not it exists."""
    return vendors.store_root(vendors.starwhale())


def problems() -> list[str]:
    """What could not be read in the vendors' files and the environment, for ``swnb.doctor()``."""
    return [*vendors.problems(), *environment.problems()]


def _credentials(entry: Entry) -> Iterator[Credential]:
    if saved := vault.get(entry):
        yield saved
    for each in environment.found():
        if each.credential and each.entry.bare == entry.bare:
            yield each.credential
    ours = [each for each in vendors.found() if each.entry.bare == entry.bare]
    named = [each for each in ours if each.entry.name == entry.name]
    for each in named or ours[-1:]:  # two aliases of one address: each has its own token
        if each.credential:
            yield each.credential


def _by_name(name: str) -> Entry:
    if name == "local":
        return _local()
    known = {entry.name: entry for entry in servers()}
    if name in known:
        return known[name]
    listed = ", ".join(sorted(known)[:20]) or "none yet"
    raise NotFound(f"no server is called {name!r}", todo=f'Known are: {listed}. swnb.connect("{name}", uri) saves one')


def _local() -> Entry:
    config = vendors.starwhale()
    address = canonical(vendors.store_root(config).as_uri())
    return Entry("local", "starwhale", address, "starwhale standalone", config.local_project or "self")


def _with_project(entry: Entry, found: Iterable[Found]) -> Entry:
    """A server that we know no current project of has that of the vendor's entry for the same address."""
    if entry.current_project is not None:
        return entry
    same = [each.entry.current_project for each in found if each.entry.bare == entry.bare]
    return replace(entry, current_project=next(filter(None, same), None))


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not is_name(name):
        raise BadInput(f"{name!r} is no name for a server", todo="Use letters, digits and _ . - only")
    if name in RESERVED:
        raise BadInput(f"a server cannot be called {name!r}, which has a meaning in addresses", todo="Use another name")
    return name


def _entry_of(name: str, server_uri: str) -> Entry:
    ref = parse(server_uri)
    if ref.address is None or ref.kind not in ("server", "project"):
        raise BadURI(f"{str(ref)!r} is no address of a server", todo="Write for example starwhale+http://host:8082")
    platform = ref.platform or next((e.platform for e in servers() if e.address == ref.address), None)
    if platform is None:
        raise BadURI(
            f"which platform {ref.address} belongs to is not known",
            todo=f"Write it before the address, as in starwhale+{ref.address}",
        )
    return Entry(name, platform, ref.address, "saved", ref.project)


def _credential_of(token: Secret | None, user: str | None, password: Secret | None) -> Credential | None:
    held = token_of(token)
    if held is None and token is not None:
        raise BadInput("the token is empty", todo="Leave it out, or give the token that the platform shows you")
    if (user is None) != (password is None):
        raise BadInput("user and password go together", todo="Give both, or a token")
    if held is None and user is None:
        return None
    if not (user or "").isprintable() or not (password or Secret("")).reveal().isprintable():
        raise BadInput("user or password holds control characters", todo="Copy them again, without line breaks")
    return Credential(held, user, password)


def _saved() -> dict[str, Entry]:
    """Saved servers by name, in the order of their saving."""
    path = files.config_dir() / _FILE
    sections = files.read(path, _TABLE)
    return {name: _entry_from(name, fields) for name, fields in sections.items()}


def _entry_from(name: str, fields: dict[str, str]) -> Entry:
    try:
        address = canonical(fields["address"])
        platform = fields["platform"]
    except (KeyError, BadURI) as error:
        problem = f"has no {error}" if isinstance(error, KeyError) else error.what
    else:
        return Entry(name, platform, address, "saved", fields.get("current_project"), fields.get("kept", ""))
    raise BadInput(
        f"[servers.{name}] in {files.config_dir() / _FILE}: {problem}",
        todo="Mend that entry or remove it",
    )


def _save(entries: dict[str, Entry]) -> None:
    sections = {
        entry.name: {
            key: value for key in ("platform", "address", "current_project", "kept") if (value := getattr(entry, key))
        }
        for entry in entries.values()
    }
    files.write(files.config_dir() / _FILE, _TABLE, sections)
