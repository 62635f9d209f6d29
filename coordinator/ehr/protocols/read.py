"""Reading one record by its id, and the ways of its not being there."""

from coordinator.ehr.exchange import AS_IT_IS_NOW, Answer, Asked, Base, Lost, Steps
from coordinator.ehr.protocols.outcomes import meanings
from coordinator.ehr.protocols.retry import BUSY
from coordinator.ehr.protocols.trouble import trouble
from coordinator.errors import InvalidInput
from coordinator.fhir import head
from coordinator.sync.ports import Absent, Found


def read(base: Base, type_: str, id_: str) -> Steps[Found | Absent]:
    """Return the record as the EHR holds it now, or why it is not there for us.

    Raises TemporaryEhrError where nothing can be said of the record, PermanentEhrError where this is no FHIR server.
    """
    place = f"{type_} read"
    reply = yield Asked(method="GET", url=base.record(type_, id_), place=place, headers=AS_IT_IS_NOW)
    if isinstance(reply, Lost) or reply.status in BUSY:
        raise trouble(reply, operation="read", subject=place)
    if reply.status == 200:
        return _found(reply, type_, id_)
    return Absent(kind=_absence(reply))


def _found(answer: Answer, type_: str, id_: str) -> Found | Absent:
    if answer.is_html:
        raise trouble(answer, operation="read", subject=f"{type_} read")
    if answer.fault:
        return Absent(kind="unreadable")
    try:
        named = head(answer.body)
    except InvalidInput:
        return Absent(kind="unreadable")
    if named.type == "OperationOutcome":
        # Some servers tell of a deleted or hidden record with a 200.
        return Absent(kind=_absence(answer))
    if named.type == type_ == "Patient" and named.id != id_:
        return Absent(kind="merged")  # the surviving chart was given instead
    if (named.type, named.id) != (type_, id_):
        return Absent(kind="unreadable")
    return Found(body=answer.body, etag=answer.headers.get("etag"))


def _absence(answer: Answer) -> str:
    said = meanings(answer.body)
    for meaning, kind in (("merged", "merged"), ("deleted", "deleted"), ("restricted", "forbidden")):
        if meaning in said:
            return kind
    if answer.status == 410:
        return "deleted"
    if answer.status == 404:
        return "not-found"
    if answer.status in (401, 403):
        return "forbidden"
    if 300 <= answer.status < 400:
        return "merged"  # a merged chart was seen to answer with a redirect to the one that stays
    return "unreadable"
