"""State law that is stricter than federal law, and who signs for a minor (42 CFR 2.12, 2.14): by a tenant's table."""

from coordinator.access.model import Inquiry, Segment, StateRule
from coordinator.access.tables import kinds_of
from coordinator.care.consent.model import ConsentRecord
from coordinator.fhir import BadDate, PartialDate, instant_of

ADULT = 18  # 42 CFR 2.11 leaves it to state law; below this age its table is asked


def is_forbidden(segment: Segment, inquiry: Inquiry) -> bool:
    """Say whether a line of the tenant's table forbids this disclosure outright."""
    return any(one.needs == "never" and _is_about(one, segment, inquiry) for one in inquiry.terms.stricter)


def is_met(record: ConsentRecord, segment: Segment, inquiry: Inquiry) -> bool:
    """Say whether a consent meets what state law asks for beside federal law: who signs, and what it must name."""
    asked = [one for one in inquiry.terms.stricter if one.needs == "specific" and _is_about(one, segment, inquiry)]
    return _is_signed_by_whom_it_must(record, inquiry) and all(_names_it(record, one) for one in asked)


def _names_it(record: ConsentRecord, rule: StateRule) -> bool:
    """Say whether a consent names what a rule is about, and does not only include it."""
    if rule.label:
        return rule.label in record.labels
    if rule.code:
        return rule.code in {one.code for one in record.codes}
    return record.purposes == {rule.purpose}


def _is_about(rule: StateRule, segment: Segment, inquiry: Inquiry) -> bool:
    """Say whether a rule is about a disclosure: nothing that it names leaves it out."""
    return not (
        (rule.label and rule.label not in segment.labels)
        or (rule.code and rule.code not in segment.codes | segment.mentions)
        or (rule.purpose and rule.purpose not in kinds_of(inquiry.purpose))
    )


def _is_signed_by_whom_it_must(record: ConsentRecord, inquiry: Inquiry) -> bool:
    """Say whether those have signed who must: a minor too, and alone only where the tenant's state lets them.

    Where state law lets a minor seek treatment alone, only the minor can consent to disclosure; else the minor and the
    parent or guardian both must (42 CFR 2.14(b), (c)). Where a tenant has not told its state's law, both must.
    """
    age = _age(inquiry.born, record.signed_at)
    if age is None or age >= ADULT:
        return True
    alone = inquiry.terms.signs_alone_from
    if alone is not None and age >= alone:
        return record.signed_by_patient
    return record.signed_by_patient and record.signed_by_other


def _age(born: str | None, signed: str | None) -> int | None:
    """Return the least age that somebody can have had at a date; None where it can't be told."""
    try:
        if not born or not signed:
            return None
        birth = PartialDate.parse(born).last
        moment = instant_of(signed)
        day = moment.date() if moment else PartialDate.parse(signed).first
    except BadDate:
        return None
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
