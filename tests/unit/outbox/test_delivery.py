"""How far a need has come: what is filed is not yet known, what is known is not yet data."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from coordinator.outbox import Entry, Form, Intent, Status
from coordinator.outbox.delivery import (
    Delivery,
    acknowledged,
    acknowledgment,
    delivery_key,
    delivery_of,
    taken_up,
    with_presence,
)
from tests.builders import document

NOW = datetime(2026, 4, 7, 12, tzinfo=UTC)


def an_entry(status=Status.VERIFIED, form=Form.DOCUMENT, *, key="course:1", material=b"", body=b"8 mg"):
    intent = Intent(
        key=key, person="pe-1", ehr="pcp", concept="medication", type="X", form=form, body=body, material=material
    )
    return Entry(intent=intent, status=status)


def known(entry):
    return acknowledged(entry, by="Dr Park", how="by phone", at=NOW)


def there(entry):
    return with_presence(entry, ("pcp/MedicationRequest/o-1@1",), at=NOW)


STATES = {
    "owed": (an_entry(Status.OWED), Delivery.OWED),
    "refused": (an_entry(Status.REFUSED), Delivery.OWED),
    "unknown": (an_entry(Status.UNKNOWN), Delivery.OWED),
    "told by a person": (known(an_entry(Status.OWED, Form.NONE)), Delivery.ACKNOWLEDGED),
    "withheld": (known(an_entry(Status.WITHHELD)), Delivery.WITHHELD),
    "filed": (an_entry(), Delivery.DELIVERED),
    "filed, not read back yet": (an_entry(Status.APPLIED, Form.MESSAGE), Delivery.DELIVERED),
    "acknowledged": (known(an_entry()), Delivery.ACKNOWLEDGED),
    "written as data": (an_entry(form=Form.NATIVE), Delivery.PRESENT),
    "data seen since": (there(known(an_entry())), Delivery.PRESENT),
    "data seen before it was sent": (there(an_entry(Status.OBSOLETE)), Delivery.PRESENT),
    "wanted no longer": (an_entry(Status.OBSOLETE), None),
    "data gone again": (with_presence(there(an_entry()), (), at=NOW), Delivery.DELIVERED),
}


@pytest.mark.parametrize(("entry", "state"), STATES.values(), ids=STATES)
def test_a_need_stands_as_far_as_it_came(entry, state):
    assert delivery_of(entry) is state


@pytest.mark.parametrize("change", [{"material": b"9"}, {"body": b"12 mg"}], ids=str)
def test_what_was_acknowledged_of_another_content_counts_no_longer(change):
    entry = known(an_entry(material=b"8" if "material" in change else b""))
    assert acknowledgment(replace(entry, intent=replace(entry.intent, **change))) is None


def test_seeing_the_same_again_is_no_change():
    assert there(there(an_entry())) == there(an_entry())
    assert with_presence(an_entry(), (), at=NOW) == an_entry()


def test_a_key_names_one_need_and_tells_nothing():
    keys = {delivery_key(an_entry(key=key)) for key in ("course:1", "course:2")}
    assert len(keys) == 2
    assert all("pe-1" not in key and len(key) == 12 for key in keys)


TAKEN_UP = {
    "a task that was accepted": ({"resourceType": "Task", "status": "accepted"}, "Task accepted"),
    "a task that was done": ({"resourceType": "Task", "status": "completed"}, "Task completed"),
    "a task that waits": ({"resourceType": "Task", "status": "requested"}, ""),
    "a task that was turned down": ({"resourceType": "Task", "status": "rejected"}, ""),
    "a message that was received": (
        {"resourceType": "Communication", "received": "2026-04-07T12:00:00Z"},
        "Communication received",
    ),
    "a message that lies there": ({"resourceType": "Communication", "status": "completed"}, ""),
    "a document that was signed": (
        {"resourceType": "DocumentReference", "authenticator": {"display": "Dr Park"}},
        "DocumentReference authenticated",
    ),
    "a document that lies there": ({"resourceType": "DocumentReference", "status": "current"}, ""),
    "data": ({"resourceType": "MedicationStatement", "status": "active"}, ""),
}


@pytest.mark.parametrize(("record", "how"), TAKEN_UP.values(), ids=TAKEN_UP)
def test_staff_show_in_their_own_ehr_that_they_took_it_up(record, how):
    assert taken_up(document(record | {"id": "x"})) == how
