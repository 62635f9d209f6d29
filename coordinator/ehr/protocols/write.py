"""Writing once (D5): look first, send once, and call a lost answer by its name.

A create looks for our business identifier before it sends, an update reads and compares before it replaces. What went
out without a readable answer is `Unknown`: nobody but the next look may say what became of it. A request that changes
something is yielded at most once; whoever drives this must not repeat it.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from coordinator.ehr.exchange import FHIR_JSON, Answer, Asked, Base, Lost, Reply, Steps
from coordinator.ehr.protocols.json_patch import JSON_PATCH, patch_of
from coordinator.ehr.protocols.outcomes import codes_of, is_refusal, meanings
from coordinator.ehr.protocols.paging import Query, search
from coordinator.ehr.protocols.read import read
from coordinator.ehr.protocols.retry import BUSY, retry_after
from coordinator.errors import EhrError, InvalidInput, TemporaryEhrError
from coordinator.fhir import Document, Page, Remove, Set, head, patched, read_document
from coordinator.sync.ports import (
    Absent,
    Applied,
    Conflict,
    Found,
    Refused,
    Unavailable,
    Unknown,
    WriteOutcome,
    WriteRequest,
)

MOST_LOOKED = 400  # entries looked through for our identifier: past that the search does not filter
_ETAG = re.compile(r'(?:W/)?"?([^"]+)"?')
_LOCATION = re.compile(r"([A-Za-z]+)/([A-Za-z0-9\-.]{1,128})(?:/_history/[^/]+)?/?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a type can be written here: what is taken, and how our identifier is looked for."""

    create: bool
    update: bool
    by_identifier: bool
    by_patient: bool
    patient_needed: bool = False
    patient_param: str = "patient"
    if_none_exist: bool = True
    patch: bool = False


def write(base: Base, request: WriteRequest, way: Way) -> Steps[WriteOutcome]:
    """Return what became of a write. Never raises for what the EHR does."""
    try:
        document = read_document(request.body)
    except InvalidInput:
        return Refused(status=0, reason="the body is not a resource")
    if document.type != request.type:
        return Refused(status=0, reason="the body is of another type")
    try:
        if request.target is None:
            return (yield from _create(base, request, way, document))
        return (yield from _update(base, request, way, document))
    except TemporaryEhrError as error:
        return Unavailable(reason=str(error), retry_after=error.retry_after)
    except EhrError as error:
        return Refused(status=0, reason=str(error))


# --- create ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _NoWay:
    """The EHR can't be asked for our identifier."""


def _create(base: Base, request: WriteRequest, way: Way, document: Document) -> Steps[WriteOutcome]:
    found = yield from _claimed(base, request, way, document)
    if isinstance(found, str):
        return Applied(id=found, adopted=True)
    if request.resume and isinstance(found, _NoWay):
        return Unknown(reason="an earlier answer was lost, and this EHR can't be asked for our identifier")
    if not way.create:
        return Refused(status=405, reason=f"this EHR takes no new {request.type}")
    headers = {"accept": FHIR_JSON, "content-type": FHIR_JSON}
    if request.claim is not None and way.if_none_exist:
        headers["if-none-exist"] = urlencode({"identifier": "|".join(request.claim)})
    reply = yield Asked(
        method="POST",
        url=f"{base.url}/{request.type}",
        place=f"{request.type} create",
        headers=headers,
        body=request.body,
    )
    outcome = _common(reply)
    if outcome is not None:
        return outcome
    assert isinstance(reply, Answer)  # noqa: S101  # a lost reply has its outcome
    return (yield from _created(base, request, way, reply))


def _created(base: Base, request: WriteRequest, way: Way, answer: Answer) -> Steps[WriteOutcome]:
    """Read the answer to a create; where it names no id, ask for our identifier."""
    is_duplicate = "duplicate" in meanings(answer.body)
    if answer.status in (200, 201, 204):
        if not answer.fault and is_refusal(answer.body):
            return Refused(status=answer.status, reason=codes_of(answer.body))
        if (id_ := _id_in(answer, request.type)) is not None:
            return Applied(id=id_, adopted=answer.status == 200, version=_version_in(answer))
    try:
        found = yield from _claimed(base, request, way, read_document(request.body))
    except EhrError as error:
        # It went out: whatever hinders our looking, the outcome is what is not known.
        found = _NoWay()
        if answer.status < 300:
            return Unknown(reason=f"status {answer.status} without an id; {error}")
    if isinstance(found, str):
        return Applied(id=found, adopted=is_duplicate)
    if answer.status < 300:
        return Unknown(reason=f"status {answer.status} without an id, and our identifier is not found yet")
    return Conflict(by="duplicate" if is_duplicate else str(answer.status))


