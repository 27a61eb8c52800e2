"""Reading from a Starwhale server: swnb, the official SDK and a bare httpx + decoder loop, one sandbox, one run.

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
from pathlib import Path
from typing import Any

SDK = os.environ.get("SWNB_STARWHALE_PYTHON")
READERS = Path(__file__).with_name("readers.py")


@contextlib.contextmanager
def box(*options: str) -> Iterator[dict[str, str]]:
    """A sandbox in its own process."""
    command = [sys.executable, "-m", "swnb.sandbox", "--platform", "starwhale", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in range(4)]
        yield {"url": lines[0][0].partition("+")[2], "token": lines[1][1], "user": lines[2][1], "password": lines[2][3]}
        process.terminate()


def read(what: str, at: dict[str, str], project: str = "1", job: str = "0") -> dict[str, Any]:
    """One reader's figures."""
    python = str(SDK) if what.startswith("sdk") else sys.executable
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
        command = [python, str(READERS), what, at["url"], at["token"], project, job]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def rate(found: dict[str, Any]) -> float:
    """Thousands of rows a second."""
    return float(found["rows"] / found["seconds"] / 1000)


def say(text: str, *figures: str) -> None:
    print(f"{text:<66}{'  '.join(figures)}", flush=True)


def rows_against_the_sdk(rows: int, wanted: int, *options: str) -> None:
    with box("--rows", str(rows), *options) as at:
        place = read("find", at)
        mine = read("rows", at, **place)
        say(f"{rows:,} rows, sandbox {' '.join(options) or 'as it is'}: swnb", f"{rate(mine):,.1f} k rows/s")
        if SDK:
            theirs = read("sdk_rows", at, **place)
            say("   official SDK", f"{rate(theirs):,.1f} k rows/s")
            say(f"   ratio (wanted: at least {wanted})", f"{rate(mine) / rate(theirs):.1f}")


def rows_against_a_bare_loop(rows: int = 1_000_000) -> None:
    with box("--rows", str(rows)) as at:
        place = read("find", at)
        bare, mine, scan = (read(what, at, **place) for what in ("bare", "rows", "scan"))
        say(f"{rows:,} x {mine['columns']}: bare httpx + decoder loop", f"{rate(bare):,.1f} k rows/s")
        say(
            "   swnb.rows, one DataFrame (wanted: at most 700 MB)",
            f"{rate(mine):,.1f} k rows/s",
            f"{mine['mb']:.0f} MB",
        )
        say("   ratio to the bare loop (wanted: at least 0.5)", f"{rate(mine) / rate(bare):.2f}")
        say("   swnb.scan (wanted: at most 150 MB)", f"{rate(scan):,.1f} k rows/s", f"{scan['mb']:.0f} MB")


def summaries(jobs: int = 200, latency: float = 0.02) -> None:
    with box("--jobs", str(3 * jobs), "--latency", str(latency)) as at:
        mine = read("summary", at)
        say(f"summaries of {mine['rows']} jobs at {latency * 1000:.0f} ms latency: swnb", f"{mine['seconds']:.2f} s")
        if SDK:
            theirs = read("sdk_summary", at)
            a_job = theirs["seconds"] / theirs["rows"] / (mine["seconds"] / mine["rows"])
            say(f"   official SDK, {theirs['rows']} jobs", f"{theirs['seconds']:.2f} s")
            say("   ratio a job (wanted: at least 50)", f"{a_job:.1f}")


def main() -> None:
    rows_against_the_sdk(100_000, 5)
    rows_against_the_sdk(100_000, 7, "--real")
    rows_against_the_sdk(600_000, 12, "--real")
    summaries()
    rows_against_a_bare_loop()


if __name__ == "__main__":
    main()
