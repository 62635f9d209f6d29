"""Sessions whose class says that they were virtual and whose place that they were in person, or the other way."""

from collections.abc import Sequence

from coordinator.care.session.rules import mode_of_place
from coordinator.fhir import Json
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Finding
from coordinator.reconcile.session.sessions import Session

MODES = ("virtual", "in-person")


def mismatches(chart: Chart, sessions: Sequence[Session]) -> list[Finding]:
    """Return a finding for each attended session that was at no place of its mode, and at one of the other."""
    found: list[Finding] = []
    for session in sessions:
        if not session.attended or session.mode not in MODES:
            continue
        places = [chart.places[key] for id_ in session.places if (key := (session.ehr, id_)) in chart.places]
        told = {mode_of_place(one.record) for one in places} - {None}
        if told and session.mode not in told:
            facts: dict[str, Json] = {"class": session.class_, "place": str(told.pop())}
            evidence = (*session.evidence, *(one.ref for one in places))
            found.append(
                finding("modality.pos-mismatch", session.key, facts=facts, evidence=evidence).drawn_by("SE-08")
            )
    return found
