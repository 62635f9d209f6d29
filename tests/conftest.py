"""The air that all tests breathe: loopback only, a clean environment, a zone that is not UTC."""

import ipaddress
import os
import sys
import time

import pytest

pytest_plugins = ["tests.peers.hapi_server", "tests.ports.database"]


def pytest_configure(config: pytest.Config) -> None:
    """Set the stage once per process: what a test may see of the machine."""
    for name in [name for name in os.environ if name.startswith("COORDINATOR_")]:
        del os.environ[name]
    os.environ["TZ"] = "America/Denver"  # code that takes local time for UTC shows itself here
    time.tzset()
    sys.addaudithook(_refuse_strangers)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all tests that share the real server in one worker."""
    for item in items:
        if item.get_closest_marker("peer"):
            item.add_marker(pytest.mark.xdist_group("peer"))


def _refuse_strangers(event: str, arguments: tuple[object, ...]) -> None:
    """Raise when anything connects to an address off this machine; unix sockets have no such address."""
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return
    host = str(arguments[1][0]).partition("%")[0]
    if host != "localhost" and not _is_loopback(host):
        message = f"a test tried to reach {host}: tests use loopback only"
        raise AssertionError(message)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
