"""What the HTTP door answers: whether the service works, and figures without anybody's identity."""

import httpx
import pytest

from coordinator.api import (
    LABELS,
    METRICS,
    Check,
    Sample,
    create_app,
    health_routes,
    key_routes,
    listening,
    metrics_routes,
)
from coordinator.errors import ConfigurationError, InvalidInput, StoreError


class Looks:
    """A health that says what it is told to."""

    def __init__(self, *checks: Check) -> None:
        self._checks = checks

    async def checks(self):
        return self._checks


class Counts:
    """Figures that are what they are told to be, or an error."""

    def __init__(self, *samples: Sample, error: Exception | None = None) -> None:
        self._samples, self._error = samples, error

    async def samples(self):
        if self._error:
            raise self._error
        return self._samples


def asking(*routers):
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(*routers)), base_url="http://service.test")


async def test_a_process_that_answers_is_alive_whatever_the_database_says():
    async with asking(health_routes(Looks(Check(name="database", is_good=False)))) as client:
        answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.parametrize(("is_good", "status"), [(True, 200), (False, 503)])
async def test_a_service_is_ready_where_every_check_is_good(is_good, status):
    checks = [Check(name="schema", is_good=True), Check(name="database", is_good=is_good, told="Start it.")]
    async with asking(health_routes(Looks(*checks))) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == status
    assert answer.json()["checks"][1] == {"name": "database", "good": is_good, "told": "Start it."}


async def test_metrics_carry_labels_of_the_closed_list_and_nothing_else():
    """Whatever a sample brings along, what is not in the table of metrics is not told."""
    labels = {"tenant": "1", "ehr": "north", "stage": "pull", "outcome": "done", "person": "jane-doe"}
    samples = [Sample(metric=name, value=1, labels=labels) for name in [*METRICS, "coordinator_secret"]]
    async with asking(metrics_routes(Counts(*samples))) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    told = [line for line in answer.text.splitlines() if not line.startswith("#")]
    named = {part.partition("=")[0] for line in told for part in line.partition("{")[2].partition("}")[0].split(",")}
    assert named == set(LABELS) == {"tenant", "ehr", "stage", "outcome"}
    assert {line.partition("{")[0] for line in told} == set(METRICS)
    assert "jane-doe" not in answer.text


async def test_trouble_of_the_store_is_an_outcome_and_no_trace():
    trouble = StoreError("The database can't be reached.", hint="Check that it runs.")
    async with asking(metrics_routes(Counts(error=trouble))) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 503
    assert answer.json()["issue"][0]["diagnostics"] == "The database can't be reached. Check that it runs."


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("POST", "/healthz", 405)])
async def test_what_is_not_there_is_told_as_an_outcome(method, path, status):
    async with asking(health_routes(Looks())) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")


async def test_the_door_answers_over_a_socket_until_its_block_ends():
    async with listening(create_app(health_routes(Looks())), "127.0.0.1:0") as place, httpx.AsyncClient() as client:
        answer = await client.get(f"http://{place.host}:{place.port}/healthz")
        with pytest.raises(ConfigurationError, match="can't be listened at"):
            async with listening(create_app(), f"127.0.0.1:{place.port}"):
                pass
    assert answer.status_code == 200


@pytest.mark.parametrize("address", ["", "8080", "here:", ":80", "here:many", "127.0.0.1:70000"])
async def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(InvalidInput, match="no address"):
        async with listening(create_app(), address):
            pass


# --- public keys ----------------------------------------------------------------------------------------------------


class Keys:
    """Keys that change when a test says so."""

    def __init__(self, *kids: str) -> None:
        self.kids = kids

    def jwks(self):
        return {"keys": [{"kid": kid, "kty": "EC"} for kid in self.kids]}


async def test_public_keys_may_be_kept_for_a_while_and_are_asked_anew_by_their_mark():
    keys = Keys("main")
    async with asking(key_routes(keys)) as client:
        first = await client.get("/.well-known/jwks.json")
        same = await client.get("/.well-known/jwks.json", headers={"if-none-match": first.headers["etag"]})
        keys.kids = ("main", "main-2")
        rotated = await client.get("/.well-known/jwks.json", headers={"if-none-match": first.headers["etag"]})
    assert first.json() == {"keys": [{"kid": "main", "kty": "EC"}]}
    assert first.headers["content-type"] == "application/json"
    assert first.headers["cache-control"] == "public, max-age=900"
    assert (same.status_code, same.content) == (304, b"")
    assert [key["kid"] for key in rotated.json()["keys"]] == ["main", "main-2"]


async def test_a_key_that_can_not_be_read_is_a_sentence_and_not_a_trace():
    class Broken:
        def jwks(self):
            raise ConfigurationError("The key file main.jwk.json can't be read.", hint="Restore it.")

    async with asking(key_routes(Broken())) as client:
        answer = await client.get("/.well-known/jwks.json")
    assert answer.status_code == 503
    assert "Restore it" in answer.json()["issue"][0]["diagnostics"]
