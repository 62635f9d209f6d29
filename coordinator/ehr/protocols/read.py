"""Reading one record by its id, and the ways of its not being there."""

from coordinator.ehr.exchange import AS_IT_IS_NOW, Answer, Asked, Base, Lost, Steps
from coordinator.ehr.protocols.outcomes import meanings
from coordinator.ehr.protocols.retry import BUSY
from coordinator.ehr.protocols.trouble import trouble
from coordinator.errors import InvalidInput
from coordinator.fhir import head, parse
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


def ended(base: Base, type_: str, id_: str) -> Steps[Absent]:
    """Return what the history of a record that can't be read says: that it was deleted, or nothing.

    A 404 says neither that a record is gone nor that it is hidden; its history, the newest version first, may.
    """
    url = f"{base.record(type_, id_)}/_history?_count=1"
    reply = yield Asked(method="GET", url=url, place=f"{type_} history", headers=AS_IT_IS_NOW)
    if isinstance(reply, Lost) or reply.status != 200 or reply.fault:
        return Absent(kind="deleted" if isinstance(reply, Answer) and reply.status == 410 else "not-found")
    return Absent(kind="deleted" if _is_end(reply.body) else "not-found")


def _is_end(raw: bytes) -> bool:
    """Say whether the newest entry of a history is the end of its record."""
    try:
        tree = parse(raw)
    except InvalidInput:
        return False
    entries = tree.get("entry") if isinstance(tree, dict) else None
    newest = entries[0] if isinstance(entries, list) and entries else None
    request = newest.get("request") if isinstance(newest, dict) else None
    return isinstance(request, dict) and request.get("method") == "DELETE"


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
