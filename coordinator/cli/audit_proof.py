"""`coordinator audit verify|head|export|key`: that the log is whole, shown to whoever asks."""

import zipfile
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from coordinator.audit import (
    BadHead,
    Checked,
    Filter,
    Happening,
    StoredHead,
    audit_row,
    bundle,
    check_log,
    narrowed,
    question_of,
    read_verifier,
)
from coordinator.bootstrap import HeadKey, Product, head_desk_of, head_keys_of
from coordinator.cli.output import plain, print_json, print_text, say, show_table
from coordinator.cli.session import FAILED, AsJson, Session, WrongWord, with_product
from coordinator.errors import InvalidInput
from coordinator.fhir import Json

keys = typer.Typer(no_args_is_help=True)

_FromHead = Annotated[
    list[Path] | None,
    typer.Option("--from-head", metavar="FILE", help="A head that was published earlier; may be given again."),
]


def verify(
    context: typer.Context,
    from_head: _FromHead = None,
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="A key that the log is known by, in place of those that are here."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Hold the whole log against itself and its signed heads; say what was done to it, and where.

    What stood in the log when a head was published can't be changed, removed, swapped, cut off or written anew without
    this command telling, with that head, by name and place. The exit code is then 1.
    """
    notes = [_text(one) for one in from_head or ()]

    async def work(opened: Product, _actor: str) -> Checked:
        try:
            verifiers = [read_verifier(one) for one in key or ()] or head_keys_of(opened.settings).verifiers()
        except BadHead:
            raise WrongWord("--key is no key of a log.", hint="`coordinator audit key list` shows them.") from None
        async with opened.store.transaction() as tx:
            return await check_log(tx.audit, verifiers, beside=notes)

    found = with_product(context, work)
    if as_json:
        print_json(_checked(found))
    else:
        _tell(found)
    if found.wrong:
        raise typer.Exit(FAILED)


def _checked(found: Checked) -> Json:
    return {
        "ok": not found.wrong,
        "size": found.size,
        "root": found.root.hex(),
        "pruned": found.pruned,
        "heads": {"checked": found.heads, "proven": found.proven},
        "wrong": [
            {"what": one.what.name.lower(), "first": one.first, "last": one.last, "sentence": one.sentence}
            for one in found.wrong
        ],
    }


def _tell(found: Checked) -> None:
    if found.wrong:
        for one in found.wrong:
            say(f"[red]{one.what.name.lower()}[/red]: {plain(one.sentence)}")
        return
    say(f"The log is whole: {found.size} events, {found.pruned} of them pruned, proven by {found.proven} signed heads.")
    if not found.heads:
        say("No head is signed yet: `coordinator audit head` signs one.")


def head(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Sign and publish a head where anything has come since the last one; print the last, a text to keep elsewhere."""

    async def work(opened: Product, _actor: str) -> StoredHead | None:
        await head_desk_of(opened.settings, opened.store, opened.clock).sign()
        async with opened.store.transaction() as tx:
            return await tx.audit.last_head()

    found = with_product(context, work)
    if found is None:
        raise InvalidInput("The log is empty: there is nothing to sign.", operation="sign head")
    if as_json:
        told: dict[str, Json] = {"size": found.size, "root": found.root.hex(), "time": found.at.isoformat()}
        print_json({**told, "note": found.note})
    else:
        print_text(found.note.removesuffix("\n"))


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle to write, a ZIP file.")],
    what: Annotated[str, typer.Option(metavar="WHAT", help="A saved question; default all events.")] = "all",
    *,
    person: Annotated[str, typer.Option(metavar="ID", help="Only about this person: the whole id.")] = "",
    actor: Annotated[str, typer.Option(metavar="WHO", help="Only what this actor did.")] = "",
    ehr: Annotated[str, typer.Option(metavar="NAME", help="Only what concerns this EHR.")] = "",
    from_head: _FromHead = None,
    _proof: Annotated[
        bool, typer.Option("--proof", metavar="", help="Said for clearness: a bundle holds proofs.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Write events with the proof that they are what was logged, and a small program that checks it anywhere.

    Without a question the bundle holds the whole log, and so shows that nothing is missing. That it was exported is
    itself an event, the last one before the head of the bundle.
    """
    notes = [_text(one) for one in from_head or ()]
    given = Filter(person=person or None, actor=actor or None, ehr=ehr or None)

    async def work(opened: Product, asker: str) -> tuple[int, dict[str, bytes]]:
        now = opened.clock.now()
        try:
            asked = narrowed(question_of(what), given, now=now)
        except InvalidInput as problem:
            raise WrongWord(str(problem), hint=problem.hint) from None
        async with opened.store.transaction() as tx:
            await tx.audit.append([audit_row(_export(what, given, asker, now))])
        await head_desk_of(opened.settings, opened.store, opened.clock).sign()
        async with opened.store.transaction() as tx:
            last = await tx.audit.last_head()
            events = await tx.audit.events(0, await tx.audit.size()) if what == "all" else await tx.audit.page(asked)
            verifiers = head_keys_of(opened.settings).verifiers()
            if last is None:
                raise InvalidInput("The log is empty: there is nothing to export.", operation="export audit")
            try:
                return len(events), await bundle(tx.audit, events, last, verifiers=verifiers, earlier=notes)
            except BadHead:
                raise WrongWord("--from-head is no head that a key of ours signed.") from None

    count, files = with_product(context, work)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(zipfile.ZipInfo(name), content)
    if as_json:
        print_json({"events": count, "file": str(file)})
    else:
        say(f"{count} events are in {plain(file)}; `python verify.py {plain(file)}` checks them (verify.py is inside).")


def _export(what: str, given: Filter, asker: str, now: datetime) -> Happening:
    return Happening(
        kind="export", at=now, actor=asker, recipient=asker, subject=f"audit log: {what}", person=given.person
    )


@keys.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the keys: the word by which each is known to those who check, and whether it signs."""
    rows: list[dict[str, Json]] = [
        {"key": one.id, "created": one.created, "signs": one.seed is not None, "word": one.verifier.text}
        for one in head_keys_of(_session(context).settings).all()
    ]
    if as_json:
        print_json(list[Json](rows))
    else:
        columns = ("key", "created", "signs", "word")
        show_table("Keys of the audit log", columns, [[str(row[name]) for name in columns] for row in rows])


@keys.command()
def rotate(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Make the next key: from now on heads carry both signatures, until the old key is retired."""

    async def work(opened: Product, actor: str) -> HeadKey:
        held, now = head_keys_of(opened.settings), opened.clock.now()
        async with opened.store.transaction() as tx:
            held.signers(now=now)
            made = held.add(now=now)
            subject = f"audit key rotate {made.id}"
            await tx.audit.append([audit_row(Happening(kind="configuration", at=now, actor=actor, subject=subject))])
        await head_desk_of(opened.settings, opened.store, opened.clock).sign()
        return made

    made = with_product(context, work)
    if as_json:
        print_json({"key": made.id, "word": made.verifier.text})
    else:
        say(f"Key {made.id} signs beside the old one. Tell those who check the log its word:")
        print_text(made.verifier.text)


@keys.command()
def retire(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The id that the list shows.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Delete the private half of an old key; heads that it signed are still checked."""

    async def work(opened: Product, actor: str) -> None:
        now = opened.clock.now()
        async with opened.store.transaction() as tx:
            subject = f"audit key retire {key}"
            await tx.audit.append([audit_row(Happening(kind="configuration", at=now, actor=actor, subject=subject))])
            head_keys_of(opened.settings).retire(key)

    with_product(context, work)
    if as_json:
        print_json({"retired": key})
    else:
        say(f"Key {plain(key)} signs no more.")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        raise WrongWord(f"{file} can't be read.", hint="Give the file in which a published head is kept.") from None


def _session(context: typer.Context) -> Session:
    found: Session = context.obj
    return found
