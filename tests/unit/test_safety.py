"""Production refuses what is unsafe, with what to do; elsewhere the doctor tells the same."""

from dataclasses import replace

import pytest

from coordinator.bootstrap import place_of, unsafe_settings, unsafe_tenant
from coordinator.bootstrap.product import read_started
from coordinator.bootstrap.safety import refuse_unsafe
from coordinator.cli.doctor_checks import State, safety_lines
from coordinator.errors import ConfigurationError
from coordinator.sandbox.memory_store import MemoryStore
from coordinator.settings import Settings
from coordinator.sync.records import EhrConnection
from coordinator.sync.tenant import Tenant, read_tenant

DRAWN = "dGhlIHB1cnBsZSBkb29y"


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys" / "k.jwk.json").write_text("{}")
    folder.chmod(0o700)
    (folder / "keys").chmod(0o700)
    (folder / "keys" / "k.jwk.json").chmod(0o600)
    return folder


def settings(home, *, url="", production=True):
    return Settings(home=home, database_url=url, production=production, master_key=home / "master")


def test_what_is_for_us_alone_is_safe(home):
    assert list(unsafe_settings(settings(home))) == []


@pytest.mark.parametrize(("path", "mode"), [("", 0o750), ("keys/k.jwk.json", 0o640)])
def test_what_others_may_read_does_not_start_in_production(home, path, mode):
    (home / path).chmod(mode)
    with pytest.raises(ConfigurationError, match=r"Production does not start: Others may") as refused:
        place_of(settings(home))
    assert "chmod" in refused.value.hint
    place_of(settings(home, production=False))


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("postgresql://coordinator:coordinator@db/c", "everybody knows"),
        ("postgresql://somebody:PostGres@db/c", "everybody knows"),
        ("postgres://u-7:u-7@db/c", "everybody knows"),
        ("postgresql://u:change%2Dme@db/c", "everybody knows"),
        ("postgresql://u:@db/c", "is empty"),
        ("postgresql://u@db.example/c", "names no password"),
    ],
)
def test_a_password_that_is_none_does_not_start_in_production(home, url, what):
    with pytest.raises(ConfigurationError, match=what) as refused:
        place_of(settings(home, url=url))
    assert "COORDINATOR_DATABASE_URL_FILE" in refused.value.hint
    place_of(settings(home, url=url, production=False))


@pytest.mark.parametrize(
    "url",
    [
        *(f"postgresql://u:{DRAWN}@db/c", "postgresql:///c?host=/run/postgresql", "postgresql://u@localhost/c"),
        *("host=db password=x", "postgresql://u@db/c?passfile=/run/secrets/pass", "postgresql://[u"),
    ],
)
def test_a_password_that_is_drawn_or_kept_elsewhere_is_taken(home, url):
    assert list(unsafe_settings(settings(home, url=url))) == []


def test_a_database_of_its_own_needs_a_master_key_that_is_named(home):
    """One that was made on the way would be lost with this machine, and with it all that is sealed."""
    url = f"postgresql://u:{DRAWN}@db/c"
    with pytest.raises(ConfigurationError, match="must be named") as refused:
        place_of(replace(settings(home, url=url), master_key=None))
    assert "COORDINATOR_MASTER_KEY_FILE" in refused.value.hint
    place_of(replace(settings(home, url=url, production=False), master_key=None))
    place_of(replace(settings(home), master_key=None))
    place_of(settings(home, url=url))


def an_ehr(url, *, private=False):
    return EhrConnection(name="iop", url=url, organization="iop", private_network=private)


@pytest.mark.parametrize(
    ("url", "private", "is_safe"),
    [
        ("https://ehr.example/fhir", False, True),
        ("http://ehr.example/fhir", False, False),
        ("http://10.1.1.1/fhir", False, False),
        ("http://10.1.1.1/fhir", True, True),
        ("http://127.0.0.1:8080/fhir", False, True),
        ("http://localhost/fhir", False, True),
        ("file:", False, True),
    ],
)
async def test_http_to_an_ehr_elsewhere_starts_only_where_somebody_allowed_it(home, url, private, is_safe):
    store = MemoryStore()
    async with store.transaction() as tx:
        await tx.registry.put_ehr(an_ehr(url, private=private))
        if not is_safe:
            with pytest.raises(ConfigurationError, match="in clear over http"):
                await read_started(tx, settings(home))
        else:
            await read_started(tx, settings(home))
        await read_started(tx, settings(home, production=False))


async def a_tenant() -> Tenant:
    store = MemoryStore()
    async with store.transaction() as tx:
        return await read_tenant(tx)


async def test_the_clock_of_a_sandbox_does_not_start_in_production():
    tenant = replace(await a_tenant(), control="http://127.0.0.1:1/control")
    with pytest.raises(ConfigurationError, match="sandbox") as refused:
        refuse_unsafe(unsafe_tenant(tenant, []))
    assert "--tenant" in refused.value.hint


def test_more_than_one_thing_is_counted(home):
    home.chmod(0o755)
    with pytest.raises(ConfigurationError) as refused:
        place_of(settings(home, url="postgresql://u:@db/c"))
    assert refused.value.hint.endswith("There is 1 more: `coordinator doctor` tells.")


@pytest.mark.parametrize(("is_production", "state"), [(True, State.FAIL), (False, State.WARN)])
def test_the_doctor_tells_the_same_in_development(home, is_production, state):
    home.chmod(0o755)
    unsafe = [(one.what, one.cure) for one in unsafe_settings(settings(home))]
    (line,) = safety_lines(unsafe, is_production=is_production)
    assert (line.area, line.state) == ("safety", state)
    assert "chmod 700" in line.cure
