"""The runs of a log folder: where they lie, what they are called, and their records as a JobInfo (swanlab paper 7)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

from swnb.call import note
from swnb.errors import StoreError, clean
from swnb.model import JobInfo, Status
from swnb.providers.swanlab.words import status_of
from swnb.stores.folder import Folder
from swnb.stores.swanlab import dashboard
from swnb.stores.swanlab.container import Container
from swnb.stores.swanlab.contents import Contents, moment
from swnb.stores.swanlab.files import Files
from swnb.stores.swanlab.framing import HEADER, Frames

#: the project of runs whose container has lost its beginning; no project of SwanLab can be called so
UNKNOWN: Final = "(unknown)"
#: a writer that lives shows itself at least so often, in seconds
HEARTBEAT: Final = 600
_FOLDER: Final = re.compile(r"run-\d{8}_\d{6}-(?P<id>.+)")
_CONTAINER: Final = re.compile(r"backup\.swanlab|run-.+\.swanlab")


def container_name(folder: Path) -> str | None:
    """The name of the container in a run's folder: an empty text where it lost its own, None where this is no run."""
    try:
        with os.scandir(folder) as entries:
            names = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    except OSError:
        return None
    found = sorted(name for name, is_folder in names.items() if not is_folder and _CONTAINER.fullmatch(name))
    if found:
        return found[-1]  # the newer kind, should there be both
    return "" if _FOLDER.fullmatch(folder.name) and any(names.get(name) for name in ("files", "logs")) else None


class Run:
    """One run's folder, as it was when ``contents`` were read: the two ends of its container."""

    def __init__(self, folder: Folder, log_dir: Folder, name: str) -> None:
        self.folder = folder
        self.container = Container(folder, name) if name else None
        self.stamp: object = None
        self.contents, self.problem = Contents(), "it has no container"
        self._log_dir = log_dir
        if self.container is not None:
            try:
                self.stamp = self.container.stamp()
                self.contents, self.problem = self.container.ends()
            except StoreError as error:
                self.problem = error.what
        match = _FOLDER.fullmatch(folder.root.name)
        self.own_id = self.contents.start.id or (match["id"] if match else folder.root.name)
        self.id = self.own_id

    def current(self, name: str) -> bool:
        """Whether its container, now called ``name``, is as it was."""
        try:
            return self.container is not None and self.container.name == name and self.container.stamp() == self.stamp
        except StoreError:
            return False

    @property
    def project(self) -> str:
        start = self.contents.start
        return (f"{start.workspace}:{start.project}" if start.workspace else start.project) or UNKNOWN

    @property
    def alive(self) -> bool:
        """Without an end, and written to a moment ago."""
        if self.container is None or self.stamp is None or self.contents.finish is not None:
            return False
        files = [self.folder.root / self.container.name, *dashboard.log_files(self.folder)]
        return any(_age(file) < HEARTBEAT for file in files)

    def info(self, *, config: bool = False, profile: bool = False) -> JobInfo:
        start, finish = self.contents.start, self.contents.finish
        created = moment(start.time)
        finished = moment(finish.time) if finish else None
        files = Files(self.folder, clean(self.id), self.contents.files)
        return JobInfo(
            id=self.id,
            project=self.project,
            name=start.name or self.folder.root.name,
            status=status_of(finish.state) if finish else Status.RUNNING if self.alive else Status.UNKNOWN,
            raw_status=finish.state if finish else "UNFINISHED",
            created=created,
            started=created,
            finished=finished,
            elapsed=finished - created if finished and created else None,
            error=(finish.error if finish else "") or self.problem or None,
            own={
                "description": start.description,
                "tags": start.tags,
                "group": start.group or None,
                "job_type": start.job_type or None,
                "folder": self.folder.root.name,
            },
            config=files.config() if config else {},
            profile=files.profile() if profile else {},
        )

    def read(self, wanted: Collection[str] | None = None) -> Contents:
        """All that the run's files hold; notes say what they lack."""
        contents, frames = self.after(HEADER, wanted)
        if frames is not None:
            if contents.finish is None or not frames.whole:
                dashboard.fill(contents, self.folder, self._log_dir, clean(self.id))
            self.say(contents, frames)
        return contents

    def after(self, offset: int, wanted: Collection[str] | None = None) -> tuple[Contents, Frames | None]:
        """What its container holds from there on; nothing, with a note, where it cannot be opened."""
        try:
            if self.container is not None:
                return self.container.after(offset, wanted)
            problem = self.problem
        except StoreError as error:
            problem = error.what
        note(f"run {clean(self.id)}: {problem}")
        return Contents(), None

    def say(self, contents: Contents, frames: Frames) -> None:
        """Note what was cut, what could not be read and what cannot be told."""
        run = f"run {clean(self.id)}"
        if not frames.whole:
            note(f"{run}: its container is cut or damaged at byte {frames.end:,}; what lies before was read")
        if contents.finish is None:
            note(f"{run}: its container has no end: the run goes on or was killed, the newest may be missing")
        if contents.odd:
            note(f"{run}: {contents.odd} records of its container could not be read")
        for key in sorted(contents.unsigned):
            note(f"{run}: an infinity of {clean(key)} is written without a sign; it is shown as inf and may be -inf")


def _age(file: Path) -> float:
    try:
        return time.time() - file.lstat().st_mtime
    except OSError:
        return HEARTBEAT
