"""What is wrong with the database is said in one sentence, with a hint, and without a word of what is in it."""

import errno
import socket
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from coordinator.errors import ConfigurationError, StoreError
from coordinator.store import External, MasterKeyFile, open_store
from coordinator.store.embedded import using
from coordinator.store.failures import spoken, spoken_files
from coordinator.store.migrations import refuse_too_old
from tests.ports.rows import a_version


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("53100", "disk of the database is full"),
        ("53300", "no more connections"),
        ("53200", "out of memory"),
        ("28P01", "refused our user or password"),
        ("3D000", "no such database"),
        ("42501", "does not grant"),
        ("40P01", "got in each other's way"),
        ("57P01", "shutting down or starting"),
        ("57014", "took too long"),
        ("25006", "read-only"),
        ("58030", "can't use its files"),
        ("XX001", "damage"),
        ("22021", "can't hold a value"),
        ("23505", "breaks one of its rules"),
        ("42P01", "does not know what we ask"),
        ("0A000", "SQLSTATE 0A000"),
    ],
)
def test_each_state_has_its_sentence_and_hint(state, sentence):
    with pytest.raises(StoreError, match=sentence) as refused, spoken("receive"):
        raise psycopg.errors.lookup(state)("Key (id)=(Maria Reyes) already exists")
    assert refused.value.hint
    assert refused.value.operation == "receive"


def test_the_row_is_not_in_the_error_nor_in_its_cause():
    """What PostgreSQL says of a row names the row, and the row is about a person."""
    with pytest.raises(StoreError) as refused, spoken("receive"):
        raise psycopg.errors.UniqueViolation("Key (id)=(Maria Reyes) already exists")
    assert "Reyes" not in refused.value.sentence
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "can't be used"),
        (errno.EROFS, "read-only"),
        (errno.ENOTDIR, "not a folder"),
        (errno.EIO, "can't be used"),
    ],
)
def test_trouble_with_files_has_its_sentence(code, sentence):
    with pytest.raises(StoreError, match=sentence) as refused, spoken_files("start"):
        raise OSError(code, "said")
    assert refused.value.hint


def test_waiting_for_a_connection_in_vain_is_not_reaching_the_database():
    with pytest.raises(StoreError, match="can't be reached"), spoken("transaction"):
        raise PoolTimeout("30 s")


@pytest.mark.parametrize("server", [150004, 90624, 0])
def test_a_server_that_is_too_old_is_refused(server):
    with pytest.raises(StoreError, match="16 or newer") as refused:
        refuse_too_old(server)
    assert refused.value.hint


@pytest.mark.parametrize("server", [160000, 180004, 190000])
def test_a_server_that_is_new_enough_is_not_refused(server):
    refuse_too_old(server)


MASTER = MasterKeyFile(Path("never-read"))


async def _open(url):
    async with open_store(External(url=url, master=MASTER), "tenant"):
        pass


async def test_a_server_that_is_down_is_said_so():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(StoreError, match="can't be reached") as refused:
        await _open(f"postgresql://someone:secret@127.0.0.1:{port}/coordinator")
    assert "secret" not in refused.value.sentence


async def test_an_address_that_is_none_does_not_repeat_itself():
    with pytest.raises(ConfigurationError, match="can't be read") as refused:
        await _open("postgresql://someone:secret@[host")
    assert "secret" not in refused.value.sentence


@pytest.mark.parametrize(
    ("user", "password", "name", "sentence"),
    [
        ("coordinator_owner", "wrong", "coordinator", "refused our user or password"),
        ("nobody_we_know", "wrong", "coordinator", "refused our user or password"),
        ("coordinator_owner", None, "no_such_database", "no such database"),
    ],
)
async def test_a_wrong_key_or_name_is_said_so(database, user, password, name, sentence):
    with using(database.home) as found:
        url = f"postgresql://{user}:{password or found.password}@/{name}?host={found.host}"
        with pytest.raises(StoreError, match=sentence):
            await _open(url)


async def test_a_tenant_without_a_name_is_refused():
    with pytest.raises(ConfigurationError):
        async with open_store(External(url="postgresql://127.0.0.1/x", master=MASTER), ""):
            pass


async def test_what_the_block_raises_is_not_taken_for_the_database(postgres_store):
    with pytest.raises(OSError, match="unrelated"):
        async with postgres_store.transaction():
            raise OSError("unrelated")


async def test_a_text_that_no_database_holds_is_refused_and_nothing_is_written(postgres_store):
    with pytest.raises(StoreError) as refused:
        async with postgres_store.transaction() as tx:
            await tx.evidence.receive([a_version("o1"), a_version("Reyes\0")])
    assert "Reyes" not in refused.value.sentence
    async with postgres_store.transaction() as tx:
        assert await tx.evidence.counts() == {}
