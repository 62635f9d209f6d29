"""HL7 v2 messages cut out of a file and read into fields; the only place that knows the library."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import hl7

from coordinator.ehr.files.provenance import Unreadable, local_instant

_TS = re.compile(
    r"(?P<y>\d{4})(?P<mo>\d{2})?(?P<d>\d{2})?(?:(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})?(?:\.\d+)?)?(?P<z>[+-]\d{4})?"
)
_FRAMES = str.maketrans({"\x0b": "\r", "\x1c": "\r"})  # the marks that messages have on a wire
_AROUND = ("FHS", "BHS", "BTS", "FTS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a file; `number` is where it stands."""

    number: int
    raw: bytes
    parsed: Any  # the library has no types

    def field(self, segment: str, number: int, *, at: tuple[int, ...] = (1,), repeat: int = 1) -> str:
        """Return a field's component, or subcomponent, with its escapes undone.

        It is empty where it is not there or is explicitly null.
        """
        try:
            text = str(self.parsed.extract_field(segment, 1, number, repeat, *at)).strip()
        except LookupError:
            return ""
        return "" if text == '""' else text

    def repeats(self, segment: str, number: int) -> int:
        """Return how often a field is repeated."""
        try:
            return len(self.parsed.segment(segment)[number])
        except (KeyError, IndexError):
            return 0

    def has(self, segment: str) -> bool:
        """Say whether a segment is there."""
        return any(str(one[0]) == segment for one in self.parsed)


def messages(raw: bytes) -> Iterator[Message | tuple[int, bytes, str]]:
    """Yield the messages of a file; of one that can't be read its number, its bytes and why."""
    for number, text in enumerate(_cut(raw), 1):
        try:
            decoded = text.decode(_charset(text))
            yield Message(number=number, raw=text, parsed=hl7.parse(decoded))
        except UnicodeDecodeError:
            yield number, text, "its signs are of another character set than MSH-18 says"
        except (hl7.HL7Exception, ValueError, IndexError, KeyError):
            yield number, text, "it is no HL7 v2 message"


def _cut(raw: bytes) -> Iterator[bytes]:
    """Yield messages as their segments with CR between; what stands around them in a batch is left off."""
    text = raw.decode("latin-1").translate(_FRAMES)  # each byte stays itself
    held: list[str] = []
    for line in re.split(r"[\r\n]+", text.removeprefix("\xef\xbb\xbf")):
        if not line.strip() or line.startswith(_AROUND):
            continue
        if line.startswith("MSH") and held:
            yield "\r".join([*held, ""]).encode("latin-1")
            held = []
        held.append(line)
    if held:
        yield "\r".join([*held, ""]).encode("latin-1")


def _charset(text: bytes) -> str:
    header = text.split(b"\r", 1)[0]
    fields = header.split(header[3:4]) if len(header) > 3 else []
    told = fields[17].decode("ascii", "replace").upper() if len(fields) > 17 else ""
    return "latin-1" if told.startswith("8859/1") else "utf-8"


def when(text: str, zone: ZoneInfo, *, field: str) -> str:
    """Return an HL7 time as a FHIR dateTime: as precise as it was told, in its own or the file's zone.

    Raises Unreadable.
    """
    found = _TS.fullmatch(text)
    if found is None:
        raise Unreadable(f"{field}: this is no time of HL7 v2")
    year, month, day, hour = found["y"], found["mo"], found["d"], found["h"]
    try:
        if hour is None:
            date(int(year), int(month or 1), int(day or 1))
            return "-".join(one for one in (year, month, day) if one)
        told = datetime(int(year), int(month), int(day), int(hour), int(found["mi"]), int(found["s"] or 0))  # noqa: DTZ001
    except (ValueError, TypeError) as problem:
        raise Unreadable(f"{field}: there is no such day or hour") from problem
    if (offset := found["z"]) is None:
        return local_instant(told, zone, field=field)
    away = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
    told = told.replace(tzinfo=timezone(-away if offset[0] == "-" else away) if away else UTC)
    return told.isoformat(timespec="seconds")
