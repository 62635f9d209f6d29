"""What runs did, in memory."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from coordinator.outbox.model import Entry
from coordinator.sandbox.memory_rows import Rows, Table, Unit
from coordinator.sync.work.records import Counts, Run, RunOutcome, RunRow


@dataclass(frozen=True, slots=True)
class _Kept:
    run: Run
    runner: int


class MemoryRuns:
    """What runs did; `living` are the programs that have not ended."""

    def __init__(self, unit: Unit, rows: Rows, *, runner: int, living: set[int]) -> None:
        self._unit, self._rows, self._runner, self._living = unit, rows, runner, living
        self._runs: Table[int, _Kept] = Table(unit, "run")
        self._touched: Table[tuple[int, int], RunRow] = Table(unit, "run_row")
        self._writes: Table[tuple[int, str, str], RunRow] = Table(unit, "run_write")

    async def begin(self, work: str, ehr: str, *, at: datetime) -> int:
        """Return the number of a run that begins; one of the same work at the same EHR that still runs is lost."""
        for before, kept in list(self._runs.items()):
            is_same = ehr != "" and (kept.run.work, kept.run.ehr) == (work, ehr)
            if is_same and kept.run.outcome is RunOutcome.RUNNING:
                await self._runs.put(before, replace(kept, run=replace(kept.run, outcome=RunOutcome.LOST, ended_at=at)))
        number = self._rows.next()
        run = Run(
            number=number,
            work=work,
            ehr=ehr,
            began_at=at,
            ended_at=None,
            outcome=RunOutcome.RUNNING,
            cause="",
            counts=Counts(),
        )
        await self._runs.put(number, _Kept(run, self._runner))
        return number

    async def within(self, run: int) -> None:
        """Count what this transaction receives and sends as part of a run."""
        self._unit.run = run

    async def end(self, run: int, outcome: RunOutcome, counts: Counts, *, cause: str = "", at: datetime) -> None:
        """Keep how a run ended."""
        kept = self._runs.get(run)
        if kept is not None:
            ended = replace(kept.run, outcome=outcome, counts=counts, cause=cause, ended_at=at)
            await self._runs.put(run, replace(kept, run=ended))

    async def runs(self, *, limit: int) -> list[Run]:
        """Return the last runs, newest first; one whose program has ended without a word is lost."""
        return [await self._told(kept) for _, kept in reversed(list(self._runs.items()))][:limit]

    async def rows(self, run: int) -> list[RunRow]:
        """Return the rows that a run touched, in order of outcome, EHR and key."""
        found = [row for (number, _), row in self._touched.items() if number == run]
        found += [row for (number, _, _), row in self._writes.items() if number == run]
        return sorted(found, key=lambda row: (row.outcome, row.ehr, row.key))

    async def forget(self, before: datetime) -> int:
        """Forget runs that began before an instant, not what they received; return how many."""
        old = [
            number
            for number, kept in self._runs.items()
            if kept.run.began_at < before and kept.run.outcome is not RunOutcome.RUNNING
        ]
        for number in old:
            await self._runs.remove(number)
            for key in [key for key, _ in self._writes.items() if key[0] == number]:
                await self._writes.remove(key)
        return len(old)

    async def touched(self, row: RunRow) -> None:
        """Keep a record that came within a run."""
        if self._unit.run is not None:
            await self._touched.put((self._unit.run, self._rows.next()), row)

    async def wrote(self, before: Entry | None, now: Entry) -> None:
        """Keep what became of an intent within a run."""
        if self._unit.run is not None and (before is None or before.status is not now.status):
            row = RunRow(outcome=now.status.value, ehr=now.intent.ehr, key=now.intent.key, reason=now.reason)
            await self._writes.put((self._unit.run, row.ehr, row.key), row)

    async def _told(self, kept: _Kept) -> Run:
        is_lost = kept.run.outcome is RunOutcome.RUNNING and kept.runner not in self._living
        counted = Counter(row.outcome for row in await self.rows(kept.run.number))
        outcome = RunOutcome.LOST if is_lost else kept.run.outcome
        return replace(kept.run, outcome=outcome, rows=tuple(sorted(counted.items())))
