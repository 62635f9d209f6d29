"""Open a registered EHR: its statement read, its token at hand, ready to be pulled from and written to."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from coordinator.clock import Clock
from coordinator.ehr.capability import Statement, read_statement, refusal, with_options, with_scopes
from coordinator.ehr.exchange import FHIR_JSON, Asked, Base, Lost, Reply, Wire, base_of
from coordinator.ehr.keys import KeyFolder
from coordinator.ehr.protocols.read import read
from coordinator.ehr.protocols.trouble import trouble
from coordinator.ehr.protocols.write import Way, write
from coordinator.ehr.pull import Source, pull
from coordinator.ehr.smart import TokenWire
from coordinator.ehr.strategy import Site, forms, ladder
from coordinator.ehr.wire import LIMITS, Limits, ask, drive, open_wire
from coordinator.errors import PermanentEhrError
from coordinator.outbox.model import Form
from coordinator.sync.ports import Absent, Found, MayLeave, Pulled, WriteOutcome, WriteRequest
from coordinator.sync.records import EhrConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEhr:
    """One connected EHR."""

    connection: EhrConnection
    base: Base
    wire: Wire
    statement: Statement

    @property
    def name(self) -> str:
        """Return the name it is registered under."""
        return self.connection.name

    @property
    def site(self) -> Site:
        """Return what the operator and earlier probes know of the site."""
        return Site(roster=self.connection.roster, options=self.connection.options, profile=self.connection.profile)

    def forms(self, concept: str) -> tuple[Form, ...]:
        """Return the forms in which this EHR can be told of a concept, best first; `none` is always last."""
        return forms(self.statement, concept)

    def carrier(self, concept: str, form: Form) -> str | None:
        """Return the resource type that carries a concept in a form."""
        return next((rung.type for rung in ladder(self.statement, concept) if rung.form is form), None)

    def can_store(self, path: str, value: str) -> bool:
        """Tell whether this EHR can hold a value at a path, as far as the site's options tell."""
        table = self.connection.options.get("storable")
        values = table.get(path) if isinstance(table, dict) else None
        return not isinstance(values, list) or value in values

    def pull(self, types: Sequence[str], patients: Sequence[str] | None) -> AsyncIterator[Pulled]:
        """Yield pages of each type, then one `Pulled` without page per type that carries its grade."""
        source = Source(
            base=self.base,
            wire=self.wire,
            statement=self.statement,
            site=self.site,
            patients=self.connection.patients,
        )
        return pull(source, types, patients)

    async def read(self, type_: str, id_: str) -> Found | Absent:
        """Return the record as the EHR holds it now, or why it is not there. Raises EhrError."""
        return await drive(read(self.base, type_, id_), self.wire)

    async def write(self, request: WriteRequest, may_leave: MayLeave) -> WriteOutcome:
        """Return what became of a write; `may_leave` is asked at the moment before a body would leave."""
        return await drive(write(self.base, request, self._way(request.type)), self.wire, may_leave=may_leave)

    def _way(self, type_: str) -> Way:
        facts = self.statement.of(type_)
        return Way(
            create=bool(facts.create),
            update=bool(facts.update),
            by_identifier="identifier" in facts.search_params,
            by_patient=bool(facts.search) and facts.patient_param is not None,
            patient_needed=bool(facts.needs_patient),
        )


class EhrRoom:
    """Opens the registered EHRs for a run."""

    def __init__(self, *, clock: Clock, keys: Path, limits: Limits = LIMITS) -> None:
        self._clock = clock
        self._keys = KeyFolder(keys)
        self._limits = limits

    @asynccontextmanager
    async def open(self, connection: EhrConnection) -> AsyncIterator[OpenEhr]:
        """Yield a connected EHR. Raises TemporaryEhrError or PermanentEhrError where it can't be reached or used."""
        refuse_address(connection)
        base = base_of(connection.url)
        async with open_wire(limits=self._limits) as plain:
            statement = with_options(await fetch_statement(base, plain, connection.name), connection.options)
            wire: Wire = plain
            if connection.smart is not None:
                tokens = TokenWire(plain, base=base, auth=connection.smart, keys=self._keys, clock=self._clock)
                statement = with_scopes(statement, await tokens.start())
                wire = tokens
            yield OpenEhr(connection=connection, base=base, wire=wire, statement=statement)


async def fetch_statement(base: Base, wire: Wire, name: str) -> Statement:
    """Return the statement of an EHR that we can work with. Raises EhrError."""
    asked = Asked(method="GET", url=f"{base.url}/metadata", place=name, headers={"accept": FHIR_JSON})
    reply: Reply = await ask(wire, asked)
    if isinstance(reply, Lost) or reply.status != 200 or reply.is_html or reply.fault:
        raise trouble(reply, operation="connect", subject=name)
    statement = read_statement(reply.body)
    problem = refusal(statement)
    if problem is not None:
        raise problem
    return statement


def refuse_address(connection: EhrConnection) -> None:
    """Raise PermanentEhrError for an address that is no http(s) address, or is private where that was not allowed."""
    parts = urlsplit(connection.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise PermanentEhrError(
            f"{connection.name}: the address is no plain http or https address.",
            operation="connect",
            subject=connection.name,
            hint="Give the FHIR base, without a password in it.",
        )
    if not connection.private_network and is_private(parts.hostname):
        raise PermanentEhrError(
            f"{connection.name}: the address is on a private network, which this connection may not use.",
            operation="connect",
            subject=connection.name,
            hint="Register it with --private-network if that is meant.",
        )


def is_private(host: str) -> bool:
    """Say whether a host is an address of a private network, or this machine by name."""
    if host == "localhost":
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False
