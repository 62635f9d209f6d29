"""Real CapabilityStatements as a table of facts: what is known of them holds, and the page made of it is fresh.

The statements themselves have no license and are no part of the project. Where they are at hand, their folder is given
as CAPABILITY_ORIGINALS, and the table must be what comes out of them.
"""

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from coordinator.care.csv_table import packaged_rows
from coordinator.ehr.capability import read_statement, refusal
from coordinator.ehr.strategy import CONCEPTS, Site, forms, strategy
from coordinator.errors import PermanentEhrError
from coordinator.outbox.model import Form
from coordinator.sync.pull import TYPES
from tools.capability_facts import COLUMNS, write_table
from tools.capability_page import TABLE, page, rebuilt, statements

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/ehr-capabilities.md"
LINES = TABLE.read_text(encoding="utf-8").splitlines()
KNOWN = statements(LINES)
USABLE = [name for name, one in KNOWN.items() if refusal(one) is None]

WANTED = (
    *("Patient", "EpisodeOfCare", "Encounter", "Condition", "CarePlan", "Goal", "CareTeam", "ServiceRequest", "Task"),
    *("MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration", "Consent"),
    *("Appointment", "QuestionnaireResponse"),
)
TO_WRITE = (
    *("EpisodeOfCare", "CarePlan", "Goal", "CareTeam", "ServiceRequest", "Task", "MedicationStatement", "Consent"),
    *("QuestionnaireResponse", "Condition"),
)
#                         present, with _lastUpdated, writable, of these with update
COUNTS = {
    "epic-r4": (15, 0, 4, 2),
    "oracle-millennium-r4": (13, 5, 2, 2),
    "athenahealth-r4": (11, 10, 1, 0),
    "meditech-r4": (12, 0, 1, 1),
    "eclinicalworks-r4": (11, 0, 1, 0),
    "nextgen-enterprise-r4": (11, 11, 0, 0),
}


@pytest.mark.parametrize(("name", "counts"), COUNTS.items(), ids=COUNTS.keys())
def test_what_each_vendor_offers_of_what_we_need(name, counts):
    facts = [KNOWN[name].of(type_) for type_ in WANTED]
    writes = [one for one in facts if one.type in TO_WRITE and (one.create or one.update)]
    present = [one for one in facts if one.interactions]
    dated = [one for one in present if "_lastUpdated" in one.search_params]
    assert (len(present), len(dated), len(writes), sum(bool(one.update) for one in writes)) == counts
    assert not any({"vread", "history-instance"} & set(one.interactions) for one in facts)


def test_of_sixty_wanted_writes_nine_are_offered_and_none_of_a_plan_or_a_statement():
    offered = [
        (name, type_)
        for name in COUNTS
        for type_ in TO_WRITE
        if KNOWN[name].of(type_).create or KNOWN[name].of(type_).update
    ]
    assert len(offered) == 9
    assert not {"CarePlan", "Goal", "EpisodeOfCare", "MedicationStatement"} & {type_ for _, type_ in offered}


@pytest.mark.parametrize("name", USABLE)
def test_each_real_ehr_has_a_way_of_pulling_for_each_type_and_a_form_for_each_concept(name):
    statement = KNOWN[name]
    assert [strategy(statement, type_, Site()).type for type_ in TYPES] == list(TYPES)
    assert [forms(statement, concept)[-1] for concept in CONCEPTS] == [Form.NONE] * len(CONCEPTS)


@pytest.mark.parametrize("name", ["epic-dstu2", "cerner-dstu2"])
def test_an_old_version_is_refused_by_its_name(name):
    problem = refusal(KNOWN[name])
    assert isinstance(problem, PermanentEhrError)
    assert "DSTU2 (1.0.2)" in str(problem)


def test_a_statement_cut_off_in_the_middle_is_refused_as_such():
    """A captured statement of 39 types ends at the letter D: sound JSON, and useless."""
    rows = [dict(row.cells) for row in packaged_rows("coordinator.ehr", "capabilities.csv", COLUMNS)]
    cut = read_statement(rebuilt([row for row in rows if row["vendor"] == "azure-api-for-fhir-r4"]))
    problem = refusal(cut)
    assert isinstance(problem, PermanentEhrError)
    assert "39 types, the last of them DeviceUseStatement, and no Patient: it breaks off" in str(problem)
    assert "cut off" in problem.hint


def test_the_sandboxs_personalities_are_of_the_same_statements():
    """Two tables, made by two tools for two rooms: what they both say must agree."""
    columns = ("personality", "type", "interactions", "parameters")
    acted = list(packaged_rows("coordinator.sandbox", "personalities.csv", columns))
    assert {row.text("personality") for row in acted} == set(KNOWN)
    for row in acted:
        facts = KNOWN[row.text("personality")].of(row.text("type"))
        assert set(row.words("interactions")) <= set(facts.interactions), row.line
        assert set(row.words("parameters")) == facts.search_params, row.line


def test_the_page_is_what_the_table_gives():
    """Stale? `python tools/capability_page.py > docs/reference/ehr-capabilities.md`."""
    assert page(KNOWN) == PAGE.read_text(encoding="utf-8")


@pytest.mark.skipif("CAPABILITY_ORIGINALS" not in os.environ, reason="the originals have no license and are not here")
def test_the_table_is_what_comes_out_of_the_originals():
    folder = Path(os.environ["CAPABILITY_ORIGINALS"])
    fresh = io.StringIO()
    write_table(folder, fresh)
    assert fresh.getvalue().splitlines() == LINES
    for path in sorted(folder.glob("*.json")):
        told = replace(read_statement(path.read_bytes()), system_interactions=())  # not in the table: nothing uses them
        assert told == KNOWN[path.stem], path.stem
