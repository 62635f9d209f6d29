"""The one clock of a world: it stands still until somebody moves it, and only forward."""

from datetime import datetime
from zoneinfo import ZoneInfo

from coordinator.errors import InvalidInput


class WorldClock:
    """Tells the time of a world."""

    def __init__(self, now: datetime, zone: ZoneInfo) -> None:
        self._now = now.astimezone(zone)
        self.zone = zone

    def now(self) -> datetime:
        """Return the present instant of the world, in its zone."""
        return self._now

    def move(self, to: datetime) -> None:
        """Move on to a later instant; raises InvalidInput for an earlier one."""
        if to < self._now:
            raise InvalidInput(
                f"The world's clock stands at {self._now.isoformat()} and can't go back.",
                operation="move clock",
                hint="Give a later instant, or serve the world anew.",
            )
        self._now = to.astimezone(self.zone)
