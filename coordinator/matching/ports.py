"""What matching asks of an answer that a person gave."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from coordinator.fhir import Json


class Answer(Protocol):
    """An answer to whether two records are one person's, as it was kept."""

    @property
    def value(self) -> Mapping[str, Json]: ...
    @property
    def facts(self) -> Mapping[str, Json]: ...
    @property
    def actor(self) -> str: ...
    @property
    def decided_at(self) -> datetime: ...
