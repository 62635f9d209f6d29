"""One request to a simulated EHR and its answer, apart from any HTTP library."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from coordinator.fhir.json_text import Json, dumps

FHIR_JSON = ("content-type", "application/fhir+json; charset=utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request: the path below the EHR's address, the query as it came, header names in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the EHR answers with."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Refusal(Exception):
    """The EHR refuses a request; becomes an OperationOutcome."""

    def __init__(self, status: int, code: str, *, text: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.headers = headers


def answer_json(status: int, value: Json, *headers: tuple[str, str]) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status=status, body=dumps(value), headers=(("content-type", "application/json"), *headers))


def answer_refusal(refusal: Refusal) -> Answer:
    """Return the OperationOutcome that tells a refusal."""
    body = dumps(outcome("error", refusal.code, text=str(refusal)))
    return Answer(status=refusal.status, body=body, headers=(FHIR_JSON, *refusal.headers))


def outcome(severity: str, code: str, *, text: str) -> dict[str, Json]:
    """Return an OperationOutcome with one issue."""
    issue: dict[str, Json] = {"severity": severity, "code": code, "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
