"""Opens the EHRs of a run: one that can't be reached does not keep the others waiting."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from coordinator.errors import ConfigurationError, EhrError
from coordinator.sync.connections import is_file_only
from coordinator.sync.intake import FileSource
from coordinator.sync.ports import Ehr, Ehrs
from coordinator.sync.records import EhrConnection


async def open_ehrs(
    stack: AsyncExitStack, ehrs: Ehrs, connections: Sequence[EhrConnection], *, problems: dict[str, str]
) -> dict[str, Ehr]:
    """Return the EHRs that could be opened, by name; the others are named in `problems`, each with a sentence."""
    opened: dict[str, Ehr] = {}
    for connection in connections:
        if is_file_only(connection):
            opened[connection.name] = FileSource(name=connection.name)
            continue
        try:
            opened[connection.name] = await stack.enter_async_context(ehrs.open(connection))
        except (EhrError, ConfigurationError) as problem:  # a key that is gone is this EHR's trouble, not the others'
            problems[connection.name] = problem.sentence
    return opened
