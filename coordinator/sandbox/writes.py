"""Writing to a simulated EHR: create, update, patch and delete, with what its personality refuses and loses."""

import re
from collections.abc import Iterator, Sequence

from coordinator.errors import InvalidInput
from coordinator.fhir.document import Document, read_document
from coordinator.fhir.json_text import BadJson, Json, JsonPath
from coordinator.fhir.patch import Edit, Remove, Set, patched
from coordinator.sandbox.capability import Offer
from coordinator.sandbox.exchange import FHIR_JSON, Answer, Asked, Refusal
from coordinator.sandbox.json_patch import patched_by
from coordinator.sandbox.personality import IfMatch, Personality
from coordinator.sandbox.records import Records, Version
from coordinator.sandbox.search import found_by, read_search
from coordinator.sandbox.world_clock import WorldClock

_ETAG = re.compile(r'(?:W/)?"?([^"]*)"?')
_CUT_AT = 12  # characters that are left of a text that is cut


class Writes:
    """The writing side of one EHR."""

    def __init__(self, personality: Personality, records: Records, *, clock: WorldClock, base: str) -> None:
        self._personality = personality
        self._records = records
        self._clock = clock
        self._base = base

    def create(self, offer: Offer, asked: Asked) -> Answer:
        """Create a record under an id of the EHR's own, or tell of the one that If-None-Exist finds."""
        condition = asked.headers.get("if-none-exist")
        if condition and offer.conditional_create == "true":
            search = read_search(offer, condition, refuse_unknown=True)
            found = found_by(search, self._records.living(offer.type), zone=self._clock.zone)
            if len(found) > 1:
                raise Refusal(412, "multiple-matches", text="If-None-Exist finds more than one record.")
            if found:
                return self.told(200, found[0])
        document = patched(self._body(offer.type, asked.body), [Set(("id",), self._records.new_id(offer.type))])
        version = self._save(document)
        return self.told(201, version)

    def update(self, offer: Offer, record_id: str, *, asked: Asked) -> Answer:
        """Replace a record; one that changes nothing keeps the version."""
        document = self._body(offer.type, asked.body)
        if document.id != record_id:
            raise Refusal(400, "invalid", text="The id in the body is not the id in the address.")
        before = self._records.current(offer.type, record_id)
        if before is None and offer.update_create == "true":
            return self.told(201, self._save(document))
        self._refuse_stale(self._living(before), asked)
        return self.told(200, self._save(document))

    def patch(self, offer: Offer, record_id: str, *, asked: Asked) -> Answer:
        """Change a record by JSON Patch."""
        before = self._living(self._records.current(offer.type, record_id))
        self._refuse_stale(before, asked)
        try:
            document = patched_by(before.document, asked.body)
        except InvalidInput as cause:
            raise _bad_body(cause) from cause
        return self.told(200, self._save(document))

    def delete(self, offer: Offer, record_id: str, *, asked: Asked) -> Answer:
        """Delete a record."""
        before = self._living(self._records.current(offer.type, record_id))
        self._refuse_stale(before, asked)
        self._records.delete(offer.type, record_id, at=self._clock.now())
        return Answer(status=204)

    def somebody_saves_first(self, resource_type: str, record_id: str) -> Refusal:
        """Move the record's version on and return the refusal that a write meets which came too late."""
        self._records.touch(resource_type, record_id, at=self._clock.now())
        return self._conflict()

    def told(self, status: int, version: Version) -> Answer:
        """Return the answer that tells a version: its body where the EHR sends one, its ETag, its place if new."""
        headers: list[tuple[str, str]] = []
        if self._personality.version_ids:
            headers.append(("etag", f'W/"{version.number}"'))
        if status == 201:
            headers.append(("location", self._location(version)))
        if self._personality.answer == "empty":
            return Answer(status=status, headers=tuple(headers))
        return Answer(status=status, body=version.document.raw, headers=(FHIR_JSON, *headers))

    def _location(self, version: Version) -> str:
        place = f"{self._base}/{version.document.type}/{version.document.id}"
        if self._personality.location == "plain" or not self._personality.version_ids:
            return place
        return f"{place}/_history/{version.number}"

    def _living(self, version: Version | None) -> Version:
        if version is None:
            raise Refusal(404, "not-found", text="There is no record with this id.")
        if version.deleted:
            raise Refusal(self._personality.deleted, "deleted", text="This record was deleted.")
        return version

    def _refuse_stale(self, current: Version, asked: Asked) -> None:
        sent = asked.headers.get("if-match")
        match self._personality.if_match:
            case IfMatch.IGNORED | IfMatch.ADVERTISED:
                return
            case IfMatch.REQUIRED if sent is None:
                raise Refusal(412, "required", text="An update needs If-Match.")
            case IfMatch.REQUIRED | IfMatch.HONORED:
                found = _ETAG.fullmatch(sent.strip()) if sent is not None else None
                if sent is not None and (found is None or found[1] != current.number):
                    raise self._conflict()

    def _conflict(self) -> Refusal:
        return Refusal(self._personality.conflict_status, "conflict", text="The record has changed since that version.")

    def _body(self, resource_type: str, raw: bytes) -> Document:
        try:
            document = read_document(raw)
        except InvalidInput as cause:
            raise _bad_body(cause) from cause
        if document.type != resource_type:
            raise Refusal(400, "invalid", text="The resourceType in the body is not the type in the address.")
        return document

    def _save(self, document: Document) -> Version:
        self._refuse_unstorable(document)
        kept = patched(patched(document, list(self._dropped(document))), list(self._rewritten(document)))
        return self._records.save(kept, self._clock.now())

    def _refuse_unstorable(self, document: Document) -> None:
        for place, allowed in self._personality.storable.items():
            kind, *path = place.split(".")
            if kind != document.type:
                continue
            for value in document.all(*path):
                if not set(_codes(value)) <= set(allowed):
                    raise Refusal(422, "business-rule", text=f"{place} can only be one of: {', '.join(allowed)}.")

    def _dropped(self, document: Document) -> Iterator[Edit]:
        for place in self._personality.drops:
            kind, *path = place.split(".")
            if kind == document.type:
                # From the last to the first, so that taking one away does not move the others.
                yield from (Remove(found) for found in reversed(list(_places(document.tree, path))))

    def _rewritten(self, document: Document) -> Iterator[Edit]:
        for place, how in self._personality.rewrites.items():
            kind, *path = place.split(".")
            for found in _places(document.tree, path) if kind == document.type else ():
                value = document.get(*found)
                if isinstance(value, str):
                    yield Set(found, _put_otherwise(value, how))


