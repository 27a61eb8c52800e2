from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

import swnb
from swnb import sandbox
from swnb.sandbox.serve import Box
from swnb.widgets.signin import SecretField, SignIn, signin, suggested


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWNB_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("SW_CLI_CONFIG", str(tmp_path / "none.yaml"))
    return tmp_path


@pytest.fixture
def box() -> Iterator[Box]:
    with sandbox.run(jobs=2) as running:
        yield running


def state_of(widget: ipywidgets.Widget) -> str:
    """All that a page or a saved notebook may know of a widget and of what is inside it."""
    inside = [state_of(each) for each in getattr(widget, "children", ())]
    return json.dumps([widget.get_state(), *inside], default=str)


def press(form: SignIn) -> None:
    form._button.click()
    form._part.wait(10)


def type_into(field: SecretField, text: str) -> None:
    """What the page sends when the field is left."""
    field.set_state({"value": text})


def test_a_secret_field_gives_what_was_typed_once_and_holds_nothing() -> None:
    field = SecretField()
    type_into(field, "sesame-open")
    assert field.value == ""
    assert "sesame-open" not in state_of(field)
    given = field.give()
    assert given is not None
    assert given.reveal() == "sesame-open"
    assert field.give() is None


def test_a_secret_field_is_not_sent_back_to_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    field = SecretField()
    sent: list[Any] = []
    monkeypatch.setattr(field, "_send", lambda message, buffers=None: sent.append(message))
    type_into(field, "sesame-open")
    assert {"method": "update", "state": {"value": ""}, "buffer_paths": []} in sent
    assert "sesame-open" not in json.dumps(sent)
    assert not field.continuous_update


def test_a_token_that_the_server_takes_is_saved_and_shown_nowhere(box: Box) -> None:
    form = signin(box.uri("starwhale"))
    told: list[str] = []
    form.on_success(lambda: told.append("in"))
    form._name.value = "lab"
    type_into(form._token, box.token("starwhale"))
    press(form)
    assert told == ["in"]
    assert "Signed in to lab" in form._answer.value
    assert len(swnb.projects("lab")) == 3
    assert box.token("starwhale") not in state_of(form)


def test_user_and_password_are_taken_too(box: Box) -> None:
    user, password = box.user("starwhale")
    form = SignIn(box.uri("starwhale"))
    form._name.value, form._user.value = "lab", user
    type_into(form._password, password)
    press(form)
    assert swnb.servers()["name"].tolist()[0] == "lab"
    assert len(swnb.projects("lab")) == 3


def test_a_refused_token_is_said_and_the_saved_one_stays(box: Box) -> None:
    swnb.connect("lab", box.uri("starwhale"), token=box.token("starwhale"))
    form = SignIn("lab")
    assert (form._name.value, form._address.value) == ("lab", box.uri("starwhale"))
    type_into(form._token, "not-the-token")
    press(form)
    assert form._part.state == "failed"
    assert 'role="alert"' in form._part._line.value
    assert "not-the-token" not in state_of(form)
    assert len(swnb.projects("lab")) == 3


def test_a_refused_token_saves_no_new_server(box: Box) -> None:
    form = SignIn(box.uri("starwhale"))
    form._name.value = "lab"
    type_into(form._token, "not-the-token")
    press(form)
    assert "lab" not in swnb.servers()["name"].tolist()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "nothing to sign in with"),
        ({"user": "me"}, "go together"),
        ({"address": "", "user": "me"}, "address is empty"),
        ({"address": "??", "user": "me"}, "is no address"),
    ],
)
def test_a_form_that_is_not_filled_in_says_what_is_missing(box: Box, fields: dict[str, str], said: str) -> None:
    form = SignIn(box.uri("starwhale"))
    form._user.value = fields.get("user", "")
    form._address.value = fields.get("address", form._address.value)
    press(form)
    assert form._part.state == "failed"
    assert said in form._part.said


def test_a_name_is_suggested_from_the_host() -> None:
    assert suggested("starwhale+https://sw.example.org:8082/prefix") == "sw.example.org-8082"


def test_an_address_that_is_not_saved_gets_a_name_that_can_be_saved(box: Box) -> None:
    form = SignIn(box.uri("starwhale"))
    type_into(form._token, box.token("starwhale"))
    press(form)
    assert swnb.servers()["name"].tolist()[0] == suggested(box.uri("starwhale"))


def test_the_twins_of_a_form_hold_no_field() -> None:
    data = SignIn()._repr_mimebundle_()
    assert data is not None
    assert data["text/plain"].startswith("A form to sign in")
    assert "children" not in data["text/plain"] + data["text/html"]


def test_a_closed_form_holds_no_secret() -> None:
    form = SignIn("starwhale+http://127.0.0.1:1")
    field = form._token
    type_into(field, "sesame-open")
    form.close()
    assert field._held is None
    assert form.comm is None
    assert field.comm is None
