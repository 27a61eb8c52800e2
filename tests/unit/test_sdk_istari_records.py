"""Istari's data types: every name of the page, and that nothing is lost on the way to dicts and JSON and back."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from datetime import datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swnb.errors import BadInput
from swnb.sdk import istari
from swnb.sdk.istari import (
    Archive,
    FileRevision,
    Job,
    JobStatus,
    JobStatusMessage,
    JobStatusName,
    NewJobAssignedAgent,
    NewJobAssignedAgentPool,
    NoJobResponse,
    NoOpResponse,
    PageJob,
    ResourceArchiveStatus,
    ResponseGetJobForAgent,
)
from swnb.sdk.istari.record import Record
from swnb.sdk.istari.words import Word

JOB = json.loads((Path(__file__).parent.parent / "data" / "istari-job-example.json").read_text())
KINDS = sorted(
    (kind for kind in vars(istari).values() if inspect.isclass(kind) and issubclass(kind, Record)),
    key=lambda kind: kind.__name__,
)
# As the page has them.
ATTRIBUTES = {
    Job: "id created file comments archive_status_history created_by_id function assigned_agent_id agent_id tenant_id "
    "model_id status_history",
    JobStatus: "id created job_id name created_by_id message agent_id",
    JobStatusMessage: "message",
    NewJobAssignedAgent: "agent_id",
    NewJobAssignedAgentPool: "agent_pool_id",
    NoJobResponse: "message",
    NoOpResponse: "status message",
    PageJob: "items total page size pages",
}
METHODS = """
archive(archive_reason=None)
cleanup_cache()
copy_to(dest)
create_access(subject_type, subject_id, relation)
create_access_by_email(subject_type, subject_email, relation)
get_cache_stats()
list_access()
poll_job(interval=5.0, timeout=None)
read_bytes()
read_json(encoding='utf-8')
read_text(encoding='utf-8')
remove_access(subject_type, subject_id)
restore(restore_reason=None)
update_access(subject_type, subject_id, relation)
update_description(description)
update_display_name(display_name)
update_external_identifier(external_identifier)
update_properties(description=None, display_name=None, external_identifier=None, version_name=None)
update_version_name(version_name)
""".strip().splitlines()

zones = st.timezones() | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)) | st.builds(
    lambda time, zone: time.replace(tzinfo=timezone(time.replace(tzinfo=zone).utcoffset() or timedelta())),
    st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)),
    zones,
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(0, 2**60),
    bool: st.booleans(),
    datetime: times,
    Any: st.none() | st.integers() | st.text(max_size=3),
}


def values(hint: Any, depth: int) -> st.SearchStrategy[Any]:
    if hint in PLAIN:
        return PLAIN[hint]
    if type(None) in get_args(hint):
        return st.none() | values(next(each for each in get_args(hint) if each is not type(None)), depth)
    if get_origin(hint) is list:
        return st.just([]) if depth > 3 else st.lists(values(get_args(hint)[0], depth + 1), max_size=2)
    if get_origin(hint) is dict:
        return st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)
    return st.sampled_from(hint) if issubclass(hint, Enum) else records(hint, depth + 1)


def records(kind: type[Record], depth: int = 0) -> st.SearchStrategy[Any]:
    hints = {name: hint for name, hint in get_type_hints(kind).items() if not name.startswith("_")}
    made = {name: values(hint, depth) for name, hint in hints.items()}
    may = {name: made.pop(name) for name, hint in hints.items() if type(None) in get_args(hint)}
    return st.fixed_dictionaries(made, optional=may).map(lambda given: kind(**given))


@settings(max_examples=25)
@given(st.data())
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_type_comes_back_whole_from_a_dict_and_from_json(kind: type[Record], data: st.DataObject) -> None:
    record = data.draw(records(kind))
    assert kind.from_dict(record.to_dict()) == record
    again = kind.from_json(record.to_json())
    assert again == record
    assert again is not None
    assert again.to_json() == record.to_json()
    assert record.to_dict().keys() == again.to_dict().keys()
    assert isinstance(record.to_str(), str)


def test_a_job_has_what_the_page_says() -> None:
    assert len(KINDS) > 50
    for kind, names in ATTRIBUTES.items():
        assert set(names.split()) <= get_type_hints(kind).keys(), kind
    for line in METHODS:
        name = line.partition("(")[0]
        parameters = list(inspect.signature(getattr(Job, name)).parameters.values())[1:]
        shown = ", ".join(str(each.replace(annotation=inspect.Parameter.empty)) for each in parameters)
        assert f"{name}({shown})" == line
    assert [word.value for word in JobStatusName] == [
        *("Created", "Pending", "Claimed", "Validating", "Running", "Uploading"),
        *("Completed", "Failed", "Canceled", "Unknown"),
    ]


def test_the_servers_own_job_is_read_and_written_as_it_came() -> None:
    job = Job.from_dict(JOB)
    assert job is not None
    assert job.status.name is JobStatusName.COMPLETED
    assert job.created == datetime(2025, 6, 1, 12, tzinfo=timezone.utc)
    assert (job.name, job.stem, job.suffix, job.extension) == ("parameters.json", "parameters", ".json", "json")
    assert (job.size, job.mime, job.display_name, job.description) == (27, "application/json", "job 01", None)
    assert job.revision is job.file.revisions[-1]
    assert job.archive_status == job.archive_status_history[-1]
    said = json.loads(job.to_json())
    assert said == json.loads(json.dumps(JOB).replace(".000000Z", "+00:00").replace('00Z"', '00+00:00"'))
    assert isinstance(job.to_dict()["created"], datetime)


def test_unknown_keys_are_ignored_when_read_and_no_argument() -> None:
    assert JobStatusMessage.from_dict({"message": "a", "more": 1}) == JobStatusMessage(message="a")
    with pytest.raises(TypeError, match="JobStatusMessage has no more"):
        JobStatusMessage(message="a", more=1)


def test_an_unknown_status_word_is_unknown_and_any_other_word_stays_text() -> None:
    status = JobStatus.from_dict({"id": "1", "name": "Queued"})
    assert status is not None
    assert status.name is JobStatusName.UNKNOWN
    assert not status.name.final
    archived = ResourceArchiveStatus.from_dict({"id": "1", "name": "Frozen"})
    assert archived is not None
    assert archived.name == "Frozen"


def test_null_where_a_value_should_be_fails_nothing_but_an_id() -> None:
    nothing = dict.fromkeys(JOB, None)
    job = Job.from_dict({**nothing, "id": "7"})
    assert job is not None
    assert (job.created, job.file, job.function, job.status_history) == (None, None, None, None)
    assert job.comments == job.archive_status_history == []
    assert job.archive_status is None
    for ask in (lambda: job.status, lambda: job.revision, lambda: job.name):
        with pytest.raises(ValueError, match=r"has no|no status"):
            ask()
    with pytest.raises(BadInput, match="Job has no id"):
        Job.from_dict(nothing)
    with pytest.raises(BadInput, match="PageJob has no items"):
        PageJob.from_dict({"items": None, "total": 0, "page": 1, "size": 1, "pages": 0})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": 5}, "Job.id is int, not str"),
        ({"created": "yesterday"}, "Job.created is no time: 'yesterday'"),
        ({"created": 5}, "Job.created is int"),
        ({"status_history": [{"id": "1", "name": 3}]}, r"Job\.status_history\[0\]\.name is int"),
        ({"status_history": {}}, "Job.status_history is dict, not a list"),
        ({"file": "x"}, "Job.file is str, not an object"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Job.from_dict({**JOB, **change})


def test_times_stay_as_they_were_told() -> None:
    for text in ("2025-06-01T12:00:00.000001+05:30", "2025-06-01T12:00:00", "2025-06-01T12:00:00+00:00"):
        status = JobStatus.from_dict({"id": "1", "created": text})
        assert status is not None
        assert json.loads(status.to_json())["created"] == text


def test_what_is_left_out_is_not_written_and_null_is() -> None:
    assert JobStatus(id="1").to_dict() == {"id": "1"}
    assert JobStatus(id="1", message=None).to_dict() == {"id": "1", "message": None}
    assert JobStatus(id="1", message=None) == JobStatus(id="1")
    assert JobStatus(id="1").message is None
    assert Archive(reason="x").to_json() == '{"reason": "x"}'
    assert JobStatus.from_dict(None) is None


@pytest.mark.parametrize("word", [word for kind in Word.__subclasses__() for word in kind])
def test_words_are_written_and_read_too(word: Word) -> None:
    kind = type(word)
    assert kind.from_json(word.to_json()) is word
    assert kind.from_dict(word.to_dict()) is word
    assert word.to_str() == str(word) == word.value
    assert kind.of("name", word) == kind.asked("name", word.value) == word.value


def test_a_word_that_is_sent_has_to_be_known() -> None:
    assert JobStatusName.asked("status_name", None) is None
    with pytest.raises(BadInput, match="status_name='completed' is none of"):
        JobStatusName.of("status_name", "completed")


def test_a_response_for_an_agent_is_a_job_or_that_there_is_none() -> None:
    job, none = ResponseGetJobForAgent.from_dict(JOB), ResponseGetJobForAgent.from_json('{"message": "none"}')
    assert isinstance(job.actual_instance, Job)
    assert job.anyof_schema_1_validator is job.actual_instance
    assert job.anyof_schema_2_validator is None
    assert none.actual_instance == none.anyof_schema_2_validator == NoJobResponse(message="none")
    assert none.anyof_schema_1_validator is None
    assert job.any_of_schemas == {"Job", "NoJobResponse"}
    for response in (job, none, ResponseGetJobForAgent(actual_instance=NoJobResponse(message="x"))):
        assert ResponseGetJobForAgent.from_json(response.to_json()) == response
        assert ResponseGetJobForAgent.from_dict(response.to_dict() or {}) == response
    assert none.to_str() == "{'message': 'none'}"
    with pytest.raises(ValueError, match="No match found"):
        ResponseGetJobForAgent.from_dict({"neither": 1})
    for odd in (5, {"message": "a"}):
        with pytest.raises(ValueError, match="is none of Job, NoJobResponse"):
            ResponseGetJobForAgent.actual_instance_must_validate_anyof(odd)
        with pytest.raises(ValueError, match="is none of"):
            none.actual_instance = odd  # type: ignore[assignment]
    assert ResponseGetJobForAgent().to_json() == "null"
    with pytest.raises(TypeError):
        ResponseGetJobForAgent(job=1)


def test_a_record_without_a_client_says_so_and_a_copy_has_none() -> None:
    job = Job.from_dict(JOB)
    assert job is not None
    for act in (job.poll_job, job.read_bytes, job.archive, job.list_access, job.cleanup_cache):
        with pytest.raises(ValueError, match="this Job has no client"):
            act()
    bound = Job.read(JOB, "job", object())
    assert bound.file.revisions[0]._client is bound._client is not None
    for copied in (copy.deepcopy(bound), pickle.loads(pickle.dumps(bound))):
        assert copied == job
        assert copied._client is None
        assert copied.file.revisions[0]._client is None
    assert bound.get_cache_stats() == {"hits": 0, "misses": 0, "puts": 0}
    assert isinstance(bound.revision, FileRevision)
