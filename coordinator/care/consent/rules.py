"""Questions about a consent: what is wrong with it, is it in force, does it permit this disclosure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Final

from coordinator.care.consent.model import ConsentRecord, Problem, Provision, Question, Reading
from coordinator.care.consent.tables import consent_codes, consent_elements, separate_consents
from coordinator.fhir import BadDate, Identifier, PartialDate, instant_of, normal_system

UNVERIFIED: Final = ("P2C-11", "The signature is not verified.")


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


def in_force(record: ConsentRecord, now: datetime, *, is_treating: bool = True) -> bool:
    """Say whether a consent is active, signed, begun, not ended and not revoked at an instant.

    A day without a time is read at its narrowest over the zones of the earth: a consent begins late and ends early
    rather than the other way. A revocation that is known counts at once: the clock of the machine that took it down may
    be ahead of ours, or ours may have been set back since. `is_treating` says that the discloser's course of treatment
    is open: a consent until its end counts no longer.
    """
    if record.ends_with is not None and not is_treating:
        return False
    if record.status != "active" or record.revoked_at is not None:
        return False
    begins = [_latest_begin(text) for text in (record.signed_at, record.start or record.signed_at)]
    if any(begin is None or begin > now for begin in begins):
        return False
    end = _earliest_end(record.end)
    return record.end is None or (end is not None and now < end)


def moments(record: ConsentRecord) -> list[datetime]:
    """Return the instants at which a consent begins or ends by itself, as far as its dates tell."""
    found = (
        *(_latest_begin(text) for text in (record.start, record.signed_at)),
        _earliest_begin(record.start),
        _earliest_end(record.end),
        _latest_end(record.end),
    )
    return [one for one in found if one is not None]


def permits(record: ConsentRecord, question: Question) -> bool:
    """Say whether the content of a consent permits a disclosure; whether it is whole and in force is asked elsewhere.

    A denial wins over the permit. What is not known to be permitted is not permitted.
    """
    if not record.permits or record.limits or not record.actions & consent_codes("action"):
        return False
    return _speaks_of(record, question) and not any(denies(one, question) for one in record.exceptions)


def excepts(record: ConsentRecord, question: Question) -> bool:
    """Say whether a consent is about a disclosure and denies it in its exceptions."""
    return record.permits and _speaks_of(record, question) and any(denies(one, question) for one in record.exceptions)


def restricts(record: ConsentRecord, question: Question, now: datetime) -> bool:
    """Say whether a restriction that was agreed to is about a disclosure, now (42 CFR 2.26)."""
    root = record.restriction
    return root is not None and is_restricting(record, now) and denies(root, question)


def is_restricting(record: ConsentRecord, now: datetime) -> bool:
    """Say whether a consent is a restriction that was agreed to and holds at an instant.

    It begins early and ends late where its days leave that open, and what can't be read of it narrows it in nothing.
    """
    if record.restriction is None or record.revoked_at is not None or record.status in consent_codes("not-agreed"):
        return False
    begins, ends = _earliest_begin(record.start or record.signed_at), _latest_end(record.end)
    return not ((begins is not None and now < begins) or (ends is not None and ends <= now))


def denies(provision: Provision, question: Question) -> bool:
    """Say whether a provision denies a disclosure: it is about it, and no permit in it spares it.

    A provision in a provision is an exception to it (FHIR R4 Consent.provision.provision). Among exceptions of the same
    one a denial wins. A permit spares only what it is certainly about.
    """
    if provision.permits or not _may_be_about(provision, question):
        return False
    denied = any(denies(one, question) for one in provision.exceptions)
    return denied or not any(_spares(one, question) for one in provision.exceptions)


def _spares(provision: Provision, question: Question) -> bool:
    if not provision.permits or provision.is_vague or not _may_be_about(provision, question):
        return False
    if provision.codes and not provision.codes & question.codes:
        return False
    return not any(denies(one, question) for one in provision.exceptions)


def needs_own_consent(labels: Iterable[str]) -> bool:
    """Say whether content with these labels needs a consent for it alone: notes of counseling (42 CFR 2.31(b))."""
    return bool(_apart() & frozenset(labels))


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
    if not (record.recipients or record.classes):
        yield "P2C-04", "It names no recipient by an identifier."
    if not record.purposes:
        yield "P2C-07", "It states no purpose."
    if not record.signed:
        yield "P2C-11", "It names nobody who signed."
    if not record.verified:
        yield UNVERIFIED
    if record.signed_by_other and not record.signed_by_patient and not record.has_authority:
        yield "P2C-11", "It is signed for the person, and by what authority is not documented."


def _wrong_scope(record: ConsentRecord) -> Iterator[tuple[str, str]]:
    if record.limits:
        yield "P2C-03", f"It is limited by what is not read here: {', '.join(sorted(record.limits))}."
    if record.classes - consent_codes("recipient-class"):
        yield "P2C-04", "It names recipients by a class that is not known here."
    if record.classes and not _is_whole_tpo(record):
        yield "P2C-04", "It names recipients by class, and is not for treatment, payment and operations alone."
    if record.member_classes - consent_codes("member-class"):
        yield "P2C-05", "It names members of an intermediary by a class other than treating providers."
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
    if record.ends_with is not None and record.ends_with not in consent_codes("expiry-event"):
        yield "P2C-10", "It ends with an event that can't be told here."
    if record.end is None and record.ends_with is None and not _is_whole_tpo(record):
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


def _speaks_of(record: ConsentRecord, question: Question) -> bool:
    """Say whether a consent is about these two, this purpose and this content, whatever its exceptions say."""
    if not (_names(record.disclosers, question.discloser) and _is_recipient(record, question)):
        return False
    return bool(question.purposes & record.purposes) and _covers(record, question)


def _is_recipient(record: ConsentRecord, question: Question) -> bool:
    """Say whether a consent names the recipient: itself, or by a class that a consent for all of TPO may name.

    An intermediary is named itself, together with its members or the class of treating providers (2.31(a)(4)(ii)).
    """
    if question.is_intermediary:
        has_members = bool(record.members) or record.member_classes == consent_codes("member-class")
        return has_members and _names(record.recipients, question.recipient)
    by_class = _is_whole_tpo(record) and bool(record.classes & question.classes)
    return by_class or _names(record.recipients, question.recipient)


def _covers(record: ConsentRecord, question: Question) -> bool:
    if record.types and question.resource_type not in record.types:
        return False
    if record.codes and not question.codes & {coding.code for coding in record.codes}:
        return False
    if record.labels and not question.labels & record.labels:
        return False
    return question.labels & _apart() <= record.labels


def _apart() -> frozenset[str]:
    return frozenset(one.code for one in separate_consents() if one.kind == "label")


def _may_be_about(provision: Provision, question: Question) -> bool:
    """Say whether a provision may be about this disclosure: nothing that it names leaves it out for certain.

    A record that is of something coded, and does not tell of what, may be of that which is named.
    """
    codes = question.codes | question.mentions
    nameless = not question.codes and question.resource_type in consent_codes("coded-type")
    return not (
        (provision.labels and not provision.labels & question.labels)
        or (provision.types and question.resource_type not in provision.types)
        or (provision.purposes and not question.purposes & provision.purposes)
        or (provision.codes and not provision.codes & codes and not nameless)
        or (provision.disclosers and not _names(provision.disclosers, question.discloser))
        or (provision.recipients and not _names(provision.recipients, question.recipient))
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


def _latest_end(text: str | None) -> datetime | None:
    """Return the instant from which something has ended for certain, None where the text tells none."""
    days = _told(text)
    if not isinstance(days, PartialDate):
        return days
    return None if days.last == date.max else _midnight(days.last + timedelta(days=1), _LAST_ZONE)


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
