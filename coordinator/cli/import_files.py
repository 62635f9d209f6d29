"""Files that are not FHIR, made into documents for `coordinator import`: CSV by a mapping, HL7 v2 ADT."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coordinator.bootstrap import Product
from coordinator.cli.trouble import WrongWord
from coordinator.ehr.files import CsvMap, folded, joined, read_adt, read_csv_map, read_rows_of_csv
from coordinator.errors import ConfigurationError, InvalidInput
from coordinator.sync.connections import find_ehr
from coordinator.sync.intake import Line

CSV_MAP = "csv_map"  # the option of a connection that holds its mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class FromFiles:
    """How files are read: of which EHR, the zone of their times, and a mapping in place of the registered one."""

    ehr: str
    zone: ZoneInfo
    csv_map: CsvMap | None = None


def read_map(path: Path) -> CsvMap:
    """Return a mapping from its file. Raises WrongWord."""
    try:
        return read_csv_map(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError):
        raise WrongWord(f"The mapping {path.name} can't be read.", hint="Give a TOML file in UTF-8.") from None
    except ConfigurationError as problem:
        raise WrongWord(str(problem), hint=problem.hint) from None


def read_zone(name: str) -> ZoneInfo:
    """Return a zone. Raises WrongWord."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise WrongWord(f"There is no time zone {name}.", hint="Such as America/New_York.") from None


async def lines_of_csv(opened: Product, files: list[tuple[str, IO[bytes]]], how: FromFiles) -> list[Line]:
    """Return the documents of each row. Raises WrongWord where there is no mapping, or a file is none for it."""
    async with opened.store.transaction() as tx:
        told = (await find_ehr(tx, how.ehr)).options.get(CSV_MAP)
    csv_map = how.csv_map or (read_csv_map(told) if isinstance(told, str) else None)
    if csv_map is None:
        hint = "Give --map FILE.toml, or register one with `coordinator ehr add --replace --csv-map FILE.toml`."
        raise WrongWord(f"{how.ehr} has no mapping for CSV files.", hint=hint)
    return [line for name, file in files for line in _rows(name, file, csv_map, how)]


def _rows(name: str, file: IO[bytes], csv_map: CsvMap, how: FromFiles) -> Iterator[Line]:
    try:
        with TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            yield from read_rows_of_csv(iter(text), csv_map, name=name, zone=how.zone)
    except UnicodeError:
        raise WrongWord(f"{name} is not UTF-8.", hint="Save it as UTF-8; nothing of it was taken in.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise WrongWord(f"{name} breaks off: it is not whole.", hint="Fetch it again and import it again.") from None
    except InvalidInput as problem:
        raise WrongWord(str(problem), hint=problem.hint or "Check the file.") from None


async def lines_of_adt(opened: Product, files: list[tuple[str, IO[bytes]]], how: FromFiles) -> list[Line]:
    """Return what the messages of all files make of the patients and visits that are held."""
    adt = joined([read_adt(_whole(name, file), name=name, zone=how.zone) for name, file in files])
    async with opened.store.transaction() as tx:
        found = {place: await tx.evidence.one(how.ehr, *place) for place in sorted(adt.places)}
    return list(folded(adt, {place: one.body for place, one in found.items() if one is not None}))


def _whole(name: str, file: IO[bytes]) -> bytes:
    try:
        return file.read()
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise WrongWord(f"{name} breaks off: it is not whole.", hint="Fetch it again and import it again.") from None
