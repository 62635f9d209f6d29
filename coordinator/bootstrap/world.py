"""Connect a tenant to a sandbox: its EHRs, organizations, programs, consents and clock, as its world describes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from coordinator.care.level_of_care.model import Edition, MappingRow, Role
from coordinator.errors import ConfigurationError
from coordinator.fhir import Json
from coordinator.reconcile import Organization, Program
from coordinator.sandbox import EhrOfWorld, World
from coordinator.sandbox import MappingRow as WorldRow
from coordinator.sync.ports import Transaction
from coordinator.sync.records import EhrConnection
from coordinator.sync.tenant import Tenant, write_tenant
from coordinator.workflow import add_consent


async def connect_world(
    tx: Transaction, world: World, addresses: Mapping[str, Any], *, actor: str, now: datetime
) -> int:
    """Register all of a world; return how many EHRs. Raises ConfigurationError where the tenant has EHRs already."""
    if await tx.registry.ehrs():
        raise ConfigurationError(
            "This tenant already has EHRs.", hint="A world is connected to a fresh tenant: give --tenant NAME."
        )
    tenant = Tenant(
        zone=str(world.zone),
        organizations={
            one.key: Organization(
                key=one.key, name=one.name, identifier=(one.system, one.value), part2=one.part2, type=one.type
            )
            for one in world.organizations.values()
        },
        programs={
            one.key: Program(
                key=one.key,
                name=one.name,
                organization=one.organization,
                edition=one.edition or "",
                code=one.code or "",
            )
            for one in world.programs.values()
        },
        forms={url: frozenset(held) for url, held in world.consent_forms.items()},
        options=_options(world),
        control=addresses["control"],
    )
    await write_tenant(tx, tenant)
    for ehr in world.ehrs:
        await tx.registry.put_ehr(_connection(ehr, addresses["ehrs"][ehr.name]))
    for _, body in world.consents:
        await add_consent(tx, body, actor=actor, now=now, forms=tenant.forms)
    return len(world.ehrs)


def _options(world: World) -> dict[str, Json]:
    policy = world.policy
    told: dict[str, Json] = {
        "level_edition_cutover": str(policy.level_edition_cutover) if policy.level_edition_cutover else None,
        "injection_coverage_days": policy.injection_coverage_days,
        "referral_acknowledge_hours": policy.referral_acknowledge_hours,
        "revocation_notice": policy.revocation_notice,
        "adopted_rules": list[Json](policy.adopted_rules) if policy.adopted_rules else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _connection(ehr: EhrOfWorld, url: str) -> EhrConnection:
    storable: dict[str, Json] = {path: list[Json](values) for path, values in ehr.personality.storable.items()}
    return EhrConnection(
        name=ehr.name,
        url=url,
        organization=ehr.personality.organization,
        mapping=tuple(_mapping(row) for row in ehr.mappings),
        sandbox=True,
        private_network=True,
        options={"storable": storable} if storable else {},
    )


def _mapping(row: WorldRow) -> MappingRow:
    return MappingRow(
        type=row.type,
        path=tuple(row.path.split(".")),
        system=row.system or None,
        value=row.value,
        concept=row.concept,
        edition=Edition(row.edition) if row.edition else None,
        code=row.code,
        role=Role(row.role) if row.role else Role.PROVIDED,
        organization=row.organization or None,
    )
