"""The stages of a job (its tasks, or the statuses it went through) as bars over time, with the times beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd

from swnb.widgets.static import SYMBOLS, cell_text, counted, duration_text, escape, is_missing

MOST: Final = 50  # stages that are drawn
_FINAL: Final = ("succeeded", "failed", "cancelled")
STYLE: Final = """<style>
.swnb-panel table.swnb-stages { border-collapse: collapse; width: 100%; font-size: inherit; }
.swnb-panel table.swnb-stages th, .swnb-panel table.swnb-stages td { text-align: left; padding: 2px 10px;
  color: inherit; border-bottom: 1px solid var(--jp-border-color2, #8884); font-variant-numeric: tabular-nums;
  white-space: nowrap; }
.swnb-panel table.swnb-stages th { font-weight: 600; }
.swnb-panel table.swnb-stages td.swnb-when { width: 45%; }
.swnb-panel .swnb-track { position: relative; height: 10px; min-width: 120px; border-radius: 3px;
  background: color-mix(in srgb, currentColor 8%, transparent); }
.swnb-panel .swnb-span { position: absolute; top: 0; bottom: 0; min-width: 3px; border-radius: 3px;
  background: #8a939c; }
.swnb-panel .swnb-span.swnb-is-running, .swnb-panel .swnb-span.swnb-is-stopping { background: #4a90d9; }
.swnb-panel .swnb-span.swnb-is-succeeded { background: #2f9e44; }
.swnb-panel .swnb-span.swnb-is-failed { background: #d9485f; }
.swnb-panel .swnb-span.swnb-is-queued, .swnb-panel .swnb-span.swnb-is-paused { background: #c58f1a; }
</style>"""


@dataclass(frozen=True)
class Stage:
    """One bar: what it is, in which status, from when until when (None: it still goes on, or is not known)."""

    name: str
    status: str
    began: datetime | None
    ended: datetime | None
    error: str = ""


def stages_of(frame: pd.DataFrame) -> list[Stage]:
    """The stages in a frame of ``swnb.tasks``, or in one of transitions (``time before after``)."""
    records = frame.reset_index().to_dict("records")
    if "after" in frame.columns:
        ends = [row["time"] for row in records[1:]] + [None]
        pairs = zip(records, ends, strict=True)
        return [_stage(str(row["after"]), str(row["after"]), row["time"], end) for row, end in pairs]
    return [_of_task(row) for row in records]


def _of_task(row: dict[Any, Any]) -> Stage:
    began, ended = (_moment(row.get(name)) for name in ("started", "finished"))
    name = cell_text(row.get("name")) or cell_text(row.get("id"))
    return _stage(name, cell_text(row.get("status")), began, ended, _text(row.get("error")))


def _stage(name: str, status: str, began: datetime | None, ended: datetime | None, error: str = "") -> Stage:
    """An ended stage whose end is not told is a point in time, and not one that goes on."""
    return Stage(name, status, began, began if ended is None and status in _FINAL else ended, error)


def _text(value: object) -> str:
    return cell_text(value) if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    return None if is_missing(value) or not isinstance(value, datetime) else value


def page(stages: Sequence[Stage], now: datetime) -> str:
    """The stages as an escaped table; each bar stands where its time is in the life of the job."""
    shown = stages[:MOST]
    begins = [stage.began for stage in shown if stage.began]
    ends = [stage.ended or now for stage in shown if stage.began]
    whole = (min(begins), max(begins + ends)) if begins else (now, now)  # a server's clock may be ahead of ours
    lines = "".join(_line(stage, whole, now) for stage in shown)
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Stage", "Status", "When", "Began (UTC)", "Took"))
    more = f"<p>{escape(counted(len(shown), len(stages), 'stages'))}</p>" if len(shown) < len(stages) else ""
    return (
        f'{STYLE}<table class="swnb-stages" aria-label="Stages"><thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table>{more}"
    )


def _line(stage: Stage, whole: tuple[datetime, datetime], now: datetime) -> str:
    sign = SYMBOLS.get(stage.status, "?")
    took = _took(stage, now)
    began = cell_text(stage.began)
    error = f'<div class="swnb-say">{escape(stage.error)}</div>' if stage.error else ""
    return (
        f"<tr><td>{escape(stage.name)}{error}</td><td>{sign} {escape(stage.status)}</td>"
        f'<td class="swnb-when">{_bar(stage, whole, now)}</td><td>{escape(began)}</td><td>{escape(took)}</td></tr>'
    )


def _took(stage: Stage, now: datetime) -> str:
    if stage.began is None:
        return ""
    if stage.ended is None:
        return f"{duration_text(max(round((now - stage.began).total_seconds()), 0))} so far"
    return duration_text(round((stage.ended - stage.began).total_seconds()))


def _bar(stage: Stage, whole: tuple[datetime, datetime], now: datetime) -> str:
    if stage.began is None:
        return ""
    span = (whole[1] - whole[0]) or timedelta(seconds=1)
    left = 100 * ((stage.began - whole[0]) / span)
    width = 100 * (((stage.ended or now) - stage.began) / span)
    known = stage.status if stage.status in SYMBOLS else "unknown"
    style = f"left:{min(max(left, 0), 99):.2f}%;width:{min(max(width, 0), 100 - min(left, 99)):.2f}%"
    bar = f'<div class="swnb-span swnb-is-{known}" style="{style}"></div>'
    return f'<div class="swnb-track" aria-hidden="true">{bar}</div>'
