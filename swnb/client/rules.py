"""Rules of a watch: ``loss > 10 or stalled 5m or status == 'failed' then stop``. A small grammar of our own, parsed and
never evaluated as code.

    rule    := or ["then" "stop"]
    or      := and {"or" and}
    and     := not {"and" not}
    not     := "not" not | "(" or ")" | "stalled" DURATION | value OP value
    OP      := < <= > >= == != =
    value   := NUMBER | 50% | DURATION (90s 5m 2h 1d) | nan | inf | 'text' | NAME | `any name`

A NAME is ``status raw_status name id project owner error elapsed progress step``, a value of the summary or the last
one of a metric (``loss``, ``val/acc``), or a setting (``config.lr``, or ``lr`` where no value is called so). What a job
does not have is neither true nor false, so a rule about it does not fire.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, Protocol, TypeAlias

from swnb.errors import BadInput
from swnb.model import Status

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?P<unit>[smhdw%]?)(?![\w.])
    |(?P<text>'[^']*'|"[^"]*")|`(?P<quoted>[^`]+)`|(?P<op><=|>=|==|!=|<|>|=)|(?P<paren>[()])
    |(?P<name>[A-Za-z_][\w./-]*))""",
    re.VERBOSE,
)
_UNITS: Final = {"": 1.0, "%": 0.01, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_OPS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "=": operator.eq,
}
_WORDS: Final = frozenset({"and", "or", "not", "then", "stop", "stalled"})
_LONGEST: Final = 1000
_DEEPEST: Final = 50  # so that no rule nests deeper than Python goes
_FORM: Final = (
    "A rule is like: loss > 10 or stalled 5m or status == 'failed'; with and, not, brackets, durations (90s 5m 2h) "
    "and, at its end, then stop"
)


class Facts(Protocol):
    """What is known of one job. ``value`` gives None for what it does not have, seconds for durations; ``stalled`` is
    how many seconds nothing has moved, None where that cannot be told."""

    @property
    def stalled(self) -> float | None: ...

    def value(self, name: str) -> Any: ...


