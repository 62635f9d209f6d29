"""Spans say what the table allows, and of errors no word."""

from contextlib import contextmanager

import pytest

from coordinator.tracing import SPANS, allowed, span, traced_by


class _Kept:
    """A tracer that keeps what it is told."""

    def __init__(self):
        self.told = []

    @contextmanager
    def span(self, name, told):
        self.told.append((name, dict(told)))
        yield self

    def tell(self, **told):
        self.told.append(("", told))


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"ehr": "harbor", "status": 200}, {"ehr": "harbor", "status": 200}),
        ({"place": "Patient search"}, {"place": "Patient search"}),
        ({"person": "3b1c", "url": "x"}, {}),
        ({"place": "https://ehr.example/Patient/7"}, {}),
        ({"place": "Patient/7"}, {}),
        ({"place": "Patient?name=Doe"}, {}),
        ({"place": "a" * 65}, {}),
        ({"place": ""}, {}),
        ({"place": "1980-01-01"}, {}),
    ],
)
def test_a_span_keeps_what_its_row_names_if_it_is_a_number_or_a_short_word(told, kept):
    assert allowed("exchange", told) == kept


def test_of_an_error_that_ends_a_span_only_its_kind_is_told():
    tracer = _Kept()
    with pytest.raises(LookupError), traced_by(tracer), span("pull", ehr="harbor"):
        raise LookupError("Jane Doe")
    assert tracer.told == [("pull", {"ehr": "harbor"}), ("", {"error": "LookupError"})]


def test_where_nobody_listens_a_span_is_nothing():
    tracer = _Kept()
    with traced_by(tracer):
        pass
    with span("pull", ehr="harbor") as here:
        here.tell(seen=1)
    assert tracer.told == []


def test_no_span_has_a_key_for_a_person_or_an_address():
    assert not {key for keys in SPANS.values() for key in keys} & {"person", "id", "url", "patient", "address", "cause"}
