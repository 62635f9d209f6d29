"""Accounts per second and core, beside a floor, and how cost grows with a person's records: `make bench`.

Each person is a synthetic one of the corpus with a layer of treatment over three EHRs: a residential stay, an intensive
outpatient program with sessions, plan and goals, a medication course. Two figures are told, each beside its own floor:

- a first account, each of its records read for the first time. The floor is the least that it could cost: each record
  parsed once by the standard library, and all put in order;
- an account after one record changed, what was made of the others being kept with them. Its floor: that one parsed.

All take turns in one process.
"""

import argparse
import gc
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from coordinator.fhir import Document, canonical, read_document
from coordinator.reconcile import Account, Agreed, Evidence, Policy, reconcile
from coordinator.sync.pull import TYPES
from tests.benchmarks.corpus import corpus
from tests.builders import (
    Tree,
    a_dispense,
    a_goal,
    a_plan,
    a_policy,
    a_statement,
    an_encounter,
    an_episode,
    an_order,
    evidence,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ADMITTED = date(2026, 4, 6)
WEEKS = 4
SESSION_DAYS = (0, 2, 4)
SIZES = (100, 1_000, 10_000)

Lives = list[list[Evidence]]


def layer() -> list[tuple[str, Tree]]:
    """Return the treatment of one person as (EHR, record)."""
    found = [("res", an_episode("R-1", level="3e 3.5", start="2026-03-02", end="2026-04-02"))]
    found += [("res", an_encounter("R-2", start="2026-03-02", end="2026-04-02", class_="IMP", disposition="home"))]
    found += [("iop", an_episode("I-1", start=str(ADMITTED)))]
    found += [("iop", _session(week, day)) for week in range(WEEKS) for day in SESSION_DAYS]
    words = ("Maintain abstinence", "Change behavior", "Build a support system", "Learn to solve problems")
    for ehr in ("iop", "res"):
        goals = [(f"G-{number}", text) for number, text in enumerate(words)]
        found += [(ehr, a_goal(id_, text=text)) for id_, text in goals]
        found += [(ehr, a_plan(f"C-{ehr}", goals=[id_ for id_, _ in goals]))]
    found += [("pcp", an_order(dose="16 mg")), ("iop", a_statement(dose="16 mg"))]
    found += [("pcp", a_dispense(f"D-{month}", at=f"2026-0{month}-02T10:00:00-04:00")) for month in (3, 4, 5)]
    return found


def _session(week: int, day: int) -> Tree:
    on = ADMITTED + timedelta(weeks=week, days=day)
    start, end = f"{on}T09:00:00-04:00", f"{on}T12:00:00-04:00"
    return an_encounter(f"S-{week}-{day}", start=start, end=end, episode="I-1")


def lives(people: int) -> Lives:
    """Return the evidence of so many people: what a pull would keep of the corpus, and the layer."""
    by_person: dict[str, list[Evidence]] = {}
    for type_, lines in corpus(people).items():
        for line in lines if type_ in TYPES else ():
            document = read_document(line)
            subject = document.id if type_ == "Patient" else str(document.get("subject", "reference"))
            one = Evidence(ehr="pcp", document=document, organization="pcp", learned_at=NOW)
            by_person.setdefault(subject.rpartition("/")[2], []).append(one)
    return [[*own, *(evidence(tree, ehr=ehr) for ehr, tree in layer())] for own in by_person.values()]


def one_life(records: int) -> list[Evidence]:
    """Return one person with so many records: more sessions and supplies, as long treatment brings."""
    found = [evidence(tree, ehr=ehr) for ehr, tree in layer()]
    number = 0
    while len(found) < records:
        on = date(2000, 1, 1) + timedelta(days=number % 9_000)
        start, end = f"{on}T{9 + number // 9_000:02}:00:00-05:00", f"{on}T{9 + number // 9_000:02}:50:00-05:00"
        tree = an_encounter(f"X-{number}", start=start, end=end)
        if number % 5 == 0:
            tree = a_dispense(f"X-{number}", at=f"{on}T10:00:00-04:00")
        found.append(evidence(tree))
        number += 1
    return found


def account(own: Sequence[Evidence], policy: Policy) -> Account:
    """Return the account of one person."""
    return reconcile(own, Agreed(), [], policy=policy, as_of=NOW)


def as_new(one: Evidence) -> Evidence:
    """Return a record that nobody has read yet, parsed as it was."""
    return replace(one, document=Document(raw=one.document.raw, tree=one.document.tree))


def one_new(own: Sequence[Evidence], number: int) -> list[Evidence]:
    """Return the records of a person, one of them a version that came anew."""
    at = number % len(own)
    return [*own[:at], as_new(own[at]), *own[at + 1 :]]


def floor(own: Sequence[Evidence]) -> object:
    """Parse each record and put them in order."""
    return sorted((json.loads(one.document.raw) for one in own), key=lambda tree: (tree["resourceType"], tree["id"]))


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds that work took."""
    began = time.process_time()
    work()
    return time.process_time() - began


def throughput(people: int, rounds: int, policy: Policy) -> None:
    """Print accounts per second and core, each beside its floor."""
    known = lives(people)
    for own in known:
        account(own, policy)
    _set_aside()
    taken: dict[str, list[float]] = {}
    for number in range(rounds):
        for name, work in _works(known, number, policy).items():
            taken.setdefault(name, []).append(cpu(work))
    records = sum(map(len, known))
    print(f"{people} people, {records} records ({records / people:.0f} each), {rounds} rounds, the least CPU time")
    least = 0.0
    for name, times in taken.items():
        each = min(times)
        least = each if name.startswith("floor") else least
        rate, micros = people / each, each / people * 1e6
        print(f"  {name:54} {rate:9.0f} /s  {micros:8.0f} us each  {each / least:6.2f} times its floor")


def _works(known: Lives, number: int, policy: Policy) -> dict[str, Callable[[], object]]:
    """Return what a round measures: each floor, then what is held against it."""
    unread = [[as_new(one) for one in own] for own in known]
    unread_too = [[as_new(one) for one in own] for own in known]
    changed = [one_new(own, number * 7 + place) for place, own in enumerate(known)]
    came = [own[(number * 7 + place) % len(own)].document.raw for place, own in enumerate(known)]
    return {
        "floor: each record parsed once, and sorted": lambda: [floor(own) for own in known],
        "documents read by the strict door": lambda: [
            [read_document(one.document.raw) for one in own] for own in known
        ],
        "first account, each record read the first time": lambda: [account(own, policy) for own in unread],
        "... and the bytes that are kept": lambda: [canonical(account(own, policy).content) for own in unread_too],
        "floor: one record parsed": lambda: [json.loads(raw) for raw in came],
        "account after one record changed": lambda: [account(own, policy) for own in changed],
    }


def growth(policy: Policy, sizes: Sequence[int]) -> None:
    """Print the cost of one person's account by the number of records."""
    print("one person")
    before: tuple[int, float] | None = None
    for size in sizes:
        unread = [[as_new(one) for one in own] for own in [one_life(size)] * 3]
        _set_aside()
        took = min(cpu(lambda own=own: account(own, policy)) for own in unread)  # type: ignore[misc]
        grown = f"{took / before[1] / (size / before[0]):5.2f} times linear" if before else ""
        print(f"  {size:6} records {took * 1e3:9.1f} ms  {took / size * 1e6:7.1f} us per record  {grown}")
        before = (size, took)


def _set_aside() -> None:
    """Keep the collector from walking through what is held for measuring alone."""
    gc.collect()
    gc.freeze()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="most records of one person")
    chosen = parser.parse_args()
    policy = a_policy()
    throughput(chosen.people, chosen.rounds, policy)
    growth(policy, [one for one in SIZES if one <= chosen.most])


if __name__ == "__main__":
    main()
