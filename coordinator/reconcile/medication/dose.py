"""The dose of a course: what each EHR states now, where they differ, how it moved, and who ordered and gave it."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from coordinator.care.medication.model import Dose, Proof
from coordinator.care.medication.rules import units_compatible
from coordinator.fhir import Json
from coordinator.reconcile.findings import finding
from coordinator.reconcile.medication.model import DoseStep, DoseTrend, Take
from coordinator.reconcile.merge import Disputed, Side
from coordinator.reconcile.model import Finding


def sides_of(takes: Sequence[Take]) -> Iterable[Side]:
    """Return what dose each EHR states now: by a dose given after its order, else its order, else its statement."""
    for ehr in sorted({take.seen.ehr for take in takes}):
        own = [take for take in takes if take.seen.ehr == ehr and take.dose is not None]
        ordered = _newest(own, Proof.ORDER)
        given = _newest(own, Proof.DOSE)
        said = _newest(own, Proof.STATEMENT)
        chosen = given if given and (ordered is None or given.order > ordered.order) else ordered or said
        if chosen is not None and chosen.dose is not None:
            yield Side(ehr=ehr, value=dose_json(chosen.dose), ref=chosen.seen.ref)


def _newest(takes: Sequence[Take], proof: Proof) -> Take | None:
    """Return the newest record of a kind that still holds: an order or statement that is active, a dose completed."""
    holding = [one for one in takes if one.proof is proof and holds(one)]
    return max(holding, key=lambda one: one.order, default=None)


def holds(take: Take) -> bool:
    """Say whether a record still holds: an order or statement that is active, a supply or dose that came."""
    status = take.seen.record.status
    return status == "active" if take.proof in (Proof.ORDER, Proof.STATEMENT) else status == "completed"


def doses_differ(key: str, takes: Sequence[Take], dispute: Disputed) -> Finding:
    """Return the finding of doses that differ, with the supplies and given doses that agree with each."""
    doses: list[Json] = []
    evidence: list[str] = []
    for side in dispute.sides:
        agreeing = _agreeing(takes, side)
        value = side.value if isinstance(side.value, dict) else {}
        doses.append(
            {
                "ehr": side.ehr,
                "value": value.get("value"),
                "unit": value.get("unit"),
                "agrees_with": [one.partition("@")[0] for one in agreeing],
            }
        )
        evidence += [side.ref, *agreeing]
    facts: dict[str, Json] = {"doses": doses, "values": values_of(dispute.sides), "base": dispute.base}
    return finding("mat.dose-differs", key, facts=facts, evidence=evidence).drawn_by("MC-02")


def _agreeing(takes: Sequence[Take], side: Side) -> list[str]:
    """Return supplies and given doses, no older than the record that states the dose, that amount to the same."""
    stated = next(take for take in takes if take.seen.ref == side.ref)
    others = [one for one in takes if one is not stated and one.order >= stated.order]
    return [
        one.seen.ref
        for one in others
        if dose_json(one.supplied or (one.dose if one.proof is Proof.DOSE else None)) == side.value
    ]


def values_of(sides: Sequence[Side]) -> dict[str, Json]:
    """Return the doses stated, by EHR."""
    return {side.ehr: side.value for side in sides}


def dose_json(dose: Dose | None) -> Json:
    """Return a dose as JSON; whole numbers without decimals, so that 16 and 16.0 are one dose."""
    if dose is None:
        return None
    whole = dose.value == dose.value.to_integral_value()
    return {
        "value": int(dose.value) if whole else str(dose.value.normalize()),
        "unit": dose.unit,
        "per": dose.per,
    }


def dose_in(value: Json) -> Dose | None:
    """Return the dose that JSON holds, None where it holds none."""
    if not isinstance(value, dict):
        return None
    return Dose(value=Decimal(str(value["value"])), unit=str(value["unit"]), per=str(value["per"]))


# ---- history ---------------------------------------------------------------------------------------------------------
def history_of(takes: Sequence[Take]) -> tuple[DoseStep, ...]:
    """Return each dose that an EHR came to state, in order of time.

    Where an EHR orders or gives the medicine, what it merely lists does not count: lists lag behind.
    """
    steps: list[tuple[tuple[str, str], DoseStep]] = []
    for ehr in sorted({take.seen.ehr for take in takes}):
        own = [take for take in takes if take.seen.ehr == ehr and take.dose is not None]
        dosed = [take for take in own if take.proof is not Proof.STATEMENT] or own
        last: Dose | None = None
        for take in dosed:
            if take.dose is not None and take.dose != last:
                step = DoseStep(dose=take.dose, since=take.day, ehr=ehr, proof=take.proof, ref=take.ref)
                steps.append((take.order, step))
                last = take.dose
    return tuple(step for _, step in sorted(steps, key=lambda pair: pair[0]))


def trend_of(history: Sequence[DoseStep], least: int) -> DoseTrend | None:
    """Return the last run of changes in one direction within one EHR, where it is at least so long.

    That a dose fell three times is a fact; whether that is a taper is for its prescriber to say.
    """
    found: list[DoseTrend] = []
    for ehr in sorted({step.ehr for step in history}):
        own = [step for step in history if step.ehr == ehr]
        run = _last_run(own)
        if len(run) > least:
            found.append(DoseTrend(kind="raised" if _rises(run[0], run[-1]) else "lowered", steps=tuple(run)))
    return max(found, key=lambda one: (len(one.steps), one.steps[-1].ref), default=None)


def _last_run(steps: Sequence[DoseStep]) -> list[DoseStep]:
    """Return the last steps that all go one way, with the one that they start from."""
    run = list(steps[-1:])
    for before in reversed(steps[:-1]):
        turns = len(run) > 1 and _rises(before, run[0]) != _rises(run[0], run[1])
        if turns or not units_compatible(before.dose, run[0].dose):
            break
        run.insert(0, before)
    return run


def _rises(before: DoseStep, after: DoseStep) -> bool:
    return after.dose.value > before.dose.value
