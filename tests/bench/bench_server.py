"""Reading from a Starwhale server: swnb, the official SDK and a bare httpx + decoder loop, against one sandbox, in one run.

Ratios are what counts: the machine's speed drifts. Each reader runs in a process of its own, and so does the sandbox.
The SDK's part needs its Python in SWNB_STARWHALE_PYTHON (``make bench`` sets it).
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

SDK = os.environ.get("SWNB_STARWHALE_PYTHON")

_COMMON = """
import json, os, resource, sys, time
url, token, project, job = sys.argv[1:5]
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def report(rows, seconds, **more): print(json.dumps({"rows": rows, "seconds": seconds, **more}))
"""
_SWNB = (
    _COMMON
    + """
import pandas, httpx, httpx_aiohttp, msgspec
import swnb, swnb.client.public
swnb.connect("bench", "starwhale+" + url, token=token)
j = swnb.open(f"bench/project/{project}/job/{job}")
swnb.jobs("bench", limit=1)
"""
)
_ROWS = (
    _SWNB
    + 'base = peak(); t = time.perf_counter(); df = j.rows("big"); s = time.perf_counter() - t\nreport(len(df), s, mb=peak() - base, columns=df.shape[1])'
)
_SCAN = (
    _SWNB
    + 'base = peak(); t = time.perf_counter(); n = sum(len(b) for b in j.scan("big")); s = time.perf_counter() - t\nreport(n, s, mb=peak() - base)'
)
_SUMMARY = (
    _SWNB
    + 't = time.perf_counter(); df = swnb.summary(swnb.jobs(f"bench/project/{project}")); report(len(df), time.perf_counter() - t)'
)
_BARE = (
    _COMMON
    + """
import asyncio, httpx, msgspec, httpx_aiohttp
async def main():
    auth = {"Authorization": "Bearer " + token}
    async with httpx.AsyncClient(base_url=url, headers=auth, transport=httpx_aiohttp.AiohttpTransport()) as client:
        uuid = (await client.get(f"/api/v1/project/{project}/job/{job}")).json()["data"]["uuid"]
        n, low = 0, 0
        t = time.perf_counter()
        while True:
            body = {"tables": [{"tableName": f"project/{project}/eval/{uuid[:2]}/{uuid}/big"}], "limit": 1000,
                    "encodeWithType": False, "startType": "INT64", "start": f"{low:016x}", "endType": "INT64", "end": f"{low + 1000:016x}"}
            reply = await client.post("/api/v1/datastore/scanTable", json=body)
            rows = msgspec.json.decode(reply.content)["data"]["records"]
            n += len(rows); low += 1000
            if len(rows) < 1000: break
    report(n, time.perf_counter() - t)
asyncio.run(main())
"""
)
_SDK = (
    _COMMON
    + """
from starwhale import Job, job, login
login(url, alias="bench", username=os.environ["BENCH_USER"], password=os.environ["BENCH_PASSWORD"])
"""
)
_SDK_ROWS = (
    _SDK
    + """
j = Job.get(f"cloud://bench/project/{project}/job/{sys.argv[4]}")
t = time.perf_counter()
n = sum(1 for _ in j.get_table_rows("big"))
report(n, time.perf_counter() - t)
"""
)
_SDK_SUMMARY = (
    _SDK
    + """
t = time.perf_counter()
jobs, _ = Job.list(f"cloud://bench/project/{project}", page_size=100000)
n = sum(1 for j in jobs if j.summary is not None)
report(n, time.perf_counter() - t)
"""
)


@contextlib.contextmanager
def box(*options: str) -> Iterator[dict[str, str]]:
    """A sandbox in its own process."""
    command = [sys.executable, "-m", "swnb.sandbox", "--platform", "starwhale", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in range(4)]
        yield {"url": lines[0][0].partition("+")[2], "token": lines[1][1], "user": lines[2][1], "password": lines[2][3]}
        process.terminate()


def run(python: str, code: str, at: dict[str, str], project: str, job: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {
            "SWNB_CONFIG_DIR": home,
            "SW_CLI_CONFIG": f"{home}/config.yaml",
            "SW_LOCAL_STORAGE": f"{home}/root",
            "SW_CLIENT_RETRY_ATTEMPTS": "1",
            "NO_PROXY": "127.0.0.1",
            "BENCH_USER": at["user"],
            "BENCH_PASSWORD": at["password"],
        }
        command = [python, "-c", code, at["url"], at["token"], project, job]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def finished(at: dict[str, str]) -> tuple[str, str]:
    """Project and number of a job that has the table ``big``."""
    code = (
        _SWNB
        + 'df = swnb.jobs("bench", status="succeeded"); print(json.dumps({"p": df.project.iloc[-1], "j": df.id.iloc[-1]}))'
    )
    found = run(sys.executable, code, at, "1", "1")
    return found["p"], found["j"]


def rate(found: dict[str, Any]) -> float:
    return float(found["rows"] / found["seconds"])


def say(text: str, **figures: float) -> None:
    print(f"{text:<58}" + "  ".join(f"{name} {value:,.1f}" for name, value in figures.items()), flush=True)


def rows_against_the_sdk(rows: int, wanted: int, *options: str) -> None:
    with box("--rows", str(rows), *options) as at:
        place = finished(at)
        mine = run(sys.executable, _ROWS, at, *place)
        say(f"rows {' '.join(options) or 'as it is'}, {rows:,}: swnb, k rows/s", it=rate(mine) / 1000)
        if SDK:
            theirs = run(SDK, _SDK_ROWS, at, *place)
            say("   official SDK, k rows/s", it=rate(theirs) / 1000)
            say(f"   ratio (wanted: {wanted})", it=rate(mine) / rate(theirs))


def rows_against_a_bare_loop(rows: int = 1_000_000) -> None:
    with box("--rows", str(rows)) as at:
        place = finished(at)
        bare, mine, scan = (run(sys.executable, code, at, *place) for code in (_BARE, _ROWS, _SCAN))
        say(f"{rows:,} x {mine['columns']}: bare httpx + msgspec loop, k rows/s", it=rate(bare) / 1000)
        say("   swnb.rows, one DataFrame, k rows/s and MB (at most 700)", it=rate(mine) / 1000, mb=mine["mb"])
        say("   ratio to the bare loop (wanted: 0.5)", it=rate(mine) / rate(bare))
        say("   swnb.scan, k rows/s and MB (at most 150)", it=rate(scan) / 1000, mb=scan["mb"])


def summaries(jobs: int = 200, latency: float = 0.02) -> None:
    with box("--jobs", str(3 * jobs), "--latency", str(latency)) as at:
        mine = run(sys.executable, _SUMMARY, at, "1", "0")
        say(f"summaries of {mine['rows']} jobs at {latency * 1000:.0f} ms latency: swnb, s", it=mine["seconds"])
        if SDK:
            theirs = run(SDK, _SDK_SUMMARY, at, "1", "0")
            say("   official SDK, s", it=theirs["seconds"])
            say("   ratio (wanted: 50)", it=theirs["seconds"] / mine["seconds"] * mine["rows"] / theirs["rows"])


def main() -> None:
    rows_against_the_sdk(100_000, 5)
    rows_against_the_sdk(100_000, 7, "--real")
    rows_against_the_sdk(600_000, 12, "--real")
    summaries()
    rows_against_a_bare_loop()


if __name__ == "__main__":
    main()
