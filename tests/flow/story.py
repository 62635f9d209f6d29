"""Stories end to end: a small world on real loopback servers, the memory store, and the shipped stages and EHR room."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coordinator.bootstrap import connect_world
from coordinator.ehr import EhrRoom
from coordinator.fhir import parse, read_document
from coordinator.outbox import Entry
from coordinator.reconcile import Finding
from coordinator.sandbox import Sandbox, read_world, serving
from coordinator.sandbox.memory_store import MemoryStore
from coordinator.sync.ports import Ehrs, Store
from coordinator.sync.run import RunReport, run
from coordinator.workflow import Answer, Revoked, resolve_finding, revoke_consent, short_key
from tests.builders import DIRECTORY, FORM, FORMS, Tree, a_patient

READ = ["read", "search-type"]
WRITE = [*READ, "create", "update"]
NATIVE = {"EpisodeOfCare": WRITE, "CarePlan": WRITE, "Goal": WRITE, "MedicationStatement": WRITE, "Task": WRITE}
READ_ONLY: dict[str, list[str]] = {}
TYPES = (
    *("Patient", "EpisodeOfCare", "Encounter", "CarePlan", "Goal", "Task", "Medication", "MedicationRequest"),
    *("MedicationStatement", "MedicationDispense", "MedicationAdministration"),
)
WRITES = {"POST", "PUT", "PATCH", "DELETE"}


class WorldFolder:
    """A world to be written: EHRs with what they hold and what is saved later, and consents."""

    def __init__(self, folder: Path, *, now: str = "2026-04-07T12:00:00Z") -> None:
        self.folder = folder
        self._now = now
        self._organizations: dict[str, bool] = {}
        self.policy = ""

    def ehr(
        self,
        name: str,
        records: Iterable[Tree] = (),
        *,
        takes: Mapping[str, Iterable[str]] | str = NATIVE,
        personality: str = "",
        part2: bool = True,
        later: Mapping[str, Iterable[Tree]] | None = None,
        patients: Iterable[Tree] | None = None,
    ) -> None:
        """Write an EHR of the organization of the same name, which knows the one person unless others are given.

        It takes writes of types by a table, or acts as a real EHR of that name.
        """
        self._organizations[name] = part2
        lines = [f"organization = {json.dumps(name)}", f"part2 = {json.dumps(part2)}", personality]
        if isinstance(takes, str):
            lines.append(f"capability = {json.dumps(takes)}")
        else:
            capability = dict.fromkeys(TYPES, READ) | {type_: list(how) for type_, how in takes.items()}
            lines += ["[capability]", *(f"{type_} = {json.dumps(how)}" for type_, how in capability.items())]
        self._write(f"{name}/ehr.toml", "\n".join(lines))
        self._records(f"{name}/records.ndjson", [*([a_patient()] if patients is None else patients), *records])
        for when, saved in (later or {}).items():
            self._records(f"{name}/changes/{when}.ndjson", saved)

    def consent(self, body: Tree) -> None:
        """Write a consent of the registry."""
        self._write(f"consents/{body['id']}.json", json.dumps(body))

    def finish(self) -> Path:
        """Write what holds for the whole world."""
        lines = [f'now = "{self._now}"', 'zone = "America/New_York"']
        for name, part2 in self._organizations.items():
            lines += [f"[organizations.{name}]", f'name = "{name}"', f"part2 = {json.dumps(part2)}"]
            lines += [f'identifier = {{ system = "{DIRECTORY}", value = "{name}" }}']
        lines += [f'[consent_forms."{FORM}"]', f"holds = {json.dumps(sorted(FORMS[FORM]))}"]
        if self.policy:
            lines += ["[policy]", self.policy]
        self._write("world.toml", "\n".join(lines))
        return self.folder

    def _records(self, path: str, records: Iterable[Tree]) -> None:
        self._write(path, "".join(json.dumps(one) + "\n" for one in records))

    def _write(self, path: str, text: str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


class Story:
    """A world that is served, and the product that is connected to it."""

    def __init__(self, sandbox: Sandbox, store: Store, keys: Path) -> None:
        self._served = sandbox.app.served
        self._addresses = sandbox.addresses()["ehrs"]
        self.store = store
        self.clock = self._served.clock
        self.keys = keys
        self.ehrs = EhrRoom(clock=self.clock, keys=keys)

    async def sync(self, *, store: Store | None = None, ehrs: Ehrs | None = None, is_full: bool = False) -> RunReport:
        """Run all stages once."""
        return await run(store or self.store, ehrs or self.ehrs, self.clock, is_full=is_full)

    def move(self, to: str) -> None:
        """Move the clock of the world; what clinicians save until then is saved."""
        self._served.move(datetime.fromisoformat(to).astimezone(UTC))

    def fault(self, ehr: str, kind: str, **more: Any) -> None:
        """Begin trouble at an EHR."""
        self._served.ehr(ehr).faults.add({"kind": kind, **more})

    def save(self, ehr: str, record: Tree) -> None:
        """Save a record in an EHR now, as somebody there would."""
        document = read_document(json.dumps(record).encode())
        self._served.ehr(ehr).records.save(document, self.clock.now())

    def writes(self, ehr: str) -> list[tuple[str, str, int | None]]:
        """Return the writes that an EHR has taken whole, as (method, Type/id, status)."""
        return [
            (row.method, row.path.removeprefix(f"/{ehr}/fhir/"), row.status)
            for row in self._served.log(ehr)
            if row.method in WRITES and not row.is_cut
        ]

    def asked(self, ehr: str, type_: str) -> list[str]:
        """Return the searches of a type that an EHR has seen, as paths with their query."""
        paths = [row.path.removeprefix(f"/{ehr}/fhir/") for row in self._served.log(ehr) if row.method == "GET"]
        return [path for path in paths if path.partition("?")[0] == type_]

    def paths(self, ehr: str) -> list[str]:
        """Return all requests that an EHR has seen, as method and path with query."""
        return [f"{row.method} {row.path.removeprefix(f'/{ehr}/fhir/')}" for row in self._served.log(ehr)]

    def searches(self, ehr: str) -> list[str]:
        """Return the paths that an EHR was searched or read at, but for its statement and exports."""
        asked = [path for path in self.paths(ehr) if "metadata" not in path]
        return [path for path in asked if "$export" not in path]

    def forget_exports(self, ehr: str) -> None:
        """Let an EHR forget the exports that it was at work on, as it does after some days."""
        self._served.ehr(ehr).exports.forget()

    def address(self, ehr: str) -> str:
        """Return where an EHR is reached."""
        return str(self._addresses[ehr])

    async def register(self, ehr: str, **changed: Any) -> None:
        """Change the connection of an EHR."""
        async with self.store.transaction() as tx:
            (held,) = [one for one in await tx.registry.ehrs() if one.name == ehr]
            await tx.registry.put_ehr(replace(held, **changed))

    def refused(self, ehr: str) -> list[str]:
        """Return the requests that an EHR has answered with 400, as paths without a query."""
        rows = [row for row in self._served.log(ehr) if row.status == 400]
        return sorted(row.path.removeprefix(f"/{ehr}/fhir/").partition("?")[0] for row in rows)

    def requests(self, ehr: str = "") -> int:
        """Return how many requests an EHR has seen, or all of them."""
        return sum(len(self._served.log(name)) for name in self._served.ehrs if ehr in {"", name})

    def held(self, ehr: str, type_: str) -> list[Tree]:
        """Return what an EHR holds of a type now."""
        return [dict(one.document.tree) for one in self._served.ehr(ehr).records.living(type_)]

    async def account(self) -> Any:
        """Return the account of the one person, as JSON."""
        async with self.store.transaction() as tx:
            (person,) = {one.person for one in await tx.people.links()}
            stored = await tx.accounts.account(person)
        assert stored is not None
        return parse(stored.body)

    async def accounts(self) -> dict[str, str]:
        """Return the hash of the account of each person who has records."""
        async with self.store.transaction() as tx:
            persons = sorted({one.person for one in await tx.people.links()})
            found = [await tx.accounts.account(person) for person in persons]
        return {one.person: one.hash for one in found if one}

    async def open_findings(self) -> list[Finding]:
        """Return what is open."""
        async with self.store.transaction() as tx:
            return [one for _, one in await tx.accounts.findings() if one.status != "resolved"]

    async def findings(self) -> list[Finding]:
        """Return what is open and what is resolved."""
        async with self.store.transaction() as tx:
            return [one for _, one in await tx.accounts.findings()]

    async def entries(self) -> list[Entry]:
        """Return the outbox."""
        async with self.store.transaction() as tx:
            return await tx.outbox.entries()

    async def stands(self) -> dict[tuple[str, str], str]:
        """Return status (and reason) of each entry of the outbox, by EHR and concept."""
        return {
            (one.intent.ehr, one.intent.concept): ": ".join(filter(None, (one.status.value, one.reason)))
            for one in await self.entries()
        }

    async def disclosures(self) -> list[Any]:
        """Return the events of the log about what left."""
        async with self.store.transaction() as tx:
            return await tx.audit.query("disclosure")

    async def resolve(self, code: str, value: Mapping[str, Any]) -> None:
        """Answer the one open finding of a code."""
        (found,) = [one for one in await self.open_findings() if one.code == code]
        async with self.store.transaction() as tx:
            (person,) = {one.person for one in await tx.people.links()}
            answer = Answer(value=value, reason="asked the program")
            await resolve_finding(tx, short_key(person, found), answer, actor="casey", now=self.clock.now())

    async def answer(self, code: str, value: Mapping[str, Any], *, status: str = "open") -> None:
        """Answer the one finding of a code that stands so, whoever has it."""
        async with self.store.transaction() as tx:
            held = await tx.accounts.findings()
            ((person, found),) = [(who, one) for who, one in held if (one.code, one.status) == (code, status)]
            answer = Answer(value=value, reason="compared both")
            await resolve_finding(tx, short_key(person, found), answer, actor="casey", now=self.clock.now())

    async def revoke(self, consent: str) -> Revoked:
        """End a consent."""
        async with self.store.transaction() as tx:
            return await revoke_consent(tx, consent, actor="casey", now=self.clock.now(), forms=FORMS)

    async def is_quiet(self) -> bool:
        """Sync once more; tell whether that wrote nothing, here or there, and changed no account."""
        before = await self.state()
        report = await self.sync()
        return report.changed == 0 and report.received == 0 and await self.state() == before

    async def state(self) -> Any:
        """Return what must be the same after two runs that end alike: accounts, outbox, what EHRs hold."""
        entries = [(one.intent.ehr, one.intent.key, one.status, one.reason) for one in await self.entries()]
        kept = {name: len(self.writes(name)) for name in self._served.ehrs}
        return sorted((await self.accounts()).values()), sorted(entries, key=repr), kept


@asynccontextmanager
async def told(world: WorldFolder, store: Store | None = None) -> AsyncIterator[Story]:
    """Serve a world and connect the product to it, as a fresh tenant."""
    described = read_world(world.finish())
    store = store or MemoryStore()
    async with serving(described) as sandbox:
        async with store.transaction() as tx:
            await connect_world(tx, described, sandbox.addresses(), actor="tester", now=described.now)
        yield Story(sandbox, store, world.folder / "keys")
