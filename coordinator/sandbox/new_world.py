"""Write a new world: a small valid folder to begin with."""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from coordinator.errors import ConfigurationError, InvalidInput
from coordinator.sandbox.drawn_world import drawn_world


def write_new_world(folder: Path, *, people: int = 0, seed: int = 0) -> list[str]:
    """Write a world of two EHRs and one person, or one drawn by a seed; return the files written, by their paths.

    Raises InvalidInput where the folder already holds something, ConfigurationError where it can't be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(
            f"{folder.name} is there already and not empty.",
            operation="sandbox new",
            subject=folder.name,
            hint="Name a new folder: nothing is ever overwritten.",
        )
    try:
        if people:
            return _written(drawn_world(people=people, seed=seed), folder)
        return sorted(_copied(files("coordinator.sandbox").joinpath("template"), folder, ""))
    except OSError as cause:
        raise ConfigurationError(
            f"The folder {folder.name} can't be written: {cause.strerror}.",
            operation="sandbox new",
            hint="Check the path, its permissions and the space left there.",
        ) from cause


def _written(held: Mapping[str, bytes], folder: Path) -> list[str]:
    for name, content in held.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return sorted(held)


def _copied(source: Traversable, folder: Path, prefix: str) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    for one in source.iterdir():
        if one.is_dir():
            written += _copied(one, folder / one.name, f"{prefix}{one.name}/")
        else:
            (folder / one.name).write_bytes(one.read_bytes())
            written.append(prefix + one.name)
    return written
