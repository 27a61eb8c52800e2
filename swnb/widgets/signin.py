"""The sign-in form: `swnb.signin(server)`.

What is typed as token or password is taken once, when the field is left; the field is emptied in the same moment, and
from then on it is a Secret. So it is in no widget state that a notebook could save (a test saves one and looks).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any, Final

import ipywidgets as w
import traitlets as t

from swnb.client.public import connect
from swnb.client.source import Source
from swnb.errors import BadInput, NotFound
from swnb.secret import Secret
from swnb.settings import Credential, Entry, find
from swnb.settings.entries import token_of
from swnb.widgets.part import STYLE, Box, Part, button, say, show, weakly

_TWIN: Final = "A form to sign in, which only a live notebook shows. In a terminal: swnb signin"


class SecretField(w.Password):  # type: ignore[misc]  # ipywidgets has no types
    """A password field that gives what was typed into it once, and holds nothing itself."""

    # Else the kernel would send the value back to every page that shows the notebook.
    value = t.Unicode("").tag(sync=True, echo_update=False)

    def __init__(self, **options: Any) -> None:
        self._held: Secret | None = None
        super().__init__(continuous_update=False, **options)
        self.observe(self._take, "value")

    def _take(self, change: t.Bunch) -> None:
        if change["new"]:
            self._held = Secret(change["new"])
            change["new"] = ""
            self.value = ""
            self.placeholder = "taken; type again to replace it"

    def give(self) -> Secret | None:
        """What was typed last; it is forgotten here."""
        held, self._held = self._held, None
        self.placeholder = ""
        return held

    def close(self) -> None:
        self._held = None
        super().close()


class SignIn(Box):
    """Name and address of a server, and a token or a user with a password. Signs in, and saves only what works."""

    def __init__(self, server: str | None = None, *, lock: threading.RLock | None = None) -> None:
        self._done: list[Callable[[], object]] = []
        known = _known(server)
        wide = {"layout": w.Layout(width="min(460px, 98%)"), "style": {"description_width": "80px"}}
        name = known.name if known and known.name != known.bare else suggested(server or "")
        self._name = w.Text(value=name, description="Name", placeholder="lab", **_own(wide))
        self._address = w.Text(
            value=known.bare if known else server or "",
            description="Address",
            placeholder="starwhale+https://starwhale.example.org",
            **_own(wide),
        )
        self._token = SecretField(description="Token", **_own(wide))
        self._user = w.Text(description="or User", **_own(wide))
        self._password = SecretField(description="Password", **_own(wide))
        self._button = button("Sign in", weakly(self, SignIn._submit), "Check it with the server, then save")
        self._button.button_style = "primary"
        self._button.layout.align_self = "flex-start"
        self._button.layout.margin = "4px 2px 8px 90px"
        self._part = Part(lock or threading.RLock())
        self._answer = w.HTML()
        title = w.HTML(f"{STYLE}<h4>Sign in</h4>")
        fields = [self._name, self._address, self._token, self._user, self._password]
        super().__init__([title, *fields, self._button, self._part, self._answer])
        self.add_class("swnb-panel")
        self.layout.padding = "4px 0"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        data = super()._repr_mimebundle_(**kwargs)
        return None if data is None else {**data, "text/html": f"<p>{_TWIN}</p>", "text/plain": _TWIN}

    def on_success(self, call: Callable[[], object]) -> None:
        """Call back, on any thread, when the server has taken the sign-in."""
        self._done.append(call)

    def _submit(self) -> None:
        self._answer.value = ""
        token, password = self._token.give(), self._password.give()
        name, address, user = self._name.value.strip(), self._address.value.strip(), self._user.value.strip()
        name = name or suggested(address)
        given = Credential(token_of(token), user or None, password)

        async def check() -> None:
            entry = _entry(name, address)
            _complete(given)
            source = Source(entry)
            source.use(given)
            try:
                await source.run(source.backend.projects())
            finally:
                await source.close()

        def save(_: None) -> None:
            connect(name, address, given.token, user=given.user, password=given.password)
            self._name.value = name
            self._answer.value = say(f"Signed in to {name}. It is saved; swnb.projects({name!r}) reads it.")
            for call in self._done:
                call()

        self._part.load(f"projects of {name or 'the server'}", check, save)
        show(self._part._retry, False)  # the secrets are gone: they are typed again

    def close(self) -> None:
        self._done.clear()
        super().close()


def signin(server: str | None = None) -> SignIn:
    """A form to sign in to a server (a saved name or an address), by token or by user and password. What the server
    accepts is saved as by ``swnb.connect``; it is never shown again and in no notebook."""
    return SignIn(server)


def suggested(address: str) -> str:
    """A name for a server that has none yet, made of its host."""
    host = re.sub(r"^.*://", "", address).partition("/")[0]
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", host).strip("-.")


def _own(options: dict[str, Any]) -> dict[str, Any]:
    """Each field has a layout of its own: a shared one would be closed with the first."""
    return {**options, "layout": w.Layout(width=options["layout"].width)}


def _known(server: str | None) -> Entry | None:
    try:
        return None if server is None else find(server)
    except NotFound:
        return None


def _entry(name: str, address: str) -> Entry:
    if not address:
        raise BadInput("the address is empty", todo="Write it like starwhale+https://starwhale.example.org")
    found = find(address)
    return Entry(name or found.name, found.platform, found.address, "saved", found.current_project)


def _complete(given: Credential) -> None:
    if given.token is None and given.user is None and given.password is None:
        raise BadInput("nothing to sign in with was given", todo="Type a token, or a user and a password")
    if (given.user is None) != (given.password is None):
        raise BadInput("user and password go together", todo="Give both, or a token")
