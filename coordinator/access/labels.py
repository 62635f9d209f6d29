"""Labels of data: what a record says of itself, what its content says, and the high-water mark of a whole.

The label of a whole is at least that of each of its parts: the strictest confidentiality, every sensitivity and policy.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from coordinator.care.csv_table import Row, by_text, packaged_rows

_PACKAGE = "coordinator.access"
_ROLES = ("confidentiality", "policy", "sensitivity", "refrain")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLabel:
    """A code that labels data: its system, its role, how strict it is, and whether it speaks of what Part 2 is about.

    `spelled` is how we write it; `least` the confidentiality that goes with it.
    """

    code: str
    system: str
    role: str
    rank: int
    spelled: str
    least: str
    part2: bool
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """How a record or a body is labeled: a confidentiality ('' is not told) and codes of policy and sensitivity."""

    confidentiality: str = ""
    codes: frozenset[str] = frozenset()


@cache
def known_labels() -> Mapping[str, KnownLabel]:
    """Return the labels by code. Raises ConfigurationError with file and line of a bad row."""
    columns = ("code", "system", "role", "rank", "spelled", "least", "part2", "meaning", "source")
    return by_text(packaged_rows(_PACKAGE, "labels.csv", columns), "code", known_label)


def known_label(row: Row) -> KnownLabel:
    """Return one line of the labels."""
    if row.text("role") not in _ROLES:
        raise row.bad("role", f"is none of: {', '.join(_ROLES)}")
    return KnownLabel(
        code=row.text("code"),
        system=row.text("system"),
        role=row.text("role"),
        rank=row.whole("rank") or 0,
        spelled=row.optional("spelled") or row.text("code"),
        least=row.optional("least") or "",
        part2=row.flag("part2"),
        display=row.text("meaning").partition(":")[0],
    )


def label_of(codes: Iterable[str]) -> Label:
    """Return the label that codes come to, old spellings as today's; codes that are not known stay as they are."""
    known = known_labels()
    told = set(codes)
    marks = {known[one].spelled if one in known else one for one in told if _role(one) != "confidentiality"}
    levels = {one for one in told if _role(one) == "confidentiality"}
    levels |= {known[one].least for one in marks if one in known and known[one].least}
    return Label(confidentiality=max(levels, key=_rank, default=""), codes=frozenset(marks))


def high_water(labels: Iterable[Label]) -> Label:
    """Return the label of a whole by those of its parts."""
    parts = tuple(labels)
    return Label(
        confidentiality=max((one.confidentiality for one in parts), key=_rank, default=""),
        codes=frozenset(code for one in parts for code in one.codes),
    )


def is_at_least(whole: Label, part: Label) -> bool:
    """Say whether a label is as strict as another in each respect."""
    return _rank(whole.confidentiality) >= _rank(part.confidentiality) and part.codes <= whole.codes


def speaks_of_part2(codes: Iterable[str]) -> bool:
    """Say whether a label tells of what Part 2 is about: in doubt the record is under it."""
    known = known_labels()
    return any(known[one].part2 for one in codes if one in known)


def _role(code: str) -> str:
    known = known_labels().get(code)
    return known.role if known else ""


def _rank(confidentiality: str) -> int:
    known = known_labels().get(confidentiality)
    return known.rank if known else -1
