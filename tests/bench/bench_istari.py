"""2,000 jobs of an Istari registry: swnb and the official client, one sandbox with latency, one run.

Each reader runs in a process of its own (the official client by its own Python), and so does the sandbox.
``python bench_istari.py READER URL TOKEN`` is one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

JOBS, LATENCY, SIZE = 3200, 0.02, 100  # of which 2,000 are the user's own and not archived
TIMES = 5  # readings; the first of them opens connections and imports


def serve() -> None:
    """A sandbox with about 2,000 jobs of the user's own; prints its address and token, serves until its input ends."""
    from swnb import sandbox

    with sandbox.run(["istari"], seed=1, jobs=JOBS, clock="manual", latency=LATENCY) as box:
        print(json.dumps([box.url("istari"), box.token("istari")]), flush=True)
        sys.stdin.read()


def ours(url: str, token: str) -> dict[str, Any]:
    import swnb

    swnb.connect("bench", f"istari+{url}", token=token)
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        frame = swnb.jobs("bench")
        seconds.append(time.perf_counter() - began)
    return {**figures(seconds), "jobs": len(frame), "requests": swnb.provenance(frame).requests}


def surface(url: str, token: str) -> dict[str, Any]:
    """swnb.sdk.istari, by the official client's own lines."""
    from swnb.sdk.istari import Client, Configuration

    return walked(Client(Configuration(registry_url=url, registry_auth_token=token)))


def official(url: str, token: str) -> dict[str, Any]:
    from istari_digital_client import Client, Configuration

    return walked(Client(Configuration(registry_url=url, registry_auth_token=token, log_level="CRITICAL")))


def walked(client: Any) -> dict[str, Any]:
    """All jobs by the largest pages that there are."""
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        found = list(client.list_jobs(size=SIZE).iter_items())
        seconds.append(time.perf_counter() - began)
    return {**figures(seconds), "jobs": len(found)}


def figures(seconds: list[float]) -> dict[str, Any]:
    """``first`` opens connections (and imports what is imported late), ``again`` is the best of the others."""
    return {"first": seconds[0], "again": min(seconds[1:]), "later": seconds[1:]}


READERS = {"ours": ours, "surface": surface, "official": official}


def read(reader: str, python: str, at: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {"HOME": home, "SWNB_CONFIG_DIR": home, "NO_PROXY": "127.0.0.1"}
        command = [python, "-W", "ignore", str(Path(__file__)), reader, *at]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=home)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def told(name: str, found: dict[str, Any]) -> str:
    return f"  {name}: {found['jobs']} jobs in {found['again']:.2f} s, the first time {found['first']:.2f} s"


def main() -> None:
    command = [sys.executable, str(Path(__file__)), "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        at = json.loads(server.stdout.readline())
        read("surface", sys.executable, at)  # so that the sandbox has made all its records before anybody is measured
        mine = read("ours", sys.executable, at)
        print(f"{mine['jobs']} jobs, pages of {SIZE}, {LATENCY * 1000:.0f} ms")
        print(f"{told('swnb.jobs', mine)}, {mine['requests']} requests")
        print(told("swnb.sdk.istari", read("surface", sys.executable, at)))
        if python := os.environ.get("SWNB_ISTARI_PYTHON"):
            their = read("official", python, at)
            times = [f"{their[which] / mine[which]:.1f}" for which in ("again", "whole")]
            print(told("the official client", their))
            print(
                f"  swnb.jobs is {times[0]} times as fast (wanted: at least 8); from the import to the first list "
                f"{mine['whole']:.2f} s against {their['whole']:.2f} s, {times[1]} times"
            )
        server.terminate()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    elif sys.argv[1:]:
        began = time.perf_counter()
        found = READERS[sys.argv[1]](*sys.argv[2:4])
        whole = time.perf_counter() - began - sum(found.pop("later"))
        print(json.dumps({**found, "whole": whole}))
    else:
        main()
