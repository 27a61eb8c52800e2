"""What a client of the shape of Ray's JobSubmissionClient gets to see and do: one document, to be compared.

Run in the vendor's environment: `python ray_probe.py facts.json` prints the document. Another class of that shape is
passed to `round_trip` and `reads`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ENDED = {"SUCCEEDED", "FAILED", "STOPPED"}
FIELDS = (
    *("type", "submission_id", "status", "entrypoint", "message", "error_type", "metadata", "runtime_env"),
    *("driver_exit_code",),
)
GIVEN = ("job_id", "driver_info", "start_time", "end_time", "driver_agent_http_address", "driver_node_id")
"""Of these only whether they are there."""


def plain(value: Any) -> Any:
    return getattr(value, "value", value)


def same_time(text: str | None) -> str | None:
    """Without the moment and the line of the server's own source."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\tINFO (\w+\.py):\d+", r"TIME \1", text) if text else text


def record(info: Any) -> dict[str, Any]:
    seen = {name: plain(getattr(info, name)) for name in FIELDS}
    seen["message"] = same_time(seen["message"])
    return seen | {f"has {name}": getattr(info, name) is not None for name in GIVEN}


def error(call: Any, *values: Any, **named: Any) -> list[str]:
    """The error's type and the words that the server said last."""
    try:
        call(*values, **named)
    except Exception as raised:
        lines = [line.strip() for line in str(raised).splitlines() if line.strip() not in {"", "."}]
        return [type(raised).__name__, lines[-1]]
    return ["no error", ""]


def settled(client: Any, job: str, words: set[str], seconds: float = 90.0) -> Any:
    until = time.monotonic() + seconds
    while (info := client.get_job_info(job)) and plain(info.status) not in words:
        if time.monotonic() > until:
            raise TimeoutError(f"{job} is still {info.status}")
        time.sleep(0.1)
    return info


def tail(client: Any, job: str) -> str:
    async def whole() -> str:
        return "".join([part async for part in client.tail_job_logs(job)])

    return asyncio.run(whole())


def round_trip(client: Any, folder: str) -> dict[str, Any]:
    """Submit, watch, read, stop and delete jobs that print, fail, sleep and wait for ever.

    What prints waits a little first: else a real head writes its own line after the job's.
    """
    document: dict[str, Any] = {}
    metadata = {"job_name": "hello-1", "lr": "0.01"}
    env = {"env_vars": {"WORD": "there"}}
    document["submitted"] = client.submit_job(
        entrypoint="sleep 0.5; echo hello $WORD", submission_id="probe-good", metadata=metadata, runtime_env=env
    )
    document["good"] = record(settled(client, "probe-good", ENDED))
    document["good logs"] = same_time(client.get_job_logs("probe-good"))
    document["good tail"] = same_time(tail(client, "probe-good"))
    document["status"] = plain(client.get_job_status("probe-good"))
    client.submit_job(entrypoint="sleep 0.5; echo bad luck; exit 3", submission_id="probe-bad")
    document["bad"] = record(settled(client, "probe-bad", ENDED))
    client.submit_job(
        entrypoint="sleep 0.5; cat data.txt", submission_id="probe-folder", runtime_env={"working_dir": folder}
    )
    settled(client, "probe-folder", ENDED)
    document["folder logs"] = same_time(client.get_job_logs("probe-folder"))
    document.update(_stopping(client))
    document["listed"] = sorted(info.submission_id for info in client.list_jobs() if info.submission_id)
    document["deleted"] = client.delete_job("probe-good")
    document["gone"] = error(client.get_job_info, "probe-good")
    document["named by itself"] = bool(re.fullmatch(r"raysubmit_\w{16}", client.submit_job(entrypoint="true")))
    return document


def _stopping(client: Any) -> dict[str, Any]:
    document: dict[str, Any] = {}
    client.submit_job(entrypoint="sleep 300", submission_id="probe-long")
    document["running"] = record(settled(client, "probe-long", {"RUNNING"}))
    document["delete running"] = error(client.delete_job, "probe-long")
    document["stopped"] = client.stop_job("probe-long")
    document["stopped info"] = record(settled(client, "probe-long", ENDED))
    document["stopped twice"] = _stopped_again(client, "probe-long")
    client.submit_job(entrypoint="true", submission_id="probe-waits", entrypoint_resources={"no_such_thing": 1})
    document["waits"] = record(settled(client, "probe-waits", {"PENDING"}))
    document["stop waiting"] = client.stop_job("probe-waits")
    document["still"] = plain(client.get_job_status("probe-waits"))
    document["same id"] = error(client.submit_job, entrypoint="true", submission_id="probe-long")
    document["bad metadata"] = error(client.submit_job, entrypoint="true", metadata={"a": 1})
    document["unknown stop"] = error(client.stop_job, "nope")
    document["unknown logs"] = error(client.get_job_logs, "nope")
    return document


def _stopped_again(client: Any, job: str) -> bool:
    """What stop says of a job that has ended; for a moment after the end a real head still says True."""
    until = time.monotonic() + 15
    while (said := bool(client.stop_job(job))) and time.monotonic() < until:
        time.sleep(0.2)
    return said


def reads(client: Any, facts: dict[str, Any]) -> dict[str, Any]:
    """The made-up world through the client."""
    jobs = client.list_jobs()
    counts = Counter(f"{plain(job.type)} {plain(job.status)}" for job in jobs)
    return {
        "counts": dict(counts),
        "infos": {name: record(client.get_job_info(name)) for name in facts["jobs"]},
        "logs": client.get_job_logs(facts["ended"]),
        "tail": tail(client, facts["ended"]),
        "driver": record(client.get_job_info(facts["driver"])),
        "driver logs": error(client.get_job_logs, facts["driver"]),
        "driver stop": error(client.stop_job, facts["driver"]),
    }


if __name__ == "__main__":
    from ray.job_submission import JobSubmissionClient  # type: ignore[import-not-found]

    told = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    vendor = JobSubmissionClient(told["url"], headers=told.get("headers"))
    print(json.dumps(reads(vendor, told) if "jobs" in told else round_trip(vendor, told["folder"])))
