"""What was made of a version once is not made again."""

import pytest

from coordinator.fhir import BadDate, Document, day_of, once
from tests.builders import ZONE, a_goal, document


def a_reader():
    """Return a reader and the list of what it was asked."""
    asked: list[tuple[Document, object]] = []

    @once
    def read(one: Document, *more: object) -> object:
        """Return a new object each time it has to read."""
        asked.append((one, *more))
        return object()

    return read, asked


def test_a_document_is_read_once():
    read, asked = a_reader()
    goal = document(a_goal("G-1"))
    assert read(goal) is read(goal)
    assert asked == [(goal,)]


def test_what_else_a_reader_is_given_makes_another_reading():
    read, _ = a_reader()
    goal = document(a_goal("G-1"))
    assert read(goal, "America/New_York") is not read(goal, "UTC")


def test_two_readers_keep_their_readings_apart():
    goal = document(a_goal("G-1"))
    assert a_reader()[0](goal) is not a_reader()[0](goal)


def test_equal_bytes_received_twice_keep_their_readings_apart():
    """A reading lives as long as its document: nothing has to be forgotten, and nothing grows."""
    read, asked = a_reader()
    read(document(a_goal("G-1")))
    read(document(a_goal("G-1")))
    assert len(asked) == 2


def test_a_reading_that_failed_fails_again():
    @once
    def day(_document: Document) -> object:
        return day_of("no day", ZONE)

    goal = document(a_goal("G-1"))
    for _ in range(2):
        with pytest.raises(BadDate):
            day(goal)


def test_a_reader_keeps_its_name_and_words():
    read, _ = a_reader()
    assert (read.__name__, read.__doc__) == ("read", "Return a new object each time it has to read.")
