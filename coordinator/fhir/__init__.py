"""The language of FHIR.

Received bytes come in; documents, pages, dates, references and codes go out, with the issues that a checker finds.
A document is read through views and written by patching its bytes: what this room does not understand survives. It
must never rebuild a document from a model, never touch network or store, and never put content into an error.
"""

from coordinator.fhir import kinds
from coordinator.fhir.bundle import Head, NotABundle, Outcome, Page, head, id_of, may_name, read_outcomes, split_page
from coordinator.fhir.checker import check
from coordinator.fhir.codes import CodeableConcept, Coding, Identifier, Quantity, normal_system
from coordinator.fhir.dates import BadDate, Interval, PartialDate, certainly_before, day_of, instant_in, instant_of
from coordinator.fhir.document import Document, NotAResource, read_document
from coordinator.fhir.json_text import (
    LIMITS,
    BadJson,
    DecimalText,
    Json,
    JsonPath,
    Limits,
    canonical,
    dumps,
    parse,
    place_of,
    same,
)
from coordinator.fhir.kept import once
from coordinator.fhir.kinds import Kind
from coordinator.fhir.lens import Field, Lens, WrongType
from coordinator.fhir.models import Issue, validate
from coordinator.fhir.patch import Append, BadEdit, Edit, Remove, Set, difference, patched
from coordinator.fhir.plain import Look, look
from coordinator.fhir.r5 import as_r4, check_r5, is_r5, is_r5_consent
from coordinator.fhir.references import (
    Absolute,
    Conditional,
    Contained,
    Logical,
    Reference,
    Relative,
    Unreadable,
    Urn,
    parse_reference,
    read_reference,
    references_in,
    target_types,
)

__all__ = [
    "LIMITS",
    "Absolute",
    "Append",
    "BadDate",
    "BadEdit",
    "BadJson",
    "CodeableConcept",
    "Coding",
    "Conditional",
    "Contained",
    "DecimalText",
    "Document",
    "Edit",
    "Field",
    "Head",
    "Identifier",
    "Interval",
    "Issue",
    "Json",
    "JsonPath",
    "Kind",
    "Lens",
    "Limits",
    "Logical",
    "Look",
    "NotABundle",
    "NotAResource",
    "Outcome",
    "Page",
    "PartialDate",
    "Quantity",
    "Reference",
    "Relative",
    "Remove",
    "Set",
    "Unreadable",
    "Urn",
    "WrongType",
    "as_r4",
    "canonical",
    "certainly_before",
    "check",
    "check_r5",
    "day_of",
    "difference",
    "dumps",
    "head",
    "id_of",
    "instant_in",
    "instant_of",
    "is_r5",
    "is_r5_consent",
    "kinds",
    "look",
    "may_name",
    "normal_system",
    "once",
    "parse",
    "parse_reference",
    "patched",
    "place_of",
    "read_document",
    "read_outcomes",
    "read_reference",
    "references_in",
    "same",
    "split_page",
    "target_types",
    "validate",
]
