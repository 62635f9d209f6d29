"""The tables of access: purposes and their rule, types of recipients, and what is necessary for a purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from coordinator.care.csv_table import by_text, indexed, packaged_rows

_PACKAGE = "coordinator.access"
ANY_TYPE = "*"


class Rule(Enum):
    """By what a purpose is decided."""

    CONSENT = "consent"  # a written consent, where the record is under 42 CFR Part 2
    EMERGENCY = "emergency"  # no consent, but a record of the emergency before anything leaves (2.51)
    AGREEMENT = "agreement"  # no consent, but an agreement in force (2.52, 2.53)
    NEVER = "never"


class Redisclosure(Enum):
    """What a recipient may do further with what it received (42 CFR 2.33(b))."""

    HIPAA = "hipaa"  # as HIPAA permits, except in proceedings against the person
    CONSENT = "consent"  # consistent with the consent
    CONTRACTORS = "contractors"  # as contractors need it for payment and operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """A purpose of use. `within` is the purpose that it is a kind of; no `recipients` is any."""

    code: str
    rule: Rule
    within: str | None
    without_consent: bool
    recipients: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientType:
    """A type of recipient, the classes of a consent for treatment, payment and operations that it belongs to."""

    kind: str
    redisclosure: Redisclosure
    treats: bool
    classes: frozenset[str]


@cache
def purposes() -> Mapping[str, Purpose]:
    """Return the purposes by code. Raises ConfigurationError with file and line of a bad row."""
    columns = ("purpose", "rule", "within", "without_consent", "recipients", "source")
    rows = packaged_rows(_PACKAGE, "purposes.csv", columns)
    return by_text(
        rows,
        "purpose",
        lambda row: Purpose(
            code=row.text("purpose"),
            rule=row.member("rule", Rule),
            within=row.optional("within"),
            without_consent=row.flag("without_consent"),
            recipients=frozenset(row.words("recipients")),
        ),
    )


@cache
def recipient_types() -> Mapping[str, RecipientType]:
    """Return the types of recipients by their word."""
    rows = packaged_rows(_PACKAGE, "recipients.csv", ("kind", "redisclosure", "treats", "classes", "source"))
    return by_text(
        rows,
        "kind",
        lambda row: RecipientType(
            kind=row.text("kind"),
            redisclosure=row.member("redisclosure", Redisclosure),
            treats=row.flag("treats"),
            classes=frozenset(row.words("classes")),
        ),
    )


@cache
def necessary() -> Mapping[tuple[str, str], frozenset[str]]:
    """Return the elements to cut by (purpose, type of record); what is not listed is not necessary."""
    rows = packaged_rows(_PACKAGE, "minimum_necessary.csv", ("purpose", "type", "cuts", "source"))
    return indexed(rows, "type", lambda row: ((row.text("purpose"), row.text("type")), frozenset(row.words("cuts"))))


def cuts_for(purpose: Purpose, type_: str) -> frozenset[str] | None:
    """Return what to cut out of a record for a purpose; None where no record of this type is necessary for it."""
    for code in (purpose.code, purpose.within):
        for name in (type_, ANY_TYPE):
            if code and (code, name) in necessary():
                return necessary()[code, name]
    return None


def kinds_of(purpose: str) -> frozenset[str]:
    """Return a purpose and that which it is a kind of: a consent for either may permit it."""
    row = purposes().get(purpose)
    return frozenset({purpose, row.within}) if row and row.within else frozenset({purpose})
