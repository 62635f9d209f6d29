"""Findings about whose record it is: what may be one person's, what an EHR merged, what was told of somebody else."""

from collections.abc import Collection, Mapping, Sequence

from coordinator.audit import AuditRow
from coordinator.care.patient.rules import Agreement, Weighed
from coordinator.fhir import Json, parse
from coordinator.matching import Pair, Tie, Verdict, known_patient, pair_of
from coordinator.reconcile import Decision, Finding
from coordinator.reconcile.findings import finding
from coordinator.sync.circle import POSSIBLE, Circle, Terms, near
from coordinator.sync.gather import Dossier
from coordinator.sync.ports import Transaction
from coordinator.sync.records import PatientKey

MERGED = "identity.merged-at-source"
WRONG = "disclosure.wrong-person"


async def identity_findings(tx: Transaction, dossier: Dossier, terms: Terms) -> list[Finding]:
    """Return what is doubtful about who this person is; a question about two persons stands at one of them only."""
    own = [(link.ehr, link.patient) for link in dossier.links]
    circle = await near(tx, own, terms)
    return [
        *_possible(circle, dossier),
        *await _merged(tx, dossier),
        *await wrong_person_findings(tx, dossier),
    ]


# ---- the same person? ------------------------------------------------------------------------------------------------


def _possible(circle: Circle, dossier: Dossier) -> list[Finding]:
    """Return a question for each other person who may be this one, about the first pair of records that raises it."""
    asked: dict[str, list[Pair]] = {}
    for pair in circle.doubtful:
        persons = sorted({link.person for place in pair if (link := circle.links.get(place))})
        if len(persons) == 2 and persons[0] == dossier.person:
            asked.setdefault(persons[1], []).append(pair)
    verdicts = circle.terms.verdicts
    found = []
    for pairs in asked.values():
        answered = [verdicts[pair] for pair in pairs if pair in verdicts and not verdicts[pair].same]
        if not answered or not all(_still_holds(one, circle.weighed[one.pair]) for one in answered):
            found.append(_question(circle, dossier, min(pairs)))
    return sorted(found, key=lambda one: one.key)


def _still_holds(verdict: Verdict, now: Weighed) -> bool:
    """Say whether what a person compared still agrees as far as it did; an answer without levels holds for good."""
    return not verdict.levels or verdict.levels == _levels(now)


def _levels(weighed: Weighed) -> dict[str, str]:
    return {feature.value: weighed.comparison[feature].value for feature in weighed.weights}


def _question(circle: Circle, dossier: Dossier, pair: Pair) -> Finding:
    weighed, limits = circle.weighed[pair], circle.terms.limits
    features: list[Json] = [
        {"feature": feature.value, "agreement": weighed.comparison[feature].value, "bits": str(bits)}
        for feature, bits in weighed.weights.items()
    ]
    facts: dict[str, Json] = {
        "records": list[Json](pair),
        "features": features,
        "bits": str(weighed.bits),
        "possible_from": str(limits.possible),
        "certain_from": str(limits.certain),
        "agreement": weighed.agreement.value,
    }
    refs = {one.place: one.ref for one in dossier.evidence}
    evidence = [refs.get(place, place) for place in pair]
    # What agrees for certain and is two persons all the same could not be joined without joining what can't be one.
    more = (Tie.AGREED.value,) if weighed.agreement is Agreement.CERTAIN else ()
    return finding(POSSIBLE, "+".join(pair), facts=facts, evidence=evidence).drawn_by(weighed.rule, *more)


# ---- merged by an EHR ------------------------------------------------------------------------------------------------


async def _merged(tx: Transaction, dossier: Dossier) -> list[Finding]:
    """Tell of records that their EHR merged, until somebody has seen it; whether we follow is told as well."""
    patients = {
        one.place: (one, known_patient(one.ehr, one.document))
        for one in dossier.evidence
        if one.document.type == "Patient"
    }
    found = {}
    for place, (one, known) in sorted(patients.items()):
        for other in known.merged:
            pair = pair_of(place, other)
            into = known.into == other
            facts: dict[str, Json] = {
                "from": place if into else other,
                "into": other if into else place,
                "followed": other in patients,
            }
            refs = [one.ref, patients[other][0].ref] if other in patients else [one.ref]
            found["+".join(pair)] = finding(MERGED, "+".join(pair), facts=facts, evidence=refs).drawn_by(
                Tie.MERGED.value
            )
    seen = _seen(await tx.accounts.decisions(dossier.person)) if found else {}
    return [one for _, one in sorted(found.items()) if seen.get(one.key) != one.facts]


def _seen(decisions: Sequence[Decision]) -> dict[str, Mapping[str, Json]]:
    """Return the facts of what people have taken note of, by key."""
    return {one.key: one.facts for one in decisions if one.value.get("seen") is True}


# ---- told of somebody else -------------------------------------------------------------------------------------------


async def wrong_person_findings(tx: Transaction, dossier: Dossier) -> list[Finding]:
    """Return a finding for each record at an EHR into which something of another person was written.

    After records were parted, what had been sent under this person may rest on records of another, or lie at another's.
    It is never taken back silently: a person has to see to it, there and here.
    """
    now = {one.place for one in dossier.links}
    gone = [past.records for past in await tx.people.pasts(dossier.person) if not past.records <= now]
    if not gone:
        return []
    held = now.union(*gone)
    wrong: dict[tuple[str, str], list[AuditRow]] = {}
    for row in await tx.audit.query("disclosure", person=dossier.person):
        if row.ehr and len(await _owners(tx, row, held)) > 1:
            wrong.setdefault((row.ehr, row.subject), []).append(row)
    found = []
    for (ehr, subject), rows in sorted(wrong.items()):
        facts: dict[str, Json] = {"ehr": ehr, "record": subject, "sent": [row.at.isoformat() for row in rows]}
        cited = {record for row in rows for record in _records(row.body)}
        found.append(finding(WRONG, f"{ehr}/{subject}", facts=facts, evidence=cited).drawn_by("ID-25"))
    seen = _seen(await tx.accounts.decisions(dossier.person)) if found else {}
    return [one for one in found if seen.get(one.key) != one.facts]


async def _owners(tx: Transaction, row: AuditRow, held: Collection[str]) -> set[str]:
    """Return the persons whose records a disclosure rests on, or in whose record it was written."""
    patients = {key for record in _records(row.body) if (key := await _patient_of(tx, record))}
    target = await _patient_of(tx, f"{row.ehr}/{row.subject}")
    there = {(ehr, id_) for ehr, _, id_ in (place.partition("/Patient/") for place in held) if ehr == row.ehr}
    links = await tx.people.linked(patients | ({target} if target else there))
    return {link.person for link in links.values()}


async def _patient_of(tx: Transaction, record: str) -> PatientKey | None:
    """Return the patient of whom a record, `ehr/Type/id@version`, speaks."""
    parts = record.partition("@")[0].split("/")
    version = await tx.evidence.one(parts[0], parts[1], parts[2]) if len(parts) == 3 else None
    if version is None:
        return None
    return version.ehr, version.patient or version.id


def _records(body: bytes) -> list[str]:
    """Return the citations of an audit event."""
    event = parse(body)
    entities = event.get("entity") if isinstance(event, dict) else None
    found = []
    for one in entities if isinstance(entities, list) else []:
        what = one.get("what") if isinstance(one, dict) else None
        named = what.get("identifier") if isinstance(what, dict) else None
        if isinstance(named, dict) and str(named.get("system", "")).endswith("/identifier/record"):
            found.append(str(named.get("value")))
    return found
