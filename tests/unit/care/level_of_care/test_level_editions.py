"""In which edition a code without a mark is read."""

from datetime import date

import pytest

from coordinator.care.level_of_care.editions import in_its_edition
from coordinator.care.level_of_care.model import Edition, Level
from coordinator.fhir import Interval, PartialDate

CUTOVER = date(2025, 7, 1)


def days(text: str | None) -> Interval | None:
    return PartialDate.parse(text).interval if text else None


READ = {
    "a marked code keeps its mark, however old": ("4e", "3.7", "2020-01-01", "4e"),
    "the day before the cut-over": (None, "3.7", "2025-06-30", "3e"),
    "the day of the cut-over": (None, "3.7", "2025-07-01", "4e"),
    "the last month before": (None, "3.7", "2025-06", "3e"),
    "the first month after": (None, "3.7", "2025-07", "4e"),
    "a year around it": (None, "1.0", "2025", None),
    "no day": (None, "1.0", None, None),
    "a roman form is as old as it looks": (None, "II.1", "2026-01-01", "ppc2r"),
    "a roman form of detoxification": (None, " iii.7-d", "2026-01-01", "ppc2r"),
    "a roman form that was moved under the 3rd": ("3e", "II.5", "2026-01-01", "ppc2r"),
    "a roman form under the 4th is no level of it": ("4e", "II.1", "2026-01-01", "4e"),
    "letters that are no numeral": (None, "IOP", "2025", None),
    "OTP begins with no numeral": (None, "OTP", "2020", "3e"),
}


@pytest.mark.parametrize(("edition", "code", "when", "read"), READ.values(), ids=READ)
def test_a_code_is_read_by_its_mark_its_form_or_the_cut_over(edition, code, when, read):
    level = Level(edition=Edition(edition) if edition else None, code=code)
    found = in_its_edition(level, days(when), CUTOVER)
    assert (found.edition.value if found.edition else None) == read


def test_a_tenant_without_a_cut_over_leaves_unmarked_codes_unmarked():
    level = Level(edition=None, code="3.7")
    assert in_its_edition(level, days("2026-01-01"), None) is level
