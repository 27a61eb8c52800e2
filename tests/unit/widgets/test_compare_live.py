"""A comparison while its jobs go: the sandbox's clock and that of the pollers move when the test says so."""

from __future__ import annotations

import asyncio
import contextlib
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import swnb
from swnb import sandbox
from swnb.bridge import submit
from swnb.client import comparelive, following
from swnb.client.watching import Watching
from swnb.fetch import watch
from swnb.sandbox.serve import Box
from swnb.widgets import views
from swnb.widgets.compare import Compare, compare

PATIENCE = 30.0
SWAN = "swan/project/ada:mnist"


class Rounds:
    """The pollers rest until :meth:`pass_` lets so many seconds go by. ``reads`` are the moments of readings."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_795_363_200.0
        self.reads: list[float] = []
        self.takes = 0.0  # seconds that a reading takes
        self._rests: list[asyncio.Event] = []
        self._rested = 0
        monkeypatch.setattr(watch, "_clock", lambda: self.now)
        monkeypatch.setattr(watch, "_sleep", self._sleep)
        plain = comparelive.refreshed

        async def read(*args: Any, **options: Any) -> Any:
            self.reads.append(self.now)
            self.now += self.takes
            return await plain(*args, **options)

        monkeypatch.setattr(comparelive, "refreshed", read)

    async def _sleep(self, _seconds: float) -> None:
        rest = asyncio.Event()
        self._rests.append(rest)
        self._rested += 1
        await rest.wait()

    def settle(self, panel: Compare, rounds: int) -> None:
        """Until so many rounds are over and what is read for them is shown."""
        end = time.monotonic() + PATIENCE
        while self._rested < rounds:
            assert time.monotonic() < end
            time.sleep(0.005)

        async def read() -> None:
            live = panel._following
            if live is not None and live._task is not None:
                await asyncio.wait([live._task])

        submit(read()).result(PATIENCE)
        panel._wait(PATIENCE)

    def pass_(self, panel: Compare, seconds: float) -> None:
        before = self._rested

        async def free() -> None:
            rests, self._rests = self._rests, []
            for each in rests:
                each.set()

        self.now += seconds
        submit(free()).result(PATIENCE)
        self.settle(panel, before + 1)


@pytest.fixture
def box() -> Iterator[Box]:
    with sandbox.run(seed=1, clock="manual", platforms=("starwhale", "swanlab")) as running:
        yield running


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, box: Box) -> None:
    for name in ("SWNB_CONFIG_DIR", "SW_LOCAL_STORAGE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("SW_CLI_CONFIG", str(tmp_path / "none.yaml"))
    for name, platform in (("star", "starwhale"), ("swan", "swanlab")):
        swnb.connect(name, box.uri(platform), token=box.token(platform))


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Rounds:
    return Rounds(monkeypatch)


Open = Callable[..., Compare]


@pytest.fixture
def opened(rounds: Rounds) -> Iterator[Open]:
    """Makes panels whose first round is over; afterwards nobody asks any more."""
    made: list[Compare] = []

    def panel(*args: Any, **options: Any) -> Compare:
        made.append(compare(*args, **options))
        made[-1]._wait(PATIENCE)
        assert made[-1].figure is not None
        rounds.settle(made[-1], 1)
        return made[-1]

    yield panel
    for each in made:
        each.close()
    _quiet()


def _quiet() -> None:
    end = time.monotonic() + PATIENCE
    while following._pollers:
        assert time.monotonic() < end
        time.sleep(0.005)


def points(panel: Compare) -> pd.Series[Any]:
    assert panel.found is not None
    return panel.found.curves.groupby("job", sort=False).size()


def statuses(panel: Compare) -> dict[str, str]:
    return panel.frame["status"].astype(str).to_dict()


def footer(panel: Compare) -> str:
    figure: Any = panel.figure
    return str(figure.get_supxlabel())


# -- what is read, and when


def test_new_points_of_jobs_that_go_arrive_by_themselves(opened: Open, rounds: Rounds, box: Box) -> None:
    panel = opened(SWAN, "train/loss")
    figure, before, told = panel.figure, points(panel), footer(panel)
    box.clock.advance(30)
    rounds.pass_(panel, 6)
    after = points(panel)
    grown = {job for job in before.index if after[job] > before[job]}
    assert grown
    assert {statuses(panel)[job] for job in grown} == {"running"}
    assert {job for job in after.index if job not in before.index} == set()
    assert panel.figure is figure
    assert footer(panel) != told
    assert f"{after.sum():,} points (all" in footer(panel)


def test_nothing_is_read_before_five_seconds_have_passed(opened: Open, rounds: Rounds, box: Box) -> None:
    panel = opened(SWAN, "train/loss")
    box.clock.advance(1)
    rounds.pass_(panel, 2)
    rounds.pass_(panel, 2)
    assert rounds.reads == []
    rounds.pass_(panel, 2)
    assert len(rounds.reads) == 1


def test_a_usual_reading_asks_for_no_record_no_config_and_no_ended_job(opened: Open, rounds: Rounds, box: Box) -> None:
    panel = opened(SWAN, "train/loss")
    ended = [job.rpartition("/")[2] for job, status in statuses(panel).items() if status == "succeeded"]
    settled(box)
    box.requests.clear()
    live: Any = panel._following
    rounds.now += 6
    submit(_hear_again(live)).result(PATIENCE)
    rounds.settle(panel, 1)
    settled(box)
    paths = [request.path for request in box.requests if request.path != "/settled"]
    assert len(rounds.reads) == 1
    assert paths
    assert not [path for path in paths if any(job in path for job in ended) or "profile" in path or "column" in path]


async def _hear_again(live: Any) -> None:
    for ear in live._ears:
        ear.hear(following._pollers[ear.origin.server]._last)


def settled(box: Box) -> None:
    """Until all that was asked is written down: a box does so a moment after its answer has left."""
    with contextlib.suppress(urllib.error.HTTPError):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(f"{box.url('swanlab')}/settled", timeout=10).close()


def test_a_job_that_ends_is_read_at_once_and_wholly(opened: Open, rounds: Rounds, box: Box) -> None:
    panel = opened(SWAN, "train/loss")
    before = statuses(panel)
    box.clock.advance(3 * 3600)
    rounds.pass_(panel, 2)
    after = statuses(panel)
    assert len(rounds.reads) == 1
    ended = [job for job in before if before[job] == "running" and after[job] == "succeeded"]
    assert ended
    read = points(panel)
    assert all(read[job] == len(swnb.metrics(job, "train/loss")) for job in ended)


def test_where_all_have_ended_nothing_is_asked_any_more(opened: Open, rounds: Rounds, box: Box) -> None:
    panel = opened(swnb.jobs(SWAN, status=["running", "succeeded"]), "train/loss")
    box.clock.advance(30 * 24 * 3600)
    rounds.pass_(panel, 2)
    assert set(statuses(panel).values()) <= {"succeeded", "failed", "cancelled"}
    assert panel._following is None
    assert panel._live.layout.display == "none"
    _quiet()


def test_what_takes_long_is_read_less_often(opened: Open, rounds: Rounds, box: Box) -> None:
    panel = opened(SWAN, "train/loss")
    rounds.takes = 10.0
    for _ in range(20):
        box.clock.advance(5)
        rounds.pass_(panel, 5)
    began = [after - before for before, after in zip(rounds.reads, rounds.reads[1:], strict=False)]
    assert len(began) > 1
    assert all(each >= 4 * rounds.takes for each in began)


def test_where_nothing_new_comes_it_reads_ever_less_often(opened: Open, rounds: Rounds) -> None:
    panel = opened(SWAN, "train/loss")
    for _ in range(60):
        rounds.pass_(panel, 5)
    pauses = [after - before for before, after in zip(rounds.reads, rounds.reads[1:], strict=False)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 60


def test_a_lost_server_is_not_read_and_it_goes_on_when_it_is_back(opened: Open, rounds: Rounds, box: Box) -> None:
    panel = opened(SWAN, "train/loss")
    before = points(panel)
    box.faults.add("drop")
    box.clock.advance(30)
    rounds.pass_(panel, 60)
    assert rounds.reads == []
    assert points(panel).equals(before)
    box.faults.clear()
    rounds.pass_(panel, 60)
    assert points(panel).sum() > before.sum()


def test_a_removed_job_leaves_and_is_told(opened: Open, rounds: Rounds, box: Box) -> None:
    panel = opened("star/project/1", "loss", table="train")
    gone = next(job for job, status in statuses(panel).items() if status == "running")
    count = len(panel.frame)
    project = box.world.project("mnist")
    project.jobs[:] = [job for job in project.jobs if str(job.id) != gone.rpartition("/")[2]]
    rounds.pass_(panel, 70)
    assert len(panel.frame) == count - 1
    assert gone not in panel.frame.index
    assert "1 job was removed meanwhile" in panel._grid.note


def test_ever_so_many_readings_leave_the_same_provenance(opened: Open, rounds: Rounds, box: Box) -> None:
    panel = opened(SWAN, "train/loss")
    assert panel.found is not None
    before = swnb.provenance(panel.found.curves)
    for _ in range(5):
        box.clock.advance(10)
        rounds.pass_(panel, 10)
    after = swnb.provenance(panel.found.curves)
    assert len(rounds.reads) == 5
    assert after.code == before.code
    assert (after.n, after.total) == (len(panel.found.curves), len(panel.found.curves))
    assert after.fetched_at >= before.fetched_at
    assert after.notes == before.notes


# -- who asks


def test_it_shares_the_poller_of_every_board(opened: Open, rounds: Rounds, box: Box) -> None:
    panel = opened(SWAN, "train/loss")
    (poller,) = following._pollers.values()
    board = Watching(SWAN)
    board.start(lambda: None)
    rounds.pass_(panel, 2)
    assert list(following._pollers.values()) == [poller]
    assert len(poller._present()) == 2
    board.close()
    submit(asyncio.sleep(0)).result(PATIENCE)
    assert len(poller._present()) == 1


def test_live_off_asks_nobody_and_on_goes_on(opened: Open, rounds: Rounds) -> None:
    panel = opened(SWAN, "train/loss")
    assert panel._live.layout.display is None
    panel._live.value = False
    assert panel._following is None
    _quiet()
    panel._live.value = True
    assert panel._following is not None


def test_it_stops_when_its_last_view_goes_and_goes_on_when_one_comes(
    opened: Open, rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "GRACE", 0.0)
    panel = opened(SWAN, "train/loss")
    say(panel, id="a", on=True)
    say(panel, id="b", on=True)
    say(panel, id="a", on=False)
    assert panel._views._leaving is None
    say(panel, id="b", on=False)
    _quiet()
    assert panel._following is None
    panel._grid.selected = [0]  # it draws all the same
    assert panel.figure is not None
    assert panel._following is None
    say(panel, id="c", on=True)
    assert panel._following is not None


def say(panel: Compare, **content: Any) -> None:
    panel._grid._handle_custom_msg({"kind": "view", **content}, [])


def test_a_panel_that_was_never_shown_is_not_left(opened: Open) -> None:
    panel = opened(SWAN, "train/loss")
    assert panel._following is not None
    assert not panel._views.away


def test_refresh_takes_new_jobs_of_the_project(opened: Open, box: Box) -> None:
    panel = opened(SWAN, "train/loss")
    before = set(panel.frame.index)
    box.platform("swanlab").add_run("ada", "mnist", "brand-new", {"train/loss": [(0, 3.0), (1, 2.0)]})
    panel.refresh()
    panel._wait(PATIENCE)
    (new,) = set(panel.frame.index) - before
    assert panel.frame.loc[new, "name"] == "brand-new"
    assert points(panel)[new] == 2
    assert panel.figure is not None
