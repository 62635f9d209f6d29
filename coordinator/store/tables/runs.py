"""What runs did: how each ended, what it counted, and the rows that it touched."""

from dataclasses import asdict, dataclass
from datetime import datetime

from coordinator.store.tables.session import RUNNER_LOCK, Session
from coordinator.sync.work.records import Counts, Run, RunOutcome, RunRow

_FILE = "runs"


@dataclass(frozen=True, slots=True)
class Runs:
    """What runs did."""

    session: Session

    async def begin(self, work: str, ehr: str, *, at: datetime) -> int:
        """Return the number of a run that begins; one of the same work at the same EHR that still runs is lost."""
        await self.session.change(_FILE, "lose", work=work, ehr=ehr, at=at)
        rows = await self.session.rows(_FILE, "begin", work=work, ehr=ehr, at=at, runner=self.session.runner)
        number: int = rows[0][0]
        return number

    async def within(self, run: int) -> None:
        """Count what this transaction receives and sends as part of a run."""
        await self.session.say("run", str(run))

    async def end(self, run: int, outcome: RunOutcome, counts: Counts, *, cause: str = "", at: datetime) -> None:
        """Keep how a run ended."""
        values = {"outcome": outcome.value, "cause": cause, "at": at, **asdict(counts)}
        await self.session.change(_FILE, "end", run=run, **values)

    async def runs(self, *, limit: int) -> list[Run]:
        """Return the last runs, newest first; one whose program has ended without a word is lost."""
        found = await self.session.rows(_FILE, "runs", limit=limit, lock=RUNNER_LOCK)
        held: dict[int, list[tuple[str, int]]] = {}
        for number, outcome, count in await self.session.rows(_FILE, "counts", runs=[row[0] for row in found]):
            held.setdefault(number, []).append((outcome, count))
        return [
            Run(
                number=row[0],
                work=row[1],
                ehr=row[2],
                began_at=row[3],
                ended_at=row[4],
                outcome=RunOutcome.LOST if row[11] else RunOutcome(row[5]),
                cause=row[6],
                counts=Counts(seen=row[7], changed=row[8], matched=row[9], people=row[10]),
                rows=tuple(held.get(row[0], ())),
            )
            for row in found
        ]

    async def rows(self, run: int) -> list[RunRow]:
        """Return the rows that a run touched, in order of outcome, EHR and key."""
        return [
            RunRow(outcome=outcome, ehr=ehr, key=key, reason=reason)
            for outcome, ehr, key, reason in await self.session.rows(_FILE, "rows", run=run)
        ]

    async def forget(self, before: datetime) -> int:
        """Forget runs that began before an instant, not what they received; return how many."""
        return await self.session.change(_FILE, "forget", before=before)
