"""What a turn of work can come to, and when it is tried again."""

from dataclasses import dataclass, field
from hashlib import sha256

from coordinator.errors import ConfigurationError, CoordinatorError, PermanentEhrError, TemporaryEhrError
from coordinator.sync.work.records import Job

FIRST_WAIT = 30.0
LONGEST_WAIT = 3600.0
PATIENT_TIMES = 5  # what can't succeed until something is changed is tried so often, in case that was done


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It was done; `next_in` says in how many seconds the same is to be done again, if it is."""

    changed: int = 0
    next_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNow:
    """Somebody else does it now, or it is paused, or its EHR is gone: nothing to do, and nobody to tell."""

    reason: str
    next_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It failed, so many times in a row; tried again in `next_in` seconds, or never without a person."""

    cause: str
    times: int = 1
    next_in: float | None = None


Outcome = Done | NotNow | Failed


@dataclass(frozen=True, slots=True)
class Retrying:
    """When work is tried again after it failed for the given number of times in a row."""

    cause: BaseException = field(repr=False)

    @property
    def sentence(self) -> str:
        """Return what went wrong, without content of records."""
        if isinstance(self.cause, CoordinatorError):
            return self.cause.sentence
        return f"This program did not expect it ({type(self.cause).__name__}): a fault of its own, please report it."

    @property
    def is_outage(self) -> bool:
        """Say whether it speaks for the whole EHR: it is silent, busy, or said to come later."""
        return isinstance(self.cause, TemporaryEhrError)

    def after(self, times: int, job: Job) -> float | None:
        """Return in how many seconds it is tried again; None for never."""
        is_lasting = isinstance(self.cause, PermanentEhrError | ConfigurationError) or not isinstance(
            self.cause, CoordinatorError
        )
        if is_lasting and times >= PATIENT_TIMES:
            return None
        told = self.cause.retry_after if isinstance(self.cause, TemporaryEhrError) else None
        wait = min(FIRST_WAIT * 2 ** (times - 1), LONGEST_WAIT)
        return spread(max(wait, told or 0.0), job.key)


def spread(seconds: float, key: str) -> float:
    """Return a time a little later, by up to a tenth, the same for the same key: many must not come at one moment."""
    return seconds * (1 + sha256(key.encode()).digest()[0] / 2560)
