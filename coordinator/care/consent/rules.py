"""Questions about a consent: what is wrong with it, is it in force, does it permit this disclosure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, timezone

from coordinator.care.consent.model import ConsentRecord, Denial, Problem, Question, Reading
from coordinator.care.consent.tables import consent_codes, consent_elements, separate_consents
from coordinator.fhir import BadDate, Identifier, PartialDate, instant_of, normal_system


def problems(record: ConsentRecord, *, now: datetime, forms: Mapping[str, frozenset[str]]) -> tuple[Problem, ...]:
    """Return the elements of 42 CFR 2.31 that a consent lacks or has wrong, in the order of the table.

    `forms` tells by form which elements its text holds; a form that nobody described holds none. An empty result says
    that the consent is whole; whether it is in force now and permits something are questions of their own.
    """
    found = [*_missing(record), *_wrong_scope(record), *_wrong_time(record, now), *_not_in_form(record, forms)]
    order = list(consent_elements())
    return tuple(_problem(element, text) for element, text in sorted(found, key=lambda one: order.index(one[0])))


def reading(record: ConsentRecord, *, now: datetime, forms: Mapping[str, frozenset[str]]) -> Reading:
    """Return whether the consent is whole or defective."""
    return Reading.INVALID if problems(record, now=now, forms=forms) else Reading.VALID


def in_force(record: ConsentRecord, now: datetime) -> bool:
    """Say whether a consent is active, signed, begun, not ended and not revoked at an instant.

    A day without a time is read at its narrowest over the zones of the earth: a consent begins late and ends early
    rather than the other way. A revocation that is known counts at once: the clock of the machine that took it down may
    be ahead of ours, or ours may have been set back since.
    """
    if record.status != "active" or record.revoked_at is not None:
        return False
    begins = [_latest_begin(text) for text in (record.signed_at, record.start or record.signed_at)]
    if any(begin is None or begin > now for begin in begins):
        return False
    end = _earliest_end(record.end)
    return record.end is None or (end is not None and now < end)


def permits(record: ConsentRecord, question: Question) -> bool:
    """Say whether the content of a consent permits a disclosure; whether it is whole and in force is asked elsewhere.

    A denial wins over the permit. What is not known to be permitted is not permitted.
    """
    if not record.permits or record.limits or not record.actions & consent_codes("action"):
        return False
    if not (_names(record.disclosers, question.discloser) and _names(record.recipients, question.recipient)):
        return False
    if question.purpose not in record.purposes or not _covers(record, question):
        return False
    return not any(_denies(denial, question) for denial in record.denials)


# --- what may be wrong -------------------------------------------------------------------------------------------


def _missing(record: ConsentRecord) -> Iterator[tuple[str, str]]:
    if record.patient is None:
        yield "P2C-01", "It does not name the patient by an identifier."
    if not record.disclosers:
        yield "P2C-02", "It names nobody who may disclose."
    if not record.permits or not record.actions & consent_codes("action"):
        yield "P2C-02", "It does not permit to disclose."
    if not (record.types or record.codes or record.labels):
        yield "P2C-03", "It does not describe the information."
    if not record.recipients:
        yield "P2C-04", "It names no recipient by an identifier."
    if not record.purposes:
        yield "P2C-07", "It states no purpose."
    if not record.signed:
        yield "P2C-11", "It names nobody who signed."
    if not record.verified:
        yield "P2C-11", "The signature is not verified."


def _wrong_scope(record: ConsentRecord) -> Iterator[tuple[str, str]]:
    if record.limits:
        yield "P2C-03", f"It is limited by what is not read here: {', '.join(sorted(record.limits))}."
    for separate in separate_consents():
        stated = record.labels if separate.kind == "label" else record.purposes
        own = {one.code for one in separate_consents() if one.element_id == separate.element_id}
        if separate.code in stated and stated - own:
            yield separate.element_id, "It joins what needs a consent of its own with other content."


def _wrong_time(record: ConsentRecord, now: datetime) -> Iterator[tuple[str, str]]:
    signed = _earliest_begin(record.signed_at)
    if signed is None:
        yield "P2C-12", "It has no date of signature that can be read."
    elif signed > now:
        yield "P2C-12", "Its date of signature lies in the future."
    if record.end is None and not _is_whole_tpo(record):
        yield "P2C-10", "It never ends, and is not for treatment, payment and operations."
    end = _earliest_end(record.end)
    if record.end is not None and end is None:
        yield "P2C-10", "Its end can't be read."
    if record.status != "active":
        yield "P2C-16", "Its status is not active."
    if record.revoked_at is not None:
        yield "P2C-16", "It is revoked."
    if end is not None and end <= now:
        yield "P2C-16", "It has run out."


def _not_in_form(record: ConsentRecord, forms: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    wanted = set(consent_codes("always"))
    if record.purposes & consent_codes("tpo"):
        wanted |= consent_codes("any-tpo")
    if _is_whole_tpo(record):
        wanted |= consent_codes("whole-tpo")
    for element in wanted - forms.get(record.form or "", frozenset()):
        yield element, f"Its form is not known to hold this: {consent_elements()[element].name}."


def _is_whole_tpo(record: ConsentRecord) -> bool:
    """Say whether this is the single consent for treatment, payment and operations, and for nothing else."""
    return record.purposes == consent_codes("tpo")


def _problem(element_id: str, text: str) -> Problem:
    return Problem(element_id=element_id, citation=consent_elements()[element_id].citation, text=text)


# --- what it covers ----------------------------------------------------------------------------------------------


def _covers(record: ConsentRecord, question: Question) -> bool:
    if record.types and question.resource_type not in record.types:
        return False
    if record.codes and not question.codes & {coding.code for coding in record.codes}:
        return False
    if record.labels and not question.labels & record.labels:
        return False
    apart = {one.code for one in separate_consents() if one.kind == "label"}
    return question.labels & apart <= record.labels


def _denies(denial: Denial, question: Question) -> bool:
    """Say whether a denial is about this disclosure: nothing that it names leaves it out.

    A medication record that does not tell which medicine it is may be the one that is denied.
    """
    nameless = not question.codes and question.resource_type.startswith("Medication")
    return not (
        (denial.labels and not denial.labels & question.labels)
        or (denial.types and question.resource_type not in denial.types)
        or (denial.purposes and question.purpose not in denial.purposes)
        or (denial.codes and not denial.codes & question.codes and not nameless)
        or (denial.recipients and not _names(denial.recipients, question.recipient))
    )


def _names(named: Iterable[Identifier], one: Identifier) -> bool:
    key = _key(one)
    return key is not None and any(_key(other) == key for other in named)


def _key(identifier: Identifier) -> tuple[str, str] | None:
    system, value = normal_system(identifier.system or ""), (identifier.value or "").strip()
    return (system, value) if system and value else None


# --- time --------------------------------------------------------------------------------------------------------

_FIRST_ZONE, _LAST_ZONE = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))


def _latest_begin(text: str | None) -> datetime | None:
    """Return the instant from which something has begun for certain, None where the text tells none."""
    days = _told(text)
    return _midnight(days.last, _LAST_ZONE) if isinstance(days, PartialDate) else days


def _earliest_begin(text: str | None) -> datetime | None:
    """Return the instant from which something may have begun, None where the text tells none."""
    days = _told(text)
    return _midnight(days.first, _FIRST_ZONE) if isinstance(days, PartialDate) else days


def _earliest_end(text: str | None) -> datetime | None:
    """Return the instant from which something may have ended; a day is over at its next midnight."""
    days = _told(text)
    if not isinstance(days, PartialDate):
        return days
    if days.first == date.max:
        return _midnight(days.first, _FIRST_ZONE)
    return _midnight(days.first + timedelta(days=1), _FIRST_ZONE)


def _told(text: str | None) -> datetime | PartialDate | None:
    """Return what a text tells: an instant, or the days of a date; None where there is none or it can't be read."""
    if text is None:
        return None
    try:
        return instant_of(text) or PartialDate.parse(text)
    except BadDate:
        return None


def _midnight(day: date, zone: timezone) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
