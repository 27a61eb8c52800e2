"""Rules of a watch: what they mean, and that they are never code."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.client.actions import allow_actions
from swnb.client.closer import Detail
from swnb.client.notices import Facts, Rules, check_stops, check_webhook
from swnb.client.rules import parse, parse_all
from swnb.errors import ActionsOff, BadInput
from swnb.model import JobInfo, Status


def facts(status: Status = Status.RUNNING, *, stalled: float | None = None, **values: Any) -> Facts:
    config = {"lr": 0.1, "model": {"depth": 3}, "loss": "mse"}
    info = JobInfo("7", "1", "train-cnn", status, "OWN", elapsed=timedelta(hours=2), config=config)
    return Facts(info, 0.5, Detail(values=values, steps={"loss.step": 12}), stalled)


@pytest.mark.parametrize(
    "rule",
    [
        "loss > 10",
        "10 < loss",
        "loss>=12.5 and loss<=12.5",
        "LOSS > 1 or loss = 12.5",
        "not loss < 10",
        "(loss < 0 or val/acc < 50%) and not status == 'failed'",
        "status == 'RUNNING'",
        "raw_status == 'own' and name != \"other\"",
        "elapsed >= 2h and elapsed < 121m",
        "progress == 0.5 and progress > 49%",
        "step > 11",
        "lr == 0.1 and config.lr == 1e-1",
        "model.depth == 3",
        "config.loss == 'mse'",
        "bad == nan and not loss == nan",
        "top > -1 and top < inf",
        "`odd name!` == 4",
        "stalled 5m",
        "STALLED 5m OR loss < 0 THEN STOP",
    ],
)
def test_what_holds_fires(rule: str) -> None:
    values = {"loss": 12.5, "val/acc": 0.4, "bad": math.nan, "top": -0.5, "odd name!": 4}
    assert parse(rule).fires(facts(stalled=301, **values))


@pytest.mark.parametrize(
    "rule",
    [
        "loss > 10",
        "not loss > 10",
        "loss != 3",
        "loss == nan",
        "stalled 5m",
        "not stalled 5m",
        "name > 3",
        "status == 'failed'",
        "loss > 1 and status == 'running'",
    ],
)
def test_what_is_not_known_does_not_fire(rule: str) -> None:
    assert not parse(rule).fires(facts())


def test_what_is_not_known_does_not_keep_the_rest_from_firing() -> None:
    assert parse("loss > 10 or status == 'running'").fires(facts())
    assert parse("not (loss > 10 and status == 'failed')").fires(facts())


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("", "a value is wanted"),
        ("loss", "a comparison"),
        ("loss >", "a value is wanted"),
        ("loss > 10 loss", "it should end here"),
        ("(loss > 10", "a bracket is not closed"),
        ("loss > 10 then delete", "only stop may follow then"),
        ("stalled", "wants a duration"),
        ("stalled 5", "wants a duration"),
        ("loss + 1 > 2", "not understood"),
        ("__import__('os').system('x')", "not understood at"),
        ("status == 'done'", "is no status"),
        ("'done' != status", "is no status"),
        ("(" * 60 + "a > 1" + ")" * 60, "at most 50"),
        ("a" * 1001 + " > 1", "at most 1000"),
    ],
)
def test_what_is_no_rule_is_told_with_its_place(rule: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parse(rule)


@given(st.text(alphabet="ab()<>=!'\"`. 019mnotrd%-", max_size=60))
def test_any_text_is_a_rule_or_bad_input(text: str) -> None:
    try:
        rule = parse(text)
    except BadInput:
        return
    assert rule.fires(facts(a=1)) in (True, False)


_VALUES = st.one_of(st.floats(), st.integers(), st.text(max_size=3), st.none(), st.booleans())


@given(one=_VALUES, other=_VALUES, op=st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
def test_any_two_values_can_be_compared(one: Any, other: Any, op: str) -> None:
    values = {name: value for name, value in (("a", one), ("b", other)) if value is not None}
    holds = parse(f"a {op} b").fires(facts(**values))
    if len(values) == 2 and type(one) is type(other) is int:
        assert holds is eval(f"{one} {op} {other}")
    if len(values) < 2:
        assert not holds


def test_a_rule_fires_once_a_job() -> None:
    rules = Rules(parse_all(["loss > 10", "status == 'running'"]))
    assert [rule.text for rule in rules.firing("job 1", facts())] == ["status == 'running'"]
    assert [rule.text for rule in rules.firing("job 1", facts(loss=11))] == ["loss > 10"]
    assert rules.firing("job 1", facts(loss=12)) == []
    assert len(rules.firing("job 2", facts(loss=12))) == 2


def test_a_notice_says_what_the_rule_looked_at() -> None:
    rule = parse("loss > 10 or stalled 5m")
    assert facts(loss=12.123456789, stalled=3.4).said(rule) == f"{rule.text} (loss = 12.1235, stalled = 3 s)"


def test_a_rule_that_stops_needs_actions_to_be_allowed() -> None:
    rules = parse_all("loss > 10 then stop")
    with pytest.raises(ActionsOff, match="allow_actions"):
        check_stops(rules, act=False)
    check_stops(rules, act=True)
    allow_actions()
    try:
        check_stops(rules, act=False)
    finally:
        allow_actions(False)


@pytest.mark.parametrize(
    "address", ["ftp://x/y", "file:///etc/passwd", "javascript:alert(1)", "http://", "x", "http://["]
)
def test_a_webhook_is_an_http_address(address: str) -> None:
    with pytest.raises(BadInput, match="http or https"):
        check_webhook(address)


def test_the_address_of_a_webhook_is_a_secret() -> None:
    hook = check_webhook("https://hooks.example.org/services/T0/B0/token-in-path")
    assert "token-in-path" not in repr(hook)
    assert check_webhook(None) is None
