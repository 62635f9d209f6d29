"""What the doctor looks at in an EHR: can it be reached, which FHIR does it speak, does its clock agree with ours."""

from datetime import timedelta

from coordinator.cli.doctor_checks import Line, fail, warn
from coordinator.ehr import Cause, EhrRoom, Report, check_connection
from coordinator.sync.connections import is_file_only
from coordinator.sync.records import EhrConnection

_AREA = "ehr"
_MUCH, _TOO_MUCH = timedelta(seconds=30), timedelta(minutes=4)


async def ehr_lines(room: EhrRoom, connection: EhrConnection) -> list[Line]:
    """Return how it stands with one EHR; one that gives files only needs nothing."""
    if is_file_only(connection):
        return []
    return lines_of(await check_connection(room, connection), connection)


def lines_of(report: Report, connection: EhrConnection) -> list[Line]:
    """Return what a check found as lines of the doctor."""
    if not report.is_usable:
        cure = f"See `coordinator ehr check {connection.name}`."
        return [fail(_AREA, _named(connection, one.what), one.cure or cure) for one in report.problems]
    token = f", signed in as {connection.smart.client_id}" if connection.smart else ""
    text = f"{connection.name}: FHIR {report.fhir_version}, {report.software or 'no software named'}{token}"
    lines = [Line(area=_AREA, text=text)]
    told = [one for one in report.problems if one.cause is not Cause.CLOCK]
    lines += [warn(_AREA, f"{connection.name}: {one.what}", one.cure) for one in told]
    return [*lines, *([skew_line(connection.name, report.skew)] if report.skew is not None else [])]


def _named(connection: EhrConnection, what: str) -> str:
    return what if what.startswith(connection.name) else f"{connection.name}: {what}"


def skew_line(name: str, skew: timedelta) -> Line:
    """Tell how far the clock of an EHR is from ours."""
    seconds = round(skew.total_seconds())
    text = f"the clock of {name} is {seconds:+d} s against ours"
    cure = "Set this machine's clock by NTP; if it is right, tell the EHR's operator."
    if abs(skew) > _TOO_MUCH:
        return fail("clock", f"{text}: tokens will be refused", cure)
    if abs(skew) > _MUCH:
        return warn("clock", text, cure)
    return Line(area="clock", text=f"{name} agrees with ours within {max(abs(seconds), 1)} s")
