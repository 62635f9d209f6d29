"""`coordinator audit`: who was told what, what was refused, who looked."""

from typing import Annotated

import typer

from coordinator.audit import AuditRow, details_of
from coordinator.bootstrap import Product
from coordinator.cli.output import print_json, show_table
from coordinator.cli.session import AsJson, WrongWord, instant, with_product
from coordinator.errors import NotFound
from coordinator.fhir import Json, read_document
from coordinator.sync.ports import Transaction

app = typer.Typer(no_args_is_help=True)
_KINDS = {"disclosures": "disclosure", "refusals": "refusal", "accesses": "access", "emergencies": "emergency"}
_EMERGENCY = ("time", "actor", "person", "name", "affiliation", "nature", "discloser")
_COLUMNS = ("time", "actor", "person", "ehr", "consent", "purpose", "subject", "outcome", "reason")


@app.callback()
def _about() -> None:
    """Ask the audit log."""


@app.command()
def query(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="WHAT", help="disclosures, refusals, accesses or emergencies")],
    person: Annotated[str, typer.Option(metavar="ID", help="Only about this person: the id, or its beginning.")] = "",
    since: Annotated[
        str, typer.Option(metavar="DAY", help="Only from this day or instant on, such as 2026-04-07.")
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """List events of one kind, oldest first."""
    kind = _KINDS.get(what)
    if kind is None:
        raise WrongWord("There is no such question to the log.", hint=f"Ask for one of: {', '.join(_KINDS)}.")

    async def work(opened: Product, _actor: str) -> list[AuditRow]:
        start = instant(since, "--since", zone=opened.tenant.policy.zone) if since else None
        async with opened.store.transaction() as tx:
            who = await _whole_id(tx, person)
            found = await tx.audit.query(kind, person=who, since=start)
            if who and not found and not await tx.people.links(who):
                raise NotFound(
                    "Nobody has an id that begins so, and this question finds no event of such a one.",
                    operation="query audit",
                    hint="`coordinator person list` shows the ids.",
                )
            return found

    rows = [_row(one) for one in with_product(context, work)]
    if as_json:
        print_json(list[Json](rows))
    else:
        show_table(
            what.capitalize(), _EMERGENCY if kind == "emergency" else _COLUMNS, [_cells(row, kind) for row in rows]
        )


def _cells(row: dict[str, Json], kind: str) -> list[str]:
    """Return a row for a reader: an id shortened to what names it here, a time to its second."""
    short = {**row, "time": str(row["time"])[:19].replace("T", " "), "person": str(row["person"] or "")[:8]}
    if kind == "emergency":
        return [_words(short[name]) for name in _EMERGENCY]
    return [_words(short[name]) for name in _COLUMNS]


def _words(value: Json) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


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
        "reason": _reason(one),
        **(_emergency(one) if one.kind == "emergency" else {}),
    }


def _emergency(one: AuditRow) -> dict[str, Json]:
    """Return what 42 CFR 2.51(c) asks to record: who received it, of which house, the nature, and the disclosers."""
    told = details_of(one)
    first = {name: next(iter(told.get(name, ())), None) for name in ("name", "affiliation", "nature")}
    return {**first, "discloser": list[Json](told.get("discloser", ()))}


def _reason(one: AuditRow) -> str | None:
    """Return why it was refused, as the event itself tells."""
    reason = read_document(one.body).get("outcomeDesc")
    return reason if isinstance(reason, str) else None


async def _whole_id(tx: Transaction, text: str) -> str | None:
    """Return the id that begins so; one that nobody has now is asked for as it is, as the log outlives its people."""
    if not text:
        return None
    found = sorted({one.person for one in await tx.people.links() if one.person.startswith(text)})
    return found[0] if len(found) == 1 else text
