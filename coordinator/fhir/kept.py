"""What was made of a version is kept with it: what was received never changes, so nothing of it is worked out twice."""

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Protocol, TypeVar, TypeVarTuple


class Keeping(Protocol):
    """Something that never changes, and keeps what pure functions made of it for as long as it lives itself."""

    @property
    def kept(self) -> dict[Hashable, object]:
        """Return what was made so far, by the function and what else it was given."""


K = TypeVar("K", bound=Keeping)
More = TypeVarTuple("More")
T = TypeVar("T")
_NOTHING = object()


def once(make: Callable[[K, *More], T]) -> Callable[[K, *More], T]:
    """Return a pure function that works once on each thing, and on each set of what else it is given."""

    @wraps(make)
    def asked(one: K, *more: *More) -> T:
        key = (make, *more)
        found = one.kept.get(key, _NOTHING)
        if found is _NOTHING:
            found = one.kept[key] = make(one, *more)
        return found  # type: ignore[return-value]  # under this key stands only what the function made

    return asked
