"""`coordinator consent`: add, restrict, list, revoke."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from coordinator.audit import Happening, audit_row
from coordinator.bootstrap import Product
from coordinator.care.consent.restriction import Restriction, restriction_body
from coordinator.cli.looks import note_look
from coordinator.cli.output import plain, print_json, rows_of, say, show_table
from coordinator.cli.people import person_of
from coordinator.cli.plan_view import SHORT
from coordinator.cli.session import AsJson, WrongWord, with_product
from coordinator.fhir import Identifier, Json
from coordinator.sync.gather import gather, named_by, setting_of
from coordinator.sync.tenant import Tenant, read_tenant, write_tenant
from coordinator.workflow import ConsentLine, Revoked, Sent, add_consent, list_consents, revoke_consent

app = typer.Typer(no_args_is_help=True)
_LONGEST_NOTICE = 4000
_Line = tuple[ConsentLine, Tenant]


@app.command()
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A FHIR Consent, of R4 or R5.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Register a written consent; one with missing elements is kept, says what is missing, and permits nothing."""
    body = read_file(file)

    async def work(opened: Product, actor: str) -> _Line:
        async with opened.store.transaction() as tx:
            now = opened.clock.now()
            return await add_consent(tx, body, actor=actor, now=now, forms=opened.tenant.forms), opened.tenant

    _tell(with_product(context, work), as_json=as_json)


@app.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the consents and whether they are in force."""

    async def work(opened: Product, actor: str) -> list[dict[str, Json]]:
        async with opened.store.transaction() as tx:
            lines = await list_consents(tx, now=opened.clock.now(), forms=opened.tenant.forms)
            persons = {one.person for one in lines if one.person}
            await note_look(tx, opened, actor, subject="consents", persons=persons)
            return [_row(line, opened.tenant) for line in lines]

    lines = with_product(context, work)
    if as_json:
        print_json(list[Json](lines))
        return
    shown = [{name: _cell(name, value) for name, value in one.items()} for one in lines]
    columns = ("consent", "state", "person", "discloser", "recipient", "start", "end", "purposes")
    show_table("Consents", columns, rows_of(shown, columns))


def _cell(name: str, value: Json) -> Json:
    """Return a member for a reader: what is several in one line, and nobody as such."""
    if name == "person":
        return str(value)[:SHORT] if value else "nobody known"
    return ", ".join(map(str, value)) if isinstance(value, list) else value


@app.command()
def revoke(
    context: typer.Context,
    consent: Annotated[str, typer.Argument(metavar="ID", help="The id that the list shows.")],
    *,
    as_json: AsJson = False,
) -> None:
    """End a consent: from now on it permits nothing. What had left by it before is listed.

    What was sent stays where it is, as a revocation reaches only what is to come (42 CFR 2.31(a)(6)). With the tenant's
    option `revocation_notice` each EHR that received something is owed a notice, which a person tells.
    """

    async def work(opened: Product, actor: str) -> tuple[Revoked, Tenant]:
        async with opened.store.transaction() as tx:
            now = opened.clock.now()
            return await revoke_consent(tx, consent, actor=actor, now=now, forms=opened.tenant.forms), opened.tenant

    revoked, tenant = with_product(context, work)
    if as_json:
        sent: list[Json] = [_sent_row(one) for one in revoked.sent]
        print_json({**_row(revoked.line, tenant), "sent": sent, "notice_to": list[Json](revoked.notice_to)})
        return
    _tell((revoked.line, tenant), as_json=False)
    if not revoked.sent:
        say("  Nothing had left by it.")
        return
    columns = ("time", "ehr", "person", "subject", "state")
    show_table("Had left by it", columns, [_cells(_sent_row(one)) for one in revoked.sent])
    asked = "is owed" if tenant.options.get("revocation_notice") is True else "may be given (option revocation_notice)"
    say(f"A notice {asked} to: {', '.join(revoked.notice_to)}.")


def _sent_row(one: Sent) -> dict[str, Json]:
    state = "in flight at revocation" if one.is_in_flight else "sent"
    return {"time": one.at.isoformat(), "ehr": one.ehr, "person": one.person, "subject": one.subject, "state": state}


def _cells(row: dict[str, Json]) -> list[str]:
    told = {**row, "time": str(row["time"])[:19].replace("T", " "), "person": str(row["person"] or "")[:SHORT]}
    return [plain(str(value)) for value in told.values()]


@app.command()
def notice(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The text, as the CFR has it.")],
) -> None:
    """Send this text with each disclosure by consent, beside the short statement that goes with all of them.

    42 CFR 2.32 knows a short and a long statement. The short one is built in; the long one is the deployer's to load.
    """
    text = _notice_in(read_file(file))

    async def work(opened: Product, actor: str) -> None:
        async with opened.store.transaction() as tx:
            now = opened.clock.now()
            tenant = await read_tenant(tx)
            happening = Happening(kind="configuration", at=now, actor=actor, subject="notice of disclosures")
            await tx.audit.append([audit_row(happening)])
            await write_tenant(tx, replace(tenant, options={**tenant.options, "notice": text}))

    with_product(context, work)
    say("The notice goes with each disclosure by consent from now on.")


def _notice_in(raw: bytes) -> str:
    """Return a notice as one line of text. Raises WrongWord for what can't be one."""
    try:
        text = " ".join(raw.decode("utf-8").split())
    except UnicodeDecodeError:
        text = ""
    if not text or len(text) > _LONGEST_NOTICE or "42 cfr part 2" not in text.casefold():
        raise WrongWord(
            "This can't be the notice of 42 CFR 2.32.",
            hint=f"Give UTF-8 text that names 42 CFR part 2, of at most {_LONGEST_NOTICE} characters.",
        )
    return text


