"""A trial of what a pull would do first: one page of one search. Nothing of it is kept or shown but how many came."""

from collections.abc import Iterator
from dataclasses import dataclass

from coordinator.ehr.connect import OpenEhr
from coordinator.ehr.exchange import AS_IT_IS_NOW, Answer, Asked, Lost
from coordinator.ehr.problem import Cause, Problem, cause_of
from coordinator.ehr.protocols.outcomes import meanings
from coordinator.ehr.protocols.trouble import trouble
from coordinator.ehr.pull import WANTS_PATIENT
from coordinator.ehr.strategy import Pulling, Strategy, strategy
from coordinator.errors import InvalidInput
from coordinator.fhir import Page, split_page

_BY_PATIENT = ("Encounter", "MedicationRequest", "CarePlan")  # the types that matter most, one of which is tried


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """A search as a pull makes it."""

    type: str
    parameters: tuple[tuple[str, str], ...]
    asked_for: int
    is_of_all: bool


async def tried(ehr: OpenEhr) -> tuple[Problem, ...]:
    """Return what a first search shows to be wrong."""
    trial = _trial(ehr)
    if trial is None:
        return await _knocked(ehr)
    place = f"{trial.type} search"
    asked = Asked(method="GET", url=ehr.base.search(trial.type, trial.parameters), place=place, headers=AS_IT_IS_NOW)
    reply = await ehr.wire(asked)
    if isinstance(reply, Lost) or reply.status != 200 or reply.is_html or reply.fault or reply.is_packed_unsaid:
        return (_refused(ehr, trial, reply),)
    try:
        return tuple(_of_page(trial, split_page(reply.body), meanings(reply.body)))
    except InvalidInput:
        return (_UNREADABLE,)


def _trial(ehr: OpenEhr) -> _Trial | None:
    way = strategy(ehr.statement, "Patient", ehr.site)
    if way.pulling is Pulling.ALL:
        return _Trial(type="Patient", parameters=_size(way), asked_for=_most(way), is_of_all=True)
    for type_ in _BY_PATIENT if ehr.connection.patients else ():
        way = strategy(ehr.statement, type_, ehr.site)
        if way.pulling is Pulling.PER_PATIENT:
            parameters = ((way.patient_param, ehr.connection.patients[0]), *way.queries[0], *_size(way))
            return _Trial(type=type_, parameters=parameters, asked_for=_most(way), is_of_all=False)
    return None


def _size(way: Strategy) -> tuple[tuple[str, str], ...]:
    return (way.page_size,) if way.page_size else ()


def _most(way: Strategy) -> int:
    return int(way.page_size[1]) if way.page_size else 0


async def _knocked(ehr: OpenEhr) -> tuple[Problem, ...]:
    """Return whether the door is shut, where no search can be tried: the answer to a number, which may be a refusal."""
    asked = Asked(
        method="GET", url=f"{ehr.base.url}/Patient?_summary=count", place="Patient search", headers=AS_IT_IS_NOW
    )
    reply = await ehr.wire(asked)
    if isinstance(reply, Answer) and reply.status in (401, 429):
        return (_shut(ehr) if reply.status == 401 else _told(ehr, reply),)
    return ()


def _refused(ehr: OpenEhr, trial: _Trial, reply: Answer | Lost) -> Problem:
    if isinstance(reply, Answer) and reply.status == 401:
        return _shut(ehr)
    said = meanings(reply.body) if isinstance(reply, Answer) else frozenset()
    wants = isinstance(reply, Answer) and reply.status in WANTS_PATIENT and not reply.is_html
    if isinstance(reply, Answer) and wants and trial.is_of_all and "restricted" not in said:
        return Problem(
            what=f"It answers no search for all patients (status {reply.status}): it wants to be told a patient.",
            cure="Register it anew with --replace and --roster group:ID or file:F, the patients whom we may ask for.",
            cause=Cause.ROSTER,
        )
    return _told(ehr, reply)


def _told(ehr: OpenEhr, reply: Answer | Lost) -> Problem:
    error = trouble(reply, operation="check", subject=f"{ehr.name}, a first search")
    return Problem(what=str(error), cure=error.hint, cause=cause_of(error.code))


def _shut(ehr: OpenEhr) -> Problem:
    if ehr.connection.smart is None and not ehr.connection.options.get("sign_in"):
        return _NO_SIGN_IN
    return Problem(
        what="It gave us a token and does not take it (status 401)."
        if ehr.connection.smart
        else "It does not take the name and secret of this connection (status 401).",
        cure="Ask the EHR's operator whether the client is enabled for this base and this site.",
        cause=Cause.SIGN_IN,
    )


def _of_page(trial: _Trial, page: Page, said: frozenset[str]) -> Iterator[Problem]:
    """Yield what a first page shows: cut off, small, or not all that there is."""
    count = len(page.entries)
    is_more = page.next is not None
    if not is_more and page.total is not None and page.total > count:
        yield Problem(
            what=f"Of {page.total} records a search gives {count} and no link to the next page: the rest is left out.",
            cure="Give a roster, so that each search stays below its cap; what is missing never reads as ended.",
            cause=Cause.PAGE_CAP,
        )
    elif is_more and count < trial.asked_for:
        times = -(-trial.asked_for // max(count, 1))
        yield Problem(
            what=f"It gives at most {count} records a page where we ask for {trial.asked_for}: "
            f"a pull takes about {times} times as many requests.",
            cure="Ask the EHR's operator to raise the cap, or pull at quiet hours; nothing is lost by it.",
            cause=Cause.PAGE_CAP,
        )
    if "restricted" in said:
        yield Problem(
            what="It says beside what it gives that it left records out, as our client is not authorized for them.",
            cure="Ask the EHR's operator for what the client lacks; what is missing never reads as ended.",
            cause=Cause.SCOPE,
        )


_NO_SIGN_IN = Problem(
    what="It asks for a sign-in (status 401) that this connection does not bring: nothing can be pulled or written.",
    cure="Have a client registered there, then register the EHR anew with --replace and --smart.",
    cause=Cause.SIGN_IN,
)
_UNREADABLE = Problem(
    what="What it answers to a search can't be read as a FHIR Bundle.",
    cure="Check that the address is the FHIR base and that nothing in between changes its answers.",
    cause=Cause.OTHER,
)
