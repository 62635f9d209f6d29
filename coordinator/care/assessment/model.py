"""An assessment as records hold it, observed or asked item by item.

Ratings are opaque tokens: what they mean is the assessor's to say, never ours.
"""

from dataclasses import dataclass
from enum import Enum

from coordinator.fhir import CodeableConcept, Json


class Part(Enum):
    """What a record says of whether a program fits a person."""

    ASSESSMENT = "assessment"
    CLEARANCE = "clearance"
    SEVERITY = "severity"
    COMORBIDITY = "comorbidity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """How one dimension was rated: its name, and the value as it came, under the name it came by (`valueString`)."""

    dimension: CodeableConcept | None = None
    kind: str | None = None
    value: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentRecord:
    """One Observation. Dates are FHIR texts and may be partial; assessors are texts such as `Practitioner/x`."""

    status: str | None = None
    code: CodeableConcept | None = None
    subject: str | None = None
    at: str | None = None
    start: str | None = None
    issued: str | None = None
    assessors: tuple[str, ...] = ()
    result: CodeableConcept | None = None
    ratings: tuple[Rating, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One answer: the value as it came, under the name it came by."""

    kind: str | None = None
    value: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a questionnaire, with what was answered and the items below it."""

    link: str | None = None
    text: str | None = None
    given: tuple[Given, ...] = ()
    below: tuple["Item", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRecord:
    """One QuestionnaireResponse. `questionnaire` is the canonical address of what was asked."""

    status: str | None = None
    questionnaire: str | None = None
    subject: str | None = None
    authored: str | None = None
    author: str | None = None
    items: tuple[Item, ...] = ()
