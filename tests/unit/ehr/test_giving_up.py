"""An EHR is given up for the rest of a pull once so many exchanges in a row came to nothing."""

import pytest

from coordinator.ehr.breaker import MOST_IN_VAIN, Breaker
from coordinator.ehr.exchange import Again, Asked, Lost
from tests.unit.ehr.talk import NO_ANSWER, NOT_SENT, a_page, answer

GOALS = Asked(method="GET", url="https://ehr.test/fhir/Goal", place="Goal search")
TASKS = Asked(method="GET", url="https://ehr.test/fhir/Task", place="Task search")
GOOD = a_page()


class Line:
    """A wire that says the same until told otherwise, and counts."""

    def __init__(self, says):
        self.says, self.asked = says, 0

    async def __call__(self, asked):
        self.asked += 1
        return self.says


async def asked_often(line, breaker, says, times=MOST_IN_VAIN, what=GOALS):
    line.says = says
    for _ in range(times):
        assert await breaker(what) == says


@pytest.fixture
def line():
    return Line(GOOD)


@pytest.fixture
def breaker(line):
    return Breaker(line)


async def is_asked(line, breaker, what):
    before = line.asked
    await breaker(what)
    return line.asked > before


IN_VAIN = {
    "silent": (NO_ANSWER, "it had stopped answering", False),
    "not reached": (NOT_SENT, "it had stopped answering", False),
    "too many requests": (answer(b"", 429), "it had asked us to come later", False),
    "a gateway without its server": (answer(b"", 504), "it had stopped answering", True),
    "busy": (answer(b"", 503), "it had stopped answering", True),
}


@pytest.mark.parametrize(("says", "reason", "is_another_asked"), IN_VAIN.values(), ids=IN_VAIN)
async def test_after_so_many_in_vain_nothing_goes_out_anymore(line, breaker, says, reason, is_another_asked):
    """A gateway was seen to give up on searches of one heavy type while all others were answered."""
    await asked_often(line, breaker, says)
    assert await breaker(GOALS) == Lost(reason=reason, sent=False, again=Again.NEVER)
    assert line.asked == MOST_IN_VAIN
    assert await is_asked(line, breaker, TASKS) is is_another_asked


@pytest.mark.parametrize("between", [GOOD, answer(b"", 404)], ids=["page", "refusal"])
@pytest.mark.parametrize("says", [case[0] for case in IN_VAIN.values()], ids=IN_VAIN)
async def test_an_answer_in_between_begins_the_count_anew(line, breaker, says, between):
    for _ in range(3):
        await asked_often(line, breaker, says, MOST_IN_VAIN - 1)
        await asked_often(line, breaker, between, 1)
    assert await is_asked(line, breaker, GOALS)


@pytest.mark.parametrize(("wait", "is_enough"), [("31", True), ("30", False)], ids=["longer", "as long"])
async def test_who_asks_us_to_wait_longer_than_a_request_does_is_taken_at_its_word(line, breaker, wait, is_enough):
    """To ask the next patient's records at once would be what the EHR asked us not to do."""
    await asked_often(line, breaker, answer(b"", 429, retry_after=wait), 1)
    line.says = GOOD
    assert await is_asked(line, breaker, TASKS) is not is_enough
