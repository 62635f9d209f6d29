"""What happened in a world, one line an event, and which kinds of trouble and recovery were reached."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(slots=True)
class Trace:
    """The events of a world in order; they are put into words only where somebody wants to read them."""

    begins: datetime
    events: list[tuple[float, str, str, tuple[object, ...]]] = field(default_factory=list)
    reached: Counter[str] = field(default_factory=Counter)

    def tell(self, at: float, who: str, what: str, *about: object) -> None:
        """Keep an event: when, who did what, and about what."""
        self.events.append((at, who, what, about))

    def reach(self, kind: str) -> None:
        """Take note that a kind of fault, conflict or recovery happened."""
        self.reached[kind] += 1

    def lines(self, last: int | None = None) -> list[str]:
        """Return the events as lines to read, the last of them where a number is given."""
        shown = self.events if last is None else self.events[-last:]
        return [
            f"{(self.begins + timedelta(seconds=at)).strftime('%H:%M:%S.%f')[:-3]}  {who:<9} {what} "
            + " ".join(str(one) for one in about)
            for at, who, what, about in shown
        ]
