"""Who takes part in a person's care now, out of the care teams that every EHR holds."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from coordinator.care.care_team.rules import members_on
from coordinator.fhir import CodeableConcept, Json
from coordinator.reconcile.chart import Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One who takes part, as one EHR knows them: the same clinician in two EHRs stays two, nobody vouches for more."""

    member: str
    roles: tuple[str, ...]
    organization: str
    evidence: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return what names the member: the EHR and its record of them."""
        return self.member


def care_team_of(chart: Chart, zone: ZoneInfo, *, as_of: date) -> tuple[Member, ...]:
    """Return who may take part on a day, each once per EHR with all their roles, in order."""
    roles: dict[tuple[str, str], set[str]] = {}
    evidence: dict[tuple[str, str], set[str]] = {}
    for team in chart.care_teams:
        for one in members_on(team.record, as_of, zone):
            key = (f"{team.ehr}/{one.member}", team.evidence.organization)
            roles.setdefault(key, set()).update(filter(None, map(_words, one.roles)))
            evidence.setdefault(key, set()).add(team.ref)
    return tuple(
        Member(
            member=key[0],
            roles=tuple(sorted(roles[key])),
            organization=key[1],
            evidence=tuple(sorted(evidence[key])),
            rules=("CT-01",),
        )
        for key in sorted(roles)
    )


def _words(role: CodeableConcept) -> str:
    """Return a role as a person reads it: its text, else the first display, else the first code."""
    displays = [coding.display or coding.code for coding in role.codings]
    return role.text or next((one for one in displays if one), "")


def member_json(one: Member) -> Json:
    """Return a member of the team, by reference: names are the EHR's to show."""
    return {
        "member": one.member,
        "roles": list(one.roles),
        "organization": one.organization,
        "evidence": list(one.evidence),
        "key": one.key,
        "rules": list(one.rules),
    }
