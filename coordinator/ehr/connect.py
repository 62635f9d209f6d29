"""Open a registered EHR: its statement read, its token at hand, ready to be pulled from and written to."""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from coordinator.care.csv_table import packaged_rows
from coordinator.clock import Clock
from coordinator.ehr.budget import Allowances, Budgeted
from coordinator.ehr.capability import Statement, read_statement, refusal, with_options, with_scopes, without_writes
from coordinator.ehr.diagnosis import MUCH_SKEW, Refused, why_refused
from coordinator.ehr.downloads import Downloads
from coordinator.ehr.drift import Change, differences, kept_of, told_losses
from coordinator.ehr.exchange import FHIR_JSON, Answer, Asked, Base, Lost, Reply, Wire, base_of
from coordinator.ehr.export import Exporter
from coordinator.ehr.gate import Gated
from coordinator.ehr.keys import KeyFolder
from coordinator.ehr.lanes import fast_lane
from coordinator.ehr.network import is_public
from coordinator.ehr.password import PasswordWire, with_password
from coordinator.ehr.problem import Problem
from coordinator.ehr.protocols.export import Patience
from coordinator.ehr.protocols.read import ended, read
from coordinator.ehr.protocols.subscription import unsubscribe
from coordinator.ehr.protocols.trouble import trouble
from coordinator.ehr.protocols.write import Way, write
from coordinator.ehr.pull import Source, changes, pull
from coordinator.ehr.smart import Kept, TokenWire
from coordinator.ehr.strategy import Site, forms, ladder
from coordinator.ehr.subscriptions import Subscriber
from coordinator.ehr.tls import tls_of
from coordinator.ehr.traced import Traced
from coordinator.ehr.wire import LIMITS, Limits, Streaming, ask, drive, open_wire
from coordinator.errors import CoordinatorError, PermanentEhrError
from coordinator.fhir import Json, is_r5
from coordinator.outbox.model import Form
from coordinator.sync.learned import not_kept
from coordinator.sync.ports import Absent, Found, MayLeave, Pulled, WriteOutcome, WriteRequest
from coordinator.sync.records import EhrConnection, SmartAuth
from coordinator.sync.ways import ExportJob, FastLane, Hook, Hooked

