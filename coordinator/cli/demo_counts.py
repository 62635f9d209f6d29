"""The numbers of the demonstration: counted from what the store holds, what the runs report, what EHRs were asked."""

from coordinator.cli.demo_run import Acquaintance, Played
from coordinator.cli.json_parts import member, objects, texts
from coordinator.fhir import DecimalText, Json
from coordinator.outbox import OPEN, Status
from coordinator.reconcile import Finding

RESOLVED = "resolved"


def counts(played: Played) -> dict[str, Json]:
    """Return the one object that `coordinator demo --once --json` prints."""
    people = played.picture.people
    statuses = [one.status for one in played.picture.entries]
    return {
        "ehrs": len(played.picture.forms),
        "people": len(people),
        "resources_read": played.picture.records,
        "enrollments": sum(len(objects(one.account, "timeline")) for one in people),
        "transitions": sum(len(objects(one.account, "transitions")) for one in people),
        "medication_courses": sum(len(objects(one.account, "courses")) for one in people),
        "care_plans_merged": sum(is_plan_merged(one) for one in people),
        "conflicts": len(conflicts(played)),
        "writes": {
            "applied": played.first.applied + played.main.applied,
            "verified": played.first.verified + played.main.verified,
            "withheld": statuses.count(Status.WITHHELD),
            "owed": sum(1 for one in statuses if one in OPEN and one is not Status.WITHHELD),
        },
        "second_run": {"changed": changed_rows(played), "writes": played.writes_of_last},
        "seconds": DecimalText(f"{played.seconds:.2f}"),
    }


def is_plan_merged(one: Acquaintance) -> bool:
    """Tell whether a goal of the person's plan is held by more than one EHR."""
    goals = objects(member(one.account, "plan"), "goals")
    return any(len({ref.partition("/")[0] for ref in texts(goal, "evidence")}) > 1 for goal in goals)


def conflicts(played: Played) -> list[tuple[Acquaintance, Finding]]:
    """Return the open findings in which EHRs say different things of one matter, each with its person."""
    return [(who, one) for who, one in open_findings(played) if isinstance(one.facts.get("values"), dict)]


def open_findings(played: Played) -> list[tuple[Acquaintance, Finding]]:
    """Return every open finding with its person."""
    return [(who, one) for who in played.picture.people for one in who.findings if one.status != RESOLVED]


def changed_rows(played: Played) -> int:
    """Return how many rows the quiet run added; a table in which only something changed counts as one."""
    changed = 0
    for name, before in played.before.items():
        after = played.after[name]
        changed += abs(after.rows - before.rows) or int(after.last_change != before.last_change)
    return changed
