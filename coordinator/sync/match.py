"""Match: link each new or changed patient record to the person it is, or make a new person of it."""

from coordinator.care.patient.mapping import read_patient
from coordinator.care.patient.model import PatientRecord
from coordinator.clock import Clock
from coordinator.fhir import read_document
from coordinator.matching import Certain, match
from coordinator.sync.candidates import candidates, keys_of
from coordinator.sync.ports import Store, Transaction
from coordinator.sync.records import IdentityLink, PatientKey, Received

RULE = "rule:identifier-or-full-agreement"


async def match_patients(store: Store, clock: Clock) -> int:
    """Link the patients that are new or changed; return how many. What is linked already stays with its person."""
    async with store.transaction() as tx:
        waiting = sorted(await tx.people.unmatched(), key=lambda one: (one.ehr, one.id))
        for version in waiting:
            await _match_one(tx, version, clock)
    return len(waiting)


async def _match_one(tx: Transaction, version: Received, clock: Clock) -> None:
    record = read_patient(read_document(version.body))
    await tx.people.put_keys(version.ehr, version.id, keys_of(record))
    own = (version.ehr, version.id)
    held = (await tx.people.linked([own])).get(own)
    if held is not None:
        person, by, since = held.person, held.by, held.since
    else:
        person, by, since = await _person_of(tx, record, own), RULE, clock.now()
    await tx.people.link(
        IdentityLink(
            ehr=version.ehr,
            patient=version.id,
            person=person,
            since=since,
            by=by,
            matched_hash=version.canonical_hash,
        )
    )


async def _person_of(tx: Transaction, record: PatientRecord, own: PatientKey) -> str:
    result = match(record, await candidates(tx, record, own))
    return result.person if isinstance(result, Certain) else await tx.people.create()
