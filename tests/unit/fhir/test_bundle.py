"""Pages of search results."""

import pytest

from coordinator.fhir import BadJson, Head, NotABundle, NotAResource, Outcome, head, may_name, read_outcomes, split_page

PATIENT = b'{ "resourceType":"Patient", "id":"1",\n "x": 1.10 }'
OUTCOME = (
    b'{"resourceType":"OperationOutcome","issue":[{"severity":"warning","code":"suppressed","diagnostics":"left out"},'
    b'{"severity":"error","code":"security","details":{"text":"no"}},{}]}'
)
ISSUES = (
    Outcome(severity="warning", code="suppressed", text="left out"),
    Outcome(severity="error", code="security", text="no"),
    Outcome(severity="", code="", text=""),
)


def page(*resources, rest=b""):
    entries = b",".join(b'{"fullUrl":"u","resource":' + resource + b"}" for resource in resources)
    return b'{"resourceType":"Bundle","type":"searchset",' + rest + b'"entry":[' + entries + b"]}"


def test_each_resource_comes_out_as_it_was_sent():
    found = split_page(page(PATIENT, PATIENT.replace(b'"1"', b'"2"')))

    assert found.entries == (PATIENT, PATIENT.replace(b'"1"', b'"2"'))


def test_links_and_total_are_read():
    links = b'"total":7,"link":[{"relation":"self","url":"s"},{"relation":"next","url":"n"},{"relation":"x"}],'

    found = split_page(page(PATIENT, rest=links))

    assert (found.total, found.self, found.next) == (7, "s", "n")


def test_a_page_without_total_links_and_entries_is_a_page():
    found = split_page(b'{"resourceType":"Bundle"}')

    assert (found.entries, found.outcomes, found.total, found.self, found.next) == ((), (), None, None, None)


def test_outcomes_among_the_entries_are_set_apart():
    """An EHR answers 200 and says in an outcome what it left out."""
    found = split_page(page(PATIENT, OUTCOME))

    assert found.entries == (PATIENT,)
    assert found.outcomes == ISSUES


def test_entries_without_a_resource_are_counted():
    raw = b'{"resourceType":"Bundle","entry":[{"request":{"method":"DELETE"}},null,{"resource":null},{"resource":%s}]}'

    found = split_page(raw % PATIENT)

    assert (found.entries, found.empty) == ((PATIENT,), 3)


def test_an_outcome_instead_of_a_page_is_told():
    with pytest.raises(NotABundle) as caught:
        split_page(OUTCOME)

    assert caught.value.outcomes == ISSUES


@pytest.mark.parametrize("raw", [b"{}", PATIENT])
def test_what_is_no_page_is_refused(raw):
    with pytest.raises(NotABundle):
        split_page(raw)


@pytest.mark.parametrize(
    "raw", [b"<html>", b"", b'{"resourceType":"Bundle"', b'{"resourceType":"Bundle","entry":[],"entry":[]}', b"\xff"]
)
def test_a_page_that_is_no_sound_json_is_refused(raw):
    """Of two lists of entries one would be lost."""
    with pytest.raises(BadJson):
        split_page(raw)


@pytest.mark.parametrize("raw", [b"[]", b'{"resourceType":"Bundle","entry":{}}', b'{"resourceType":1}'])
def test_a_page_of_the_wrong_shape_is_refused(raw):
    with pytest.raises(NotABundle):
        split_page(raw)


def test_one_entry_of_the_wrong_shape_does_not_take_the_page_with_it():
    """It goes on as it came, to be put into quarantine by itself."""
    found = split_page(page(b'{"resourceType":1}', b"7", PATIENT))

    assert found.entries == (b'{"resourceType":1}', b"7", PATIENT)


def test_a_list_with_entries_of_its_own_is_no_second_list():
    """Nor does it bring the strict door upon the whole page: one unsound record goes into quarantine alone."""
    record = b'{"resourceType":"List","entry":[{"item":{}}]}'
    unsound = b'{"resourceType":"Patient","id":"1","id":"2"}'

    assert split_page(page(record, unsound)).entries == (record, unsound)


@pytest.mark.parametrize("raw", [PATIENT, b"<html>", b"[]", b"\xff", b""])
def test_any_answer_may_be_asked_for_outcomes(raw):
    assert read_outcomes(raw) == ()


def test_the_head_names_a_resource_and_its_version():
    raw = b'{"resourceType":"Patient","id":"1","meta":{"versionId":"2","lastUpdated":"z"},"name":[]}'

    assert head(raw) == Head(type="Patient", id="1", version_id="2", last_updated="z")
    assert head(b'{"resourceType":"Patient"}') == Head(type="Patient", id="")


@pytest.mark.parametrize("raw", [b"{}", b"[]", b'{"resourceType":"Patient","id":1}'])
def test_what_has_no_head_is_no_resource(raw):
    with pytest.raises(NotAResource):
        head(raw)


def test_the_head_of_bad_json_is_refused():
    with pytest.raises(BadJson):
        head(b'{"resourceType":')


NAMED = {
    "as it is": (rb'{"entry":1}', True),
    "not": (rb'{"text":"two\nlines"}', False),
    "perhaps, in escapes": (rb'{"\u0065ntry":1}', True),
}


@pytest.mark.parametrize(("raw", "may"), NAMED.values(), ids=NAMED)
def test_a_text_may_name_what_it_holds_or_may_spell_with_escapes(raw, may):
    assert may_name(raw, b"entry") is may


def test_a_warning_whose_type_is_spelled_with_escapes_is_still_a_warning():
    spelled = OUTCOME.replace(b"OperationOutcome", rb"Operation\u004futcome")
    assert spelled != OUTCOME
    found = split_page(page(PATIENT, spelled))
    assert (found.entries, found.outcomes) == ((PATIENT,), read_outcomes(OUTCOME))
