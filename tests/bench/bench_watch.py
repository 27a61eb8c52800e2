"""What watching costs: 100 jobs that stand still, one board and ten; and 2,000 jobs.

Run it alone: ``python tests/bench/bench_watch.py``. The server is a process of its own, so the CPU is ours.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from multiprocessing.connection import Connection

import swnb
from swnb import sandbox
from swnb.client.watching import Watching

SECONDS = 20.0
EVERY = 2.0  # the quickest pace there is by itself


def server(pipe: Connection, jobs: int) -> None:
    with sandbox.run(["starwhale", "ray"], seed=1, jobs=jobs, clock="manual") as box:
        pipe.send([(name, box.uri(name), box.token(name)) for name in box.platforms])
        while pipe.recv():
            pipe.send([box.requests.total, box.requests.count("/job"), box.requests.count("scanTable")])


def idle(pipe: Connection, where: str, boards: int, every: float | None = EVERY) -> None:
    watching = [Watching(where, every=every) for _ in range(boards)]
    refreshes = [0]

    def refreshed() -> None:
        refreshes[0] += 1
        shown.set()

    for each in watching:
        shown = threading.Event()
        each.start(refreshed)
        shown.wait(30)
    refreshes[0] = 0
    before, cpu, began = _asked(pipe), time.process_time(), time.perf_counter()
    time.sleep(SECONDS)
    spent, took = time.process_time() - cpu, time.perf_counter() - began
    requests, lists, scans = (now - then for now, then in zip(_asked(pipe), before, strict=True))
    rows = len(watching[0].rows)
    for each in watching:
        each.close()
    pace = "its own pace" if every is None else f"every {every:g} s"
    who = f"{rows} jobs, {boards} board{'s' * (boards > 1)}, {pace}"
    asked = f"{requests} requests in {took:.0f} s ({lists} lists, {scans} scans)"
    shown_ = f"{refreshes[0] / boards:.0f} refreshes a board"
    print(f"{where:<20} {who:<36} {asked:<44} {shown_}, CPU {100 * spent / took:.2f} %", flush=True)


def _asked(pipe: Connection) -> list[int]:
    pipe.send(True)
    found: list[int] = pipe.recv()
    return found


def main() -> None:
    for jobs in (300, 6000):  # a third of them in each project
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=server, args=(theirs, jobs))
        process.start()
        for name, uri, token in ours.recv():
            swnb.connect(name, uri, token=token)
        idle(ours, "starwhale/project/1", 1)
        if jobs == 300:
            idle(ours, "starwhale/project/1", 10)
            idle(ours, "starwhale/project/1", 1, None)
            idle(ours, "ray", 1)
        ours.send(False)
        process.join()
        for name in ("starwhale", "ray"):
            swnb.forget(name)


if __name__ == "__main__":
    main()
