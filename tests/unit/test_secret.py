from __future__ import annotations

import copy
import gc
import json
import pickle
import urllib.parse
from dataclasses import dataclass

import pytest

from swnb.secret import Secret, redact

VALUE = "s3cret/+ value-ä"


def test_a_secret_shows_nothing_of_itself() -> None:
    secret = Secret(VALUE)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", "%s %r" % (secret, secret), repr({"t": [secret]})]  # noqa: UP031
    assert not any("s3cret" in text for text in shown)
    assert repr(secret) == "Secret(****)"


def test_a_record_that_holds_a_secret_shows_nothing_of_it() -> None:
    @dataclass
    class Holder:
        token: Secret

    assert repr(Holder(Secret(VALUE))).endswith("Holder(token=Secret(****))")


def test_only_reveal_gives_the_value() -> None:
    assert Secret(VALUE).reveal() == VALUE
    assert not hasattr(Secret(VALUE), "__dict__")


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_a_secret_is_not_copied_out(way: object) -> None:
    with pytest.raises(TypeError) as caught:
        way(Secret(VALUE))  # type: ignore[operator]
    assert "s3cret" not in str(caught.value)


def test_equal_values_make_equal_secrets() -> None:
    assert Secret(VALUE) == Secret(Secret(VALUE))
    assert hash(Secret(VALUE)) == hash(Secret(VALUE))
    assert Secret(VALUE) != Secret("other")
    assert Secret(VALUE) != VALUE


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret("x")


@pytest.mark.parametrize("value", [None, 3, b"bytes-of-a-token"])
def test_only_text_can_be_a_secret(value: object) -> None:
    with pytest.raises(TypeError) as caught:
        Secret(value)  # type: ignore[arg-type]
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("spelling", [VALUE, urllib.parse.quote(VALUE, safe=""), urllib.parse.quote_plus(VALUE)])
def test_redact_masks_a_living_secret_in_each_spelling(spelling: str) -> None:
    secret = Secret(VALUE)
    assert redact(f"a={spelling};") == "a=****;"
    assert secret


def test_redact_masks_the_token_without_its_bearer_and_keeps_the_word() -> None:
    secret = Secret("Bearer abcdef-123")
    assert redact("Bearer x abcdef-123") == "Bearer x ****"
    assert secret


def test_redact_leaves_short_values_and_other_text() -> None:
    secret = Secret("a")
    assert redact("a banana") == "a banana"
    assert secret


def test_a_secret_stays_masked_when_an_equal_one_is_gone() -> None:
    first, second = Secret("twice-the-same"), Secret("twice-the-same")
    del first
    gc.collect()
    assert redact("twice-the-same") == "****"
    assert second


def test_a_longer_secret_is_masked_whole_though_it_begins_like_another() -> None:
    secrets = [Secret("abcdef-1"), Secret("abcdef-1-longer")]
    assert redact("abcdef-1-longer abcdef-1") == "**** ****"
    assert secrets


def test_a_secret_of_odd_characters_does_not_break_comparison_or_masking() -> None:
    odd = Secret("\ud800-odd-one")
    assert odd == Secret("\ud800-odd-one")
    assert redact("x \ud800-odd-one") == "x ****"
