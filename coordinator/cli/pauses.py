"""`coordinator pause` and `coordinator resume`: stop work at an EHR, about a person, or all of it."""

from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.output import plain, print_json, say
from coordinator.cli.people import person_of
from coordinator.cli.session import AsJson, WrongWord, with_product
from coordinator.fhir import Json
from coordinator.sync.connections import find_ehr
from coordinator.sync.ports import Transaction
from coordinator.sync.work.holding import pause as pause_
from coordinator.sync.work.holding import resume as resume_
from coordinator.sync.work.records import Pause, PauseKind

_Ehr = Annotated[str, typer.Option(metavar="NAME", help="This EHR: no request leaves for it.")]
_Person = Annotated[str, typer.Option(metavar="ID", help="This person: nothing is decided or sent about them.")]
_All = Annotated[bool, typer.Option("--all", metavar="", help="All work of the tenant.")]


def pause(
    context: typer.Context,
    *,
    ehr: _Ehr = "",
    person: _Person = "",
    all_: _All = False,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; who finds it later will want to know.")] = "",
    as_json: AsJson = False,
) -> None:
    """Pause an EHR, a person, or everything, until it is resumed.

    What is owed stays owed. Workers and `sync` both leave it alone; what is under way there ends with its next step.
    Who paused and why is shown by `coordinator run list` and kept in the audit log.
    """
    kind, name = _which(ehr, person, is_all=all_)

    async def work(opened: Product, actor: str) -> tuple[Pause, bool]:
        async with opened.store.transaction() as tx:
            found = await _name(tx, kind, name)
            asked = Pause(kind=kind, name=found, reason=reason, actor=actor, since=opened.clock.now())
            return asked, await pause_(tx, asked)

    asked, is_news = with_product(context, work)
    if as_json:
        print_json({**_told(kind, asked.name), "paused": True, "changed": is_news})
    else:
        say(f"{plain(_words(kind, asked.name))} {'is paused' if is_news else 'was paused already'}.")


def resume(
    context: typer.Context, *, ehr: _Ehr = "", person: _Person = "", all_: _All = False, as_json: AsJson = False
) -> None:
    """End a pause; workers begin at once with what it held up."""
    kind, name = _which(ehr, person, is_all=all_)

    async def work(opened: Product, actor: str) -> tuple[str, bool]:
        async with opened.store.transaction() as tx:
            found = await _name(tx, kind, name)
            return found, await resume_(tx, kind, found, actor=actor, now=opened.clock.now())

    found, is_news = with_product(context, work)
    if as_json:
        print_json({**_told(kind, found), "paused": False, "changed": is_news})
    else:
        say(f"{plain(_words(kind, found))} {'goes on' if is_news else 'was not paused'}.")


def _which(ehr: str, person: str, *, is_all: bool) -> tuple[PauseKind, str]:
    if bool(ehr) + bool(person) + is_all != 1:
        raise WrongWord("One thing at a time.", hint="Give one of --ehr NAME, --person ID and --all.")
    if is_all:
        return PauseKind.ALL, ""
    return (PauseKind.EHR, ehr) if ehr else (PauseKind.PERSON, person)


async def _name(tx: Transaction, kind: PauseKind, name: str) -> str:
    """Return the full name of what is meant. Raises NotFound."""
    if kind is PauseKind.EHR:
        return (await find_ehr(tx, name)).name
    return await person_of(tx, name) if kind is PauseKind.PERSON else ""


def _told(kind: PauseKind, name: str) -> dict[str, Json]:
    return {"kind": kind.value, "name": name}


def _words(kind: PauseKind, name: str) -> str:
    return "All work" if kind is PauseKind.ALL else f"The {'EHR' if kind is PauseKind.EHR else 'person'} {name[:40]}"
