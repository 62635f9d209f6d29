"""What a tenant has configured: organizations, programs, zone, consent forms, options."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coordinator.errors import ConfigurationError
from coordinator.fhir import Json
from coordinator.reconcile import Organization, Policy, Program
from coordinator.sync.ports import Transaction

KEY = "tenant"
DEFAULT_ZONE = "America/New_York"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tenant's settings. `control` is the address of the sandbox whose clock the product follows, if any."""

    zone: str = DEFAULT_ZONE
    organizations: Mapping[str, Organization] = field(default_factory=dict)
    programs: Mapping[str, Program] = field(default_factory=dict)
    forms: Mapping[str, frozenset[str]] = field(default_factory=dict)
    options: Mapping[str, Json] = field(default_factory=dict)
    control: str = ""

    @property
    def policy(self) -> Policy:
        """Return the policy that reconciling and disclosing follow. Raises ConfigurationError for an unknown zone."""
        try:
            zone = ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ConfigurationError(
                f"There is no time zone {self.zone}.", hint="Name one of the IANA list, such as America/New_York."
            ) from None
        return Policy(zone=zone, organizations=self.organizations, programs=self.programs, options=self.options)


async def read_tenant(tx: Transaction) -> Tenant:
    """Return the tenant's settings, the defaults where nothing was configured."""
    stored = await tx.registry.setting(KEY)
    if not isinstance(stored, dict):
        return Tenant()
    return Tenant(
        zone=_text(stored.get("zone")) or DEFAULT_ZONE,
        organizations={key: _organization(key, value) for key, value in _members(stored, "organizations")},
        programs={key: _program(key, value) for key, value in _members(stored, "programs")},
        forms={key: _held(value.get("holds")) for key, value in _members(stored, "forms")},
        options=options if isinstance(options := stored.get("options"), dict) else {},
        control=_text(stored.get("control")),
    )


async def write_tenant(tx: Transaction, tenant: Tenant) -> None:
    """Keep the tenant's settings."""
    value: dict[str, Json] = {
        "zone": tenant.zone,
        "organizations": {
            one.key: {
                "name": one.name,
                "system": one.identifier[0],
                "value": one.identifier[1],
                "part2": one.part2,
                "type": one.type,
            }
            for one in tenant.organizations.values()
        },
        "programs": {
            one.key: {
                "name": one.name,
                "organization": one.organization,
                "edition": one.edition,
                "code": one.code,
            }
            for one in tenant.programs.values()
        },
        "forms": {key: {"holds": list[Json](sorted(held))} for key, held in tenant.forms.items()},
        "options": dict(tenant.options),
        "control": tenant.control,
    }
    await tx.registry.put_setting(KEY, value)


def _organization(key: str, value: Mapping[str, Json]) -> Organization:
    return Organization(
        key=key,
        name=_text(value.get("name")),
        identifier=(_text(value.get("system")), _text(value.get("value"))),
        part2=value.get("part2") is not False,
        type=_text(value.get("type")),
    )


def _program(key: str, value: Mapping[str, Json]) -> Program:
    return Program(
        key=key,
        name=_text(value.get("name")),
        organization=_text(value.get("organization")),
        edition=_text(value.get("edition")),
        code=_text(value.get("code")),
    )


def _held(value: Json) -> frozenset[str]:
    return frozenset(str(one) for one in value) if isinstance(value, list) else frozenset()


def _members(stored: Mapping[str, Json], name: str) -> list[tuple[str, dict[str, Json]]]:
    """Return the named objects below a setting."""
    found = stored.get(name)
    members = found if isinstance(found, dict) else {}
    return [(key, value) for key, value in members.items() if isinstance(value, dict)]


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
