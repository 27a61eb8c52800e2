"""What the vendor's SDK dropped in May 2025, and a server may still offer: else Unsupported (paper 4.4)."""

# ruff: noqa: PLR0917 - the signatures are the vendor's
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from swnb.bridge import both
from swnb.call import Call
from swnb.errors import BadInput, BadReply
from swnb.providers.supervisely import requests
from swnb.sdk.supervisely.records import Record, id_of, record
from swnb.sdk.supervisely.uploads import download
from swnb.sdk.supervisely.waiting import Waiting
from swnb.sdk.supervisely.words import RestartPolicy, Status, number, number_or_none


class Legacy(Waiting):
    """The twelve, but the upload of an archive."""

    @both
    async def get_training_metrics(self, task_id: int) -> Any:
        """The metrics of a plugin's training as the server has them; None where it has none."""
        return record(await self._api.ask(requests.train_metrics(number("task_id", task_id))))

    @both
    async def list_checkpoints(self, task_id: int) -> list[Record]:
        """The checkpoints of a training; ValueError for a task of another type."""
        await self._training(task_id)
        return await self._bare(requests.checkpoints_list(task_id), Record)

    @both
    async def delete_unused_checkpoints(self, task_id: int) -> Record:
        """Delete a training's checkpoints that nothing uses; they are gone for good."""
        await self._training(task_id)
        return await self._sent(requests.checkpoints_clear(task_id))

    async def _training(self, task_id: int) -> None:
        kind = (await self._known(task_id)).get("type")
        if kind != "train":
            raise BadInput(f"task {task_id} is of type {kind}; only a training (train) has checkpoints")

    @both
    async def get_import_files_list(self, id: int) -> Any:  # noqa: A002 - the page's name
        """The files that an import was given, as the server names them."""
        return record(await self._api.ask(requests.import_files_list(number("id", id))))

    @both
    async def download_import_file(self, id: int, file_path: str, save_path: str | Path) -> None:  # noqa: A002
        """Save one of an import's files; ``save_path`` is there when all of it is."""
        await download(self._api, requests.import_file(number("id", id), file_path), Path(save_path))

    @both
    async def create_task_detached(self, workspace_id: int, task_type: str | None = None) -> int:
        """A task that no agent works on; ``task_type`` has no effect. Its id."""
        return await self._started(requests.run_python(number("workspace_id", workspace_id)))

    @both
    async def run_dtl(self, workspace_id: int, dtl_graph: Sequence[Any], agent_id: int | None = None) -> int:
        """Start a transformation, a list of layers ``{action, src, dst, settings}``. Its task's id."""
        call = requests.run_dtl(
            number("workspace_id", workspace_id), list(dtl_graph), number_or_none("agent_id", agent_id)
        )
        return await self._started(call)

    @both
    async def run_train(
        self,
        agent_id: int,
        input_project_id: int,
        input_model_id: int,
        result_nn_name: str,
        train_config: Mapping[str, Any] | None = None,
    ) -> int:
        """Start the training of a model on a project. Its task's id."""
        return await self._run_plugin("train", agent_id, input_project_id, input_model_id, result_nn_name, train_config)

    @both
    async def run_inference(
        self,
        agent_id: int,
        input_project_id: int,
        input_model_id: int,
        result_project_name: str,
        inference_config: Mapping[str, Any] | None = None,
    ) -> int:
        """Apply a model to a project. Its task's id."""
        return await self._run_plugin(
            "inference", agent_id, input_project_id, input_model_id, result_project_name, inference_config
        )

    async def _run_plugin(
        self, kind: str, agent: int, project: int, model: int, name: str, config: Mapping[str, Any] | None
    ) -> int:
        agent, project, model = number("agent_id", agent), number("project", project), number("model", model)
        plugin = (await self._sent(requests.model_info(model))).get("pluginId")
        if plugin is None:
            raise BadReply(f"model {model} names no plugin")
        call = requests.run_plugin(kind, agent, plugin, config or {}, projects=[project], models=[model], name=name)
        return await self._started(call)

    @both
    async def deploy_model(self, agent_id: int, model_id: int) -> int:
        """``deploy_model_async``, and wait until the model serves; TaskFinishedWithError where it fails."""
        task = await self._deploy(agent_id, model_id)
        await self._wait(task, Status.DEPLOYED, None, None)
        return task

    @both
    async def deploy_model_async(self, agent_id: int, model_id: int) -> int:
        """Have an agent serve a model, unless one does. The id of the task that serves, or will (no coroutine: ``.aio``
        is that)."""
        return await self._deploy(agent_id, model_id)

    async def _deploy(self, agent_id: int, model_id: int) -> int:
        agent, model = number("agent_id", agent_id), number("model_id", model_id)
        serving = await self._bare(requests.model_deployed(model), Record)
        if serving:
            return id_of(serving[0].get("id"))
        return await self._started(requests.run_deploy(agent, model, RestartPolicy.NEVER.value))

    async def _started(self, call: Call[Any]) -> int:
        return id_of((await self._sent(call)).get("taskId"))