@app.command()
def restrict(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The id that `person list` shows, or its beginning.")],
    *,
    to: Annotated[list[str], typer.Option(metavar="ORGANIZATION", help="Keep from this one; else from all.")] = [],  # noqa: B006 - typer reads it
    of: Annotated[list[str], typer.Option(metavar="ORGANIZATION", help="Keep what this one has; else all.")] = [],  # noqa: B006 - typer reads it
    type_: Annotated[list[str], typer.Option("--type", metavar="TYPE", help="Only records of this type.")] = [],  # noqa: B006 - typer reads it
    label: Annotated[list[str], typer.Option(metavar="CODE", help="Only records with this security label.")] = [],  # noqa: B006 - typer reads it
    as_json: AsJson = False,
) -> None:
    """Keep a promise to a person (42 CFR 2.26): what is named here is not sent, whatever the consents permit.

    It is a Consent that denies, kept in the registry; `consent revoke` ends it. It does not bind in an emergency.
    """

    async def work(opened: Product, actor: str) -> _Line:
        async with opened.store.transaction() as tx:
            now = opened.clock.now()
            who = await person_of(tx, person)
            setting = await setting_of(tx, opened.tenant.policy, opened.tenant.forms)
            asked = Restriction(
                consent_id=f"restriction-{who[:SHORT]}-{now:%Y%m%dT%H%M%S}",
                patient=named_by(await gather(tx, who, setting)),
                day=now.isoformat(timespec="seconds"),
                recipients=tuple(_organization(one, opened.tenant) for one in to),
                disclosers=tuple(_organization(one, opened.tenant) for one in of),
                types=tuple(type_),
                labels=tuple(label),
            )
            body = restriction_body(asked)
            return await add_consent(tx, body, actor=actor, now=now, forms=opened.tenant.forms), opened.tenant

    _tell(with_product(context, work), as_json=as_json)


def _organization(key: str, tenant: Tenant) -> Identifier:
    known = tenant.organizations.get(key)
    if known is None:
        hint = f"There are: {', '.join(tenant.organizations) or 'none'}."
        raise WrongWord(f"There is no organization {key!r}.", hint=hint)
    return Identifier(system=known.identifier[0], value=known.identifier[1])


def read_file(file: Path) -> bytes:
    """Return the bytes of a file. Raises WrongWord."""
    try:
        return file.read_bytes()
    except OSError:
        raise WrongWord(f"The file {file.name} can't be read.", hint="Check its path and permissions.") from None


def _tell(told: _Line, *, as_json: bool) -> None:
    line, tenant = told
    if as_json:
        print_json(_row(line, tenant))
        return
    say(f"Consent {plain(line.consent)}: {line.state}.")
    if line.person is None:
        say("  Nobody known has the identifier that it names; it counts once somebody is known by it.")
    for problem in line.problems:
        say(f"  {plain(problem)}")


def _row(line: ConsentLine, tenant: Tenant) -> dict[str, Json]:
    known = {one.identifier: one.key for one in tenant.organizations.values()}
    return {
        "consent": line.consent,
        "state": line.state,
        "person": line.person,
        "discloser": [known.get(one, "|".join(one)) for one in line.disclosers],
        "recipient": [known.get(one, "|".join(one)) for one in line.recipients],
        "start": line.start,
        "end": line.end,
        "purposes": list(line.purposes),
        "problems": list(line.problems),
    }