_ACCEPT: Final = {"accept": FHIR_JSON}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEhr:
    """One connected EHR.

    `stated` is its statement as it came, `statement` what options and scopes leave of it. `granted` are the scopes of
    its token, `skew` is by how much its clock is ahead of ours.
    """

    connection: EhrConnection
    base: Base
    wire: Wire
    stated: Statement
    statement: Statement
    granted: tuple[str, ...] = ()
    skew: timedelta | None = None
    downloads: Downloads | None = None
    patience: Patience = field(default_factory=Patience)
    now: Callable[[], datetime] | None = None
    learned: set[str] = field(default_factory=set)  # types whose search was found to want a patient

    @property
    def name(self) -> str:
        """Return the name it is registered under."""
        return self.connection.name

    @property
    def site(self) -> Site:
        """Return what the operator and earlier probes know of the site."""
        return Site(roster=self.connection.roster, options=self.connection.options, profile=self.connection.profile)

    @property
    def profile(self) -> Mapping[str, Json]:
        """Return what is known of the site by now: what the connection held, and what was learned since."""
        told: dict[str, Json] = {
            **self.connection.profile,
            "software": self.statement.software,
            "fhir_version": self.statement.fhir_version,
        }
        told["statement"] = self.connection.profile.get("statement") or kept_of(self.stated)
        told.pop("drift", None)
        if lost := told_losses(self.drift):
            told["drift"] = lost
        wanting = sorted(self.site.needs_patient | self.learned)
        return {**told, "needs_patient": list[Json](wanting)} if wanting else told

    @property
    def drift(self) -> tuple[Change, ...]:
        """Return what changed since the statement was accepted."""
        return differences(self.connection.profile.get("statement"), self.stated)

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

    def keeps(self, path: str) -> bool:
        """Tell whether this EHR keeps what is written at a path, as far as earlier writes taught."""
        return path not in not_kept(self.connection.profile, self.statement.software)

    def pull(self, types: Sequence[str], patients: Sequence[str] | None) -> AsyncGenerator[Pulled, None]:
        """Yield pages of each type, then one `Pulled` without page per type that carries its grade."""
        return pull(self._source(), types, patients)

    def lane(self, type_: str) -> FastLane | None:
        """Return the fast lane of a type, None where there is none."""
        return fast_lane(self.statement, type_, self.site, base=self.base, patients=self.connection.patients)

    def changes(self, since: Mapping[str, datetime]) -> AsyncGenerator[Pulled, None]:
        """Yield what changed of each type from its moment on, by its fast lane, then one `Pulled` without page."""
        return changes(self._source(), since)

    def export(self, types: Sequence[str], job: ExportJob) -> AsyncGenerator[Pulled | ExportJob, None]:
        """Yield a job as soon as it is started, to be kept, then what it brings as a pull does. Raises EhrError."""
        assert self.downloads is not None  # noqa: S101  # there are where it was opened
        exporter = Exporter(
            base=self.base,
            wire=self.wire,
            statement=self.statement,
            site=self.site,
            downloads=self.downloads,
            patience=self.patience,
        )
        return exporter.export(types, job)

    async def subscribe(self, hook: Hook, ids: Sequence[str]) -> Hooked:
        """Have the EHR call when something changes, or go on to under these ids. Raises EhrError."""
        return await Subscriber(base=self.base, wire=self.wire, statement=self.statement).keep(hook, ids)

    async def unsubscribe(self, ids: Sequence[str]) -> None:
        """Have the EHR call no more. Raises EhrError."""
        for id_ in ids:
            await drive(unsubscribe(self.base, id_), self.wire)

    def _source(self) -> Source:
        return Source(
            ehr=self.name,
            base=self.base,
            wire=self.wire,
            statement=self.statement,
            site=self.site,
            patients=self.connection.patients,
            learned=self.learned.add,
            now=self.now,
        )

    async def read(self, type_: str, id_: str) -> Found | Absent:
        """Return the record as the EHR holds it now, or why it is not there. Raises EhrError."""
        found = await drive(read(self.base, type_, id_), self.wire)
        if found == Absent(kind="not-found") and "history-instance" in self.statement.of(type_).interactions:
            return await drive(ended(self.base, type_, id_), self.wire)
        return found

    async def write(self, request: WriteRequest, may_leave: MayLeave) -> WriteOutcome:
        """Return what became of a write; `may_leave` is asked at the moment before a body would leave."""
        return await drive(write(self.base, request, self._way(request.type)), self.wire, may_leave=may_leave)

    def _way(self, type_: str) -> Way:
        facts = self.statement.of(type_)
        return Way(
            create=bool(facts.create),
            update=bool(facts.update),
            patch=bool(facts.patch),
            by_identifier="identifier" in facts.search_params,
            by_patient=bool(facts.search) and facts.patient_param is not None,
            patient_param=facts.patient_param or "patient",
            patient_needed=bool(facts.needs_patient) or type_ in self.site.needs_patient or type_ in self.learned,
        )


class Wires(Protocol):
    """Opens a wire of its own for one EHR: over HTTP, or into a simulated world."""

    def __call__(
        self, *, limits: Limits, private_network: bool, tls: ssl.SSLContext | None
    ) -> AbstractAsyncContextManager[Streaming]:
        """Return a wire that is open until the block ends."""
        ...


