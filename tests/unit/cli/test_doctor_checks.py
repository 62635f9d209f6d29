"""What the doctor says of facts that it is given."""

from coordinator.cli.doctor_checks import State, crowd_lines


def test_keys_that_too_many_carry_are_counted_and_not_named():
    (line,) = crowd_lines([51, 400], 50)
    assert (line.area, line.state) == ("identity", State.WARN)
    assert line.text.startswith(
        "2 keys by which records meet are skipped: more than 50 records carry each, 400 the most"
    )
    assert list(crowd_lines([], 50)) == []
