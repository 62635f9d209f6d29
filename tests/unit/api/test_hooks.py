"""The route that EHRs call: it wakes a pull, believes nothing in the body, and tells strangers nothing."""

import httpx
import pytest

from coordinator.api import create_app, hook_routes


class Woken:
    """Notes what was woken; `iop` of tenant `t` has the secret `right`."""

    def __init__(self):
        self.calls = []

    async def wake(self, tenant, ehr, secret):
        self.calls.append((tenant, ehr, secret))
        return (tenant, ehr, secret) == ("t", "iop", "right")


async def called(woken, path="/hooks/t/iop", *, method="POST", content=b"", **headers):
    transport = httpx.ASGITransport(app=create_app(hook_routes(woken)))
    async with httpx.AsyncClient(transport=transport, base_url="http://us.test") as client:
        return await client.request(method, path, content=content, headers=headers)


@pytest.mark.parametrize("content", [b"", b"{", b'{"resourceType":"Bundle"}'], ids=["empty", "broken", "a Bundle"])
async def test_a_call_with_the_secret_wakes_whatever_its_body_says(content):
    woken = Woken()
    answer = await called(woken, content=content, **{"X-Coordinator-Hook": "right"})
    assert (answer.status_code, answer.content, woken.calls) == (204, b"", [("t", "iop", "right")])


STRANGERS = {
    "no secret": ("/hooks/t/iop", {}),
    "an empty secret": ("/hooks/t/iop", {"X-Coordinator-Hook": ""}),
    "another secret": ("/hooks/t/iop", {"X-Coordinator-Hook": "guessed"}),
    "another EHR": ("/hooks/t/other", {"X-Coordinator-Hook": "right"}),
    "another tenant": ("/hooks/u/iop", {"X-Coordinator-Hook": "right"}),
}


@pytest.mark.parametrize(("path", "headers"), STRANGERS.values(), ids=STRANGERS)
async def test_strangers_are_all_told_the_same(path, headers):
    answer = await called(Woken(), path, **headers)
    assert (answer.status_code, answer.json()["resourceType"]) == (404, "OperationOutcome")


async def test_a_secret_of_any_length_is_no_secret():
    answer = await called(Woken(), **{"X-Coordinator-Hook": "x" * 5000})
    assert answer.status_code == 400


async def test_only_a_post_is_a_call():
    assert (await called(Woken(), method="GET", **{"X-Coordinator-Hook": "right"})).status_code == 405
