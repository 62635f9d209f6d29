"""`coordinator person`: who is known, and one person's account."""

from datetime import date, datetime
from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.care.care_plan.template import templates
from coordinator.care.patient.mapping import read_patient
from coordinator.cli.account_picture import show_account
from coordinator.cli.findings import finding_row
from coordinator.cli.looks import note_look
from coordinator.cli.output import print_json, rows_of, say, show_table
from coordinator.cli.session import AsJson, WrongWord, instant, with_product
from coordinator.errors import NotFound
from coordinator.fhir import Json
from coordinator.reconcile.care_plan.draft import draft_json, drafted
from coordinator.sync.emergency import read_emergency, shown_in_emergency
from coordinator.sync.gather import Dossier, account_of, end_of, gather, setting_of
from coordinator.sync.ports import Transaction
from coordinator.sync.shown import shown_to

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the people that the EHRs know."""

    async def work(opened: Product, actor: str) -> list[dict[str, Json]]:
        async with opened.store.transaction() as tx:
            await note_look(tx, opened, actor, subject="person list")
            setting = await setting_of(tx, opened.tenant.policy, opened.tenant.forms)
            persons = sorted({one.person for one in await tx.people.links()})
            return [_line(await gather(tx, one, setting)) for one in persons]

    rows = with_product(context, work)
    if as_json:
        print_json(list[Json](rows))
    else:
        columns = ("person", "family", "given", "birth_date")
        show_table("People", columns, rows_of(rows, columns))


@app.command()
def show(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The id that the list shows, or its beginning.")],
    as_of: Annotated[str, typer.Option(metavar="DAY", help="What was true by the end of this day.")] = "",
    known_at: Annotated[str, typer.Option(metavar="INSTANT", help="What we believed at this instant.")] = "",
    as_: Annotated[str, typer.Option("--as", metavar="ORGANIZATION", help="What it would be shown.")] = "",
    *,
    emergency: Annotated[
        str,
        typer.Option(metavar="JSON", help='Who receives it in an emergency: {"name", "affiliation", "nature"}.'),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show one person's account with its evidence; the look is kept in the audit log.

    PERSON is the id that `person list` shows, or its beginning. With `--as` the account is made of what that
    organization may receive, by the consents in force now, and of nothing else. With `--emergency` it is what medical
    personnel may know in a medical emergency without consent; the record that 42 CFR 2.51 asks for is kept first.
    """
    told_of = read_emergency(emergency) if emergency else None
    if told_of and as_:
        raise WrongWord("--as and --emergency are two ways.", hint="Give one of them.")

    async def work(opened: Product, actor: str) -> dict[str, Json]:
        async with opened.store.transaction() as tx:
            zone = opened.tenant.policy.zone
            known = instant(known_at, "--known-at", zone=zone) if known_at else None
            day = _day(as_of) if as_of else None
            who = await person_of(tx, person, known_at=known)
            subject = f"account as {as_}" if as_ else "account"
            await note_look(tx, opened, actor, subject=subject, persons=[who])
            setting = await setting_of(tx, opened.tenant.policy, opened.tenant.forms, known_at=known)
            dossier = await gather(tx, who, setting, known_at=known, as_of=day)
            now = end_of(day, zone) if day else known or opened.clock.now()
            if as_:
                dossier = shown_to(dossier, as_, setting, actor=actor, now=opened.clock.now())
            if told_of:
                instant_now = opened.clock.now()
                dossier = await shown_in_emergency(tx, dossier, told_of, setting, actor=actor, now=instant_now)
            account = account_of(dossier, setting, now)
            content = account.content
            if not (as_of or known_at or as_ or told_of):
                content["findings"] = [finding_row(who, one) for _, one in await tx.accounts.findings(who)]
            told = {"as_of": str(now.astimezone(zone).date()), **({"known_at": known.isoformat()} if known else {})}
            return {**_line(dossier), **_identities(dossier), **told, **content, "hash": account.hash}

    value = with_product(context, work)
    if as_json:
        print_json(value)
    else:
        show_account(value)


@app.command("draft-plan")
def draft_plan(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The id that the list shows, or its beginning.")],
    template: Annotated[str, typer.Option(metavar="NAME", help="Which template.")] = "iop",
    *,
    as_json: AsJson = False,
) -> None:
    """Draft a plan for a person from a template, beside the goals that they have: a proposal, nothing is written.

    PERSON is the id that `person list` shows, or its beginning. What the person's plan already says, in whatever words,
    is shown with its evidence and not proposed again.
    """
    chosen = templates().get(template)
    if chosen is None:
        raise WrongWord(f"There is no template {template!r}.", hint=f"There are: {', '.join(templates())}.")

    async def work(opened: Product, actor: str) -> dict[str, Json]:
        async with opened.store.transaction() as tx:
            who = await person_of(tx, person)
            await note_look(tx, opened, actor, subject="plan draft", persons=[who])
            setting = await setting_of(tx, opened.tenant.policy, opened.tenant.forms)
            account = account_of(await gather(tx, who, setting), setting, opened.clock.now())
            return {"person": who, **draft_json(drafted(chosen, account.plan, setting.policy.options))}

    value = with_product(context, work)
    if as_json:
        print_json(value)
    else:
        _show_draft(value)


def _show_draft(value: dict[str, Json]) -> None:
    for part, columns in (("goals", ("text", "in_plan", "status")), ("activities", ("text", "in_plan"))):
        rows = value[part]
        told = [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
        show_table(f"Proposed {part}", columns, rows_of(told, columns))
    say("A draft for a person to decide on; nothing was written.")


async def person_of(tx: Transaction, text: str, *, known_at: datetime | None = None) -> str:
    """Return the one person whose id begins so, of those known (then). Raises NotFound, WrongWord for no id at all."""
    if not text:
        raise WrongWord("The id of the person is empty.", hint="`coordinator person list` shows the ids.")
    links = await tx.people.links(known_at=known_at)
    persons = sorted({one.person for one in links if one.person.startswith(text)})
    if len(persons) == 1:
        return persons[0]
    hint = "`coordinator person list` shows the ids." if not persons else "Give more of the id."
    raise NotFound(f"{len(persons)} people have an id that begins so.", operation="find person", hint=hint)


def _line(dossier: Dossier) -> dict[str, Json]:
    """Return who the person is, as the first of the EHRs says it."""
    records = [read_patient(one.document) for one in dossier.evidence if one.document.type == "Patient"]
    first = next(iter(records), None)
    return {
        "person": dossier.person,
        "family": first.family if first else None,
        "given": " ".join(first.given) if first else None,
        "birth_date": first.birth_date if first else None,
    }


def _identities(dossier: Dossier) -> dict[str, Json]:
    return {"identities": [{"ehr": one.ehr, "id": one.patient} for one in dossier.links]}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongWord("--as-of is no day.", hint="Such as 2026-04-07.") from None