class EhrRoom:
    """Opens the registered EHRs for a run."""

    def __init__(
        self,
        *,
        clock: Clock,
        keys: Path,
        limits: Limits = LIMITS,
        patience: Patience | None = None,
        wires: Wires = open_wire,
    ) -> None:
        self._clock = clock
        self._keys = KeyFolder(keys)
        self._limits = limits
        self._patience = patience or Patience()
        self._wires = wires
        self._tokens: dict[tuple[str, str, SmartAuth], Kept] = {}
        self._allowances: Allowances | None = None

    def keeping(self, allowances: Allowances) -> "EhrRoom":
        """Return this room, which from now on asks each EHR no more than its budget allows."""
        self._allowances = allowances
        return self

    @asynccontextmanager
    async def reach(self, connection: EhrConnection) -> AsyncIterator[Streaming]:
        """Yield a wire that brings nothing. Raises EhrError for the address, ConfigurationError for a file of TLS."""
        refuse_address(connection)
        tls = tls_of(connection)
        async with self._wires(limits=self._limits, private_network=connection.private_network, tls=tls) as bare:
            plain = Traced(Gated(bare), ehr=connection.name)
            allowed = self._allowances(connection) if self._allowances else None
            yield plain if allowed is None else Budgeted(plain, allowed)

    @asynccontextmanager
    async def open(self, connection: EhrConnection) -> AsyncIterator[OpenEhr]:
        """Yield a connected EHR. Raises EhrError where it can't be reached or used, ConfigurationError for its key."""
        base = base_of(connection.url)
        async with self.reach(connection) as plain:
            password = with_password(plain, base, connection, keys=self._keys)
            wire: Wire = password or plain
            told = await fetch_statement(base, wire, connection.name, clock=self._clock)
            statement = with_options(told.statement, connection.options)
            granted: tuple[str, ...] = ()
            if connection.smart is not None:
                tokens = TokenWire(plain, base=base, auth=connection.smart, keys=self._keys, clock=self._clock)
                tokens.keeping(self._tokens.setdefault((connection.name, base.url, connection.smart), Kept()))
                granted = await _signed_in(tokens, told.skew)
                statement = with_scopes(statement, granted)
                wire = tokens
            sign = wire.signed if isinstance(wire, TokenWire | PasswordWire) else None
            if is_r5(statement.fhir_version):
                statement = without_writes(statement)
            yield OpenEhr(
                connection=connection,
                base=base,
                wire=wire,
                stated=told.statement,
                statement=statement,
                granted=granted,
                skew=told.skew,
                downloads=Downloads(base=base, wire=plain, sign=sign, hosts=_hosts(connection)),
                patience=self._patience,
                now=self._clock.now,
            )

    async def why_refused(self, connection: EhrConnection, error: CoordinatorError) -> Problem:
        """Return why an EHR gave us no token. Raises EhrError, ConfigurationError where nothing more can be seen."""
        assert connection.smart is not None  # noqa: S101 - only who signs in is refused
        async with (
            self.reach(connection) as wire,
            self._wires(limits=self._limits, private_network=connection.private_network, tls=None) as jwks_wire,
        ):
            told = await fetch_statement(base_of(connection.url), wire, connection.name, clock=self._clock)
            refused = Refused(
                connection=connection, auth=connection.smart, error=error, skew=told.skew, now=self._clock.now()
            )
            return await why_refused(refused, wire, jwks_wire=jwks_wire, keys=self._keys)

    async def sibling(self, connection: EhrConnection) -> str:
        """Return a base near that of a connection at which an R4 server answers, empty where none does."""
        async with self.reach(connection) as plain:
            wire = with_password(plain, base_of(connection.url), connection, keys=self._keys) or plain
            for url in near(connection.url):
                if await _is_usable(Base(url=url), wire):
                    return url
        return ""


async def _is_usable(base: Base, wire: Wire) -> bool:
    reply = await wire(Asked(method="GET", url=f"{base.url}/metadata", place="metadata", headers=_ACCEPT))
    if isinstance(reply, Lost) or reply.status != 200 or reply.is_html or reply.fault:
        return False
    try:
        return refusal(read_statement(reply.body)) is None
    except PermanentEhrError:
        return False


