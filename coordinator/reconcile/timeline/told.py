"""What was told before: days of stays that moved late, EHRs that went back in time, records taken back after use.

The latest versions of records can't show what stood there before. So each look leaves behind, among the agreed states,
which days it told and by which instant it had learned them. A look at an earlier instant leaves out what was learned
later, so that the same evidence always gives the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from coordinator.fhir import Document, Json, canonical, day_of, instant_in, once
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Agreed, Decision, Evidence, Finding, Policy, Presence
from coordinator.reconcile.rules import limit

States = Mapping[str, Json]  # by the instant at which it was learned
_STAY, _SOURCE, _VERSION = "told:", "source:", "version:"
_RECREATED = frozenset({"Goal", "CarePlan"})  # some EHRs delete and recreate these at each save
_WRONG = "entered-in-error"
_KEPT_LONG = frozenset(  # what is not written anew each day: by these an EHR that went back shows itself
    {"Patient", "EpisodeOfCare", "CarePlan", "Goal", "ServiceRequest", "MedicationRequest", "MedicationStatement"}
)
_COUNTED = frozenset({"Patient", "EpisodeOfCare"})  # a few records per person, whose versions are kept in mind
_DIGITS = 9  # what is longer is a hash or an instant and no count of versions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Back:
    """A record that went back: what it was and is now, by a rule."""

    record: Evidence
    was: Json
    now: Json
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a person must look at, and what the next look must know of this one."""

    findings: tuple[Finding, ...]
    agreed: Mapping[str, Mapping[str, States]]


def told_before(
    chart: Chart, evidence: Sequence[Evidence], agreed: Agreed, *, decisions: Sequence[Decision], policy: Policy
) -> Told:
    """Return what changed against what was told before, without what a person has said to have seen."""
    theirs = [one for one in evidence if not one.ours]
    stays, moved = _days_told(chart, theirs, agreed, policy)
    sources, older = _sources(theirs, agreed)
    versions, fallen = _versions(theirs, agreed)
    found = [*moved, *_restored(older, fallen), *_retracted(theirs, agreed, decisions)]
    return Told(findings=tuple(unseen(found, decisions)), agreed={**stays, **sources, **versions})


def unseen(findings: Iterable[Finding], decisions: Sequence[Decision]) -> list[Finding]:
    """Return the findings of which no person has said that they have seen these very facts."""
    seen: dict[str, list[Mapping[str, Json]]] = {}
    for one in decisions:
        if one.value.get("seen") is True:
            seen.setdefault(one.key, []).append(one.facts)
    return [one for one in findings if one.facts not in seen.get(one.key, [])]


# ---- days of stays that moved ----------------------------------------------------------------------------------------
def _days_told(
    chart: Chart, evidence: Sequence[Evidence], agreed: Agreed, policy: Policy
) -> tuple[dict[str, Mapping[str, States]], list[Finding]]:
    known = {f"{_STAY}{one.place}" for one in evidence}
    items = {key: fields for key, fields in agreed.items.items() if key in known}
    found: list[Finding] = []
    for seen in chart.episodes:
        key, learned = f"{_STAY}{seen.evidence.place}", _instant(seen.evidence.learned_at)
        days = {"start": seen.record.start, "end": seen.record.end}
        before = items.get(key, {})
        items[key] = {name: _kept(before.get(name, {}), learned, day) for name, day in days.items()}
        moves = {name: move for name in days if (move := _late_move(items[key][name], learned, policy))}
        if moves:
            facts: dict[str, Json] = dict(moves)
            made = finding("stay.back-dated", seen.evidence.place, facts=facts, evidence=[seen.ref])
            found.append(made.drawn_by("TL-11"))
    return items, found


def _kept(states: States, learned: str, value: Json) -> States:
    """Return the states with what is told now, where it differs from what was told before it."""
    before = [at for at in sorted(states) if at <= learned]
    if before and states[before[-1]] == value:
        return states
    return {**states, learned: value}


def _late_move(states: States, learned: str, policy: Policy) -> Json:
    """Return the last move of a day that had been told, where it was learned long after the days that it changes."""
    at = [each for each in sorted(states) if each <= learned]
    if len(at) < 2 or states[at[-2]] is None:
        return None
    before, now = states[at[-2]], states[at[-1]]
    from_day = min(_last_day(each, policy) for each in (before, now) if each is not None)
    when = datetime.fromisoformat(at[-1]).astimezone(policy.zone).date()
    if when - from_day <= timedelta(days=int(limit("back_dated_days", policy.options))):
        return None
    return {"before": before, "now": now, "learned": str(when)}


def _last_day(text: Json, policy: Policy) -> date:
    return day_of(str(text), policy.zone).last


# ---- an EHR that went back in time -----------------------------------------------------------------------------------
def _restored(older: Sequence[_Back], fallen: Sequence[_Back]) -> list[Finding]:
    """Return a finding for each EHR of which a time of change or a number of a version went back."""
    by_ehr: dict[str, list[_Back]] = {}
    for one in (*older, *fallen):
        by_ehr.setdefault(one.record.ehr, []).append(one)
    found: list[Finding] = []
    for ehr, back in sorted(by_ehr.items()):
        facts: dict[str, Json] = {"ehr": ehr}
        times = [one for one in back if one.rule == "TL-12"]
        facts |= {"was": times[0].was, "now": times[0].now} if times else {}
        versions: dict[str, Json] = {
            one.record.place: {"was": one.was, "now": one.now} for one in back if one.rule == "TL-19"
        }
        facts |= {"versions": versions} if versions else {}
        made = finding("source.restored", ehr, facts=facts, evidence=[one.record.ref for one in back])
        found.append(made.drawn_by(*(one.rule for one in back)))
    return found


