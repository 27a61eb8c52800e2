"""One reader at work in a process of its own: ``python readers.py WHAT URL TOKEN PROJECT JOB``; prints one JSON line.

The vendor's SDK is run by its own Python (``sdk-…``), so nothing of ours is imported at the top.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any


def peak() -> float:
    """MB that this process has used at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def swnb_job(url: str, token: str, project: str, job: str) -> Any:
    """A handle, with everything imported and connected that a measurement should not count."""
    import httpx_aiohttp  # noqa: F401
    import pandas as pd  # noqa: F401

    import swnb

    swnb.connect("bench", f"starwhale+{url}", token=token)
    swnb.jobs("bench", limit=1)
    return swnb.open(f"bench/project/{project}/job/{job}")


def find(url: str, token: str, project: str, job: str) -> dict[str, Any]:
    """Project and number of a job that has the table ``big``."""
    import swnb

    swnb_job(url, token, project, job)
    found = swnb.jobs("bench", status="succeeded").iloc[-1]
    return {"project": found.project, "job": found.id}


def rows(*at: str) -> dict[str, Any]:
    job = swnb_job(*at)
    before, began = peak(), time.perf_counter()
    frame = job.rows("big")
    seconds = time.perf_counter() - began
    return {"rows": len(frame), "columns": frame.shape[1], "seconds": seconds, "mb": peak() - before}


def scan(*at: str) -> dict[str, Any]:
    job = swnb_job(*at)
    before, began = peak(), time.perf_counter()
    n = sum(len(part) for part in job.scan("big"))
    return {"rows": n, "seconds": time.perf_counter() - began, "mb": peak() - before}


def summary(*at: str) -> dict[str, Any]:
    import swnb

    project = swnb_job(*at).uri.rpartition("/job/")[0]
    began = time.perf_counter()
    frame = swnb.summary(swnb.jobs(project))
    return {"rows": len(frame), "seconds": time.perf_counter() - began}


def bare(url: str, token: str, project: str, job: str) -> dict[str, Any]:
    """httpx and a decoder in a loop, pages with both bounds, nothing done with the records."""
    import asyncio

    import httpx
    import httpx_aiohttp
    import msgspec

    async def read() -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
        transport = httpx_aiohttp.AiohttpTransport()
        async with httpx.AsyncClient(base_url=url, headers=headers, transport=transport) as client:
            uuid = (await client.get(f"/api/v1/project/{project}/job/{job}")).json()["data"]["uuid"]
            body: dict[str, Any] = {
                "tables": [{"tableName": f"project/{project}/eval/{uuid[:2]}/{uuid}/big"}],
                "limit": 1000,
                "encodeWithType": False,
                "startType": "INT64",
                "endType": "INT64",
            }
            n, began = 0, time.perf_counter()
            while n % 1000 == 0:
                body |= {"start": f"{n:016x}", "end": f"{n + 1000:016x}"}
                reply = await client.post("/api/v1/datastore/scanTable", json=body)
                records = msgspec.json.decode(reply.content)["data"]["records"]
                if not records:
                    break
                n += len(records)
            return {"rows": n, "seconds": time.perf_counter() - began}

    return asyncio.run(read())


def sign_in_by_sdk(url: str) -> None:
    from starwhale import login

    login(url, alias="bench", username=os.environ["BENCH_USER"], password=os.environ["BENCH_PASSWORD"])


def sdk_rows(url: str, token: str, project: str, job: str) -> dict[str, Any]:
    from starwhale import Job

    sign_in_by_sdk(url)
    found = Job.get(f"cloud://bench/project/{project}/job/{job}")
    began = time.perf_counter()
    n = sum(1 for _ in found.get_table_rows("big"))
    return {"rows": n, "seconds": time.perf_counter() - began}


def sdk_summary(url: str, token: str, project: str, job: str) -> dict[str, Any]:
    from starwhale import Job

    sign_in_by_sdk(url)
    began = time.perf_counter()
    jobs, _ = Job.list(f"cloud://bench/project/{project}", page_size=100_000)
    n = sum(1 for each in jobs if each.summary is not None)
    return {"rows": n, "seconds": time.perf_counter() - began}


if __name__ == "__main__":
    what = {f.__name__: f for f in (find, rows, scan, summary, bare, sdk_rows, sdk_summary)}
    print(json.dumps(what[sys.argv[1]](*sys.argv[2:6])))
