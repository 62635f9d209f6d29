"""Bugs to plant: changed copies of functions of the product, put in force for a trial and taken out again."""

import importlib
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A bug: the function that has it, and what stands in its text instead of what."""

    module: str
    function: str
    changes: tuple[tuple[str, str], ...]


def plant(module: str, function: str, *changes: tuple[str, str]) -> Plant:
    """Return a plant in a module of the product; what is told over several lines is told without its margin."""
    told = tuple((_text(before), _text(after)) for before, after in changes)
    return Plant(module=f"coordinator.{module}", function=function, changes=told)


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
    ),
    "cursor before page": plant(
        "sync.taking",
        "Taker.take",
        (
            "        known = {} if walk.is_first",
            """
        if cursor is not None:
            async with self.store.transaction() as tx:
                await tx.pulls.put_cursor(cursor)
        known = {} if walk.is_first""",
        ),
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
        ("isinstance(reply, Answer) or reply.again is not Again.AT_ONCE", "isinstance(reply, Answer)"),
    ),
    "consent asked only when it was owed": plant(
        "sync.push",
        "_Outgoing._asked",
        ("fresh = await setting_of(tx, self._setting.policy, self._setting.forms)", "fresh = self._setting"),
    ),
    "two senders without a lock": plant(
        "sync.push", "_Outgoing.prepare", ("taken = await tx.outbox.take(self.entry)", "taken = self.entry")
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
    "a revocation by our clock": plant(
        "care.consent.rules",
        "in_force",
        (
            'record.status != "active" or record.revoked_at is not None',
            'record.status != "active" or (record.revoked_at is not None and record.revoked_at <= now)',
        ),
    ),
    "an event for a body that stays": plant(
        "sync.push",
        "_Outgoing.may_leave",
        (
            """
            if isinstance(result, Released) and result.body != self._body:
                return False
""",
            "",
        ),
        (
            "        return isinstance(result, Released)\n\n    async def keep",
            """
        return isinstance(result, Released) and result.body == self._body

    async def keep""",
        ),
    ),
    "no look before an update": plant(
        "ehr.protocols.write", "_update", ("    if current.canonical_hash != request.base_hash:", "    if False:")
    ),
    "a conflict wakes nobody": plant(
        "sync.push", "_Outgoing.keep", ("in (Status.UNKNOWN, Status.REFUSED, Status.CONFLICT):", "in ():")
    ),
    "silence taken for an end": plant(
        "sync.pull",
        "_vanished",
        (
            "        case Found(body=body):\n            version",
            """
        case Found() if held is not None:
            return replace(held, presence=Presence.DELETED)
        case Found(body=body):
            version""",
        ),
    ),
    "agreed before it is there": plant(
        "reconcile.merge",
        "_settle",
        ("for side in sides if side.value == value})", "for side in sides})"),
    ),
}