def _sources(evidence: Sequence[Evidence], agreed: Agreed) -> tuple[dict[str, Mapping[str, States]], list[_Back]]:
    """Return the newest record of each EHR, and those that were the newest and have become older."""
    kept = [(_updated(one.document), one) for one in evidence if one.document.type in _KEPT_LONG]
    updated = {one.place: (at, one) for at, one in kept if at is not None}
    newest = {one.ehr: (at, one) for at, one in sorted(updated.values(), key=lambda held: held[0])}
    items: dict[str, Mapping[str, States]] = {}
    found: list[_Back] = []
    for ehr, (at, one) in sorted(newest.items()):
        key = f"{_SOURCE}{ehr}"
        back = _older(agreed.items.get(key, {}).get("newest", {}), updated, at)
        if back is None:
            items[key] = {"newest": {_instant(one.learned_at): [one.place, at.isoformat()]}}
            continue
        items[key] = agreed.items[key]
        found.append(back)
    return items, found


def _older(states: States, updated: Mapping[str, tuple[datetime, Evidence]], at: datetime) -> _Back | None:
    """Return the record that was the newest of its EHR where none is as new now; none in a look at an earlier time."""
    told = [(learned, str(one[0]), str(one[1])) for learned, one in states.items() if isinstance(one, list)]
    for learned, place, was in told:
        held = updated.get(place)
        if held and learned <= _instant(held[1].learned_at) and at < datetime.fromisoformat(was):
            return _Back(record=held[1], was=was, now=held[0].isoformat(), rule="TL-12")
    return None


def _versions(evidence: Sequence[Evidence], agreed: Agreed) -> tuple[dict[str, Mapping[str, States]], list[_Back]]:
    """Return the highest number of a version of each record that counts them, and the records whose number fell.

    This shows what times of change hide: a record that was set back and then saved again is newer and counts lower. Of
    one that was taken back nothing is remembered.
    """
    items: dict[str, Mapping[str, States]] = {}
    found: list[_Back] = []
    for one in evidence:
        now = _number(one.document) if one.document.type in _COUNTED else None
        if now is None or not _stands(one):
            continue
        key = f"{_VERSION}{one.place}"
        states = agreed.items.get(key, {}).get("highest", {})
        learned, was = next(((at, value) for at, value in states.items() if isinstance(value, int)), ("", None))
        if was is None or learned > _instant(one.learned_at) or now >= was:
            items[key] = {"highest": {_instant(one.learned_at): now}}
            continue
        items[key] = agreed.items[key]
        found.append(_Back(record=one, was=was, now=now, rule="TL-19"))
    return items, found


def _stands(one: Evidence) -> bool:
    return one.presence is Presence.PRESENT and not _is_taken_back(one)


@once
def _number(document: Document) -> int | None:
    """Return the number of a version where the EHR counts them. Most do; to others a version is any text."""
    text = document.get("meta", "versionId")
    is_count = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return int(text) if is_count and isinstance(text, str) else None


@once
def _updated(document: Document) -> datetime | None:
    return instant_in(document.last_updated)


# ---- records that were taken back ------------------------------------------------------------------------------------
def _retracted(evidence: Sequence[Evidence], agreed: Agreed, decisions: Sequence[Decision]) -> list[Finding]:
    """Return a finding for each record that its EHR took back after it was decided on, written on or told of a stay."""
    gone = [one for one in evidence if _is_taken_back(one)]
    if not gone:
        return []
    decided: dict[str, set[str]] = {}
    for decision in decisions:
        for ref in () if decision.value.get("seen") is True else decision.evidence:
            decided.setdefault(ref.partition("@")[0], set()).add(decision.code)
    still = {_content(one) for one in evidence if one.presence is Presence.PRESENT}
    found: list[Finding] = []
    for one in gone:
        used: dict[str, Json] = {
            "decided": list[Json](sorted(decided.get(one.place, ()))),
            "written_to": list[Json](sorted(agreed.written.get(one.place, ()))),
            "told": f"{_STAY}{one.place}" in agreed.items,
        }
        moved = one.presence is Presence.DELETED and _content(one) in still
        if any(used.values()) and not moved:
            made = finding("source.retracted", one.place, facts=used, evidence=[one.ref])
            found.append(made.drawn_by("TL-13"))
    return found


def _is_taken_back(one: Evidence) -> bool:
    if one.presence is Presence.PRESENT:
        return _is_wrong(one.document)
    if one.presence is Presence.DELETED:
        return one.document.type not in _RECREATED
    return one.presence is Presence.ENTERED_IN_ERROR


@once
def _is_wrong(document: Document) -> bool:
    return _WRONG in (document.get("status"), document.get("lifecycleStatus"))


@once
def _content(one: Evidence) -> tuple[str, bytes]:
    """Return the content of a record without its id: one that was deleted and made anew under another id is no loss."""
    return one.ehr, canonical({name: each for name, each in one.document.tree.items() if name not in ("id", "meta")})


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
