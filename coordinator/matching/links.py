"""Which EHR patient is whom: links, since when and by whom; nothing is ever moved but links."""

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
