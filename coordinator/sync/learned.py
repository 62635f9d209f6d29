"""What is learned of an EHR by reading back what we wrote: the paths that it does not keep.

Only counts are kept with the connection, no value: values are people's. One loss may be a chance; from the second on
the path is taken for one that this EHR does not keep, and is not written there any more. Another version of its
software may keep it: then learning begins anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from coordinator.fhir import Json
from coordinator.outbox.kept import KeptAs, Made
from coordinator.sync.ports import Transaction

PROFILE: Final = "not_kept"
ENOUGH: Final = 2  # losses of a path until it counts as not kept


async def learn(tx: Transaction, ehr: str, made: Sequence[KeptAs]) -> None:
    """Count what an EHR made of a write, with its connection."""
    if not made:
        return
    held = next((one for one in await tx.registry.ehrs() if one.name == ehr), None)
    if held is not None:
        await tx.registry.put_ehr(replace(held, profile=_counted(held.profile, made)))


def _counted(profile: Mapping[str, Json], made: Sequence[KeptAs]) -> dict[str, Json]:
    software = profile.get("software", "")
    known = _rows(profile, software)
    for one in made:
        row = known.get(one.path, {})
        times = row.get(one.made.value, 0)
        known[one.path] = {**row, one.made.value: (times if isinstance(times, int) else 0) + 1}
    told: dict[str, Json] = {"software": software, "paths": {path: dict(known[path]) for path in sorted(known)}}
    return {**profile, PROFILE: told}


def made_of(profile: Mapping[str, Json], software: str) -> dict[str, dict[Made, int]]:
    """Return how often an EHR made what of each path, as far as that was learned of this software."""
    return {
        path: {Made(name): times for name, times in row.items() if isinstance(times, int)}
        for path, row in _rows(profile, software).items()
    }


def not_kept(profile: Mapping[str, Json], software: str) -> frozenset[str]:
    """Return the paths that an EHR is known not to keep as they are sent."""
    return frozenset(
        path
        for path, row in made_of(profile, software).items()
        if row.get(Made.DROPPED, 0) + row.get(Made.CHANGED, 0) >= ENOUGH
    )


def _rows(profile: Mapping[str, Json], software: Json) -> dict[str, dict[str, Json]]:
    told = profile.get(PROFILE)
    if not isinstance(told, dict) or told.get("software") != software:
        return {}
    paths = told.get("paths")
    return {path: dict(row) for path, row in paths.items() if isinstance(row, dict)} if isinstance(paths, dict) else {}
