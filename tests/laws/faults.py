"""Ways to reconcile and to merge with one planted fault each: what laws must find."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from coordinator.disclosure import Sight
from coordinator.fhir import Interval, Json
from coordinator.reconcile import Account, Agreed, Evidence, Presence, reconcile
from coordinator.reconcile.medication.model import Course
from coordinator.reconcile.merge import ACCOUNT, Disputed, Merged, Settled, Side, merge
from coordinator.sync.gather import Dossier, gather
from tests.builders import document


# ---- ways to reconcile -----------------------------------------------------------------------------------------------
def newest_first(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Believe whoever spoke last: of the doses only those of the EHR whose record came last count."""
    last = evidence[-1].ehr
    kept = [one for one in evidence if not one.document.type.startswith("Medication") or one.ehr == last]
    return reconcile(kept, *rest, **more)


def as_many_as_arrive(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Take a record that arrives twice for two."""
    twice: list[Evidence] = []
    for one in evidence:
        again = any(other.ref == one.ref for other in twice)
        tree = dict(one.document.tree) | ({"id": f"{one.document.id}-again"} if again else {})
        twice.append(replace(one, document=document(tree)))
    return reconcile(twice, *rest, **more)


def invented_day(evidence: Any, *rest: Any, **more: Any) -> Account:
    """End each stay without an end on a day of the calendar that nobody told."""
    account = reconcile(evidence, *rest, **more)
    day = date(2026, 4, 2)
    stays = [one if one.end else replace(one, end=Interval(first=day, last=day)) for one in account.timeline.stays]
    return replace(account, timeline=replace(account.timeline, stays=tuple(stays)))


def stacked(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Stack refills without a cap: each adds a week on top of what there was."""
    account = reconcile(evidence, *rest, **more)
    return replace(account, courses=tuple(_with_a_week_more(one) for one in account.courses))


def _with_a_week_more(course: Course) -> Course:
    return replace(course, covered=tuple(replace(one, last=one.last + timedelta(weeks=1)) for one in course.covered))


def uncited(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Conclude from a record that is not there."""
    account = reconcile(evidence, *rest, **more)
    stays = [replace(one, evidence=("iop/EpisodeOfCare/nobody@1",)) for one in account.timeline.stays]
    return replace(account, timeline=replace(account.timeline, stays=tuple(stays)))


def quiet(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Say nothing of what is at odds."""
    return replace(reconcile(evidence, *rest, **more), findings=())


def forgetful(evidence: Any, agreed: Any, decisions: Any, **more: Any) -> Account:
    """Forget what people decided as soon as there is anything that they had not seen."""
    known = not any("unrelated" in one.document.id for one in evidence)
    return reconcile(evidence, agreed, decisions if known else (), **more)


def undead(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Go on believing what was entered in error."""
    return reconcile([replace(one, presence=Presence.PRESENT) for one in evidence], *rest, **more)


def echoing(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Take what we wrote ourselves for evidence."""
    return reconcile([replace(one, ours=False) for one in evidence], *rest, **more)


def unnamed(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Tell moves without the rules that they were drawn by."""
    account = reconcile(evidence, *rest, **more)
    moves = tuple(replace(one, rules=()) for one in account.timeline.transitions)
    return replace(account, timeline=replace(account.timeline, transitions=moves))


def uncapped(evidence: Any, *rest: Any, policy: Any, **more: Any) -> Account:
    """Carry over whatever is left of a supply."""
    return reconcile(evidence, *rest, policy=replace(policy, options={"carry_over_days": 365}), **more)


def blind_within(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Say nothing of two levels of one organization."""
    account = reconcile(evidence, *rest, **more)
    return replace(account, findings=tuple(one for one in account.findings if "TL-18" not in one.rules))


def credulous(evidence: Any, *rest: Any, policy: Any, **more: Any) -> Account:
    """Take every pull for a complete one."""
    return reconcile(evidence, *rest, policy=replace(policy, grades={}), **more)


def amnesiac(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Agree on nothing for the next time."""
    return replace(reconcile(evidence, *rest, **more), agreed=Agreed())


def stubborn(evidence: Any, agreed: Any, decisions: Any, **more: Any) -> Account:
    """Ask nothing again that was ever answered."""
    account = reconcile(evidence, agreed, decisions, **more)
    answered = {one.key for one in decisions}
    return replace(account, findings=tuple(one for one in account.findings if one.key not in answered))


def deaf(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Hear nothing of what one EHR says, by its name."""
    kept = [one for one in evidence if one.ehr != "iop" or one.document.type == "Patient"]
    return reconcile(kept, *rest, **more)


# ---- ways to read and to see -----------------------------------------------------------------------------------------
async def timeless(*asked: Any, known_at: Any = None) -> Dossier:
    """Read what is known now, whatever instant is asked for."""
    return await gather(*asked)


def open_handed(evidence: Any, decisions: Any, *_rest: Any, **_more: Any) -> Sight:
    """Let everybody see everything."""
    return Sight(evidence=tuple(evidence), decisions=tuple(decisions), verdicts={})


# ---- ways to merge ---------------------------------------------------------------------------------------------------
def quarrelsome(sides: Sequence[Side], agreed: Mapping[str, Json]) -> Merged:
    """Ask a person whenever anybody says something else than was agreed."""
    if all(side.value == agreed.get(side.ehr, side.value) for side in sides):
        return merge(sides, agreed)
    return Disputed(base=agreed.get(ACCOUNT), sides=tuple(sides), agreed=dict(agreed))


def last_wins(sides: Sequence[Side], agreed: Mapping[str, Json]) -> Merged:
    """Believe whoever is named last."""
    return Settled(value=sides[-1].value, agreed={**agreed, ACCOUNT: sides[-1].value})


def ranked(sides: Sequence[Side], agreed: Mapping[str, Json]) -> Merged:
    """Believe the EHR that comes first in the alphabet."""
    return last_wins([min(sides, key=lambda side: side.ehr)], agreed)


def unlearning(sides: Sequence[Side], agreed: Mapping[str, Json]) -> Merged:
    """Forget with each merge what was agreed."""
    return replace(merge(sides, agreed), agreed={})


def inventive(sides: Sequence[Side], agreed: Mapping[str, Json]) -> Merged:
    """Make one value of two that differ."""
    return Settled(value="+".join(sorted({str(side.value) for side in sides})), agreed=dict(agreed))
