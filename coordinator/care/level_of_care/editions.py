"""In which edition a code is read: as marked, by its old roman form, else by the tenant's day of the change."""

import re
from dataclasses import replace
from datetime import date

from coordinator.care.level_of_care.model import Edition, Level
from coordinator.fhir import Interval

# PPC-2R numbered levels in roman numerals; `-D` was detoxification (public excerpt of the PPC-2R overview).
_ROMAN = re.compile(r"(?:IV|I{1,3})(?:\.\d)?(?:-D)?")


def in_its_edition(level: Level, days: Interval | None, cutover: date | None) -> Level:
    """Return a level with the edition in which it is read; None stays where the days may lie on either side.

    The days are those that the record speaks of; the cut-over is the tenant's first day of the fourth edition.
    A roman form tells its age itself, whatever newer mark stands beside it.
    """
    code = level.code.strip().upper()
    if _ROMAN.fullmatch(code) and level.edition is not Edition.FOURTH:
        return replace(level, edition=Edition.PPC2R, code=code)
    if level.edition is not None or days is None or cutover is None:
        return level
    if days.first >= cutover:
        return replace(level, edition=Edition.FOURTH)
    return replace(level, edition=Edition.THIRD) if days.last < cutover else level
