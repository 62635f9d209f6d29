"""`coordinator ehr`: connect EHRs, see what each can do, and let go of them."""

from pathlib import Path
from typing import Annotated

import typer

from coordinator.access import recipient_types
from coordinator.bootstrap import Product, keys_of
from coordinator.cli.ehr_check import check
from coordinator.cli.ehr_lanes import lane
from coordinator.cli.ehr_pace import read_pace
from coordinator.cli.ehr_state import state_of
from coordinator.cli.ehr_subscribe import subscribe_, unsubscribe_
from coordinator.cli.ehr_words import (
    Address,
    Held,
    read_address,
    read_identifier,
    read_mapping,
    read_options,
    read_pulling,
    read_roster,
    read_sign_in,
    read_smart,
    read_tls,
)
from coordinator.cli.output import plain, print_json, rows_of, say, show_table
from coordinator.cli.session import AsJson, Session, WrongWord, with_product
from coordinator.ehr import KeyFolder
from coordinator.errors import InvalidInput
from coordinator.fhir import Json
from coordinator.reconcile import Organization
from coordinator.settings import Settings
from coordinator.sync.connections import (
    Holder,
    Registration,
    add_ehr,
    check_name,
    is_file_only,
    remove_ehr,
)
from coordinator.sync.records import EhrConnection, SmartAuth
from coordinator.sync.work.records import PauseKind

app = typer.Typer(no_args_is_help=True)
app.command("check")(check)
app.command("lane")(lane)
app.command("subscribe")(subscribe_)
app.command("unsubscribe")(unsubscribe_)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The name by which every command speaks of this EHR.")]
_Url = Annotated[
    str, typer.Argument(metavar="URL", help="The FHIR base, https://ehr.example.org/fhir; `file:` for files.")
]
_Organization = Annotated[str, typer.Option(metavar="KEY", help="Whose records it holds; default NAME.")]
_Called = Annotated[str, typer.Option("--name", metavar="TEXT", help="The organization's name.")]
_Identifier = Annotated[str, typer.Option(metavar="SYSTEM|VALUE", help="The identifier by which consents name it.")]
_Part2 = Annotated[
    bool | None, typer.Option("--part2/--no-part2", metavar="", help="Under 42 CFR Part 2; unsaid counts as yes.")
]
_Roster = Annotated[str, typer.Option(metavar="all|group:ID|file:F", help="The patients whom we may ask for.")]
_Smart = Annotated[
    str | None,
    typer.Option(
        metavar="CLIENT[,key=K][,scopes=A B|v1|v2][,token=URL][,aud=token|issuer|base|URL][,jwks=URL][,method=M]",
        help="Sign in by SMART Backend Services.",
    ),
]
_SignIn = Annotated[
    str | None,
    typer.Option(metavar="basic:USER|bearer[,secret=NAME]", help="Sign in without SMART, as test servers want it."),
]
_Tls = Annotated[
    str | None,
    typer.Option(metavar="ca=FILE[,cert=FILE,key=FILE]", help="An issuer to trust here, a certificate to show (mTLS)."),
]
_Mapping = Annotated[Path | None, typer.Option(metavar="FILE.csv", help="How enrollment and levels show there.")]
_Storable = Annotated[list[str] | None, typer.Option(metavar="TYPE.PATH=V,…", help="The only values it holds there.")]
_Allow = Annotated[list[str] | None, typer.Option(metavar="TYPE.FACT", help="It can, though it does not say so.")]
_Deny = Annotated[list[str] | None, typer.Option(metavar="TYPE.FACT", help="It can't, though it says so.")]
_Search = Annotated[list[str] | None, typer.Option(metavar="TYPE?QUERY", help="What a search there needs.")]
_FullEvery = Annotated[int | None, typer.Option(metavar="HOURS", help="Compare in full after this time; 0: always.")]
_SearchBy = Annotated[str, typer.Option(metavar="get|post", help="How it wants to be searched; POST where GET fails.")]
_FileHost = Annotated[list[str] | None, typer.Option(metavar="HOST", help="Where else files of its exports lie.")]
_CsvMap = Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Which column of its CSV is which element.")]
_Every = Annotated[int | None, typer.Option(metavar="SECONDS", min=1, help="How often workers pull; default 300.")]
_ExportEvery = Annotated[
    int | None,
    typer.Option(metavar="HOURS", min=1, help="Pull by a bulk export this often, and by fast lanes between."),
]
_Budget = Annotated[str, typer.Option(metavar="minute=N,day=N,HH-HH=N", help="Most requests in that time, of us all.")]
_Private = Annotated[bool, typer.Option("--private-network", metavar="", help="Its network is closed to others.")]
_Replace = Annotated[bool, typer.Option("--replace", metavar="", help="Change the connection that has this name.")]