def near(url: str) -> tuple[str, ...]:
    """Return the addresses near a base at which vendors keep an R4 one (tables/base_paths.csv)."""
    base = base_of(url).url
    rows = packaged_rows("coordinator.ehr", "base_paths.csv", ["ends_with", "becomes", "source"])
    pairs = ((row.optional("ends_with") or "", row.text("becomes")) for row in rows)
    found = (base[: len(base) - len(end)] + becomes for end, becomes in pairs if base.lower().endswith(end.lower()))
    return tuple(dict.fromkeys(one for one in found if one != base))


def _hosts(connection: EhrConnection) -> tuple[str, ...]:
    """Return the hosts besides the EHR's own from which the operator lets files of an export be fetched."""
    told = connection.options.get("file_hosts")
    return tuple(one for one in told if isinstance(one, str)) if isinstance(told, list) else ()


async def _signed_in(tokens: TokenWire, skew: timedelta | None) -> tuple[str, ...]:
    """Return the granted scopes. Raises EhrError that names the clock where that is the likely cause."""
    try:
        return tuple(await tokens.start())
    except PermanentEhrError as problem:
        if skew is None or abs(skew) < MUCH_SKEW or problem.code != "sign-in":
            raise
        raise PermanentEhrError(
            f"{problem} The EHR's clock is {skew_words(skew)} ours.",
            operation=problem.operation,
            subject=problem.subject,
            hint="An assertion from another time is refused: set this machine's clock by NTP, then look again.",
        ).coded("clock") from problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an EHR says of itself, and by how much its clock is ahead of ours."""

    statement: Statement
    skew: timedelta | None


async def fetch_statement(base: Base, wire: Wire, name: str, *, clock: Clock) -> Told:
    """Return what an EHR that we can work with says of itself. Raises EhrError."""
    asked = Asked(method="GET", url=f"{base.url}/metadata", place=name, headers=_ACCEPT)
    reply: Reply = await ask(wire, asked)
    if (
        isinstance(reply, Lost)
        or reply.status != 200
        or reply.is_html
        or reply.fault
        or reply.is_packed_unsaid
        or reply.is_xml
    ):
        raise trouble(reply, operation="connect", subject=name)
    statement = read_statement(reply.body)
    problem = refusal(statement)
    if problem is not None:
        raise problem
    return Told(statement=statement, skew=skew_of(reply, clock.now()))


def skew_of(answer: Answer, now: datetime) -> timedelta | None:
    """Return by how much an EHR's clock is ahead of ours, as its Date header tells; None where none came."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now


def skew_words(skew: timedelta) -> str:
    """Return a difference of clocks in words, as "90 s ahead of"."""
    seconds = round(skew.total_seconds())
    size = abs(seconds)
    told = f"{size} s" if size < 7200 else f"{size // 3600} h" if size < 172_800 else f"{size // 86_400} days"
    return f"{told} {'ahead of' if seconds > 0 else 'behind'}"


def refuse_address(connection: EhrConnection) -> None:
    """Raise PermanentEhrError for an address that is no http(s) address, or is private where that was not allowed.

    A name is looked up only when it is called: the network below the wire refuses one that leads to a private address.
    """
    host = _host(connection.url)
    if host is None:
        raise PermanentEhrError(
            f"{connection.name}: the address is no plain http or https address.",
            operation="connect",
            subject=connection.name,
            hint="Give the FHIR base, without a password in it.",
        ).coded("address")
    if not connection.private_network and is_private(host):
        raise PermanentEhrError(
            f"{connection.name}: the address is on a private network, which this connection may not use.",
            operation="connect",
            subject=connection.name,
            hint="Register it with --private-network if that is meant.",
        ).coded("address")


def _host(url: str) -> str | None:
    """Return the host of an address that can be called, None where it can't."""
    try:
        parts = urlsplit(url)
        is_plain = parts.port is None or parts.port > 0
    except ValueError:
        return None
    is_plain = is_plain and parts.scheme in ("http", "https") and not parts.username and not parts.password
    return parts.hostname if is_plain else None


def is_private(host: str) -> bool:
    """Say whether a host is an address of a private network, or this machine by name."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return not is_public(host)