def _claimed(base: Base, request: WriteRequest, way: Way, document: Document) -> Steps[str | _NoWay | None]:
    """Return the id of the record that carries our identifier, None where there is none.

    The identifier is looked for in what comes back: an EHR that ignores the parameter answers with everything.
    Raises TemporaryEhrError where the search got no answer: then nothing may be sent.
    """
    queries = _claim_queries(request, way, document)
    for query in queries:
        found = yield from _match(base, query, request)
        if not isinstance(found, _NoWay):
            return found
    return None if request.claim is None and not request.resume else _NoWay()


def _claim_queries(request: WriteRequest, way: Way, document: Document) -> list[Query]:
    if request.claim is None:
        return []
    patient = patient_of(document)
    of_patient = ((way.patient_param, patient),) if patient is not None else ()
    queries = []
    if way.by_identifier:
        needed = of_patient if way.patient_needed else ()
        queries.append(Query(type=request.type, parameters=(*needed, ("identifier", "|".join(request.claim)))))
    if way.by_patient and patient is not None:
        queries.append(Query(type=request.type, parameters=of_patient, guarded=(way.patient_param,)))
    return queries


def _match(base: Base, query: Query, request: WriteRequest) -> Steps[str | _NoWay | None]:
    steps = search(base, query)
    reply: Reply | None = None
    looked = 0
    while True:
        try:
            step = steps.send(reply)
        except StopIteration as end:
            walk = end.value
            break
        reply = None
        if isinstance(step, Page):
            looked += len(step.entries)
            if (found := _carrier(step, request)) is not None:
                return found
            if looked > MOST_LOOKED:
                return _NoWay()
        else:
            reply = yield step
    if walk.lost or walk.status in BUSY:
        raise TemporaryEhrError(f"{query.type} search: {walk.problem}.", operation="write", subject=query.type)
    return _NoWay() if walk.problem else None


def _carrier(page: Page, request: WriteRequest) -> str | None:
    """Return the id of the entry that holds our identifier."""
    assert request.claim is not None  # noqa: S101  # looked for only where there is one
    system, value = request.claim
    for raw in page.entries:
        try:
            document = read_document(raw)
        except InvalidInput:
            continue
        for one in document.all("identifier"):
            is_ours = isinstance(one, dict) and (one.get("system"), one.get("value")) == (system, value)
            if document.type == request.type and is_ours:
                return document.id or None
    return None


def patient_of(document: Document) -> str | None:
    """Return the id of the patient that a resource speaks of, where it is a plain reference."""
    for path in (("subject", "reference"), ("patient", "reference"), ("for", "reference")):
        text = document.get(*path)
        if isinstance(text, str) and "/" in text:
            kind, _, id_ = text.rpartition("/")
            if kind.rpartition("/")[2] == "Patient":
                return id_
    return None


def _id_in(answer: Answer, type_: str) -> str | None:
    """Return the id that a create was given: from the Location in any of its forms, else from the body."""
    for name in ("location", "content-location"):
        found = _LOCATION.search(answer.headers.get(name, "").partition("?")[0])
        if found is not None and found[1] == type_:
            return found[2]
    if answer.fault or not answer.body.strip():
        return None
    try:
        named = head(answer.body)
    except InvalidInput:
        return None
    return named.id if named.type == type_ and named.id else None


def _version_in(answer: Answer) -> str | None:
    """Return the version that a write made: from the body, else from the ETag; None where neither tells."""
    if not answer.fault and answer.body.strip():
        try:
            return read_document(answer.body).version_id
        except InvalidInput:
            return None
    found = _ETAG.fullmatch(answer.headers.get("etag", "").strip())
    return found[1] if found is not None else None