def _type_of(word: str | None) -> str | None:
    """Return a type of recipient. Raises WrongWord for one that the table lacks."""
    if word is not None and word not in recipient_types():
        raise WrongWord(f"There is no type of recipient {word!r}.", hint=f"There are: {', '.join(recipient_types())}.")
    return word


_RecipientType = Annotated[
    str | None,
    typer.Option(
        "--recipient-type",
        metavar="TYPE",
        callback=_type_of,
        help="What the organization is to the law, such as payer; unsaid: a provider or program.",
    ),
]
_COLUMNS = ("name", "url", "organization", "part2", "roster", "smart", "checked", "paused", "state")


@app.command()
def add(
    context: typer.Context,
    name: _Name,
    url: _Url,
    *,
    organization: _Organization = "",
    called: _Called = "",
    identifier: _Identifier = "",
    part2: _Part2 = None,
    type_: _RecipientType = None,
    roster: _Roster = "all",
    smart: _Smart = None,
    sign_in: _SignIn = None,
    tls: _Tls = None,
    mapping: _Mapping = None,
    storable: _Storable = None,
    allow: _Allow = None,
    deny: _Deny = None,
    search: _Search = None,
    full_every: _FullEvery = None,
    search_by: _SearchBy = "get",
    file_host: _FileHost = None,
    csv_map: _CsvMap = None,
    every: _Every = None,
    export_every: _ExportEvery = None,
    budget: _Budget = "",
    private_network: _Private = False,
    replace: _Replace = False,
    as_json: AsJson = False,
) -> None:
    """Register an EHR and the organization whose records it holds.

    Whether that organization is a program under 42 CFR Part 2 decides what may leave it: where nobody says, it counts
    as one. An EHR without a server that we may ask is added as `file:` and fed with `coordinator import`.
    """
    settings = _settings(context)
    address = read_address(url, production=settings.production, private_network=private_network)
    listed, patients = read_roster(roster)
    connection = EhrConnection(
        name=_named(name, "NAME"),
        url=address.url,
        organization=_named(organization or name, "--organization"),
        roster=listed,
        patients=patients,
        smart=_smart(smart, settings, private_network=private_network),
        mapping=read_mapping(mapping) if mapping else (),
        private_network=address.private,
        options={
            **read_options(storable=storable or (), allow=allow or (), deny=deny or (), search=search or ()),
            **read_pulling(full_every=full_every, search_by=search_by, file_hosts=file_host or (), csv_map=csv_map),
            **read_pace(every=every, budget=budget, export_every=export_every),
            **_secure(sign_in, tls, settings, is_smart=smart is not None),
        },
    )
    holder = _holder(connection.organization, called, identifier=identifier, part2=part2, type_=type_)
    registered = _registered(context, Registration(connection=connection, holder=holder, may_replace=replace))
    if as_json:
        print_json({**_row(connection, registered), "remark": address.remark})
    else:
        _tell_added(connection, registered, address)


def _holder(key: str, called: str, *, identifier: str, part2: bool | None, type_: str | None) -> Holder:
    named = read_identifier(identifier) if identifier else None
    return Holder(key=key, name=called or None, identifier=named, part2=part2, type=type_)


