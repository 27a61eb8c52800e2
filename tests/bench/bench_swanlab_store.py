"""Points a second from a SwanLab run folder to a DataFrame, beside the official SDK's own reading of the same file.

``python tests/bench/bench_swanlab_store.py`` prints them. With ``SWNB_SWANLAB_010_PYTHON`` (the Python of an
environment that has swanlab 0.10.3) the SDK writes the container, 400,000 points of 8 metrics by turns, and reads it
with what ``swanlab sync`` reads by, into lists; without, a like container is made here and only ours is read.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import swnb

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

POINTS, METRICS, ROUNDS, RUNS = 400_000, 8, 5, 300
OLD_POINTS = 50_000
GOAL = 300_000

SDK = """
import sys, time
from swanlab.proto.swanlab.record.v1.record_pb2 import Record
from swanlab.sdk.internal.core_python.store import DataStoreReader, DataStoreWriter
file, points, metrics = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
writer = DataStoreWriter()
writer.open(file)
record = Record(num=-1)
record.start.project, record.start.name, record.start.id = "demo", "bench", "benchrun"
record.start.started_at.seconds = 1_764_000_000
writer.write(record.SerializeToString())
for n in range(points):
    nanos = 1_764_000_000_000_000_000 + n * 110_017_000
    record = Record(num=n + 1)
    record.timestamp.seconds, record.timestamp.nanos = divmod(nanos + 60_000, 10**9)
    point = record.scalar
    point.key, point.step, point.type, point.value.number = f"train/metric_{n % metrics}", n // metrics, 1, n * 0.1
    point.timestamp.seconds, point.timestamp.nanos = divmod(nanos, 10**9)
    writer.write(record.SerializeToString())
record = Record(num=-2)
record.finish.state, record.finish.finished_at.seconds = 1, 1_764_000_100
writer.write(record.SerializeToString())
writer.close()
best = 1e9
for _ in range(3):
    begin = time.perf_counter()
    reader, found = DataStoreReader(), {}
    reader.open(file)
    for payload in reader:
        record = Record()
        record.ParseFromString(payload)
        if record.WhichOneof("record_type") == "scalar":
            point = record.scalar
            steps, times, values = found.setdefault(point.key, ([], [], []))
            steps.append(point.step)
            times.append(point.timestamp.seconds * 1_000_000 + point.timestamp.nanos // 1000)
            values.append(point.value.number)
    reader.close()
    assert sum(len(steps) for steps, _, _ in found.values()) == points
    best = min(best, time.perf_counter() - begin)
print("RATE", points / best)
"""


def main() -> None:
    from stores import swanlab_writing as writing

    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folder = writing.save(place / "new", b"", "benchrun")
        file = folder / "run-benchrun.swanlab"
        sdk = sdk_rate(file)
        if sdk is None:
            file.write_bytes(writing.framed([writing.start("benchrun"), *made(writing.point), writing.finish()]))
        ours = rate(place / "new", POINTS)
        print(f"ours, to a DataFrame  {ours:>12,.0f} points/s (goal: {GOAL:,})")
        if sdk is not None:
            print(f"the SDK, to lists     {sdk:>12,.0f} points/s\nratio                 {ours / sdk:>12.1f}")
        old = [writing.scalar(f"train/metric_{n % METRICS}", n // METRICS, n * 0.1) for n in range(OLD_POINTS)]
        writing.save(place / "old", writing.framed([*writing.first_lines("oldbench"), *old], 1), "oldbench", version=1)
        print(f"version 1 containers  {rate(place / 'old', OLD_POINTS):>12,.0f} points/s")
        several = writing.framed([writing.start("x"), *made(writing.point, 5_000), writing.finish()])
        for n in range(RUNS):
            writing.save(place / "many", several, f"run{n:05}")
        listing = timed(lambda: list_runs(place / "many"), 1)
        print(f"a list of {RUNS} runs      {listing * 1000:>12,.0f} ms")


def made(point: Callable[..., bytes], points: int = POINTS) -> list[bytes]:
    start = 1_764_000_000_000_000_000
    return [
        point(f"train/metric_{n % METRICS}", n // METRICS, n * 0.1, start + n * 110_017_000, n) for n in range(points)
    ]


def rate(log_dir: Path, points: int) -> float:
    def read() -> None:
        assert len(swnb.metrics(f"swanlab+file://{log_dir}")) == points

    return points / timed(read, ROUNDS)


def list_runs(log_dir: Path) -> None:
    assert len(swnb.jobs(f"swanlab+file://{log_dir}")) == RUNS


def timed(work: Callable[[], None], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def sdk_rate(file: Path) -> float | None:
    """The SDK's rate, after it wrote the container; None where there is no SDK."""
    python = os.environ.get("SWNB_SWANLAB_010_PYTHON")
    if not python:
        return None
    file.unlink()
    command = [python, "-c", SDK, str(file), str(POINTS), str(METRICS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.rpartition("RATE ")[2].split()[0])


if __name__ == "__main__":
    main()
