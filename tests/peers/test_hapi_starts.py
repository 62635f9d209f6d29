"""The peer itself: before a story is told on it, it must be the server we think it is."""

import httpx
import pytest

pytestmark = pytest.mark.peer


def test_hapi_says_it_is_an_r4_server(hapi: str):
    statement = httpx.get(f"{hapi}/metadata", timeout=30).json()
    assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")


def test_hapi_keeps_versions_and_refuses_a_stale_update(hapi: str):
    """Writes with If-Match rest on this: 412 and the older version is not overwritten."""
    organization = {"resourceType": "Organization", "id": "house-check", "name": "First name"}
    place = f"{hapi}/Organization/house-check"
    httpx.put(place, json=organization, timeout=30).raise_for_status()
    httpx.put(place, json=organization | {"name": "Second name"}, timeout=30).raise_for_status()

    stale = httpx.put(place, json=organization | {"name": "Third name"}, headers={"If-Match": 'W/"1"'}, timeout=30)

    now = httpx.get(place, timeout=30).json()
    assert (stale.status_code, now["name"], now["meta"]["versionId"]) == (412, "Second name", "2")
