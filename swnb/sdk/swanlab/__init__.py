"""SwanLab's Open API (swanlab paper 9.1): ``OpenApi``, and the records that it hands out.

    from swnb.sdk.swanlab import OpenApi
    api = OpenApi()  # the key of SWANLAB_API_KEY, or of `swanlab login`
    api.list_workspaces().data[0]["name"]
    api.get_experiment(project="project1", exp_cuid="cuid1").data.state

Every call answers an ``ApiResponse``; what the server refuses is told by its ``code`` and ``errmsg``, as the vendor
does. Raised is only what is no answer: no connection, a key that is not taken, an argument that cannot be meant.
Arguments have the names of the page and of later versions (``exp_cuid`` and ``exp_id``, ``user`` and ``username``).
Every call has an awaitable door: ``await api.get_experiment.aio(…)``, and ``await OpenApi.aio(…)``.
"""

from __future__ import annotations

from swnb.sdk.swanlab.account import NotLoggedIn
from swnb.sdk.swanlab.openapi import OpenApi
from swnb.sdk.swanlab.records import ApiResponse, Experiment, Items, Project

__all__ = ["ApiResponse", "Experiment", "Items", "NotLoggedIn", "OpenApi", "Project"]
