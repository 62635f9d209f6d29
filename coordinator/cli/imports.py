"""`coordinator import`: files of records, taken in as if an EHR had answered with them."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.import_files import FromFiles, lines_of_adt, lines_of_csv, read_map, read_zone
from coordinator.cli.output import plain, print_json, say, show_table
from coordinator.cli.session import PARTIAL, AsJson, WrongWord, with_product
from coordinator.fhir import Json
from coordinator.sync.intake import Files, IntakeReport, Line
from coordinator.sync.run import RunReport, take_files

_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"


class Format(StrEnum):
    """What the files hold."""

    NDJSON = "ndjson"
    CSV = "csv"
    HL7V2 = "hl7v2"


def import_(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="One or more files; .gz is unpacked.")],
    ehr: Annotated[str, typer.Option(metavar="NAME", help="The registered EHR whose records they are.")],
    *,
    format_: Annotated[Format, typer.Option("--format", help="What the files hold.")] = Format.NDJSON,
    csv_map: Annotated[
        Path | None, typer.Option("--map", metavar="FILE.toml", help="Which column is which element, for CSV.")
    ] = None,
    zone: Annotated[
        str, typer.Option(metavar="ZONE", help="Zone of the times in files; the tenant's if left out.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Take in files as records of an EHR, then match and decide as a run does; nothing is sent.

    NDJSON has one FHIR record a line and may mix types. CSV is read by a mapping (--map, or the one registered with
    `ehr add --csv-map`), HL7 v2 messages as patients and visits (ADT). What can't be read is quarantined whole with its
    reason and line, and never keeps the rest waiting: the exit code is then 3. Taking the same file again changes
    nothing.
    """
    own_map = read_map(csv_map) if csv_map else None
    own_zone = read_zone(zone) if zone else None
    with ExitStack() as held:
        opened_files = [(path.name, held.enter_context(_opened(path, format_))) for path in files]

        async def work(opened: Product, actor: str) -> tuple[IntakeReport, RunReport]:
            how = FromFiles(ehr=ehr, zone=own_zone or opened.tenant.policy.zone, csv_map=own_map)
            lines = (
                _lines(opened_files) if format_ is Format.NDJSON else await _made(opened, format_, opened_files, how)
            )
            asked = Files(ehr=ehr, lines=lines, actor=actor)
            return await take_files(opened.store, opened.ehrs, opened.clock, files=asked)

        taken, report = with_product(context, work)
    if as_json:
        print_json(_json(taken, report))
    else:
        _tell(taken, report)
    if taken.quarantined or report.problems:
        raise typer.Exit(PARTIAL)


async def _made(opened: Product, format_: Format, files: list[tuple[str, IO[bytes]]], how: FromFiles) -> list[Line]:
    """Return the documents that files of another format make."""
    if format_ is Format.CSV:
        return await lines_of_csv(opened, files, how)
    return await lines_of_adt(opened, files, how)


def _opened(path: Path, format_: Format) -> IO[bytes]:
    """Open a file, after a look that it holds what is said. Raises WrongWord."""
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == _GZIP
        opened: IO[bytes] = gzip.open(path) if is_packed else path.open("rb")  # type: ignore[assignment]  # noqa: SIM115
        first = opened.readline().removeprefix(_BOM).strip()
        opened.seek(0)
    except (OSError, EOFError, zlib.error):
        raise WrongWord(f"The file {path.name} can't be read.", hint="Check its path and permissions.") from None
    if format_ is Format.NDJSON and first in {b"{", b"["}:
        opened.close()
        raise WrongWord(f"{path.name} is JSON over several lines.", hint="NDJSON has one whole record on each line.")
    if format_ is Format.HL7V2 and not first.lstrip(b"\x0b").startswith((b"MSH", b"FHS", b"BHS")):
        opened.close()
        raise WrongWord(f"{path.name} is no HL7 v2.", hint="Give a file of messages, each beginning with MSH.")
    if format_ is not Format.HL7V2 and _is_no_text(first):
        opened.close()
        wanted = "NDJSON" if format_ is Format.NDJSON else "CSV"
        raise WrongWord(f"{path.name} is no {wanted}.", hint="Give a file of UTF-8 text with one record on each line.")
    return opened


def _is_no_text(line: bytes) -> bool:
    """Tell whether the first line of a file shows that it holds something else than text, a program or a picture."""
    if b"\0" in line:
        return True
    try:
        line.decode()
    except UnicodeDecodeError:
        return True
    return False


def _lines(files: list[tuple[str, IO[bytes]]]) -> Iterator[Line]:
    """Yield the lines that hold something. Raises WrongWord where a packed file breaks off."""
    for name, file in files:
        try:
            yield from _filled(name, file)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise WrongWord(
                f"{name} breaks off: it is not whole.",
                hint="Fetch it again and import it again: what is there already stays.",
            ) from None


def _filled(name: str, file: IO[bytes]) -> Iterator[Line]:
    for number, raw in enumerate(file, 1):
        text = raw.removeprefix(_BOM).strip() if number == 1 else raw.strip()
        if text:
            yield Line(place=f"{name} line {number}", raw=text)


def _json(taken: IntakeReport, report: RunReport) -> dict[str, Json]:
    types: dict[str, Json] = {
        type_ or "unreadable": {
            "read": one.read,
            "changed": one.changed,
            "unchanged": one.unchanged,
            "quarantined": one.quarantined,
        }
        for type_, one in sorted(taken.types.items())
    }
    return {"ehr": taken.ehr, "types": types, "people": len(report.persons), "problems": dict(report.problems)}


def _tell(taken: IntakeReport, report: RunReport) -> None:
    columns = ["type", "read", "new or changed", "unchanged", "quarantined"]
    rows = [
        [type_ or "(unreadable)", str(one.read), str(one.changed), str(one.unchanged), str(one.quarantined)]
        for type_, one in sorted(taken.types.items())
    ]
    show_table(f"Taken in for {taken.ehr}", columns, rows)
    say(f"People reconciled: {len(report.persons)}. `coordinator sync` sends what is owed now.")
    if taken.quarantined:
        say("What could not be read is kept whole: `coordinator quarantine list` tells why and where.")
    for name, problem in sorted(report.problems.items()):
        say(f"[red]{name}[/red]: {plain(problem)}")
