"""What is in a request, and whether all of an answer came."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec

from swnb.call import Call, Reply
from swnb.secret import Secret


def content(call: Call[Any]) -> tuple[bytes | None, dict[str, str]]:
    """The body of a call and the header that says what it is."""
    if call.form is not None:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        fields = call.form.items()
        return urlencode({k: v.reveal() if isinstance(v, Secret) else v for k, v in fields}).encode(), kind
    if call.json is not None:
        return msgspec.json.encode(call.json), {"content-type": "application/json"}
    return None, {}


def is_short(reply: Reply) -> bool:
    """Whether a JSON document lacks its end, though the framing was right: a cut on the way to a gateway."""
    if "json" not in reply.headers.get("content-type", "") or reply.body[:1] not in (b"{", b"["):
        return False
    return reply.body[-64:].rstrip()[-1:] not in (b"}", b"]")
