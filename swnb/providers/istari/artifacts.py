"""What jobs made: their products are revisions of artifacts, which a job's record names by their ids only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import PurePosixPath
from typing import Any, Final

from swnb.call import Plan, ask, ask_all, note
from swnb.errors import Forbidden, NotFound, ServerError, SwnbError
from swnb.model import JobInfo
from swnb.providers.istari import calls, parse
from swnb.providers.istari.content import Content, File, file_of
from swnb.providers.istari.records import STAGE, elements, last_revision, products
from swnb.providers.reading import inner, text

_SMALL: Final = 4 * 2**20  # bytes of a JSON file that is looked into for a summary or to see whether it is a table
_FEW: Final = 2  # revisions of one model that are asked for one by one
_ROWS: Final = frozenset({".csv", ".tsv"})


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file of a job. ``label`` is its name, numbered where the job made several of that name."""

    label: str
    file: File
    job: str

    def __str__(self) -> str:
        return f"{self.label} of job {self.job}"


class Artifacts:
    """What jobs made, and what is in it."""

    def __init__(self) -> None:
        self.content = Content()

    def of(self, jobs: Sequence[JobInfo]) -> Plan[dict[str, list[Artifact]]]:
        """The artifacts of each job by its id, in the order in which the job names them."""
        wanted = {job.id: products(job.raw) for job in jobs}
        files = yield from self._files(jobs, wanted)
        return {
            id_: _labelled(id_, [files[made] for made in products if made in files]) for id_, products in wanted.items()
        }

    def _files(self, jobs: Sequence[JobInfo], wanted: Mapping[str, list[str]]) -> Plan[dict[str, File]]:
        """The files of revisions: by the lists of their models where that takes fewer requests, else one by one."""
        of_model: dict[str, set[str]] = {}
        for job in jobs:
            of_model.setdefault(job.own["model_id"] or "", set()).update(wanted[job.id])
        many = [(model, made) for model, made in of_model.items() if model and len(made) > _FEW]
        # What was made of an artifact is in the list of that artifact's model, so each list may serve all.
        everything = frozenset().union(*of_model.values())
        lists = yield from ask_all([_listed(model, len(made), everything) for model, made in many])
        known = {id_: record for found in lists for id_, record in found.items()}
        missing = sorted(everything - known.keys())
        known |= dict(zip(missing, (yield from ask_all([_revision(id_) for id_ in missing])), strict=True))
        files = {id_: file_of(record) for id_, record in known.items()}
        return {id_: file for id_, file in files.items() if file is not None}

    # -- what is in them

    def numbers(self, artifacts: Sequence[Artifact]) -> Plan[dict[str, int | float]]:
        """The numbers in JSON files that are objects, by ``<file's stem>.<path>``; by the file's whole name where that
        is taken."""
        named = [(each, stem) for each, stem in _stems(artifacts) if _is_small(each)]
        values = yield from ask_all([self._document(each) for each, _ in named])
        found: dict[str, int | float] = {}
        for (artifact, stem), value in zip(named, values, strict=True):
            try:
                told = parse.numbers(value)
            except RecursionError:
                note(f"{artifact} is left out of the summary: its JSON is nested too deep")
                continue
            for path, each in told.items():
                found[_free(artifact, stem, path, found)] = each
        return found

    def _document(self, artifact: Artifact) -> Plan[Any]:
        """None where it cannot be had, with a note; content with a wrong hash is an error."""
        try:
            return parse.document((yield from self.content.read(artifact.file)))
        except (NotFound, Forbidden, parse.NoTable) as error:
            what = error.what if isinstance(error, SwnbError) else error
            note(f"{artifact} cannot be read: {what}")
            return None

    def tables(self, artifacts: Sequence[Artifact]) -> Plan[list[Artifact]]:
        """Those that are tables. A large JSON file is taken for one without a look."""
        unsure = [each for each in artifacts if each.file.suffix == ".json" and not _is_large(each)]
        looks = yield from ask_all([self._document(each) for each in unsure])
        no = {each.label for each, value in zip(unsure, looks, strict=True) if not parse.is_table(value)}
        return [each for each in artifacts if may_be_table(each) and each.label not in no]

    def config(self, job: JobInfo) -> Plan[Mapping[str, Any]]:
        """The parameters that a job was given; empty where they are no object of JSON."""
        file = parameters(job)
        if file is None or file.suffix != ".json":
            return {}
        artifact = Artifact(file.name, file, job.id)
        if _is_large(artifact):
            note(f"parameters are left out where they have more than {_SMALL:,} bytes")
            return {}
        value = yield from self._document(artifact)
        return value if isinstance(value, Mapping) else {}


def _stems(artifacts: Sequence[Artifact]) -> list[tuple[Artifact, str]]:
    """JSON files, and their names without the ending, numbered where they are the same."""
    files = [each for each in artifacts if each.file.suffix == ".json"]
    stems = [PurePosixPath(each.file.name.replace("\\", "/")).stem for each in files]
    return list(zip(files, parse.distinct(stems), strict=True))


def _free(artifact: Artifact, stem: str, path: str, taken: Collection[str]) -> str:
    """What a number is called. ``stage.…`` is what the times of the job's stages are called, whatever its files are."""
    name = f"{stem}.{path}"
    if stem != STAGE and name not in taken:
        return name
    whole = f"{artifact.label}.{path}"
    numbered = (f"{whole} ({n})" for n in count(2))
    return next(each for each in chain([whole], numbered) if each not in taken)


def parameters(job: JobInfo) -> File | None:
    """A job's own file, which holds its input (paper 0)."""
    return file_of(last_revision(job.raw))


def may_be_table(artifact: Artifact) -> bool:
    return artifact.file.suffix in _ROWS or artifact.file.suffix == ".json"


def _is_large(artifact: Artifact) -> bool:
    return (artifact.file.size or 0) > _SMALL


def _is_small(artifact: Artifact) -> bool:
    if _is_large(artifact):
        note(f"{artifact.label} is left out of the summary where it has more than {_SMALL:,} bytes")
    return not _is_large(artifact)


def _labelled(job: str, files: Sequence[File]) -> list[Artifact]:
    labels = parse.distinct([file.name for file in files])
    return [Artifact(label, file, job) for label, file in zip(labels, files, strict=True)]


def _listed(model: str, worth: int, wanted: frozenset[str]) -> Plan[dict[str, Mapping[str, Any]]]:
    """Those of the wanted revisions that the list of a model's artifacts holds, if it has less pages than it is worth;
    nothing where that is no model."""
    try:
        page = yield from ask(calls.artifacts(model))
        more = (yield from ask_all(page.rest)) if len(page.rest) < worth else []
    except (NotFound, Forbidden, ServerError):  # an input may also be an artifact, and the list is deprecated
        return {}
    records = [record for each in (page, *more) for record in each.items]
    revisions = [inner(one) for record in records for one in elements(inner(record, "file").get("revisions"))]
    return {id_: one for one in revisions if (id_ := text(one.get("id"))) in wanted and id_ is not None}


def _revision(id_: str) -> Plan[Mapping[str, Any]]:
    try:
        return (yield from ask(calls.revision(id_)))
    except (NotFound, Forbidden) as error:
        note(f"product {id_} is left out: {error.what}")
        return {}
