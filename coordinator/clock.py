"""Time as a port: the core is told what time it is, it never looks."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present instant, aware of its zone."""
        ...
