"""`coordinator why`: how a conclusion was drawn, down to the versions of the records and the rows of the tables."""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.findings import finding_row
from coordinator.cli.looks import note_look
from coordinator.cli.output import plain, print_json, say
from coordinator.cli.people import person_of
from coordinator.cli.session import AsJson, with_product
from coordinator.errors import NotFound
from coordinator.fhir import Json
from coordinator.reconcile import Decision
from coordinator.reconcile.derivation import CitedRecord, Conclusion, Derivation, conclusions, derivation
from coordinator.reconcile.rule_book import BookRow
from coordinator.sync.gather import account_of, gather, setting_of


def why(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The id that `person list` shows, or its beginning.")],
    conclusion: Annotated[
        str,
        typer.Argument(
            metavar="CONCLUSION", help="The key of a part of the account, or of a finding, or its beginning."
        ),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Show why the account says so: the rules with their sources, the records with what they say, the decisions.

    CONCLUSION is the key of a stay, transition, course, goal, activity, session or week in `person show --json`, or the
    short key of a finding. Where several parts have one key, each is shown. The look is kept in the audit log.
    """

    async def work(opened: Product, actor: str) -> tuple[str, list[Derivation]]:
        async with opened.store.transaction() as tx:
            who = await person_of(tx, person)
            await note_look(tx, opened, actor, subject="why", persons=[who])
            setting = await setting_of(tx, opened.tenant.policy, opened.tenant.forms)
            dossier = await gather(tx, who, setting)
            content = account_of(dossier, setting, opened.clock.now()).content
            content["findings"] = [finding_row(who, one) for _, one in await tx.accounts.findings(who)]
            chosen = _chosen(conclusions(content), conclusion)
            return who, [derivation(one, dossier.evidence, dossier.decisions) for one in chosen]

    who, found = with_product(context, work)
    if as_json:
        print_json({"person": who, "conclusions": [_json(one) for one in found]})
        return
    for line in (line for one in found for line in _lines(one)):
        say(line)


def _chosen(among: Sequence[Conclusion], text: str) -> list[Conclusion]:
    """Return what is concluded under this key, or the one that begins so; a stay's key may name other parts, too.

    Raises NotFound, telling what there is.
    """
    near = [one for one in among if one.key == text] or [one for one in among if text and one.key.startswith(text)]
    if len({one.key for one in near}) == 1:
        return near
    shown = near or among
    told = "; ".join(f"{one.kind}: {one.key}" for one in shown) or "nothing yet"
    raise NotFound(
        f"{len(near)} conclusions about this person have a key that begins so.",
        operation="find conclusion",
        hint=f"There are: {told}.",
    )


def _json(found: Derivation) -> dict[str, Json]:
    one = found.conclusion
    value: dict[str, Json] = {"conclusion": one.key, "kind": one.kind, "says": dict(one.says)}
    value["rules"] = [_rule_json(rule_id, row) for rule_id, row in found.rules]
    value["records"] = [_record_json(each) for each in found.records]
    value["decisions"] = [_decision_json(each) for each in found.decisions]
    if found.code is not None:
        code = found.code
        value["code"] = {"code": code.code, "table": "finding_codes.csv", "source": code.source, "acts": code.acts}
    return value


def _rule_json(rule_id: str, row: BookRow | None) -> Json:
    if row is None:
        return {"rule": rule_id, "table": None}
    limits: list[Json] = [
        {"name": one.name, "value": str(one.value), "unit": one.unit, "source": one.source, "verified": one.verified}
        for one in row.limits
    ]
    return {
        "rule": row.rule_id,
        "table": row.table,
        "sentence": row.sentence,
        "source": row.source,
        "verified": row.verified,
        "limits": limits,
    }


def _record_json(one: CitedRecord) -> Json:
    value: dict[str, Json] = {"ref": one.ref, "says": {path: list(values) for path, values in one.says}}
    if one.evidence is not None:
        value["organization"] = one.evidence.organization
        value["learned_at"] = one.evidence.learned_at.isoformat()
        value["presence"] = one.evidence.presence.value
    return value


def _decision_json(one: Decision) -> Json:
    told: dict[str, Json] = {"code": one.code, "value": dict(one.value), "reason": one.reason, "actor": one.actor}
    return {**told, "decided_at": one.decided_at.isoformat()}


# ---- on a terminal ---------------------------------------------------------------------------------------------------
def _lines(found: Derivation) -> Iterator[str]:
    one = found.conclusion
    yield f"[bold]{plain(one.kind)}[/bold] {plain(one.key)}"
    for name, value in one.says.items():
        if value not in (None, [], {}):
            yield f"  {plain(name)}: {_words(value)}"
    yield "[bold]By these rules[/bold]"
    if found.code is not None:
        yield f"  {found.code.code}: a code of finding_codes.csv; source: {plain(found.code.source)}"
    for rule_id, row in found.rules:
        yield from _rule_lines(rule_id, row)
    yield "[bold]It rests on[/bold]"
    for record in found.records:
        yield from _record_lines(record)
    if found.decisions:
        yield "[bold]People decided[/bold]"
    for made in found.decisions:
        value = _words(dict(made.value))
        yield f"  {made.decided_at:%Y-%m-%d %H:%M %Z} {plain(made.actor)}: {made.code} {value}. {plain(made.reason)}"


def _rule_lines(rule_id: str, row: BookRow | None) -> Iterator[str]:
    if row is None:
        yield f"  {plain(rule_id)}: in no table"
        return
    standing = "verified" if row.verified else "[yellow]not verified[/yellow]"
    yield f"  {rule_id} ({standing}): {plain(row.sentence)}"
    yield f"    {row.table}; source: {plain(row.source)}"
    for one in row.limits:
        yield f"    with {one.name} = {one.value} {one.unit}; source: {plain(one.source)}"


def _record_lines(record: CitedRecord) -> Iterator[str]:
    if record.evidence is None:
        yield f"  {plain(record.ref)}, no longer the version that counts"
        return
    learned = f"{record.evidence.learned_at:%Y-%m-%d %H:%M %Z}"
    organization = plain(record.evidence.organization or "an organization not named")
    yield f"  {plain(record.ref)} of {organization}, learned {learned}"
    for path, values in record.says:
        yield f"    {path}: {', '.join(_words(one) for one in values)}"


def _words(value: Json) -> str:
    return plain(value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False))
