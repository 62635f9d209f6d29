"""Three-way merge of one field of one item, between what several EHRs say and what was last agreed with each.

Rules. A side changed when it differs from the value last agreed with that EHR. If nobody changed, the agreed value
stands. If all who changed say the same, or all in sight do, that is adopted. If they say different things, a person
decides. A side that changed without ever having seen the value now agreed competes with it, too. Where nothing was ever
agreed, equal values are agreed and different ones are for a person. An agreed value stands only while somebody in sight
says it or agreed to it: what nobody at hand can be cited for is not known here. A person's answer ends a dispute and
nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coordinator.fhir import Json
from coordinator.reconcile.model import Decision

ACCOUNT = ""  # the key of the agreed value itself, beside those of the EHRs


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one EHR says, and the version that says it."""

    ehr: str
    value: Json
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One value holds; `agreed` is what is agreed with each EHR from now on."""

    value: Json
    agreed: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """The sides differ; `base` is the value that they last agreed on together, None where there was none.

    What the account holds may have moved on since: one side brought a value that another has not taken yet. `agreed`
    stays as it was.
    """

    base: Json
    sides: tuple[Side, ...]
    agreed: Mapping[str, Json]

    @property
    def held(self) -> Json:
        """Return the value of the account, which holds until a person decides."""
        return self.agreed.get(ACCOUNT)


Merged = Settled | Disputed


def merge(sides: Sequence[Side], agreed: Mapping[str, Json], decided: Side | None = None) -> Merged:
    """Return the value that holds among the sides, or the dispute; `decided` is the side that a person chose."""
    agreed = _held(sides, _standing(sides, agreed))
    told = _distinct([side.value for side in sides])
    competing = _competing(sides, agreed) if len(told) != 1 else list(sides)
    distinct = _distinct([side.value for side in competing])
    if not distinct:
        return _settle(agreed.get(ACCOUNT), sides, agreed)
    if len(distinct) == 1:
        return _settle(distinct[0], sides, agreed)
    if decided is not None:
        return _settle(decided.value, sides, _overruled(decided.value, sides, agreed))
    return Disputed(base=_common(competing, agreed), sides=tuple(sides), agreed=dict(agreed))


def _standing(sides: Sequence[Side], agreed: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return what is still agreed: nothing with anybody out of sight, once the agreed value was theirs alone.

    Without this a value would outlive the record it came from, and a recipient would be told what a revoked consent
    keeps from it.
    """
    current = agreed.get(ACCOUNT)
    if any(current in (side.value, agreed.get(side.ehr, side.value)) for side in sides):
        return agreed
    return {side.ehr: agreed[side.ehr] for side in sides if side.ehr in agreed}


def _held(sides: Sequence[Side], agreed: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return what is agreed, also with those who hold the agreed value by now, whoever moves on from it next."""
    if ACCOUNT not in agreed:
        return agreed
    current = agreed[ACCOUNT]
    return {**agreed, **{side.ehr: current for side in sides if side.value == current}}


def _competing(sides: Sequence[Side], agreed: Mapping[str, Json]) -> list[Side]:
    """Return the sides that bring a value of their own, and the agreed value where one of them never saw it."""
    if ACCOUNT not in agreed:
        return list(sides)
    current = agreed[ACCOUNT]
    changed = [side for side in sides if side.ehr not in agreed or side.value != agreed[side.ehr]]
    unaware = [side for side in changed if side.ehr not in agreed or agreed[side.ehr] != current]
    if unaware:
        changed.append(Side(ehr=ACCOUNT, value=current, ref=""))
    return changed


def _common(competing: Sequence[Side], agreed: Mapping[str, Json]) -> Json:
    """Return the value that those who dispute last agreed on together: that of whoever has fallen behind.

    None where there is no such value: two have fallen behind, each at another one.
    """
    current = agreed.get(ACCOUNT)
    behind = [agreed[side.ehr] for side in competing if side.ehr in agreed and agreed[side.ehr] != current]
    return current if not behind else _only(_distinct(behind))


def _overruled(value: Json, sides: Sequence[Side], agreed: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return what is agreed once a person chose a value: who had moved away from this very value was heard.

    Else that edit would count as news as soon as the others have come back, and undo what the person chose.
    """
    moved = {side.ehr: side.value for side in sides if side.ehr in agreed and agreed[side.ehr] == value != side.value}
    return {**agreed, **moved}


def _only(values: Sequence[Json]) -> Json:
    return values[0] if len(values) == 1 else None


def _settle(value: Json, sides: Sequence[Side], agreed: Mapping[str, Json]) -> Settled:
    """Agree on a value: with the account at once, with each EHR when it holds the value."""
    states = dict(agreed)
    states[ACCOUNT] = value
    states.update({side.ehr: value for side in sides if side.value == value})
    return Settled(value=value, agreed=states)


def _distinct(values: Sequence[Json]) -> list[Json]:
    found: list[Json] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def answer(decisions: Sequence[Decision], key: str, values: Mapping[str, Json]) -> Decision | None:
    """Return the latest decision on a finding if it still speaks of these values, by EHR.

    An EHR that has come over to the value that was accepted, by our write or on its own, tells nothing new.
    """
    latest = latest_of([decision for decision in decisions if decision.key == key], {"values": dict(values)})
    return latest if latest is not None and _speaks_of(latest, values) else None


def latest_of(made: Iterable[Decision], facts: Mapping[str, Json]) -> Decision | None:
    """Return the latest of the decisions that were made between the very EHRs whose values are in question.

    A recipient's view may know fewer EHRs and ask under the same key: an answer to that is none to the whole question.
    """
    between = [one for one in made if _values(one.facts).keys() == _values(facts).keys()]
    return max(between, key=lambda one: (one.decided_at, one.actor, one.reason), default=None)


def _values(facts: Mapping[str, Json]) -> Mapping[str, Json]:
    told = facts.get("values")
    return told if isinstance(told, dict) else {}


def _speaks_of(decision: Decision, values: Mapping[str, Json]) -> bool:
    known = _values(decision.facts)
    chosen = [value for ehr, value in known.items() if ehr == _accepted_ehr(decision)]
    return all(value in (known[ehr], *chosen) for ehr, value in values.items())


def accepted(decision: Decision, sides: Sequence[Side]) -> Side | None:
    """Return the side that a decision accepts by `ehr/Type/id`: what that EHR says, whatever its record's id now is."""
    ehr = _accepted_ehr(decision)
    return next((side for side in sides if side.ehr == ehr), None)


def _accepted_ehr(decision: Decision) -> str | None:
    place = decision.value.get("accept")
    return place.partition("/")[0] if isinstance(place, str) else None
