"""When work that failed is tried again."""

import pytest

from coordinator.errors import ConfigurationError, PermanentEhrError, TemporaryEhrError
from coordinator.sync.records import EhrConnection
from coordinator.sync.work.outcomes import LONGEST_WAIT, Retrying, spread
from coordinator.sync.work.records import Job, Work
from coordinator.sync.work.turns import EVERY_SECONDS, every_seconds

JOB = Job(work=Work.PULL, key="north")


@pytest.mark.parametrize(
    ("problem", "times", "least"),
    [
        pytest.param(TemporaryEhrError("silent"), 1, 30, id="at first soon"),
        pytest.param(TemporaryEhrError("silent"), 3, 120, id="then twice as long"),
        pytest.param(TemporaryEhrError("silent"), 500, LONGEST_WAIT, id="never given up, at most an hour"),
        pytest.param(TemporaryEhrError("busy", retry_after=900), 1, 900, id="no earlier than the EHR asked"),
        pytest.param(TemporaryEhrError("busy", retry_after=1), 1, 30, id="nor in haste"),
        pytest.param(PermanentEhrError("refused"), 1, 30, id="it may have been mended"),
        pytest.param(PermanentEhrError("refused"), 5, None, id="lasting trouble waits for a person"),
        pytest.param(ConfigurationError("no key"), 5, None, id="so does a missing key"),
        pytest.param(ValueError("Jane Doe"), 4, 240, id="a fault of ours"),
        pytest.param(ValueError("Jane Doe"), 5, None, id="a fault of ours that lasts"),
    ],
)
def test_work_is_tried_again(problem, times, least):
    after = Retrying(problem).after(times, JOB)
    assert after == least if least is None else least <= after <= 1.1 * least


def test_a_fault_of_ours_is_told_by_its_kind_and_never_by_its_words():
    assert "Jane" not in Retrying(ValueError("Jane Doe")).sentence
    assert "ValueError" in Retrying(ValueError("Jane Doe")).sentence


def test_many_do_not_come_at_one_moment_and_each_always_at_its_own():
    found = [spread(100, f"ehr-{number}") for number in range(50)]
    assert len(set(found)) > 40
    assert all(100 <= one <= 110 for one in found)
    assert found == [spread(100, f"ehr-{number}") for number in range(50)]


@pytest.mark.parametrize(
    ("told", "seconds"), [(None, EVERY_SECONDS), (60, 60), ("90", 90), (0, 1), ("often", EVERY_SECONDS)]
)
def test_an_ehr_is_pulled_from_as_often_as_its_connection_says(told, seconds):
    options = {} if told is None else {"every_seconds": told}
    connection = EhrConnection(name="north", url="", organization="north", options=options)
    assert every_seconds(connection) == seconds
