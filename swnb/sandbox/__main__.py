"""`python -m swnb.sandbox`: serve until Ctrl-C."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence

from swnb.sandbox.serve import PLATFORMS, Box, run


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        box = run(
            asked.platform,
            jobs=asked.jobs,
            rows=asked.rows,
            seed=asked.seed,
            latency=asked.latency,
            host=asked.host,
            port=asked.port,
            allow_remote=asked.allow_remote,
            allow_run=asked.allow_run,
        )
    except (ValueError, OSError) as error:
        print(f"swnb sandbox: {error}")
        return 2
    if asked.real:
        box.faults.as_real()
    with box:
        _tell(box)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("stopped")
    return 0


def _tell(box: Box) -> None:
    for name in box.platforms:
        user, password = box.user(name)
        print(f"{box.uri(name)}\n  token {box.token(name)}\n  user {user}  password {password}", flush=True)
        for further, url in getattr(box.platform(name), "addresses", {}).items():
            print(f"  {further} {url}", flush=True)
    print("Ctrl-C stops it", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="swnb sandbox", description="Serve a made-up world on this machine.")
    parser.add_argument("--platform", action="append", choices=list(PLATFORMS), help="only this one; may be repeated")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="port of the first platform, the next follow it")
    parser.add_argument("--jobs", type=int, help="how many jobs (40)")
    parser.add_argument("--rows", type=int, help="rows of the table `big` of each job that ended well")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--real", action="store_true", help="let work cost the time it costs a real server")
    parser.add_argument("--allow-remote", action="store_true", help="allow a host other than loopback")
    parser.add_argument("--allow-run", action="store_true", help="really run jobs submitted to ray and yuanrong")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
