"""Supervisely's SDK: ``Api`` and every name of TaskApi's page (supervisely paper 4 and 5).

    from swnb.sdk import supervisely as sly
    api = sly.Api.from_env()
    api.task.get_list(5102)
    await api.task.get_list.aio(5102)

It differs from the vendor's where that has a fault (paper 9): nothing is probed, and nothing that changes something is
sent twice; ``wait`` tells whether the status was reached; lists that change while they are read lose nothing; an
unknown task is NotFound; a caller's arguments stay as they are. Records are dicts whose keys are attributes too.
"""

from swnb.sdk.supervisely.api import Api, is_development, is_production, load_dotenv
from swnb.sdk.supervisely.app import AppApi
from swnb.sdk.supervisely.hierarchy import AgentApi, ProjectApi, TeamApi, WorkspaceApi
from swnb.sdk.supervisely.records import (
    AgentInfo,
    AppInfo,
    ModuleInfo,
    ProjectInfo,
    Record,
    SessionInfo,
    TeamInfo,
    WorkspaceInfo,
)
from swnb.sdk.supervisely.task import TaskApi
from swnb.sdk.supervisely.words import (
    KubernetesSettings,
    PluginTaskType,
    RestartPolicy,
    Status,
    TaskFinishedWithError,
    WaitingTimeExceeded,
)

__all__ = [
    "AgentApi",
    "AgentInfo",
    "Api",
    "AppApi",
    "AppInfo",
    "KubernetesSettings",
    "ModuleInfo",
    "PluginTaskType",
    "ProjectApi",
    "ProjectInfo",
    "Record",
    "RestartPolicy",
    "SessionInfo",
    "Status",
    "TaskApi",
    "TaskFinishedWithError",
    "TeamApi",
    "TeamInfo",
    "WaitingTimeExceeded",
    "WorkspaceApi",
    "WorkspaceInfo",
    "is_development",
    "is_production",
    "load_dotenv",
]
