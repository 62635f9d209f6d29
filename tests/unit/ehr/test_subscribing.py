"""Subscriptions ask an EHR to call without content; what it does not take is told, and what has ended is made anew."""

import json
from datetime import UTC, datetime

import pytest

from coordinator.ehr.protocols.subscription import HEADER, Call, Wish, renew, subscribe, unsubscribe, wishes
from coordinator.errors import PermanentEhrError, TemporaryEhrError
from coordinator.fhir import check, read_document
from coordinator.sync.ways import Hook
from tests.unit.ehr.talk import BASE, NO_ANSWER, a_record, answer, talk

HOOK = Hook(endpoint="https://us.test/hooks/t/iop", ends=datetime(2026, 4, 14, tzinfo=UTC))
CALL = Call(hook=HOOK, secret="s3cret")
GOALS = Wish(criteria="Goal?")
TOPIC = Wish(criteria="https://ehr.test/topics/encounters", is_topic=True)


def sent(asked):
    document = read_document(json.dumps({"id": "x", **json.loads(asked.body)}).encode())
    assert [one for one in check(document) if one.blocks] == []
    return json.loads(asked.body)


def test_each_type_is_watched_or_the_topic_that_is_told():
    assert wishes(["Goal", "Task"], "") == (Wish(criteria="Goal?"), Wish(criteria="Task?"))
    assert wishes(["Goal", "Task"], TOPIC.criteria) == (TOPIC,)


def test_a_subscription_wants_calls_without_content_and_with_a_secret():
    found = talk(subscribe(BASE, GOALS, CALL), answer(a_record("s-1", "Subscription"), 201))
    (asked,) = found.asked
    assert (found.result, asked.is_safe) == ("s-1", False)
    assert sent(asked) == {
        "resourceType": "Subscription",
        "status": "requested",
        "end": "2026-04-14T00:00:00Z",
        "reason": "Wakes the coordinator of care; no content is wanted.",
        "criteria": "Goal?",
        "channel": {"type": "rest-hook", "endpoint": HOOK.endpoint, "header": [f"{HEADER}: s3cret"]},
    }


def test_a_topic_is_subscribed_to_with_empty_content_and_a_heartbeat():
    (asked,) = talk(subscribe(BASE, TOPIC, CALL), answer(a_record("s-1", "Subscription"), 201)).asked
    channel = sent(asked)["channel"]
    assert channel["_payload"]["extension"][0]["valueCode"] == "empty"
    assert channel["extension"][0]["valueUnsignedInt"] == 3600


def test_the_id_is_taken_from_the_location_where_nothing_else_is_answered():
    reply = answer(b"", 201, location="https://ehr.test/fhir/Subscription/s-2/_history/1")
    assert talk(subscribe(BASE, GOALS, CALL), reply).result == "s-2"


@pytest.mark.parametrize(
    ("reply", "error"),
    [(NO_ANSWER, TemporaryEhrError), (answer(b"", 403), PermanentEhrError), (answer(b"", 201), PermanentEhrError)],
    ids=["no answer", "refused", "without an id"],
)
def test_what_an_ehr_does_not_take_is_told(reply, error):
    with pytest.raises(error):
        talk(subscribe(BASE, GOALS, CALL), reply)


def test_a_subscription_goes_on_under_its_id_with_a_new_secret():
    found = talk(renew(BASE, GOALS, CALL, id_="s-1"), answer(b"", 200))
    assert (found.result, found.methods, found.asked[0].url) == ("s-1", "PUT", "https://ehr.test/fhir/Subscription/s-1")
    assert sent(found.asked[0])["id"] == "s-1"


@pytest.mark.parametrize("status", [404, 405, 410])
def test_one_that_the_ehr_has_dropped_is_made_anew(status):
    replies = answer(b"", status), answer(a_record("s-9", "Subscription"), 201)
    assert talk(renew(BASE, GOALS, CALL, id_="s-1"), *replies).result == "s-9"


def test_one_that_can_not_be_renewed_now_is_told():
    with pytest.raises(TemporaryEhrError):
        talk(renew(BASE, GOALS, CALL, id_="s-1"), answer(b"", 503))


@pytest.mark.parametrize("status", [200, 204, 404, 410])
def test_one_that_is_gone_has_ended(status):
    assert talk(unsubscribe(BASE, "s-1"), answer(b"", status)).methods == "DELETE"


@pytest.mark.parametrize("reply", [NO_ANSWER, answer(b"", 403)], ids=["no answer", "refused"])
def test_one_that_can_not_be_ended_is_told(reply):
    with pytest.raises((TemporaryEhrError, PermanentEhrError)):
        talk(unsubscribe(BASE, "s-1"), reply)
