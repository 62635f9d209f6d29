"""What tests of the store's own rules share: a look behind it, and waiting for what another process does."""

import threading
import time

import psycopg
import pytest

from coordinator.store.embedded import using


@pytest.fixture
def eventually():
    """Return what waits, for seconds at most, until something is so."""

    def wait(is_so, seconds=20.0):
        until = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < until, "it did not come to be so"
            threading.Event().wait(0.02)

    return wait


@pytest.fixture
def owner(database):
    """Return a connection of the schema's owner."""
    with (
        using(database.home) as found,
        psycopg.connect(
            host=found.host, user=found.user, password=found.password, dbname=found.dbname, autocommit=True
        ) as connection,
    ):
        connection.execute("set search_path to coordinator")
        yield connection
