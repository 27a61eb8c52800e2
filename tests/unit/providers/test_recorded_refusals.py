"""Recorded refusals: the error's class, its words and its status, each written by hand from the server's answer."""

from __future__ import annotations

import pytest

from swnb.errors import Forbidden, NotFound, ServerError, SignInNeeded, SwnbError, TokenRejected
from swnb.providers.starwhale.replies import data

from .recorded import UUID, recorded

NO_TOKEN = "/api/v1/{} needs a sign-in"
EXPIRED = "the server does not accept this sign-in: JWT token is expired or invalid."
WRONG = "the server does not accept this sign-in: Wrong username or password"
DENIED = "this user may not see or do that: Access is denied"
HTML = "an HTML page instead of an answer (status {})"
NO_JOB = "Resource is not found Starwhale Bundle: {}"
NO_PROJECT = "Resource is not found Project: Unable to find project {}"
HINT = ", you may use OWNER:PROJECT or project id to access the project"
SCAN, QUERY, TABLES = (f"datastore/{name}" for name in ("scanTable", "queryTable", "listTables"))
JOB7 = "project/1/job/7"


def odd(status: int, path: str, said: str) -> tuple[type[SwnbError], str]:
    blame = "it does not take the request" if status < 500 else "it failed at"
    return ServerError, f"{blame} /api/v1/{path} ({status}): {said}"


