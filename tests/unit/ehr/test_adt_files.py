"""HL7 v2 ADT: events of a visit make its state, whatever order their messages come in, and none is guessed."""

import itertools
import json
from zoneinfo import ZoneInfo

import pytest

from coordinator.ehr.files import folded, joined, read_adt
from coordinator.fhir import check, read_document

ZONE = ZoneInfo("America/New_York")
NUMBERS = "12345^^^RIVER^MR~999-99-9999^^^SSA^SS"
RESIDENT = f"PID|1||{NUMBERS}||Doe^Robin^Q||19800102|F|||1 Main St^^Town^NY^10001||^PRN^PH^^^555^1234"


def a_visit(*, ward="RES", service="RES", start="20260301113000", end="", disposition="", number="V77"):
    fields = {2: "I", 3: f"{ward}^101^A", 10: service, 19: f"{number}^^^RIVER", 36: disposition, 44: start, 45: end}
    return "|".join(["PV1", *(fields.get(place, "") for place in range(1, 46))])


def a_message(trigger, sent, *segments, pid=RESIDENT, charset=""):
    header = f"MSH|^~\\&|EHR|RIVER|US|X|{sent}||ADT^{trigger}|M{sent}|P|2.5.1||||||{charset}"
    return "\r".join([header, f"EVN|{trigger}|{sent}", pid, *segments, ""]).encode()


ADMITTED = a_message("A01", "20260301120000", a_visit())
MOVED = a_message("A02", "20260310090000", a_visit(ward="STEP"))
ENDED = a_message("A03", "20260327101000", a_visit(ward="STEP", end="20260327100000", disposition="07"))


def made(*messages, held=()):
    """Return what messages make, by type and id, and the reasons of what could not be read."""
    before = {(one["resourceType"], one["id"]): json.dumps(one).encode() for one in held}
    lines = list(folded(read_adt(b"".join(messages), name="adt.hl7", zone=ZONE), before))
    trees = [json.loads(line.raw) for line in lines if not line.fault]
    for tree in trees:
        assert check(read_document(json.dumps(tree).encode())) == ()
    return {(one["resourceType"], one["id"]): one for one in trees}, [line.fault for line in lines if line.fault]


def visit(*messages, held=()):
    return made(*messages, held=held)[0]["Encounter", "V77"]


def state(tree):
    return tree["status"], tree["period"].get("start"), tree["period"].get("end")


