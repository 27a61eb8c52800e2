"""What the official Starwhale SDK reads from a server, as one canonical JSON document on stdout.

``main`` takes the module to read with, so that the very same lines are also run with swnb's surface.

Run by the SDK's own python, in a process of its own, with SW_CLI_CONFIG and SW_LOCAL_STORAGE pointing at a scratch
folder:  starwhale_probe.py URL USER PASSWORD PROJECT. Needs nothing but the SDK.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
import sys
from typing import Any

os.environ.setdefault("SW_CLIENT_RETRY_ATTEMPTS", "1")
os.environ.setdefault("NO_PROXY", "127.0.0.1")

PAGE = 5


def plain(value: Any) -> Any:
    """A cell in JSON, told apart by `$` keys where JSON has no word for it."""
    if isinstance(value, (list, tuple)):
        items = [plain(item) for item in value]
        return {"$tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, dict):
        return {"$map": [[plain(key), plain(item)] for key, item in value.items()]}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    # Read through swnb an object is a neutral record, which knows the name of its class and its attributes.
    kind = getattr(value, "class_name", type(value).__name__).rpartition(".")[2]
    attributes = getattr(value, "attributes", None) or vars(value)
    return {"$object": kind, "attrs": {name: plain(item) for name, item in attributes.items()}}


def row(cells: dict[str, Any]) -> dict[str, Any]:
    return {name: plain(cell) for name, cell in cells.items()}


def failure(call: Any) -> str:
    """The name of the error that a call ends in."""
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "no error"


def listed(job_class: Any, project: str) -> dict[str, Any]:
    """All pages, as far as the server says there are more."""
    pages: list[Any] = []
    ids: list[str] = []
    more = True
    while more:
        jobs, page = job_class.list(project, page_index=len(pages) + 1, page_size=PAGE)
        pages.append(page)
        ids += [job.uri.name for job in jobs]
        more = page["page"]["has_next_page"]
    return {"uuids": ids, "pages": pages}


def of_job(job: Any) -> dict[str, Any]:
    info = job.basic_info
    return {
        "id": info.id,
        "status": str(job.status),
        "name": info.job_name,
        "owner": info.owner.name,
        "summary": row(job.summary),
        "tables": {name: of_table(job, name) for name in job.tables},
    }


def of_table(job: Any, name: str) -> dict[str, Any]:
    rows = list(job.get_table_rows(name))
    keys = [cells["id"] for cells in rows]
    found: dict[str, Any] = {"count": len(rows), "rows": [row(cells) for cells in rows[:30] + rows[-2:]]}
    if len(keys) > 6:
        low, high = keys[2], keys[5]
        ranges = {
            "from": {"start": low},
            "half open": {"start": low, "end": high},
            "closed": {"start": low, "end": high, "end_inclusive": True},
            "keep none": {"start": low, "end": high, "keep_none": True},
            "nothing": {"start": high, "end": low},
        }
        found["ranges"] = {
            text: [plain(cells["id"]) for cells in job.get_table_rows(name, **asked)] for text, asked in ranges.items()
        }
    return found


def main(sdk: Any, url: str, user: str, password: str, project: str) -> dict[str, Any]:
    Job, job, login = sdk.Job, sdk.job, sdk.login
    login(url, alias="probe", username=user, password=password)
    where = f"cloud://probe/project/{project}"
    found = listed(Job, where)
    jobs = {uuid: of_job(job(f"{where}/job/{uuid}")) for uuid in found["uuids"]}
    first = next(iter(jobs.values()))
    return {
        "list": found,
        "jobs": jobs,
        "by number": of_job(job(f"{where}/job/{first['id']}")),
        "by address": str(job(f"{url}/project/{project}/job/{first['id']}").status),
        "missing table": list(job(f"{where}/job/{first['id']}").get_table_rows("no such table")),
        "errors": {
            "unknown job": failure(lambda: job(f"{where}/job/99999").status),
            "unknown project": failure(lambda: Job.list("cloud://probe/project/no-such-project")),
            "wrong password": failure(lambda: login(url, alias="other", username=user, password=password + "x")),
        },
    }


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        import starwhale

        document = main(starwhale, *sys.argv[1:5])
    json.dump(document, sys.stdout, ensure_ascii=False, sort_keys=True)