Test: TypeAlias = Callable[[Facts], "bool | None"]
Value: TypeAlias = Callable[[Facts], Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """``names`` are those it looks at; ``stop`` says that the job is to be stopped when it fires."""

    text: str
    test: Test = field(repr=False)
    names: tuple[str, ...] = ()
    stalls: bool = False
    stop: bool = False

    def fires(self, facts: Facts) -> bool:
        return self.test(facts) is True


def parse(text: str) -> Rule:
    """BadInput says where it is not understood."""
    return _Parser(text).rule()


def parse_all(rules: str | Sequence[str] | None) -> tuple[Rule, ...]:
    return tuple(map(parse, [rules] if isinstance(rules, str) else rules or ()))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    value: Any
    at: int
    unit: str = ""


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens()
        self.at = 0
        self.names: dict[str, None] = {}
        self.stalls = False

    def rule(self) -> Rule:
        test = self._or()
        stop = self._word("then")
        if stop and not self._word("stop"):
            self._fail("only stop may follow then")
        if self._peek() is not None:
            self._fail("it should end here")
        return Rule(self.text.strip(), test, tuple(self.names), self.stalls, stop)

    def _tokens(self) -> list[_Token]:
        if len(self.text) > _LONGEST:
            raise BadInput(f"a rule has at most {_LONGEST} characters", todo=_FORM)
        found, at = [], 0
        while rest := self.text[at:].strip():
            match = _TOKEN.match(self.text, at)
            if match is None or match.lastgroup is None:
                raise BadInput(f"the rule {self.text!r} is not understood at {rest[:20]!r}", todo=_FORM)
            kind = "number" if match["number"] else match.lastgroup
            value = match["number"] or match[match.lastgroup]
            found.append(_Token(kind, value, at, match["unit"] or ""))
            at = match.end()
        if sum(str(token.value).lower() in ("(", "not") for token in found) > _DEEPEST:
            raise BadInput(f"a rule has at most {_DEEPEST} brackets and nots", todo=_FORM)
        return found

    def _peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _word(self, word: str) -> bool:
        """Take this word, if it comes next."""
        token = self._peek()
        found = token is not None and token.kind in ("name", "paren") and token.value.lower() == word
        self.at += found
        return found

    def _or(self) -> Test:
        tests = [self._and()]
        while self._word("or"):
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else _any(tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while self._word("and"):
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else _negated(_any([_negated(test) for test in tests]))

    def _not(self) -> Test:
        if self._word("not"):
            return _negated(self._not())
        if self._word("("):
            test = self._or()
            if not self._word(")"):
                self._fail("a bracket is not closed")
            return test
        return self._stalled() if self._word("stalled") else self._comparison()

    def _stalled(self) -> Test:
        token = self._peek()
        if token is None or token.kind != "number" or token.unit in ("", "%"):
            self._fail("stalled wants a duration such as 5m")
        self.at += 1
        self.stalls = True
        seconds = float(token.value) * _UNITS[token.unit]
        return lambda facts: None if facts.stalled is None else facts.stalled >= seconds

    def _comparison(self) -> Test:
        first = self.at
        left, sign = self._value(), self._peek()
        if sign is None or sign.kind != "op":
            self._fail("a comparison such as > 10 is wanted")
        self.at += 1
        right = self._value()
        _check_status(self.tokens[first], self.tokens[first + 2])
        _check_status(self.tokens[first + 2], self.tokens[first])
        return _compared(left, right, _OPS[sign.value], equal=sign.value in ("==", "=", "!="))

    def _value(self) -> Value:
        token = self._peek()
        if token is None or token.kind in ("op", "paren") or (token.kind == "name" and token.value.lower() in _WORDS):
            self._fail("a value is wanted")
        self.at += 1
        if token.kind == "number":
            return _constant(float(token.value) * _UNITS[token.unit])
        if token.kind == "text":
            return _constant(token.value[1:-1])
        if token.kind == "name" and token.value.lower() in ("nan", "inf"):
            return _constant(float(token.value))
        name = str(token.value)
        self.names[name] = None
        return lambda facts: facts.value(name)

    def _fail(self, why: str) -> NoReturn:
        token = self._peek()
        where = f"at {self.text[token.at :].strip()[:20]!r}" if token is not None else "at its end"
        raise BadInput(f"the rule {self.text!r} is not understood {where}: {why}", todo=_FORM)


def _check_status(one: _Token, other: _Token) -> None:
    """What a status is compared with is one of the words there are: another would never be met."""
    words = [each.value for each in Status]
    if one.value == "status" and other.kind == "text" and other.value[1:-1].lower() not in words:
        todo = f"There are: {' '.join(words)}; raw_status is the platform's own word"
        raise BadInput(f"{other.value} is no status", todo=todo)


def _constant(value: Any) -> Value:
    return lambda facts: value


def _any(tests: Sequence[Test]) -> Test:
    def test(facts: Facts) -> bool | None:
        found = {each(facts) for each in tests}
        return True if True in found else None if None in found else False

    return test


def _negated(inner: Test) -> Test:
    def test(facts: Facts) -> bool | None:
        found = inner(facts)
        return None if found is None else not found

    return test


def _compared(left: Value, right: Value, op: Callable[[Any, Any], bool], *, equal: bool) -> Test:
    def test(facts: Facts) -> bool | None:
        one, other = left(facts), right(facts)
        if isinstance(one, str) and isinstance(other, str):
            return op(one.casefold(), other.casefold()) if equal else None
        if not (isinstance(one, (int, float)) and isinstance(other, (int, float))):
            return None
        if equal and (math.isnan(one) or math.isnan(other)):  # here nan equals nan: that is what is asked for
            return op(math.isnan(one), math.isnan(other))
        return op(one, other)

    return test
