"""No request leaves beyond a budget."""

import pytest

from coordinator.ehr.budget import Budgeted
from coordinator.ehr.exchange import Again, Answer, Asked, Lost
from coordinator.ehr.wire import Interrupted

ASKED = Asked(method="GET", url="https://north.example/fhir/Patient", place="Patient")


class Wire:
    def __init__(self):
        self.sent = 0

    async def __call__(self, asked):
        self.sent += 1
        return Answer(status=200)

    def stream(self, asked):
        raise AssertionError("nothing may leave")


def _allowing(*waits):
    left = list(waits)

    async def allowed():
        return left.pop(0)

    return allowed


async def test_a_request_within_the_budget_goes_out():
    wire = Wire()
    assert (await Budgeted(wire, _allowing(0.0))(ASKED)).status == 200
    assert wire.sent == 1


async def test_a_request_waits_for_the_next_minute():
    wire = Wire()
    assert (await Budgeted(wire, _allowing(0.01, 0.0))(ASKED)).status == 200
    assert wire.sent == 1


async def test_nothing_leaves_where_the_budget_is_used_up_for_long():
    wire = Wire()
    reply = await Budgeted(wire, _allowing(3600.0))(ASKED)
    assert isinstance(reply, Lost)
    assert (reply.reason, reply.sent) == ("its budget of requests is used up for now", False)
    assert reply.again is Again.NEVER
    with pytest.raises(Interrupted, match="used up"):
        async with Budgeted(wire, _allowing(3600.0)).stream(ASKED):
            pass
    assert wire.sent == 0
