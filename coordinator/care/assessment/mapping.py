"""Read an assessment out of an Observation or a QuestionnaireResponse and write it back."""

from typing import Final

from coordinator.care.assessment.model import AnsweredRecord, AssessmentRecord, Given, Item, Rating
from coordinator.fhir import CodeableConcept, Document, Field, Json, Kind, Lens, kinds, once


def _read_rating(value: Json) -> Rating | None:
    if not isinstance(value, dict):
        return None
    kind = next((name for name in sorted(value) if name.startswith("value")), None)
    return Rating(dimension=kinds.CONCEPT.read(value.get("code")), kind=kind, value=value.get(kind) if kind else None)


def _write_rating(rating: Rating, old: Json) -> Json:
    before = old if isinstance(old, dict) else {}
    base = {name: one for name, one in before.items() if not name.startswith("value") or name == rating.kind}
    code = None if rating.dimension is None else kinds.CONCEPT.write(rating.dimension, base.get("code"))
    return kinds.overlaid(base, {"code": code, **({rating.kind: rating.value} if rating.kind else {})})


_RATING: Final = Kind(read=_read_rating, write=_write_rating)

ASSESSMENT: Final = Lens(
    AssessmentRecord,
    "Observation",
    (
        Field("status", ("status",), kinds.TEXT),
        Field("code", ("code",), kinds.CONCEPT),
        Field("subject", ("subject",), kinds.REFERENCE),
        Field("at", ("effectiveDateTime",), kinds.TEXT),
        Field("start", ("effectivePeriod", "start"), kinds.TEXT),
        Field("issued", ("issued",), kinds.TEXT),
        Field("assessors", ("performer",), kinds.REFERENCES),
        Field("result", ("valueCodeableConcept",), kinds.CONCEPT),
        Field("ratings", ("component",), kinds.many(_RATING, key=lambda one: one.dimension)),
    ),
)


@once
def read_assessment(document: Document) -> AssessmentRecord:
    """Return the assessment that an Observation shows."""
    return ASSESSMENT.read(document)


def write_assessment(record: AssessmentRecord, document: Document) -> Document:
    """Return the Observation with the assessment written into it, everything else as it came."""
    return ASSESSMENT.write(record, document)


@once
def read_code(document: Document) -> CodeableConcept | None:
    """Return the code alone: of thousands of Observations few are assessments."""
    code: CodeableConcept | None = kinds.CONCEPT.read(document.get("code"))
    return code


def _read_given(value: Json) -> Given | None:
    if not isinstance(value, dict):
        return None
    kind = next((name for name in sorted(value) if name.startswith("value")), None)
    return Given(kind=kind, value=value.get(kind) if kind else None)


def _write_given(given: Given, old: Json) -> Json:
    before = old if isinstance(old, dict) else {}
    base = {name: one for name, one in before.items() if not name.startswith("value") or name == given.kind}
    return kinds.overlaid(base, {given.kind: given.value} if given.kind else {})


_GIVEN: Final = kinds.many(Kind(read=_read_given, write=_write_given))


def _read_item(value: Json) -> Item | None:
    if not isinstance(value, dict):
        return None
    return Item(
        link=kinds.TEXT.read(value.get("linkId")),
        text=kinds.TEXT.read(value.get("text")),
        given=_GIVEN.read(value.get("answer")),
        below=_ITEMS.read(value.get("item")),
    )


def _write_item(item: Item, old: Json) -> Json:
    before = old if isinstance(old, dict) else {}
    lists = (("answer", _GIVEN, item.given), ("item", _ITEMS, item.below))
    changed = {name: kind.write(each, before.get(name)) or None for name, kind, each in lists}
    return kinds.overlaid(before, {"linkId": item.link, "text": item.text, **changed})


_ITEMS: Final = kinds.many(Kind(read=_read_item, write=_write_item), key=lambda one: one.link)

ANSWERED: Final = Lens(
    AnsweredRecord,
    "QuestionnaireResponse",
    (
        Field("status", ("status",), kinds.TEXT),
        Field("questionnaire", ("questionnaire",), kinds.TEXT),
        Field("subject", ("subject",), kinds.REFERENCE),
        Field("authored", ("authored",), kinds.TEXT),
        Field("author", ("author",), kinds.REFERENCE),
        Field("items", ("item",), _ITEMS),
    ),
)


@once
def read_answered(document: Document) -> AnsweredRecord:
    """Return what was answered in a QuestionnaireResponse."""
    return ANSWERED.read(document)


def write_answered(record: AnsweredRecord, document: Document) -> Document:
    """Return the QuestionnaireResponse with the record written into it, everything else as it came."""
    return ANSWERED.write(record, document)
