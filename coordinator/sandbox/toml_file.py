"""Read a world's TOML files strictly: a wrong or unknown key is told with file, line and what to do."""

import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

from coordinator.errors import InvalidInput


def bad_world(place: str, trouble: str, *, hint: str) -> InvalidInput:
    """Return the error that says where in a world something is wrong, and what to do."""
    return InvalidInput(f"{place}: {trouble}.", operation="read world", subject=place, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a TOML file that knows where it stands."""

    file: str
    source: str
    path: tuple[str, ...]
    values: dict[str, Any]

    def refuse(self, key: str, trouble: str, *, hint: str) -> NoReturn:
        """Raise InvalidInput that names file and line of a key."""
        place = f"{self.file}, line {_line_of(self.source, self.path, key=key)}"
        raise bad_world(place, trouble, hint=hint)

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Raise InvalidInput for the first key that means nothing here."""
        for key in self.values:
            if key not in known:
                self.refuse(key, f"unknown key {key!r}", hint=f"Known here: {', '.join(sorted(known))}.")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty; required where there is no default."""
        value = self._value(key, default)
        if not isinstance(value, str) or (not value and default is None):
            self.refuse(key, f"{key!r} must be a text", hint=f'Write {key} = "…".')
        return value

    def choice(self, key: str, allowed: Collection[str], *, default: str) -> str:
        """Return one of the allowed words."""
        value = self.text(key, default)
        if value not in allowed:
            self.refuse(key, f"{key!r} can't be {value!r}", hint=f"Choose one of: {', '.join(allowed)}.")
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """Return true or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            self.refuse(key, f"{key!r} must be true or false", hint=f"Write {key} = true or {key} = false.")
        return value

    def whole(self, key: str, default: int | None = None, *, least: int = 1) -> int:
        """Return a whole number."""
        value = self._value(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.refuse(key, f"{key!r} must be a whole number from {least}", hint=f"Write {key} = {least} or more.")
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._value(key, None if default is None else list(default))
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.refuse(key, f"{key!r} must be a list of texts", hint=f'Write {key} = ["…", "…"].')
        return tuple(value)

    def day(self, key: str) -> date | None:
        """Return a date, or None where the key is absent."""
        value = self.values.get(key)
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        try:
            return None if value is None else date.fromisoformat(str(value))
        except ValueError:
            self.refuse(key, f"{key!r} must be a date", hint=f'Write {key} = "2026-03-01".')

    def instant(self, key: str) -> datetime:
        """Return an instant with its zone."""
        value = self._value(key, None)
        found = value if isinstance(value, datetime) else instant_in(value)
        if found is None or found.tzinfo is None:
            self.refuse(key, f"{key!r} must be an instant with a zone", hint=f'Write {key} = "2026-04-07T12:00:00Z".')
        return found

    def table(self, key: str) -> "Table":
        """Return a table below this one, empty where it is absent."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            self.refuse(key, f"{key!r} must be a table", hint=f"Write [{'.'.join((*self.path, key))}].")
        return Table(file=self.file, source=self.source, path=(*self.path, key), values=value)

    def tables(self, key: str) -> Iterator[tuple[str, "Table"]]:
        """Yield the named tables below a key."""
        below = self.table(key)
        for name in below.values:
            yield name, below.table(name)

    def _value(self, key: str, default: object) -> object:
        if key in self.values:
            return self.values[key]
        if default is None:
            section = f"[{'.'.join(self.path)}] " if self.path else ""
            self.refuse("", f"{section}has no {key!r}", hint=f"Add {key} = ….")
        return default


def read_toml(path: Path, name: str) -> Table:
    """Return the top table of a TOML file; `name` is what messages call the file.

    Raises InvalidInput when the file is missing or is not TOML.
    """
    try:
        source = path.read_text(encoding="utf-8")
        values = tomllib.loads(source)
    except FileNotFoundError:
        raise bad_world(name, "the file is missing", hint="A world needs it: see docs/reference/worlds.md.") from None
    except UnicodeDecodeError as cause:
        raise bad_world(name, "the file is not UTF-8", hint="Save it as UTF-8.") from cause
    except tomllib.TOMLDecodeError as cause:
        raise bad_world(name, f"not TOML: {cause}", hint="Correct the line.") from cause
    return Table(file=name, source=source, path=(), values=values)


def instant_in(text: object) -> datetime | None:
    """Return the instant that a text spells, None when it spells none or has no zone."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _line_of(source: str, path: tuple[str, ...], *, key: str) -> int:
    """Return the line on which a key stands, else that of its table, else 1."""
    here: tuple[str, ...] = ()
    table_line = 1
    for number, line in enumerate(source.splitlines(), 1):
        text = line.strip()
        if text.startswith("["):
            here = tuple(part.strip() for part in text.strip("[] ").replace('"', "").split("."))
            if ".".join(here) == ".".join((*path, key)):
                return number
            table_line = number if ".".join(here) == ".".join(path) else table_line
        elif key and ".".join(here) == ".".join(path) and _key_of(text) == key:
            return number
    return table_line


def _key_of(line: str) -> str:
    return line.partition("=")[0].strip().strip("\"'")
