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
from coordinator.fhir.found import Shelf, found_by, included_by
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
from coordinator.fhir.search import (
    BadQuery,
    Chain,
    Condition,
    Has,
    Include,
    Parameter,
    ParameterKind,
    Parameters,
    Query,
    Test,
    names_of,
    read_query,
)

__all__ = [
    "LIMITS",
    "Absolute",
    "Append",
    "BadDate",
    "BadEdit",
    "BadJson",
    "BadQuery",
    "Chain",
    "CodeableConcept",
    "Coding",
    "Condition",
    "Conditional",
    "Contained",
    "DecimalText",
    "Document",
    "Edit",
    "Field",
    "Has",
    "Head",
    "Identifier",
    "Include",
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
    "Parameter",
    "ParameterKind",
    "Parameters",
    "PartialDate",
    "Quantity",
    "Query",
    "Reference",
    "Relative",
    "Remove",
    "Set",
    "Shelf",
    "Test",
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
    "found_by",
    "head",
    "id_of",
    "included_by",
    "instant_in",
    "instant_of",
    "is_r5",
    "is_r5_consent",
    "kinds",
    "look",
    "may_name",
    "names_of",
    "normal_system",
    "once",
    "parse",
    "parse_reference",
    "patched",
    "place_of",
    "read_document",
    "read_outcomes",
    "read_query",
    "read_reference",
    "references_in",
    "same",
    "split_page",
    "target_types",
    "validate",
]
