"""`coordinator audit`: who was told what, what was refused, who looked."""

from datetime import datetime
from typing import Annotated

import typer

from coordinator.audit import AuditRow
from coordinator.bootstrap import Product
from coordinator.cli.output import print_json, show_table
from coordinator.cli.session import AsJson, with_product
from coordinator.errors import InvalidInput
from coordinator.fhir import Json

app = typer.Typer(no_args_is_help=True)
_KINDS = {"disclosures": "disclosure", "refusals": "refusal", "accesses": "access", "emergencies": "emergency"}
_COLUMNS = ("time", "actor", "person", "ehr", "consent", "purpose", "subject", "outcome")


@app.callback()
def _about() -> None:
    """Ask the audit log."""


@app.command()
def query(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="disclosures, refusals, accesses or emergencies")],
    person: Annotated[str, typer.Option(help="Only about this person.")] = "",
    since: Annotated[str, typer.Option(help="Only from this instant or day on.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """List events of one kind."""
    kind = _KINDS.get(what)
    if kind is None:
        raise typer.BadParameter(f"{what} is none of {', '.join(_KINDS)}", param_hint="WHAT")
    start = _instant(since)

    async def work(opened: Product, _actor: str) -> list[AuditRow]:
        async with opened.store.transaction() as tx:
            return await tx.audit.query(kind, person=person or None, since=start)

    rows = [_row(one) for one in with_product(context, work)]
    if as_json:
        print_json(list[Json](rows))
    else:
        show_table(what.capitalize(), _COLUMNS, [[str(row[name] or "") for name in _COLUMNS] for row in rows])


def _row(one: AuditRow) -> dict[str, Json]:
    return {
        "person": one.person,
        "ehr": one.ehr,
        "consent": one.consent,
        "purpose": one.purpose,
        "time": one.at.isoformat(),
        "actor": one.actor,
        "subject": one.subject,
        "outcome": "ok" if one.outcome == "0" else "refused",
    }


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            "--since is no instant.", operation="audit query", hint="Such as 2026-04-07 or 2026-04-07T12:00:00Z."
        ) from None
    return moment if moment.tzinfo else moment.astimezone()
