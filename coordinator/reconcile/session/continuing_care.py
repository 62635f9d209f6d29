"""Continuing care: contacts with a program after it discharged the person. They are no attendance of the stay."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.session.sessions import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stays:
    """The stays of one organization: their starts in order, and up to each the one that ended last."""

    starts: Sequence[date]
    lasting: Sequence[Stay]

    def at(self, day: date) -> Stay | None:
        """Return the stay that goes on longest among those begun by a day."""
        number = bisect_right(self.starts, day)
        return self.lasting[number - 1] if number else None


def placed(sessions: Sequence[Session], stays: Sequence[Stay]) -> tuple[Session, ...]:
    """Return the sessions, each with the stay of its organization on its day, or told as continuing care of one.

    Without a recorded discharge nobody can say that what follows is no part of the stay.
    """
    by_organization: dict[str, list[Stay]] = {}
    for stay in stays:
        by_organization.setdefault(stay.organization, []).append(stay)
    known = {organization: _known(held) for organization, held in by_organization.items()}
    return tuple([_placed(one, own) if (own := known.get(one.organization)) else one for one in sessions])


def _known(stays: Iterable[Stay]) -> _Stays:
    ordered = sorted(stays, key=lambda one: (one.start.first, one.key))
    lasting: list[Stay] = []
    for stay in ordered:
        lasting.append(max(lasting[-1], stay, key=_end) if lasting else stay)
    return _Stays(starts=[one.start.first for one in ordered], lasting=lasting)


def _end(stay: Stay) -> date:
    return stay.end.last if stay.end else date.max


def _placed(session: Session, stays: _Stays) -> Session:
    stay = stays.at(session.days.last)
    if stay is None:
        return session
    if _end(stay) >= session.days.first:
        return replace(session, stay=stay.key)
    if not stay.confirmed:
        return session
    return replace(session, stay=stay.key, continuing_care=True, rules=(*session.rules, "SE-09"))