SERVER: dict[int, tuple[type[SwnbError], str]] = {
    **dict.fromkeys((3, 4, 5, 6), (TokenRejected, WRONG)),
    **dict.fromkeys((11, 39, 40, 41, 42, 173, 174), (TokenRejected, EXPIRED)),
    **dict.fromkeys((31, 33, 94, 104, 171), (Forbidden, DENIED)),
    10: (SignInNeeded, NO_TOKEN.format("user/current")),
    12: (SignInNeeded, NO_TOKEN.format("user/current")),
    21: (SignInNeeded, NO_TOKEN.format("project")),
    35: (SignInNeeded, NO_TOKEN.format("project/demo")),
    36: (SignInNeeded, NO_TOKEN.format("project/open")),
    37: (SignInNeeded, NO_TOKEN.format("project/demo/job")),
    38: (SignInNeeded, NO_TOKEN.format("project/open/job")),
    95: (SignInNeeded, NO_TOKEN.format(f"{JOB7}/cancel")),
    103: (SignInNeeded, NO_TOKEN.format(TABLES)),
    169: (SignInNeeded, NO_TOKEN.format(SCAN)),
    **{number: (NotFound, HTML.format(404)) for number in (17, 199, 202)},
    27: (NotFound, NO_PROJECT.format("nope") + HINT),
    28: (NotFound, NO_PROJECT.format("99")),
    29: (NotFound, NO_PROJECT.format("nobody:demo")),
    64: (NotFound, NO_PROJECT.format("nope") + HINT),
    101: (NotFound, NO_PROJECT.format("99")),
    162: (NotFound, NO_PROJECT.format("99")),
    61: (NotFound, NO_JOB.format("12")),
    62: (NotFound, NO_JOB.format("999")),
    63: (NotFound, NO_JOB.format("nope")),
    84: (NotFound, NO_JOB.format("999")),
    85: (NotFound, NO_JOB.format("999")),
    55: odd(
        500,
        "project/demo/job",
        "Failed to convert value of type 'java.lang.String' to required type 'java.lang.Integer'; nested exception is "
        'java.lang.NumberFormatException: For input string: "x"',
    ),
    86: odd(
        500,
        "log/offline/9999",
        'Cannot invoke "ai.starwhale.mlops.domain.task.po.TaskEntity.getOutputPath()" because "taskById" is null',
    ),
    87: odd(500, "log/offline/16/nope", "ERROR occurs while dealing with DB: read log path from db failed 16"),
    89: odd(400, f"{JOB7}/cancel", "freeze job can't be canceled"),
    90: odd(400, f"{JOB7}/pause", "frozen job can't be paused"),
    91: odd(400, f"{JOB7}/resume", "only failed/paused/canceled job can be resumed"),
    92: odd(500, f"{JOB7}/recover", "Please use TrashService.recover() instead."),
    93: odd(400, f"{JOB7}/nonsense", "Unknown invoker key: nonsense: failed to invoke action"),
    139: odd(400, SCAN, 'For input string: "zz" under radix 16: invalid start zz'),
    148: odd(400, SCAN, "limit must be less or equal to 1000."),
    153: odd(400, SCAN, "invalid columns: [nope]"),
    158: odd(400, SCAN, f"invalid table name project/1/eval/56/{UUID[6]}/nope"),
    159: odd(400, SCAN, "tables should not be null or empty."),
    160: odd(500, SCAN, HTML.format(500)),
    161: odd(500, SCAN, HTML.format(500)),
    194: odd(500, QUERY, HTML.format(500)),
    176: odd(500, SCAN, 'For input string: "x"'),
    188: odd(400, QUERY, "limit must be less or equal to 1000."),
    189: odd(400, QUERY, "unknown orderBy column OrderByDesc(columnName=nope, descending=false)"),
    190: odd(400, QUERY, "operands should not be empty. TableQueryFilterDesc(operator=LIKE, operands=[])"),
    203: odd(
        500,
        "blob/9df4122449945526d44931e32dd1ead531777da3075056fafd8b0413d218d272",
        "Request method 'GET' not supported",
    ),
    204: odd(
        500,
        f"project/1/evaluation/{UUID[6]}/hashedBlob/0000",
        "ERROR occurs while dealing with STORAGE: pull file from storage failed",
    ),
    206: odd(500, "user/current", "Request method 'DELETE' not supported"),
}
# Words so long that a sentence of ours holds their beginning only.
LONG: dict[int, tuple[int, str, str]] = {
    166: (500, SCAN, "Required request body is missing: org.springframework.http.ResponseEntity<"),
    168: (500, SCAN, "JSON parse error: Cannot deserialize value of type `java.util.ArrayList<"),
    191: (400, QUERY, "'AND'/'OR' should have 2 operands at least. TableQueryFilterDesc(operator=AND, "),
}
ODD: dict[int, tuple[type[SwnbError], str]] = {
    **{number: (NotFound, NO_PROJECT.format("demo") + HINT) for number in (17, 18, 25)},
    **dict.fromkeys((20, 24, 31), (Forbidden, DENIED)),
}
LIVE: dict[int, tuple[type[SwnbError], str]] = {
    64: odd(400, "project/1/job/37/resume", "only failed/paused/canceled job can be resumed"),
    122: odd(400, "project/1/job/37/cancel", "freeze job can't be canceled"),
}
CASES = [
    *(("server", number, *case) for number, case in SERVER.items()),
    *(("server-odd", number, *case) for number, case in ODD.items()),
    *(("server-live", number, *case) for number, case in LIVE.items()),
]


@pytest.mark.parametrize(("kind", "number", "error", "words"), CASES)
def test_a_refusal_says_who_what_and_why(kind: str, number: int, error: type[SwnbError], words: str) -> None:
    answer = recorded(kind)[number].reply
    with pytest.raises(SwnbError) as caught:
        data(answer)
    assert (type(caught.value), caught.value.what, caught.value.where) == (error, words, "lab")
    if isinstance(caught.value, ServerError):
        assert caught.value.status == answer.status


@pytest.mark.parametrize("number", LONG)
def test_long_words_of_the_server_are_cut(number: int) -> None:
    status, path, words = LONG[number]
    with pytest.raises(ServerError) as caught:
        data(recorded()[number].reply)
    error, beginning = odd(status, path, words)
    assert type(caught.value) is error
    assert caught.value.what.startswith(beginning)
    assert "request=" not in caught.value.what
    assert len(caught.value.what) <= 600
    assert caught.value.status == status