def _registered(context: typer.Context, asked: Registration) -> Organization:
    async def work(opened: Product, actor: str) -> Organization:
        async with opened.store.transaction() as tx:
            return await add_ehr(tx, asked, actor=actor, now=opened.clock.now())

    return with_product(context, work)


@app.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the registered EHRs."""

    async def work(opened: Product, _actor: str) -> list[dict[str, Json]]:
        async with opened.store.transaction() as tx:
            known = opened.tenant.organizations
            troubles, pauses = await tx.troubles.troubles(), await tx.pauses.pauses()
            paused = {one.name: one.reason for one in pauses if one.kind is PauseKind.EHR}
            return [
                {
                    **_row(one, known.get(one.organization)),
                    "paused": paused.get(one.name, ""),
                    **state_of(one.name, troubles, pauses),
                }
                for one in await tx.registry.ehrs()
            ]

    rows = with_product(context, work)
    if as_json:
        print_json(list[Json](rows))
    else:
        flags = ("part2", "checked")
        shown = [{**row, **{name: "yes" if row[name] else "no" for name in flags}} for row in rows]
        show_table("EHRs", _COLUMNS, rows_of(shown, _COLUMNS))


@app.command()
def remove(context: typer.Context, name: _Name, *, as_json: AsJson = False) -> None:
    """Forget a connection: nothing is asked of this EHR or sent there any more; what it sent stays as evidence."""

    async def work(opened: Product, actor: str) -> int:
        async with opened.store.transaction() as tx:
            return await remove_ehr(tx, name, actor=actor, now=opened.clock.now())

    kept = with_product(context, work)
    if as_json:
        print_json({"removed": name, "records_kept": kept})
    else:
        say(f"{plain(name)} is no longer asked. {kept} records that it sent stay as evidence, with their history.")


def _settings(context: typer.Context) -> Settings:
    session: Session = context.obj
    return session.settings


def _named(text: str, what: str) -> str:
    try:
        return check_name(text, what)
    except InvalidInput as problem:
        raise WrongWord(f"{what} can't be used.", hint=problem.hint) from None


def _smart(text: str | None, settings: Settings, *, private_network: bool) -> SmartAuth | None:
    if text is None:
        return None
    return read_smart(text, _held(settings), production=settings.production, private_network=private_network)


def _secure(sign_in: str | None, tls: str | None, settings: Settings, *, is_smart: bool) -> dict[str, Json]:
    if is_smart and sign_in:
        raise WrongWord("--smart and --sign-in exclude each other.", hint="An EHR that gives tokens wants --smart.")
    return {
        **({"sign_in": read_sign_in(sign_in, _held(settings))} if sign_in else {}),
        **({"tls": read_tls(tls)} if tls else {}),
    }


def _held(settings: Settings) -> Held:
    folder = KeyFolder(keys_of(settings))
    return Held(keys=tuple(folder.known()), secrets=tuple(folder.secrets()))


def _row(connection: EhrConnection, organization: Organization | None) -> dict[str, Json]:
    return {
        "name": connection.name,
        "url": connection.url,
        "organization": connection.organization,
        "part2": organization.part2 if organization else True,
        "roster": connection.roster,
        "patients": len(connection.patients) if connection.patients else None,
        "smart": connection.smart.client_id if connection.smart else None,
        "checked": bool(connection.profile),
    }


def _tell_added(connection: EhrConnection, organization: Organization, address: Address) -> None:
    if address.remark:
        say(plain(address.remark))
    under = "a program under 42 CFR Part 2" if organization.part2 else "not under 42 CFR Part 2"
    say(f"{connection.name} is registered; it holds the records of {plain(organization.name)}, {under}.")
    if not all(organization.identifier):
        say("Its organization has no identifier: no consent can name it until --identifier is given (with --replace).")
    if is_file_only(connection):
        say(f"Next: `coordinator import FILE.ndjson --ehr {connection.name}`.")
    else:
        say(f"Next: `coordinator ehr check {connection.name}`, then `coordinator sync`.")
