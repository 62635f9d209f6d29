"""What a thief of the database, or somebody who writes to it past us, gets: nothing to read, and nothing believed."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from coordinator.errors import ConfigurationError, RefusedByPolicy
from coordinator.store import (
    Embedded,
    MasterKeyFile,
    SealBroken,
    new_master_key,
    open_store,
    rewrap_keys,
    rotate_key,
    tenant_keys,
)
from coordinator.store.embedded import using
from coordinator.store.migrations import migrate, migrations
from coordinator.sync.records import Past, StoredAccount, StoredConsent
from tests.ports.rows import NOON, a_decision, a_finding, a_patient, a_version, an_intent, an_unread

SECRET = "Zuzanna"
COLUMNS = """
select table_name, column_name from information_schema.columns
 where table_schema = 'coordinator' and data_type in ('bytea', 'text', 'ARRAY')
   and table_name in (select table_name from information_schema.columns
                       where table_schema = 'coordinator' and column_name = 'tenant')
"""


async def kept(store):
    """Keep the secret in every place that holds what is known about people, and return what can be read of it again."""
    text = f'{{"says": "{SECRET}"}}'.encode()
    async with store.transaction() as tx:
        await tx.evidence.receive([replace(a_version(), body=text), a_patient()])
        await tx.pulls.quarantine([an_unread(body=text)])
        person = await tx.people.create()
        await tx.people.put_keys("north", "p1", [f"n|{SECRET}"])
        await tx.people.remember(Past(records=frozenset({"north/Patient/p1"}), person=person, shadows={"all": text}))
        await tx.accounts.put_account(StoredAccount(person=person, body=text, hash="h", reconciled_at=NOON))
        finding = a_finding(sentence=f"{SECRET} differs.", by=SECRET)
        await tx.accounts.put_findings(person, [replace(finding, suggestion=f"Ask {SECRET}.")], NOON)
        await tx.accounts.add_decision(person, replace(a_decision(end=SECRET), reason=f"{SECRET} said so."))
        await tx.accounts.put_shadow(person, "north", text, at=NOON)
        intent = an_intent(person=person, body=text, material=text)
        await tx.outbox.put_intents(person, "north", [replace(intent, summary=f"Tell {SECRET}.")], at=NOON)
        await tx.consents.put_consent(StoredConsent(consent_id="C-1", body=text, added_at=NOON))
    return person, await everything(store, person)


async def everything(store, person):
    async with store.transaction() as tx:
        return [
            await tx.evidence.latest([("north", "p1")]),
            await tx.pulls.quarantined(),
            await tx.people.with_keys([f"n|{SECRET}"]),
            await tx.people.pasts(person),
            await tx.accounts.account(person),
            await tx.accounts.findings(),
            await tx.accounts.decisions(person),
            await tx.accounts.shadows(person),
            await tx.accounts.shadows(person, known_at=NOON + timedelta(days=1)),
            await tx.outbox.entries(),
            await tx.consents.consents(),
        ]


def places_of(owner, tenant):
    """Return the columns in which the secret can be read."""
    found = set()
    for table, column in owner.execute(COLUMNS).fetchall():
        rows = owner.execute(f"select {column}::text, {column} from {table} where tenant = %s", [tenant]).fetchall()  # noqa: S608 - names of the catalog
        if any(
            SECRET in str(text) or SECRET.encode() in bytes(raw if isinstance(raw, bytes) else b"")
            for text, raw in rows
        ):
            found.add(f"{table}.{column}")
    return found


@pytest.fixture
def place(open_folder):
    """A database of its own: keys are changed only where no other program works."""
    home = open_folder / "home"
    with using(home, idle_seconds=1.0):
        yield Embedded(home=home, idle_seconds=1.0)


@pytest.fixture
def superuser(place):
    with using(place.home) as found, psycopg.connect(found.conninfo, autocommit=True) as connection:
        connection.execute("set search_path to coordinator")
        yield connection


async def test_nothing_of_a_person_can_be_read_in_any_column(postgres_store, owner, tenant, database):
    _, read = await kept(postgres_store)
    assert read[2] == {f"n|{SECRET}": [("north", "p1")]}
    assert all(SECRET in repr(one) for one in read)
    assert places_of(owner, tenant) == set()
    assert (database.home / "master.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "swap",
    [
        "update account set body = (select body from shadow where tenant = {0}) where tenant = {0}",
        "update account set body = '{{}}' where tenant = {0}",
        "update outbox set body = material where tenant = {0}",
        "update consent set consent_id = 'C-2' where tenant = {0}",
        "update shadow set view = 'south' where tenant = {0}",
        "update finding set sentence = suggestion where tenant = {0}",
        "update resource_version set body = (select body from account where tenant = {0}) where tenant = {0}",
        "update decision set key = 'another' where tenant = {0}",
    ],
)
async def test_what_was_written_past_us_is_refused_and_never_believed(postgres_store, owner, tenant, swap):
    person, _ = await kept(postgres_store)
    assert owner.execute(swap.format(f"'{tenant}'")).rowcount
    with pytest.raises(SealBroken):
        await everything(postgres_store, person)


async def test_a_new_key_seals_everything_anew_and_the_old_one_is_forgotten(place, superuser):
    async with open_store(place, "harbor") as store:
        person, before = await kept(store)
        with pytest.raises(RefusedByPolicy):
            await rotate_key(place, "harbor")
    old = superuser.execute("select body from account").fetchone()
    assert await rotate_key(place, "harbor") == 11
    assert [(one.number, one.is_current) for one in await tenant_keys(place, "harbor")] == [(2, True)]
    assert superuser.execute("select body from account").fetchone() != old
    async with open_store(place, "harbor") as store:
        assert await everything(store, person) == before


async def test_another_master_key_is_put_around_the_keys_and_the_first_opens_nothing_any_more(place, tmp_path):
    async with open_store(place, "harbor") as store:
        person, before = await kept(store)
    new_master_key(tmp_path / "other.key")
    assert await rewrap_keys(place, "harbor", MasterKeyFile(tmp_path / "other.key")) == 2
    with pytest.raises(ConfigurationError, match="another master key"):
        async with open_store(place, "harbor"):
            pass
    async with open_store(replace(place, master_key=tmp_path / "other.key"), "harbor") as store:
        assert await everything(store, person) == before


async def test_what_stood_plainly_before_there_were_seals_is_sealed_at_the_first_opening(place, superuser):
    seals = next(step.number for step in migrations() if "seals" in step.name)
    with using(place.home) as found:
        async with await psycopg.AsyncConnection.connect(found.conninfo, autocommit=True) as connection:
            await migrate(connection, migrations()[: seals - 1])
    superuser.execute("insert into person (tenant, person) values ('harbor', 'one')")
    superuser.execute(
        "insert into account (tenant, person, body, hash, reconciled_at) values ('harbor', 'one', %s, 'h', now())",
        [f'{{"says": "{SECRET}"}}'.encode()],
    )
    superuser.execute("insert into identity_key (tenant, key, ehr, patient) values ('harbor', %s, 'n', 'p')", [SECRET])
    async with open_store(place, "harbor") as store, store.transaction() as tx:
        account = await tx.accounts.account("one")
        assert await tx.people.with_keys([SECRET]) == {SECRET: [("n", "p")]}
    assert account is not None
    assert SECRET.encode() in account.body
    assert places_of(superuser, "harbor") == set()
