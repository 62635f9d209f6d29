"""What the routes need to know of the service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from coordinator.fhir import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must be so for the service to work; `told` says in a sentence what to do where it is not."""

    name: str
    is_good: bool
    told: str = ""


class Health(Protocol):
    """Looks whether the service can work."""

    async def checks(self) -> Sequence[Check]:
        """Return what was looked at: database, schema, queue; never raises for what it finds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One figure of a metric of the table, with the values of its labels."""

    metric: str
    value: float
    labels: Mapping[str, str]


class Figures(Protocol):
    """Counts what the service does."""

    async def samples(self) -> Sequence[Sample]:
        """Return the figures as they are now. Raises StoreError."""
        ...


class PublicKeys(Protocol):
    """Knows the public halves of our keys."""

    def jwks(self) -> dict[str, Json]:
        """Return them as a JWKS. Raises ConfigurationError for a key file that can't be read."""
        ...


class Waking(Protocol):
    """Wakes the pull of an EHR."""

    async def wake(self, tenant: str, ehr: str, secret: str) -> bool:
        """Return whether the call was one of this EHR's subscriptions, whose pull is asked for then."""
        ...
