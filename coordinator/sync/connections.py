"""Register and forget EHRs, with the organization whose records each holds; every change is in the audit log."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from coordinator.audit import AuditRow, Happening, audit_row
from coordinator.errors import InvalidInput, NotFound
from coordinator.fhir import Json
from coordinator.reconcile import Organization
from coordinator.sync.ports import Transaction
from coordinator.sync.records import EhrConnection
from coordinator.sync.tenant import read_tenant, write_tenant

FILE_URL = "file:"  # the address of an EHR that gives us files only
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds an EHR's records, as far as the operator tells; None keeps what is registered.

    An organization of which nobody says whether it is under 42 CFR Part 2 counts as if it is.
    """

    key: str
    name: str | None = None
    identifier: tuple[str, str] | None = None
    part2: bool | None = None
    type: str | None = None


def is_file_only(connection: EhrConnection) -> bool:
    """Say whether an EHR has no server that we may ask, only files that are imported."""
    return connection.url.startswith(FILE_URL)


def check_name(name: str, what: str) -> str:
    """Return a name that can stand in citations. Raises InvalidInput."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"This can't be {what}.",
            operation="ehr add",
            hint="Use a lower-case letter, then up to 39 lower-case letters, digits and hyphens.",
        )
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """An EHR to register; `may_replace` permits to change the connection of one that is there."""

    connection: EhrConnection
    holder: Holder
    may_replace: bool = False


async def add_ehr(tx: Transaction, asked: Registration, *, actor: str, now: datetime) -> Organization:
    """Register an EHR and its organization; return the organization as it is registered now.

    Raises InvalidInput for a name that can't be one, or that is taken.
    """
    connection, holder = asked.connection, asked.holder
    check_name(connection.name, "the name of an EHR")
    check_name(holder.key, "the key of an organization")
    taken = {one.name for one in await tx.registry.ehrs()}
    if connection.name in taken and not asked.may_replace:
        raise InvalidInput(
            f"There is an EHR {connection.name} already.",
            operation="ehr add",
            subject=connection.name,
            hint="Choose another name, or give --replace to change its connection; what it sent stays.",
        )
    tenant = await read_tenant(tx)
    organization = _merged(holder, tenant.organizations.get(holder.key))
    await tx.audit.append([_event("ehr add", connection.name, actor, now)])
    await tx.registry.put_ehr(connection)
    if tenant.organizations.get(holder.key) != organization:
        await write_tenant(tx, replace(tenant, organizations={**tenant.organizations, holder.key: organization}))
    return organization


async def remove_ehr(tx: Transaction, name: str, *, actor: str, now: datetime) -> int:
    """Forget a connection; return how many of its records stay as evidence. Raises NotFound."""
    await find_ehr(tx, name)
    await tx.audit.append([_event("ehr remove", name, actor, now)])
    await tx.registry.remove_ehr(name)
    return sum(count for (ehr, _), count in (await tx.evidence.counts()).items() if ehr == name)


async def keep_profile(tx: Transaction, asked: EhrConnection, profile: Mapping[str, Json]) -> bool:
    """Keep what was learned of a site with its connection; return whether that was news.

    Nothing is kept where the connection was changed or forgotten meanwhile: what was learned may be of another site.
    """
    held = next((one for one in await tx.registry.ehrs() if one.name == asked.name), None)
    if held != asked or dict(held.profile) == dict(profile):
        return False
    await tx.registry.put_ehr(replace(held, profile=dict(profile)))
    return True


async def find_ehr(tx: Transaction, name: str) -> EhrConnection:
    """Return a registered EHR. Raises NotFound."""
    for connection in await tx.registry.ehrs():
        if connection.name == name:
            return connection
    raise NotFound(
        f"There is no EHR {name!r}.", operation="find ehr", subject=name, hint="`coordinator ehr list` shows them."
    )


def _merged(holder: Holder, held: Organization | None) -> Organization:
    return Organization(
        key=holder.key,
        name=holder.name or (held.name if held else holder.key),
        identifier=holder.identifier or (held.identifier if held else ("", "")),
        part2=holder.part2 if holder.part2 is not None else (held.part2 if held else True),
        type=holder.type or (held.type if held else ""),
    )


def _event(subject: str, ehr: str, actor: str, now: datetime) -> AuditRow:
    return audit_row(Happening(kind="configuration", at=now, actor=actor, subject=subject, ehr=ehr))
