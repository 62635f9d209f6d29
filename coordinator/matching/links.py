"""Which EHR patient is whom: links, since when and by whom; nothing is ever moved but links."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLink:
    """Which person an EHR's patient is, since when, by whom or by which rule."""

    ehr: str
    patient: str
    person: str
    since: datetime
    by: str
    matched_hash: bytes

    @property
    def place(self) -> str:
        """Return `ehr/Patient/id`, which names the record."""
        return f"{self.ehr}/Patient/{self.patient}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was so while exactly these records were a person's: who it was, and the agreed states by view.

    Where the same records are a person's again, after others were joined with them and parted, it is so again.
    """

    records: frozenset[str]
    person: str
    shadows: Mapping[str, bytes]
