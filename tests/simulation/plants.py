"""Bugs to plant: changed copies of functions of the product, put in force for a trial and taken out again."""

import importlib
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.simulation.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A bug: the function that has it, and what stands in its text instead of what."""

    module: str
    function: str
    changes: tuple[tuple[str, str], ...]
    focus: Mapping[str, Any] = field(default_factory=dict)

    def focused(self, options: Options) -> Options:
        """Return the options of a world with more of the trouble in which the bug shows itself."""
        own = {name: value for name, value in self.focus.items() if name in Options.__dataclass_fields__}
        of_ehrs = {name: value for name, value in self.focus.items() if name not in own}
        return replace(options, ehrs=tuple(replace(one, **of_ehrs) for one in options.ehrs), **own)


def plant(module: str, function: str, *changes: tuple[str, str], **focus: Any) -> Plant:
    """Return a plant in a module of the product; `focus` are options of worlds, or of each EHR in them."""
    told = tuple((_text(before), _text(after)) for before, after in changes)
    return Plant(module=f"coordinator.{module}", function=function, changes=told, focus=focus)


def _text(told: str) -> str:
    return told.removeprefix("\n").rstrip(" ") if told.startswith("\n") else told


@contextmanager
def planted(bug: Plant) -> Iterator[None]:
    """Let the live function run the changed code until the block ends."""
    module = importlib.import_module(bug.module)
    live = _live(module, bug.function)
    right = live.__code__
    live.__code__ = _changed(module, bug)
    try:
        yield
    finally:
        live.__code__ = right


def _live(module: types.ModuleType, name: str) -> types.FunctionType:
    found: object = module
    for part in name.split("."):
        found = vars(found)[part]
    while hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    assert isinstance(found, types.FunctionType), name
    return found


def _changed(module: types.ModuleType, bug: Plant) -> types.CodeType:
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    for before, after in bug.changes:
        assert source.count(before) == 1, f"{bug.module} has this {source.count(before)} times: {before}"
        source = source.replace(before, after)
    waiting = [compile(source, str(module.__file__), "exec")]
    while waiting:
        code = waiting.pop()
        if code.co_qualname == bug.function:
            return code
        waiting += [one for one in code.co_consts if isinstance(one, types.CodeType)]
    raise LookupError(bug.function)


PLANTS: Mapping[str, Plant] = {
    "cursor from our clock": plant(
        "sync.pull",
        "_ask_lanes",
        ("_after(before, pulled) if is_enough", "replace(before, mark=here.began) if is_enough"),
    ),
    "no overlap": plant(
        "ehr.lanes",
        "mark_of",
        ("(max(overlap, A_DAY) if days_alone else overlap)", "(A_DAY if days_alone else timedelta())"),
        last_updated_search=True,
        last_updated="1s",
        lag=300,
        edits=14,
        rate=0.0,
    ),
    "create without claim and search": plant(
        "ehr.protocols.write",
        "_create",
        (
            """
    found = yield from _claimed(base, request, way, document)
    if isinstance(found, str):
        return Applied(id=found, adopted=True)
    if request.resume""",
            """
    found = None
    if request.resume""",
        ),
        ("request.claim is not None and way.if_none_exist", "False"),
    ),
    "update without If-Match where honored": plant(
        "ehr.protocols.write", "_update", ("    if etag is not None:\n", "    if False:\n")
    ),
    "audit after write": plant(
        "sync.push",
        "_Outgoing.may_leave",
        (
            """
            result = await self._asked(tx, keep=True)
        if isinstance(result, Withheld):
            self._withheld""",
            """
        if isinstance(result, Withheld):
            self._withheld""",
        ),
    ),
    "last write wins": plant(
        "reconcile.merge",
        "merge",
        (
            "    if decided is not None:\n        return _settle(decided",
            """
    if len(distinct) > 1:
        return _settle(distinct[-1], sides, {one.ehr: one.value for one in sides})
    if decided is not None:
        return _settle(decided""",
        ),
    ),
    "retry of an unknown outcome": plant(
        "ehr.wire",
        "_send",
        ("isinstance(reply, Lost) and reply.again is Again.AT_ONCE", "isinstance(reply, Lost)"),
    ),
    "echo taken as evidence": plant("sync.gather", "_evidence", ("ours=ours or is_ours(document),", "ours=False,")),
    "conflict opened again each cycle": plant(
        "reconcile.finding_life",
        "turned",
        (
            "for key, one in wanted.items() if before.get(key) != one]",
            "for key, one in wanted.items() if before.get(key) != one or one.status != RESOLVED]",
        ),
        (
            "elif (old.status == RESOLVED) != (one.status == RESOLVED):",
            "elif one.status != RESOLVED or old.status != RESOLVED:",
        ),
    ),
    "agreed before it is there": plant(
        "reconcile.merge",
        "_settle",
        ("for side in sides if side.value == value})", "for side in sides})"),
    ),
    "sent without a durable intent": plant(
        "sync.push",
        "_Outgoing.prepare",
        ("            await self._set(tx, Status.IN_FLIGHT, self.entry.reason)\n", ""),
    ),
    "owed again though it is there": plant(
        "outbox.succession", "_restated", ("return None if is_same else _owed_anew(entry", "return _owed_anew(entry")
    ),
    "sent without the word of disclosure": plant(
        "ehr.gate", "Gated.__call__", ("if asked.may_leave is not None and not await asked.may_leave():", "if False:")
    ),
    "cursor before page": plant(
        "sync.taking",
        "Taker.take",
        (
            "        known = {} if walk.is_first else await self._known(walk)\n        found",
            """
        if cursor is not None:
            async with self.store.transaction() as tx:
                await tx.pulls.put_cursor(cursor)
        known = {} if walk.is_first else await self._known(walk)
        found""",
        ),
        last_updated_search=True,
        last_updated="1s",
        lag=0,
        rate=0.0,
        crashes=20,
        crash_after="pulls.put_cursor",
        fleets=0,
        workers=1,
        edits=40,
        hours=2.5,
        restores=0,
    ),
    "stale lease without fence": plant(
        "sync.work.leased",
        "Working.transaction",
        ("                await tx.leases.hold(self.lease, seconds=LEASE_SECONDS)\n", ""),
        fleets=2,
        freezes=2,
        crashes=0,
        edits=14,
    ),
    "consent asked only at enqueue": plant(
        "sync.push",
        "_Outgoing._asked",
        (
            """
        fresh = await setting_of(tx, self._setting.policy, self._setting.forms)
""",
            """
        fresh = await setting_of(tx, self._setting.policy, self._setting.forms)
        asked = [replace(one, record=replace(one.record, revoked_at=None)) for one in fresh.consents]
        fresh = replace(fresh, consents=tuple(asked))
""",
        ),
        revocations=8,
        edits=20,
        persons=1,
        kinds=("slow",),
        rate=0.3,
    ),
}
