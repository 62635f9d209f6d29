"""Where private addresses are not allowed, no name leads to one."""

import asyncio

import httpcore
import httpx
import pytest

from coordinator.ehr.exchange import Again, Asked
from coordinator.ehr.network import GuardedTransport, NoSuchHost, PrivateAddress, PublicOnly, is_public, look_up
from coordinator.ehr.wire import MOST_CONNECTIONS, HttpWire, Limits, open_wire
from tests.unit.ehr.test_wire import crowded

SAID = [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b"{}"]
GET = Asked(method="GET", url="http://ehr.test/fhir", place="x")

PRIVATE = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104
    *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1"),
    *("::ffff:127.0.0.1", "64:ff9b::10.0.0.1", "2002:0a00:0001::1", "no address", ""),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_a_private_network_is_not_public_in_any_wrapping(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:0808:0808::1"]
)
def test_an_address_of_the_open_internet_is_public(address):
    assert is_public(address)


class Dialled(httpcore.AsyncMockBackend):
    """A network that takes note of what is called, and does not answer at some addresses."""

    def __init__(self, *, silent: tuple[str, ...] = ()):
        super().__init__(SAID)
        self.called: list[str] = []
        self.silent = silent

    async def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):  # noqa: ASYNC109
        self.called.append(host)
        if host in self.silent:
            raise httpcore.ConnectTimeout("silent")
        return await super().connect_tcp(host, port)


def named(*addresses):
    async def answer(host, port):
        return addresses

    return answer


async def carried(below, look, asked=GET):
    transport = GuardedTransport(connections=2, below=below, look_up=look)
    async with httpx.AsyncClient(transport=transport) as client:
        return await HttpWire(client, limits=Limits(seconds=5))(asked)


async def test_what_was_looked_up_and_checked_is_what_is_called():
    """A second look could give another address."""
    below = Dialled()
    told = await carried(below, named("8.8.8.8", "8.8.4.4"))
    assert (told.body, below.called) == (b"{}", ["8.8.8.8"])


async def test_the_next_address_is_tried_where_the_first_is_silent():
    below = Dialled(silent=("8.8.8.8",))
    told = await carried(below, named("8.8.8.8", "8.8.4.4"))
    assert (told.body, below.called) == (b"{}", ["8.8.8.8", "8.8.4.4"])


async def test_where_all_are_silent_nothing_was_sent():
    told = await carried(Dialled(silent=("8.8.8.8",)), named("8.8.8.8"))
    assert (told.reason, told.sent) == ("can't connect in time", False)


@pytest.mark.parametrize("addresses", [("10.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("::1",)])
async def test_a_public_name_that_leads_to_a_private_address_is_not_called_at_all(addresses):
    below = Dialled()
    told = await carried(below, named(*addresses))
    assert (told.sent, told.again, below.called) == (False, Again.NEVER, [])
    assert "private network" in told.reason
    assert "--private-network" in told.hint


async def test_a_name_without_any_address_leads_nowhere():
    with pytest.raises(NoSuchHost):
        await PublicOnly(Dialled(), look_up=named()).connect_tcp("ehr.test", 80)


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "127.1", "0x7f.0.0.1", "localhost"])
async def test_this_machine_is_private_under_each_of_its_names(host):
    """The system's own look-up reads numbers that no check of text would know."""
    with pytest.raises(PrivateAddress):
        await PublicOnly(Dialled()).connect_tcp(host, 80)


async def test_names_are_looked_up_by_the_system():
    assert "127.0.0.1" in await look_up("localhost", 80)
    with pytest.raises(NoSuchHost):
        await look_up("no-such-host.invalid", 80)
    with pytest.raises(NoSuchHost):
        await look_up("a" * 300, 80)


async def test_a_wire_for_public_addresses_does_not_reach_this_machine():
    reached = asyncio.Event()
    server = await asyncio.start_server(lambda *_: reached.set(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_wire(private_network=False) as wire:
        told = await wire(Asked(method="GET", url=f"http://localhost:{port}/", place="x"))
    assert (told.sent, reached.is_set()) == (False, False)


class Broken(httpcore.AsyncMockBackend):
    """A network whose streams end before the answer does."""

    def __init__(self, *said):
        super().__init__(list(said))


@pytest.mark.parametrize(("said", "word"), [((SAID[0],), "broken off"), ((b"",), "")])
async def test_trouble_below_has_the_names_that_the_wire_knows(said, word):
    told = await carried(Broken(*said), named("8.8.8.8"))
    assert getattr(told, "fault", "") == word
    assert getattr(told, "sent", True)


class Here(httpcore.AnyIOBackend):
    """A network in which every address is this machine."""

    async def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):  # noqa: ASYNC109
        return await super().connect_tcp("127.0.0.1", port, timeout=timeout)


async def test_at_most_eight_connections_are_open_at_once_to_a_public_address_too():
    async with crowded() as (url, counted):
        asked = Asked(method="GET", url=url.replace("127.0.0.1", "ehr.test"), place="x")
        transport = GuardedTransport(connections=MOST_CONNECTIONS, below=Here(), look_up=named("8.8.8.8"))
        async with httpx.AsyncClient(transport=transport) as client:
            wire = HttpWire(client, limits=Limits(seconds=5))
            told = await asyncio.gather(*(wire(asked) for _ in range(30)))
    assert [one.body for one in told] == [b"{}"] * 30
    assert counted() == MOST_CONNECTIONS


async def test_another_protocol_is_not_spoken():
    told = await carried(Dialled(), named("8.8.8.8"), Asked(method="GET", url="ftp://ehr.test/", place="x"))
    assert (told.sent, told.again) == (False, Again.NEVER)


async def test_waiting_is_left_to_what_is_below():
    waited = []

    class Below(Dialled):
        async def sleep(self, seconds):
            waited.append(seconds)

    await PublicOnly(Below()).sleep(0.5)
    assert waited == [0.5]
