"""Bulk exports of one simulated EHR: a job is started, asked after, its files are fetched, and it is deleted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl

from coordinator.fhir.dates import instant_in
from coordinator.fhir.json_text import Json, dumps
from coordinator.sandbox.exchange import Answer, Asked, Refusal, answer_json, outcome
from coordinator.sandbox.personality import Personality
from coordinator.sandbox.records import Records
from coordinator.sandbox.world_clock import WorldClock

_NDJSON = ("content-type", "application/fhir+ndjson")
_JOBS = "$export-job"


@dataclass(slots=True)
class _Job:
    at: datetime
    files: dict[str, list[bytes]]
    deleted: list[bytes]
    polls: int = 0
    fetched: set[str] = field(default_factory=set)


class Exports:
    """The jobs of one EHR; one at a time, as big EHRs have it."""

    def __init__(self, personality: Personality, records: Records, *, clock: WorldClock, base: str) -> None:
        self._personality = personality
        self._records = records
        self._clock = clock
        self._base = base
        self._jobs: dict[str, _Job] = {}
        self._started = 0

    def start(self, asked: Asked, scope: str, *, group: str = "") -> Answer:
        """Start a job; refuse a second one, and one that does not want to wait."""
        if scope not in self._personality.export:
            raise Refusal(self._personality.refusal_status, "not-supported", text="This EHR offers no such export.")
        if "respond-async" not in asked.headers.get("prefer", ""):
            raise Refusal(400, "invalid", text="An export needs Prefer: respond-async.")
        if self._jobs:
            raise Refusal(429, "throttled", text="An export is under way.", headers=(("retry-after", "18000"),))
        told = dict(parse_qsl(asked.query))
        types = [one for one in told.get("_type", "").split(",") if one]
        since = instant_in(told.get("_since"))
        unknown = [one for one in types if one not in self._personality.offers]
        if unknown and self._personality.unknown_parameters == "refused":
            raise Refusal(400, "not-supported", text="A type can't be exported.")
        offered = [one for one in types or self._personality.offers if one in self._personality.offers]
        members = self._members(group) if group else None
        self._started += 1
        name = str(self._started)
        self._jobs[name] = _Job(
            at=self._clock.now(),
            files={kind: self._lines(kind, members, since) for kind in offered},
            deleted=[self._deletion(kind, one.document.id) for kind in offered for one in self._records.deleted(kind)],
        )
        return Answer(status=202, headers=(("content-location", f"{self._base}/{_JOBS}/{name}"),))

    def answer(self, method: str, rest: Sequence[str]) -> Answer:
        """Answer what is asked of a job: how far it is, a file of it, or to forget it."""
        job = self._jobs.get(rest[0]) if rest else None
        if job is None:
            raise Refusal(404, "not-found", text="There is no such export.")
        match (method, list(rest[1:])):
            case ("DELETE", []):
                del self._jobs[rest[0]]
                return Answer(status=202)
            case ("GET", []):
                return self._status(rest[0], job)
            case ("GET", [name]):
                return self._file(job, name)
            case _:
                raise Refusal(405, "not-supported", text="A job is asked after or deleted.")

    def forget(self) -> None:
        """Forget every job, as EHRs do after some days."""
        self._jobs.clear()

    def _status(self, name: str, job: _Job) -> Answer:
        if job.polls < self._personality.export_polls:
            job.polls += 1
            wait = "0" if job.polls % 2 else format_datetime(self._clock.now().astimezone(), usegmt=False)
            return Answer(status=202, headers=(("retry-after", wait), ("x-progress", "under way")))
        place = f"{self._base}/{_JOBS}/{name}"
        output: list[Json] = [
            {"type": kind, "url": f"{place}/{kind}", "count": len(lines)} for kind, lines in job.files.items() if lines
        ]
        deleted: list[Json] = [{"type": "Bundle", "url": f"{place}/deleted"}] if job.deleted else []
        error: list[Json] = (
            [{"type": "OperationOutcome", "url": f"{place}/error"}] if self._personality.export_errors else []
        )
        told: dict[str, Json] = {
            "transactionTime": job.at.isoformat(),
            "request": f"{self._base}/$export",
            "requiresAccessToken": self._personality.smart,
            "output": output,
            "deleted": deleted,
            "error": error,
        }
        return answer_json(200, told)

    def _file(self, job: _Job, name: str) -> Answer:
        if name == "deleted":
            return Answer(status=200, body=b"\n".join(job.deleted), headers=(_NDJSON,))
        if name == "error":
            told = outcome("error", "exception", text="A record could not be exported.")
            return Answer(status=200, body=dumps(told), headers=(_NDJSON,))
        if name not in job.files:
            raise Refusal(404, "not-found", text="There is no such file.")
        lines = job.files[name]
        if self._personality.export_cuts and name not in job.fetched:
            job.fetched.add(name)
            lines = lines[: len(lines) // 2]
        return Answer(status=200, body=b"".join(line + b"\n" for line in lines), headers=(_NDJSON,))

    def _lines(self, kind: str, members: set[str] | None, since: datetime | None) -> list[bytes]:
        found = [one.document for one in self._records.living(kind) if since is None or one.at >= since]
        if members is not None:
            found = [one for one in found if _patient(one.tree, one.id) in members]
        return [b" ".join(one.raw.splitlines()) for one in found]

    def _members(self, group: str) -> set[str]:
        held = self._records.current("Group", group)
        if held is None or held.deleted:
            raise Refusal(404, "not-found", text="There is no such group.")
        references = held.document.all("member", "entity", "reference")
        return {str(one).removeprefix("Patient/") for one in references}

    def _deletion(self, kind: str, record_id: str) -> bytes:
        request: Json = {"method": "DELETE", "url": f"{kind}/{record_id}"}
        return dumps({"resourceType": "Bundle", "type": "transaction", "entry": [{"request": request}]})


def _patient(tree: dict[str, Json], record_id: str) -> str:
    if tree.get("resourceType") == "Patient":
        return record_id
    about = tree.get("subject") or tree.get("patient") or tree.get("for")
    reference = about.get("reference") if isinstance(about, dict) else None
    return reference.rpartition("/")[2] if isinstance(reference, str) else ""