# --- update ---------------------------------------------------------------------------------------------------------


def _update(base: Base, request: WriteRequest, way: Way, document: Document) -> Steps[WriteOutcome]:
    target = request.target
    assert target is not None  # noqa: S101  # an update has a target
    if document.id != target:
        document = patched(document, [Set(("id",), target)])
    if not (way.update or way.patch):
        return Refused(status=405, reason=f"this EHR takes no updates of {request.type}")
    found = yield from read(base, request.type, target)
    if isinstance(found, Absent):
        return _without_target(found)
    try:
        current = read_document(found.body)
    except InvalidInput:
        return Refused(status=0, reason="the record that is there can't be read")
    if _plain(current).canonical_hash == _plain(document).canonical_hash:
        return Applied(id=target, adopted=True)
    if current.canonical_hash != request.base_hash:
        return Conflict(by="compare")
    headers = {"accept": FHIR_JSON, "content-type": FHIR_JSON if way.update else JSON_PATCH}
    etag = found.etag or (f'W/"{current.version_id}"' if current.version_id else None)
    if etag is not None:
        headers["if-match"] = etag
    reply = yield Asked(
        method="PUT" if way.update else "PATCH",
        url=base.record(request.type, target),
        place=f"{request.type} update",
        headers=headers,
        body=document.raw if way.update else patch_of(current, document, is_guarded=etag is not None),
    )
    if isinstance(reply, Answer) and reply.status in (404, 410) and "not-supported" not in codes_of(reply.body):
        return Conflict(by="gone")
    if not way.update and (yield from _failed_a_test(base, request, reply)):
        return Conflict(by="test")
    return _common(reply) or _updated(reply, target)


def _failed_a_test(base: Base, request: WriteRequest, reply: Reply) -> Steps[bool]:
    """Tell whether a patch was refused because somebody has saved since we looked: EHRs say 400 or 422 to both."""
    if not isinstance(reply, Answer) or reply.status not in (400, 422):
        return False
    found = yield from read(base, request.type, request.target or "")
    try:
        return isinstance(found, Found) and read_document(found.body).canonical_hash != request.base_hash
    except InvalidInput:
        return False


def _plain(document: Document) -> Document:
    """Return a record without the mark that some servers set anew at each save (HAPI's meta.source)."""
    return patched(document, [Remove(("meta", "source"))]) if document.get("meta", "source") is not None else document


def _without_target(absent: Absent) -> WriteOutcome:
    if absent.kind == "forbidden":
        return Refused(status=403, reason="the record can't be read by us")
    if absent.kind == "unreadable":
        return Refused(status=500, reason="the record that is there can't be read")
    return Conflict(by="gone")


def _updated(reply: Reply, target: str) -> WriteOutcome:
    assert isinstance(reply, Answer)  # noqa: S101  # a lost reply has its outcome
    if reply.status >= 300:
        return Conflict(by=str(reply.status))
    if not reply.fault and is_refusal(reply.body):
        return Refused(status=reply.status, reason=codes_of(reply.body))
    if reply.is_html and reply.body.strip():
        return Unknown(reason="a web page came instead of an answer")
    return Applied(id=target, version=_version_in(reply))


# --- what create and update have in common --------------------------------------------------------------------------


def _common(reply: Reply) -> WriteOutcome | None:
    """Return the outcome that does not depend on what was written; None for success and for conflicts."""
    if isinstance(reply, Lost):
        return Unknown(reason=reply.reason) if reply.sent else Unavailable(reason=reply.reason)
    wait = retry_after(reply)
    if reply.status == 429 or (reply.status == 503 and wait is not None):
        return Unavailable(reason=f"status {reply.status}", retry_after=wait)
    if reply.status == 423:
        return Unavailable(reason="the record is being edited (status 423)")
    if reply.status >= 500 and reply.status != 501:
        return Unknown(reason=f"status {reply.status}")
    if reply.status == 202:
        return Unknown(reason="taken for later (status 202)")
    if reply.status < 300 or reply.status in (409, 412) or "duplicate" in meanings(reply.body):
        return None
    return Refused(status=reply.status, reason=codes_of(reply.body) or f"status {reply.status}")