def test_an_admission_is_a_visit_that_goes_on_and_a_patient():
    trees, faults = made(ADMITTED)
    patient, stay = trees["Patient", "12345"], trees["Encounter", "V77"]
    assert faults == []
    assert state(stay) == ("in-progress", "2026-03-01T11:30:00-05:00", None)
    assert stay["class"]["code"] == "IMP"
    assert stay["serviceType"]["coding"] == [
        {"system": "https://coordinator.example/fhir/adt/hospital-service", "code": "RES"}
    ]
    assert stay["subject"] == {"reference": "Patient/12345"}
    assert patient["identifier"] == [
        {"system": "https://coordinator.example/fhir/authority/RIVER", "value": "12345"},
        {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-99-9999"},
    ]
    assert (patient["birthDate"], patient["gender"], patient["name"][0]["given"]) == (
        "1980-01-02",
        "female",
        ["Robin", "Q"],
    )
    assert {patient["meta"]["tag"][0]["code"], stay["meta"]["tag"][0]["code"]} == {"hl7v2"}


@pytest.mark.parametrize("order", list(itertools.permutations([ADMITTED, MOVED, ENDED])), ids=range(6))
def test_in_whatever_order_files_come_the_visit_ends_the_same(order):
    """A feed that was down sends later what came earlier."""
    held = {}
    for message in order:
        held |= made(message, held=held.values())[0]
    stay = held["Encounter", "V77"]
    assert stay == visit(ADMITTED, MOVED, ENDED)
    assert state(stay) == ("finished", "2026-03-01T11:30:00-05:00", "2026-03-27T10:00:00-04:00")
    assert stay["location"] == [{"location": {"display": "STEP"}}]
    assert stay["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "aadvice"


def test_the_same_file_again_changes_nothing():
    first, _ = made(ADMITTED, MOVED, ENDED)
    assert made(ADMITTED, MOVED, ENDED, held=first.values())[0] == first


def test_a_discharge_that_is_cancelled_leaves_the_visit_going_on_and_stays_cancelled():
    back = a_message("A13", "20260328090000", a_visit())
    stay = visit(ADMITTED, ENDED, back)
    assert state(stay) == ("in-progress", "2026-03-01T11:30:00-05:00", None)
    assert "hospitalization" not in stay
    assert visit(ENDED, held=[stay]) == stay


def test_an_admission_that_is_cancelled_never_was():
    assert state(visit(ADMITTED, a_message("A11", "20260301130000", a_visit())))[0] == "cancelled"


def test_an_update_that_tells_a_discharge_ends_the_visit():
    told = a_message("A08", "20260328090000", a_visit(end="20260327100000"))
    assert state(visit(ADMITTED, told)) == ("finished", "2026-03-01T11:30:00-05:00", "2026-03-27T10:00:00-04:00")


def test_a_discharge_without_its_hour_is_when_the_event_happened():
    assert state(visit(ADMITTED, a_message("A03", "20260327101000", a_visit())))[2] == "2026-03-27T10:10:00-04:00"


def test_a_person_known_under_two_numbers_is_merged_and_stays_so():
    merge = a_message("A40", "20260315090000", "MRG|888^^^RIVER^MR")
    old = a_message("A28", "20260201090000", pid="PID|1||888^^^RIVER^MR||Doe^Robin")
    trees, _ = made(old, merge)
    retired = trees["Patient", "888"]
    assert retired["active"] is False
    assert retired["link"] == [{"other": {"reference": "Patient/12345"}, "type": "replaced-by"}]
    late = a_message("A31", "20260401090000", pid="PID|1||888^^^RIVER^MR||Doe^Robin^R")
    assert made(late, held=[retired])[0]["Patient", "888"]["link"] == retired["link"]


def test_a_merge_of_somebody_whom_no_message_told_of_keeps_that():
    merge = a_message("A40", "20260315090000", "MRG|888^^^RIVER^MR")
    assert made(merge)[0]["Patient", "888"]["link"][0]["type"] == "replaced-by"


def test_several_files_are_one_story():
    files = [read_adt(one, name=f"{number}.hl7", zone=ZONE) for number, one in enumerate([ENDED, ADMITTED])]
    (line,) = [one for one in folded(joined(files), {}) if b'"Encounter"' in one.raw]
    assert (json.loads(line.raw), line.place) == (visit(ADMITTED, ENDED), "0.hl7 message 1")


FAULTS = {
    "no message": (b"MSH|^~\\&|x\r", "MSH-9"),
    "another kind": (ADMITTED.replace(b"ADT^A01", b"ORU^R01"), "MSH-9: R01 is no ADT event"),
    "an event that is not read": (a_message("A60", "20260301120000"), "MSH-9: A60"),
    "no patient": (a_message("A01", "20260301120000", a_visit(), pid="PID|1||"), "PID-3"),
    "no visit": (a_message("A01", "20260301120000", a_visit(number="")), "PV1-19"),
    "no merged patient": (a_message("A40", "20260301120000"), "MRG-1"),
    "no such day": (a_message("A01", "20260301120000", a_visit(start="20260231")), "PV1-44: there is no such day"),
    "no time": (a_message("A01", "20260301120000", a_visit(start="March 1")), "PV1-44: this is no time"),
    "an hour that the clocks skipped": (
        a_message("A01", "20260301120000", a_visit(start="20260308023000")),
        "PV1-44: the clocks skipped this hour",
    ),
    "another character set": (ADMITTED.replace(b"Robin", b"Ren\xe9"), "character set"),
}


@pytest.mark.parametrize(("message", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_message_that_can_not_be_read_is_a_fault_and_keeps_no_other_waiting(message, reason):
    trees, (fault,) = made(message, a_message("A28", "20260401120000", pid="PID|1||7^^^RIVER^MR"))
    assert reason in fault
    assert list(trees) == [("Patient", "7")]


def test_a_file_may_be_a_batch_with_the_marks_of_a_wire_and_in_latin_1():
    latin = a_message("A01", "20260301120000", a_visit(), charset="8859/1").replace(b"Robin", b"Ren\xe9")
    trees, faults = made(b"FHS|^~\\&\rBHS|^~\\&\r\x0b" + latin + b"\x1c\r\n" + ENDED.replace(b"\r", b"\n") + b"BTS|1\r")
    assert (faults, len(trees)) == ([], 2)
    assert trees["Patient", "12345"]["name"][0]["given"][0] == "Robin", "the later message tells it so"
    assert made(latin)[0]["Patient", "12345"]["name"][0]["given"][0] == "René"


def test_days_stay_days_and_a_zone_that_is_told_counts():
    stay = visit(a_message("A03", "20260327120000", a_visit(start="20260301", end="20260327100000+0000")))
    assert (stay["period"]["start"], stay["period"]["end"]) == ("2026-03-01", "2026-03-27T10:00:00+00:00")
