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
        meant = [one for one in (ordered, given) if one is not None]
        chosen = max(meant, key=lambda one: one.order, default=said)
        if chosen is not None and (dose := chosen.dose) is not None:
            yield Side(ehr=ehr, value=dose_json(dose), ref=chosen.seen.ref)


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
    """Return supplies and given doses, newer than the record that states the dose, that amount to the same."""
    stated = next(take for take in takes if take.seen.ref == side.ref)
    return [
        one.seen.ref
        for one in takes
        if one.order > stated.order
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
    """Return each dose that an EHR came to state, in the order of time in which the records come.

    Where an EHR orders or gives the medicine, what it merely lists does not count: lists lag behind.
    """
    dosing = {take.seen.ehr for take in takes if take.dose is not None and take.proof is not Proof.STATEMENT}
    last: dict[str, Dose] = {}
    steps: list[DoseStep] = []
    for take in takes:
        ehr = take.seen.ehr
        is_listed = take.proof is Proof.STATEMENT and ehr in dosing
        if (dose := take.dose) is not None and dose != last.get(ehr) and not is_listed:
            steps.append(DoseStep(dose=dose, since=take.day, ehr=ehr, proof=take.proof, ref=take.ref))
            last[ehr] = dose
    return tuple(steps)


def trend_of(history: Sequence[DoseStep], least: int) -> DoseTrend | None:
    """Return the last run of changes in one direction within one EHR, where it is at least so long.

    Of two EHRs it is the longer run, of equally long ones that which was changed last.
    That a dose fell three times is a fact; whether that is a taper is for its prescriber to say.
    """
    found: list[DoseTrend] = []
    for ehr in {step.ehr for step in history}:
        own = [step for step in history if step.ehr == ehr]
        run = _last_run(own)
        if len(run) > least:
            found.append(DoseTrend(kind="raised" if _rises(*run[:2]) else "lowered", steps=tuple(run)))
    return max(found, key=lambda one: (len(one.steps), history.index(one.steps[-1])), default=None)


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
