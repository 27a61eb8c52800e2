"""Supervisely's surface without a server: the names of the page, its words and records, addresses, start targets."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest

from swnb.bridge import run
from swnb.client.source import close_all
from swnb.errors import BadURI
from swnb.sdk import supervisely as sly
from swnb.sdk.supervisely import Api, KubernetesSettings, ModuleInfo, Status, TaskApi
from swnb.sdk.supervisely.api import is_development, load_dotenv
from swnb.sdk.supervisely.records import record
from swnb.secret import Secret

TOKEN = "a-token-that-is-long-and-that-stands-nowhere-4711"
# As the page writes them.
METHODS = """
create_task_detached(workspace_id, task_type=None)
delete_unused_checkpoints(task_id)
deploy_model(agent_id, model_id)
deploy_model_async(agent_id, model_id)
download_import_file(id, file_path, save_path)
get_context(id)
get_field(task_id, field)
get_fields(task_id, fields)
get_import_files_list(id)
get_info_by_id(id)
get_list(workspace_id, filters=None)
get_list_all_pages(method, data, progress_cb=None, convert_json_info_cb=None, limit=None, return_first_response=False)
get_list_all_pages_generator(method, data, progress_cb=None, convert_json_info_cb=None, limit=None, \
return_first_response=False)
get_status(task_id)
get_training_metrics(task_id)
info_sequence()
info_tuple_name()
list_checkpoints(task_id)
raise_for_status(status)
run_dtl(workspace_id, dtl_graph, agent_id=None)
run_inference(agent_id, input_project_id, input_model_id, result_project_name, inference_config=None)
run_train(agent_id, input_project_id, input_model_id, result_nn_name, train_config=None)
send_request(task_id, method, data, context={}, skip_response=False, timeout=60, outside_request=True)
set_field(task_id, field, payload, append=False, recursive=False)
set_fields(task_id, fields)
set_fields_from_dict(task_id, d)
set_output_archive(task_id, file_id, file_name, file_url=None)
set_output_directory(task_id, file_id, directory_path)
set_output_error(task_id, title, description=None, show_logs=True)
set_output_file_download(task_id, file_id, file_name, file_url=None, download=True)
set_output_project(task_id, project_id, project_name=None)
set_output_report(task_id, file_id, file_name)
start(agent_id, app_id=None, workspace_id=None, description='application description', params=None, log_level='info', \
users_ids=None, app_version='', is_branch=False, task_name='pythonSpawned', restart_policy='never', \
proxy_keep_url=False, module_id=None, redirect_requests={})
stop(id)
submit_logs(logs)
update_meta(id, data, agent_storage_folder=None, relative_app_dir=None)
upload_dtl_archive(task_id, archive_path, progress_cb=None)
upload_files(task_id, abs_paths, names, progress_cb=None)
wait(id, target_status, wait_attempts=None, wait_attempt_timeout_sec=None)
""".strip().splitlines()
NO_REQUEST = {"info_sequence", "info_tuple_name", "raise_for_status"}
WORDS = {
    "PluginTaskType": {
        "CUSTOM": "custom",
        "INFERENCE": "inference",
        "INFERENCE_RPC": "inference_rpc",
        "SMART_TOOL": "smarttool",
        "TRAIN": "train",
    },
    "RestartPolicy": {"NEVER": "never", "ON_ERROR": "on_error"},
    "Status": {
        "CONSUMED": "consumed",
        "DEPLOYED": "deployed",
        "ERROR": "error",
        "FINISHED": "finished",
        "QUEUED": "queued",
        "STARTED": "started",
        "STOPPED": "stopped",
        "TERMINATING": "terminating",
    },
}


@pytest.fixture(autouse=True)
def nobodys_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("SERVER_ADDRESS", "API_TOKEN", "SUPERVISELY_TASK_ID", "SUPERVISELY_API_SERVER_ADDRESS", "ENV"):
        monkeypatch.delenv(name, raising=False)
    yield
    run(close_all())


@pytest.fixture
def api() -> Api:
    return Api("supervisely.example", TOKEN)


@pytest.mark.parametrize("line", METHODS, ids=[line.partition("(")[0] for line in METHODS])
def test_a_method_has_the_parameters_and_defaults_of_the_page(api: Api, line: str) -> None:
    name, _, rest = line.partition("(")
    wanted = eval(f"inspect.signature(lambda {rest.removesuffix(')')}: 0)", {"inspect": inspect}).parameters
    ours = inspect.signature(getattr(api.task, name)).parameters
    given = [(each.name, each.default) for each in ours.values()]
    assert given[: len(wanted)] == [(each.name, each.default) for each in wanted.values()]
    assert all(default is not inspect.Parameter.empty for _, default in given[len(wanted) :])
    assert hasattr(getattr(api.task, name), "aio") == (name not in NO_REQUEST)
    assert getattr(TaskApi, name).__doc__


@pytest.mark.parametrize("name", WORDS)
def test_an_enumeration_has_the_words_of_the_page(api: Api, name: str) -> None:
    found = getattr(api.task, name)
    assert found is getattr(TaskApi, name) is getattr(sly, name)
    assert {each.name: str(each) for each in found} == WORDS[name]
    assert json.dumps(list(found)) == json.dumps([each.value for each in found])
    with pytest.raises(ValueError, match="There are: "):
        found("no such word")


def test_attributes_of_the_page_are_there_and_tasks_have_no_fixed_fields(api: Api) -> None:
    assert (TaskApi.MAX_WAIT_ATTEMPTS, TaskApi.WAIT_ATTEMPT_TIMEOUT_SEC) == (999, 1)
    for nothing in (api.task.info_sequence, TaskApi.info_tuple_name):
        with pytest.raises(NotImplementedError):
            nothing()


def test_a_task_api_can_be_made_by_hand_and_not_be_changed(api: Api) -> None:
    made = TaskApi(api)
    assert made == api.task
    for part in (made, api.app, api.team, api.workspace, api.project, api.agent):
        for name in ("_api", "anything"):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(part, name, None)


def test_error_raises_as_a_member_and_as_a_word(api: Api) -> None:
    for status in (Status.ERROR, "error"):
        with pytest.raises(sly.TaskFinishedWithError):
            api.task.raise_for_status(status)
    api.task.raise_for_status(Status.FINISHED)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("app.supervisely.com/", "https://app.supervisely.com"),
        ("lab.example:8443", "https://lab.example:8443"),
        ("lab.example/sub/", "https://lab.example/sub"),
        ("127.0.0.1:9001", "http://127.0.0.1:9001"),
        ("localhost", "http://localhost"),
        ("[::1]:9001", "http://[::1]:9001"),
        ("http://lab.example//", "http://lab.example"),
        ("https://app.supervise.ly", "https://app.supervise.ly"),
    ],
)
def test_a_bare_host_means_https_and_on_this_machine_http(written: str, meant: str) -> None:
    assert Api.normalize_server_address(written) == meant
    assert Api(written, TOKEN).server_address == meant


@pytest.mark.parametrize("written", ["ftp://lab.example", "a b", "http://", "https://u:p@lab.example"])
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(BadURI):
        Api(written, TOKEN)


def test_an_api_needs_a_server_and_keeps_its_token_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="no server"):
        Api()
    with pytest.raises(TypeError, match="an address is text"):
        Api(7, TOKEN)  # type: ignore[arg-type]
    monkeypatch.setenv("SERVER_ADDRESS", "lab.example")
    api = Api(token=TOKEN)
    assert repr(api) == "Api('https://lab.example')"
    assert TOKEN not in f"{api!r} {vars(api)} {api.task!r} {api.token}"
    assert api.token == Secret(TOKEN)


def test_a_header_is_added_once() -> None:
    api = Api("lab.example", TOKEN)
    api.add_header("x-task-id", "5")
    with pytest.raises(ValueError, match="already"):
        api.add_header("x-task-id", "6")


def test_development_is_what_is_not_production(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_development()
    monkeypatch.setenv("ENV", "production")
    assert not sly.is_development()
    assert sly.is_production()


def test_a_file_of_variables_sets_those_that_are_not_set(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "some.env"
    file.write_text("# all of it\n\nA_NAME = one # said\nexport B_NAME='two # three'\nHELD=theirs\nno variable\n")
    monkeypatch.setenv("HELD", "ours")
    for name in ("A_NAME", "B_NAME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    assert load_dotenv(file)
    environ = __import__("os").environ
    assert [environ[name] for name in ("A_NAME", "B_NAME", "HELD")] == ["one", "two # three", "ours"]
    assert not load_dotenv(tmp_path / "other.env")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda api: api.task.get_info_by_id("5"), TypeError),
        (lambda api: api.task.get_info_by_id(None), TypeError),
        (lambda api: api.task.get_info_by_id(True), TypeError),
        (lambda api: api.task.get_list(1.5), TypeError),
        (lambda api: api.task.send_request(5, "x", [1]), TypeError),
        (lambda api: api.task.get_logs(5, limit="3"), TypeError),
        (lambda api: api.task.start(61), ValueError),
        (lambda api: api.task.start(61, app_id=1, module_id=2), ValueError),
        (lambda api: api.task.start(61, module_id=2, restart_policy="sometimes"), ValueError),
        (lambda api: api.task.start(61, module_id=2, kubernetes_settings={"limit_gpus": "2"}), TypeError),
        (lambda api: api.task.start(61, module_id=2, kubernetes_settings={"gpus": 2}), TypeError),
        (lambda api: api.task.update_status(5, "weird"), ValueError),
        (lambda api: api.task.update_meta(5, {}, agent_storage_folder="/srv"), ValueError),
        (lambda api: api.task.set_fields(5, [{"field": "a"}]), KeyError),
        (lambda api: api.app.start(61, app_id=410), ValueError),
        (lambda api: api.app.get_ecosystem_module_info(), ValueError),
        (lambda api: api.project.get_list(1, team_id=2), ValueError),
        (lambda api: api.project.get_list(), ValueError),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_sent(api: Api, call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):  # the host has no address: what was sent would be Unreachable
        call(api)


def test_kubernetes_settings_are_the_wires_keys_and_only_those_that_are_given() -> None:
    settings = KubernetesSettings(use_health_check=True, limit_memory_gb=4, limit_gpu_cores_perc=50)
    assert settings.to_dict() == {"useHealthCheck": True, "limitMemoryGb": 4, "limitGpuCoresPerc": 50}
    for wrong in ({"limit_cpus": "4"}, {"limit_cpus": True}, {"use_health_check": 1}):
        with pytest.raises(TypeError):
            KubernetesSettings(**wrong)  # type: ignore[arg-type]


def test_a_record_is_a_dict_whose_keys_are_attributes_in_both_spellings() -> None:
    sent = {"id": 5, "startedAt": None, "meta": {"app": {"moduleId": 7}, "rows": [{"agentName": "a"}]}, "is_new": 1}
    task = record(sent)
    assert task == sent
    assert json.loads(json.dumps(task)) == sent
    assert (task.started_at, task.startedAt, task.meta.app.module_id, task["is_new"]) == (None, None, 7, 1)
    assert task.meta.rows[0].agent_name == "a"
    with pytest.raises(AttributeError, match="has no 'name'; it has id, startedAt"):
        task.name  # noqa: B018


def test_what_is_secret_in_a_record_is_kept_and_not_shown() -> None:
    task = record({"meta": {"sessionToken": "s3cret", "apiToken": "k3y", "token": ""}, "list": [{"token": "t0ken"}]})
    assert (
        str(task)
        == repr(task)
        == ("{'meta': {'sessionToken': '****', 'apiToken': '****', 'token': ''}, 'list': [{'token': '****'}]}")
    )
    assert task["meta"]["sessionToken"] == task.meta.session_token == "s3cret"
    assert "s3cret" in json.dumps(task)


def test_fields_that_a_server_leaves_out_are_none_and_others_are_not_there() -> None:
    agent, project = sly.AgentInfo({"id": 61}), sly.ProjectInfo({"id": 1, "imagesCount": 3, "createdBy": 9})
    assert (agent.id, agent.gpu_info) == (61, None)
    assert (project.items_count, project.created_by_id, project.reference_image_url) == (3, 9, None)
    with pytest.raises(AttributeError):
        agent.shoe_size  # noqa: B018


def module(*targets: str) -> ModuleInfo:
    config = {"modalTemplateState": {"gpu": True}, "contextMenu": {"target": list(targets)}}
    return record(
        {"id": 1, "name": "Train", "config": config, "repositoryModuleUrl": "url", "repo": "acme/train"}, ModuleInfo
    )


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ({"files_folder": "/a"}, "slyFolder"),
        ({"files_file": "/a/b"}, "slyFile"),
        ({"images_project": 5}, "slyProjectId"),
        ({"point_cloud_episodes_project": 5}, "slyProjectId"),
        ({"volumes_dataset": 5}, "slyDatasetId"),
        ({"team": 5}, "slyTeamId"),
        ({"team_member": 5}, "slyMemberId"),
        ({"labeling_job": 5}, "slyJobId"),
    ],
)
def test_arguments_are_the_apps_defaults_and_its_target(target: dict[str, Any], key: str) -> None:
    info = module(*target)
    assert info.get_arguments(**target) == {"gpu": True, key: next(iter(target.values()))}
    assert info.config.modal_template_state == {"gpu": True}
    assert (info.repo, info.github_repo) == ("url", "acme/train")


def test_arguments_need_a_target_that_the_app_takes() -> None:
    assert module().get_arguments() == module("ecosystem", "team").get_arguments() == {"gpu": True}
    info = module("images_project", "images_dataset", "somewhere_new")
    with pytest.raises(ValueError, match=r"has to be started on something\. Its targets are: images_project"):
        info.get_arguments()
    with pytest.raises(ValueError, match="images_project is int, not str"):
        info.get_arguments(images_project="5")
    for wrong in ({"team": 1}, {"images_project": 1, "images_dataset": 2}, {"somewhere_new": 1}):
        with pytest.raises(KeyError):
            info.get_arguments(**wrong)


def test_a_started_session_is_known_by_four_ids_or_by_its_record() -> None:
    four = sly.SessionInfo.of({"taskId": 5, "userId": 9, "moduleId": 7, "appId": 4})
    record = {"id": 5, "createdBy": 9, "moduleId": 7, "meta": {"app": {"id": 4}, "name": "s1"}}
    whole = sly.SessionInfo.of(record)
    ids = [dataclasses.astuple(each)[:4] for each in (four, whole)]
    assert ids == [(5, 9, 7, 4), (5, 9, 7, 4)]
    assert whole.details == record