def _put_otherwise(text: str, how: str) -> str:
    match how:
        case "upper":
            return text.upper()
        case "lower":
            return text.lower()
        case "markup":
            return f"<div>{text}</div>"
        case _:
            return text[:_CUT_AT]


def _bad_body(cause: InvalidInput) -> Refusal:
    text = f"{cause.reason} at {cause.place}" if isinstance(cause, BadJson) else str(cause).rstrip(".")
    return Refusal(400, "structure", text=f"The body can't be read: {text}.")


def _codes(value: Json) -> list[str]:
    """Return the codes of an element: a code itself, a Coding's, a CodeableConcept's."""
    if isinstance(value, dict):
        codings = value.get("coding")
        inner = codings if isinstance(codings, list) else [value.get("code")]
        return [code for one in inner for code in _codes(one)]
    return [value] if isinstance(value, str) else []


def _places(value: Json, path: Sequence[str], *, before: JsonPath = ()) -> Iterator[JsonPath]:
    """Yield each place in the value that a dotted path names, through lists."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _places(one, path, before=(*before, index))
    elif not path:
        yield before
    elif isinstance(value, dict) and path[0] in value:
        yield from (
            [(*before, path[0])] if len(path) == 1 else _places(value[path[0]], path[1:], before=(*before, path[0]))
        )
