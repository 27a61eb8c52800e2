"""What a task shows as its result on its page (supervisely paper 4.3)."""

# ruff: noqa: PLR0917 - the signatures are the vendor's
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from swnb.bridge import both
from swnb.errors import BadReply, NotFound
from swnb.providers.supervisely import requests
from swnb.sdk.supervisely.lists import Module
from swnb.sdk.supervisely.records import ProjectInfo, Record
from swnb.sdk.supervisely.words import number

_GREEN: Final = ("#33c94c", "#d9f7e4")
_RED: Final = ("#ff83a6", "#ffeae9")


class Outputs(Module):
    """``set_output_*`` of ``api.task``."""

    @both
    async def set_output_project(
        self,
        task_id: int,
        project_id: int,
        project_name: str | None = None,
        project_preview: str | None = None,
    ) -> Record:
        """A project; where no name is given, it is looked up, and a picture of it with it."""
        title, preview = project_name, project_preview
        if title is None:
            project = await self._found(requests.project_info(number("project_id", project_id)), ProjectInfo)
            if project is None:
                raise NotFound(f"there is no project {project_id}")
            title, preview = project.name or project.get("title"), preview or self._address(project.reference_image_url)
        shown = {"id": number("project_id", project_id), "title": title} | ({"preview": preview} if preview else {})
        return await self._output(task_id, project=shown)

    @both
    async def set_output_report(
        self, task_id: int, file_id: int, file_name: str, description: str | None = "Report"
    ) -> Record:
        """A report that lies in Team Files."""
        return await self._file(task_id, "receipt", file_name, f"/files/{number('file_id', file_id)}", description)

    @both
    async def set_output_archive(
        self, task_id: int, file_id: int, file_name: str, file_url: str | None = None
    ) -> Record:
        """A file to be downloaded; without its address that is looked up."""
        url = await self._url_of(file_id) if file_url is None else file_url
        return await self._file(task_id, "archive", file_name, url, "Download archive", True)

    @both
    async def set_output_file_download(
        self, task_id: int, file_id: int, file_name: str, file_url: str | None = None, download: bool = True
    ) -> Record:
        """A file to be downloaded, or shown; without its address that is looked up."""
        url = await self._url_of(file_id) if file_url is None else file_url
        return await self._file(task_id, "file", file_name, url, "Download file", download)

    @both
    async def set_output_directory(self, task_id: int, file_id: int, directory_path: str) -> Record:
        """A folder of Team Files; ``file_id`` is any file in it."""
        url = f"/files/{number('file_id', file_id)}"
        return await self._file(task_id, "folder", directory_path, url, "Directory")

    @both
    async def set_output_error(
        self, task_id: int, title: str, description: str | None = None, show_logs: bool = True
    ) -> Record:
        """An error, and a link to the log with it; the task's status stays."""
        icon = _icon("zmdi-alert-octagon", _RED)
        return await self._text(task_id, title, description, icon=icon, showLogs=show_logs, isError=True)

    @both
    async def set_output_text(
        self,
        task_id: int,
        title: str,
        description: str | None = None,
        show_logs: bool = False,
        zmdi_icon: str = "zmdi-comment-alt-text",
        icon_color: str = "#33c94c",
        background_color: str = "#d9f7e4",
    ) -> Record:
        """A text."""
        icon = _icon(zmdi_icon, (icon_color, background_color))
        return await self._text(task_id, title, description, icon=icon, showLogs=show_logs, isError=False)

    @both
    async def set_output_experiment(self, task_id: int, experiment_info: Mapping[str, Any]) -> Record:
        """A trained model and its metrics (paper 3.3)."""
        return await self._output(task_id, experiment={"data": experiment_info})

    async def _url_of(self, file_id: int) -> str:
        path = (await self._sent(requests.file_info(number("file_id", file_id)))).get("storagePath")
        if not isinstance(path, str):
            raise BadReply(f"file {file_id} has no storagePath")
        return path

    def _address(self, path: object) -> str | None:
        """The whole address of something on this server."""
        if not isinstance(path, str) or not path:
            return None
        return path if "://" in path else f"{self._api.server_address}/{path.lstrip('/')}"

    async def _file(
        self, task_id: int, icon: str, title: str, url: str, description: str | None, download: bool = False
    ) -> Record:
        shown = {"icon": _icon(f"zmdi-{icon}", _GREEN), "title": title, "titleUrl": url, "download": download}
        return await self._output(task_id, general={**shown, "description": description})

    async def _text(self, task_id: int, title: str, description: str | None, **more: Any) -> Record:
        said = {} if description is None else {"description": description}
        return await self._output(task_id, general={"title": title, **more, **said})

    async def _output(self, task_id: int, **output: Any) -> Record:
        return await self._sent(requests.output_set(number("task_id", task_id), **output))


def _icon(name: str, colors: tuple[str, str]) -> dict[str, str]:
    return {"className": f"zmdi {name}", "color": colors[0], "backgroundColor": colors[1]}
